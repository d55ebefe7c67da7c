"""Changes that put a call of the training into its place: in the right loop, with the names of the script."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from trainadvisor.mending import data_edits, layer_edits, loop_edits, model_edits, schedule_edits
from trainadvisor.mending.names import backward_statement, model_at, model_name, optimizer_name
from trainadvisor.source.edits import after, before, replaced, with_argument
from trainadvisor.source.syntax import called, keyword

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trainadvisor.source.edits import Fix, Span
    from trainadvisor.source.training import LossCall, Training

Arguments = dict[str, Any]
# How many names back the parts of a loss are looked for.
DEEPEST = 5
# The operations in which the shapes of two parts of a loss can meet, by their names in its graph.
MEETING: dict[str, type[ast.operator]] = {"Sub": ast.Sub, "Mul": ast.Mult, "Div": ast.Div, "Add": ast.Add}
KEEPING = ("detach", "clamp", "clip", "exp", "log", "abs", "float", "double")
CLIPS = ("clip_grad_norm_", "clip_grad_value_")


def zero_grad(training: Training, arguments: Arguments) -> Fix | None:
    """Clear the gradients before backward()."""
    del arguments
    statement, optimizer = backward_statement(training), optimizer_name(training)
    return before(training.source, statement, f"{optimizer}.zero_grad()") if statement and optimizer else None


def step(training: Training, arguments: Arguments) -> Fix | None:
    """Let the optimizer step behind backward()."""
    del arguments
    statement, optimizer = backward_statement(training), optimizer_name(training)
    if training.steps or statement is None or optimizer is None:
        return None
    return after(training.source, statement, f"{optimizer}.step()")


def clip(training: Training, arguments: Arguments) -> Fix | None:
    """Put clip_grad_norm_() behind backward(), or give the one that is there its limit."""
    limit = arguments.get("max_norm")
    present = [c for name in CLIPS for c in training.script.calls_by_name.get(name, [])]
    if not isinstance(limit, (int, float)):
        return None
    if present:
        span = with_argument(training.source, present[0], "max_norm", repr(limit), 1) if len(present) == 1 else None
        literal = keyword(present[0], "max_norm", 1)
        return (span,) if span and isinstance(literal, ast.Constant) and literal.value != limit else None
    statement = backward_statement(training)
    model = model_at(training, statement) if statement is not None else None
    if statement is None or model is None:
        return None
    return after(training.source, statement, f"torch.nn.utils.clip_grad_norm_({model}.parameters(), {limit})")


def mode(training: Training, arguments: Arguments) -> Fix | None:
    """Put train() at the start of each epoch, and eval() before what runs without gradients.

    What goes over to eval() has to come back: where no epoch begins with train(), it is put too.
    """
    backward, fix = backward_statement(training), []
    model = model_at(training, backward) if backward is not None else model_name(training)
    if model is None:
        return None
    wanted = {"train", "eval"} if arguments.get("mode", "both") == "both" else {arguments.get("mode")}
    if "eval" in wanted and not _calls(training, model, "eval"):
        for node in training.script.of_type(ast.With):
            if any("no_grad" in ast.unparse(i.context_expr) for i in node.items) and f"{model}(" in ast.unparse(node):
                fix += list(before(training.source, node, f"{model}.eval()") or ())
    if backward is not None and ("train" in wanted or fix):
        fix = [*_train_mode(training, model, backward), *fix]
    return tuple(fix) or None


def _train_mode(training: Training, model: str, backward: ast.stmt) -> Fix:
    """Return train() at the start of the epoch, or before the batches of a function for one; nothing where it is."""
    script, loops, function = training.script, training.script.loops(backward), training.script.function_of(backward)
    place: ast.AST
    if len(loops) > 1 or (loops and function is None):
        place, first = loops[-1], loops[-1].body[0]
    elif function is not None:
        place, first = function, loops[-1] if loops else _body(function)[0]
    else:
        return ()
    calls = script.calls_by_name.get("train", [])
    if any(place in script.ancestors(c) and ast.unparse(c.func) == f"{model}.train" for c in calls):
        return ()
    return before(training.source, first, f"{model}.train()") or ()


def _body(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    """Return the statements of a function behind its docstring."""
    return function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body


def _calls(training: Training, model: str, name: str) -> bool:
    """Return whether the script calls a method of the model."""
    return any(ast.unparse(call.func) == f"{model}.{name}" for call in training.script.calls_by_name.get(name, []))


def shuffle(training: Training, arguments: Arguments) -> Fix | None:
    """Let the only loader that is named after the training shuffle."""
    wanted = "True" if arguments.get("shuffle", True) else "False"
    made = training.script.calls_by_name.get("DataLoader", [])
    named = [(c, training.script.parents.get(c)) for c in made]
    trained = [c for c, s in named if isinstance(s, ast.Assign) and "train" in ast.unparse(s.targets[0]).lower()]
    chosen = trained or (made if len(made) == 1 else [])
    if len(chosen) != 1 or keyword(chosen[0], "sampler", 3) or keyword(chosen[0], "batch_sampler", 4):
        return None
    span = with_argument(training.source, chosen[0], "shuffle", wanted, 2)
    return (span,) if span else None


def same_shape(training: Training, arguments: Arguments) -> Fix | None:
    """Give targets the shape of the outputs in elementwise losses, or in the operations that the loss is made of."""
    operation = arguments.get("operation")
    fix = [
        _reshaped(training, loss) for loss in training.losses if loss.name in ELEMENTWISE and loss.target is not None
    ]
    known = tuple(span for span in fix if span is not None)
    if known and operation is None:
        return known
    met = MEETING.get(str(operation or "Sub"))
    losses = [backward.func.value for backward in training.backwards if isinstance(backward.func, ast.Attribute)]
    found = list(dict.fromkeys(node for loss in losses for node in _meetings(training, loss, met))) if met else []
    pairs = [tuple(ast.unparse(_value(side)) for side in (node.left, node.right)) for node in found]
    if len({frozenset(pair) for pair in pairs}) != 1:
        return None
    return tuple(
        replaced(training.source, node.right, f"{training.source.segment(node.right)}.view_as({left})")
        for node, (left, _) in zip(found, pairs, strict=True)
    )


def _meetings(training: Training, loss: ast.expr, met: type[ast.operator], depth: int = 0) -> Iterator[ast.BinOp]:
    """Yield where two plain values meet in one kind of operation on the way into a loss, a few names back."""
    made = training.values.single(loss)
    for node in ast.walk(made) if made is not None and depth < DEEPEST else ():
        if isinstance(node, ast.BinOp) and isinstance(node.op, met):
            if _is_plain(node.left) and _is_plain(node.right):
                yield node
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield from _meetings(training, node, met, depth + 1)


def _value(node: ast.expr) -> ast.expr:
    """Return the value that methods were called of which keep its shape."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and called(node) in KEEPING:
        return _value(node.func.value)
    return node


