"""Targets that go on beyond the end of an episode: the end is kept beside each step, and no target asks for it."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainadvisor.lint.episode_ends import END, FEWEST, is_filtered, is_handled, never_ends
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.undiscounted import NAMES
from trainadvisor.source.syntax import called, constant, last_name
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

REWARD = re.compile(r"b?r_?|(\w*_)?(r|rew|rewards?)(_\w*)?", re.IGNORECASE)
CUT = re.compile(r"trunc|time_?out|time_?limit", re.IGNORECASE)
STORES = frozenset({"append", "push", "add", "store", "remember", "put", "store_transition", "save"})
LOWEST_DISCOUNT = 0.8


@dataclass(frozen=True, eq=False)
class Batch:
    """Transitions taken apart: the names of their parts, and the statements that may use them."""

    names: tuple[str, ...]
    region: tuple[ast.stmt, ...]
    head: ast.AST


@pattern("end", "target", words=(("gamma", "GAMMA", "discount", "0.9"), ("done", "termin", " d", "over", "finished")))
def terminal_not_masked(training: Training) -> Iterator[Match]:
    """Yield sums of a reward and a discounted value of the next state that leave out the end of the same transition."""
    if is_handled(training) or never_ends(training) or is_filtered(training):
        return
    for batch in batches(training):
        for node in (n for s in batch.region for n in ast.walk(s)):
            sides = sides_of_target(node)
            if sides is None or not belongs(training, node, batch):
                continue
            reward, value = (closure(batch, side) for side in sides)
            states = (value & set(batch.names)) - reward
            ends = [name for place, name in enumerate(batch.names) if _is_end(training, batch, place)]
            earned = any(map(REWARD.fullmatch, reward & set(batch.names)))
            if earned and is_asked(batch, sides[1], states - set(ends)):
                unused = [name for name in ends if name not in reward | value and not is_used(batch, name)]
                if unused and len(unused) == len(ends):
                    end = _stored_end(training, batch) if unused[0] == "_" else unused[0]
                    yield Match(node, {"end": end, "target": ast.unparse(node)}, batch.head)


def batches(training: Training) -> Iterator[Batch]:
    """Yield where transitions are taken apart: by an assignment, by a loop, as the arguments of a function, by name."""
    for node in training.script.of_type(ast.Assign):
        names, block = _names(node.targets[0]), training.block(node)
        if len(names) >= FEWEST and block is not None and not isinstance(node.value, ast.Tuple):
            yield Batch(names, tuple(block[block.index(node) + 1 :]), node)
        if block is not None and isinstance(node.targets[0], ast.Name):
            rest = tuple(block[block.index(node) + 1 :])
            names = tuple(_named_parts(rest, node.targets[0].id))
            if len(names) >= FEWEST:
                yield Batch(names, rest, node)
    for loop in training.script.of_type(ast.For):
        names = _names(loop.target)
        if len(names) >= FEWEST:
            yield Batch(names, tuple(loop.body), loop)
    for function in training.script.functions:
        names = tuple(a.arg for a in function.args.args)
        if len(names) > FEWEST:
            yield Batch(names, tuple(function.body), function)


def _named_parts(region: tuple[ast.stmt, ...], whole: str) -> Iterator[str]:
    """Yield the names that parts of one object are bound to: `batch.reward`, or `batch["reward"]`."""
    for statement in region:
        if not isinstance(statement, ast.Assign):
            continue
        target = statement.targets[0]
        for name in [target.id] if isinstance(target, ast.Name) else _names(target):
            parts = {
                ast.unparse(n) for value in _values(statement, name) for n in ast.walk(value) if _is_part(n, whole)
            }
            if len(parts) == 1:
                yield name


def _is_part(node: ast.AST, whole: str) -> bool:
    of = node.value if isinstance(node, ast.Attribute) else None
    if isinstance(node, ast.Subscript) and isinstance(constant(node.slice), str):
        of = node.value
    return isinstance(of, ast.Name) and of.id == whole


def _names(target: ast.expr) -> tuple[str, ...]:
    elements = target.elts if isinstance(target, (ast.Tuple, ast.List)) else []
    return tuple(n.id if isinstance(n, ast.Name) else "" for n in elements)


def belongs(training: Training, node: ast.AST, batch: Batch) -> bool:
    """Return whether a sum is in the scope in which the transitions are taken apart, and behind no other such place."""
    head = batch.head
    own = head if isinstance(head, (ast.FunctionDef, ast.AsyncFunctionDef)) else training.script.scope(head)
    return training.script.scope(node) is own


def sides_of_target(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """Return the reward and the discounted value of a sum, None where it is no such sum."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add):
        return None
    for reward, value in ((node.left, node.right), (node.right, node.left)):
        factors = list(factors_of(value))
        if len(factors) > 1 and any(map(_is_discount, factors)) and not any(map(_is_discount, factors_of(reward))):
            return reward, value
    return None


