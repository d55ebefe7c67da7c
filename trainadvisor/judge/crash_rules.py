"""Rules of the errors that end scripts: each is found where one of its patterns is found in type and message."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from trainadvisor.judge.conditions import Expression
from trainadvisor.judge.package_names import installed_as
from trainadvisor.judge.rule_verdict import CLEAR, FOUND, UNKNOWN, Scope, SignalSource, Verdict
from trainadvisor.judge.rulebook import Rule, Rulebook

ERROR = "crash_text"
# What is to be installed for the module or name that a pattern finds.
PACKAGE = "package"
# Characters of the message that are told as evidence.
LONGEST = 300


class _WithParts:
    """The signals of a log, and before them the parts that a pattern found in the message."""

    def __init__(self, signals: SignalSource, parts: Mapping[str, Any]) -> None:
        self._signals, self._parts = signals, parts

    def get(self, name: str, /) -> Any:
        """Return a part or a signal, None when it is absent."""
        return self._parts[name] if name in self._parts else self._signals.get(name)


def explaining(signals: SignalSource, rulebook: Rulebook) -> Iterator[Rule]:
    """Yield the rule that says most about the error that ended the script; none where there was no error."""
    if signals.get(ERROR) is None:
        return
    rules = [rule for code, rule in rulebook.rules.items() if rule.explains_crashes and code not in rulebook.off]
    found = [(_matched(rule, signals), rule) for rule in rules]
    known = [(found, rule) for found, rule in found if found is not None]
    if known:
        yield max(known, key=lambda item: (bool(item[0][0].conditions), len(item[0][1][0])))[1]


def verdict(rule: Rule, signals: SignalSource) -> Verdict:
    """Return the verdict on one rule, with the parts of the message that its pattern names."""
    if signals.get(ERROR) is None:
        return Verdict(rule, UNKNOWN, missing=(ERROR,))
    matched = _matched(rule, signals)
    if matched is None:
        return Verdict(rule, CLEAR)
    variant, found = matched
    parts = {name: int(part) if part.isdecimal() and len(part) < 19 else part  # noqa: PLR2004 - what numbers can hold
             for name, part in found.groupdict().items() if part is not None}  # fmt: skip
    if named := parts.get("module") or parts.get("name"):
        parts[PACKAGE] = installed_as(str(named))
    scope = Scope(variant, _WithParts(signals, parts))
    proofs = [(line, {name: scope(name) for name in line.names}) for line in variant.conditions]
    return Verdict(variant, FOUND, rule.severity, scope, (*proofs, (_said(rule, str(signals.get(ERROR))), {})))


def _said(rule: Rule, text: str) -> Expression:
    """Return the error as evidence: the form of an expression is what is told."""
    shown = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return Expression(shown, ast.Constant(shown), rule.place("crash"))


def _matched(rule: Rule, signals: SignalSource) -> tuple[Rule, re.Match[str]] | None:
    """Return the first branch with a pattern that is found, and whose conditions hold."""
    text = str(signals.get(ERROR))
    for variant in rule.variants:
        found = next(filter(None, (_compiled(pattern).search(text) for pattern in variant.crash)), None)
        if found and all(line.evaluate(Scope(variant, signals)) for line in variant.conditions):
            return variant, found
    return None


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _all_patterns(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield the patterns of a rule and of its branches, each with its place in the file."""
    yield from ((f"crash[{number}]", text) for number, text in enumerate(rule.crash, 1))
    for place, branch in enumerate(rule.branches, 1):
        yield from ((f"branches[{place}].crash[{number}]", text) for number, text in enumerate(branch.crash, 1))


def names(rule: Rule) -> set[str]:
    """Return the names of the parts that patterns of a rule find, for its texts."""
    patterns = (_compiled(text) for _, text in _all_patterns(rule) if not _wrong(text))
    found = {name for pattern in patterns for name in pattern.groupindex}
    return found | ({PACKAGE} if "name" in found else set())


def problems(rule: Rule) -> Iterator[str]:
    """Yield the patterns that are none."""
    yield from (f"{place}: {wrong}" for place, text in _all_patterns(rule) if (wrong := _wrong(text)))


def _wrong(text: str) -> str:
    try:
        _compiled(text)
    except re.error as error:
        return f"is not a regular expression ({error})"
    return ""
