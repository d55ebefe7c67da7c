"""How sequences of a language model end, and what of a prompt and its answer is labeled."""

from typing import Any

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.label_places import LABELS, LEAST_ROWS, labeled, looks_back

LEAST_ENDS = 16
# Share of the sequences from which on something is the rule among them.
_USUALLY = 0.5


def _ended(log: RunLog) -> dict[str, Any] | None:
    ended = [detail for detail in labeled(log) if (number(detail.get("ends")) or 0) >= LEAST_ENDS]
    return max(ended, key=lambda detail: number(detail.get("ends")) or 0, default=None)


def _of_ends(log: RunLog, field: str) -> float | None:
    detail = _ended(log)
    ended = detail is not None and looks_back(detail) and not _only_padded(detail) and not _is_no_stop(log, detail)
    return number(detail.get(field)) if detail and ended else None


def _only_padded(detail: dict[str, Any]) -> bool:
    """Return whether the longest row of each batch ends in a label: what follows in the others is padding, no stop."""
    widths, full = number(detail.get("widths")) or 0, number(detail.get("full_widths")) or 0
    return widths > 1 and full == widths


def _is_no_stop(log: RunLog, detail: dict[str, Any]) -> bool:
    """Return whether the id behind the labels is the begin of a next text that is cut off there, or only padding.

    Padding is longer than one place in most sequences. A model whose configuration names the id as the end of a text
    may use it for these as well.
    """
    if detail.get("after_end_is_stop"):
        return False
    begins = min(number(detail.get(name)) or 0.0 for name in ("after_end_begins", "one_left_share")) >= _USUALLY
    facts = [layer.get("facts") or {} for layer in (log.model or {}).get("layers") or []]
    return begins or any(number(f.get("padding_idx")) == number(detail.get("after_end")) for f in facts)


@signal(unit="share", **LABELS, about="no-token-labels")
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


@signal(unit="truth", **LABELS)
def after_end_is_stop(log: RunLog) -> bool | None:
    """Whether that id is one that the model's own configuration names as the end of a text."""
    found = _ended(log)
    return bool(found and found.get("after_end_is_stop")) if found or log.losses else None


@signal(unit="share", **LABELS)
def last_label_share(log: RunLog) -> float | None:
    """Share of the sequences that end with the most frequent last label: 1 where all end with a stop token."""
    return _of_ends(log, "last_label_share")


@signal(unit="lengths", **LABELS)
def label_counts(log: RunLog) -> int | None:
    """How many different numbers of labels sequences have: 1 where every answer is as long."""
    found = _of_ends(log, "label_counts")
    return None if found is None else int(found)


@signal(unit="share", **LABELS, about="no-token-labels")
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
    known = [detail for detail in labeled(log) if looks_back(detail)]
    return max(known, key=lambda detail: number(detail.get("separated_rows")) or 0, default=None)


@signal(unit="sequences", **LABELS, about="no-token-labels")
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
