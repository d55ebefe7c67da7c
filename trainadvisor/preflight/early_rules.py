"""Rules that can be judged after the first steps; those about the later course of a run are switched off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trainadvisor.i18n.language import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.judge.rulebook import Rule, Rulebook

# Kinds of evidence that are certain at any step; numbers from the first steps alone are a suspicion.
SEEN_AT_ONCE = frozenset({"direct", "exact", "static"})

# Steps after which a rule that normally waits longer may raise a suspicion.
ENOUGH_TO_SUSPECT = 15


def is_early(rule: Rule) -> bool:
    """Return whether a rule can be judged from the first steps of a run."""
    return rule.phase == "start"


def is_suspicion(rule: Rule) -> bool:
    """Return whether findings of an early rule need an experiment to confirm them."""
    return rule.evidence not in SEEN_AT_ONCE


def of_first_steps(book: Rulebook, lang: str) -> Rulebook:
    """Return the rulebook without the rules that need a longer run."""
    late = {code: say("preflight.early.late", lang) for code, rule in book.rules.items() if not is_early(rule)}
    rules = {code: hasty(rule) if is_suspicion(rule) else rule for code, rule in book.rules.items()}
    return replace(book, rules=rules, off={**late, **book.off})


def hasty(rule: Rule) -> Rule:
    """Return a rule that needs only enough steps for a suspicion, because an experiment will confirm it."""
    limits = dict(rule.thresholds)
    limits["min_steps"] = min(limits.get("min_steps", ENOUGH_TO_SUSPECT), ENOUGH_TO_SUSPECT)
    return replace(rule, thresholds=limits)


def without(book: Rulebook, codes: Mapping[str, str]) -> Rulebook:
    """Return the rulebook with more rules switched off, each with its reason."""
    return replace(book, off={**codes, **book.off})


def certain_and_suspected(diagnosis: Diagnosis, book: Rulebook) -> tuple[set[str], set[str]]:
    """Return the codes of warnings and errors, and those among them that an experiment must confirm."""
    found = {item.code for item in diagnosis.walk() if item.severity != "note"}
    suspected = {code for code in found if is_suspicion(book.rules[code])}
    return found - suspected, suspected
