"""Describes modules, parameters, optimizers, schedulers and loaders as plain JSON facts."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader, IterableDataset, RandomSampler, SequentialSampler

from trainadvisor.instrument import private_torch
from trainadvisor.instrument.user_attributes import attribute, entries, fields
from trainadvisor.record.objects.loader_lengths import batches_of, examples_of

Fact = dict[str, Any]

NORMS = (private_torch.NORM_BASE, nn.LayerNorm, nn.GroupNorm)
DROPOUTS = (private_torch.DROPOUT,)
_LONG = 20
_PLAIN = {torch.Tensor, nn.Parameter}
# Child of a layer whose weights are computed from others (weight norm, spectral norm, ...); no layer of its own.
_PARAMETRIZED = "parametrizations"
_LAYER_FACTS = (
    "in_features", "out_features", "in_channels", "out_channels", "kernel_size", "stride", "groups", "p", "momentum",
    "eps", "negative_slope", "affine", "track_running_stats", "num_embeddings", "embedding_dim", "padding_idx",
    "input_size", "hidden_size", "num_layers", "bidirectional", "num_heads", "embed_dim", "dropout", "num_features",
)  # fmt: skip


def is_leaf(module: nn.Module) -> bool:
    """Return whether a module is treated as one layer: it has no children, or is a unit of torch's own."""
    children = private_torch.children(module)
    if not children or isinstance(module, nn.RNNBase | nn.MultiheadAttention):
        return True
    return len(children) == 1 and _PARAMETRIZED in children


def is_parametrization(name: str) -> bool:
    """Return whether a module of this name only computes another one's weights."""
    return _PARAMETRIZED in name.split(".")


def _plain_name(name: str) -> str:
    """Return the name that a parameter would have without parametrization: `0.weight` for what computes it."""
    head, found, tail = name.rpartition(f"{_PARAMETRIZED}.")
    return head + tail.partition(".")[0] if found else name


def cares_about_mode(module: nn.Module) -> bool:
    """Return whether train and eval mode differ for a layer: active dropout, batch norm with running statistics."""
    if isinstance(module, DROPOUTS):
        return bool(module.p > 0)
    return isinstance(module, private_torch.BATCH_NORM) and bool(module.track_running_stats)


def layer_fact(name: str, module: nn.Module, parameter_ids: list[int], of_class: dict[type, list[str]]) -> Fact:
    """Describe a leaf module; `of_class` keeps what classes themselves have, for the next of the same."""
    held, kind = vars(module), type(module)  # asking the module itself looks through its parameters and children
    if kind not in of_class:
        of_class[kind] = [key for key in _LAYER_FACTS if hasattr(kind, key)]
    common = of_class[kind]
    facts = {key: plain(getattr(module, key)) for key in _LAYER_FACTS if key in held or key in common}
    return {"name": name, "kind": kind_of(module), "facts": facts, "parameters": parameter_ids}


def kind_of(module: nn.Module) -> str:
    """Return the name of a module's class, without those that torch makes for parametrized and sharded modules."""
    # parametrize.type_before_parametrizations asks the module, whose class may note what it is asked
    kind = type(module).__bases__[0] if _PARAMETRIZED in private_torch.children(module) else type(module)
    if not any(base.__name__ == "FSDPModule" for base in kind.__mro__):
        return str(kind.__name__)
    return next(base.__name__ for base in kind.__mro__ if not base.__name__.startswith("FSDP"))


def parameter_fact(number: int, name: str, tensor: torch.Tensor, layer: nn.Module | None, *, measured: bool) -> Fact:
    """Describe a parameter; its initial statistics are read now, where they are to be measured."""
    fact: Fact = {
        "id": number, "name": name, "shape": list(tensor.shape), "count": tensor.numel(),
        "trainable": tensor.requires_grad,
        "dtype": str(tensor.dtype).removeprefix("torch."), "layer": _plain_name(name).rpartition(".")[0],
        "role": _role(name, tensor, layer),
    }  # fmt: skip
    if tensor.ndim > 1:
        fact["fan_in"] = _fan_in(tensor, layer)
    if parts := _parts(tensor):
        fact["parts"] = parts
    return fact | _spread(tensor) if measured else fact


def _role(name: str, tensor: torch.Tensor, layer: nn.Module | None) -> str:
    if isinstance(layer, nn.Embedding | nn.EmbeddingBag):
        return "embedding"
    if isinstance(layer, NORMS):
        return "norm"
    if name.endswith(("weight_g", "weight.original0")):
        return "other"  # weight norm keeps the length of each row apart
    last = _plain_name(name).rpartition(".")[2]
    if "bias" in last:
        return "bias"
    return "weight" if tensor.ndim > 1 else "other"


def _parts(tensor: torch.Tensor) -> int:
    """Return over how many processes a distributed tensor is split, 0 for one that is here as a whole."""
    mesh, placements = attribute(tensor, "device_mesh"), attribute(tensor, "placements", otherwise=())
    split = [dimension for dimension, placement in enumerate(placements) if placement.is_shard()]
    return math.prod(mesh.size(dimension) for dimension in split) if mesh is not None and split else 0


def _fan_in(tensor: torch.Tensor, layer: nn.Module | None) -> int:
    transposed = isinstance(layer, private_torch.CONV_TRANSPOSE)
    return math.prod(tensor.shape[2:]) * tensor.shape[0 if transposed else 1]


