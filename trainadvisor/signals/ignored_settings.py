"""Settings that were written to an optimizer as attributes, which it never reads."""

from typing import Any

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal

_WRITTEN = {
    "needs": "an attribute of an optimizer that is called like a setting of its groups",
    "zh": "优化器上与参数组设置同名的属性",
}


def _written(log: RunLog) -> list[dict[str, Any]]:
    return [event for event in log.events if event["kind"] == "optimizer-attribute"]


@signal(unit="settings", needs="a run with trainadvisor run", zh="用 trainadvisor run 运行")
def ignored_settings(log: RunLog) -> int | None:
    """Settings written to optimizers as attributes, where the parameter groups hold other values."""
    if log.header.get("source", "recorder") != "recorder" or not log.optimizers:
        return None
    return len({(event["detail"].get("optimizer"), event["subject"]) for event in _written(log)})


@signal(unit="name", **_WRITTEN)
def ignored_setting(log: RunLog) -> str | None:
    """The first setting written to an optimizer as an attribute."""
    written = _written(log)
    return str(written[0]["subject"]) if written else None


@signal(unit="value", **_WRITTEN)
def ignored_value(log: RunLog) -> float | None:
    """The value of that attribute."""
    written = _written(log)
    return number(written[0]["detail"].get("value")) if written else None


@signal(unit="value", **_WRITTEN)
def setting_in_use(log: RunLog) -> float | None:
    """The value that the first parameter group held instead."""
    written = _written(log)
    used = written[0]["detail"].get("used") if written else None
    return number(used[0]) if isinstance(used, list) and used else None
