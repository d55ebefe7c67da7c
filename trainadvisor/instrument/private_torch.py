"""Every name of torch that begins with an underscore and that we use, checked against the installed version.

Public ways were taken wherever there is one: the hooks of optimizer steps, `torch.compiler.is_compiling`, the functions
whose code `patching` exchanges. What stands here has no public way; each comment says what it is for, why this way was
chosen, and what is lost without it. A name that torch no longer has is replaced by something harmless, or, where a
recording could then take a traced or recomputed tensor for one of the training, nothing is recorded (`unusable`).

Why torch is listened to the way it is, and where that does not reach:

* Functions keep their identity and get another code object (`patching`). A call that torch makes in C++, or that was
  compiled or scripted before the recording began, is not seen. Losses written out by hand are found in the graph.
* `nn.Module.__call__` is an attribute of one class: a class with a `__call__` of its own is seen where that calls
  `super().__call__`; `module.forward(x)` is not seen.
* Steps are seen through torch's global hooks of optimizers, which hold for subclasses of `torch.optim.Optimizer` that
  call its `__init__`; other optimizers are noticed by the version counters of the parameters.
* Nothing is looked at while torch.compile, torch.jit.trace, FX, fake tensors or torch.func work, and inside a backward.
* Our own operations run without the user's subclasses and modes (`user_modes`). A subclass whose `__torch_dispatch__`
  does the computing (DTensor, quantized weights) has to be asked all the same, and sees that.
"""

import operator
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.utils import _python_dispatch
from torch.utils.data import dataloader

# Names that the installed torch lacks and that are done without.
missing: list[str] = []
# Names that it lacks and without which nothing is recorded.
unusable: list[str] = []


def _name(owner: Any, path: str, otherwise: Any = None, *, needed: bool = False) -> Any:
    """Return what torch has under a name, else what stands in for it."""
    try:
        return operator.attrgetter(path)(owner)
    except AttributeError:
        (unusable if needed else missing).append(f"{owner.__name__}.{path}")
        return otherwise


def told() -> str | None:
    """Return one sentence on what the installed torch lacks, None where it has everything."""
    if unusable:
        return f"torch {torch.__version__} lacks {', '.join(unusable)}: nothing is recorded; upgrade trainadvisor"
    if missing:
        lacking = ", ".join(missing)
        return f"torch {torch.__version__} lacks {lacking}: recorded without what they show; upgrade trainadvisor"
    return None


# Asked at every event: may a tensor be looked at, or does it stand for something else? The public
# torch.jit.is_tracing() and torch.compiler.is_compiling() know nothing of fake tensors, FX and torch.func.
tracing_state: Callable[[], Any] = _name(torch, "_C._get_tracing_state", lambda: None, needed=True)
dispatch_modes: Callable[[], int] = _name(torch, "_C._len_torch_dispatch_stack", lambda: 0, needed=True)
transform: Callable[[], Any] = _name(torch, "_C._functorch.peek_interpreter_stack", lambda: None, needed=True)
# -1 outside of a backward: hooks and recomputed checkpoints are no forward of the training.
graph_task: Callable[[], int] = _name(torch, "_C._current_graph_task_id", lambda: -1, needed=True)

# The plain tensor in the wrapper of torch.func, for the loss of a gradient that torch.func makes.
is_wrapped: Callable[[torch.Tensor], bool] = _name(torch, "_C._functorch.is_functorch_wrapped_tensor", lambda _: False)
unwrapped: Callable[[torch.Tensor], torch.Tensor] = _name(torch, "_C._functorch.get_unwrapped", lambda tensor: tensor)

# Keeps torch.compile from tracing our handlers. torch.compiler.disable() does the same for one function, with a frame
# of its own at every call.
set_eval_frame: Callable[[Any], Any] = _name(torch, "_C._dynamo.eval_frame.set_eval_frame", lambda _: None)

# Whether torch.compile looks at the frames that run now: without it shortcuts are never taken.
eval_frame: Callable[[], Any] = _name(torch, "_C._dynamo.eval_frame.get_eval_frame_callback", lambda: True)

# Hides our operations from the user's subclasses and modes (`user_modes`): from subclasses in one call of C, which is
# cheap enough for every event; the context torch._C.DisableTorchFunction costs twice as much.
function_modes: Callable[[], int] = _name(torch, "_C._len_torch_function_stack", lambda: 0)
without_subclasses: Callable[..., Any] = _name(
    torch, "_C._disabled_torch_function_impl", lambda function, _, args: function(*args)
)
no_torch_function: Callable[[], AbstractContextManager[None]] = _name(torch, "_C.DisableTorchFunction", nullcontext)
no_dispatch_modes: Callable[[], AbstractContextManager[None]] = _name(
    _python_dispatch, "_disable_current_modes", nullcontext
)

# The iterators of a DataLoader have no public base: without it the waiting for batches is not measured.
loader_iterator: Any = _name(dataloader, "_BaseDataLoaderIter")
# The step that a scheduler makes in its own `__init__`, which is no step of the script's.
first_scheduler_step: Any = _name(lr_scheduler.LRScheduler, "_initial_step")
# What a scheduler keeps that is no setting of its own.
SCHEDULER_STATE = frozenset({"_step_count", "_last_lr", "_get_lr_called_within_step", "_is_initial"})

# One call for all parameters, as torch's own clipping makes; 10,000 single ones take longer than the step.
foreach_norm: Callable[..., Iterable[torch.Tensor]] = _name(
    torch,
    "_foreach_norm",
    lambda tensors, order, dtype: [torch.linalg.vector_norm(t, order, dtype=dtype) for t in tensors],
)
foreach_div_: Callable[[list[torch.Tensor], Any], Any] = _name(
    torch, "_foreach_div_", lambda tensors, divisor: [tensor.div_(divisor) for tensor in tensors]
)

