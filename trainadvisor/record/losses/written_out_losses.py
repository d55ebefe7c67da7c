"""The yardstick of a loss that is written out as (prediction - target) ** 2 or abs(...): read off the autograd graph.

The difference is saved for the backward. Before training it is the target, less a guess that knows nothing yet, so its
spread over the examples is that of the targets: what a constant answer would cost.
"""

from typing import TYPE_CHECKING, Any

import torch

from trainadvisor.instrument import private_torch
from trainadvisor.record.losses.loss_graph import bare

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainadvisor.record.device_readback import Reading

FIRST_STEPS = 3
_SCALINGS = ("Mean", "Sum", "Div", "Mul", "ToCopy", "View", "Squeeze")
_DIFFERENCES = ("Sub", "Rsub")
_SUMS = ("Add", *_DIFFERENCES)
_DEEPEST = 6
_LEAST_EXAMPLES = 2


def difference(root: Any) -> tuple[int, torch.Tensor] | None:
    """Return the power (2 or 1) and the difference [examples, ...] that a loss's graph is the mean or sum of."""
    node = root
    for _ in range(_DEEPEST):
        if node is None:
            return None
        found = _power(node)
        if found is not None:
            return found
        inner = [following for following, _ in node.next_functions if following is not None]
        if not bare(node).startswith(_SCALINGS) or len(inner) != 1:
            return None
        node = inner[0]
    return None


def _power(node: Any) -> tuple[int, torch.Tensor] | None:
    name, inner = bare(node), [following for following, _ in node.next_functions if following is not None]
    if not inner or not bare(inner[0]).startswith(_DIFFERENCES):
        return None
    if any(_is_shifted(side) for side, _ in inner[0].next_functions):
        return None
    square = name == "Mul" and len(inner) == 2 and inner[0] is inner[1]
    if name != "Abs" and not square and not (name == "Pow" and private_torch.saved(node, "exponent") == 2):
        return None
    values = private_torch.saved(node, "self")
    return None if values is None else (1 if name == "Abs" else 2, values)


def _is_shifted(side: Any) -> bool:
    """Return whether something without a gradient was added to one side: the answer is then not the model's alone.

    A constant is seen as well as the input, as the part of it that a preconditioned denoiser passes by its net.
    """
    if side is None or bare(side) not in _SUMS:
        return False
    return [following for following, _ in side.next_functions].count(None) == 1


def share(power: int, values: torch.Tensor) -> torch.Tensor:
    """Return what is left of the mean loss when the best constant of each column is taken off the difference."""
    columns = values.detach().float().flatten(1) if values.ndim > 1 else values.detach().float()[:, None]
    if power == 1:
        return (columns - columns.median(0).values).abs().mean() / columns.abs().mean()
    return columns.var(0).mean() / columns.pow(2).mean()


def estimate(
    loss: torch.Tensor,
    fact: dict[str, Any],
    read: "Callable[[torch.Tensor], Reading]",
    expect: "Callable[[Reading, Callable[[list[float]], None]], None]",
) -> None:
    """Have the least estimate of the trivial loss over the first steps written into the facts of a custom loss.

    Beside it stands how many numbers of an example are compared.
    """
    found = difference(loss.grad_fn)
    if found is None or found[1].ndim == 0 or found[1].shape[0] < _LEAST_EXAMPLES or found[1].is_complex():
        return

    def arrived(numbers: list[float]) -> None:
        value = numbers[0]
        if value == value and value != float("inf"):  # noqa: PLR0124 - NaN says nothing
            fact["trivial_estimate"] = min(float(f"{value:.6g}"), fact.get("trivial_estimate", float("inf")))

    fact["compared"] = found[1][0].numel()
    with torch.no_grad():
        expect(read((loss.detach().float() * share(*found)).reshape(1)), arrived)
