"""The exception that ended a training."""

from typing import Any

from trainadvisor.log.reader import RunLog
from trainadvisor.signals.raised_errors import raised


def crash(log: RunLog) -> dict[str, Any] | None:
    """Return type, message and place of the exception that ended the training, None when there was none."""
    detail = raised(log)
    if detail is None:
        return None
    site = detail.get("site") or {}
    where = f"{site['file']}:{site['line']}" if site.get("file") else None
    return {"type": str(detail.get("type", "")), "message": str(detail.get("message", "")), "where": where}
