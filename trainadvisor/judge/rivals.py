"""Findings whose remedies are opposite, and the cheap test that tells which of the two holds."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainadvisor.judge.rulebook import Rule


def rivalry(rule: "Rule", other: "Rule") -> Mapping[str, Any] | None:
    """Return what either of two rules says of the other as its rival; each pair stands in one of the two files."""
    pairs = ((rule, other), (other, rule))
    entries = [entry for one, two in pairs for entry in one.rivals if entry["code"] == two.code]
    return entries[0] if entries else None
