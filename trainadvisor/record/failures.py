"""Describes the exception that ended a training."""

import re
import traceback
import types
from typing import Any

from trainadvisor.instrument import call_sites

_LONGEST = 500
_EXPLANATIONS = (
    (
        r"mat1 and mat2 shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)",
        r"a linear layer for \3 input features got \2; give it in_features=\2, or flatten or pool what comes before",
    ),
    (
        r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)",
        r"two tensors of sizes \1 and \2 meet in one operation; print their shapes just above this line",
    ),
    (
        r"Expected input batch_size \((\d+)\) to match target batch_size \((\d+)\)",
        r"the prediction has \1 rows, the target \2; look for a reshape that mixes the batch with another dimension",
    ),
    (
        r"out of memory",
        "the GPU's memory is full; use a smaller batch, mixed precision or gradient checkpointing",
    ),
    (
        r"device-side assert|Target (-?\d+) is out of bounds",
        "most often a label outside 0 .. classes - 1; check the targets; CUDA_LAUNCH_BLOCKING=1 shows the line",
    ),
    (
        r"element 0 of tensors does not require grad",
        "the loss depends on no parameter that requires a gradient; look for detach(), no_grad() or frozen layers",
    ),
    (
        r"modified by an inplace operation",
        "a tensor that backward needs was changed in place; replace that operation by one that makes a new tensor",
    ),
    (
        r"backward through the graph a second time",
        "a tensor of the step before is still in the graph; detach() the state that is carried over",
    ),
    (
        r"all tensors to be on the same device",
        "model and data are on different devices; move both with .to(device)",
    ),
)


def describe(error: BaseException) -> dict[str, Any]:
    """Return type, message, the user's line and, for the usual failures, what is behind them."""
    frames = user_frames(error.__traceback__)
    last = frames[-1] if frames else None
    return {
        "type": type(error).__name__,
        "message": str(error)[:_LONGEST],
        "site": call_sites.describe((last.filename, last.lineno or 0)) if last else None,
        "at": last.name if last else None,
        "explain": explanation(str(error)),
    }


def explanation(message: str) -> str | None:
    """Return one sentence on a well-known message of torch's, else None."""
    for pattern, text in _EXPLANATIONS:
        found = re.search(pattern, message)
        if found is not None:
            return found.expand(text) if found.re.groups else text
    return None


def user_frames(trace: types.TracebackType | None) -> list[traceback.FrameSummary]:
    """Return the frames in the user's own files, outermost first."""
    return [frame for frame in traceback.extract_tb(trace) if call_sites.rank(frame.filename) == call_sites.USERS]
