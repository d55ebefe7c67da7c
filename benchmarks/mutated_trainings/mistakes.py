"""The mistakes of users as single changes of a syntax tree: what each kind replaces, and by what."""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evaluating import alike, protected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Statements that users forget, by what they call.
FORGOTTEN = frozenset({
    "zero_grad", "step", "backward", "eval", "train", "clip_grad_norm_", "clip_grad_value_", "load_state_dict", "mul_",
    "fill_", "zero_", "add_", "copy_", "normal_", "uniform_", "xavier_uniform_", "kaiming_normal_", "constant_",
    "requires_grad_", "update_parameters", "update", "append", "unscale_",
})  # fmt: skip
# Calls that users leave out around or behind a value.
LEFT_OUT = frozenset({
    "detach", "relu", "tanh", "gelu", "softmax", "log_softmax", "sigmoid", "dropout", "mean", "float", "normalize",
    "log", "exp", "sqrt", "norm", "drop", "bn", "norm1", "norm2", "act", "unsqueeze", "squeeze", "clamp", "pos", "abs",
})  # fmt: skip
LAYERS = (
    "ReLU",
    "Tanh",
    "GELU",
    "Sigmoid",
    "BatchNorm",
    "LayerNorm",
    "Dropout",
    "Softmax",
    "Linear",
    "Conv",
    "Flatten",
)
TWINS = {
    "argmax": "argmin", "max": "min", "min": "max", "ReLU": "Sigmoid", "Tanh": "ReLU", "GELU": "Softmax", "sum": "mean",
    "mean": "sum", "relu": "sigmoid", "sin": "cos", "log_softmax": "softmax", "Adam": "SGD", "SGD": "Adam",
    "bmm": "mul", "cat": "stack", "MSELoss": "L1Loss", "transpose": "reshape", "permute": "reshape", "view": "squeeze",
    "BCEWithLogitsLoss": "BCELoss", "CrossEntropyLoss": "NLLLoss", "cross_entropy": "nll_loss", "randperm": "arange",
    "softmax": "sigmoid", "zeros": "ones", "ones": "zeros", "rand": "randn", "sort": "argsort",
}  # fmt: skip
OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
    ast.FloorDiv: (ast.Mod,),
    ast.Mod: (ast.FloorDiv,),
}
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
AXES = ("dim", "axis", "dims", "start_dim", "keepdim")
PLACED_AXES = frozenset({
    "softmax", "log_softmax", "mean", "sum", "cat", "stack", "argmax", "squeeze", "unsqueeze", "norm", "std", "max",
    "flatten", "size", "cumsum", "normalize", "logsumexp",
})  # fmt: skip
SHAPED = frozenset({"view", "reshape", "permute", "transpose"})
MOST_SWAPPED = 4
# Counts below are indices, axes and sizes of kernels, of which users take the next.
FEW = 8
# Whose functions take the value as an argument.
OWNERS = ("torch", "F", "nn", "self", "math", "np")


@dataclass(frozen=True)
class Mistake:
    """One place of a script and what stands there instead, nothing where it is None."""

    kind: str
    tree: ast.Module
    parent: ast.AST
    field: str
    old: ast.AST
    new: ast.AST | None

    @property
    def line(self) -> int:
        """The line of the place."""
        return getattr(self.old, "lineno", 0)

    @property
    def told(self) -> str:
        """What the mistake changes."""
        return _told(self.old, self.new)

    def text(self) -> str:
        """Return the whole script with the mistake in it."""
        held = getattr(self.parent, self.field)
        if isinstance(held, list):
            place = next(at for at, item in enumerate(held) if item is self.old)
            stood = [self.new] if self.new is not None else [] if len(held) > 1 else [ast.Pass()]
            changed: object = [*held[:place], *stood, *held[place + 1 :]]
        else:
            changed = self.new
        setattr(self.parent, self.field, changed)
        try:
            return ast.unparse(ast.fix_missing_locations(self.tree))
        finally:
            setattr(self.parent, self.field, held)


