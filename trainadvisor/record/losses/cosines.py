"""Finds losses made of cosines between embeddings, written out by hand."""

from typing import TYPE_CHECKING, Any

import torch

from trainadvisor.record.losses.loss_graph import bare, scaled_from
from trainadvisor.record.losses.loss_region import operands, region

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainadvisor.record.device_readback import Reading

_SCALING = ("Div", "Mul", "MaskedFill", "Sub", "Where", "View", "T", "Transpose", "Unsqueeze", "Squeeze", "Expand",
            "ClampMin", "Clone", "Select", "Slice", "Index")  # fmt: skip
_OVER_CLASSES = frozenset({"Logsumexp", "LogSoftmax", "Exp"})
# What takes the places of the pairs out of a matrix, or adds up its rows.
_CHOOSING = frozenset({"Diagonal", "Gather", "Select", "Index", "Sum", "NllLoss"})
_PRODUCTS = frozenset({"Mm", "Bmm"})
MATRIX = 2


def made_of_cosines(root: Any) -> bool:
    """Return whether a loss is computed from products of vectors that were divided by their norms."""
    found = list(region(root))
    chosen = [inner for node in found if bare(node) in _CHOOSING for inner in _before(node)]
    return any(_is_cosine(node) for node in [*found, *chosen])


def given_vectors(root: Any) -> torch.Tensor | None:
    """Return the vectors without a gradient [examples, units] that a loss compares with others by their cosines."""
    for node in region(root):
        for product in _before(node) if bare(node) == "Sum" else ():
            sides = operands(product) if bare(product) == "Mul" and _compares(product) else []
            given = next((side.constant for side in sides if side.node is None), None)
            if given is not None and given.ndim == MATRIX and min(given.shape) > 1:
                return given
    return None


def read_given(
    loss: torch.Tensor,
    fact: dict[str, Any],
    read: "Callable[[torch.Tensor], Reading]",
    expect: "Callable[[Reading, Callable[[list[float]], None]], None]",
) -> None:
    """Have the spread of such vectors over the examples, relative to their size, written into the facts of a loss."""
    given = given_vectors(loss.grad_fn)
    if given is not None and "given_spread" not in fact:
        fact["given_spread"] = None
        values = given.detach().float()
        share = values.var(0).mean().sqrt() / values.square().mean().sqrt()
        expect(read(share.reshape(1)), lambda numbers: fact.update(given_spread=float(f"{numbers[0]:.6g}")))


def _is_cosine(node: Any) -> bool:
    name = bare(node)
    if name == "Sum":
        return any(bare(factor) == "Mul" and _compares(factor) for factor in _before(node))
    if name in _OVER_CLASSES:
        products = (product for before in _before(node) for product in scaled_from(before, _SCALING))
        return any(bare(product) in _PRODUCTS and _compares(product) for product in products)
    return False


def _compares(product: Any) -> bool:
    """Return whether one side of a product is a vector over its norm, and neither is the weights of classes."""
    sides = _before(product)
    return any(_numerator(side) is not None for side in sides) and not any(map(_is_weight, sides))


def _numerator(node: Any) -> Any:
    """Return what is divided by its norm here, transposed or viewed since; None where nothing is."""
    for scaled in scaled_from(node, _SCALING):
        if bare(scaled) == "Div" and any(_is_norm(side) for side in _before(scaled)[1:]):
            return _before(scaled)[0]
    return None


def _is_weight(side: Any) -> bool:
    """Return whether a side is a parameter, divided by its norm or not: the weights of a cosine classifier."""
    inner = _numerator(side)
    return any(hasattr(node, "variable") for node in scaled_from(side if inner is None else inner, _SCALING))


def _is_norm(node: Any) -> bool:
    return any(bare(scaled) == "LinalgVectorNorm" for scaled in scaled_from(node, _SCALING))


def _before(node: Any) -> list[Any]:
    return [following for following, _ in node.next_functions if following is not None]
