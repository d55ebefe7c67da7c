"""Changes that the fault itself asks for, where no change of a re-run stands for them; each is called like its rule."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from trainadvisor.mending.names import backward_statement
from trainadvisor.mending.steep_operations import is_arc, is_log, steep_operations
from trainadvisor.source import torch_names
from trainadvisor.source.edits import before, replaced, unwrapped
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.judge.result import Finding
    from trainadvisor.source.edits import Fix, Span
    from trainadvisor.source.training import LossCall, Training

RENAMED = "{{key.removeprefix({prefix!r}): value for key, value in {state}.items()}}"
SOFTMAXES = frozenset({"softmax", "log_softmax", "Softmax", "LogSoftmax"})

Mend = Callable[["Training", "Finding"], "Fix | None"]
# What mends each fault in a script, by the code of its rule and the number of the remedy that says so.
FAULTS: dict[tuple[str, int], Mend] = {}
GUESSES: set[Mend] = set()


def mends(mend: Mend) -> Mend:
    """Declare what the first remedy of a rule asks for; the function is called like the rule."""
    return mends_by(0)(mend)


def guesses(mend: Mend) -> Mend:
    """Declare what the first remedy of a rule may ask for: its place is likely, but was not seen."""
    GUESSES.add(mend)
    return mends(mend)


def mends_by(number: int) -> Callable[[Mend], Mend]:
    """Declare what a remedy of a rule asks for, by its number from 0."""

    def declare(mend: Mend) -> Mend:
        FAULTS[mend.__name__.replace("_", "-"), number] = mend
        return mend

    return declare


@mends
def checkpoint_not_loaded(training: Training, finding: Finding) -> Fix | None:
    """Take the prefix from the names of a checkpoint where it is loaded without looking."""
    prefix = finding.values.get("load_prefix")
    loads = [c for c in training.methods("load_state_dict") if constant(keyword(c, "strict", 1)) is False]
    if prefix is None or len(loads) != 1 or not loads[0].args:
        return None
    given = loads[0].args[0]
    read = _first_binding(training, given) if isinstance(given, ast.Name) else None
    state = read if read is not None else given
    text = training.source.segment(state)
    return (replaced(training.source, state, RENAMED.format(prefix=prefix, state=text)),)


def _first_binding(training: Training, name: ast.Name) -> ast.expr | None:
    """Return the first value of a name that the script fills in several steps."""
    scope = training.script.bindings(training.script.scope(name)).get(name.id, [])
    values = [b.value for b in scope if b.kind == "value" and not b.path and b.value is not None]
    return values[0] if values else None


@mends
def softmax_wrong_dim(training: Training, finding: Finding) -> Fix | None:
    """Take the only softmax over the first dimension over the last, one over a single value over several."""
    to, wrong = "-1", {0}
    if finding.branch in ("single", "alone"):
        dimension, chosen, shape = (finding.values.get(f"softmax_{name}") for name in ("dim", "choice", "shape"))
        if dimension is None or chosen is None or shape is None:
            return None
        to, wrong = str(chosen), {dimension, dimension - len(ast.literal_eval(shape))}
    places = _softmax_dimensions(training)
    fitting = [place for place in places if constant(place) in wrong]
    # what is computed elsewhere may be the dimension as well
    known = finding.branch != "single" or all(isinstance(constant(place), int) for place in places)
    return (replaced(training.source, fitting[0], to),) if known and len(fitting) == 1 else None


def _softmax_dimensions(training: Training) -> list[ast.expr]:
    """Return the dimensions that the softmaxes of a script are given."""
    calls = [c for c in training.script.calls if called(c) in SOFTMAXES]
    places = [keyword(c, "dim", 0 if called(c)[0].isupper() else 1) for c in calls]
    methods = [c.args[0] for c in calls if len(c.args) == 1 and _is_value(training, c)]
    return [place for place in (*places, *methods) if place is not None]


def _is_value(training: Training, call: ast.Call) -> bool:
    """Return whether a call is a method of a tensor, not a function of torch."""
    return called(call)[0].islower() and not training.script.full(call.func).startswith("torch.")


@guesses
def nan_gradients(training: Training, finding: Finding) -> Fix | None:
    """Keep the input of the only operation whose slope may be infinite from where it is."""
    del finding
    found = steep_operations(training)
    if len(found) != 1:
        return None
    node, given = found[0]
    text = training.source.segment(given)
    # a sum or difference that is no argument stands in parentheses of its own
    enclosed = not isinstance(given, (ast.Name, ast.Attribute, ast.Subscript, ast.Call))
    argument = isinstance(node, ast.Call) and given in node.args
    if is_arc(node) or is_log(node):
        limits = "-1 + 1e-6, 1 - 1e-6" if is_arc(node) else "min=1e-8"
        new = f"({text}).clamp({limits})" if enclosed else f"{text}.clamp({limits})"
    else:
        new = f"{text} + 1e-8" if argument or enclosed else f"({text} + 1e-8)"
    return (replaced(training.source, given, new),)


@mends
def sampler_epoch_fixed(training: Training, finding: Finding) -> Fix | None:
    """Tell the sampler the epoch at the start of each."""
    del finding
    statement = backward_statement(training)
    loops = training.script.loops(statement) if statement is not None else []
    if len(loops) != 2 or not all(isinstance(loop, ast.For) for loop in loops):  # noqa: PLR2004 - batches in epochs
        return None
    inner, outer = loops
    names = [n for n in ast.walk(inner.iter) if isinstance(n, ast.Name) and "load" in n.id.lower()]  # type: ignore[union-attr]
    epoch = outer.target  # type: ignore[union-attr]
    if len(names) != 1 or not isinstance(epoch, ast.Name) or epoch.id == "_":
        return None
    return before(training.source, outer.body[0], f"{names[0].id}.sampler.set_epoch({epoch.id})")


@mends
def loss_term_without_gradient(training: Training, finding: Finding) -> Fix | None:
    """Let the gradient through where a value that a loss is computed of was detached under a name."""
    del finding
    nodes = [
        node.value
        for node in training.script.of_type(ast.Assign)
        if isinstance(node.value, ast.Call) and called(node.value) == "detach" and isinstance(node.targets[0], ast.Name)
        if isinstance(node.value.func, ast.Attribute) and training.script.loops(node)
    ]
    if len(nodes) != 1 or not isinstance(nodes[0].func, ast.Attribute):
        return None
    return (unwrapped(training.source, nodes[0], nodes[0].func.value),)


@mends
def timestep_not_given(training: Training, finding: Finding) -> Fix | None:
    """Give the model the time step in place of zeros of its shape."""
    del finding
    spans = [
        replaced(training.source, argument, training.source.segment(argument.args[0]))
        for call in training.script.calls
        if training.operations.modules(call.func)
        for argument in call.args[1:]
        if isinstance(argument, ast.Call) and called(argument) in ("zeros_like", "ones_like")
        if len(argument.args) == 1 and isinstance(argument.args[0], ast.Name)
    ]
    return tuple(spans) or None


@mends
def label_shift(training: Training, finding: Finding) -> Fix | None:
    """Let the output at a place answer for the next id, in the losses of flattened outputs and ids."""
    if finding.branch not in (None, "copy"):
        return None
    pairs = [list(_shift(training, loss)) for loss in training.losses if loss.name == "cross_entropy"]
    return tuple(span for pair in pairs for span in pair) or None


def _shift(training: Training, loss: LossCall) -> Iterator[Span]:
    if loss.target is None or "[" in ast.unparse(loss.target) or "[" in ast.unparse(loss.input):
        return
    sides = [_flattened(side) for side in (loss.input, loss.target)]
    for call, part in zip(sides, ("[:, :-1]", "[:, 1:]"), strict=True):
        if call is None or None in sides:
            return
        text = training.source.segment(call.func.value)  # type: ignore[attr-defined]
        name = "reshape" if called(call) == "view" else called(call)
        yield replaced(training.source, call.func, f"{text}{part}.{name}")


def _flattened(side: ast.expr) -> ast.Call | None:
    """Return the call that joins the axes of a value."""
    if not isinstance(side, ast.Call) or not isinstance(side.func, ast.Attribute):
        return None
    return side if called(side) in ("flatten", "reshape", "view") and isinstance(side.func.value, ast.Name) else None


@mends
def wrong_loss_function(training: Training, finding: Finding) -> Fix | None:
    """Compute the loss that the remedy names, where the script computes just one; divide no mean once more."""
    if finding.branch == "divided-twice":
        return _undivided(training)
    to = next((r.arguments.get("to") for r in finding.remedies if r.arguments.get("to")), None)
    classes = {function: name for name, function in torch_names.LOSSES.items() if name[0].isupper()}
    made = list(dict.fromkeys(loss.made or loss.call for loss in training.losses))
    if not isinstance(to, str) or to not in classes or len(made) != 1 or not isinstance(made[0].func, ast.Attribute):
        return None
    name = classes[to] if called(made[0])[0].isupper() else to
    return (replaced(training.source, made[0].func, f"{training.source.segment(made[0].func.value)}.{name}"),)


def _undivided(training: Training) -> Fix | None:
    """Take the division away that a loss ends with before backward(), by what is no constant."""
    losses = [call.func.value for call in training.backwards if isinstance(call.func, ast.Attribute)]
    ends = [o.expr for loss in losses for o in training.values.origins(loss) if o is not None and not o.path]
    found = dict.fromkeys(
        end
        for end in ends
        if isinstance(end, ast.BinOp) and isinstance(end.op, ast.Div) and constant(end.right) is None
    )
    spans = [unwrapped(training.source, end, end.left) for end in found]
    return tuple(spans) if len(spans) == 1 else None