def _is_plain(node: ast.expr) -> bool:
    """Return whether a value is one that was computed before, limited or detached at most."""
    return isinstance(_value(node), (ast.Name, ast.Attribute, ast.Subscript))


ELEMENTWISE = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
               "binary_cross_entropy_with_logits")  # fmt: skip
RESHAPING = frozenset({"squeeze", "unsqueeze", "view", "view_as", "reshape", "reshape_as", "flatten"})


def _reshaped(training: Training, loss: LossCall) -> Span | None:
    """Give the target the shape of a named output, or the output of a call the shape of a named target."""
    if loss.target is None or not isinstance(loss.target, (ast.Name, ast.Subscript, ast.Attribute)):
        return None
    text = training.source.segment(loss.target)
    if isinstance(loss.input, ast.Name):
        return replaced(training.source, loss.target, f"{text}.view_as({loss.input.id})")
    if not isinstance(loss.input, ast.Call) or called(loss.input) in RESHAPING:
        return None
    return replaced(training.source, loss.input, f"{training.source.segment(loss.input)}.view_as({text})")


# What writes each change into a script, by the name of the change.
INSERTIONS: dict[str, Callable[[Training, Arguments], Fix | None]] = {
    "add-zero-grad": zero_grad,
    "add-step": step,
    "clip": clip,
    "mode": mode,
    "shuffle": shuffle,
    "match-shapes": same_shape,
    "remove-output-activation": model_edits.without_activation,
    "change-output-activation": model_edits.without_activation,
    "activation": model_edits.activation,
    "init": model_edits.init,
    "optimizer": model_edits.optimizer,
    "add-parameters": model_edits.parameters,
    "standardize-inputs": data_edits.standardize_inputs,
    "standardize-targets": data_edits.standardize_targets,
    "scheduler-step": loop_edits.scheduler_step,
    "accumulation": loop_edits.accumulation,
    "precision": loop_edits.precision,
    "warmup": lambda training, given: loop_edits.warmup(training, given) or schedule_edits.warmup(training, given),
    "schedule": schedule_edits.schedule,
    "normalization": layer_edits.normalization,
    "train-longer": loop_edits.train_longer,
    "unfreeze": model_edits.unfrozen,
}
