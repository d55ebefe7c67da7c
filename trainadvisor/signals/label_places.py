"""Where the labels of a sequence model stand among its ids, and how many there are."""

import math
from typing import Any

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal

LABELS = {"needs": "labels of a model that embeds sequences of ids", "zh": "嵌入编号序列的模型的标签"}
COUNTS = {"needs": "labels of a classifying loss", "zh": "分类损失的标签"}
PHASES = ("training", "evaluation")
LEAST_LABELS, LEAST_ROWS = 20, 48
CAUSAL, FULL, FORWARD, BACKWARD = "causal attention", "full attention", "forward", "backward"
HALVES = "halves"
_SHIFTED = 0.99
# Share of the occurrences of an id outside of the ends of rows from which on it is no padding; labels at padding alike.
_ELSEWHERE, _ALIKE = 0.02, 0.95
# Batches of which none has a label, where a sum over nothing would do no harm.
_SUMMED = 3


def last_details(log: RunLog, kind: str) -> list[dict[str, Any]]:
    """Return the last state of each subject of a kind of events."""
    return list({event["subject"]: event["detail"] for event in log.events if event["kind"] == kind}.values())


def labeled(log: RunLog) -> list[dict[str, Any]]:
    """Return what is known of the labels of each loss that has enough of them, in this training where it was looked."""
    told = [event for event in log.events if event["kind"] == "labels"]
    last = math.inf if log.phase.closing else log.phase.last
    own = [event for event in told if log.phase.first <= event["step"] <= last]
    known = {event["subject"]: event["detail"] for event in own or told}.values()
    return [detail for detail in known if (number(detail.get("labels")) or 0) >= LEAST_LABELS]


def _largest(log: RunLog, field: str) -> float | None:
    shares = [number(detail.get(field)) for detail in labeled(log)]
    return max((share for share in shares if share is not None), default=None)


@signal(unit="share", **LABELS, about="no-token-labels")
def label_same_share(log: RunLog) -> float | None:
    """Share of the labels that are the id which the model was given at the place of the prediction."""
    return _largest(log, "same_share")


@signal(unit="share", **LABELS, about="no-token-labels")
def label_next_share(log: RunLog) -> float | None:
    """Share of the labels that are the id at the next place: 1 in next-token prediction."""
    return _largest(log, "next_share") if label_same_share(log) is None else (_largest(log, "next_share") or 0.0)


@signal(unit="share", **LABELS, about="no-token-labels")
def label_second_share(log: RunLog) -> float | None:
    """Share of the labels that are the id two places on."""
    return _largest(log, "second_share") if label_same_share(log) is None else (_largest(log, "second_share") or 0.0)


def _sight(detail: dict[str, Any]) -> set[str]:
    return set(map(str, detail.get("sight") or []))


def looks_back(detail: dict[str, Any]) -> bool:
    """Return whether places see those before them and themselves, and nothing later."""
    seen = _sight(detail)
    return CAUSAL in seen or (seen == {FORWARD} and bool(detail.get("straight")))


@signal(unit="truth", **LABELS, about="no-token-labels")
def label_looks_back(log: RunLog) -> bool | None:
    """Whether a place of the model sees its own id and earlier ones only: a language model."""
    return any(map(looks_back, labeled(log))) if labeled(log) or log.losses else None


def _looks_ahead(detail: dict[str, Any]) -> bool:
    seen = _sight(detail)
    ahead = FULL in seen or (BACKWARD in seen and HALVES not in seen)
    alone = detail.get("own") is True or number(detail.get("sources")) == 1
    return ahead and CAUSAL not in seen and alone


@signal(unit="truth", **LABELS)
def label_sees_next(log: RunLog) -> bool | None:
    """Whether the labels are the ids at the next place and every place of the model sees it."""
    known = [detail for detail in labeled(log) if (number(detail.get("next_share")) or 0) >= _SHIFTED]
    return any(map(_looks_ahead, known)) if labeled(log) or log.losses else None