def _spread(tensor: torch.Tensor) -> Fact:
    if tensor.is_meta or tensor.numel() == 0 or not tensor.is_floating_point():
        return {}
    if tensor.is_cuda and torch.cuda.is_current_stream_capturing():
        return {}
    # once a parameter, when its model is found: the only place that waits for a GPU
    std, mean = torch.stack(torch.std_mean(sampled(tensor).float(), correction=0)).tolist()
    return {"init_rms": math.hypot(std, mean), "init_std": std}


def sampled(tensor: torch.Tensor, most: int = 16384) -> torch.Tensor:
    """Return up to `most` evenly spaced numbers as a vector, without copying the whole tensor where possible."""
    flat = local(tensor.detach())
    flat = torch.view_as_real(flat.resolve_conj()) if flat.is_complex() else flat
    flat = flat.view(-1) if flat.is_contiguous() else flat.reshape(-1)
    stride = max(1, -(-flat.numel() // most))
    while math.gcd(stride, flat.numel()) > 1:  # a stride of 9 would see one corner of every 3x3 kernel only
        stride += 1
    return flat if stride == 1 else flat[::stride]


def local(tensor: torch.Tensor) -> torch.Tensor:
    """Return the part of a distributed tensor that is in this process: what is asked of the whole waits for others."""
    if type(tensor) in _PLAIN or not hasattr(type(tensor), "to_local"):
        return tensor
    whole: Any = tensor
    part: torch.Tensor = whole.to_local()
    return part


def numbers_in(tensor: torch.Tensor) -> int:
    """Return how many real numbers this process holds of a tensor."""
    part = local(tensor)
    return part.numel() * (2 if part.is_complex() else 1)


def innermost(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """Return the optimizer inside of its wrappers: they hold it as `optimizer` and share its groups."""
    inner = attribute(optimizer, "optimizer")
    if isinstance(inner, torch.optim.Optimizer) and inner.param_groups is optimizer.param_groups:
        return innermost(inner)
    return optimizer


def optimizer_groups(optimizer: torch.optim.Optimizer, number_of: dict[int, int]) -> tuple[list[Fact], int]:
    """Describe the parameter groups by parameter numbers; also return how many tensors are in no known model."""
    groups, unknown = [], 0
    for group in optimizer.param_groups:
        known = [number_of[id(p)] for p in group["params"] if id(p) in number_of]
        unknown += len(group["params"]) - len(known)
        fact = {key: plain(value) for key, value in group.items() if key != "params" and isinstance(key, str)}
        groups.append(fact | {"parameters": known})
    return groups, unknown


def scheduler_fact(scheduler: LRScheduler) -> Fact:
    """Return the numbers that a scheduler was made with."""
    skip = {"last_epoch", "verbose", "base_lrs"} | private_torch.SCHEDULER_STATE
    return {key: plain(value) for key, value in vars(scheduler).items() if key not in skip and _is_plain(value)}


def loader_fact(loader: DataLoader[Any]) -> Fact:
    """Describe a data loader."""
    iterable = isinstance(loader.dataset, IterableDataset)
    sampler = None if iterable else _sampler(loader)
    shuffle = (
        True if isinstance(sampler, RandomSampler) else (False if isinstance(sampler, SequentialSampler) else None)
    )
    return {
        "batch_size": batch_size(loader), "batches": batches_of(loader), "examples": examples_of(loader),
        "workers": loader.num_workers, "pin_memory": loader.pin_memory, "persistent": loader.persistent_workers,
        "shuffle": shuffle, "sampler": type(sampler).__name__ if sampler is not None else None,
        "drop_last": loader.drop_last, "iterable": iterable, "dataset": type(loader.dataset).__name__,
    }  # fmt: skip


def _sampler(loader: DataLoader[Any]) -> object:
    """Return what orders the examples: the innermost of the samplers that a batch sampler was made around.

    Accelerate hands a loader only its batch sampler, and torch then gives it a sampler that nobody asks.
    """
    found: object = loader.batch_sampler
    while (inner := attribute(found, "batch_sampler")) is not None:
        found = inner
    own = attribute(found, "sampler")
    return loader.sampler if own is None else own


def batch_size(loader: DataLoader[Any]) -> int | None:
    """Return the examples of a batch, also where a sampler of the user's puts batches together."""
    found = loader.batch_size if loader.batch_size is not None else attribute(loader.batch_sampler, "batch_size")
    return found if isinstance(found, int) else None


def plain(value: object) -> Any:
    """Return a number, word or short list of them as it is; a one-element tensor as a number; else None."""
    if isinstance(value, torch.Tensor):
        return value.item() if value.numel() == 1 and value.device.type == "cpu" else None
    if isinstance(value, tuple | list):
        return [plain(item) for item in entries(value, _LONG)]
    return value if _is_plain(value) else None


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple | list):
        found = entries(value, _LONG + 1)
        return len(found) <= _LONG and all(isinstance(item, bool | int | float) for item in found)
    return isinstance(value, bool | int | float | str)


def tensors_in(value: object, depth: int = 3) -> Iterable[torch.Tensor]:
    """Yield the tensors in nested tuples, lists, dicts and dataclass-like objects, first ones first."""
    if isinstance(value, torch.Tensor):
        yield value
    elif depth > 0 and isinstance(value, dict):
        for item in dict.values(value):
            yield from tensors_in(item, depth - 1)
    elif depth > 0 and isinstance(value, tuple | list):
        for item in entries(value, _LONG):
            yield from tensors_in(item, depth - 1)
    elif depth > 0 and (names := fields(value)):
        yield from tensors_in([attribute(value, name) for name in names], depth - 1)
