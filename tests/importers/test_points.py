"""Points of a file: which of two with the same step belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trainadvisor.importers.decode.printed_figures import as_float
from trainadvisor.importers.decode.tracked import TrackedRun
from trainadvisor.importers.foreign_logs import imported
from trainadvisor.importers.formats.delimited import _rows
from trainadvisor.importers.formats.tracker_stores import _table
from trainadvisor.importers.points import Point, _completes, _tells_another
from trainadvisor.importers.table import Table

if TYPE_CHECKING:
    from pathlib import Path

EVALUATED = Point(5, eval_loss=1.0, metrics={"acc": 0.5})


@pytest.mark.parametrize(
    ("point", "completes"),
    [
        (Point(5, metrics={"f1": 0.4}), True),
        (Point(5), True),
        (Point(5, metrics={"acc": 0.6}), False),
        (Point(5, eval_loss=2.0), False),
        (Point(6, metrics={"f1": 0.4}), False),
        (Point(5, loss=1.0, metrics={"f1": 0.4}), False),
        (Point(5, metrics={"f1": 0.4}, beside={"other": 1.0}), False),
    ],
)
def test_further_figures_of_an_evaluation_complete_it(point: Point, *, completes: bool) -> None:
    """At the same step, without a figure that it has already, and with nothing else."""
    assert _completes(point, EVALUATED) is completes


def test_a_point_after_one_that_evaluates_nothing_completes_nothing() -> None:
    """A first evaluation loss completes one of figures alone."""
    assert _completes(Point(5, metrics={"f1": 0.4}), Point(5, loss=1.0)) is False
    assert _completes(Point(5, eval_loss=2.0), Point(5, metrics={"acc": 0.5})) is True


@pytest.mark.parametrize(
    ("point", "last", "another"),
    [
        (Point(5, loss=1.0), Point(5, loss=1.0), True),
        (Point(5, loss=1.0), Point(4, loss=1.0), False),
        (Point(5, loss=1.0), Point(5), False),
        (Point(5), Point(5, loss=1.0), False),
    ],
)
def test_two_losses_of_one_step_are_of_two_processes(point: Point, last: Point, *, another: bool) -> None:
    """Where both tell one."""
    assert _tells_another(point, last) is another


@pytest.mark.parametrize(
    ("given", "read"),
    [("0.5", 0.5), ("tensor(0.5)", 0.5), ("word", None), (3, 3), (None, None), ("-inf", -float("inf"))],
)
def test_a_printed_number_is_read_wrapped_too(given: object, read: float | None) -> None:
    """What is no text stays as it is."""
    assert as_float(given) == read


def test_a_store_of_several_runs_says_which_is_judged() -> None:
    """One run needs no word; values that were left out are counted."""
    run = TrackedRun("second", steps={1: {"loss": 1.0}}, status="FINISHED", seconds={1: 2.0}, left_out=3)
    assert _table(run, ["first", "second"], "MLflow").notes == [
        "2 runs are there; the newest one with metrics is judged: second",
        "3 values could not be read or are beyond the limit and were left out",
    ]
    run.left_out = 0
    assert _table(run, ["second"], "MLflow").notes == []


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("step,loss\n1,2\n2,1\n", []),
        ("step,loss\n1,2\n2", ["the last line is torn and was left out"]),
        ("step,loss\n1\n2,1\n", ["1 lines have more or fewer cells than the header and were left out"]),
        (
            "step,loss\n1\n2,1\n3",
            [
                "the last line is torn and was left out",
                "1 lines have more or fewer cells than the header and were left out",
            ],
        ),
    ],
)
def test_a_torn_last_line_is_no_odd_one(tmp_path: Path, text: str, notes: list[str]) -> None:
    """Each is told on its own."""
    (tmp_path / "log.csv").write_text(text)
    table = Table("CSV", [])
    list(_rows(tmp_path / "log.csv", table))
    assert table.notes == notes


def test_a_short_table_says_nothing_of_points_that_were_left_out(tmp_path: Path) -> None:
    """Each of them is kept."""
    (tmp_path / "log.csv").write_text("step,loss\n" + "".join(f"{n},{9 - n}\n" for n in range(9)))
    _, notes = imported(tmp_path / "log.csv")
    assert [note for note in notes if "so many" in note] == []
