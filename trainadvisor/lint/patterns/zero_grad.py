"""Gradients that are never cleared, or cleared where that undoes the work: between backward and step."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.order import same_block, statements_between
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import before, without
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training


@pattern("optimizer", words=((".step(",), ("backward(",)))
def missing_zero_grad(training: Training) -> Iterator[Match]:
    """Yield steps in a loop that calls backward and in no way clears gradients."""
    for step in training.steps:
        loop = next(iter(training.script.loops(step)), None)
        if loop is None or step.args or step.keywords or _is_driven(training, step):
            continue
        nodes = list(training.reached(loop))
        backwards = [n for n in nodes if n in training.backward_set and training.script.loops(n)[:1] == [loop]]
        if _made_in(training, step, loop):
            continue
        if backwards and not any(n in training.clear_set for n in nodes) and not _hidden(training, loop, step):
            optimizer = ast.unparse(step.func.value)  # type: ignore[attr-defined]
            yield Match(step, {"optimizer": optimizer}, backwards[0], _cleared(training, backwards[0], optimizer))


def _made_in(training: Training, step: ast.Call, loop: ast.AST) -> bool:
    """Return whether the optimizer is made in each round of the loop: a step of its own, no training."""
    owner = step.func.value if isinstance(step.func, ast.Attribute) else None
    bindings = training.script.reaching(owner) if isinstance(owner, ast.Name) else []
    return any(loop in training.script.ancestors(binding.statement) for binding in bindings)


def _is_driven(training: Training, step: ast.Call) -> bool:
    """Return whether somebody else may clear: an accelerator, an engine, or a name that a library gives."""
    return training.is_optimizer(step.func.value) is None and training.is_given(step.func.value)  # type: ignore[attr-defined]


def _hidden(training: Training, loop: ast.AST, step: ast.Call) -> bool:
    """Return whether the optimizer or model goes to a function that is not seen, which may clear."""
    names = {ast.unparse(step.func.value)}  # type: ignore[attr-defined]
    for node in ast.walk(loop):
        if isinstance(node, ast.Call) and not training.called_functions(node):
            given = [*node.args, *(k.value for k in node.keywords)]
            if any(ast.unparse(argument) in names for argument in given):
                return True
    return False


def _cleared(training: Training, backward: ast.AST, optimizer: str) -> Fix | None:
    statement = training.script.statement(backward)
    return before(training.source, statement, f"{optimizer}.zero_grad()") if statement else None


@pattern("optimizer", words=(("zero_grad(",), ("backward(",)))
def zero_grad_before_step(training: Training) -> Iterator[Match]:
    """Yield a zero_grad between backward and the step of the same optimizer, in one block."""
    for clear in training.methods("zero_grad"):
        statement = training.script.statement(clear)
        block = training.block(statement)
        if statement is None or block is None or not isinstance(statement, ast.Expr):
            continue
        optimizer = ast.unparse(clear.func.value)  # type: ignore[attr-defined]
        backward = _backward_before(training, statement, block)
        step = same_block(statement, block, optimizer, "step")
        if backward is None or step is None or not _follows(block, statement, step):
            continue
        between = statements_between(block, backward, statement)
        if not any(called(c) == "step" for s in between for c in ast.walk(s) if isinstance(c, ast.Call)):
            yield Match(clear, {"optimizer": optimizer}, step, _moved(training, statement, block, backward))


def _backward_before(training: Training, statement: ast.stmt, block: list[ast.stmt]) -> ast.stmt | None:
    """Return the last statement of the block before another one that only calls backward."""
    earlier = block[: block.index(statement)]
    found = [s for s in earlier if isinstance(s, ast.Expr) and s.value in training.backward_set]
    return found[-1] if found else None


def _follows(block: list[ast.stmt], statement: ast.stmt, step: ast.stmt) -> bool:
    """Return whether a step comes behind a clearing, and no other gradient in between."""
    between = statements_between(block, statement, step)
    calls = [n for s in between for n in ast.walk(s) if isinstance(n, ast.Call)]
    graded = {"backward", "manual_backward", "grad", "train_step", "step", "closure"}
    assigned = any(isinstance(n, ast.Attribute) and n.attr == "grad" for s in between for n in ast.walk(s))
    unseen = any(isinstance(s, (ast.For, ast.While, ast.If, ast.With)) for s in between)
    return (
        block.index(step) > block.index(statement)
        and not assigned
        and not unseen
        and not any(called(c) in graded or "backward" in called(c) for c in calls)
    )


def _moved(training: Training, statement: ast.stmt, block: list[ast.stmt], backward: ast.stmt) -> Fix | None:
    taken = without(training.source, statement, block)
    put = before(training.source, backward, training.source.segment(statement))
    return (*put, *taken) if taken and put else None
