"""The condition language: a checked subset of Python expressions in three truth values, unknown written None."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from trainadvisor import silence
from trainadvisor.errors import RuleError, did_you_mean
from trainadvisor.judge.condition_values import (
    ARITHMETIC,
    EQUALITY,
    FUNCTIONS,
    MEMBERSHIP,
    ORDER,
    PAIRED,
    TRUTHS,
    Evaluate,
    Lookup,
    Value,
    function_of,
)
from trainadvisor.toml import LARGEST_NUMBER

LONGEST = 500
DEEPEST = 20


@dataclass(frozen=True)
class Place:
    """Where an expression stands, for error messages."""

    file: str
    key: str

    def error(self, message: str, node: ast.AST | None = None) -> RuleError:
        """Return the error to raise, with the column of the node."""
        column = f", column {node.col_offset + 1}" if node is not None and hasattr(node, "col_offset") else ""
        return RuleError(f"{self.file}: {self.key}{column}: {message}")


@dataclass(frozen=True)
class Expression:
    """A parsed expression whose form, but not yet its types, is known to be sound."""

    text: str
    tree: ast.expr
    place: Place

    @cached_property
    def names(self) -> list[str]:
        """Return the names it uses, in order, each once."""
        called = {id(node.func) for node in ast.walk(self.tree) if isinstance(node, ast.Call)}
        found = [
            n for n in ast.walk(self.tree) if isinstance(n, ast.Name) and id(n) not in called and n.id not in TRUTHS
        ]
        return list(dict.fromkeys(n.id for n in sorted(found, key=lambda n: n.col_offset)))

    def evaluate(self, lookup: Lookup) -> Value | None:
        """Return the value, None when it is unknown."""
        value: Value | None = self._evaluate(lookup)
        return value

    @cached_property
    def _evaluate(self) -> Evaluate:
        return function_of(self.tree)

    def __hash__(self) -> int:
        """Return the hash of the text alone, from which the tree follows."""
        return hash(self.text)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is kept when it travels to another process: functions are made anew there."""
        return {"text": self.text, "tree": self.tree, "place": self.place}

    def check(self, types: Mapping[str, str]) -> str:
        """Return its type (number, truth or word); raises RuleError for unknown names and mixed types."""
        return _Checker(types, self.place).type_of(self.tree)


def parse(text: str, place: Place, *, functions: bool = False) -> Expression:
    """Return the expression; raises RuleError for anything outside the language."""
    if len(text) > LONGEST:
        raise place.error(f"longer than {LONGEST} characters; derive a signal instead")
    try:
        with silence.parsing():
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        message = getattr(error, "msg", None) or "cannot be parsed"
        raise place.error(f"not an expression ({message}); write a comparison such as steps >= 20") from None
    _check_form(tree, place, FUNCTIONS if functions else {}, DEEPEST)
    return Expression(text, tree, place)


def _check_form(node: ast.AST, place: Place, functions: Mapping[str, Any], depth: int) -> None:
    if depth == 0:
        raise place.error(f"nested deeper than {DEEPEST} levels; derive a signal instead", node)
    for child in _parts(node, place, functions):
        _check_form(child, place, functions, depth - 1)


def _parts(node: ast.AST, place: Place, functions: Mapping[str, Any]) -> list[ast.expr]:  # noqa: PLR0911 - one a form
    """Return the operands of an allowed node."""
    match node:
        case ast.BoolOp(values=values):
            return values
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            return [operand]
        case ast.BinOp(op=op, left=left, right=right) if type(op) in ARITHMETIC:
            return [left, right]
        case ast.Compare():
            return _compared(node, place)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in functions:
            if len(args) != (2 if name in PAIRED else 1):
                raise place.error(f"{name} takes {2 if name in PAIRED else 1} arguments, not {len(args)}", node)
            return args
        case ast.Name():
            return []
        case ast.Constant(value=value) if _allowed(value):
            return []
    raise place.error(
        f"{_described(node)} is not part of the language; use names, numbers, comparisons, and/or/not, + - * /", node
    )


def _compared(node: ast.Compare, place: Place) -> list[ast.expr]:
    parts = [node.left]
    for op, right in zip(node.ops, node.comparators, strict=True):
        if isinstance(op, MEMBERSHIP):
            if not isinstance(right, (ast.Tuple, ast.List)) or not all(isinstance(e, ast.Constant) for e in right.elts):
                raise place.error('"in" needs a list of constants, as in loss_kind in ("mse_loss", "l1_loss")', node)
            parts += right.elts
        elif type(op) in ORDER or type(op) in EQUALITY:
            parts.append(right)
        else:
            raise place.error('"is" is not part of the language; use == or !=', node)
    return parts


def _allowed(value: Any) -> bool:
    if isinstance(value, (int, float)):
        return abs(value) < LARGEST_NUMBER
    return isinstance(value, str)


def _described(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        return "this call" if not isinstance(node.func, ast.Name) else f"calling {node.func.id}"
    return {"Attribute": "an attribute", "Subscript": "a subscript", "IfExp": '"if"', "Constant": "this constant"}.get(
        type(node).__name__, type(node).__name__.lower()
    )


class _Checker:
    """Finds the type of each part of an expression."""

    def __init__(self, types: Mapping[str, str], place: Place) -> None:
        self.types = types
        self.place = place

    def type_of(self, node: ast.expr) -> str:  # noqa: PLR0911 - one a form
        match node:
            case ast.Constant(value=value):
                return "truth" if isinstance(value, bool) else "word" if isinstance(value, str) else "number"
            case ast.Name(id=name):
                return self._name(node, name)
            case ast.BoolOp(values=values):
                return self._all(values, "truth")
            case ast.UnaryOp(op=op, operand=operand):
                return self._all([operand], "truth" if isinstance(op, ast.Not) else "number")
            case ast.BinOp(left=left, right=right):
                return self._all([left, right], "number")
            case ast.Call(args=args):
                return self._all(args, "number")
            case ast.Compare():
                return self._compare(node)
        raise self.place.error(f"{_described(node)} is not part of the language", node)

    def _name(self, node: ast.expr, name: str) -> str:
        if name in TRUTHS:
            return "truth"
        if name not in self.types:
            raise self.place.error(f"unknown name {name}{did_you_mean(name, self.types)}", node)
        kind = self.types[name]
        if kind not in ("number", "truth", "word"):
            raise self.place.error(f'{name} has one value a layer; it needs scope = "layer"', node)
        return kind

    def _all(self, nodes: list[ast.expr], wanted: str) -> str:
        for node in nodes:
            if (found := self.type_of(node)) != wanted:
                raise self.place.error(f"{ast.unparse(node)} is a {found} where a {wanted} is needed", node)
        return wanted

    def _compare(self, node: ast.Compare) -> str:
        left = node.left
        for op, right in zip(node.ops, node.comparators, strict=True):
            if type(op) in ORDER:
                self._all([left, right], "number")
            elif isinstance(op, MEMBERSHIP) and isinstance(right, (ast.Tuple, ast.List)):
                self._all(right.elts, self.type_of(left))
            else:
                self._all([right], self.type_of(left))
            left = right
        return "truth"
