"""Changes of the loop around the steps: schedules, accumulation, precision."""

from __future__ import annotations

import ast
import re
from math import ceil
from typing import TYPE_CHECKING, Any

from trainadvisor.mending.names import backward_statement, optimizer_name
from trainadvisor.source.edits import Span, after, before, indent_of, replaced, without
from trainadvisor.source.provenance import provenance
from trainadvisor.source.syntax import called, constant
from trainadvisor.source.training import SCHEDULE_NAME, words_of

if TYPE_CHECKING:
    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training

Arguments = dict[str, Any]
WARM = re.compile(r"warm_?up", re.IGNORECASE)


def scheduler_step(training: Training, arguments: Arguments) -> Fix | None:
    """Move the only step of a schedule from the batches to the epochs, or the other way round."""
    per_batch = arguments.get("per") == "step"
    steps = [c for c in training.methods("step") if SCHEDULE_NAME.search(words_of(c.func)) and not c.args]
    statement = training.script.statement(steps[0]) if len(steps) == 1 else None
    block = training.block(statement)
    if statement is None or block is None or len(block) == 1:
        return None
    loops = training.script.loops(statement)
    text = training.source.segment(statement)
    taken = without(training.source, statement, block)
    if per_batch:
        inner = [s for s in training.steps if training.script.loops(s)]
        target = training.script.statement(inner[0]) if len(inner) == 1 else None
        put = after(training.source, target, text) if target is not None else None
    elif len(loops) > 1 and loops[0].body[-1] is statement:
        indent = len(indent_of(training.source, statement))
        return (Span((statement.lineno, 0), (statement.lineno, indent), indent_of(training.source, loops[0])),)
    else:
        put = after(training.source, loops[0], text) if len(loops) > 1 else None
    return (*put, *taken) if put and taken else None


def accumulation(training: Training, arguments: Arguments) -> Fix | None:
    """Set the number of batches of a step where it is set, in a condition such as (i + 1) % n == 0."""
    wanted, counts = arguments.get("steps"), accumulated(training)
    if not isinstance(wanted, int) or len(counts) != 1:
        return None
    origin = provenance(training, next(iter(counts)))
    if origin.kind != "literal" or origin.node is None:
        return None
    return (replaced(training.source, origin.node, str(wanted)),)


def accumulated(training: Training) -> set[ast.expr]:
    """Return the numbers of batches after which the optimizer steps, in conditions such as (i + 1) % n == 0."""
    return {
        node.right
        for step in training.steps
        for parent in training.script.ancestors(step)
        if isinstance(parent, ast.If)
        for node in ast.walk(parent.test)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod)
    }


def warmup(training: Training, arguments: Arguments) -> Fix | None:
    """Set the length of the warm-up that the script has, by its name."""
    steps = arguments.get("steps")
    named = [(ast.unparse(node.targets[0]), node.value) for node in training.script.of_type(ast.Assign)]
    named += [(node.arg or "", node.value) for node in training.script.of_type(ast.keyword)]
    numbers = [value for name, value in named if WARM.search(name) and isinstance(constant(value), int)]
    if not isinstance(steps, (int, float)) or len(numbers) != 1:
        return None
    return (replaced(training.source, numbers[0], str(round(steps))),)


def train_longer(training: Training, arguments: Arguments) -> Fix | None:
    """Raise the number of epochs where it is set."""
    factor, statement = arguments.get("factor"), backward_statement(training)
    loops = training.script.loops(statement) if statement is not None else []
    outer = loops[-1] if loops else None
    if not isinstance(outer, ast.For) or not isinstance(factor, (int, float)) or factor <= 1:
        return None
    counted = outer.iter
    if not isinstance(counted, ast.Call) or called(counted) not in ("range", "trange") or len(counted.args) != 1:
        return None
    origin = provenance(training, counted.args[0])
    number = constant(origin.node) if origin.kind == "literal" else None
    if not isinstance(number, int) or origin.node is None:
        return None
    return (replaced(training.source, origin.node, str(ceil(number * factor))),)


def precision(training: Training, arguments: Arguments) -> Fix | None:
    """Compute in bfloat16 where it was float16, or step through a gradient scaler."""
    halves = [n for n in training.script.of_type(ast.Attribute) if training.script.full(n) == "torch.float16"]
    if arguments.get("dtype") == "bfloat16" and halves:
        return tuple(replaced(training.source, node, "torch.bfloat16") for node in halves)
    if arguments.get("scaler") is True:
        return _scaled(training)
    return None


def _scaled(training: Training) -> Fix | None:
    """Put a gradient scaler around the only backward and the only step."""
    name = optimizer_name(training)
    made = [training.script.statement(call) for call in training.optimizers]
    steps = [c for c in training.steps if isinstance(training.script.parents.get(c), ast.Expr) and not c.args]
    known = len(made) == 1 and len(training.backwards) == 1 and len(steps) == 1
    if not known or name is None or made[0] is None or training.script.calls_by_name.get("GradScaler"):
        return None
    backward = training.backwards[0]
    if not isinstance(backward.func, ast.Attribute):
        return None
    source = training.source
    clips = [training.script.statement(c) for c in training.script.calls if called(c).startswith("clip_grad")]
    unscaled = [before(source, clip, f"scaler.unscale_({name})") for clip in clips if clip is not None]
    if len(clips) > 1 or None in unscaled:
        return None
    loss = source.segment(backward.func.value)
    put = before(source, made[0], 'scaler = torch.amp.GradScaler("cuda")')
    stepped = training.script.statement(steps[0])
    update = after(source, stepped, "scaler.update()") if stepped is not None else None
    if not put or not update:
        return None
    scaled = replaced(source, backward.func.value, f"scaler.scale({loss})")
    clear = [span for fix in unscaled for span in fix or ()]
    return (*put, scaled, *clear, replaced(source, steps[0], f"scaler.step({name})"), *update)
