"""What the words of a question mean: one token for all forms and synonyms of a word, in English and Chinese."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.answers.comparison import HELD, TRAIN, compared
from trainadvisor.answers.figures import plain, spelled_out

if TYPE_CHECKING:
    from collections.abc import Iterator

CJK = "\u3400-\u9fff"
WORD = re.compile(rf"[a-z]+|[0-9]+(?:\.[0-9]+)?|[{CJK}]+")
ENDING = re.compile(r"(?<=...)(?:ings?|ies|ed|es|e|(?<!s)s|y)$")
DOUBLED = re.compile(r"(?<=..)([bdgmnprt])\1$")
IGNORED = """
    a an and are as at be been but by can could do does did for from get gets getting got had has have how i if in
    into is it its just keep keeps me my of on or our please so some that the their them then there
    they this to very was we were what when where while who why will with would you your always after about
    pls plz please thx thanks help anyone somebody guys hi hello
    simply here
    am model network neural pytorch torch problem really even ever still seem seems want wants like
"""
NEGATIONS = (
    "no not never nothing without cannot cant wont dont doesnt didnt isnt arent wasnt hasnt havent refuses refuse"
)
FILLERS = re.compile(
    "为什么|为啥|为何|咋整|咋弄|咋回事|啥情况|啥原因|什么情况|什么鬼|怎么破|在线等|求教|请教|救命|老铁|兄弟们|有人知道|有没有人|麻烦|谢谢|什么意思|是啥意思|怎么办|怎么样|怎么回事|怎么|怎样|如何|请问|什么|可以|应该|一直|老是|总是|始终|感觉|好像|有点|有些|特别|非常|"
    "还是|仍然|依然|依旧|合适|原因|解决|咋办|咋|这个|已经|但是|而且|因为|所以|我的|我们|一下|明显|显著|任何|迟迟|完全|根本|丝毫|并|您好|你好|博主|作者|楼主|神经网络|网络|模型|求助|求救|求解|大佬|大神|各位|新手|小白|看看|吗|呢|吧|啊|呀|嘛"
)
PARTICLES = re.compile("[的了有很太是在会就都也又还被把我它他们得着]")
DENIALS = re.compile("没有|没|不|无法|未")
NOT = "not"
IRREGULAR = {
    "going": "go", "goes": "go", "went": "go", "gone": "go", "rose": "rise", "fell": "fall", "grew": "grow",
    "blew": "blow", "froze": "freeze", "chose": "choose", "learnt": "learn", "learned": "learn", "became": "become",
}  # fmt: skip
# Of two opposites, a phrase that says one does not answer a question that says the other.
OPPOSITES = (
    ("rise", "fall"), ("rise", "stuck"), ("fall", "stuck"), ("low", "high"), ("overfit", "underfit"),
    ("overfit", "ahead"), ("slow", "faster"), ("varies", "same"), ("varies", "oneclass"),
)  # fmt: skip
CLAUSES = re.compile(
    r"[,;.?!，；。？！]\s|[，；。？！]|\b(?:but|while|yet|although|though|whereas)\b|但是|但|可是|而|却|不过|只是"
)
# What so many questions hold that it alone says nothing of what they are about.
GENERAL = frozenset({"=choose", "=training", "=same", "=low", "=high", "=data", NOT})
MOVES = frozenset({"=fall", "=rise", "=improve"})
FIGURES = frozenset(
    {"=loss", "=accuracy", "=reward", "=gradient", "=rate", "=poor"}
)  # what stays where it is, and does not hang
SHORTEST_MENDED, ALIKE = 5, 0.8
FURTHEST, SHARE = 2, 3  # letters that a mistyped word is longer or shorter at most, and one for each so many letters
ELSEWHERE = "=elsewhere"
# A figure that goes from one to another goes up or down; beyond this ratio it explodes.
FROM_TO = re.compile(r"(?:from|从)\s*(\d+(?:\.\d+)?)\s*(?:to|[^\d\s,，。]{0,4})\s*(\d+(?:\.\d+)?(?:e\d+)?)\s*(万|k\b)?")
BELOW_ZERO = re.compile(r"(?:\b(?:to|at|is|was)\s+|[到是为成]\s*|(?<=loss)\s*|(?<=损失)\s*)-\d[\d.]*")
BILLIONS = re.compile(r"(?<![\d.])\d+(?:\.\d+)?b(?![a-z])")  # parameters of a model
CARD = re.compile(r"\d+\s*gb?(?=\s*(?:gpu|card|vram|的卡|卡|显卡|显存))")
EVAL_CALL = re.compile(r"\b(?:\w+\.)?eval\s*\(\s*\)|\bmodel\.eval\b")
COUNT = r"(?:[2-9]|\d\d+|[二两三四五六七八九十几多]|two|three|four|eight|several)"
CARDS = r"(?:[aphvlt]\d{1,3}s?|[rg]?tx\s?\d{4}|[2-5]0[6-9]0s?|titans?|gpus?|cards?)(?:\s?ti)?(?![a-z0-9])"
MANY_CARDS = re.compile(
    rf"(?<![\d.]){COUNT}\s*(?:[x*×]\s*{CARDS}|[块张卡]\s*(?:的?卡|显卡|gpu|{CARDS}))|\b{COUNT}\s+{CARDS}"
)
ONE_CARD = re.compile(
    rf"(?<![\d.])(?:1|one|[一单])\s*(?:[x*×]\s*{CARDS}|[块张]\s*(?:的?卡|显卡|gpu|{CARDS}))|(?<=than )1\s*x\b"
)
NOT_AS_FAST = re.compile(r"(?:还没有?|没有?|不如|赶不上)(.{1,8}?)(?:跑得|训得|来得)?(?:那么)?快")
TRAINER = re.compile(r"\b([a-z]+)(?=(?:trainer|config)\b)")  # of TRL: GRPOTrainer, DPOConfig
# Who asks what a thing is, or how two differ, has no trouble with a training.
DEFINING = re.compile(
    r"^(?:whats\s+(?:an?\s+|the\s+)?(?:purpose|meaning|difference|role)\b"
    r"|what\s+(?:is|are)\s+(?:an?\s+|the\s+)?(?:purpose|meaning|difference|role)\b|what\s+does\s+\S+\s+(?:do|mean)\b"
    r"|(?:the\s+)?differences?\s+between\b|define\b|explain\b)"
    r"|(?:是什么|是啥|干什么的|干嘛的|什么用|什么作用|的作用|的原理|什么原理|有什么区别|有啥区别|的区别)[?？]?$"
)
# Who says that something works only says where the trouble is not.
FINE = re.compile(
    r"\b(?:\w+(?:\s+(?:alone|only|itself))?)\s+(?:is|are|was|works?|runs?|trains?|seems?)\s+(?:all\s+|totally\s+|perfectly\s+|just\s+)?(?:fine|ok|okay|stable|good)\b(?!\s*\?)"
    r"|[\w]+?(?:倒是|倒|却|就|反而|都)?(?:没事|没问题|没毛病|一切正常|就好了)(?![吗么?？])"
)
# A trouble that is denied is only named to say that it is not the one; who asks why it is absent does not deny it.
DENYING = r"(?:(?:is|are|was|were|its)\s+not|isnt|arent|wasnt|werent|^not|^no|(?:there\s+is|theres|have|has|with)\s+no)"
TROUBLE = r"(?:overfit\w*|underfit\w*|slow\b|nans?\b|inf\b|oom\b|noisy\b|exploding|diverging|negative\b)"
DENIED = re.compile(
    rf"(?<!why )(?<!how )\b{DENYING}\s+(?:(?:really|even|an?|any|the|too|that|about)\s+)?{TROUBLE}"
    r"|(?:没有?|不是)(?:因为|出现|发生|出)?(?:过拟合|欠拟合|nan|inf|oom|爆显存|发散|梯度爆炸|梯度消失)"
    r"|(?:训练|速度|跑得|跑起来)(?:并|也|倒是|倒)?不慢"
    r"|\b(?:instead\s+of|rather\s+than)\s+(?:going\s+)?[a-z]+|而不是[^,，。?？ ]{1,4}"
)
TIMES = {"万": 10_000.0, "k": 1_000.0}
EXPLOSION = 10.0
HALF, BUSY = 50, 80  # per cent of a device in use
# A time that something takes is said because it is too long.
LASTING = re.compile(
    r"\b(?:takes?|took|taking|needs?)\s+(?:me\s+|about\s+|around\s+|over\s+|like\s+|almost\s+|more than\s+)?"
    r"(?:\d+(?:\.\d+)?|an?|one|two|three|four|five|several|many|a few)\s*\+?\s*"
    r"(?:h|hrs?|hours?|days?|mins?|minutes?|weeks?|s|secs?|seconds?)\b"
)
LASTING_ZH = re.compile(
    r"(?:要|需要|花|花了|用了|得|要跑|跑了|训了)(?:\d+(?:\.\d+)?|[一二两三四五六七八九十几半好]+)个?多?(?:小时|天|分钟|钟头|星期|周|秒)"
)
# So is the time that each step takes, and how few steps there are a second.
STEP = r"(?:it|its|iters?|iterations?|steps?|batch|batches|个?iter|步)"
PACE = re.compile(
    rf"\d+(?:\.\d+)?\s*(?:s|secs?|seconds?|mins?|秒|分钟)\s*(?:/|per|a|一个|每)\s*{STEP}(?![a-z])"
    rf"|(?:\bonly|\bjust|才|只有|只能|只)\s*(?:跑|跑到)?\s*\d+(?:\.\d+)?\s*{STEP}(?:\s*/\s*s\b|(?:\s*(?:per|a)\s+second)|(?![a-z]))"
)


Said = frozenset[tuple[str, str]]


def is_chinese(text: str) -> bool:
    """Return whether a text contains Chinese characters."""
    return re.search(f"[{CJK}]", text) is not None


def is_defining(text: str) -> bool:
    """Return whether a question asks what something is, or how two things differ."""
    return DEFINING.search(text.strip().lower().replace("'", "").replace("’", "")) is not None


def meanings(text: str) -> list[str]:
    """Return the tokens of a text: names of concepts, stems of other English words, pairs of other characters."""
    told = clauses(text)
    return of_clauses(told)


def of_clauses(told: list[list[str]]) -> list[str]:
    """Return the tokens of all clauses."""
    return compared([token for clause in told for token in clause], told)


def clauses(text: str) -> list[list[str]]:
    """Return the tokens of each clause of a text."""
    text = spelled_out(plain(text))
    told = FINE.sub(" , ", undenied(text))
    return [tokens for clause in CLAUSES.split(told if WORD.search(told) else text) if (tokens := _of_clause(clause))]


def undenied(text: str) -> str:
    """Return a text without the troubles that it denies, where it says something else."""
    bare = plain(text).replace("'", "").replace("’", "")
    told = DENIED.sub(" , ", bare)
    return (
        told if told != bare and any(token[0] == "=" and token not in GENERAL for token in _of_clause(told)) else text
    )


def _way(found: re.Match[str]) -> str:
    """Return which way a figure goes that goes from one to another."""
    first, last = float(found[1]), float(found[2]) * TIMES.get(found[3] or "", 1.0)
    return " blows up " if last > EXPLOSION * first else " rises " if last > first else " falls "


def _of_clause(text: str) -> list[str]:
    text = unicodedata.normalize("NFKC", text).lower().replace("'", "").replace("’", "")
    text = FROM_TO.sub(_way, BELOW_ZERO.sub(" negative ", EVAL_CALL.sub(" evalmode ", text)))
    text = TRAINER.sub(r"\1 ", text)
    text = ONE_CARD.sub(" onegpu ", MANY_CARDS.sub(" manygpus ", NOT_AS_FAST.sub(r"比\1更慢", text)))
    text = CARD.sub(" memory ", BILLIONS.sub(" bigmodel ", text))
    text = LASTING.sub(" too slow ", LASTING_ZH.sub("很慢", PACE.sub(" too slow ", text)))
    text = _worded().sub(lambda found: f" {_mark(concepts()[found[1]])} ", text)
    if is_chinese(text):
        text = DENIALS.sub(f" {NOT} ", _marked(PARTICLES.sub(" ", FILLERS.sub(" ", _marked(text)))))
    found = _joined([token for word in WORD.findall(text) for token in _of_word(word)])
    if {"=gpu", "=memory", "=batch"}.intersection(found) and not {"=loss", "=gradient"}.intersection(found):
        found = ["=oom" if word == "=explode" else word for word in found]
    if "=stuck" in found and "=manygpus" in found and not FIGURES.intersection(found):
        found = ["=hang" if word == "=stuck" else word for word in found]
    if "=usage" in found and any(token.isdigit() and int(token) < HALF for token in found):
        found.append("=low")
    elif "=usage" in found and "=gpu" in found and any(token.isdigit() and int(token) > BUSY for token in found):
        found.append("=high")
    if NOT in found and MOVES.intersection(found) and "=stuck" not in found:  # "did my loss not fall", in any order
        found = [*(word for word in found if word != NOT and word not in MOVES), "=stuck"]
    told = happenings().intersection(found) or {TRAIN, HELD} <= {*found}
    figure = {"=accuracy", "=reward"}.intersection(found) and any(token[0].isdigit() for token in found)
    return [*found, "=stuck"] if figure and not told else found  # who asks about an accuracy of 10 % sees it stay there


def contrary(asked: Said, phrase: Said) -> bool:
    """Return whether a phrase says the opposite of a question: of anything at all, or of the same thing."""
    only_asked = asked - phrase
    return bool(only_asked) and any(
        (thing, this) in only_asked for thing, that in phrase - asked for this in _opposites().get(that, ())
    )


@cache
def _opposites() -> dict[str, tuple[str, ...]]:
    both = [*OPPOSITES, *(pair[::-1] for pair in OPPOSITES)]
    return {that: tuple(this for this, other in both if other == that) for _, that in both}


def said(told: list[list[str]]) -> Said:
    """Return what clauses say of what: each happening with each thing of its clause, and with nothing at all."""
    happening, found = happenings(), set()
    sides = [token for token in of_clauses(told) if token in ("=ahead", "=overfit")]
    for clause in [*told, sides]:
        things = [token for token in clause if token not in happening]
        for token in clause:
            if token in happening:
                found |= {(thing, token[1:]) for thing in things} | {("", token[1:])}
    return frozenset(found)


@cache
def concepts() -> dict[str, str]:
    """Return the name of each phrase's concept."""
    return {phrase: name for group in _groups().values() for name, phrases in group.items() for phrase in phrases}


