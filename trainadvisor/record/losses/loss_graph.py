"""Reads facts off the autograd graph of a loss, before backward frees it: its operations and parameters."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch

from trainadvisor.instrument import private_torch
from trainadvisor.record.objects.describe import local

_MOST_NODES = 20_000
_MOST_SAVED = 3_000
_FIRST = 12
# Operations over which a loss may have been scaled.
_FARTHEST = 4

_GRAPH_STEPS = {0, 1, 2, 5, 10, 20, 50, 200, 1000}
LAST_GRAPH_STEP = max(_GRAPH_STEPS)
# Parameters in a graph that is walked less often, and the steps at which it is.
_LARGE, _LARGE_GRAPH_STEPS = 1000, {0, 20, 200}

_LINEAR = ("Addmm", "Mm", "Convolution", "MkldnnConvolution", "CudnnConvolution", "Linear", "Baddbmm")
_OUTPUT = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid", "Tanh": "tanh", "Relu": "relu",
           "Exp": "exp",
           "Softplus": "softplus", "Clamp": "clamp", "Log": "log"}  # fmt: skip
# Regression losses, and the difference that others begin with: what comes before it is the prediction.
_COMPARING = frozenset({"MseLoss", "SmoothL1Loss", "HuberLoss", "Sub"})
# Operations behind an activation that leave its bounds.
_RESCALING = frozenset({"Add", "Sub", "Rsub", "Mul", "Div", "Pow", "Sum", "Mean"})
_SHAPES = ("TBack", "View", "Transpose", "Permute", "Expand", "Unsqueeze", "ToCopy")
_PLUMBING_EXACT = frozenset(
    {"T", "Add", "Sub", "Neg", "Sum", "Mean", "Cat", "Div", "Mul", "Set", "Pad", "AccumulateGrad", "Rsub"}
)
_PLUMBING = (
    "View", "Reshape", "Transpose", "Permute", "Squeeze", "Unsqueeze", "Expand", "Select", "Slice", "Stack",
    "Clone", "ToCopy",
    "UnsafeView", "Alias", "Repeat", "Index", "Gather", "Split", "Chunk", "Unbind", "Flip", "Roll", "Copy",
    "AsStrided", "Narrow",
    "AvgPool", "AdaptiveAvgPool", "ConstantPad", "Embedding", "NativeDropout", "FusedDropout", "Upsample", "Unfold",
    "Col2Im", "Im2Col",
    "Movedim", "Diagonal", "SwapAxes", "Flatten",
)  # fmt: skip


@dataclass
class GraphFacts:
    """What the graph of a loss holds."""

    ops: list[str] = field(default_factory=list)
    linear_layers: int = 0
    nonlinear_ops: int = 0
    softmax_inputs: str | None = None
    output_activation: str | None = None
    broadcast: list[list[int]] | None = None
    opaque: bool = False
    leaves: list[torch.Tensor] = field(default_factory=list)

    def as_fact(self, numbers: list[int]) -> dict[str, Any]:
        """Return the facts as JSON, with the numbers of the parameters reached."""
        return {"ops": self.ops, "linear_layers": self.linear_layers, "nonlinear_ops": self.nonlinear_ops,
                "softmax_inputs": self.softmax_inputs,
                "output_activation": self.output_activation, "broadcast": self.broadcast, "opaque": self.opaque,
                "parameters": numbers}  # fmt: skip


def steps_to_read(graph: dict[str, Any]) -> set[int]:
    """Return the steps at which the graph of a loss is read again."""
    return _LARGE_GRAPH_STEPS if len(graph["parameters"]) > _LARGE else _GRAPH_STEPS


def read_graph(root: Any) -> GraphFacts:
    """Walk the graph from a loss's node, breadth first, at most 20,000 nodes."""
    facts = GraphFacts()
    layers: set[int] = set()
    for index, node in enumerate(_walk(root)):
        name = bare(node)
        if index < _FIRST:
            facts.ops.append(node.name())
        if hasattr(node, "variable"):
            facts.leaves.append(node.variable)
        elif name.startswith(_LINEAR):
            layers.add(_weight_of(node))
            facts.nonlinear_ops += name.startswith(("Mm", "Baddbmm")) and _both_depend(node)
        else:
            facts.nonlinear_ops += _nonlinear(node, name)
        facts.opaque |= "CompiledFunction" in node.name() or "Checkpoint" in node.name()
    facts.linear_layers = len(layers)
    _read_head(root, facts)
    return facts


def leaves_of(root: Any) -> Iterator[torch.Tensor]:
    """Yield the leaf tensors of a graph as they are found."""
    return (node.variable for node in _walk(root) if hasattr(node, "variable"))


def _walk(root: Any) -> Iterator[Any]:
    seen, queue = {root}, deque([root])
    while queue and len(seen) < _MOST_NODES:
        node = queue.popleft()
        yield node
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                queue.append(following)


def bare(node: Any) -> str:
    """Return a node's operation without its suffix: "Addmm" for AddmmBackward0."""
    return _operation(node.name())


@lru_cache(maxsize=1024)
def _operation(name: str) -> str:
    return name.partition("Backward")[0].removeprefix("torch::autograd::")


def metadata_of(node: Any) -> dict[str, Any]:
    """Return the words that torch lets one keep with a node of the graph."""
    found: dict[str, Any] = node.metadata
    return found


