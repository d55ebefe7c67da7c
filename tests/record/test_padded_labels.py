"""Labels that stand at padding: counted as a loop over rows counts them, and what looks like padding and is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from builders import event, signals_of

from trainadvisor.record.losses.padded_labels import PaddedLabels

if TYPE_CHECKING:
    from pathlib import Path

ROWS, COLUMNS, PAD = 12, 10, 0


def _ids(*, left: bool = False, pad: int = PAD) -> torch.Tensor:
    torch.manual_seed(4)
    ids = torch.randint(1, 9, (ROWS, COLUMNS))
    for row in range(ROWS):
        length = row % 7 + 2
        ids[row, slice(0, COLUMNS - length) if left else slice(length, None)] = pad
    return ids


def _fact(ids: torch.Tensor, label: torch.Tensor, counts: torch.Tensor | None = None) -> dict[str, Any]:
    place = torch.arange(ids.numel()) if counts is None else counts.flatten().nonzero()[:, 0]
    padded = PaddedLabels()
    padded.add(label.flatten()[place], place, ids)
    return padded.fact()


def _naive(ids: torch.Tensor) -> int:
    """Count the places after the last id of each row that is no padding, where there are two and more."""
    total = 0
    for row in ids.tolist():
        run = 0
        while run < len(row) and row[-1 - run] == PAD:
            run += 1
        total += run if run > 1 else 0
    return total


@pytest.mark.parametrize("left", [False, True])
def test_labels_at_padding_are_counted(left: bool) -> None:  # noqa: FBT001 - a case of the table
    """On the right and on the left of rows of different lengths."""
    ids = _ids(left=left)
    found = _fact(ids, torch.where(ids == PAD, 11, ids))
    assert found["padded_labels"] == _naive(ids.flip(1) if left else ids)
    assert (found["padded_alike"], found["padding_elsewhere"]) == (1.0, 0.0)
    assert found["padding_lengths"] > 2


def test_the_first_id_of_a_row_is_no_label_of_padding() -> None:
    """Where labels are the next ids, the last padding before a row asks for it."""
    ids = _ids(left=True)
    following = torch.cat([ids[:, 1:], torch.full((ROWS, 1), 5)], 1)
    runs = [COLUMNS - row % 7 - 2 for row in range(ROWS)]
    found = _fact(ids, following)
    assert (found["padded_labels"], found["padded_alike"]) == (sum(run - 1 for run in runs if run > 1), 1.0)


def test_labels_that_are_left_out_are_not_counted() -> None:
    """The loss ignores them, so that nothing is told."""
    ids = _ids()
    assert _fact(ids, ids, counts=ids != PAD) == {}


def test_an_id_that_stands_elsewhere_too_is_told_as_such() -> None:
    """A background that is data: its share outside of the ends."""
    ids = _ids()
    ids[:, 0] = PAD
    inside = _naive(ids)
    assert _fact(ids, ids)["padding_elsewhere"] == pytest.approx(int((ids == PAD).sum() - inside) / inside)


def _share(tmp_path: Path, **changed: Any) -> Any:
    told = {"labels": 1000, "padded_labels": 600, "padded_alike": 1.0, "padding_elsewhere": 0.0, "padding_lengths": 5}
    return signals_of(tmp_path, steps=3, events=[event("labels", told | changed, "9/1")])["padded_label_share"]


def test_the_share_of_labels_at_padding(tmp_path: Path) -> None:
    """Over the labels that count."""
    assert _share(tmp_path) == 0.6


@pytest.mark.parametrize(
    "changed", [{"padding_elsewhere": 0.1}, {"padded_alike": 0.5}, {"padding_lengths": 1}, {"padded_labels": 0}]
)
def test_what_is_no_padding(tmp_path: Path, changed: dict[str, Any]) -> None:
    """An id that stands elsewhere, labels that differ, ends of one length, or none."""
    assert _share(tmp_path, **changed) == 0.0
