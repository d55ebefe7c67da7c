"""Describes what ineffective remedies rule out."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from trainadvisor.changes.catalogue import about

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainadvisor.i18n.language import Words
    from trainadvisor.trials.jobs import Change
    from trainadvisor.verify.trial_runs import Tried

SPOKE = frozenset({"no-better", "worse", "hopeless"})
BOTH_WAYS = 2


def ruled_out(tried: Sequence[Tried], words: Words) -> list[str]:
    """Return what is not the cause, as shown by single changes that were applied without effect.

    A quantity such as the learning rate is ruled out only when both lower and higher values were tried.
    """
    spoke = [t.candidate.changes[0] for t in tried if _spoke(t) and len(t.candidate.changes) == 1]
    ways: dict[str, set[str]] = defaultdict(set)
    for change in spoke:
        ways[change.change].add(_direction(change))
    return [_name(name, words) for name in ways if not about(name).both_ways or len(ways[name]) >= BOTH_WAYS]


def _spoke(tried: Tried) -> bool:
    """Return whether a trial shows that its change is not what is missing: its finding is still there, too."""
    return tried.verdict in SPOKE and tried.candidate.code not in tried.trials[0].gone


def _direction(change: Change) -> str:
    """Return the direction in which a change moves a quantity, if the change alone determines it."""
    factor = change.arguments.get("factor")
    if isinstance(factor, (int, float)):
        return "up" if factor > 1 else "down"
    return f"to {change.arguments.get('value')}"


def _name(change: str, words: Words) -> str:
    return words.of(about(change).rules_out) or words("verify.rules-out.other", change=change)


def none_helped(tried: Sequence[Tried], ruled: list[str], words: Words) -> str:
    """Return "none of 6 remedies helped; what that rules out: ..."."""
    count = sum(t.verdict in SPOKE or t.verdict in ("ignored", "better", "little-better") for t in tried)
    if not count:
        return words("verify.none.nothing", count=len(tried))
    listed = words("comma").join(ruled) or words("verify.none.nothing-ruled")
    return words("verify.none", count=count, ruled=listed)


def other_changes(tried: Sequence[Tried], code: str, text: str, words: Words) -> str:
    """Return what the person is to change where no trial could make the change of a finding that is certain."""
    count = sum(t.verdict not in ("refused", "failed") for t in tried)
    return words("verify.none.by-hand", code=code, text=text.rstrip(".。"), count=count)


def general(change: Change, words: Words) -> str:
    """Return a description of a change that no finding asked for."""
    try:
        return words.of(change.about.does).format(**change.arguments) or change.label()
    except KeyError:
        return change.label()