def scaled_from(node: Any, scalings: tuple[str, ...]) -> Iterator[Any]:
    """Yield a node of the graph and those before it, as far as each only scales the one before."""
    for _ in range(_FARTHEST):
        if node is None:
            return
        yield node
        before = [other for other, _ in node.next_functions if other is not None]
        if not bare(node).startswith(scalings) or len(before) != 1:
            return
        node = before[0]


def _weight_of(node: Any) -> int:
    """Return an identity for a linear operation's weight, so that a recurrent weight counts once."""
    for following, _ in node.next_functions:
        inner = following
        for _hop in range(3):
            if inner is None:
                break
            if hasattr(inner, "variable"):
                if inner.variable.ndim > 1:
                    return id(inner.variable)
                break
            following_inner = inner.next_functions
            inner = following_inner[0][0] if len(following_inner) == 1 else None
    return hash(node)


def _depends(node: Any) -> bool:
    """Return whether an input is computed, not just a parameter (possibly transposed)."""
    while node is not None and not hasattr(node, "variable"):
        if len(node.next_functions) != 1 or not node.name().startswith(_SHAPES):
            return True
        node = node.next_functions[0][0]
    return False


def _both_depend(node: Any) -> bool:
    return sum(_depends(following) for following, _ in node.next_functions) > 1


def _nonlinear(node: Any, name: str) -> bool:
    if name.startswith(("Mul", "Bmm")):
        return _both_depend(node)
    if name.startswith("Div"):
        return len(node.next_functions) > 1 and _depends(node.next_functions[1][0])
    return name not in _PLUMBING_EXACT and not name.startswith((*_PLUMBING, *_LINEAR))


def _read_head(root: Any, facts: GraphFacts) -> None:
    """Follow the prediction's branch down from the loss to the last layer."""
    node, loss_activation, compared = root, None, False
    for _ in range(30):
        name = bare(node)
        if compared and name in _RESCALING:
            break
        compared |= name in _COMPARING
        facts.broadcast = facts.broadcast or _broadcast(node, name)
        kind = _OUTPUT.get(name)
        if name.startswith("BinaryCrossEntropyWithLogits"):
            loss_activation = "sigmoid"
        elif kind == "log_softmax" and loss_activation is None:
            loss_activation = kind
        elif kind in {"softmax", "sigmoid", "log_softmax"} and loss_activation is not None:
            facts.softmax_inputs = facts.output_activation = kind
            break
        elif kind is not None and kind not in {"log", "clamp", "exp"}:
            facts.output_activation = kind
            break
        elif name.startswith(_LINEAR):
            break
        following = [n for n, _ in node.next_functions if n is not None and not hasattr(n, "variable")]
        if len(following) != 1:
            break
        node = following[0]
    if facts.output_activation is None and loss_activation == "log_softmax":
        facts.output_activation = "log_softmax"
    # What remains of the walk is the loss itself: its own operations are no nonlinearity of the model.
    facts.nonlinear_ops -= sum(1 for n in _chain(root) if _nonlinear(n, bare(n)))


def _chain(root: Any) -> Iterator[Any]:
    """Yield the nodes from the loss down to the first linear layer or to a branch."""
    node = root
    while node is not None and not bare(node).startswith(_LINEAR):
        yield node
        following = [n for n, _ in node.next_functions if n is not None and not hasattr(n, "variable")]
        if len(following) != 1:
            return
        node = following[0]


def _shape(node: Any) -> list[int] | None:
    try:
        return [int(n) for n in node._input_metadata[0].shape]
    except (AttributeError, IndexError, RuntimeError, TypeError):
        return None


def _broadcast(node: Any, name: str) -> list[list[int]] | None:
    """Return [input shape, result shape] of a difference in which [N, 1] and [N] grew to [N, N]."""
    if not name.startswith(("Sub", "MseLoss", "L1Loss", "SmoothL1", "Huber")):
        return None
    result = _shape(node)
    for following, _ in node.next_functions:
        source = _shape(following) if following is not None and not hasattr(following, "variable") else None
        if source and result and len(source) == len(result) == 2 and source[1] == 1 and result[1] == source[0] > 1:
            return [source, result]
    return None


def find_nonfinite(root: Any) -> str | None:
    """Return the deepest operation that turned finite inputs into a non-finite result, by what was saved."""
    found = None
    for index, node in enumerate(_walk(root)):
        if index > _MOST_SAVED:
            break
        if _broken(node, "result") or _at_pole(node):
            found = node
        elif _broken(node, "self") or _broken(node, "input"):
            found = node.next_functions[0][0] if node.next_functions else node
    return None if found is None or hasattr(found, "variable") else str(found.name())


def _at_pole(node: Any) -> bool:
    """Return whether a logarithm got no positive number, or a division a zero: their results are not saved."""
    name = bare(node)
    if name in {"Log", "Log2", "Log10"}:
        return _holds(node, "self", lambda saved: (saved <= 0).any())
    return name == "Div" and _holds(node, "other", lambda saved: (saved == 0).any())


def _broken(node: Any, name: str) -> bool:
    return _holds(node, name, lambda saved: ~torch.isfinite(saved).all())


def _holds(node: Any, name: str, question: Callable[[torch.Tensor], torch.Tensor]) -> bool:
    try:
        saved = private_torch.saved(node, name)
    except RuntimeError:  # Freed, or changed in place since.
        return False
    return isinstance(saved, torch.Tensor) and saved.is_floating_point() and bool(question(local(saved.detach())))
