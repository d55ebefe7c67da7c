"""What remedies without effect rule out, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainadvisor.i18n.language import Words
    from trainadvisor.verify.plan import Change
    from trainadvisor.verify.trial_runs import Tried

SPOKE = frozenset({"no-better", "worse", "hopeless"})
KNOWN = frozenset({
    "lr", "optimizer", "init", "clip", "standardize-inputs", "standardize-targets", "activation", "add-nonlinearity",
    "weight-decay", "dropout", "batch-size", "shuffle", "warmup", "schedule", "precision",
})  # fmt: skip
BOTH_WAYS = 2


def ruled_out(tried: Sequence[Tried], words: Words) -> list[str]:
    """Return what is not the cause, as far as single changes that were applied show it.

    A learning rate is ruled out only when a smaller and a larger one have been tried.
    """
    spoke = [t.candidate.changes[0] for t in tried if t.verdict in SPOKE and len(t.candidate.changes) == 1]
    rates = {_direction(change) for change in spoke if change.change == "lr"}
    names = dict.fromkeys(change.change for change in spoke)
    kept = [name for name in names if name != "lr" or len(rates) >= BOTH_WAYS]
    return [_name(name, words) for name in kept]


def _direction(change: Change) -> str:
    """Return which way a learning rate goes, as far as the change tells it by itself."""
    factor = change.arguments.get("factor")
    if isinstance(factor, (int, float)):
        return "up" if factor > 1 else "down"
    return f"to {change.arguments.get('value')}"


def _name(change: str, words: Words) -> str:
    return words(f"verify.rules-out.{change}") if change in KNOWN else words("verify.rules-out.other", change=change)


def none_helped(tried: Sequence[Tried], ruled: list[str], words: Words) -> str:
    """Return "none of 6 remedies helped; what that rules out: ..."."""
    count = sum(t.verdict in SPOKE or t.verdict in ("ignored", "better") for t in tried)
    if not count:
        return words("verify.none.nothing", count=len(tried))
    listed = words("comma").join(ruled) or words("verify.none.nothing-ruled")
    return words("verify.none", count=count, ruled=listed)


def general(change: Change, words: Words) -> str:
    """Return what a change does that no finding asked for."""
    try:
        return words(f"verify.general.{change.change}", **change.arguments)
    except KeyError:
        return change.label()
