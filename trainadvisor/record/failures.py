"""Describes the exception that ended a training: its message, the user's line, and the layer that it was raised in."""

import sys
import traceback
import types
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from trainadvisor.instrument import call_sites
from trainadvisor.log import tracebacks
from trainadvisor.redaction import redact

# Characters of the beginning and of the end of a message that are kept.
_LONGEST = 1500
_LONGEST_NAME = 120


def describe(error: BaseException) -> dict[str, Any]:
    """Return type, message, the user's line, and the layer with the shape of its input, as far as they are known."""
    frames = user_frames(error.__traceback__)
    last = frames[-1] if frames else None
    kind, message = type(error).__name__, str(error)
    detail = {
        "site": call_sites.describe((last.filename, last.lineno or 0)) if last else None,
        "at": last.name if last else None,
        "raised_in": _raised_in(error.__traceback__),
        "torch_module": _torch_module(error.__traceback__),
    }
    inner = tracebacks.last(message)
    if inner is not None:  # raised in a worker process, whose traceback is the message
        kind, message = inner.type, inner.message
        detail |= _of_worker(inner)
    with suppress(Exception):
        detail |= _layer(error.__traceback__)
    return {"type": kind, "message": _short(redact(message)), **detail}  # redacted first: half a secret is not known


def user_frames(trace: types.TracebackType | None) -> list[traceback.FrameSummary]:
    """Return the frames in the user's own files, outermost first."""
    return [frame for frame in traceback.extract_tb(trace) if call_sites.rank(frame.filename) == call_sites.USERS]


def _raised_in(trace: types.TracebackType | None) -> str | None:
    """Return the module of the code that raised."""
    frames = [frame for frame, _ in traceback.walk_tb(trace)]
    return str(frames[-1].f_globals.get("__name__", ""))[:_LONGEST_NAME] if frames else None


def _torch_module(trace: types.TracebackType | None) -> str | None:
    """Return the innermost module of torch that the error passed."""
    names = [str(frame.f_globals.get("__name__", "")) for frame, _ in traceback.walk_tb(trace)]
    return next((name[:_LONGEST_NAME] for name in reversed(names) if name.partition(".")[0] == "torch"), None)


def _of_worker(trace: tracebacks.Trace) -> dict[str, Any]:
    own = [frame for frame in trace.frames if call_sites.rank(frame.file) == call_sites.USERS]
    if not own:
        return {}
    return {"site": call_sites.describe((own[-1].file, own[-1].line)), "at": own[-1].name}


def _short(message: str) -> str:
    return message if len(message) <= 2 * _LONGEST else f"{message[:_LONGEST]} ... {message[-_LONGEST:]}"


def _layer(trace: types.TracebackType | None) -> dict[str, Any]:
    """Return name and form of the innermost layer that was running, and the shape of what went in."""
    if "torch.nn" not in sys.modules:  # without it there was no layer, and importing it takes seconds
        return {}
    from torch import nn

    from trainadvisor.instrument import module_tables

    modules: list[tuple[Any, types.FrameType]] = []
    for frame, _ in traceback.walk_tb(trace):
        module = frame.f_locals.get("self")
        if isinstance(module, nn.Module) and frame.f_code.co_name not in ("__init__", "__setattr__", "__getattr__"):
            modules.append((module, frame))
    if not modules:
        return {}
    inner, frame = modules[-1]
    outer = modules[0][0]
    names = (name for name, module in module_tables.named_modules(outer) if module is inner)
    found = {"layer": next(names, "")[:_LONGEST_NAME], "layer_form": _form(inner), "layer_class": type(inner).__name__}
    shapes = list(_shapes(frame))
    return {name: value for name, value in {**found, "input_shape": shapes[0] if shapes else None}.items() if value}


def _shapes(frame: types.FrameType) -> Iterator[str]:
    """Yield the shapes of the tensors that the running function was called with, in their order."""
    from torch import Tensor

    names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
    values = [value for name in names if (value := frame.f_locals.get(name)) is not None]
    values += [item for value in values if isinstance(value, tuple) for item in value]
    yield from (" x ".join(map(str, value.shape)) for value in values if isinstance(value, Tensor))


def _form(module: Any) -> str:
    """Return a layer as it is written in code, without its defaults' names where the shape says all."""
    from trainadvisor.instrument import private_torch

    name = type(module).__name__
    if not type(module).extra_repr.__module__.startswith("torch.nn."):  # the script's own may print
        return name
    if name == "Linear":
        return f"Linear({module.in_features}, {module.out_features})"
    if isinstance(module, private_torch.CONV):
        return f"{name}({module.in_channels}, {module.out_channels})"
    extra = module.extra_repr() if not private_torch.children(module) else ""
    return f"{name}({extra})"[:_LONGEST_NAME] if extra else name
