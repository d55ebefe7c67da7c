"""Two runs side by side as terminal text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from trainadvisor.figures import short, unspaced
from trainadvisor.i18n.language import Words
from trainadvisor.report.machine.json_document import safe
from trainadvisor.report.text import healthy
from trainadvisor.report.text.layout import cells, clean, pad
from trainadvisor.report.text.page import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trainadvisor.compare import Comparison, Row

STYLES = {"better": "healthy", "worse": "broken", "mixed": "needs-attention", "equal": "note", "unlike": "cannot-tell"}
# The name of the later run in a sentence, which on a page of many runs has another letter.
WITH_B = re.compile(r"(?<![A-Za-z])B(?![A-Za-z])")
# Settings whose words say something to a reader.
READABLE = ("loss", "reduction")
COLUMN = {"en": 19, "zh": 13}
FACTOR = 3.0  # beyond it a factor reads better than a percentage


FORMS: dict[str, Callable[[float], str]] = {
    "share": healthy.share,
    "time": lambda value: f"{short(1000 * value)} ms",
    "memory": lambda value: f"{value:.0f} MB",
}


def render(result: Comparison, lang: str, *, width: int = 100, color: bool = False) -> str:
    """Return the comparison: settings, verdict, findings, figures."""
    page = Page(Words(lang), width, color=color, column=COLUMN[lang])
    _runs(page, result)
    _settings(page, result)
    page.blank()
    page.row(page.words("compare.verdict"), verdict(page.words, result))
    _findings(page, result)
    page.blank()
    _table(page, result)
    _span(page, result)
    return page.text()


def _runs(page: Page, result: Comparison) -> None:
    words = page.words
    for name, run in (("A", result.a), ("B", result.b)):
        log, state = clean(run.run.get("log", "log")), words(f"state.{run.state}")
        page.paragraph(words("compare.run", name=name, log=log, state=state))
    page.paragraph(words("compare.change"))


def _settings(page: Page, result: Comparison) -> None:
    words = page.words
    changed = changes(words, result)
    names = words("comma").join(setting(words, name) for name in result.same)
    same = words("aside", text=words("compare.same", names=names)) if names else ""
    page.row(words("compare.settings"), (changed or words("compare.none")) + same)
    if result.misnamed:
        before, now, rate = map(_setting, result.misnamed)
        page.row("", words("compare.misnamed", before=before, now=now, rate=rate))
    if result.recoded:
        page.row("", words("compare.recoded", name=clean(result.recoded)))
    if result.unheeded:
        given = [clean(" ".join(words_given)) or words("compare.none") for words_given in result.unheeded]
        page.row("", words("compare.unheeded", before=given[0], now=given[1]))


def changes(words: Words, result: Comparison) -> str:
    """Return the settings that were changed, with both values."""
    return words("comma").join(
        _model(words, result) if name == "model" else f"{setting(words, name)} {_setting(a)} -> {_setting(b)}"
        for name, a, b in result.changed
    )


def _model(words: Words, result: Comparison) -> str:
    """Return both models by name and size; what tells them apart in a log is a fingerprint, which says nothing."""
    before, now = (_named_model(words, run.run) for run in (result.a, result.b))
    return f"{setting(words, 'model')} {before} -> {now}" if before != now else words("compare.other-layers")


def _named_model(words: Words, run: dict[str, Any]) -> str:
    name, size = clean((run.get("models") or ["?"])[0]), run.get("parameters")
    return words("compare.sized", name=name, size=words.number(size)) if size else name


def setting(words: Words, name: str) -> str:
    """Return what a setting is called."""
    return words(f"compare.setting.{name}")


def _setting(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else clean(value)


def verdict(words: Words, result: Comparison) -> str:
    """Return the verdict as a sentence with its reasons."""
    if result.unlike:
        fields = [_unlike(words, *entry) for entry in result.unlike]
        return endings(words, result) + words("compare.unlike", fields=words("clause").join(fields)) + words("end")
    return (
        endings(words, result)
        + words(f"compare.{result.verdict}")
        + words("colon")
        + words("clause").join(_reasons(words, result))
        + words("end")
    )


def endings(words: Words, result: Comparison) -> str:
    """Return which of the runs did not come to its end, and why; nothing where both did."""
    told = [
        words(f"compare.ended.{kind}", name=name, error=clean(detail), steps=clean(detail))
        for name, kind, detail in result.ended
    ]
    return words("clause").join(told) + words("semicolon") if told else ""


def _unlike(words: Words, name: str, before: Any, now: Any) -> str:
    """Return what is not alike: by its name alone where its values, such as fingerprints, say nothing to a reader."""
    readable = name in READABLE or all(isinstance(value, (int, float)) for value in (before, now))
    if not readable:
        return setting(words, name)
    return words("compare.field", field=setting(words, name), before=_setting(before), now=_setting(now))


def _reasons(words: Words, result: Comparison) -> Iterator[str]:
    comma = words("comma")
    row = result.decided_by
    if result.by_validation and row is not None:
        yield words("compare.figure", metric=_label(words, row), before=shown(row, row.a), now=shown(row, row.b))
        key = "compare.other-model-and-code" if result.recoded else "compare.other-model"
        yield words(key, name=clean(result.recoded or ""))
        return
    if result.fixed:
        yield words("compare.gone", codes=comma.join(result.fixed[:3]))
    if result.new:
        yield words("compare.came", codes=comma.join(result.new[:3]))
    elif result.fixed:
        yield words("compare.nothing-new")
    if row is not None and not (result.fixed or result.new):
        yield words("compare.figure", metric=_label(words, row), before=shown(row, row.a), now=shown(row, row.b))
    elif not (result.fixed or result.new):
        yield words("compare.nothing-new")


def _findings(page: Page, result: Comparison) -> None:
    words = page.words
    label = words("compare.findings")
    kinds = {"compare.fixed": result.fixed, "compare.kept": result.kept, "compare.new": result.new}
    column = max(cells(words(key)) for key in kinds) + 2
    for key, codes in kinds.items():
        page.row(label, pad(words(key), column) + (words("comma").join(codes) or words("compare.none")))
        label = ""


def _label(words: Words, row: Row) -> str:
    return words(row.key, step=words.number(row.step or 0), name=clean(row.metric))


def shown(row: Row, value: float | None) -> str:
    """Return a figure in the unit of its row."""
    if value is None:
        return "n/a"
    return FORMS.get(row.form, healthy.number)(value)


def _change(words: Words, row: Row) -> str:
    if not row.like:
        return words("compare.other-loss")
    if row.change is None or row.a is None or row.b is None:
        return ""
    if row.form == "share":
        return words("compare.points", points=f"{100 * (row.b - row.a):+.0f}")
    if row.a > 0 and row.b > FACTOR * row.a:
        return words("compare.larger", ratio=healthy.number(row.b / row.a))
    if row.a * row.b < 0:  # a percentage of a figure that changes its sign says nothing
        return f"{'+' if row.b > row.a else '-'}{healthy.number(abs(row.b - row.a))}"
    return f"{100 * row.change:+.0f} %"


def _table(page: Page, result: Comparison) -> None:
    words = page.words
    rows = [("", "A", "B", words("compare.row.change"))]
    plain = unspaced if words.lang == "zh" else str
    rows += [
        (_label(words, r), plain(shown(r, r.a)), plain(shown(r, r.b)), plain(_change(words, r))) for r in result.rows
    ]
    widths = [max(cells(row[n]) for row in rows) + 3 for n in range(3)]
    for row in rows:
        cells_of = [pad(text, size) for text, size in zip(row, widths, strict=False)]
        indent = "" if row[0] else cells_of.pop(0)
        page.paragraph(("".join(cells_of) + row[3]).rstrip(), indent=indent)
    page.paragraph(_noise(words, result))


def _noise(words: Words, result: Comparison) -> str:
    """Return which figures differ by more than chance explains, as far as that is known."""
    if result.noise is None:
        return words("compare.noise")
    beyond, within = (
        words("comma").join(_label(words, row) for row in result.rows if row.beyond is clear) or words("compare.none")
        for clear in (True, False)
    )
    return words("compare.noise.known", runs=result.noise.runs, beyond=beyond, within=within)


def _span(page: Page, result: Comparison) -> None:
    if result.last is not None:
        words = page.words
        stopped = words("aside", text=words("compare.stopped", name=result.stopped)) if result.stopped else ""
        page.paragraph(words("compare.span", step=words.number(result.last)) + stopped)


def document(result: Comparison) -> str:
    """Return the comparison as JSON."""
    return safe(json.dumps(_plain(result), indent=2, ensure_ascii=False))


def documents(results: Sequence[Comparison]) -> str:
    """Return the comparisons of the first run with each other one as JSON."""
    values = {"schema": "trainadvisor/comparisons/1", "comparisons": [_plain(result) for result in results]}
    return safe(json.dumps(values, indent=2, ensure_ascii=False))


def _plain(result: Comparison) -> dict[str, Any]:
    rows = [
        {"figure": row.metric or row.key.removeprefix("compare."), "a": row.a, "b": row.b, "change": row.change}
        for row in result.rows
    ]
    settings = {name: {"a": before, "b": now} for name, before, now in result.changed}
    return {
        "schema": "trainadvisor/comparison/1",
        "verdict": result.verdict,
        "states": {"a": result.a.state, "b": result.b.state},
        "changed": settings,
        "unlike": [name for name, _, _ in result.unlike],
        "fixed": list(result.fixed),
        "same": list(result.kept),
        "new": list(result.new),
        "figures": rows,
        "last_common_step": result.last,
    }
