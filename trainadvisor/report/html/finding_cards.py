"""Findings as cards: evidence, cause, what to change, what was ruled out, how to check, and what follows from each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainadvisor.report.html.languages import Languages, Told, code_lines
from trainadvisor.report.html.svg import spark
from trainadvisor.report.text import excerpt, verified
from trainadvisor.report.text.finding_block import named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from markupsafe import Markup

    from trainadvisor.i18n.language import Words
    from trainadvisor.judge.result import Diagnosis, Finding

OPEN = 3
# Columns of the lines of code.
WIDTH = 100
MOST_SUBJECTS, MOST_REMEDIES = 12, 8
Rules = dict[str, dict[str, Any]]
Reasons = list[tuple[str, list[str]]]
# the chart that shows a quantity, by a part of the signal's name or else by the finding's family
CHART_OF = (
    ("val_", "loss"), ("grad", "grad"), ("update", "update"), ("lr_", "lr"), ("wait", "time"), ("seconds", "time"),
    ("memory", "memory"), ("accuracy", "accuracy"), ("loss", "loss"), ("skill", "loss"),
)  # fmt: skip
CHART_OF_FAMILY = {"gradients": "grad", "throughput": "time"}


@dataclass(frozen=True)
class CodeLine:
    """A line of code or of a diff, and the element that shows it."""

    element: str
    text: Markup | Told


@dataclass(frozen=True)
class Fix:
    """What to change, how sure that is to fit, the code, and what re-runs said."""

    text: Told
    where: str | None
    applies: str
    lines: list[CodeLine]
    verified: Told | None


@dataclass(frozen=True)
class Card:
    """What the page shows of a finding; a consequence shows less of it."""

    code: str
    kind: str
    severity: str
    is_open: bool
    title: Told
    sentence: Told
    confidence: Told
    where: str | None
    # The lines of code that it is about, with their marks.
    excerpt: list[CodeLine]
    since: Told | None
    onset_step: Told | None
    subjects: Told | None
    evidence: list[Told]
    picture: Markup | None
    chart: str
    onset: int | None
    last: int
    cause: Told
    remedies: list[Fix]
    ruled_out: dict[str, Reasons]
    not_judged: dict[str, Reasons]
    also: list[str]
    rival: str | None
    rival_test: Told
    verify: Told
    document: dict[str, list[str]]
    followers: list[Card]


class Cards:
    """Makes cards of the findings of one diagnosis, given in each language."""

    def __init__(
        self, diagnoses: Mapping[str, Diagnosis], langs: Languages, rules: Rules, specs: list[Any], span: dict[str, Any]
    ) -> None:
        """Take the diagnosis by language, what the rules say, the charts and the first and last step."""
        self._langs, self._rules, self._span = langs, rules, span
        self._specs = {spec["id"]: spec for spec in specs if spec["lines"]}
        self._by_code = {lang: {f.code: f for f in diagnosis.walk()} for lang, diagnosis in diagnoses.items()}

    def of(self, findings: Iterable[Finding]) -> list[Card]:
        """Return the cards in their order, the first ones open."""
        return [self.card(finding, is_open=_is_open(finding, place)) for place, finding in enumerate(findings)]

    def card(self, finding: Finding, *, is_open: bool = False) -> Card:
        """Return one finding in full."""
        chart = chart_of(finding)
        names = named(finding.subjects)
        return Card(
            code=finding.code,
            kind=finding.kind,
            severity=finding.severity,
            is_open=is_open,
            title=self._each(finding, lambda f, _: f.title),
            sentence=self._each(finding, lambda f, _: f.sentence),
            confidence=self._langs.each(lambda words: _confidence(finding, words)),
            where=finding.where,
            excerpt=_excerpt(finding),
            since=self._since(finding),
            onset_step=None if finding.onset is None else self._langs.step(finding.onset),
            subjects=self._langs.each(lambda words: _subjects(names, words)) if names else None,
            evidence=self._evidence(finding),
            picture=self._picture(chart, finding.onset),
            chart=chart,
            onset=finding.onset,
            last=self._span["last"],
            cause=self._each(finding, lambda f, _: f.cause or ""),
            remedies=[self._fix(finding, place) for place in range(min(MOST_REMEDIES, len(finding.remedies)))],
            ruled_out=self._reasons(finding, lambda f: ((o.code, o.text) for o in f.ruled_out)),
            not_judged=self._reasons(finding, lambda f: ((o.code, o.how) for o in f.not_judged)),
            also=finding.also_explained_by,
            rival=finding.rival.code if finding.rival else None,
            rival_test=self._each(finding, lambda f, _: f.rival.test if f.rival else ""),
            verify=self._each(finding, lambda f, _: f.verify or ""),
            document=self._document(finding),
            followers=[self.card(follower) for follower in finding.explains],
        )

    def _each(self, finding: Finding, make: Callable[[Finding, Words], str]) -> Told:
        """Return something of a finding in each language."""
        return self._langs.each(lambda words: make(self._by_code[words.lang].get(finding.code, finding), words))

    def _since(self, finding: Finding) -> Told | None:
        onset = finding.onset
        return None if onset is None else self._langs.each(lambda words: words("from-step", step=words.number(onset)))

    def _evidence(self, finding: Finding) -> list[Told]:
        told = (self._evidence_text(finding, place) for place in range(len(finding.evidence)))
        return [text for text in told if text]

    def _evidence_text(self, finding: Finding, place: int) -> Told:
        return self._each(finding, lambda f, _: f.evidence[place].text if place < len(f.evidence) else "")

    def _picture(self, chart: str, onset: int | None) -> Markup | None:
        """Return the curve the evidence is about."""
        if chart not in self._specs:
            return None
        return spark(self._specs[chart], self._span["first"], self._span["last"], onset)

    def _fix(self, finding: Finding, place: int) -> Fix:
        remedy = finding.remedies[place]
        return Fix(
            text=self._each(finding, lambda f, _: f.remedies[place].text if place < len(f.remedies) else ""),
            where=remedy.where,
            applies=remedy.applies,
            lines=self._lines(finding, place),
            verified=self._outcome(finding, place) if remedy.verified else None,
        )

    def _lines(self, finding: Finding, place: int) -> list[CodeLine]:
        """Return the code of a remedy, the comments in each language where both have the same lines."""
        remedy = finding.remedies[place]
        if not remedy.code:
            return []
        lines = marked(remedy.code, is_diff=bool(remedy.edits))
        codes = {
            lang: (others[place].code or "").rstrip("\n").split("\n") if place < len(others) else []
            for lang, by_code in self._by_code.items()
            for others in [by_code.get(finding.code, finding).remedies]
        }
        if remedy.edits or any(len(code) != len(lines) for code in codes.values()):
            return lines
        return [
            CodeLine(line.element, Told({lang: code[number] for lang, code in codes.items()}))
            for number, line in enumerate(lines)
        ]

    def _outcome(self, finding: Finding, place: int) -> Told:
        return self._each(finding, lambda f, words: verified.outcome(f.remedies[place], words))

    def _reasons(self, finding: Finding, others: Callable[[Finding], Iterable[tuple[str, str]]]) -> dict[str, Reasons]:
        """Return other codes by language with their reasons; none where the finding names none."""
        if not any(True for _ in others(finding)):
            return {}
        found = {lang: by_code.get(finding.code, finding) for lang, by_code in self._by_code.items()}
        return {lang: _by_reason(others(f)) for lang, f in found.items()}

    def _document(self, finding: Finding) -> dict[str, list[str]]:
        docs = self._rules.get(finding.code, {}).get("doc")
        return {words.lang: _paragraphs(docs.get(words.lang, "")) for words in self._langs.all} if docs else {}


def _excerpt(finding: Finding) -> list[CodeLine]:
    """Return the lines of code that a finding is about, none where the log does not hold them."""
    text = "\n".join(excerpt.shown(finding, WIDTH))
    return marked(text, is_diff=False) if text.strip() else []


def chart_of(finding: Finding) -> str:
    """Return the chart that shows what the evidence is about."""
    names = [name for evidence in finding.evidence for name in evidence.values]
    found = [chart for name in names for part, chart in CHART_OF if part in name]
    return found[0] if found else CHART_OF_FAMILY.get(finding.family, "loss")


def marked(source: str, *, is_diff: bool) -> list[CodeLine]:
    """Return the lines of code; those of a diff are told from each other."""
    kinds = {"+ ": "ins", "- ": "del"} if is_diff else {}
    return [CodeLine(kinds.get(f"{line} "[:2], "span"), line) for line in code_lines(source)]


def _is_open(finding: Finding, place: int) -> bool:
    return finding.severity != "note" and (place == 0 or (place < 2 * OPEN and not finding.also_seen))


def _confidence(finding: Finding, words: Words) -> str:
    return words("confidence", word=words(f"confidence.{finding.confidence}"))


def _subjects(names: list[str], words: Words) -> str:
    shown = words("comma").join(name[:80] for name in names[:MOST_SUBJECTS])
    rest = len(names) - MOST_SUBJECTS
    return words("more-subjects", shown=shown, count=rest) if rest > 0 else shown


def _by_reason(others: Iterable[tuple[str, str]]) -> Reasons:
    """Return reasons with the codes that share each."""
    reasons: dict[str, list[str]] = {}
    for code, reason in others:
        reasons.setdefault(reason, []).append(code)
    return list(reasons.items())


def _paragraphs(document: str) -> list[str]:
    blocks = [line.strip() for line in document.strip().split("\n")]
    return [block for block in blocks if block]
