"""Writes a change as a diff of the user's own lines, if those were recorded or can be found in the script."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.changes.line_edits import (
    Arguments,
    InsertLines,
    LineEdit,
    SetArgument,
    SetLayerArgument,
    SwapLayers,
    SwapOptimizer,
)
from trainadvisor.judge.argument_edit import rewrite
from trainadvisor.judge.object_sites import main_object
from trainadvisor.judge.result import Edit
from trainadvisor.source.own_imports import in_own_names, place_of_import

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trainadvisor.log.reader import RunLog
    from trainadvisor.trials.jobs import Change


@dataclass(frozen=True)
class Patch:
    """One line replaced, or lines put before one; `line` counts from 1."""

    file: str
    line: int
    old: str
    new: tuple[str, ...]
    # How far the lines stand in; what is replaced is found without.
    indent: str = field(default="", compare=False)

    def edit(self) -> Edit:
        """Return it as an edit; lines that are put before another one leave that in place."""
        if self.new[-1:] == (self.old,):
            return Edit(file=self.file, line=self.line, new="\n".join(self.new[:-1]), anchor=self.old)
        return Edit(file=self.file, line=self.line, old=self.old, new="\n".join(self.new))

    def diff(self) -> str:
        """Return it as a diff."""
        new = [f"{self.indent}{line}" if line else line for line in self.new]
        return replace(self, old=f"{self.indent}{self.old}", new=tuple(new)).edit().diff()

    @property
    def where(self) -> str:
        """Return its location."""
        return f"{self.file}:{self.line}"


def patches(change: Change, log: RunLog, source: str | None, script: str) -> list[Patch]:
    """Return the edits that make a change permanent; none if no literal line is known."""
    text = Source(source, script) if source else None
    return [patch for edit in change.about.edits for patch in _patches(edit, change.arguments, log, text)]


def apply(found: list[Patch], source: str, script: str) -> str | None:
    """Return the script with all patches applied; None if a line has changed or is in another file."""
    lines = source.split("\n")
    for patch in sorted(found, key=lambda p: p.line, reverse=True):
        if Path(patch.file).name != Path(script).name or not 0 < patch.line <= len(lines):
            return None
        line = lines[patch.line - 1]
        if line.strip() != patch.old:
            return None
        indent = line[: len(line) - len(line.lstrip())]
        lines[patch.line - 1 : patch.line] = [indent + new if new else new for new in patch.new]
    text = "\n".join(lines)
    try:
        ast.parse(text)
    except SyntaxError:
        return None
    return text


class Source:
    """The script's text, with the calls in it."""

    def __init__(self, text: str, file: str) -> None:
        """Parse the text; a script that cannot be parsed has no calls."""
        self.file = Path(file).name if Path(file).is_absolute() else file
        self.lines = text.split("\n")
        try:
            self._tree: ast.Module = ast.parse(text)
        except SyntaxError:
            self._tree = ast.Module([], [])

    def statements(self, wanted: Callable[[ast.Call], bool]) -> Iterator[int]:
        """Yield the lines of one-line statements that consist of a wanted call."""
        for node in ast.walk(self._tree):
            if not isinstance(node, ast.Expr) or node.lineno != node.end_lineno:
                continue
            if isinstance(node.value, ast.Call) and wanted(node.value):
                yield node.lineno

    def before(self, line: int, *new: str) -> Patch:
        """Return a patch that inserts lines before a line."""
        old, indent = self._line(line)
        return Patch(self.file, line, old, (*new, old), indent)

    def put_before(self, line: int, lines: Sequence[str]) -> Iterator[Patch]:
        """Yield the patches that insert lines in the names of the script, and the imports that it lacks for them."""
        own = [in_own_names(self._tree, text, line) for text in lines]
        yield self.before(line, *(text for text, _ in own))
        for module in dict.fromkeys(module for _, missing in own for module in missing):
            yield self.before(place_of_import(self._tree).lineno, f"import {module}")

    def behind(self, line: int, *new: str) -> Patch:
        """Return a patch that inserts lines after a line."""
        old, indent = self._line(line)
        return Patch(self.file, line, old, (old, *new), indent)

    def _line(self, line: int) -> tuple[str, str]:
        """Return a line and how far it stands in."""
        text = self.lines[line - 1]
        return text.strip(), text[: len(text) - len(text.lstrip())]


def _site(made: dict[str, Any] | None) -> tuple[str, int, str] | None:
    site = (made or {}).get("site") or {}
    known = site.get("file") and site.get("line") and site.get("code")
    return (site["file"], site["line"], site["code"]) if known else None


