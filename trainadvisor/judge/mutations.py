"""Takes a rule apart: a clause that can vanish, or a limit that can move tenfold, without any case of it noticing."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from trainadvisor.judge import rulebook as book
from trainadvisor.judge.conditions import Expression, parse
from trainadvisor.judge.engine import judge_rule
from trainadvisor.judge.rule_verdict import FOUND, OFF
from trainadvisor.judge.rulebook import Rule

UP, DOWN = 10.0, 0.1


class Line(NamedTuple):
    """A condition: of the rule itself or of one of its branches, its key there and its number, from 0."""

    branch: int | None
    key: str
    number: int
    text: str

    @property
    def place(self) -> str:
        """Return where it stands in the file."""
        prefix = "" if self.branch is None else f"branches[{self.branch + 1}]."
        return f"{prefix}{self.key}[{self.number + 1}]"


@dataclass(frozen=True)
class Mutation:
    """One thing taken away or moved: unnoticed only if no case notices any of its mutants."""

    what: str
    mutants: tuple[Rule, ...]


def check_mutations(folders: Iterable[str | Path] = ()) -> list[str]:
    """Return what no case holds in the rules of some folders, of the shipped ones without any."""
    places = [Path(folder) for folder in folders] or [book.shipped_rules()]
    files = [path for place in places for path in book.rule_files(place)]
    return [
        f"{path}: {problem}; add a case that tells the difference, or remove it"
        for path in files
        for problem in unnoticed(book.rule_of(path, book.read(path)))
    ]


def unnoticed(rule: Rule) -> Iterator[str]:
    """Yield the mutations of a rule that none of its cases notices."""
    yield from (m.what for m in mutations(rule) if not any(notices(rule, mutant) for mutant in m.mutants))


def notices(rule: Rule, mutant: Rule) -> bool:
    """Return whether a case of the rule goes wrong with the mutant."""
    return any(not _right(mutant, case) for case in rule.cases)


def _right(rule: Rule, case: Mapping[str, Any]) -> bool:
    verdict = judge_rule(rule, case["signals"], case.get("context", ()))
    told = "clear" if verdict.state == OFF else verdict.state
    branch = case.get("branch")
    return told == case["is"] and (told != FOUND or branch in (None, verdict.rule.branch))


def mutations(rule: Rule) -> Iterator[Mutation]:
    """Yield everything that is taken away or moved, one thing at a time."""
    for line in _lines(rule):
        yield Mutation(f"{line.place} can be removed and no case notices", (_with(rule, line, None),))
        yield from _clauses(rule, line)
        yield from _numbers(rule, line)
    yield from _patterns(rule)
    for number, branch in enumerate(rule.branches):
        rest = rule.branches[:number] + rule.branches[number + 1 :]
        what = f"branches[{number + 1}] ({branch.name}) can be removed and no case notices"
        yield Mutation(what, (replace(rule, branches=rest),) if rest else ())
    yield from _thresholds(rule)


def _patterns(rule: Rule) -> Iterator[Mutation]:
    """Yield the rule without each of its patterns of errors."""
    for branch, patterns in [(None, rule.crash), *((n, branch.crash) for n, branch in enumerate(rule.branches))]:
        for number, text in enumerate(patterns):
            line = Line(branch, "crash", number, text)
            yield Mutation(f"{line.place} can be removed and no case notices", (_with(rule, line, None),))


def _lines(rule: Rule) -> Iterator[Line]:
    parts: list[tuple[int | None, tuple[str, ...], tuple[str, ...]]] = [(None, rule.when, rule.unless)]
    parts += ((number, branch.when, branch.unless) for number, branch in enumerate(rule.branches))
    for branch, when, unless in parts:
        for key, texts in (("when", when), ("unless", unless)):
            yield from (Line(branch, key, number, text) for number, text in enumerate(texts))


def _with(rule: Rule, line: Line, text: str | None) -> Rule:
    """Return the rule with another text for a line, or without it."""
    part = rule if line.branch is None else rule.branches[line.branch]
    old: tuple[str, ...] = getattr(part, line.key)
    new = {line.key: (*old[: line.number], *([] if text is None else [text]), *old[line.number + 1 :])}
    if line.branch is None:
        return replace(rule, **new)  # type: ignore[arg-type]
    changed = replace(rule.branches[line.branch], **new)  # type: ignore[arg-type]
    return replace(rule, branches=(*rule.branches[: line.branch], changed, *rule.branches[line.branch + 1 :]))


def _clauses(rule: Rule, line: Line) -> Iterator[Mutation]:
    """Yield the line without each clause of each of its and- and or-chains."""
    tree = _parsed(rule, line).tree
    for node in ast.walk(tree):
        if not isinstance(node, ast.BoolOp):
            continue
        whole = list(node.values)
        for clause in whole:
            node.values = [other for other in whole if other is not clause]
            text = ast.unparse(tree)
            node.values = whole
            what = f"{line.place}: the clause {ast.unparse(clause)} can be removed and no case notices"
            yield Mutation(what, (_with(rule, line, text),))


def _numbers(rule: Rule, line: Line) -> Iterator[Mutation]:
    """Yield the line with each number that is written in it moved."""
    tree = _parsed(rule, line).tree
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value:
            number, texts = node.value, []
            for factor in (UP, DOWN):
                node.value = number * factor
                texts.append(ast.unparse(tree))
            node.value = number
            what = f"{line.place}: the number {number:g} can move tenfold both ways and no case notices"
            yield Mutation(what, tuple(_with(rule, line, text) for text in texts))


def _parsed(rule: Rule, line: Line) -> Expression:
    return parse(line.text, rule.place(line.place))


def _thresholds(rule: Rule) -> Iterator[Mutation]:
    judging = _judging(rule)
    for name, value in rule.thresholds.items():
        if value and name in judging:
            moved = (replace(rule, thresholds={**rule.thresholds, name: value * factor}) for factor in (UP, DOWN))
            what = f"thresholds.{name} ({value:g}) can move tenfold both ways and no case notices"
            yield Mutation(what, tuple(moved))


def _judging(rule: Rule) -> set[str]:
    """Return the names that decide, directly or through computed values; others only fill texts and remedies."""
    waiting = [
        name for variant in rule.variants for e in (*variant.conditions, *variant.exclusions) for name in e.names
    ]
    known: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in known:
            known.add(name)
            waiting += rule.computed[name].names if name in rule.computed else ()
    return known
