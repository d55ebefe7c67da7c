"""Which object of the training a rule is about, and where the user's code made it."""

from collections.abc import Collection, Mapping
from typing import Any

from trainadvisor.judge.result import Site
from trainadvisor.log.descriptions import valid_site
from trainadvisor.log.reader import RunLog


def main_object(log: RunLog, kind: str | None, subjects: Collection[str] = ()) -> dict[str, Any] | None:
    """Return the object of a kind that the main stage is about; of layers and lines the one that is named first."""
    match kind:
        case "model":
            return log.model
        case "optimizer":
            return main_optimizer(log)
        case "loss":
            return main_loss(log)
        case "loader":
            return next((o for o in log.loaders if o["role"] == "train"), log.loaders[0] if log.loaders else None)
        case "scheduler":
            return log.schedulers[-1] if log.schedulers else None
    return (_told_of(log, next(iter(subjects), "")) or log.model) if kind == "event" else None


def _told_of(log: RunLog, subject: str) -> dict[str, Any] | None:
    """Return what an event has told last of a subject and its place."""
    told = [event["detail"] for event in log.events if event["subject"] == subject]
    sites = ((detail, valid_site(detail.get("site"))) for detail in reversed(told))
    return next((detail | {"site": site} for detail, site in sites if site), None)


def main_optimizer(log: RunLog) -> dict[str, Any] | None:
    """Return the optimizer that stepped in the main stage, the one with most parameters of several."""
    used = [o for o in log.optimizers if o["id"] in log.phase.optimizers] or log.optimizers
    return max(used, key=lambda o: sum(len(group["parameters"]) for group in o["groups"]), default=None)


def main_loss(log: RunLog) -> dict[str, Any] | None:
    """Return the loss function of the training, preferably one seen while training."""
    trained = [loss for loss in log.losses if loss.get("phase") != "eval"] or log.losses
    return trained[0] if trained else None


def site_of(made: Mapping[str, Any] | None) -> Site | None:
    """Return the place in the user's code where an object was made."""
    site = made.get("site") if made else None
    if not site:
        return None
    return Site(
        file=str(site["file"]), line=site["line"], function=site.get("function"), source=site.get("code") or None
    )
