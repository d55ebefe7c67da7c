"""What a call of `load_state_dict` copied into a module, and what of the checkpoint it left aside."""

from collections import Counter
from collections.abc import Iterator, Mapping

import torch
from torch import nn

from trainadvisor.instrument import module_tables
from trainadvisor.record.objects.describe import Fact, tensors_in
from trainadvisor.record.objects.known_tensor import KnownTensor

Shapes = dict[str, torch.Size]
_NAMED = 3


class File:
    """The entries of a file that was loaded; its tensors are not kept alive."""

    def __init__(self, content: object) -> None:
        self._shapes = _shapes_in(content)
        self._tensors = {id(tensor): KnownTensor(tensor) for tensor in tensors_in(content) if self._shapes}

    def __bool__(self) -> bool:
        return bool(self._shapes)

    def behind(self, given: Mapping[str, object]) -> Shapes:
        """Return the entries of the file where one of the given tensors comes from it, else none."""
        tensors = (value for value in given.values() if isinstance(value, torch.Tensor))
        known = any((ours := self._tensors.get(id(value))) is not None and ours.is_(value) for value in tensors)
        return self._shapes if known else {}


def loaded(module: nn.Module, given: Mapping[str, object], file: Shapes, *, assigned: bool) -> Fact:
    """Return the shares of the module that were copied and of the checkpoint that were used, by elements.

    `file` holds the entries of the file that the given tensors come from: some may have been sorted out before. What
    shares its memory with the module's own tensors is no copy, unless it was assigned.
    """
    own = own_tensors(module)
    tensors = {name: value for name, value in given.items() if isinstance(value, torch.Tensor)}
    shared = set() if assigned else {name for name in own.keys() & tensors.keys() if _same(own[name], tensors[name])}
    copied = (own.keys() & tensors.keys()) - shared
    absent = {name: own[name].shape for name in own if name not in copied}
    aside = {name: value.shape for name, value in tensors.items() if name not in own}
    aside |= {name: shape for name, shape in file.items() if name not in copied}
    renamed = _renamed(absent, aside)
    reshaped = {name for name, shape in absent.items() if name in aside and aside[name] != shape}
    given_elements = sum(value.numel() for name, value in tensors.items() if name not in shared)
    whole, done = _elements(own), sum(own[name].numel() for name in copied)
    strip, add = _prefixes(renamed)
    return {
        "keys": len(own), "offered": len(tensors), "copied": len(copied), "shared": len(shared),
        "copied_share": done / max(whole, 1), "used_share": done / given_elements if given_elements else 0.0,
        "lost_share": sum(own[name].numel() for name in {*renamed, *reshaped}) / max(whole, 1),
        "reshaped": len(reshaped), "strip": strip, "add": add,
        "missing": list(absent)[:_NAMED], "unexpected": list(aside)[:_NAMED],
    }  # fmt: skip


def own_tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    """Return the parameters of a module as its state dict names them; of one without any, its buffers."""
    state = module_tables.saved_tensors(module)
    return {name: value for name, value in state.items() if isinstance(value, nn.Parameter)} or state


def _shapes_in(value: object, depth: int = 3) -> Shapes:
    """Return the shapes of the largest dictionary of tensors in what a file held."""
    if not isinstance(value, Mapping) or depth == 0:
        return {}
    here = {str(name): item.shape for name, item in value.items() if isinstance(item, torch.Tensor)}
    return max([here, *(_shapes_in(item, depth - 1) for item in value.values())], key=len)


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    if one.is_meta or other.is_meta or one.device != other.device or not one.numel():
        return False
    return one.data_ptr() == other.data_ptr() and one.shape == other.shape


def _elements(tensors: Mapping[str, torch.Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors.values())


def _renamed(absent: Shapes, aside: Shapes) -> dict[str, str]:
    """Return the entries of a checkpoint that are a module's own, of the same shape, under a longer or shorter name."""
    longer = {ending: name for name in aside for ending in _endings(name)}
    found = {}
    for name, shape in absent.items():
        others = [longer.get(name), *(ending for ending in _endings(name) if ending in aside)]
        other = next((other for other in others if other is not None and aside[other] == shape), None)
        if other is not None and other != name:
            found[name] = other
    return found


def _endings(name: str) -> Iterator[str]:
    while "." in name:
        name = name.partition(".")[2]
        yield name


def _prefixes(renamed: Mapping[str, str]) -> tuple[str, str]:
    """Return the commonest prefix to take from the names of the checkpoint, and the one to put before them."""
    strip = Counter(other.removesuffix(name) for name, other in renamed.items() if other.endswith(name))
    add = Counter(name.removesuffix(other) for name, other in renamed.items() if name.endswith(other))
    return (strip or Counter([""])).most_common(1)[0][0], (add or Counter([""])).most_common(1)[0][0]
