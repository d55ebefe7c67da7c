"""Lets torchvision's published wheel be imported beside a CPU torch: it is built for CUDA, and two schemas are missing.

In the path of the processes that the tests of the frameworks start, because timm and fastai import torchvision.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path

_MISSING = ("nms", "qnms")


class _Schemas(MetaPathFinder):
    """Asked before torchvision loads its operators, when torch is imported already."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: object = None) -> None:  # noqa: ARG002 - importlib's
        if name == "torchvision.extension" and path is not None:
            sys.meta_path.remove(self)
            _define(Path(path[0]))


def _define(folder: Path) -> None:
    """Define the schemas, except where the operators themselves can be loaded."""
    import torch  # a process that imports no torchvision imports no torch for this

    try:
        for operators in folder.glob("_C*"):
            torch.ops.load_library(str(operators))
    except OSError:
        if hasattr(torch.ops.torchvision, _MISSING[0]):
            return  # this torchvision defines them itself
        _Schemas.library = library = torch.library.Library("torchvision", "DEF")
        for name in _MISSING:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


sys.meta_path.insert(0, _Schemas())
