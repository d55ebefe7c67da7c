"""The exception that ended a training."""

from typing import Any

from trainadvisor.log.reader import RunLog

ENDED_BY_THE_USER = ("KeyboardInterrupt", "SystemExit", "GeneratorExit")


def crash(log: RunLog) -> dict[str, Any] | None:
    """Return type, message and place of the exception that ended the training, None when there was none."""
    detail = next((e.get("detail") or {} for e in reversed(log.events) if e.get("kind") == "exception"), None)
    if detail is None or detail.get("type") in ENDED_BY_THE_USER:
        return None
    site = detail.get("site") or {}
    where = f"{site['file']}:{site['line']}" if site.get("file") else None
    return {"type": str(detail.get("type", "")), "message": str(detail.get("message", "")), "where": where}
