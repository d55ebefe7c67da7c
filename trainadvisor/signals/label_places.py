"""Where the labels of a sequence model stand among its ids, and whether targets are among the inputs."""

import math
from typing import Any

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal

LABELS = {"needs": "labels of a model that embeds sequences of ids", "zh": "嵌入编号序列的模型的标签"}
INPUTS = {"needs": "inputs and targets of the first batches", "zh": "最初几个批次的输入与目标"}
COUNTS = {"needs": "labels of a classifying loss", "zh": "分类损失的标签"}
PHASES = ("training", "evaluation")
LEAST_LABELS, LEAST_ENDS, LEAST_ROWS = 20, 16, 48
CAUSAL, FULL, FORWARD, BACKWARD = "causal attention", "full attention", "forward", "backward"
HALVES = "halves"
_SHIFTED = 0.99
# Share of the occurrences of an id outside of the ends of rows from which on it is no padding; labels at padding alike.
_ELSEWHERE, _ALIKE = 0.02, 0.95
# Columns from which on one that lies on a line with the target is no exercise in fitting lines.
_SEVERAL = 4
# Batches of which none has a label, where a sum over nothing would do no harm.
_SUMMED = 3


def _last(log: RunLog, kind: str) -> list[dict[str, Any]]:
    """Return the last state of each subject of a kind of events."""
    return list({event["subject"]: event["detail"] for event in log.events if event["kind"] == kind}.values())


def _labeled(log: RunLog) -> list[dict[str, Any]]:
    return [detail for detail in _last(log, "labels") if (number(detail.get("labels")) or 0) >= LEAST_LABELS]


def _largest(log: RunLog, field: str) -> float | None:
    shares = [number(detail.get(field)) for detail in _labeled(log)]
    return max((share for share in shares if share is not None), default=None)


@signal(unit="share", **LABELS)
def label_same_share(log: RunLog) -> float | None:
    """Share of the labels that are the id which the model was given at the place of the prediction."""
    return _largest(log, "same_share")


@signal(unit="share", **LABELS)
def label_next_share(log: RunLog) -> float | None:
    """Share of the labels that are the id at the next place: 1 in next-token prediction."""
    return _largest(log, "next_share") if label_same_share(log) is None else (_largest(log, "next_share") or 0.0)


@signal(unit="share", **LABELS)
def label_second_share(log: RunLog) -> float | None:
    """Share of the labels that are the id two places on."""
    return _largest(log, "second_share") if label_same_share(log) is None else (_largest(log, "second_share") or 0.0)


def _sight(detail: dict[str, Any]) -> set[str]:
    return set(map(str, detail.get("sight") or []))


def _looks_back(detail: dict[str, Any]) -> bool:
    """Return whether places see those before them and themselves, and nothing later."""
    seen = _sight(detail)
    return CAUSAL in seen or (seen == {FORWARD} and bool(detail.get("straight")))


@signal(unit="truth", **LABELS)
def label_looks_back(log: RunLog) -> bool | None:
    """Whether a place of the model sees its own id and earlier ones only: a language model."""
    return any(map(_looks_back, _labeled(log))) if _labeled(log) or log.losses else None


def _looks_ahead(detail: dict[str, Any]) -> bool:
    seen = _sight(detail)
    ahead = FULL in seen or (BACKWARD in seen and HALVES not in seen)
    alone = detail.get("own") is True or number(detail.get("sources")) == 1
    return ahead and CAUSAL not in seen and alone


@signal(unit="truth", **LABELS)
def label_sees_next(log: RunLog) -> bool | None:
    """Whether the labels are the ids at the next place and every place of the model sees it."""
    known = [detail for detail in _labeled(log) if (number(detail.get("next_share")) or 0) >= _SHIFTED]
    return any(map(_looks_ahead, known)) if _labeled(log) or log.losses else None


# -- how sequences end


def _ended(log: RunLog) -> dict[str, Any] | None:
    ended = [detail for detail in _labeled(log) if (number(detail.get("ends")) or 0) >= LEAST_ENDS]
    return max(ended, key=lambda detail: number(detail.get("ends")) or 0, default=None)


def _of_ends(log: RunLog, field: str) -> float | None:
    detail = _ended(log)
    return number(detail.get(field)) if detail and _looks_back(detail) and not _only_padded(detail) else None


def _only_padded(detail: dict[str, Any]) -> bool:
    """Return whether the longest row of each batch ends in a label: what follows in the others is padding, no stop."""
    widths, full = number(detail.get("widths")) or 0, number(detail.get("full_widths")) or 0
    return widths > 1 and full == widths


@signal(unit="share", **LABELS)
def after_end_share(log: RunLog) -> float | None:
    """Share of the sequences whose last label is followed by the same id, that of padding or of a stop; else 0."""
    found = _of_ends(log, "after_end_share")
    return 0.0 if found is None and log.losses else found


@signal(unit="id", **LABELS)
def after_end_id(log: RunLog) -> int | None:
    """Id that most often follows the last label of a sequence."""
    found = _of_ends(log, "after_end")
    return None if found is None else int(found)


@signal(unit="labels", **LABELS)
def after_end_labels(log: RunLog) -> int | None:
    """How often the id that follows the last label is a label itself."""
    found = _of_ends(log, "after_end_labels")
    return None if found is None else int(found)


