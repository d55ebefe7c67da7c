"""Turns a padding mask around that hides the wrong places, where it is made."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.mending.fault_edits import mends
from trainadvisor.source.edits import replaced, unwrapped
from trainadvisor.source.syntax import called, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.judge.result import Finding
    from trainadvisor.source.edits import Fix, Span
    from trainadvisor.source.training import Training

# Arguments that take a padding mask.
PADDING = ("key_padding_mask", "src_key_padding_mask", "tgt_key_padding_mask", "memory_key_padding_mask")
OPPOSITE: dict[type[ast.cmpop], str] = {
    ast.Eq: "!=", ast.NotEq: "==", ast.Lt: ">=", ast.GtE: "<", ast.Gt: "<=", ast.LtE: ">",
}  # fmt: skip
# Methods behind which a mask is still the same, and how what hides scores is written.
VIEWS = frozenset({"unsqueeze", "bool", "to", "view", "expand", "reshape"})
LOW = ("-", "float('-", "torch.finfo")


@mends
def mask_inverted(training: Training, finding: Finding) -> Fix | None:
    """Turn the comparison around that the mask is made by, where all masks come from one."""
    del finding
    given = list(_padding_masks(training)) or list(_filled(training))
    made = dict.fromkeys(training.values.single(mask) or mask for mask in given)
    span = _turned(training, next(iter(made))) if len(made) == 1 else None
    return None if span is None else (span,)


def _padding_masks(training: Training) -> Iterator[ast.expr]:
    for call in training.script.calls:
        masks = [keyword(call, name) for name in PADDING]
        masks += [keyword(call, "attn_mask", 3)] if called(call) == "scaled_dot_product_attention" else []
        yield from (mask for mask in masks if mask is not None)


def _filled(training: Training) -> Iterator[ast.expr]:
    """Yield what scores are filled by."""
    fills = [call for name in ("masked_fill", "masked_fill_") for call in training.script.calls_by_name.get(name, [])]
    yield from (call.args[0] for call in fills if len(call.args) > 1 and ast.unparse(call.args[1]).startswith(LOW))


def _turned(training: Training, mask: ast.expr) -> Span | None:
    """Return the opposite of a mask: of the comparison inside of its views."""
    while isinstance(mask, (ast.Subscript, ast.Call)):
        if isinstance(mask, ast.Call) and not (isinstance(mask.func, ast.Attribute) and called(mask) in VIEWS):
            return None
        mask = mask.func.value if isinstance(mask, ast.Call) else mask.value  # type: ignore[attr-defined]
        mask = training.values.single(mask) or mask
    if isinstance(mask, ast.UnaryOp) and isinstance(mask.op, ast.Invert):
        return unwrapped(training.source, mask, mask.operand)
    if not isinstance(mask, ast.Compare) or len(mask.ops) != 1:
        return None
    left, right = (training.source.segment(side) for side in (mask.left, mask.comparators[0]))
    opposite = OPPOSITE.get(type(mask.ops[0]))
    return replaced(training.source, mask, f"{left} {opposite} {right}") if opposite else None
