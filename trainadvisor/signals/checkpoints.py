"""Saved weights: what of a checkpoint reached its model, and state dicts that were kept without a copy."""

from typing import Any

from trainadvisor.log.cleaning import number, whole
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal

KEPT = {"needs": "a state dict that was used when it had changed", "zh": "被训练改变之后才使用的 state_dict"}
LOADED = {"needs": "a load_state_dict() that left keys aside", "zh": "一次未匹配全部键的 load_state_dict()"}


def _load(log: RunLog) -> dict[str, Any] | None:
    """Return the load that left most of its module as it was; a later one into the same module counts instead."""
    latest = {event["detail"].get("into"): event["detail"] for event in log.events if event["kind"] == "state-load"}
    return min(latest.values(), key=lambda detail: _share(detail, "copied_share"), default=None)


def _share(detail: dict[str, Any], name: str) -> float:
    return number(detail.get(name)) or 0.0


@signal(unit="loads", needs="a run with trainadvisor run", zh="用 trainadvisor run 运行", about="no-loads")
def partial_loads(log: RunLog) -> int | None:
    """Modules whose last load_state_dict() left keys of the module or of the checkpoint aside."""
    if log.header.get("source", "recorder") != "recorder":
        return None
    return len({event["detail"].get("into") for event in log.events if event["kind"] == "state-load"})


@signal(unit="share", **LOADED)
def load_copied_share(log: RunLog) -> float | None:
    """Share of a module's parameters that load_state_dict() replaced, by elements; of the worst load."""
    detail = _load(log)
    return None if detail is None else _share(detail, "copied_share")


@signal(unit="share", **LOADED)
def load_used_share(log: RunLog) -> float | None:
    """Share of what load_state_dict() was given that it copied, by elements; of the worst load."""
    detail = _load(log)
    return None if detail is None else _share(detail, "used_share")


@signal(unit="share", **LOADED)
def load_lost_share(log: RunLog) -> float | None:
    """Share of the module that was not replaced though the file has its tensors, under other names or shapes."""
    detail = _load(log)
    return None if detail is None else _share(detail, "lost_share")


@signal(unit="keys", **LOADED)
def load_copied_keys(log: RunLog) -> int | None:
    """Parameters that the worst load replaced."""
    return whole((_load(log) or {}).get("copied"))


@signal(unit="keys", **LOADED)
def load_keys(log: RunLog) -> int | None:
    """Parameters of the module of the worst load."""
    return whole((_load(log) or {}).get("keys"))


@signal(unit="", **LOADED)
def load_missing_key(log: RunLog) -> str | None:
    """First parameter of the module that was not replaced."""
    return next(iter((_load(log) or {}).get("missing") or []), None)


@signal(unit="", **LOADED)
def load_unexpected_key(log: RunLog) -> str | None:
    """First entry of the checkpoint that was not used."""
    return next(iter((_load(log) or {}).get("unexpected") or []), None)


@signal(unit="", **LOADED)
def load_prefix(log: RunLog) -> str | None:
    """Prefix that the names of the checkpoint have and those of the module lack; absent where that is not it."""
    return (_load(log) or {}).get("strip") or None


@signal(unit="", **LOADED)
def load_lacking_prefix(log: RunLog) -> str | None:
    """Prefix that the names of the module have and those of the checkpoint lack; absent where that is not it."""
    return (_load(log) or {}).get("add") or None


@signal(unit="keys", **LOADED)
def load_reshaped_keys(log: RunLog) -> int | None:
    """Parameters that the checkpoint has under the same name in another shape."""
    return whole((_load(log) or {}).get("reshaped")) or None


def _kept(log: RunLog) -> list[dict[str, Any]]:
    return [event["detail"] for event in log.events if event["kind"] == "kept-weights"]


@signal(unit="uses", needs="a run with trainadvisor run", zh="用 trainadvisor run 运行")
def stale_weight_uses(log: RunLog) -> int | None:
    """State dicts that were given back to their model, or saved, when the training had changed them since."""
    return len(_kept(log)) if log.header.get("source", "recorder") == "recorder" else None


@signal(unit="step", **KEPT)
def kept_at(log: RunLog) -> int | None:
    """Steps after which the state dict was taken that was used last when it had changed."""
    return whole(_kept(log)[-1].get("taken")) if _kept(log) else None


@signal(unit="step", **KEPT)
def kept_used_at(log: RunLog) -> int | None:
    """Steps after which a state dict that had changed was used last."""
    return whole(_kept(log)[-1].get("used")) if _kept(log) else None
