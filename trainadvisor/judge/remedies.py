"""Remedies with the numbers of this run in them, and as a diff of the user's own line where that was recorded."""

from collections.abc import Mapping
from typing import Any, cast

from trainadvisor.errors import RuleError
from trainadvisor.judge.argument_edit import diff, rewrite
from trainadvisor.judge.conditions import Place, parse
from trainadvisor.judge.engine import Verdict
from trainadvisor.judge.object_sites import where
from trainadvisor.judge.placeholders import fill
from trainadvisor.judge.result import Applies, Remedy
from trainadvisor.signals import all_signals


def remedies(verdict: Verdict, made: Mapping[str, Any] | None, lang: str) -> list[Remedy]:
    """Return the remedies of a finding; those that lack a number of this run only when there is no other."""
    built = [_remedy(verdict, entry, made, lang) for entry in verdict.rule.remedies]
    complete = [remedy for remedy, whole in built if whole]
    return complete or [remedy for remedy, _ in built]


def _remedy(
    verdict: Verdict, entry: Mapping[str, Any], made: Mapping[str, Any] | None, lang: str
) -> tuple[Remedy, bool]:
    text, whole = fill(entry.get(lang) or entry.get("en", ""), verdict.lookup, lang)
    code, code_whole = fill(entry.get("code", ""), verdict.lookup, lang)
    code = code if code_whole else ""
    site = made.get("site") if made else None
    change = _edited(verdict, entry.get("edit"), made)
    remedy = Remedy(
        change=entry["change"],
        arguments=_arguments(verdict, entry.get("arguments", {})),
        applies="paste" if change else cast("Applies", entry.get("applies", "adapt")),
        text=text,
        code=change or code.rstrip("\n") or None,
        where=where(site) if change else None,
    )
    return remedy, whole and (code_whole or change is not None)


def _edited(verdict: Verdict, edit: Mapping[str, str] | None, made: Mapping[str, Any] | None) -> str | None:
    site = made.get("site") if made else None
    if not edit or not made or not site or not site["code"]:
        return None
    value, whole = fill(edit["to"], verdict.lookup)
    new = rewrite(site["code"], edit["argument"], value, str(made.get("class") or "")) if whole else None
    return diff(site["code"], new) if new else None


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
