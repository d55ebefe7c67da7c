"""The result of verify as terminal text: the answer, its figures, the diff, and what else was tried."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from trainadvisor.figures import short
from trainadvisor.i18n.told_errors import reason
from trainadvisor.report.text.page import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainadvisor.i18n.language import Words

STYLES = {
    "verified": "healthy",
    "promising": "needs-attention",
    "none-helped": "broken",
    "nothing-to-cure": "healthy",
    "not-judged": "cannot-tell",
}
SHOWN = 12


def render(found: Any, words: Words, *, width: int = 100, color: bool = False) -> str:
    """Return the answer; `found` is what verify.json holds."""
    page = Page(words, width, color=color, column=14)
    if found.interrupted:
        page.paragraph(words("verify.interrupted"))
    page.headline(words(f"verify.answer.{found.answer}"), found.sentence, STYLES[found.answer])
    for place, item in enumerate(found.verified):
        if place:
            page.blank()
        _verified(page, item)
    _tried(page, found)
    for code, change in found.confidence.items():
        before, _, after = change.partition(" -> ")
        told = {"before": words(f"confidence.{before}"), "after": words(f"confidence.{after}")}
        page.row(words("verify.row.confidence"), words("verify.confidence", code=code, **told))
    for note in found.notes:
        page.paragraph(words("remark", text=note), hang="  ")
    return page.text()


def _verified(page: Page, item: Any) -> None:
    words = page.words
    page.row(words("fix"), item.text + (words("aside", text=item.where) if item.where else ""))
    if item.diff:
        page.code(item.diff)
    for place, told in enumerate(t for t in item.elsewhere if t not in item.text and item.text not in t):
        page.row("" if place else words("verify.row.elsewhere"), told)
    page.row(words("verify.row.gain"), f"{words.metric(item.metric)}{words('colon')}{gain(item, words)}")
    for key in ("gone", "left"):
        if codes := getattr(item, key):
            page.row(words(f"verify.row.{key}"), words("comma").join(codes))


def gain(item: Any, words: Words) -> str:
    """Return the gain with its interval and what would be clearly better."""
    value = number(abs(item.after - item.before)) if math.isfinite(item.before) else number(item.after)
    margin = number(item.margin)
    if item.interval is None:
        return words("verify.gain.bare", gain=value, margin=margin)
    low, high = (number(bound) for bound in item.interval)
    return words("verify.gain", gain=value, low=low, high=high, margin=margin)


def _tried(page: Page, found: Any) -> None:
    """Add the other candidates, a line each."""
    words = page.words
    mine = [
        [(item.change, item.arguments), *((c.change, c.arguments) for c in item.combined_with)]
        for item in found.verified
    ]
    others = [t for t in found.trials if t.seed is None and [(c.change, c.arguments) for c in t.changes] not in mine]
    for place, trial in enumerate(others[:SHOWN]):
        label = " + ".join(_label(change) for change in trial.changes)
        page.row("" if place else words("verify.row.tried"), f"{label}{words('colon')}{outcome(trial, words)}")


def _label(change: Any) -> str:
    values = [
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in change.arguments.items()
    ]
    return " ".join([change.change, *values])


def verdict(trial: Any, words: Words) -> str:
    """Return what a trial was: a gain that leaves it no better than a guess is told as such."""
    first = trial.compared[0] if trial.compared else None
    if trial.verdict == "no-better" and first is not None and first.gain > first.margin and not first.better:
        return words("verify.useless")
    return words(f"verify.{trial.verdict}")


def deciding(said: str, compared: Sequence[Any]) -> Sequence[Any]:
    """Return the metric that a verdict rests on: the first that is better, else the first of all."""
    better = [item for item in compared if item.better] if said == "better" else []
    return (better or compared)[:1]


def detail(trial: Any, words: Words) -> str:
    """Return why a trial came to nothing; the change is named where there are several."""
    told = reason(trial.detail, words.lang)
    if len(trial.changes) != 1:
        return told
    name = trial.changes[0].change
    return told.removeprefix(f"{name}: ").removeprefix(f"{name}：")


def outcome(trial: Any, words: Words) -> str:
    """Return what came of a trial."""
    text = verdict(trial, words)
    if trial.detail:
        return text + words("aside", text=detail(trial, words))
    shown = [
        words("verify.figure", metric=words.metric(c.metric), after=number(c.after), before=number(c.before))
        for c in deciding(trial.verdict, trial.compared)
    ]
    return words("clause").join([text, *shown])


def number(value: float) -> str:
    """Return a figure with three digits."""
    return short(value) if math.isfinite(value) else "nan"