def factors_of(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the factors of a product."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield from factors_of(node.left)
        yield from factors_of(node.right)
    else:
        yield node


def _is_discount(node: ast.expr) -> bool:
    name = last_name(node)
    value = constant(node)
    return NAMES.fullmatch(name) is not None or (isinstance(value, float) and LOWEST_DISCOUNT <= value < 1)


def closure(batch: Batch, expr: ast.expr) -> set[str]:
    """Return the names that a value is made of, those in what its names are bound to included."""
    found, waiting = set[str](), names_in(expr)
    while waiting:
        name = waiting.pop()
        found.add(name)
        for statement in (n for s in batch.region for n in ast.walk(s)):
            if isinstance(statement, ast.Assign):
                waiting |= {n for value in _values(statement, name) for n in names_in(value)} - found
            elif isinstance(statement, ast.AugAssign) and name in names_in(statement.target):
                waiting |= names_in(statement.value) - found
    return found


def _values(statement: ast.Assign, name: str) -> list[ast.expr]:
    """Return what an assignment gives to a name, or to a part of it."""
    target, value = statement.targets[0], statement.value
    if isinstance(target, ast.Subscript) and name in names_in(target.value):
        return [target.slice, value]
    names = _names(target)
    if name in names:
        parts = _parts(value, len(names))
        return [parts[names.index(name)]] if parts else [value]
    return [value] if isinstance(target, ast.Name) and target.id == name else []


def _parts(value: ast.expr, count: int) -> list[ast.expr]:
    """Return the values for each of several names: of a tuple, or of one thing done to each of a tuple."""
    if isinstance(value, (ast.ListComp, ast.GeneratorExp)):
        value = value.generators[0].iter
    elif isinstance(value, ast.Call) and called(value) == "map" and len(value.args) > 1:
        value = value.args[1]
    return value.elts if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == count else []


def is_asked(batch: Batch, value: ast.expr, states: set[str]) -> bool:
    """Return whether a net is asked for the value of a state: a call that is given one of the names."""
    found, waiting = set[str](), [value]
    while waiting:
        expr = waiting.pop()
        for node in ast.walk(expr):
            if isinstance(node, ast.Call) and any(names_in(a) & states for a in node.args):
                return True
            if isinstance(node, ast.Name) and node.id not in found:
                found.add(node.id)
                assigned = [n for s in batch.region for n in ast.walk(s) if isinstance(n, ast.Assign)]
                waiting += [given for statement in assigned for given in _values(statement, node.id)]
    return False


def _is_end(training: Training, batch: Batch, place: int) -> bool:
    """Return whether a part of the transitions says that an episode ends there."""
    name = batch.names[place]
    stored = [s[place] for s in _stored(training) if len(s) == len(batch.names)]
    if any(isinstance(v, ast.Constant) or CUT.search(ast.unparse(v)) for v in stored) or CUT.search(name):
        return False
    if any(END.fullmatch(n) for v in stored for n in names_in(v)):
        return True
    return END.fullmatch(name) is not None


def _stored_end(training: Training, batch: Batch) -> str:
    """Return the name under which the end of an episode is stored, where the batch has none for it."""
    found = [n for s in _stored(training) if len(s) == len(batch.names) for v in s for n in names_in(v)]
    return next((name for name in found if END.fullmatch(name)), "_")


def _stored(training: Training) -> Iterator[list[ast.expr]]:
    """Yield the parts of what is put into a list or a replay."""
    for call in training.script.calls:
        if called(call) in STORES:
            whole = call.args[0] if len(call.args) == 1 else None
            yield whole.elts if isinstance(whole, ast.Tuple) else call.args


def is_used(batch: Batch, name: str) -> bool:
    """Return whether a name, or what is made of it, does anything but get bound to further names."""
    held, waiting = set[str](), {name}
    while waiting:
        current = waiting.pop()
        held.add(current)
        for statement in batch.region:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and node.id == current and isinstance(node.ctx, ast.Load):
                    targets = _fed(batch, node)
                    if targets is None:
                        return True
                    waiting |= targets - held
    return False


def _fed(batch: Batch, name: ast.Name) -> set[str] | None:
    """Return the names that an assignment gives a name's value to, None where it is used in another way."""
    for node in (n for s in batch.region for n in ast.walk(s) if isinstance(n, ast.Assign)):
        if name in set(ast.walk(node.value)):
            names = _names(node.targets[0])
            parts = _parts(node.value, len(names)) if names else []
            place = next((k for k, part in enumerate(parts) if name in set(ast.walk(part))), None)
            if place is not None:
                return {names[place]}
            return {node.targets[0].id} if isinstance(node.targets[0], ast.Name) else None
    return None
