"""What may be said after the first steps: rules about how a run goes on have to wait for it to go on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trainadvisor.i18n.preflight_texts import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.judge.rulebook import Rule, Rulebook

SEEN_AT_ONCE = frozenset({"direct", "exact", "static"})
"""Evidence that is a fact at any step; figures of the first steps alone are a suspicion."""

ENOUGH_TO_SUSPECT = 15
"""Steps after which a rule that else waits longer may raise a suspicion."""


def is_early(rule: Rule) -> bool:
    """Say whether a rule can be right about the first steps of a run."""
    return rule.phase == "start"


def is_suspicion(rule: Rule) -> bool:
    """Say whether what an early rule finds needs an experiment to confirm it."""
    return rule.evidence not in SEEN_AT_ONCE


def of_first_steps(book: Rulebook, lang: str) -> Rulebook:
    """Return the rulebook with the rules that have to wait switched off."""
    late = {code: say("early.late", lang) for code, rule in book.rules.items() if not is_early(rule)}
    rules = {code: hasty(rule) if is_suspicion(rule) else rule for code, rule in book.rules.items()}
    return replace(book, rules=rules, off={**late, **book.off})


def hasty(rule: Rule) -> Rule:
    """Return a rule that waits for no more steps than are needed for a suspicion: an experiment is to confirm it."""
    limits = dict(rule.thresholds)
    limits["min_steps"] = min(limits.get("min_steps", ENOUGH_TO_SUSPECT), ENOUGH_TO_SUSPECT)
    return replace(rule, thresholds=limits)


def without(book: Rulebook, codes: Mapping[str, str]) -> Rulebook:
    """Return the rulebook with further rules switched off, each for its reason."""
    return replace(book, off={**codes, **book.off})


def certain_and_suspected(diagnosis: Diagnosis, book: Rulebook) -> tuple[set[str], set[str]]:
    """Return the alarming codes that were found, and those of them that an experiment has to confirm."""
    found = {item.code for item in diagnosis.walk() if item.severity != "note"}
    suspected = {code for code in found if is_suspicion(book.rules[code])}
    return found - suspected, suspected
