"""Finds losses made of cosines between embeddings, written out by hand."""

from typing import Any

from trainadvisor.record.losses.loss_graph import bare, scaled_from
from trainadvisor.record.losses.loss_region import region

_SCALING = ("Div", "Mul", "MaskedFill", "Sub", "Where", "View", "T", "Transpose", "Unsqueeze", "Squeeze", "Expand",
            "ClampMin", "Clone", "Select", "Slice", "Index")  # fmt: skip
_OVER_CLASSES = frozenset({"Logsumexp", "LogSoftmax", "Exp"})
# What takes the places of the pairs out of a matrix, or adds up its rows.
_CHOOSING = frozenset({"Diagonal", "Gather", "Select", "Index", "Sum", "NllLoss"})
_PRODUCTS = frozenset({"Mm", "Bmm"})


def made_of_cosines(root: Any) -> bool:
    """Return whether a loss is computed from products of vectors that were divided by their norms."""
    found = list(region(root))
    chosen = [inner for node in found if bare(node) in _CHOOSING for inner in _before(node)]
    return any(_is_cosine(node) for node in [*found, *chosen])


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
