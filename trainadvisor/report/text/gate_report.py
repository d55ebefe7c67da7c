"""The decision of a gate as terminal text: what fails and why, what does not count, and the exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.i18n.language import Words
from trainadvisor.report.machine.gate_entries import Entry, place
from trainadvisor.report.text.layout import cells, clean, flow, pad
from trainadvisor.report.text.page import Page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from trainadvisor.gate.decision import Decision, Item, Judged, Measured, Policy
    from trainadvisor.judge.result import Diagnosis

STYLES = {"pass": "healthy", "fail": "broken", "undecided": "cannot-tell"}
SILENT = ("below",)
NARROWEST = 24


def render(
    decision: Decision,
    policy: Policy,
    lang: str,
    *,
    width: int = 100,
    color: bool = False,
    source: str = "",
    new_only: bool = False,
    code: int | None = None,
) -> str:
    """Return the decision; `source` says where the policy is written, `new_only` whether there is a baseline."""
    epochs = all(run.diagnosis.run.get("unit") == "epoch" for run in decision.runs)
    page = Page(Words(lang, epochs=epochs), width, color=color)
    _head(page, decision, policy)
    for run in decision.runs:
        if len(decision.runs) > 1:
            page.paragraph(f"{name(run.diagnosis)}{page.words('colon')}{page.words(f'gate.{run.outcome}')}")
        _run(page, run)
    _measured(page, decision.measured)
    _notes(page, decision)
    page.paragraph(_gate(page.words, policy, source, decision.exit_code if code is None else code, new_only=new_only))
    return page.text()


def name(diagnosis: Diagnosis) -> str:
    """Return what a run is called."""
    return clean(diagnosis.run.get("log", "log"))


def _head(page: Page, decision: Decision, policy: Policy) -> None:
    words = page.words
    failing = {item.finding.code for run in decision.runs for item in run.failing}
    checks, made = max(_checks(run.diagnosis) for run in decision.runs)
    count = len(failing)
    text = words("gate.of" if failing else "gate.checks", count=count, checks=checks, made=made)
    if len(decision.runs) > 1:
        rule = words(f"gate.aggregate.{policy.aggregate}")
        text += words("clause") + words("gate.runs", count=len(decision.runs), rule=rule)
    mark = page.words(f"gate.{decision.outcome}")
    page.paragraph(f"{mark}  {text}")
    page.restyle(mark, STYLES[decision.outcome])


def _checks(diagnosis: Diagnosis) -> tuple[int, int]:
    """Return how many checks there are, and how many of them were made."""
    made = len(list(diagnosis.walk())) + len(diagnosis.clear)
    return made + len(diagnosis.unknown), made


def _run(page: Page, run: Judged) -> None:
    rows = [_row(page.words, item) for item in run.items if item.status not in SILENT]
    _table(page, rows)
    _causes(page, run)
    _measured(page, run.measured)
    for reason in run.reasons:
        values = {key: clean(value) for key, value in reason.values.items()}
        page.paragraph(page.words(reason.key, **values), indent="  ", hang="  ")
    for line in flow(_counts(page.words, run), "   ", page.width - 2):
        page.paragraph(line, indent="  ")


def _causes(page: Page, run: Judged) -> None:
    """Add what explains failing findings without failing itself: the place to begin."""
    failing = {item.finding.code for item in run.failing}
    for root in run.diagnosis.findings:
        follow = [inner.code for inner in root.walk() if inner.code in failing]
        if follow and root.code not in failing:
            page.paragraph(
                page.words("gate.cause", code=root.code, codes=page.words("comma").join(follow)), indent="  "
            )
            page.paragraph(clean(root.sentence or root.title), indent="         ")


def _row(words: Words, item: Item) -> tuple[str, str, str, str]:
    """Return level, code, sentence, and why it counts or not with its place."""
    status = item.note if item.status == "fail" else item.status
    known = words(f"gate.{status}", reason=item.note) if status else ""
    where = place(item.finding)
    at = f"{where[0]}:{where[1]}" if where else ""
    level = words(f"severity.{item.finding.severity}")
    return (
        level,
        item.finding.code,
        clean(item.finding.sentence or item.finding.title),
        "   ".join(filter(None, [known, at])),
    )


def _table(page: Page, rows: Sequence[tuple[str, str, str, str]]) -> None:
    """Add aligned rows; where they do not fit beside each other, the sentence goes below."""
    levels, codes = (max((cells(row[n]) for row in rows), default=0) for n in (0, 1))
    for level, code, sentence, aside in rows:
        head = f"{pad(level, levels)}  {pad(code, codes)}"
        room = page.width - 2 - cells(head) - 2 - (cells(aside) + 3 if aside else 0)
        if cells(sentence) <= room or room < NARROWEST:
            page.paragraph(
                "  ".join(filter(None, [head, pad(sentence, room if aside else 0), aside])).rstrip(), indent="  "
            )
        else:
            page.paragraph(f"{head}  {aside}".rstrip(), indent="  ")
            page.paragraph(sentence, indent=" " * (levels + 4))


def _measured(page: Page, measured: Iterable[Measured]) -> None:
    for entry in measured:
        mark = page.words({True: "gate.pass", False: "gate.fail", None: "gate.undecided"}[entry.holds])
        page.paragraph(f"{page.words('gate.require')}  {sentence(page.words, entry)}  {mark}", indent="  ")


def sentence(words: Words, entry: Measured) -> str:
    """Return what was measured where a figure is required."""
    from trainadvisor.requirements import shown

    text = entry.requirement.text
    if entry.skipped:
        return words("gate.not-compared", text=text)
    if entry.value is None:
        return words("gate.not-measured", text=text)
    return words("gate.measured", text=text, value=shown(entry.requirement.metric, entry.value))


def entries(decision: Decision, lang: str) -> list[Entry]:
    """Return what the formats need of a decision, run by run."""
    words = Words(lang)
    shared = tuple(_sentences(words, decision.measured))
    return [_entry(words, run, shared) for run in decision.runs]


def _entry(words: Words, run: Judged, shared: Sequence[tuple[str, str, bool | None]]) -> Entry:
    excused = {
        item.finding.code: words(f"gate.{item.status}", reason=item.note) for item in run.items if item.status != "fail"
    }
    return Entry(
        run.diagnosis,
        fails={item.finding.code for item in run.failing},
        excused=excused,
        known={item.finding.code for item in run.items if item.status == "known"},
        required=(*_sentences(words, run.measured), *shared),
    )


def _sentences(words: Words, measured: Iterable[Measured]) -> Iterator[tuple[str, str, bool | None]]:
    for entry in measured:
        yield entry.requirement.text, sentence(words, entry), entry.holds


def _counts(words: Words, run: Judged) -> Iterator[str]:
    roots = {item.finding.code: len(list(item.finding.consequences())) for item in run.failing}
    if total := sum(roots.values()):
        codes = words("comma").join(code for code, count in roots.items() if count)
        yield words("gate.consequences", count=words.count("consequences", total), codes=codes)
    if below := sum(item.status == "below" for item in run.items):
        yield words("gate.below.count", count=below)
    yield words("gate.passed", count=len(run.diagnosis.clear))
    yield words("gate.unchecked", count=len(run.diagnosis.unknown))


def _notes(page: Page, decision: Decision) -> None:
    words = page.words
    if decision.fixed:
        codes = words("comma").join(decision.fixed)
        page.paragraph(words("gate.fixed", count=len(decision.fixed), codes=codes), indent="  ")
    for accepted in decision.expired:
        text = words("gate.expired", code=accepted.code, day=accepted.until, reason=clean(accepted.reason))
        page.paragraph(text, indent="  ")


def references(words: Words, runs: Sequence[Diagnosis], metrics: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return the figures that left the range of the baseline's runs."""
    from trainadvisor.requirements import METRICS, shown

    lines = []
    for metric, spread in metrics.items():
        values = [run.run.get(METRICS[metric][0]) for run in runs] if metric in METRICS else []
        for value in values:
            if isinstance(value, int | float) and not spread["low"] <= value <= spread["high"]:
                texts = {key: shown(metric, spread[key]) for key in ("low", "high")}
                lines.append(words("gate.reference", metric=metric, value=shown(metric, value), **texts))
    return lines


def _gate(words: Words, policy: Policy, source: str, code: int, *, new_only: bool) -> str:
    if policy.fail_on == "never":
        line = words("gate.line.never")
    else:
        line = words(
            "gate.line", level=words(f"gate.level.{policy.fail_on}"), sure=words(f"confidence.{policy.min_confidence}")
        )
    new = words("clause") + words("gate.new-only") if new_only else ""
    place_of = f"  [{source}]" if source else ""
    return f"{line}{new}{words('aside', text=words('gate.exit', code=code))}{place_of}"