# Bases of layers that come for one, two and three dimensions; there is no public one.
CONV: Any = _name(nn.modules.conv, "_ConvNd", ())
CONV_TRANSPOSE: Any = _name(nn.modules.conv, "_ConvTransposeNd", ())
BATCH_NORM: Any = _name(nn.modules.batchnorm, "_BatchNorm", ())
NORM_BASE: Any = _name(nn.modules.batchnorm, "_NormBase", ())
DROPOUT: Any = _name(nn.modules.dropout, "_DropoutNd", ())

_HELD = ("_modules", "_parameters", "_buffers", "_forward_hooks")
unusable.extend(f"torch.nn.Module.{name}" for name in _HELD if not hasattr(nn.Module(), name))


# The tables of a module, through which `module_tables` goes. named_children() and named_parameters(recurse=False) leave
# out what stands there twice, may be overridden by the user's class, and cost more; __getattr__ of a module may be the
# user's too.
def children(module: nn.Module) -> dict[str, nn.Module | None]:
    """Return the modules directly in a module."""
    return module._modules


def parameters(module: nn.Module) -> dict[str, nn.Parameter | None]:
    """Return the parameters directly in a module."""
    return module._parameters


def buffers(module: nn.Module) -> dict[str, torch.Tensor | None]:
    """Return the buffers directly in a module."""
    return module._buffers


def lasting_buffers(module: nn.Module) -> dict[str, torch.Tensor | None]:
    """Return the buffers directly in a module that a state dict holds."""
    passing = module.__dict__.get("_non_persistent_buffers_set", ())
    return {name: tensor for name, tensor in module._buffers.items() if name not in passing}


def copied_tensors(module: nn.Module) -> tuple[dict[str, nn.Parameter | None], dict[str, torch.Tensor | None]]:
    """Return the tables of the parameters and buffers directly in a module, as `put_tensors` takes them."""
    return dict(module._parameters), dict(module._buffers)


def put_tensors(
    module: nn.Module, own: dict[str, nn.Parameter | None], buffered: dict[str, torch.Tensor | None]
) -> None:
    """Give a module back the parameters and buffers that it had."""
    module._parameters, module._buffers = own, buffered


def hooks(module: nn.Module) -> Any:
    """Return the forward hooks of a module; no public way moves them to a module that takes its place."""
    return module._forward_hooks


def put_hooks(module: nn.Module, moved: Any) -> None:
    """Give a module the forward hooks of another."""
    module._forward_hooks = moved


# Inside the wrapper of torch.compile, and how a module compiled in place is known.
def compiled_from(module: nn.Module) -> nn.Module | None:
    """Return the module that torch.compile has wrapped, None for any other module."""
    held = module._modules  # those of a script have no `get`
    return held["_orig_mod"] if "_orig_mod" in held else None  # noqa: SIM401


def compiled_in_place(module: nn.Module) -> bool:
    """Return whether `module.compile()` was called."""
    return getattr(module, "_compiled_call_impl", None) is not None


# Optimizers that no hook shows change the parameters all the same.
def version(tensor: torch.Tensor) -> int:
    """Return how often a tensor has been changed in place; 0 where that is not counted."""
    return getattr(tensor, "_version", 0)


def base(tensor: torch.Tensor) -> torch.Tensor | None:
    """Return the tensor of which one is a view."""
    return getattr(tensor, "_base", None)


def is_view(tensor: torch.Tensor) -> bool:
    """Return whether a tensor is a view of another one."""
    return tensor._is_view()


# The public values() and indices() of a sparse gradient refuse one whose rows are not added up yet.
def sparse_values(gradient: torch.Tensor) -> torch.Tensor:
    """Return the values of a sparse tensor as they are kept."""
    return gradient._values()


def sparse_indices(gradient: torch.Tensor) -> torch.Tensor:
    """Return the places of these values."""
    return gradient._indices()


# What a node of the graph has saved says where a number became infinite; torch.autograd.graph's public hooks would
# have to stand on every tensor from the start. Those of the script would run for us too: a copy, or a forward again.
def saved(node: Any, name: str) -> Any:
    """Return what a node of the graph has saved under a name, None where it has not or a hook would unpack it."""
    packed = getattr(node, f"_raw_saved_{name}", None)
    if any(getattr(tensor, "unpack_hook", None) is not None for tensor in _several(packed)):
        return None
    return getattr(node, f"_saved_{name}", None)


def _several(packed: Any) -> tuple[Any, ...]:
    return packed if isinstance(packed, tuple) else (packed,)


# In which order the results of a loop were computed is nowhere else to be seen.
def made_as(node: Any) -> int:
    """Return the number of a node of the graph in the order in which they were made, 0 where it has none."""
    number = getattr(node, "_sequence_nr", None)
    return int(number()) if callable(number) else 0


# Only for re-runs with a change, in processes of ours.
def dataset_of(iterator: Any) -> Any:
    """Return the dataset that an iterator of a DataLoader goes through."""
    return iterator._dataset


def batch_size_of(iterator: Any) -> Any:
    """Return the batch size of an iterator of a DataLoader, None where its sampler has none."""
    return getattr(iterator._index_sampler, "batch_size", None)


def scaler_state(scaler: Any, optimizer: torch.optim.Optimizer) -> Any:
    """Return what a gradient scaler keeps of an optimizer: whether it has unscaled its gradients in this step."""
    return scaler._per_optimizer_states[id(optimizer)]
