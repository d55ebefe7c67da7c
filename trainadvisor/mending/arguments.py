"""Values of arguments, set where the person sets them: a literal, a constant, a default, a configuration file."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainadvisor.judge.argument_edit import POSITIONS
from trainadvisor.source.edits import replaced, with_argument
from trainadvisor.source.provenance import provenance
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trainadvisor.judge.result import Edit, Remedy
    from trainadvisor.source.edits import Span
    from trainadvisor.source.provenance import Provenance
    from trainadvisor.source.training import Training

LOADER_PLACES = {"batch_size": 1, "shuffle": 2, "num_workers": 5}
DROPOUTS = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d")
BATCH_NORMS = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d")
# What an argument is where it is not given.
DEFAULTS = {"batch_size": 1, "betas": (0.9, 0.999)}


# Optimizers that an argument is unknown to.
STRANGERS = {
    "betas": frozenset({"SGD", "RMSprop", "Adagrad", "Adadelta", "ASGD", "Rprop", "LBFGS", "Adafactor", "Muon"}),
    "eps": frozenset({"SGD", "ASGD", "Rprop", "LBFGS", "Lion"}),
    "weight_decay": frozenset({"Rprop", "LBFGS", "SparseAdam"}),
}


@dataclass(frozen=True)
class Wanted:
    """An argument of a call and what it is to become; the value may depend on the one that is there."""

    call: ast.Call
    name: str
    value: Callable[[object], str | None]


@dataclass(frozen=True)
class Setting:
    """How an argument is changed: a span of a script, or words on where the person sets it."""

    training: Training
    value: str
    span: Span | None = None
    origin: Provenance | None = None
    # The part of the call that the value arrives in, else the call.
    shown: ast.expr | None = None


def setting(
    training: Training, wanted: Wanted, others: Sequence[Training] = (), argv: Sequence[str] = ()
) -> Setting | None:
    """Return how an argument is set where the person sets it; None where that is not known."""
    call, place = wanted.call, position(wanted.call, wanted.name)
    present = keyword(call, wanted.name, place)
    if present is None:
        value = wanted.value(DEFAULTS.get(wanted.name))
        span = with_argument(training.source, call, wanted.name, value, place) if value else None
        return Setting(training, value or "", span, None, call) if span else None
    origin = provenance(training, present, others=others)
    if origin.kind == "option" and origin.node is not None and not _is_given(origin.words, argv):
        origin = provenance(origin.training or training, origin.node, others=others)
    held = _value(origin.node) if origin.node is not None else None
    value = wanted.value(held)
    if value is None:
        return None
    if origin.kind == "literal" and origin.node is not None:
        if ast.unparse(ast.parse(value, mode="eval")) == ast.unparse(origin.node):
            return None
        home = origin.training or training
        return Setting(home, value, replaced(home.source, origin.node, value), origin, present)
    return Setting(training, value, None, origin, present)


def _is_given(flag: str, argv: Sequence[str]) -> bool:
    return any(part == flag or part.startswith(f"{flag}=") for part in argv)


def _value(node: ast.expr) -> object:
    """Return the value of a literal."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return constant(node)


def position(call: ast.Call, name: str) -> int | None:
    """Return the place of an argument among those given without names."""
    names = POSITIONS.get(called(call), ())
    return names.index(name) if name in names else None


def of_edit(training: Training, edit: Edit) -> Wanted | None:
    """Return what a rule would change in a line: the call of the line, its argument and the value."""
    if edit.old is None or edit.line is None:
        return None
    call, difference = _call_at(training, edit), _difference(edit)
    if call is None or difference is None:
        return None
    name, value = difference
    taker = _taker(training, call, name)
    return Wanted(taker, name, lambda _: value) if taker is not None else None


def of_remedy(training: Training, remedy: Remedy, lines: Sequence[int]) -> Iterator[Wanted]:
    """Yield the arguments that a remedy changes; of several calls only those of the finding's own lines."""
    given = remedy.arguments
    made = _changes(given).get(remedy.change)
    if made is None:
        return
    kind, name, value = made
    calls = [call for call in _calls(training, kind) if called(call) not in STRANGERS.get(name, ())]
    near = [c for c in calls if c.lineno <= max(lines, default=0) and (c.end_lineno or 0) >= min(lines, default=1)]
    if kind not in ("dropout", "batch-norm"):
        calls = near if len(near) == 1 else calls if len(calls) == 1 else []
    elif _makes_layers(training, lines):
        calls = near  # the model of this run is written out there; other layers are those of another
    yield from (Wanted(call, name, value) for call in calls)


