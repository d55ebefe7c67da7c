"""What the words of a question mean: one token for all forms and synonyms of a word, in English and Chinese."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from trainadvisor.answers.comparison import HELD, TRAIN, compared
from trainadvisor.answers.denials import without_denied, without_fine
from trainadvisor.answers.figures import plain, spelled_out
from trainadvisor.answers.sayings import told_plainly
from trainadvisor.answers.words import (
    NOT,
    WORD,
    concepts,
    happenings,
    is_chinese,
    joined,
    mark,
    marked,
    of_word,
    worded,
)

FILLERS = re.compile(
    "是不是|会不会|对不对|是否|为什么|为啥|为何|咋整|咋弄|咋回事|啥情况|啥原因|什么情况|什么鬼|怎么破|在线等|"
    "求教|请教|救命|老铁|兄弟们|有人知道|有没有人|麻烦|谢谢|什么意思|是啥意思|怎么办|怎么样|怎么回事|怎么|怎样|如何|请问|什么|可以|应该|一直|老是|总是|始终|感觉|好像|有点|有些|特别|非常|"
    "还是|仍然|依然|依旧|合适|原因|解决|咋办|咋|这个|已经|但是|而且|因为|所以|我的|我们|一下|明显|显著|任何|迟迟|完全|根本|丝毫|并|您好|你好|博主|作者|楼主|神经网络|网络|模型|求助|求救|求解|大佬|大神|各位|新手|小白|看看|吗|呢|吧|啊|呀|嘛"
)
PARTICLES = re.compile("[的了有很太是在会就都也又还被把我它他们得着]")
DENIALS = re.compile("没有|没|不|无法|未")
# Of two opposites, a phrase that says one does not answer a question that says the other.
OPPOSITES = (
    ("rise", "fall"), ("rise", "stuck"), ("fall", "stuck"), ("low", "high"), ("overfit", "underfit"),
    ("overfit", "ahead"), ("slow", "faster"), ("varies", "same"), ("varies", "oneclass"),
    ("recovers", "norecover"), ("recovers", "diverge"),
    ("recovers", "notconverge"), ("recovers", "stuck"),
)  # fmt: skip
CLAUSES = re.compile(
    r"[,;.?!，；。？！]\s|[，；。？！]|\b(?:but|while|yet|although|though|whereas)\b|但是|但|可是|而|却|不过|只是"
)
# What so many questions hold that it alone says nothing of what they are about.
GENERAL = frozenset({"=choose", "=training", "=same", "=low", "=high", "=data", NOT})
TURNED = {"=low": "=high", "=high": "=low", "=slow": "=normal"}
MOVES = frozenset({"=fall", "=rise", "=improve"})
FIGURES = frozenset(
    {"=loss", "=accuracy", "=reward", "=gradient", "=rate", "=poor"}
)  # what stays where it is, and does not hang
HALF, BUSY = 50, 80  # per cent of a device in use
ELSEWHERE = "=elsewhere"
# Who asks what a thing is, or how two differ, has no trouble with a training.
DEFINING = re.compile(
    r"^(?:whats\s+(?:an?\s+|the\s+)?(?:purpose|meaning|difference|role)\b"
    r"|what\s+(?:is|are)\s+(?:an?\s+|the\s+)?(?:purpose|meaning|difference|role)\b|what\s+does\s+\S+\s+(?:do|mean)\b"
    r"|(?:the\s+)?differences?\s+between\b|define\b|explain\b)"
    r"|(?:是什么|是啥|干什么的|干嘛的|什么用|什么作用|的作用|的原理|什么原理|有什么区别|有啥区别|的区别)[?？]?$"
)
Said = frozenset[tuple[str, str]]


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
    told = without_fine(undenied(text))
    return [tokens for clause in CLAUSES.split(told if WORD.search(told) else text) if (tokens := _of_clause(clause))]


def undenied(text: str) -> str:
    """Return a text without the troubles that it denies, where it says something else."""
    bare = plain(text).replace("'", "").replace("’", "")
    told = without_denied(bare)
    return (
        told if told != bare and any(token[0] == "=" and token not in GENERAL for token in _of_clause(told)) else text
    )


def _of_clause(text: str) -> list[str]:
    text = unicodedata.normalize("NFKC", text).lower().replace("'", "").replace("’", "")
    text = told_plainly(text)
    text = worded().sub(lambda found: f" {mark(concepts()[found[1]])} ", text)
    if is_chinese(text):
        text = DENIALS.sub(f" {NOT} ", marked(PARTICLES.sub(" ", FILLERS.sub(" ", marked(text)))))
    found = joined([token for word in WORD.findall(text) for token in of_word(word)])
    found = _turned(found)
    if {"=gpu", "=memory", "=batch"}.intersection(found) and not {"=loss", "=gradient"}.intersection(found):
        found = ["=oom" if word == "=explode" else word for word in found]
    if "=stuck" in found and "=manygpus" in found and not FIGURES.intersection(found):
        found = ["=hang" if word == "=stuck" else word for word in found]
    if "=usage" in found and any(token.isdigit() and int(token) < HALF for token in found):
        found.append("=low")
    elif "=usage" in found and "cpu" not in found and any(token.isdigit() and int(token) > BUSY for token in found):
        found.append("=high")
    if NOT in found and MOVES.intersection(found) and "=stuck" not in found:  # "did my loss not fall", in any order
        found = [*(word for word in found if word != NOT and word not in MOVES), "=stuck"]
    told = happenings().intersection(found) or {TRAIN, HELD} <= {*found}
    figure = {"=accuracy", "=reward"}.intersection(found) and any(token[0].isdigit() for token in found)
    return [*found, "=stuck"] if figure and not told else found  # who asks about an accuracy of 10 % sees it stay there


def _turned(tokens: list[str]) -> list[str]:
    """Return tokens in which the opposite takes the place of a denied degree: not low is high."""
    found: list[str] = []
    for token in tokens:
        if token in TURNED and found[-1:] == [NOT]:
            found[-1] = TURNED[token]
        else:
            found.append(token)
    return found


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
