"""Judges rules: each becomes found, clear, unknown or not applicable."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from trainadvisor.interruptions import from_handler
from trainadvisor.judge import crash_rules
from trainadvisor.judge.applicability import lacking
from trainadvisor.judge.conditions import Expression
from trainadvisor.judge.rule_verdict import CLEAR, FOUND, OFF, UNKNOWN, Scope, SignalSource, Verdict
from trainadvisor.judge.rulebook import Rule, Rulebook
from trainadvisor.judge.written_rules import Written, of_source, weighed_by_harm, with_source
from trainadvisor.vocabulary import Severity

MOST_SUBJECTS = 200
MANY = "many-trainings"
CURVES, RECORDED = "curves-only", "recorded"
# Families whose rules are made for the points of another tool's log; policies' know some of the recorder's too.
CURVES_FAMILIES = CURVES_FAMILY, POLICIES_FAMILY = ("curves", "policies")
# Share of what can be learned above which no statistics may call a run broken.
MASTERED = 0.9
# The same for a loss without a yardstick, which has to fall by three orders of magnitude.
ORDERS = 1e-3
# A condition that asks for an amount of what was recorded, and for nothing else.
AMOUNT = re.compile(r"(steps|loss_steps|optimizer_steps|evals|backwards) >=? \w+$")
# A condition that a run has learned little: one that has learned rules it out, however short it is.
LITTLE = re.compile(r"(skill|skill_best|val_skill_best|loss_drop) < ")
# Kinds of evidence that hold for each of many trainings: what was seen, not how it went.
SEEN = frozenset({"direct", "exact", "static"})


@dataclass
class _Outcome:
    """The joined result of all lines of a rule in one scope."""

    holds: bool | None = True
    missing: list[str] = field(default_factory=list)
    unsure: bool = False


def judge(
    signals: SignalSource, rulebook: Rulebook, contexts: Collection[str] = (), written: Written | None = None
) -> list[Verdict]:
    """Return the verdict on every rule; a rule that fails is unknown and takes nothing with it.

    `written` holds the faults that stand in the sources, by code.
    """
    written = written or {}
    verdicts = []
    for code, rule in rulebook.rules.items():
        if rule.explains_crashes:
            continue
        if rule.judges_runs and code in rulebook.off:
            verdicts.append(Verdict(rule, OFF, reason=rulebook.off[code]))
        elif rule.judges_runs:
            verdicts.append(with_source(judge_rule(rule, signals, contexts), signals, written))
        elif code not in rulebook.off and (found := of_source(rule, signals, written)):
            verdicts.append(found)
    verdicts += [judge_rule(rule, signals, contexts) for rule in crash_rules.explaining(signals, rulebook)]
    return weighed_by_harm(verdicts)


def judge_rule(rule: Rule, signals: SignalSource, contexts: Collection[str] = ()) -> Verdict:
    """Return the verdict on one rule."""
    if why := _barred(rule, contexts):
        return Verdict(rule, OFF, reason=why)
    try:
        verdict = _judge_branches(rule, signals)
        if RECORDED in contexts and rule.family == POLICIES_FAMILY and verdict.state == UNKNOWN:
            return Verdict(rule, OFF, reason=RECORDED)
        if verdict.state == FOUND:
            return _left(_completed(verdict, contexts))
        absent = lacking(rule, contexts)
        return Verdict(rule, OFF, reason=absent) if absent else verdict
    except Exception as error:
        if from_handler(error):
            raise
        return Verdict(rule, UNKNOWN, failure=f"{type(error).__name__}: {error}")


def _barred(rule: Rule, contexts: Collection[str]) -> str | None:
    """Return the kind of training or of log in which a rule abstains."""
    if barred := [context for context in rule.off if context in contexts]:
        return barred[0]
    if MANY in contexts and rule.evidence not in SEEN:
        return MANY  # what the steps show together is the course of no training
    return _other_source(rule, contexts)


def _other_source(rule: Rule, contexts: Collection[str]) -> str | None:
    """Return the source of the log where a rule is made for the other one."""
    if RECORDED in contexts and rule.family == CURVES_FAMILY:
        return RECORDED  # the recorder has better than curves to judge by
    if CURVES in contexts and rule.evidence not in SEEN and rule.family not in CURVES_FAMILIES:
        return CURVES  # limits measured on steps say nothing about points
    return None


def _judge_branches(rule: Rule, signals: SignalSource) -> Verdict:
    """Return the verdict of the first branch that holds; the rule is clear only where every branch is."""
    if rule.explains_crashes:
        return crash_rules.verdict(rule, signals)
    missing: list[str] = []
    open_branches = short = False
    for variant in rule.variants:
        scope = Scope(variant, signals)
        verdict = _judge_layers(variant, scope) if rule.scope == "layer" else _judge_run(variant, scope)
        if verdict.state == FOUND:
            return verdict
        open_branches = open_branches or verdict.state == UNKNOWN
        short = short or verdict.short or _is_short(variant, scope)
        missing += verdict.missing
    return Verdict(rule, UNKNOWN if open_branches else CLEAR, missing=tuple(missing), short=short and not open_branches)


def _is_short(rule: Rule, scope: Scope) -> bool:
    """Return whether a line of `when` that asks for an amount of steps or evaluations does not hold, and decides."""
    return _refused(AMOUNT, rule, scope) and not _refused(LITTLE, rule, scope)


def _refused(asking: re.Pattern[str], rule: Rule, scope: Scope) -> bool:
    return any(_asks(asking, line.text) and line.evaluate(scope) is False for line in rule.conditions)


@cache
def _asks(pattern: re.Pattern[str], line: str) -> bool:
    return pattern.match(line) is not None


def _judge_run(rule: Rule, scope: Scope) -> Verdict:
    outcome = _outcome(rule, scope)
    if outcome.holds:
        return Verdict(rule, FOUND, rule.severity, scope, tuple(_evidence(rule, scope)), unsure=outcome.unsure)
    return Verdict(rule, CLEAR if outcome.holds is False else UNKNOWN, missing=tuple(outcome.missing))


def _judge_layers(rule: Rule, scope: Scope) -> Verdict:
    layers = _layers(rule, scope)
    if not layers:
        return _judge_run(rule, scope) if not _layered(rule, scope) else Verdict(rule, CLEAR)
    outcomes = {layer: _outcome(rule, scope.at(layer)) for layer in layers}
    judged = [layer for layer, outcome in outcomes.items() if outcome.holds is not None]
    matched = tuple(layer for layer in judged if outcomes[layer].holds)
    if matched and len(matched) >= (rule.share or 0) * len(judged):
        inside = scope.at(matched[0])
        unsure = all(outcomes[layer].unsure for layer in matched)
        evidence = tuple(_evidence(rule, inside))
        return Verdict(rule, FOUND, rule.severity, inside, evidence, matched=matched, layers=len(judged), unsure=unsure)
    if judged:
        return Verdict(rule, CLEAR)
    missing = dict.fromkeys(name for outcome in outcomes.values() for name in outcome.missing)
    return Verdict(rule, UNKNOWN, missing=tuple(missing))


def _layered(rule: Rule, scope: Scope) -> list[Mapping[str, Any]]:
    """Return the signals with one value a layer that the rule uses."""
    names = dict.fromkeys(name for line in [*rule.conditions, *rule.exclusions] for name in line.names)
    values = (scope(name) for name in names)
    return [value for value in values if isinstance(value, Mapping)]


def _layers(rule: Rule, scope: Scope) -> list[str]:
    """Return the layers that every layer signal of `when` knows, in the order of the first."""
    names = dict.fromkeys(name for line in rule.conditions for name in line.names)
    known = [value for value in map(scope, names) if isinstance(value, Mapping)]
    layers = [layer for layer in known[0] if all(layer in other for other in known[1:])] if known else []
    return [layer for layer in layers if not _is_ignored(layer, rule)]


def _outcome(rule: Rule, scope: Scope) -> _Outcome:
    outcome = _Outcome()
    for line in rule.conditions:
        held = line.evaluate(scope)
        if held is False:
            return _Outcome(holds=False)
        if held is None:
            outcome.holds = None
            outcome.missing += _missing(line, scope)
    return _excluded(rule, scope, outcome)


def _excluded(rule: Rule, scope: Scope, outcome: _Outcome) -> _Outcome:
    for line in rule.exclusions:
        held = line.evaluate(scope)
        if held:
            return _Outcome(holds=False)
        if held is None:
            outcome.unsure = True
            if rule.unless_known:
                outcome.holds = None
                outcome.missing += _missing(line, scope)
    return outcome


def _missing(line: Expression, scope: Scope) -> Iterator[str]:
    """Yield the absent signals behind a line, looking through computed values."""
    for name in line.names:
        if scope(name) is None:
            if name in scope.rule.values and line is not scope.rule.computed.get(name):
                yield from _missing(scope.rule.computed[name], scope)
            else:
                yield name


def _evidence(rule: Rule, scope: Scope) -> Iterator[tuple[Expression, dict[str, Any]]]:
    for line in rule.conditions:
        values = {name: scope(name) for name in line.names}
        yield line, {name: value for name, value in values.items() if isinstance(value, (bool, int, float, str))}


def _completed(verdict: Verdict, contexts: Collection[str]) -> Verdict:
    """Add onset and subjects, and lower the severity where the context asks for it."""
    rule, signals = verdict.rule, verdict.scope.signals if verdict.scope else None
    softened = any(context in contexts for context in rule.soften)
    severity = Severity(rule.severity).shifted(-1) if softened else rule.severity
    if rule.evidence == "statistical" and severity == Severity.ERROR and signals and _learns(signals):
        severity = Severity.NOTE
    onset = signals.get(rule.onset) if signals and rule.onset else None
    return replace(
        verdict,
        severity="note" if rule.preview else severity,
        softened=softened,
        onset=int(onset) if isinstance(onset, (int, float)) and not isinstance(onset, bool) else None,
        subjects=_names(signals.get(rule.subjects) if signals and rule.subjects else None)
        or verdict.matched[:MOST_SUBJECTS],
    )


def _learns(signals: SignalSource) -> bool:
    """Return whether the run learns: how it went may then be told, but no statistics call it broken."""
    if signals.get("loss_nonfinite"):
        return False
    skill, held_out = signals.get("skill"), signals.get("val_skill_final")
    if skill is not None:
        return bool(skill > MASTERED and (held_out is None or held_out > MASTERED / 2))
    first, final = signals.get("loss_first"), signals.get("loss_final")
    return first is not None and final is not None and 0 < final < ORDERS * first


def _left(verdict: Verdict) -> Verdict:
    """Take the modules away that the project leaves out of the rule; without any left nothing was found."""
    subjects = tuple(name for name in verdict.subjects if not _is_ignored(name, verdict.rule))
    if verdict.subjects and not subjects:
        return Verdict(verdict.rule, CLEAR)
    return verdict if subjects == verdict.subjects else replace(verdict, subjects=subjects)


def _is_ignored(name: str, rule: Rule) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in rule.ignored)


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(map(str, value))[:MOST_SUBJECTS] if isinstance(value, (list, tuple, Mapping)) else ()
