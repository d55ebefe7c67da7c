"""Goes through a module by torch's own tables.

`parameters()`, `named_modules()`, `state_dict()` and their like may be overridden by the user's class, with a print, a
counter or tensors made on the way: whoever asks a module so is seen by the script, and may get what is no part of it.
Names and order are those of torch's own methods; a deep module takes no deep stack.
"""

from collections.abc import Iterator

import torch
from torch import nn

from trainadvisor.instrument import private_torch


def named_modules(root: nn.Module, *, repeated: bool = False) -> Iterator[tuple[str, nn.Module]]:
    """Yield a module and all inside of it with their names, each under its first name unless `repeated`."""
    seen: set[int] = set()
    waiting = [("", root)]
    while waiting:
        name, module = waiting.pop()
        if id(module) in seen and not repeated:
            continue
        seen.add(id(module))
        yield name, module
        if inner := private_torch.children(module):
            named = [(_joined(name, key), child) for key, child in inner.items() if child is not None]
            waiting.extend(reversed(named))


def modules(root: nn.Module) -> Iterator[nn.Module]:
    """Yield a module and all inside of it, each once."""
    seen: set[int] = set()
    waiting: list[nn.Module | None] = [root]
    while waiting:
        module = waiting.pop()
        if module is None or id(module) in seen:
            continue
        seen.add(id(module))
        yield module
        if inner := private_torch.children(module):
            waiting.extend(reversed(inner.values()))


def named_parameters(root: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Yield the parameters of a module and of all inside of it with their names, each under its first name."""
    seen: set[int] = set()
    for name, module in named_modules(root):
        for key, tensor in private_torch.parameters(module).items():
            if tensor is not None and id(tensor) not in seen:
                seen.add(id(tensor))
                yield _joined(name, key), tensor


def parameters(root: nn.Module) -> Iterator[nn.Parameter]:
    """Yield the parameters of a module and of all inside of it, each once."""
    seen: set[int] = set()
    for module in modules(root):
        for tensor in private_torch.parameters(module).values():
            if tensor is not None and id(tensor) not in seen:
                seen.add(id(tensor))
                yield tensor


def named_buffers(root: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the buffers of a module and of all inside of it with their names, each under its first name."""
    seen: set[int] = set()
    for name, module in named_modules(root):
        for key, tensor in private_torch.buffers(module).items():
            if tensor is not None and id(tensor) not in seen:
                seen.add(id(tensor))
                yield _joined(name, key), tensor


def saved_tensors(root: nn.Module) -> dict[str, torch.Tensor]:
    """Return the parameters and lasting buffers of a module under each of the names that a state dict gives them."""
    found: dict[str, torch.Tensor] = {}
    for name, module in named_modules(root, repeated=True):
        held = {**private_torch.parameters(module), **private_torch.lasting_buffers(module)}
        found |= {_joined(name, key): tensor for key, tensor in held.items() if tensor is not None}
    return found


def _joined(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key