def mistakes(source: str, *, scaled: bool) -> list[Mistake]:
    """Return every mistake that can be made outside of a script's own evaluation.

    A metric that depends on the unit of its targets (`scaled`) is no measure where the data of the evaluation change.
    """
    tree = ast.parse(source)
    spared = protected(tree, data=scaled)
    names = alike(tree)
    return [
        Mistake(kind, tree, parent, field, node, new)
        for parent, field, node in _places(tree)
        if id(node) not in spared
        for kind, change in KINDS.items()
        for new in change(node, names)
        if new is None or ast.dump(new) != ast.dump(node)
    ]


def _places(tree: ast.Module) -> Iterator[tuple[ast.AST, str, ast.AST]]:
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield parent, field, child


def _told(old: ast.AST, new: ast.AST | None) -> str:
    texts = ["(nothing)" if node is None else " ".join(ast.unparse(node).split()) for node in (old, new)]
    return " -> ".join(text if len(text) <= 60 else f"{text[:57]}..." for text in texts)


def _called(node: ast.AST | None) -> str:
    """Return the last name of what a call calls."""
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


Names = dict[int, list[str]]


def _dropped_statement(node: ast.AST, _: Names) -> Iterator[ast.AST | None]:
    """Leave out a call whose value nobody uses, or an assignment that changes a name in place or again."""
    if (isinstance(node, ast.Expr) and _called(node.value) in FORGOTTEN) or isinstance(node, ast.AugAssign):
        yield None
    elif isinstance(node, ast.Assign):
        read = {inner.id for inner in ast.walk(node.value) if isinstance(inner, ast.Name)}
        written = {inner.id for target in node.targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}
        if written and written <= read:
            yield None


def _left_out_call(node: ast.AST, _: Names) -> Iterator[ast.AST | None]:
    """Take a value instead of what a call makes of it."""
    if not isinstance(node, ast.Call) or _called(node) not in LEFT_OUT:
        return
    function = node.func
    owner = function.value if isinstance(function, ast.Attribute) else None
    if owner is not None and not (isinstance(owner, ast.Name) and owner.id in OWNERS):
        yield owner
    elif node.args:
        yield node.args[0]


def _left_out_layer(node: ast.AST, _: Names) -> Iterator[ast.AST | None]:
    """Take a layer away, or call it twice."""
    if isinstance(node, ast.Call) and _called(node) == "Sequential":
        for place, layer in enumerate(node.args):
            if _called(layer).startswith(LAYERS):
                yield _with(node, args=[*node.args[:place], *node.args[place + 1 :]])
                yield _with(node, args=[*node.args[:place], layer, *node.args[place:]])
    elif isinstance(node, ast.Call) and len(node.args) == 1 and ast.unparse(node.func).startswith("self."):
        yield node.args[0]
        yield _with(node, args=[copy.deepcopy(node)])


def _swapped_arguments(node: ast.AST, _: Names) -> Iterator[ast.AST | None]:
    if isinstance(node, ast.Call):
        for place in range(min(len(node.args) - 1, MOST_SWAPPED)):
            first, second = node.args[place], node.args[place + 1]
            yield _with(node, args=[*node.args[:place], second, first, *node.args[place + 2 :]])
    elif isinstance(node, ast.Tuple) and len(node.elts) > 1:
        yield _with(node, elts=[node.elts[1], node.elts[0], *node.elts[2:]])
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub | ast.Div | ast.MatMult):
        yield _with(node, left=node.right, right=node.left)


