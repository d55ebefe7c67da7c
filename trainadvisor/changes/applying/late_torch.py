"""torch under its usual names, imported on first use: a script may set environment variables before importing it."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    import torch.nn.functional as F
    from torch import nn

    from trainadvisor.instrument import private_torch
else:

    class _Late:
        """Stands for a module until one of its names is asked for."""

        def __init__(self, name: str) -> None:
            vars(self)["_name"] = name

        def __getattr__(self, attribute: str) -> Any:
            return getattr(importlib.import_module(self._name), attribute)

        def __setattr__(self, attribute: str, value: Any) -> None:
            setattr(importlib.import_module(self._name), attribute, value)

    torch, nn, F = _Late("torch"), _Late("torch.nn"), _Late("torch.nn.functional")
    private_torch = _Late("trainadvisor.instrument.private_torch")

__all__ = ["F", "nn", "private_torch", "torch"]
