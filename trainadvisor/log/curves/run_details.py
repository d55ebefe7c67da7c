"""Details of a run besides its curves: its model and settings, how it ended, what it was trained on."""

from collections import Counter
from typing import Any

from trainadvisor.log.curves.layer_rows import shortened
from trainadvisor.log.reader import RunLog

HEADER = (
    "script",
    "argv",
    "created",
    "tool",
    "python",
    "torch",
    "platform",
    "device",
    "device_name",
    "threads",
    "seed",
)
MOST_CLASSES, MOST_FACTS = 40, 24
Facts = dict[str, Any]


def facts(log: RunLog) -> Facts:
    """Return the source of the log, how the run ended, the class shares, and facts by section."""
    return {
        "source": str(log.header.get("source") or "recorder"),
        "end": log.end.get("reason") if log.end else None,
        "crash": _crash(log),
        "classes": _classes(log),
        "facts": _sections(log),
    }


def _crash(log: RunLog) -> Facts | None:
    found = [event for event in log.events if event["kind"] == "exception"]
    if not found:
        return None
    detail, site = found[-1]["detail"], found[-1]["detail"].get("site")
    place = f"{site.get('file')}:{site.get('line')}" if isinstance(site, dict) and site.get("file") else None
    named = {name: str(detail.get(name) or "")[:500] for name in ("type", "message")}
    return {**named, "place": place, "step": found[-1]["step"]}


def _classes(log: RunLog) -> Facts | None:
    """Return the labels seen by the training loss, and what the last evaluation predicted."""
    for loss in log.losses:
        counts = (loss.get("target") or {}).get("histogram")
        if isinstance(counts, list) and counts and all(isinstance(c, (int, float)) for c in counts):
            return {"counts": counts[:MOST_CLASSES], "classes": len(counts), "total": sum(counts), **_predicted(log)}
    return None


def _predicted(log: RunLog) -> Facts:
    last: Facts = next((record for record in reversed(log.evals) if record.get("majority_share") is not None), {})
    return {name: last.get(name) for name in ("majority_share", "classes_predicted")}


def _sections(log: RunLog) -> list[list[Any]]:
    """Return each section as its key and its rows of name and value."""
    sections = [
        ["run", _rows({name: log.header.get(name) for name in HEADER})],
        ["model", [row for model in log.models[:3] for row in _model(model)]],
        ["optimizer", [row for optimizer in log.optimizers[:3] for row in _optimizer(optimizer)]],
        ["scheduler", [[str(s.get("class")), _joined(s.get("facts") or {})] for s in log.schedulers[:3]]],
        ["loss", [[str(loss.get("name")), _loss(loss)] for loss in log.losses[:3]]],
        ["loader", [[str(loader.get("role")), _joined(_plain(loader))] for loader in log.loaders[:4]]],
        ["recorder", _rows({**(log.header.get("recorder") or {}), "overhead": _overhead(log)})],
    ]
    return [section for section in sections if section[1]]


def _rows(values: Facts) -> list[list[str]]:
    return [[name, _text(value)] for name, value in values.items() if value not in (None, [], "")][:MOST_FACTS]


def _text(value: Any) -> str:
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return shortened(text, 300)


def _joined(values: Facts) -> str:
    return ", ".join(f"{name} {_text(value)}" for name, value in list(values.items())[:MOST_FACTS] if value is not None)


def _plain(values: Facts) -> Facts:
    return {n: v for n, v in values.items() if n not in ("id", "role") and not isinstance(v, (dict, list))}


def _model(model: Facts) -> list[list[str]]:
    parameters = model["parameters"]
    total, trained = (sum(p["count"] for p in parameters if p["trainable"] or whole) for whole in (True, False))
    kinds = Counter(str(layer.get("kind")) for layer in model["layers"]).most_common(8)
    size = f"{len(model['layers'])} layers, {len(parameters)} tensors, {total:,} parameters, {trained:,} trainable"
    rows = [[shortened(str(model["name"])), size]]
    return [*rows, ["layers", ", ".join(f"{count} {kind}" for kind, count in kinds)]] if kinds else rows


def _optimizer(optimizer: Facts) -> list[list[str]]:
    groups = optimizer["groups"]
    rows = []
    for number, group in enumerate(groups[:4]):
        name = optimizer["class"] if len(groups) == 1 else f"{optimizer['class']} [{number}]"
        given = {k: v for k, v in group.items() if k != "parameters" and v not in (None, False)}
        rows.append([str(name), f"{_joined(given)}, {len(group['parameters'])} tensors"])
    return rows


def _loss(loss: Facts) -> str:
    prediction, target = loss.get("prediction") or {}, loss.get("target") or {}
    shapes = {"prediction": prediction.get("shape"), "target": target.get("shape")}
    return _joined({"reduction": loss.get("reduction"), **shapes, "classes": target.get("classes")})


def _overhead(log: RunLog) -> str | None:
    shares = [event["detail"].get("share") for event in log.events if event["kind"] == "overhead"]
    return f"{100 * shares[-1]:.2g} %" if shares and isinstance(shares[-1], (int, float)) else None