@cache
def happenings() -> frozenset[str]:
    """Return the tokens that say what happens, not to what."""
    return frozenset(f"={name}" for name in _groups()["happenings"])


@cache
def _groups() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(Path(__file__).with_name("concepts.toml").read_text(encoding="utf-8"))


@cache
def _chinese() -> re.Pattern[str]:
    phrases = sorted((phrase for phrase in concepts() if is_chinese(phrase)), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, phrases)))


@cache
def _english() -> dict[tuple[str, ...], str]:
    phrases = {phrase: name for phrase, name in concepts().items() if not is_chinese(phrase)}
    return {key: name for phrase, name in phrases.items() if (key := tuple(_stems(phrase))) and not _is_worded(phrase)}


def _is_worded(phrase: str) -> bool:
    """Return whether only one word of a phrase would be looked at, which alone does not mean the same."""
    return len(_stems(phrase)) == 1 < len(english_words(phrase))


@cache
def _worded() -> re.Pattern[str]:
    phrases = sorted((each for each in concepts() if not is_chinese(each) and _is_worded(each)), key=len, reverse=True)
    return re.compile(rf"\b({'|'.join(map(re.escape, phrases))})(?:e?s|ed|ing)?\b")


@cache
def _longest() -> int:
    return max(map(len, _english()))