# -- batches without labels


def _counted(log: RunLog, phase: str) -> tuple[int, int] | None:
    """Return how many batches of a phase have no label that counts, and how many were looked at."""
    known = [event["detail"] for event in log.events if event["kind"] == "label-counts" and event["subject"] == phase]
    empty, batches = (number(known[-1].get(name)) for name in ("empty", "batches")) if known else (None, None)
    if empty is None or batches is None:
        return None
    harmless = known[-1].get("averaged") is False and empty < max(batches, _SUMMED)
    return (0 if harmless else int(empty), int(batches))


@signal(unit="batches", **COUNTS)
def unlabeled_batches(log: RunLog) -> int | None:
    """Number of batches, of the training and of evaluations, whose labels are all ignored.

    Where the loss is no mean, only a phase of which every batch is so counts: the sum over nothing is zero.
    """
    known = [found for phase in PHASES if (found := _counted(log, phase))]
    return sum(empty for empty, _ in known) if known or log.losses else None


@signal(unit="batches", **COUNTS)
def unlabeled_of(log: RunLog) -> int | None:
    """Number of batches in the phases that have batches without labels."""
    known = [found for phase in PHASES if (found := _counted(log, phase)) and found[0]]
    return sum(batches for _, batches in known) if known else None


@signal(unit="word", **COUNTS)
def unlabeled_phase(log: RunLog) -> str | None:
    """Where batches without labels occur: training, evaluation, or both."""
    found = [phase for phase in PHASES if (counted := _counted(log, phase)) and counted[0]]
    return " and ".join(found) or None


# -- labels at padding and at places left out


@signal(unit="share", **LABELS, about="no-token-labels")
def padded_label_share(log: RunLog) -> float | None:
    """Share of the counted labels that stand at padding and are all alike: the loss is asked for them.

    Padding is an id that rows of different lengths end (or start) with, and that stands nowhere else; 0 without such.
    """
    known = labeled(log)
    shares = [
        (number(detail.get("padded_labels")) or 0.0) / (number(detail.get("labels")) or math.inf)
        for detail in known
        if (number(detail.get("padding_elsewhere")) or 0.0) < _ELSEWHERE
        and (number(detail.get("padded_alike")) or 0.0) > _ALIKE
        and (number(detail.get("padding_lengths")) or 0.0) > 1
    ]
    return max(shares, default=0.0) if known or log.losses else None


def _left_out(log: RunLog) -> dict[str, Any]:
    """Return what is known of a tagger whose loss ignores one of its classes; empty for others, and of few rows."""
    for detail in labeled(log):
        rows = sum(number(detail.get(f"left_out_first_{side}")) or 0 for side in ("ignored", "counted"))
        if rows >= LEAST_ROWS:
            return detail
    return {}


@signal(unit="share", **LABELS)
def left_out_share(log: RunLog) -> float | None:
    """Share of the places of sequences, padding left out, whose label is a class that the loss ignores; else 0."""
    detail = _left_out(log)
    places = number(detail.get("left_out_places"))
    return (number(detail.get("left_out_ignored")) or 0) / places if places else (0.0 if log.losses else None)


@signal(unit="share", **LABELS, about="no-token-labels")
def left_out_edge_share(log: RunLog) -> float | None:
    """Share of the rarer kind among the first places of rows: ignored ones, and those that count; else 0.

    Where all first places are ignored, as a start token is, that among the last ones. It is 0 for a number that stands
    for no label: first pieces of words count, and start and end tokens do not.
    """
    detail = _left_out(log)
    if not detail:
        return 0.0 if log.losses else None
    return _rarer(detail, "first") if number(detail.get("left_out_first_counted")) else _rarer(detail, "last")


def _rarer(detail: dict[str, Any], edge: str) -> float:
    ignored, counted = (number(detail.get(f"left_out_{edge}_{side}")) or 0 for side in ("ignored", "counted"))
    return min(ignored, counted) / max(ignored + counted, 1)