@signal(unit="share", **LABELS)
def last_label_share(log: RunLog) -> float | None:
    """Share of the sequences that end with the most frequent last label: 1 where all end with a stop token."""
    return _of_ends(log, "last_label_share")


@signal(unit="lengths", **LABELS)
def label_counts(log: RunLog) -> int | None:
    """How many different numbers of labels sequences have: 1 where every answer is as long."""
    found = _of_ends(log, "label_counts")
    return None if found is None else int(found)


@signal(unit="share", **LABELS)
def cut_answers_share(log: RunLog) -> float | None:
    """Share of the answers, told from prompts of various lengths by a separator, that go on to the end of their row.

    0 where prompts are labels as well, where all answers are as long, and where there is no separator.
    """
    detail = _separated(log)
    cut = detail is not None and (number(detail.get("cut_counts")) or 0) > 1 and number(detail.get("prompt_share")) == 0
    if detail is None or not cut:
        return 0.0 if detail is not None or log.losses else None
    enough = (number(detail.get("separated_rows")) or 0) >= LEAST_ROWS
    return (number(detail.get("cut_share")) or 0.0) if enough else 0.0


@signal(unit="share", **LABELS)
def cut_last_share(log: RunLog) -> float | None:
    """Share of the rows with labels to their end that have the most frequent last label: 1 where that is a stop."""
    found = _separated(log)
    return number(found.get("cut_last_share")) if found else None


# -- prompts and answers


def _separated(log: RunLog) -> dict[str, Any] | None:
    known = [detail for detail in _labeled(log) if _looks_back(detail)]
    return max(known, key=lambda detail: number(detail.get("separated_rows")) or 0, default=None)


@signal(unit="sequences", **LABELS)
def separated_rows(log: RunLog) -> int | None:
    """Sequences looked at that all have one and the same id exactly once inside: what parts prompt and answer."""
    found = _separated(log)
    rows = number(found.get("separated_rows")) if found else None
    return 0 if rows is None and log.losses else None if rows is None else int(rows)


@signal(unit="share", **LABELS)
def prompt_label_share(log: RunLog) -> float | None:
    """Share of the labels that stand before the separator of their sequence: those of the prompt."""
    found = _separated(log)
    return number(found.get("prompt_share")) if found else None


@signal(unit="id", **LABELS)
def prompt_separator(log: RunLog) -> int | None:
    """Id that stands exactly once inside of every sequence; of several the last."""
    found = _separated(log)
    told = number(found.get("separator")) if found else None
    return None if told is None else int(told)


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


# -- targets among the inputs


def _copied(detail: dict[str, Any]) -> bool:
    """Return whether all targets are among the inputs, and the model is not there to give its input back."""
    targets, columns = number(detail.get("varying")) or 0, number(detail.get("columns")) or 0
    equal, line = number(detail.get("equal")) or 0, number(detail.get("line")) or 0
    if not targets or targets < (number(detail.get("targets")) or 0):
        return False
    if targets < columns:
        return equal == targets or (line == targets and (columns >= _SEVERAL or bool(detail.get("classifies"))))
    foretelling = _looks_back(detail) and bool(detail.get("straight")) and not detail.get("reconstructs")
    return equal == targets and bool(detail.get("sequence")) and foretelling


def _compared(log: RunLog) -> list[dict[str, Any]]:
    return [detail for detail in _last(log, "targets-in-inputs") if (number(detail.get("compared")) or 0) >= LEAST_ROWS]


@signal(unit="truth", **INPUTS)
def target_in_inputs(log: RunLog) -> bool | None:
    """Whether every target is among the inputs of the same example and place, in all batches looked at."""
    return any(map(_copied, _compared(log))) if _compared(log) or log.losses else None


@signal(unit="column", **INPUTS)
def target_column(log: RunLog) -> int | None:
    """Number of the input column that the first target is a copy of, from 0."""
    found = next((number(detail.get("column")) for detail in _compared(log) if _copied(detail)), None)
    return None if found is None else int(found)


@signal(unit="rows", **INPUTS)
def target_rows(log: RunLog) -> int | None:
    """Rows over which targets and inputs were compared."""
    return max((int(number(detail.get("compared")) or 0) for detail in _compared(log)), default=None)


@signal(unit="share", **LABELS)
def padded_label_share(log: RunLog) -> float | None:
    """Share of the counted labels that stand at padding and are all alike: the loss is asked for them.

    Padding is an id that rows of different lengths end (or start) with, and that stands nowhere else; 0 without such.
    """
    labeled = _labeled(log)
    shares = [
        (number(detail.get("padded_labels")) or 0.0) / (number(detail.get("labels")) or math.inf)
        for detail in labeled
        if (number(detail.get("padding_elsewhere")) or 0.0) < _ELSEWHERE
        and (number(detail.get("padded_alike")) or 0.0) > _ALIKE
        and (number(detail.get("padding_lengths")) or 0.0) > 1
    ]
    return max(shares, default=0.0) if labeled or log.losses else None


def _left_out(log: RunLog) -> dict[str, Any]:
    """Return what is known of a tagger whose loss ignores one of its classes; empty for others, and of few rows."""
    for detail in _labeled(log):
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


@signal(unit="share", **LABELS)
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