def _makes_layers(training: Training, lines: Sequence[int]) -> bool:
    """Return whether the finding's own lines write out a model layer by layer."""
    written = training.script.calls_by_name.get("Sequential", [])
    return any(call.lineno <= line <= (call.end_lineno or 0) for call in written for line in lines)


def _changes(given: dict[str, Any]) -> dict[str, tuple[str, str, Callable[[object], str | None]]]:
    """Return the kind of call, the argument and its value for each change that sets one."""
    value = given.get("value")
    return {
        "lr": ("optimizer", "lr", _scaled(given)),
        "weight-decay": ("optimizer", "weight_decay", _fixed(value)),
        "eps": ("optimizer", "eps", _fixed(value)),
        "betas": ("optimizer", "betas", _betas(given)),
        "batch-size": ("loader", "batch_size", _scaled(given, whole=True)),
        "workers": ("loader", "num_workers", _fixed(given.get("num_workers"))),
        "pin-memory": ("loader", "pin_memory", _fixed(given.get("pin_memory", True))),
        "loss-function": ("loss", "reduction", _word(given.get("reduction"))),
        "dropout": ("dropout", "p", _fixed(given.get("p"))),
        "bn-momentum": ("batch-norm", "momentum", _fixed(value)),
    }


def _fixed(value: object) -> Callable[[object], str | None]:
    return lambda _: short(value) if isinstance(value, (int, float)) else None


def _word(value: object) -> Callable[[object], str | None]:
    return lambda _: f'"{value}"' if isinstance(value, str) else None


def _scaled(given: dict[str, Any], *, whole: bool = False) -> Callable[[object], str | None]:
    value, factor = given.get("value"), given.get("factor")

    def scaled(present: object) -> str | None:
        wanted = value
        if wanted is None and isinstance(factor, (int, float)) and isinstance(present, (int, float)):
            wanted = present * factor
        if not isinstance(wanted, (int, float)):
            return None
        return str(max(1, round(wanted))) if whole else short(wanted)

    return scaled


def _betas(given: dict[str, Any]) -> Callable[[object], str | None]:
    second = given.get("beta2", 0.95)

    def betas(present: object) -> str | None:
        first = given.get("beta1")
        if first is None:
            first = present[0] if isinstance(present, tuple) and present else 0.9
        return f"({first:g}, {second:g})"

    return betas


def short(value: float) -> str:
    """Return a number as one would write it by hand."""
    return repr(value) if isinstance(value, (bool, int)) else f"{value:.3g}"


def _calls(training: Training, kind: str) -> list[ast.Call]:
    """Return the calls that make an optimizer, the loader of the training, its loss, or layers of a kind."""
    named = training.script.calls_by_name
    if kind == "optimizer":
        return list(training.optimizers)
    if kind == "loader":
        made = named.get("DataLoader", [])
        return [call for call in made if _is_for_training(training, call)] or made
    if kind == "loss":
        return list(dict.fromkeys(loss.made or loss.call for loss in training.losses))
    layers = DROPOUTS if kind == "dropout" else BATCH_NORMS
    return [call for name in layers for call in named.get(name, [])]


def _is_for_training(training: Training, call: ast.Call) -> bool:
    """Return whether the name that a loader is given speaks of the training."""
    statement = training.script.parents.get(call)
    return isinstance(statement, ast.Assign) and "train" in ast.unparse(statement.targets[0]).lower()


def _taker(training: Training, call: ast.Call, name: str) -> ast.Call | None:
    """Return the call that takes an argument: the maker of a loss, where its object is called; None for a stranger."""
    loss = next((loss for loss in training.losses if loss.call is call), None)
    if loss is not None and name == "reduction":
        return loss.made or call
    known = called(call) in POSITIONS or keyword(call, name) is not None
    return call if known else None


def _call_at(training: Training, edit: Edit) -> ast.Call | None:
    """Return the call of the edited line, if the line is still what it was."""
    lines = training.source.lines
    old = (edit.old or "").strip()
    if not edit.line or edit.line > len(lines) or not old.startswith(lines[edit.line - 1].strip() or "\0"):
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