def _marked(text: str) -> str:
    """Put the names of concepts, as words that no stem looks like, in place of Chinese phrases."""
    text = re.sub(rf"(?<=[{CJK}])\s+(?=[{CJK}])", "", text)
    return _chinese().sub(lambda found: f" {_mark(concepts()[found.group()])} ", text)


def _mark(name: str) -> str:
    return f"qq{name}"


def _stems(text: str) -> list[str]:
    return [token for word in WORD.findall(text) for token in _of_word(word)]


def _of_word(word: str) -> Iterator[str]:
    if is_chinese(word):
        yield from [word[i : i + 2] for i in range(len(word) - 1)] or [word]
    elif word.startswith("qq") or word in _NEGATING:
        yield word if word.startswith("qq") else NOT
    elif word not in _IGNORED:
        yield _stem(IRREGULAR.get(word, word))


def _stem(word: str) -> str:
    """Return a word without its endings, so that all its forms come to the same."""
    while (shorter := ENDING.sub("", word)) != word:
        word = shorter
    return DOUBLED.sub(r"\1", word)


_IGNORED, _NEGATING = frozenset(IGNORED.split()), frozenset(NEGATIONS.split())


def _joined(stems: list[str]) -> list[str]:
    """Put the names of concepts in place of the longest English phrases."""
    found, place, known = [], 0, _english()
    longest = _longest()
    while place < len(stems):
        for length in range(min(longest, len(stems) - place), 0, -1):
            if name := known.get(tuple(stems[place : place + length])):
                found.append(f"={name}")
                place += length
                break
        else:
            word = stems[place]
            found.append(f"={word[2:]}" if word.startswith("qq") else word)
            place += 1
    return [word for word in found if word not in _aside()]


