"""Which sequence layers read the examples of a batch as time: decided by the shapes that they were called with."""

from typing import Any

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.curves import imported
from trainadvisor.signals.memory import remembered

SHAPES = {
    "needs": "a recurrent or attention layer, and batches whose number of examples is known",
    "zh": "循环层或注意力层，以及样本数已知的批次",
}
# Calls that agree before one shape alone decides.
FEWEST = 2
CTC_AXES = 3

Row = dict[str, Any]


@remembered
def _layers(log: RunLog) -> dict[str, dict[str, Any]]:
    """Return what was told last of each layer; under CTC, whose scores are [time, examples, classes], with examples."""
    told = {event["subject"]: event["detail"] for event in log.events if event["kind"] == "sequence-axes"}
    scores = [loss["prediction"].get("shape") for loss in log.losses if loss["kind"] == "ctc_loss"]
    return {name: {**layer, "rows": [_counted(row, scores) for row in layer["rows"]]} for name, layer in told.items()}


def _counted(row: Row, scores: list[list[int] | None]) -> Row:
    """Return a row with its number of examples, where the model's answer is what a CTC loss was given."""
    answer = row.get("output_shape") or []
    known = row.get("loader") is None and len(answer) == CTC_AXES and answer in scores
    return {**row, "loader": answer[1]} if known else row


def examples_of(row: Row) -> int | None:
    """Return how many examples the model was given, None where a first dimension may as well be time."""
    if row.get("loader"):
        return int(row["loader"])
    given, answer, target = row.get("input_shape") or [], row.get("output_shape") or [], row.get("target_shape")
    if not given or not answer or given[0] != answer[0] or row["batch"] in answer[1:] or not target:
        return None
    return int(given[0]) if target[0] == given[0] and row["batch"] not in target[1:] else None


def _is_right(row: Row) -> bool:
    return bool(examples_of(row) == row["batch"])


def _is_mixed(row: Row) -> bool:
    count = examples_of(row)
    return count is not None and count == row["time"] and row["batch"] not in (1, count) and count > 1


def _mixes(layer: dict[str, Any]) -> bool:
    """Return whether time follows the number of examples in every call, and the batch cannot hold them."""
    known = [row for row in layer["rows"] if examples_of(row) is not None]
    mixed = [row for row in known if _is_mixed(row)]
    if not mixed or len(mixed) < len(known):
        return False
    if len({row["time"] for row in mixed}) > 1:
        return True
    return layer["calls"] >= FEWEST and all(_cannot_hold(row) for row in mixed)


def _cannot_hold(row: Row) -> bool:
    """Return whether what is taken for the batch holds no examples: it is no multiple, or the input's second axis."""
    return bool(row["batch"] % row["time"]) or (row.get("input_shape") or [])[:2] == [row["time"], row["batch"]]


def _turned(layer: dict[str, Any], others: list[dict[str, Any]]) -> bool:
    """Return whether another attention reads the same data the other way round: both axes are meant."""
    pairs = {(row["batch"], row["time"]) for row in layer["rows"]}
    there = [other for other in others if other.get("attention")]
    return bool(layer.get("attention")) and any(
        (row["time"], row["batch"]) in pairs and _is_right(row) for other in there for row in other["rows"]
    )


@remembered
def _mixing(log: RunLog) -> dict[str, dict[str, Any]]:
    layers = _layers(log)
    return {
        name: layer for name, layer in layers.items() if _mixes(layer) and not _turned(layer, list(layers.values()))
    }


@signal(unit="layers", **SHAPES)
def batch_read_as_time(log: RunLog) -> int | None:
    """Number of recurrent and attention layers that take the examples of a batch for the steps of a sequence."""
    layers = _layers(log)
    if not layers:
        return None if imported(log) else 0
    told = any(examples_of(row) is not None for layer in layers.values() for row in layer["rows"])
    return len(_mixing(log)) if told else None


@signal(unit="names", **SHAPES)
def batch_mixing_layers(log: RunLog) -> list[str]:
    """Layers that take the examples of a batch for the steps of a sequence."""
    return list(_mixing(log))


def _first(log: RunLog) -> dict[str, Any] | None:
    return next(iter(_mixing(log).values()), None)


@signal(unit="examples", **SHAPES)
def mixed_time(log: RunLog) -> int | None:
    """Length of what such a layer takes for time: the number of examples in a batch."""
    layer = _first(log)
    return int(layer["rows"][0]["time"]) if layer else None


@signal(unit="steps", **SHAPES)
def mixed_batch(log: RunLog) -> int | None:
    """Length of what such a layer takes for the batch: the steps of the sequence."""
    layer = _first(log)
    return int(layer["rows"][0]["batch"]) if layer else None


@signal(unit="word", **SHAPES)
def batch_first_wanted(log: RunLog) -> str | None:
    """What batch_first of such a layer has to be: the opposite of what it is."""
    layer = _first(log)
    return str(not layer["batch_first"]) if layer else None
