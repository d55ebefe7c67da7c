"""Answers a question from the rules and the written answers: offline, by shared words, inventing nothing."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.answers import asked
from trainadvisor.answers import written as answers
from trainadvisor.answers.matching import Matcher
from trainadvisor.answers.ranking import ranked
from trainadvisor.answers.topics import topics_of
from trainadvisor.answers.words import is_chinese
from trainadvisor.demos.scenarios import SCENARIOS
from trainadvisor.errors import TrainAdvisorError
from trainadvisor.i18n.language import say
from trainadvisor.judge.crash_rules import ERROR, explaining
from trainadvisor.judge.rule_loading import load
from trainadvisor.judge.rulebook import ANSWERS, shipped_rules
from trainadvisor.report.text.layout import cells, clean, wrap
from trainadvisor.report.text.unfilled import advice, unfilled_code
from trainadvisor.vocabulary import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from trainadvisor.judge.result import Diagnosis, Finding
    from trainadvisor.judge.rulebook import Rule, Rulebook

WIDTH = 100
LONGEST_QUESTION = 60
COLORS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")  # of a terminal, in what was pasted from it
ERROR_TYPE = re.compile(r"[A-Za-z]*(Error|Exception)\b")
LOGS = ("log.json", "log.json.gz", "log.json.zst", "trainadvisor-runs/*/log.json*")


@dataclass(frozen=True)
class Reply:
    """The reply on one topic; a check has three parts, a remedy has a text and lines of code."""

    title: str
    text: str
    codes: tuple[str, ...]
    checks: tuple[tuple[str, str, str], ...]
    remedies: tuple[tuple[str, str], ...]


def answer(question: str, lang: str, folder: Path) -> str:
    """Return the answer to a question as text; the latest log is searched for in `folder`."""
    rulebook, written, matcher, known = _subjects()
    question = COLORS.sub(" ", question)
    names = list(dict.fromkeys([*_errors(question, rulebook), *ranked(question, matcher, known, written)]))
    if not names:
        near = [topic.name for topic in matcher.near(question) if topic.name in written]
        return "\n".join(_nothing(question, lang, [written[name].texts(lang).question for name in near or written]))
    replies = [_reply(name, lang, written, rulebook) for name in names[:4]]
    return "\n".join(_lines(replies, lang, folder))


@cache
def _subjects() -> tuple[Rulebook, dict[str, answers.Answer], Matcher, asked.Known]:
    """Return the rules, the written answers, and what finds both by a question: their words, and other questions."""
    rulebook = load()
    written = {entry.id: entry for entry in answers.load(shipped_rules() / ANSWERS)}
    topics = topics_of(written.values(), rulebook)
    known = asked.known(shipped_rules(), topics)
    return rulebook, written, Matcher(topics, known.examples.texts, known.read), known


def check_questions(folders: Sequence[str]) -> list[str]:
    """Return what is wrong with the questions in folders of rules (the shipped one without any), one sentence each."""
    names = {*load(tuple(folders)).rules, *(entry.id for entry in answers.load(shipped_rules() / ANSWERS))}
    places = [Path(folder) for folder in folders] or [shipped_rules()]
    return [problem for place in places for problem in asked.problems(place, names)]


def _errors(question: str, rulebook: Rulebook) -> Iterator[str]:
    """Yield the finding that explains an error message, where the question is one."""
    if not ERROR_TYPE.search(question):
        return
    yield from (rule.code for rule in explaining({ERROR: question}, rulebook))


def language_of(question: str) -> str | None:
    """Return "zh" for a question with Chinese characters, None when the language is unclear."""
    return "zh" if is_chinese(question) else None


def _say(key: str, lang: str, **values: object) -> str:
    return say(f"ask.{key}", lang, **values)


def _reply(name: str, lang: str, written: dict[str, answers.Answer], rulebook: Rulebook) -> Reply:
    if name not in written:
        return _reply_of_rule(rulebook.rules[name], lang)
    entry = written[name]
    texts = entry.texts(lang)
    checks = tuple((check.ask, check.means, check.run) for check in texts.checks)
    codes = tuple(code for code in entry.codes if code in rulebook.rules)
    return Reply(texts.question, texts.answer, codes, checks, tuple((text, "") for text in texts.remedies))


def _reply_of_rule(rule: Rule, lang: str) -> Reply:
    apart = [_say("apart", lang, code=entry["code"], text=advice(entry[lang], rule, lang)) for entry in rule.lookalikes]
    others = zip(apart, rule.lookalikes, strict=True)
    first = (_say("record", lang), "", "trainadvisor run train.py")
    checks = (first, *((text, "", f"trainadvisor explain {entry['code']}") for text, entry in others))
    remedies = tuple(_remedy(rule, remedy, lang) for remedy in rule.all_remedies)
    title = f"{rule.code}{'：' if lang == 'zh' else ': '}{advice(rule.title(lang), rule, lang)}"
    return Reply(title, advice(rule.text("cause", lang), rule, lang), (rule.code,), checks, remedies)


def _remedy(rule: Rule, remedy: Mapping[str, str], lang: str) -> tuple[str, str]:
    return advice(remedy[lang], rule, lang), unfilled_code(remedy.get("code", ""), rule, lang)


def _lines(replies: list[Reply], lang: str, folder: Path) -> Iterator[str]:
    best = replies[0]
    yield from wrap(_say("matched", lang, title=best.title) + say("aside", lang, text=_say("offline", lang)), WIDTH)
    if len(replies) > 1:
        yield from wrap(_say("also", lang, titles=" | ".join(reply.title for reply in replies[1:])), WIDTH)
    run = list(_run(tuple(code for reply in replies for code in reply.codes), lang, folder))
    yield from ("", *run) if run else ()
    yield from ("", *wrap(best.text, WIDTH), "", _say("else" if run else "checks", lang))
    for number, check in enumerate(best.checks, 1):
        yield from _check(number, *check)
    yield from ("", _say("helps", lang))
    for text, code in best.remedies:
        yield from _block("  - ", text)
        yield from (f"      {line}" for line in code.splitlines())
    yield from _more(best, lang)


def _check(number: int, ask: str, means: str, run: str) -> Iterator[str]:
    yield from _block(f"  {number} ", ask)
    yield from _block("    ", means) if means else ()
    yield f"      {run}"


def _more(reply: Reply, lang: str) -> Iterator[str]:
    if reply.codes:
        yield from ("", *wrap(_say("codes", lang, codes=_say("comma", lang).join(reply.codes)), WIDTH))
        yield _say("more", lang, code=reply.codes[0])
    for code in [code for code in reply.codes if code in SCENARIOS][:1]:
        yield _say("see", lang, code=code)


def _block(mark: str, text: str) -> Iterator[str]:
    """Yield wrapped lines, the first after a bullet and the others indented below it."""
    for index, line in enumerate(wrap(text, WIDTH - len(mark))):
        yield (mark if index == 0 else " " * len(mark)) + line


def _nothing(question: str, lang: str, near: list[str]) -> Iterator[str]:
    """Yield three lines: that there is no answer, which questions are near, and where all subjects stand."""
    yield _say("nothing", lang, question=clean(question, LONGEST_QUESTION))
    line = _say("near", lang, questions=near[0])
    for count in range(2, len(near) + 1):
        longer = _say("near", lang, questions=" | ".join(near[:count]))
        if cells(longer) > WIDTH:
            break
        line = longer
    yield line
    yield _say("subjects", lang)


def latest_log(folder: Path) -> Path | None:
    """Return the newest log in a folder or among its recorded runs."""
    logs = (path for pattern in LOGS for path in folder.glob(pattern) if path.is_file())
    return max(logs, key=lambda path: path.stat().st_mtime, default=None)


def _run(codes: tuple[str, ...], lang: str, folder: Path) -> Iterator[str]:
    """Yield what the latest run says about these codes; nothing when there is no run."""
    log = latest_log(folder)
    if log is None or not codes:
        return
    name = clean(log.relative_to(folder))
    try:
        from trainadvisor.telling import diagnose

        diagnosis = diagnose(log, lang=lang)
    except TrainAdvisorError as error:
        yield from wrap(_say("run.unreadable", lang, error=clean(error)), WIDTH)
        return
    yield from wrap(_say("run", lang, log=name, age=_age(log, lang), summary=diagnosis.summary), WIDTH)
    yield from _relevant(diagnosis, codes, lang)
    yield f"  {_say('run.show', lang, log=name)}"


def _relevant(diagnosis: Diagnosis, codes: tuple[str, ...], lang: str) -> Iterator[str]:
    roots = [root for root in diagnosis.findings if {finding.code for finding in _all([root])} & set(codes)]
    if roots:
        yield _say("run.found", lang)
        for root in roots[:2]:
            yield from _found(root, lang)
    elif others := [finding.code for finding in diagnosis.findings if finding.severity > Severity.NOTE]:
        yield _say("run.other", lang, codes=_say("comma", lang).join(others[:3]))
    else:
        yield _say("run.none", lang)


def _found(root: Finding, lang: str) -> Iterator[str]:
    yield from _block("  ", f"{root.severity}[{root.code}]{'：' if lang == 'zh' else ': '}{root.sentence}")
    if root.explains:
        codes = _say("comma", lang).join(finding.code for finding in _all(root.explains))
        yield from _block("    ", _say("run.with", lang, codes=codes))
    for remedy in root.remedies[:1]:
        yield from _block("    ", _say("fix", lang, text=remedy.text))
        yield from (f"      {line}" for line in (remedy.code or "").splitlines())


def _all(findings: Iterable[Finding]) -> Iterator[Finding]:
    for finding in findings:
        yield finding
        yield from _all(finding.explains)


def _age(log: Path, lang: str) -> str:
    minutes = max(0, int(time.time() - log.stat().st_mtime)) // 60
    hours = minutes // 60
    if not minutes:
        return _say("now", lang)
    number, unit = (minutes, "min") if hours == 0 else (hours, "h") if hours < 48 else (hours // 24, "d")  # noqa: PLR2004
    return _say("age", lang, n=number, unit=_say(unit, lang))
