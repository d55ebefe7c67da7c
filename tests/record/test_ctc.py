"""Whether CTC has a path, and what the best path emits; beside counting by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from builders import event, signals_of
from recordkit import record
from torch import nn

if TYPE_CHECKING:
    from pathlib import Path

FRAMES, B, C = 5, 4, 4
TARGETS = torch.tensor([[1, 2, 3], [1, 1, 1], [2, 2, 3], [3, 3, 0]])
LENGTHS = [3, 3, 3, 2]


def _train(frames: list[int], *, blank_bias: float = 0.0, tensors: bool = True, targets: torch.Tensor = TARGETS) -> Any:
    model = nn.Linear(6, C)
    with torch.no_grad():
        model.bias[0] = blank_bias
    make = torch.tensor if tensors else list

    def train() -> object:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        for _ in range(4):
            optimizer.zero_grad()
            scores = model(torch.randn(FRAMES, B, 6)).log_softmax(-1)
            F.ctc_loss(scores, targets, make(frames), make(LENGTHS), zero_infinity=True).backward()
            optimizer.step()
        return model

    return record(train)


JOINED = torch.cat([row[:length] for row, length in zip(TARGETS, LENGTHS, strict=True)])


@pytest.mark.parametrize(("tensors", "targets"), [(True, TARGETS), (False, TARGETS), (True, JOINED), (False, JOINED)])
def test_examples_without_a_path(tmp_path: Path, tensors: bool, targets: torch.Tensor) -> None:  # noqa: FBT001 - both ways of giving lengths
    """Three labels need three frames, one more for each that equals the one before."""
    needed = [3, 5, 4, 3]
    frames = [3, 4, 4, 2]
    records = _train(frames, tensors=tensors, targets=targets)
    told = [event("ctc", detail) for detail in records.events("ctc")]
    signals = signals_of(tmp_path, steps=4, events=told)
    short = sum(given < need for given, need in zip(frames, needed, strict=True))
    assert signals["ctc_infeasible_share"] == short / B
    assert signals["ctc_frames"] == sum(frames) / B
    assert signals["ctc_labels"] == sum(LENGTHS) / B


def test_enough_frames(tmp_path: Path) -> None:
    """Every example has its path."""
    told = [event("ctc", detail) for detail in _train([5, 5, 5, 5]).events("ctc")]
    assert signals_of(tmp_path, steps=4, events=told)["ctc_infeasible_share"] == 0.0


def test_what_the_best_path_emits() -> None:
    """Nothing where blank is always most likely, else runs of the same label once."""
    assert _train([5, 5, 5, 5], blank_bias=100.0).column("ctc_emitted") == [0.0] * 4
    assert min(_train([5, 5, 5, 5], blank_bias=-100.0).column("ctc_emitted")) > 0.2


def test_emission_late_in_the_run(tmp_path: Path) -> None:
    """The most of any sample after the first quarter; early samples are blank in every run."""
    values = [0.0] * 30 + [0.5] * 30 + [0.9] * 40
    assert signals_of(tmp_path, columns={"ctc_emitted": values})["ctc_emitted"] == 0.9
    assert signals_of(tmp_path, columns={"ctc_emitted": [0.6] * 20 + [0.01] * 80})["ctc_emitted"] == 0.01
    assert signals_of(tmp_path, steps=100)["ctc_emitted"] is None


@pytest.mark.parametrize("joined", [False, True])
@pytest.mark.parametrize(("label", "share"), [(1, 0.0), (0, 4 / 11)])
def test_labels_that_are_the_blank(tmp_path: Path, label: int, share: float, joined: bool) -> None:  # noqa: FBT001 - both layouts
    """Counted within their lengths: the padding behind them is no label."""
    targets = TARGETS.where(TARGETS != 1, torch.tensor(label))
    if joined:
        targets = torch.cat([row[:length] for row, length in zip(targets, LENGTHS, strict=True)])
    told = [event("ctc", detail) for detail in _train([5, 5, 5, 5], targets=targets).events("ctc")]
    assert signals_of(tmp_path, steps=4, events=told)["ctc_blank_label_share"] == share


@pytest.mark.parametrize("normalized", [False, True])
def test_frames_without_log_softmax_are_counted(tmp_path: Path, normalized: bool) -> None:  # noqa: FBT001 - scores or not
    """Scores are no log-probabilities in any frame; frames behind the end do not count."""

    def train() -> object:
        torch.manual_seed(0)
        model = nn.Linear(6, C)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        for _ in range(4):
            optimizer.zero_grad()
            scores = model(torch.randn(FRAMES, B, 6))
            scores = scores.log_softmax(-1) if normalized else scores
            F.ctc_loss(scores, TARGETS, [4] * B, LENGTHS, zero_infinity=True).backward()
            optimizer.step()
        return model

    assert record(train).events("ctc")[-1]["open_frames"] == (0 if normalized else 4 * B * 4)
