"""The rows of a table that a script prints, each as whoever reads its head would take it."""

from __future__ import annotations

import pytest

from trainadvisor.record.printed_tables import PrintedTables


@pytest.mark.parametrize(
    ("head", "row", "told"),
    [
        ("| epoch | train_loss | val_acc |", "| 1 | 0.5 | 90.1% |", "epoch: 1, train_loss: 0.5, val_acc: 90.1"),
        ("epoch   train loss   val mIoU", "    1   0.51    0.9", "epoch: 1, train loss: 0.51, val mIoU: 0.9"),
        ("ep val_f1 loss", "3 0.5 1e-3", "ep: 3, val_f1: 0.5, loss: 1e-3"),
        ("step\tloss\tacc\ttime", "10\t0.5\t0.7\t3s", "step: 10, loss: 0.5, acc: 0.7"),
    ],
)
def test_a_row_gets_the_names_of_its_head(head: str, row: str, told: str) -> None:
    """Whatever parts its cells, and whatever line is drawn between."""
    tables = PrintedTables()
    assert [tables.told(line) for line in (head, "|---|---|", row)] == [head, "|---|---|", told]


@pytest.mark.parametrize(
    ("before", "line"),
    [
        ("The accuracy is", "1 0.5 0.9"),
        ("epoch | val_acc", "1 | 0.5 | 0.9"),
        ("epoch | val_acc", "best | 0.9"),
        ("epoch: 3 loss", "1 0.5 0.9"),
        ("epoch val_acc", "val acc: 0.9"),
    ],
)
def test_other_lines_stay_as_they_are(before: str, line: str) -> None:
    """A sentence is no head; a row has as many cells and begins with a number; what has its names keeps them."""
    tables = PrintedTables()
    assert [tables.told(before), tables.told(line)] == [before, line]