def _rewritten(made: dict[str, Any] | None, argument: str, value: str) -> Iterator[Patch]:
    site = _site(made)
    new = rewrite(site[2], argument, value, str((made or {}).get("class") or "")) if site else None
    if site and new:
        yield Patch(site[0], site[1], site[2], (new,))


def _patches(edit: LineEdit, arguments: Arguments, log: RunLog, source: Source | None) -> Iterator[Patch]:
    match edit:
        case SetArgument():
            yield from _with_argument(edit, arguments, main_object(log, edit.of))
        case SetLayerArgument():
            yield from _with_layer_argument(edit, arguments, log)
        case SwapLayers():
            yield from _with_layers(edit, arguments, log)
        case SwapOptimizer():
            yield from _with_optimizer(edit, arguments, main_object(log, "optimizer"))
        case InsertLines():
            yield from _with_lines(edit, arguments, log, source)


def _with_argument(edit: SetArgument, arguments: Arguments, made: dict[str, Any] | None) -> Iterator[Patch]:
    value = edit.value(arguments, made) if made is not None else None
    if value is not None:
        yield from _rewritten(made, edit.argument, value)


def _with_layer_argument(edit: SetLayerArgument, arguments: Arguments, log: RunLog) -> Iterator[Patch]:
    value = arguments.get(edit.key)
    for layer in _layers(log, edit.kinds) if value is not None else []:
        yield from _rewritten({**layer, "class": layer["kind"]}, edit.argument, f"{value:g}")


def _with_layers(edit: SwapLayers, arguments: Arguments, log: RunLog) -> Iterator[Patch]:
    to = edit.classes.get(str(arguments.get("to")))
    for layer in _layers(log, edit.kinds) if to else []:
        site = _site(layer)
        if site and f"{layer['kind']}()" in site[2]:
            yield Patch(site[0], site[1], site[2], (site[2].replace(f"{layer['kind']}()", f"{to}()"),))


def _layers(log: RunLog, kinds: frozenset[str]) -> list[dict[str, Any]]:
    layers = (log.model or {}).get("layers", [])
    chosen = {(_site(layer) or ("", 0, ""))[:2]: layer for layer in layers if layer.get("kind") in kinds}
    return [layer for site, layer in chosen.items() if site[1]]


def _with_optimizer(edit: SwapOptimizer, arguments: Arguments, made: dict[str, Any] | None) -> Iterator[Patch]:
    """Replace the class; keep its first argument and set the new learning rate."""
    site, old, to = _site(made), str((made or {}).get("class")), arguments.get("to")
    call = _call(site[2], old) if site else None
    if site is None or call is None or not call.args or not isinstance(to, str):
        return
    told = ast.get_source_segment(site[2], call) or ""
    maker = (ast.get_source_segment(site[2], call.func) or "").removesuffix(old) + to
    kept = [f"{k}={arguments[k]:g}" for k in edit.kept if k in arguments]
    given = ", ".join([ast.get_source_segment(site[2], call.args[0]) or "", *kept])
    if told and told in site[2]:
        yield Patch(site[0], site[1], site[2], (site[2].replace(told, f"{maker}({given})", 1),))


def _call(code: str, name: str) -> ast.Call | None:
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return None
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return next((c for c in calls if _name(c) == name), None)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _with_lines(edit: InsertLines, arguments: Arguments, log: RunLog, source: Source | None) -> Iterator[Patch]:
    name = _assigned(_site(main_object(log, edit.names)))
    lines = edit.lines(arguments, name) if name else ()
    place = _place(edit.before, log, source) if source else None
    if source and lines and place:
        yield from source.put_before(place, lines)


def _place(before: str, log: RunLog, source: Source) -> int | None:
    """Return the line to insert before: the only call of its kind, or the one that makes the optimizer."""
    if before == "optimizer":
        file, line, code = _site(main_object(log, "optimizer")) or ("", 0, "")
        known = line and Path(file).name == Path(source.file).name and source.lines[line - 1].strip() == code
        return line if known else None
    found = list(source.statements(lambda call: _name(call) == before and (before != "step" or not call.args)))
    lines = [line for line in found if before != "step" or "sched" not in source.lines[line - 1]]
    return lines[0] if len(lines) == 1 else None


def _assigned(site: tuple[str, int, str] | None) -> str | None:
    try:
        tree = ast.parse(site[2]) if site else ast.Module([], [])
    except SyntaxError:
        return None
    first = tree.body[0] if tree.body else None
    target = first.targets[0] if isinstance(first, ast.Assign) and len(first.targets) == 1 else None
    return target.id if isinstance(target, ast.Name) else None
