"""The exception that ended a training, as the log tells it."""

from typing import Any

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal

NEEDS, ZH = "the exception that ended the script", "使脚本终止的异常"
# Exceptions by which somebody ends a script on purpose.
ON_PURPOSE = ("KeyboardInterrupt", "SystemExit", "GeneratorExit")


def raised(log: RunLog) -> dict[str, Any] | None:
    """Return what the log tells of the exception that ended the script, None where none did."""
    detail = next((e.get("detail") or {} for e in reversed(log.events) if e.get("kind") == "exception"), None)
    return None if detail is None or detail.get("type") in ON_PURPOSE else detail


def _word(log: RunLog, name: str) -> str | None:
    value = (raised(log) or {}).get(name)
    return value if isinstance(value, str) and value else None


@signal(unit="", needs=NEEDS, zh=ZH)
def crash_text(log: RunLog) -> str | None:
    """Type and message of the exception that ended the script, as Python prints them."""
    detail = raised(log)
    if detail is None:
        return None
    message = str(detail.get("message") or "")
    return f"{detail.get('type')}: {message}" if message else str(detail.get("type"))


@signal(unit="", needs=NEEDS, zh=ZH)
def crash_raised_in(log: RunLog) -> str | None:
    """Module that raised the exception, such as torch.serialization."""
    return _word(log, "raised_in")


@signal(unit="", needs=NEEDS, zh=ZH)
def crash_torch_module(log: RunLog) -> str | None:
    """Innermost module of torch that the exception passed, such as torch.utils.data.dataloader."""
    return _word(log, "torch_module")


@signal(unit="", needs=NEEDS, zh=ZH)
def crash_layer(log: RunLog) -> str | None:
    """Name of the layer that was running when the exception was raised."""
    return _word(log, "layer")


@signal(unit="", needs=NEEDS, zh=ZH)
def crash_layer_form(log: RunLog) -> str | None:
    """That layer as it is written in code, such as Linear(288, 2)."""
    return _word(log, "layer_form")


@signal(unit="", needs=NEEDS, zh=ZH)
def crash_layer_class(log: RunLog) -> str | None:
    """Class of that layer."""
    return _word(log, "layer_class")


@signal(unit="", needs=NEEDS, zh=ZH)
def crash_input_shape(log: RunLog) -> str | None:
    """Shape of what went into that layer, such as 4 x 400."""
    return _word(log, "input_shape")
