"""Which object of the training a rule is about, and where the user's code made it."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from trainadvisor.judge.result import Site
from trainadvisor.log.cleaning import dicts
from trainadvisor.log.descriptions import valid_site
from trainadvisor.log.reader import RunLog

# A name that is nothing but places in containers: "0" or "1.2".
NUMBER = re.compile(r"\d+(\.\d+)*")


def main_object(log: RunLog, kind: str | None, subjects: Collection[str] = ()) -> dict[str, Any] | None:
    """Return the object of a kind that the main stage is about; `event:NAME` is what events of that name tell."""
    match kind:
        case "model":
            return log.model
        case "optimizer":
            return main_optimizer(log)
        case "loss" | "evaluated-loss":
            evaluated = next((loss for loss in log.losses if loss.get("phase") == "eval"), None)
            return main_loss(log) if kind == "loss" else evaluated
        case "loader" | "held-out":
            return _loader(log, "eval" if kind == "held-out" else "train")
        case "scheduler":
            return log.schedulers[-1] if log.schedulers else main_optimizer(log)
    name = kind.removeprefix("event:") if kind else None
    return (_told(log, name, subjects) or log.model) if name != kind else None


def _loader(log: RunLog, role: str) -> dict[str, Any] | None:
    """Return the loader of a role, else that of the training."""
    found = next((loader for wanted in (role, "train") for loader in log.loaders if loader["role"] == wanted), None)
    # batches of no loader of torch's enter the training where the loss is taken
    return found or (log.loaders[0] if log.loaders else main_loss(log))


def _told(log: RunLog, name: str | None, subjects: Collection[str]) -> dict[str, Any] | None:
    """Return the last event of a name that tells a place, if possible one about the first of the subjects."""
    first = next(iter(subjects), "")
    events = sorted((e for e in log.events if e["kind"] == name), key=lambda event: event["subject"] == first)
    sites = ((event["detail"], valid_site(event["detail"].get("site"))) for event in reversed(events))
    return next((detail | {"site": site} for detail, site in sites if site), None)


def call_site(log: RunLog, subject: str) -> dict[str, Any] | None:
    """Return the line that calls a layer of the main model; of a parameter that of its layer."""
    names = [subject, subject.rpartition(".")[0]]
    calls = [call for table in log.tables.values() for call in dicts(table.get("calls"))]
    found = (call.get("site") for name in names if name for call in calls if name in (call.get("names") or ()))
    return next((site for place in found if (site := valid_site(place))), None)


def told_layer(log: RunLog, name: str) -> str:
    """Return what a layer is called in a sentence: a place alone says little, so its kind stands beside."""
    layer, _, parameter = name.rpartition(".") if not NUMBER.fullmatch(name) else (name, "", "")
    if not NUMBER.fullmatch(layer):
        return name
    entry = next((entry for entry in dicts((log.model or {}).get("layers")) if str(entry.get("name")) == layer), None)
    kind = f" ({entry.get('kind')})" if entry is not None else ""
    return f"{parameter + ' of ' if parameter else ''}layer {layer}{kind}"


def broken_layers(log: RunLog) -> list[str]:
    """Return the layers with values that are not finite in the first sample that has any, in the order of the calls."""
    counts = log.layers.column("act_nonfinite")
    first = next((row for row in counts if (row > 0).any()), None) if counts.size else None
    return [] if first is None else [name for name, bad in zip(log.layers.names("act"), first > 0, strict=False) if bad]


def main_optimizer(log: RunLog) -> dict[str, Any] | None:
    """Return the optimizer that stepped in the main stage, the one with most parameters of several."""
    used = [o for o in log.optimizers if o["id"] in log.phase.optimizers] or log.optimizers
    return max(used, key=lambda o: sum(len(group["parameters"]) for group in o["groups"]), default=None)


def main_loss(log: RunLog) -> dict[str, Any] | None:
    """Return the loss function of the training, preferably one seen while training."""
    trained = [loss for loss in log.losses if loss.get("phase") != "eval"] or log.losses
    return trained[0] if trained else None


def recorded_sites(log: RunLog) -> list[Site]:
    """Return the places where the objects of a run were made and its layers called."""
    made = [*log.models, *log.optimizers, *log.losses, *log.loaders, *log.schedulers]
    calls = [call for table in log.tables.values() for call in dicts(table.get("calls"))]
    sites = (site_of(fact) for fact in (*made, *calls))
    return [site for site in sites if site is not None]


def site_of(made: Mapping[str, Any] | None) -> Site | None:
    """Return the place in the user's code where an object was made."""
    site = valid_site(made.get("site")) if made else None
    if not site:
        return None
    return Site(file=site["file"], line=site["line"], source=site["code"] or None)