def _other_name(node: ast.AST, names: Names) -> Iterator[ast.AST | None]:
    """Take another variable of the same kind."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield from (ast.Name(name, ast.Load()) for name in names.get(id(node), []))


def _other_axis(node: ast.AST, _: Names) -> Iterator[ast.AST | None]:
    if not isinstance(node, ast.Call):
        return
    for place, keyword in enumerate(node.keywords):
        if keyword.arg in AXES and (changed := _axis(keyword.value)) is not None:
            given = [*node.keywords[:place], ast.keyword(keyword.arg, changed), *node.keywords[place + 1 :]]
            yield _with(node, keywords=given)
    if _called(node) in PLACED_AXES and node.args and (changed := _axis(node.args[-1])) is not None:
        yield _with(node, args=[*node.args[:-1], changed])


def _axis(node: ast.expr) -> ast.expr | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return ast.Constant(0)
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return ast.Constant(not node.value)
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return ast.Constant(0 if node.value else 1)
    return None


def _other_call(node: ast.AST, _: Names) -> Iterator[ast.AST | None]:
    """Take a function or layer that is called or used alike."""
    if isinstance(node, ast.Call) and (name := _called(node)) in TWINS:
        function = node.func
        new = (
            ast.Attribute(function.value, TWINS[name], ast.Load())
            if isinstance(function, ast.Attribute)
            else ast.Name(TWINS[name], ast.Load())
        )
        yield _with(node, func=new)


def _other_reduction(node: ast.AST, _: Names) -> Iterator[ast.AST | None]:
    """Add up a loss that was averaged, turn a switch, forget a keyword."""
    if not isinstance(node, ast.Call):
        return
    if _called(node).endswith(("Loss", "_loss", "cross_entropy", "with_logits")):
        kept = [keyword for keyword in node.keywords if keyword.arg != "reduction"]
        yield _with(node, keywords=[*kept, ast.keyword("reduction", ast.Constant("sum"))])
    for place, keyword in enumerate(node.keywords):
        if isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, bool):
            changed = ast.keyword(keyword.arg, ast.Constant(not keyword.value.value))
            yield _with(node, keywords=[*node.keywords[:place], changed, *node.keywords[place + 1 :]])
        yield _with(node, keywords=[*node.keywords[:place], *node.keywords[place + 1 :]])


def _other_operator(node: ast.AST, _: Names) -> Iterator[ast.AST | None]:
    if isinstance(node, ast.BinOp):
        yield from (_with(node, op=new()) for new in OPERATORS.get(type(node.op), ()))
        if isinstance(node.op, ast.Mult | ast.Div | ast.Add | ast.Sub):
            yield node.left
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        yield _with(node, ops=[COMPARISONS[type(node.ops[0])](), *node.ops[1:]])
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Return) and isinstance(node.value, ast.BinOp):
        yield ast.Return(ast.UnaryOp(ast.USub(), node.value))


def _other_number(node: ast.AST, _: Names) -> Iterator[ast.AST | None]:
    """Take a number ten or a hundred times as large or small, none, or the next count."""
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool):
        return
    if isinstance(node.value, float):
        yield from (ast.Constant(node.value * factor) for factor in (10.0, 100.0, 0.1, 0.01, 0.0))
    elif isinstance(node.value, int):
        values = (node.value + 1, node.value - 1) if node.value < FEW else (node.value // 10,)
        yield from (ast.Constant(value) for value in values)


def _other_part(node: ast.AST, _: Names) -> Iterator[ast.AST | None]:
    """Take the other side of a slice, or the whole."""
    if isinstance(node, ast.Slice):
        if node.lower is not None and node.upper is None:
            yield ast.Slice(None, node.lower)
        elif node.upper is not None and node.lower is None:
            yield ast.Slice(node.upper, None)
        yield ast.Slice(None, None)
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        yield node.value


def _other_shape(node: ast.AST, _: Names) -> Iterator[ast.AST | None]:
    """Leave axes where they are, or give sizes in another order."""
    if isinstance(node, ast.Call) and _called(node) in SHAPED and len(node.args) > 1:
        yield _with(node, args=list(reversed(node.args)))
        yield _with(node, args=[*node.args[1:], node.args[0]])
        if isinstance(node.func, ast.Attribute) and _called(node) in {"permute", "transpose"}:
            yield node.func.value


KINDS: dict[str, Callable[[ast.AST, Names], Iterator[ast.AST | None]]] = {
    "statement dropped": _dropped_statement,
    "call left out": _left_out_call,
    "layer left out or twice": _left_out_layer,
    "arguments swapped": _swapped_arguments,
    "other variable": _other_name,
    "other axis": _other_axis,
    "other function": _other_call,
    "other reduction or switch": _other_reduction,
    "other operator": _other_operator,
    "other number": _other_number,
    "other part": _other_part,
    "other shape": _other_shape,
}


def _with(node: ast.AST, **fields: object) -> ast.AST:
    """Return a node like another but for some of its fields."""
    twin = copy.copy(node)
    for name, value in fields.items():
        setattr(twin, name, value)
    return twin
