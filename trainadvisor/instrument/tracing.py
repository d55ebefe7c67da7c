"""When nothing may be looked at: tensors stand for something else, or torch is running its own backward."""

import torch

_tracing = torch._C._get_tracing_state
_dispatch_modes = torch._C._len_torch_dispatch_stack
_task = torch._C._current_graph_task_id
_transform = torch._C._functorch.peek_interpreter_stack


def now() -> bool:
    """Say whether tensors are traced, fake or transformed: their values are no training's values."""
    return _dispatch_modes() > 0 or _tracing() is not None or _transform() is not None


def transformed() -> bool:
    """Say whether torch.func is transforming the calls."""
    return _transform() is not None


def in_backward() -> bool:
    """Say whether a backward is running: what is called then is a checkpoint's recomputation or a hook."""
    return _task() != -1


def unwrapped(tensor: torch.Tensor) -> torch.Tensor:
    """Return the plain tensor inside the wrappers of torch.func."""
    functorch = torch._C._functorch
    while functorch.is_functorch_wrapped_tensor(tensor):
        tensor = functorch.get_unwrapped(tensor)
    return tensor
