"""Remedies with the numbers of this run in them, and as an edit of the user's own line where that was recorded."""

from collections.abc import Mapping
from typing import Any, cast

from trainadvisor.errors import RuleError
from trainadvisor.judge.argument_edit import rewrite
from trainadvisor.judge.conditions import Place, parse
from trainadvisor.judge.judgement import Advice
from trainadvisor.judge.object_sites import site_of
from trainadvisor.judge.placeholders import fill, fill_known, names_in
from trainadvisor.judge.result import Applies, Edit
from trainadvisor.judge.rule_verdict import Verdict
from trainadvisor.signals import all_signals

# What a remedy is called that no trial can apply.
BY_HAND = "edit"

# Arguments that only optimizers take.
OF_OPTIMIZERS = frozenset({"lr", "betas", "eps", "weight_decay", "momentum"})


def remedies(verdict: Verdict, made: Mapping[str, Any] | None) -> list[Advice]:
    """Return the remedies of a finding; those that lack a number of this run only when there is no other."""
    if verdict.rule.explains_crashes:  # their texts do without what a message does not tell
        entries = enumerate(verdict.rule.remedies)
        told = [(n, entry) for n, entry in entries if fill_known(entry.get("en", ""), verdict.lookup)]
        return [_remedy(verdict, number, entry, made)[0] for number, entry in told]
    built = [_remedy(verdict, number, entry, made) for number, entry in _fitting(verdict)]
    complete = [remedy for remedy, whole in built if whole]
    return complete or [remedy for remedy, _ in built]


def _fitting(verdict: Verdict) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the remedies with their numbers: of what a pattern found, its own alone where there is one."""
    every = list(enumerate(verdict.rule.remedies))
    own = [(number, entry) for number, entry in every if verdict.pattern and entry.get("pattern") == verdict.pattern]
    return own or [(number, entry) for number, entry in every if "pattern" not in entry]


def _remedy(
    verdict: Verdict, number: int, entry: Mapping[str, Any], made: Mapping[str, Any] | None
) -> tuple[Advice, bool]:
    """Return a remedy and whether every number of it is known."""
    code, code_whole = fill(entry.get("code", ""), verdict.lookup)
    edit = _edit(verdict, entry.get("edit"), made)
    remedy = Advice(
        number=number,
        change=entry.get("change") or BY_HAND,
        arguments=_arguments(verdict, entry.get("arguments", {})),
        applies="paste" if edit else cast("Applies", entry.get("applies", "adapt")),
        edits=(edit,) if edit else (),
        snippet=(code.rstrip("\n") or None) if code_whole and not edit else None,
    )
    said = all(verdict.lookup(name) is not None for name in names_in(entry.get("en", "")))
    return remedy, said and (code_whole or edit is not None)


def _edit(verdict: Verdict, entry: Mapping[str, str] | None, made: Mapping[str, Any] | None) -> Edit | None:
    site = site_of(made)
    if not entry or not made or site is None or not site.source:
        return None
    if entry["argument"] in OF_OPTIMIZERS and "groups" not in made:
        return None  # the line makes a model or a loss, which does not take it
    value, whole = fill(entry["to"], verdict.lookup)
    new = rewrite(site.source, entry["argument"], value, str(made.get("class") or "")) if whole else None
    return Edit(file=site.file, line=site.line, old=site.source, new=new) if new else None


def _arguments(verdict: Verdict, entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with expressions computed; what cannot be computed is left out."""
    values = {name: _argument(verdict, name, value) for name, value in entries.items()}
    return {name: value for name, value in values.items() if value is not None}


def _argument(verdict: Verdict, name: str, value: Any) -> Any:
    """Compute an argument: text that reads as an expression over known names is one, other text is a word."""
    if not isinstance(value, str) or not is_expression(value, known_names(verdict)):
        return value
    return parse(value, verdict.rule.place(f"remedies.arguments.{name}"), functions=True).evaluate(verdict.lookup)


def known_names(verdict: Verdict) -> set[str]:
    """Return the names that arguments of a rule may use."""
    return {*verdict.rule.thresholds, *verdict.rule.values, *all_signals()}


def is_expression(text: str, known: set[str]) -> bool:
    """Tell an expression such as "lr_peak / 10" from a word such as "he": every name in it is known."""
    try:
        names = parse(text, Place("", ""), functions=True).names
    except RuleError:
        return False
    return bool(names) and known.issuperset(names)
