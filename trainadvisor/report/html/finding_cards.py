"""Findings as cards: evidence, cause, what to change, what was ruled out, how to check, and what follows from each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainadvisor.report.html.elements import Languages, Raw, Texts, h, lines
from trainadvisor.report.html.svg import spark
from trainadvisor.report.text import verified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from trainadvisor.judge.result import Diagnosis, Evidence, Finding

OPEN = 3
MOST_SUBJECTS, MOST_REMEDIES = 12, 8
Rules = dict[str, dict[str, Any]]
# the chart that shows a quantity, by a part of the signal's name or else by the finding's family
CHART_OF = (
    ("val_", "loss"), ("grad", "grad"), ("update", "update"), ("lr_", "lr"), ("wait", "time"), ("seconds", "time"),
    ("memory", "memory"), ("accuracy", "accuracy"), ("loss", "loss"), ("skill", "loss"),
)  # fmt: skip
CHART_OF_FAMILY = {"gradients": "grad", "throughput": "time"}


class Cards:
    """Makes cards of the findings of one diagnosis, given in each language."""

    def __init__(
        self, diagnoses: Mapping[str, Diagnosis], langs: Languages, rules: Rules, specs: list[Any], span: dict[str, Any]
    ) -> None:
        """Take the diagnosis by language, what the rules say, the charts and the first and last step."""
        self._langs, self._rules, self._span = langs, rules, span
        self._specs = {spec["id"]: spec for spec in specs if spec["lines"]}
        self._by_code = {lang: {f.code: f for f in diagnosis.walk()} for lang, diagnosis in diagnoses.items()}

    def sections(self, diagnosis: Diagnosis) -> Iterator[Raw]:
        """Yield the section of findings, and on a healthy run that of possible gains; none without findings."""
        if not diagnosis.findings:
            return
        title = "findings.gain" if diagnosis.state == "healthy" else "findings.heading"
        cards = [self.card(f, is_open=self._is_open(f, place)) for place, f in enumerate(diagnosis.findings)]
        yield h(
            "section",
            h("h2", self._langs.say(title), id="findings-heading"),
            *cards,
            id="findings",
            aria_labelledby="findings-heading",
        )

    def _is_open(self, finding: Finding, place: int) -> bool:
        return finding.severity != "note" and (place == 0 or (place < 2 * OPEN and not finding.also_seen))

    def each(self, finding: Finding, make: Callable[[Finding, Texts], object], element: str = "span") -> Raw:
        """Render something of a finding in each language."""
        return self._langs.each(
            lambda words: make(self._by_code[words.lang].get(finding.code, finding), words), element
        )

    def card(self, finding: Finding, *, is_open: bool) -> Raw:
        """Return one finding in full."""
        head = h(
            "summary",
            h(
                "h3",
                level(finding, self._langs),
                " ",
                h("code", finding.code),
                " ",
                self.each(finding, lambda f, _: f.title),
            ),
        )
        body = h("div", *self._body(finding), class_="body")
        details = h("details", head, body, open=is_open)
        return h("article", details, id=finding.code, class_=f"card {finding.severity}")

    def _body(self, finding: Finding) -> Iterator[Raw]:
        say = self._langs.say
        yield h("p", self.each(finding, lambda f, _: f.sentence), class_="sentence")
        yield h("p", *self._facts(finding), class_="muted")
        yield from self._evidence(finding)
        if finding.cause:
            yield from (h("h4", say("finding.cause")), h("p", self.each(finding, lambda f, _: f.cause)))
        yield from self.remedies(finding)
        yield from self._reasoning(finding)
        if finding.verify:
            yield from (h("h4", say("finding.verify")), h("p", self.each(finding, lambda f, _: f.verify)))
        yield from self._document(finding)
        yield from self._followers(finding)

    def _facts(self, finding: Finding) -> Iterator[object]:
        """Yield where, since when, how sure, and what it affects."""
        say, each = self._langs.say, self._langs.each
        yield each(lambda words: words("confidence", word=words(f"confidence.{finding.confidence}")))
        if finding.where:
            yield from (" · ", h("code", finding.where))
        if finding.onset is not None:
            onset = finding.onset
            yield from (" · ", each(lambda words: words("from-step", step=words.number(onset))))
        if finding.subjects:
            yield from (" · ", say("subjects"), " ", each(lambda words: _subjects(finding.subjects, words)))

    def _evidence(self, finding: Finding) -> Iterator[Raw]:
        if not finding.evidence:
            return
        rows = [self._evidence_row(finding, place) for place in range(len(finding.evidence))]
        head = h("tr", *(h("th", self._langs.say(key), scope="col") for key in ("finding.quantity", "finding.values")))
        table = h("div", h("table", h("thead", head), h("tbody", *rows)), class_="scroll")
        yield h("h4", self._langs.say("finding.evidence"))
        yield h("div", table, *self._picture(finding), class_="evidence")

    def _evidence_row(self, finding: Finding, place: int) -> Raw:
        values = finding.evidence[place].values
        shown = [h("div", h("code", f"{name} = {_value(value)}")) for name, value in list(values.items())[:8]]
        return h("tr", h("td", self.each(finding, lambda f, _: _evidence_text(f, place))), h("td", *shown))

    def _picture(self, finding: Finding) -> Iterator[Raw]:
        """Yield the curve the evidence is about, and a button that zooms the charts to it."""
        name = chart_of(finding)
        if name in self._specs:
            picture = spark(self._specs[name], self._span["first"], self._span["last"], finding.onset)
            label = h("a", self._langs.say(f"chart.{name}"), href=f"#chart-{name}")
            yield h("div", picture, h("div", label, *self._zoom(finding), class_="muted"), class_="picture")

    def _zoom(self, finding: Finding) -> Iterator[object]:
        if finding.onset is not None:
            yield h(
                "button",
                self._langs.say("finding.zoom"),
                type="button",
                class_="zoom live",
                data_from=finding.onset,
                data_to=self._span["last"],
            )

    def remedies(self, finding: Finding, most: int = MOST_REMEDIES) -> Iterator[Raw]:
        """Yield what to change, each with its tag and its code."""
        if finding.remedies:
            yield h("h4", self._langs.say("finding.fixes"))
            yield h(
                "ol",
                *(self.remedy(finding, place) for place in range(min(most, len(finding.remedies)))),
                class_="fixes",
            )

    def remedy(self, finding: Finding, place: int, element: str = "li") -> Raw:
        """Return one remedy."""
        remedy = finding.remedies[place]
        tag = h("span", self._langs.say(f"applies.{remedy.applies}"), class_=f"tag {remedy.applies}")
        where = [" ", h("code", remedy.where)] if remedy.where else []
        told = h("p", self.each(finding, lambda f, _: _remedy_text(f, place)), *where, " ", tag)
        diff = [code(remedy.code, self._langs, is_diff=bool(remedy.edits))] if remedy.code else []
        return h(element, told, *diff, *self._verified(finding, place))

    def _verified(self, finding: Finding, place: int) -> Iterator[Raw]:
        if finding.remedies[place].verified:
            told = self.each(finding, lambda f, words: verified.outcome(f.remedies[place], words))
            yield h("p", told, class_="verified")

    def _reasoning(self, finding: Finding) -> Iterator[Raw]:
        say = self._langs.say
        if finding.ruled_out:
            yield from (
                h("h4", say("finding.out")),
                self.each(finding, lambda f, _: _by_reason((o.code, o.text) for o in f.ruled_out), "div"),
            )
        if finding.not_judged:
            yield from (
                h("h4", say("finding.open")),
                self.each(finding, lambda f, _: _by_reason((o.code, o.how) for o in f.not_judged), "div"),
            )
        if finding.also_explained_by:
            yield h("p", say("also-from"), ": ", h("code", ", ".join(finding.also_explained_by)))
        if finding.rival:
            yield h(
                "p",
                say("rival"),
                ": ",
                h("code", finding.rival.code),
                " ",
                self.each(finding, lambda f, _: f.rival.test if f.rival else ""),
            )

    def _document(self, finding: Finding) -> Iterator[Raw]:
        docs = self._rules.get(finding.code, {}).get("doc")
        if docs:
            text = self._langs.each(lambda words: _paragraphs(docs.get(words.lang, "")), "div")
            command = h(
                "p",
                self._langs.say("finding.command"),
                ": ",
                h("code", f"trainadvisor explain {finding.code}"),
                class_="muted",
            )
            yield h("details", h("summary", self._langs.say("finding.explain")), text, command, class_="explain")

    def _followers(self, finding: Finding) -> Iterator[Raw]:
        if finding.explains:
            yield h("h4", self._langs.say("finding.follows"))
            for follower in finding.explains:
                yield self._follower(follower)

    def _follower(self, finding: Finding) -> Raw:
        """Return a consequence: its sentence and evidence, and what follows from it in turn."""
        onset = self._langs.step(finding.onset) if finding.onset is not None else ""
        head = h(
            "summary",
            h(
                "h5",
                h("code", finding.code),
                " ",
                self.each(finding, lambda f, _: f.title),
                " ",
                h("span", onset, class_="muted"),
            ),
        )
        nested = [self._follower(follower) for follower in finding.explains]
        body = h(
            "div",
            h("p", self.each(finding, lambda f, _: f.sentence)),
            *self._evidence(finding),
            *self._document(finding),
            *nested,
            class_="body",
        )
        return h("article", h("details", head, body), id=finding.code, class_="follower")


def level(finding: Finding, langs: Languages) -> Raw:
    """Return the word of a severity, in its colour."""
    return h("span", langs.say(f"severity.{finding.severity}"), class_=f"level {finding.severity}")


def chart_of(finding: Finding) -> str:
    """Return the chart that shows what the evidence is about."""
    names = [name for evidence in finding.evidence for name in evidence.values]
    found = [chart for name in names for part, chart in CHART_OF if part in name]
    return found[0] if found else CHART_OF_FAMILY.get(finding.family, "loss")


def code(source: str, langs: Languages, *, is_diff: bool) -> Raw:
    """Return code with a copy button; of a diff the button takes the lines that are added."""
    marked = [_code_line(line, is_diff=is_diff) for line in lines(source).split("\n")]
    button = h("button", langs.say("copy"), type="button", class_="copy live")
    return h("div", h("pre", h("code", *marked)), button, class_="code")


def _code_line(line: str, *, is_diff: bool) -> Raw:
    kind = {"+ ": "ins", "- ": "del"}.get(line[:2]) if is_diff else None
    return Raw(f"<{kind} data-line>{line}\n</{kind}>" if kind else f"<span data-line>{line}\n</span>")


def _subjects(names: list[str], words: Texts) -> str:
    shown = words("comma").join(name[:80] for name in names[:MOST_SUBJECTS])
    rest = len(names) - MOST_SUBJECTS
    return words("more-subjects", shown=shown, count=rest) if rest > 0 else shown


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:80]


def _evidence_text(finding: Finding, place: int) -> str:
    rows: list[Evidence] = finding.evidence
    return rows[place].text if place < len(rows) else ""


def _remedy_text(finding: Finding, place: int) -> str:
    return finding.remedies[place].text if place < len(finding.remedies) else ""


def _by_reason(others: Iterable[tuple[str, str]]) -> Raw:
    """Return other codes with their reasons, those with the same reason together."""
    reasons: dict[str, list[Raw]] = {}
    for code_, reason in others:
        reasons.setdefault(reason, []).append(h("code", code_))
    return h("ul", *(h("li", Raw(" ".join(codes)), " ", reason) for reason, codes in reasons.items()))


def _paragraphs(document: str) -> Raw:
    blocks = [line.strip() for line in document.strip().split("\n")]
    return Raw("".join(h("p", block) for block in blocks if block))
