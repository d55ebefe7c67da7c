"""Metrics printed by the script: accuracies and validation losses recognized by their words."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from trainadvisor.importers.decode.chinese_names import in_english
from trainadvisor.verify.metrics import Measure

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARE_WORDS = frozenset({
    "accuracy", "acc", "auc", "auroc", "f1", "iou", "miou", "dice", "precision", "recall", "r2", "ndcg", "mrr", "hit",
    "hits", "ssim", "top1", "top5",
})  # fmt: skip
LOSS_WORDS = frozenset({
    "loss", "error", "err", "mse", "rmse", "mae", "nll", "bce", "perplexity", "ppl", "cost", "wer", "cer",
})  # fmt: skip
HELD_OUT_WORDS = frozenset({"val", "valid", "validation", "test", "eval", "dev", "heldout"})
TRAINING_WORDS = frozenset({"train", "training"})
SMALL_WORDS = frozenset({"of", "the", "on", "is", "in", "for", "a", "at", "and", "with", "by"})
PERCENT = 100.0
PRINTED = "printed"
# From this many values on, the median of the last three counts, as for recorded evaluations.
SETTLED = 6

_TOKEN = re.compile(
    r"(?P<fraction>(?<![\w.])\d+\s*/\s*\d+(?![\w.]))"
    r"|(?P<number>(?<![A-Za-z0-9_.@])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![A-Za-z0-9_]))(?P<percent>\s?%)?"
    r"|(?P<lost>\b(?i:nan|inf|infinity)\b)"
    r"|(?P<word>[A-Za-z][A-Za-z0-9]*)"
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass
class Series:
    """The values of one metric in printed order."""

    name: str
    held_out: bool
    share: bool
    values: list[float] = field(default_factory=list)

    @property
    def measure(self) -> Measure:
        """Return its last value as a comparable metric; a percentage becomes a share."""
        values = np.asarray(self.values)
        if self.share and np.nanmax(values, initial=0.0) > 1.0:
            values = values / PERCENT
        last = values[-3:] if values.size >= SETTLED else values[-1:]
        noise = float(np.diff(values[-5:]).std() / np.sqrt(2 * last.size)) if values.size >= SETTLED else 0.0
        label = f"printed {'validation ' if self.held_out else ''}{self.name}"
        trivial, basis = (None, ()) if self.share else (float(values[0]), (PRINTED,))
        return Measure(
            label, float(np.median(last)), noise, trivial, higher=self.share, held_out=self.held_out, basis=basis
        )


def printed(text: str) -> dict[str, Measure]:
    """Return the metrics that a script printed: shares on any data, losses on held-out data."""
    found: dict[tuple[str, bool], Series] = {}
    for line in re.split(r"[\r\n]+", text):
        for series in _of_line(in_english(line)):
            known = found.setdefault((series.name, series.held_out), replace(series, values=[]))
            known.values += series.values
    kept = [series for series in found.values() if series.share or series.held_out]
    return {measure.name: measure for measure in (series.measure for series in kept)}


def _of_line(line: str) -> Iterator[Series]:
    """Yield each number of a line that follows the name of a metric, with the data that it refers to."""
    words: list[str] = []
    phase = ""
    for token in _TOKEN.finditer(line):
        if token["word"]:
            for word in _words(token["word"]):
                phase = _phase(word) or phase
                words += [] if _phase(word) else [word]
            continue
        series = _read(words, phase, token)
        if series is not None:
            yield series
        if series is not None or not set(words) & SHARE_WORDS:
            words = []  # "accuracy on the 10000 test images: 54 %" keeps its name beyond the first number


def _words(token: str) -> list[str]:
    whole = token.lower()
    return [whole] if whole in SHARE_WORDS | LOSS_WORDS else _CAMEL.sub(" ", token).lower().split()


def _phase(word: str) -> str:
    return "held-out" if word in HELD_OUT_WORDS else "training" if word in TRAINING_WORDS else ""


def _read(words: list[str], phase: str, token: re.Match[str]) -> Series | None:
    """Return the value of a number, if its words name a metric and the value is plausible."""
    known = [place for place, word in enumerate(words) if word in SHARE_WORDS | LOSS_WORDS]
    if not known or phase == "training":
        return None
    share = words[known[-1]] in SHARE_WORDS
    value = _value(token, share=share)
    if value is None or (share and value > PERCENT):
        return None
    lasting = value if math.isfinite(value) else math.nan
    near = [word for word in words[max(known[-1] - 1, 0) : known[-1] + 2] if word not in SMALL_WORDS]
    return Series(" ".join(near), phase == "held-out", share, [lasting])


def _value(token: re.Match[str], *, share: bool) -> float | None:
    """Return the number; a fraction such as 45/50 counts only as a share."""
    if token["fraction"]:
        part, whole = (float(text) for text in token["fraction"].split("/"))
        return part / whole if share and 0 < whole >= part else None
    value = float(token["lost"] or token["number"])
    return value / PERCENT if share and token["percent"] else value
