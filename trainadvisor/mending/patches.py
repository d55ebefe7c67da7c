"""The patch of a finding: what lint finds under its code, or what its remedy asks for, in the script's own words."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trainadvisor.errors import TrainAdvisorError
from trainadvisor.judge.argument_edit import POSITIONS
from trainadvisor.lint.pattern_catalogue import matches
from trainadvisor.mending.insertions import INSERTIONS
from trainadvisor.source.edits import applied, replaced, with_argument
from trainadvisor.source.provenance import provenance
from trainadvisor.source.syntax import called, keyword
from trainadvisor.source.training import Training

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.judge.result import Edit, Finding
    from trainadvisor.judge.rulebook import Rulebook
    from trainadvisor.source.edits import Fix
    from trainadvisor.source.reading import Source

# How surely a pattern's fault must explain a finding for its change to be the finding's.
SAME_FAULT = 0.8


@dataclass(frozen=True)
class Patch:
    """A changed text, or the words that say where the person sets the value."""

    code: str
    text: str | None = None
    kind: str = ""
    words: str = ""
    value: str = ""
    # What the remedy says, where it is one of the finding's own.
    said: str = ""


def patch(finding: Finding, source: Source, book: Rulebook) -> Patch | None:
    """Return how a finding is mended in a source; None where that is not known."""
    for made in (_by_pattern(finding, source, book), *_by_remedies(finding, source)):
        if made is not None:
            return made
    return None


def _by_pattern(finding: Finding, source: Source, book: Rulebook) -> Patch | None:
    """Return the change of what lint finds under the code of the finding, or of a cause of it."""
    fixes: list[Fix] = []
    for code, match in matches(source):
        explains = book.rules[code].explains if code in book.rules else {}
        if match.fix and (code == finding.code or explains.get(finding.code, 0.0) >= SAME_FAULT):
            fixes.append(match.fix)
    return _patched(finding, source, tuple(span for fix in fixes for span in fix))


def _patched(finding: Finding, source: Source, fix: Fix | None) -> Patch | None:
    try:
        return Patch(finding.code, applied(source, fix)) if fix else None
    except TrainAdvisorError:
        return None


def _by_remedies(finding: Finding, source: Source) -> Iterator[Patch | None]:
    """Yield the change of each remedy, the first-ranked one first."""
    training = Training(source)
    for remedy in finding.remedies:
        found = [_argument(finding, training, edit) for edit in remedy.edits]
        insertion = INSERTIONS.get(remedy.change)
        if insertion is not None:
            found.append(_patched(finding, source, insertion(training, dict(remedy.arguments))))
        yield from (replace(made, said=remedy.text) for made in found if made is not None)


def _argument(finding: Finding, training: Training, edit: Edit) -> Patch | None:
    """Return the change of an argument where the person sets it, given the line as a rule would have it."""
    if edit.old is None or edit.line is None:
        return None
    call = _call_at(training, edit)
    wanted = _difference(edit)
    if call is None or wanted is None:
        return None
    name, value = wanted
    call = _taker(training, call, name)
    if call is None:
        return None
    present = keyword(call, name, _position(call, name))
    if present is None:
        span = with_argument(training.source, call, name, value, _position(call, name))
        return _patched(finding, training.source, (span,) if span else None)
    origin = provenance(training, present)
    if origin.kind == "literal" and origin.node is not None:
        return _patched(finding, training.source, (replaced(training.source, origin.node, value),))
    return Patch(finding.code, kind=origin.kind, words=origin.words or ast.unparse(present), value=value)


def _taker(training: Training, call: ast.Call, name: str) -> ast.Call | None:
    """Return the call that takes an argument: the maker of a loss, where its object is called; None for a stranger."""
    loss = next((loss for loss in training.losses if loss.call is call), None)
    if loss is not None and name == "reduction":
        return loss.made or call
    known = called(call) in POSITIONS or keyword(call, name) is not None
    return call if known else None


def _position(call: ast.Call, name: str) -> int | None:
    names = POSITIONS.get(called(call), ())
    return names.index(name) if name in names else None


def _call_at(training: Training, edit: Edit) -> ast.Call | None:
    """Return the call of the edited line, if the line is still what it was."""
    lines = training.source.lines
    if not edit.line or edit.line > len(lines) or lines[edit.line - 1].strip() != (edit.old or "").strip():
        return None
    name = _outer(edit.new)
    calls = [c for c in training.script.calls if c.lineno <= edit.line <= (c.end_lineno or c.lineno)]
    return next((c for c in calls if called(c) == name), None)


def _parsed(line: str) -> list[ast.Call]:
    for text in (line.strip(), f"{line.strip()} pass"):
        try:
            return [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call)]
        except SyntaxError:
            continue
    return []


def _outer(line: str) -> str:
    calls = _parsed(line)
    changed = [c for c in calls if called(c) in POSITIONS]
    return called((changed or calls)[0]) if calls else ""


def _difference(edit: Edit) -> tuple[str, str] | None:
    """Return the argument that differs between the two lines of an edit, and what it becomes."""
    old, new = ([c for c in _parsed(line) if called(c) == _outer(edit.new)] for line in (edit.old or "", edit.new))
    if len(old) != 1 or len(new) != 1:
        return None
    before = {k.arg: ast.unparse(k.value) for k in old[0].keywords}
    for entry in new[0].keywords:
        if entry.arg and before.get(entry.arg) != ast.unparse(entry.value):
            return entry.arg, ast.unparse(entry.value)
    names = POSITIONS.get(called(new[0]), ())
    for place, (one, other) in enumerate(zip(old[0].args, new[0].args, strict=False)):
        if ast.dump(one) != ast.dump(other) and place < len(names):
            return names[place], ast.unparse(other)
    return None