@cache
def _aside() -> frozenset[str]:
    """Return the tokens that say nothing."""
    return frozenset({"than", *(f"={name}" for name in _groups()["said-by-the-way"])})


def says_nothing(word: str) -> bool:
    """Return whether an English word is in questions of all kinds."""
    return word in _IGNORED or word in _NEGATING


def english_words(text: str) -> list[str]:
    """Return the English words of a text in lower case."""
    return re.findall("[a-z]+", text.lower())


@cache
def _spelled() -> frozenset[str]:
    return frozenset(word for phrase in concepts() for word in english_words(phrase)) | _IGNORED | _NEGATING


def mended(text: str, known: frozenset[str]) -> str:
    """Return a text whose misspelled English words are the nearest known ones."""
    from difflib import get_close_matches

    right = _spelled() | known

    def mend(found: re.Match[str]) -> str:
        word = found.group()
        if len(word) < SHORTEST_MENDED or word.lower() in right:
            return word
        # Comparing with every word takes longer than all else; who mistypes seldom does so in the first letter.
        alike = [
            known
            for known in right
            if known[:1] == word[0].lower() and abs(len(known) - len(word)) <= min(FURTHEST, len(known) // SHARE)
        ]
        near = get_close_matches(word.lower(), alike, n=1, cutoff=ALIKE)
        return near[0] if near else word

    return re.sub(r"[A-Za-z]+", mend, text)
