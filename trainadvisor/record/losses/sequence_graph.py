"""What went into a prediction of sequences, and what its places could see of each other, read off the graph."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch

from trainadvisor.instrument import private_torch
from trainadvisor.record.losses.loss_graph import bare

_MOST_NODES = 6000
_MOST_INSIDE = 400
_BETWEEN = ("View", "UnsafeView", "Expand", "NativeDropout", "Mul", "ToCopy", "Clone", "ReshapeAlias", "Transpose")
# Masked scores are set to this or less.
_MASKED = -1e4
# Part of the places that may be an exception: weights too small for their number format.
_FEW = 0.01
CAUSAL, FULL, FORWARD, BACKWARD = "causal attention", "full attention", "forward", "backward"
WINDOW, HALVES, PARTLY, UNKNOWN = "window", "halves", "partly", "unknown"
_NARROWING = ("Slice", "Split", "SplitWithSizes", "Chunk", "Narrow")


def shape_of(node: Any) -> list[int]:
    """Return the shape of what a node of the graph computed, empty where it is not known."""
    try:
        return [int(size) for size in node._input_metadata[0].shape]
    except (AttributeError, IndexError, RuntimeError, TypeError):
        return []


def kept(node: Any, name: str) -> Any:
    """Return what a node has saved under a name, None where it has not, or where that was changed since."""
    try:
        return private_torch.saved(node, name)
    except RuntimeError:
        return None


def before(node: Any) -> list[Any]:
    """Return the nodes that a node computed from, parameters left out."""
    return [other for other, _ in node.next_functions if other is not None and not hasattr(other, "variable")]


def signed(number: Any) -> int:
    """Return a saved number that may be negative."""
    return int(number) - 2**64 if int(number) >= 2**63 else int(number)


def nodes_from(root: Any) -> Iterator[Any]:
    """Yield the nodes of a graph, breadth first, up to a bound."""
    seen, queue = {root}, [root]
    for node in queue:
        yield node
        for other in before(node):
            if other not in seen and len(seen) < _MOST_NODES:
                seen.add(other)
                queue.append(other)


def embedded(graph: Iterable[Any]) -> list[torch.Tensor]:
    """Return the sequences of ids that were looked up by nodes of a graph, each once, positions left out."""
    found: list[torch.Tensor] = []
    for node in graph:
        ids = embedded_ids(node) if bare(node) == "Embedding" else None
        if ids is None:
            continue
        plain = ids.cpu()
        counted = bool((plain == torch.arange(plain.shape[1])).all())
        if not counted and not any(torch.equal(plain, other) for other in found):
            found.append(plain)
    return found


def embedded_ids(node: Any) -> torch.Tensor | None:
    """Return the sequences of ids that a lookup was made with, None where they are none."""
    ids = kept(node, "indices")
    if not isinstance(ids, torch.Tensor) or ids.ndim != 2 or min(ids.shape) < 1 or ids.shape[1] < 2:
        return None
    return ids.detach()


def sight(root: Any, rows: int, columns: int, wanted: Callable[[Any], bool] = lambda _: True) -> set[str]:
    """Return by what the places of sequences learn of each other on the way to a result, in the nodes that count."""
    found: set[str] = set()
    for node in nodes_from(root):
        name = bare(node)
        if not wanted(node):
            continue
        if "Rnn" in name:
            turned = kept(node, "bidirectional") or kept(node, "reverse")
            found.add(BACKWARD if turned else FORWARD)
        elif name == "Stack" and len(node.next_functions) == columns > 1:
            found.update(_of_stack(node))
        elif "Convolution" in name and _keeps(shape_of(node), rows, columns):
            found.add(WINDOW)
        elif name in _NARROWING and _narrowed(node, rows, columns):
            found.add(HALVES)
        elif "CompiledFunction" in node.name() or "Checkpoint" in node.name():
            found.add(UNKNOWN)
        elif ahead := _ahead(node, columns):
            found.add(ahead)
    return found


def _narrowed(node: Any, rows: int, columns: int) -> bool:
    """Return whether a part of the features was taken: one direction of a network that runs in both."""
    shape = shape_of(node)
    return _keeps(shape, rows, columns) and signed(kept(node, "dim") or 0) % len(shape) == len(shape) - 1


def _ahead(node: Any, length: int) -> str | None:
    """Return whether the places of an attention see the next one, None for what is none of such a length.

    Partly is the attention of a prefix, or one of several kinds. A place that is hidden from itself is padding. Places
    that see each other mutually, most of them their next one, are those of packed documents: full attention in each.
    """
    allowed = allowed_by(node)
    if allowed is None or allowed.ndim < 2 or allowed.shape[-1] != allowed.shape[-2] or allowed.shape[-1] < length:
        return None
    own, ahead = allowed.diagonal(0, -2, -1)[..., 1:], allowed.diagonal(1, -2, -1)
    seen, shown = int(own.sum()), int((own & ahead).sum())
    few = _FEW * seen
    if not seen:
        return None
    if shown <= few:
        return CAUSAL
    return FULL if seen - shown <= few or (2 * shown > seen and _is_mutual(allowed)) else PARTLY


def _is_mutual(allowed: torch.Tensor) -> bool:
    return torch.equal(allowed, allowed.transpose(-2, -1))


def allowed_by(node: Any) -> torch.Tensor | None:
    """Return which places an attention sees of which, queries by keys at the end; None for any other operation."""
    name = bare(node)
    if name.startswith("ScaledDotProduct"):
        return _allowed(node)
    weights = _softmax_into(node) if name in ("Bmm", "Mm") else None
    return None if weights is None else weights > 0


def _allowed(node: Any) -> torch.Tensor | None:
    """Return which places a fused attention may see of which."""
    query, key = kept(node, "query"), kept(node, "key")
    if not isinstance(query, torch.Tensor) or not isinstance(key, torch.Tensor):
        return None
    everything = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool)
    if kept(node, "is_causal"):
        return everything.tril()
    masks = (kept(node, name) for name in ("attn_mask", "attn_bias"))
    mask = next((given for given in masks if isinstance(given, torch.Tensor)), None)
    if mask is None:
        return everything
    return (mask if mask.dtype == torch.bool else mask > _MASKED).broadcast_to((*mask.shape[:-2], *everything.shape))


def _softmax_into(node: Any) -> torch.Tensor | None:
    """Return the weights that a product of matrices averages with."""
    for other in before(node):
        inner = other
        for _ in range(8):
            if bare(inner) in ("Softmax", "SafeSoftmax"):
                result = kept(inner, "result")
                return result.detach() if isinstance(result, torch.Tensor) and result.ndim > 2 else None
            following = before(inner)
            if bare(inner) not in _BETWEEN or not following:
                break
            inner = following[0]
    return None


def _of_stack(node: Any) -> set[str]:
    """Return in which direction a loop over the places ran, by what its first result was computed from."""
    first = _entries(node.next_functions[0][0])
    if not first:
        return set()
    return {FORWARD if first == {0} else BACKWARD}


def _entries(root: Any) -> set[int]:
    """Return the numbers of the places that one step of a loop took its input from."""
    seen, queue, found = {root}, [root], set()
    for node in queue:
        for other, number in node.next_functions if node is not None else ():
            if other is None or hasattr(other, "variable"):
                continue
            taken = _place_taken(other, number)
            if taken is not None:
                found.add(taken)
            elif other not in seen and len(seen) < _MOST_INSIDE:
                seen.add(other)
                queue.append(other)
    return found


def goes_straight(root: Any, rows: int, columns: int, ids: torch.Tensor | None = None) -> bool:
    """Return whether a path leads from a result to the input on which every value keeps its row and its place.

    The input are the lookups of the ids, where such are given.
    """
    for node in straight_from(root, rows, columns):
        is_lookup = bare(node) == "Embedding"
        if ids is None and (not before(node) or is_lookup or _takes_data(node)):
            return True
        if is_lookup and ids is not None and _looks_up(node, ids):
            return True
    return False


def straight_from(root: Any, rows: int, columns: int) -> Iterator[Any]:
    """Yield the nodes from a result down on the paths on which every value keeps its row and its place."""
    seen, queue = {root}, [root]
    while queue and len(seen) < _MOST_NODES:
        node = queue.pop()
        if not _keeps(shape_of(node), rows, columns):
            continue
        yield node
        following = _first_step(node) if bare(node) == "Stack" else before(node)
        if "Rnn" in bare(node):  # a state at the start is no place
            following = [other for other, _ in node.next_functions[:1] if other in following]
        queue += [other for other in following if other not in seen]
        seen.update(following)


def _looks_up(node: Any, ids: torch.Tensor) -> bool:
    given = embedded_ids(node)
    return given is not None and torch.equal(given.cpu(), ids)


def _takes_data(node: Any) -> bool:
    """Return whether a node computes from a tensor without gradient: the input, not a number or a parameter."""
    return bare(node) in ("Addmm", "Mm", "Bmm", "Convolution") and node.next_functions[bare(node) == "Addmm"][0] is None


def _first_step(node: Any) -> list[Any]:
    """Return the nodes that the first step of a loop took its input from."""
    inner, seen, found = [node.next_functions[0][0]], set[Any](), []
    for step in inner:
        for other, number in step.next_functions if step is not None else ():
            if other is None or hasattr(other, "variable") or other in seen or len(seen) > _MOST_INSIDE:
                continue
            seen.add(other)
            taken = _place_taken(other, number)
            if taken == 0:
                found += before(other)
            elif taken is None:
                inner.append(other)
    return found


def _place_taken(node: Any, number: int) -> int | None:
    """Return the place that one step of a loop takes from a sequence by this node, None if it does something else."""
    if bare(node) == "Unbind":
        return number
    return signed(kept(node, "index")) if bare(node) == "Select" and len(shape_of(node)) > 1 else None


def _keeps(shape: list[int], rows: int, columns: int) -> bool:
    if len(shape) == 2:
        return shape[0] == rows * columns
    left = list(shape)
    for size in (rows, columns):
        if size not in left:
            return False
        left.remove(size)
    return True
