"""Tables of other tools step by step: which columns are what, which points are kept, which records they become."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from trainadvisor.importers import column_names, imported_records, points, thinning
from trainadvisor.importers.column_names import Columns
from trainadvisor.importers.field_values import as_float
from trainadvisor.importers.points import Point, Points
from trainadvisor.importers.table import Hints, Table

if TYPE_CHECKING:
    from pathlib import Path

NAN = math.nan


def chosen(*rows: dict[str, Any], **roles: str) -> Columns:
    """Return which columns are chosen of these rows."""
    return column_names.chosen(list(rows), Table("test", rows, roles=roles))


def test_the_plainest_column_of_a_role_is_chosen() -> None:
    """Unless another one has four times as many values; of a rate as many as there are groups."""
    rows = [{"step": n, "loss": 1.0, "train/loss": 2.0, "lr": 0.1, "val_loss": 3.0, "grad_norm": 1.0} for n in range(8)]
    found = chosen(*rows)
    assert (found.step, found.loss, found.eval_loss, found.lr, found.grad_norm) == (
        "step", ["loss"], ["val_loss"], ["lr"], "grad_norm",
    )  # fmt: skip
    for row in rows[1:]:
        del row["loss"]
    assert chosen(*rows).loss == ["train/loss"]


def test_parts_of_a_loss_stand_for_the_whole() -> None:
    """Where nothing says their sum; with it they are kept beside it."""
    parts = {"step": 1, "box_loss": 1.0, "cls_loss": 2.0}
    assert chosen(parts).loss == ["box_loss", "cls_loss"]
    whole = chosen(parts | {"loss": 3.0})
    assert (whole.loss, whole.beside) == (["loss"], {"box_loss", "cls_loss"})


@pytest.mark.parametrize(
    ("name", "value", "role"),
    [
        ("elbo", -3.0, "train_metric"), ("elbo", 3.0, "loss"), ("neg_elbo", -3.0, "loss"), ("loss", -3.0, "loss"),
        ("val_elbo", -3.0, "metric"),
    ],
)  # fmt: skip
def test_a_bound_that_is_negative_is_raised(name: str, value: float, role: str) -> None:
    """Where most of its values are, and nothing says that it is a loss nevertheless."""
    rows = [{name: value}, {name: value}, {name: -value}]
    assert column_names._role(name, rows) == column_names._role(name, [{}]) if role == "loss" else role
    assert (column_names._role(name, rows) in {"train_metric", "metric"}) is (role != "loss")


@pytest.mark.parametrize(
    ("name", "held_out", "alone"),
    [
        ("accuracy", set(), True), ("accuracy", {"val_accuracy"}, False), ("accuracy", {"val_f1"}, True),
        ("train_accuracy", set(), False),
    ],
)  # fmt: skip
def test_a_figure_without_a_word_for_its_data(name: str, held_out: set[str], *, alone: bool) -> None:
    """It is alone where no figure of held-out data is its twin."""
    assert column_names._is_alone(name, held_out) is alone


def test_columns_are_told() -> None:
    """Four of each at most, and only those that are there."""
    columns = Columns(step="step", loss=["a", "b", "c", "d"], lr=["e", "f", "g", "h", "i"])
    assert column_names.told(columns) == [
        "a + b + c + d = training loss", "e + f + g + h + ... = learning rate", "step = step",
    ]  # fmt: skip
    assert column_names.told(Columns()) == []
    assert [Columns(**given).useful for given in ({}, {"loss": ["a"]}, {"eval_loss": ["a"]}, {"metrics": {"a"}})] == [
        False, True, True, True,
    ]  # fmt: skip


@pytest.mark.parametrize(("count", "counts", "share"), [(4, {"a": 4}, 4), (3, {"a": 4}, 3), (1, {"a": 5}, 0)])
def test_how_often_a_column_is_filled(count: int, counts: dict[str, int], share: int) -> None:
    """In quarters of the fullest."""
    from collections import Counter

    assert column_names._share(count, Counter(counts)) == share


@pytest.mark.parametrize(
    ("given", "read"), [("1.5", 1.5), (2, 2), ("inf", math.inf), ("tensor(0.5)", 0.5), ("x", None), (None, None)]
)
def test_numbers_that_are_written_as_texts(given: object, read: object) -> None:
    """Others stay what they are."""
    assert as_float(given) == read


def test_records_that_look_alike_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every third of the common ones, all of the rare ones, and rare shapes together beyond a number of them."""
    thinner = thinning.Thinner(3)
    kept = [thinner.keeps(1) for _ in range(60)]
    assert kept == [n % 3 == 0 for n in range(60)]
    assert [thinner.keeps(2) for _ in range(5)] == [True, True, True, True, False]
    assert all(thinning.Thinner(1).keeps(1) for _ in range(5))
    monkeypatch.setattr(thinning, "MOST_SHAPES", 1)
    crowded = thinning.Thinner(2)
    assert [crowded.keeps(shape) for shape in (1, 2, 3, 2, 3)] == [True, True, False, True, False]


def test_only_large_files_are_thinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By how many times the limit they hold."""
    path = tmp_path / "log"
    path.write_bytes(b"x" * 25)
    assert (thinning.stride(path), thinning.told(path), thinning.told(tmp_path / "none")) == (1, [], [])
    monkeypatch.setattr(thinning, "UNTHINNED", 10)
    assert thinning.stride(path) == 2
    assert thinning.told(path) == ["the file is so large that one of 2 lines or events alike was read"]


COLUMNS = Columns(step="step", loss=["loss"], eval_loss=["val"], metrics={"f1"}, lr=["lr"])


def taken(*rows: dict[str, Any], columns: Columns = COLUMNS, run: int | None = None) -> Points:
    """Return the points of these rows."""
    made = Points(columns, run)
    made.take(rows)
    return made


def steps(made: Points) -> list[int]:
    """Return the steps of what is kept."""
    return [point.step for point in made.kept]


def trained(*numbers: int) -> list[dict[str, Any]]:
    """Return rows with a loss at these steps."""
    return [{"step": number, "loss": 1.0 + place / 8} for place, number in enumerate(numbers)]


@pytest.mark.parametrize(
    ("numbers", "kept", "counts"),
    [
        ((0, 1, 2), [0, 1, 2], (1, 0, 0)), ((0, 50, 100, 2), [2], (2, 0, 0)), ((0, 50, 100, 3),
        [0, 3, 50, 100], (1, 0, 1)),
        ((0, 50, 100, 50, 60), [0, 50, 60], (1, 1, 0)), ((0, 50, 100, 40), [0, 40, 50, 100], (1, 0, 1)),
        ((10, 20, 10), [10], (2, 0, 0)),
    ],
)  # fmt: skip
def test_steps_that_go_back(numbers: tuple[int, ...], kept: list[int], counts: tuple[int, int, int]) -> None:
    """To the beginning is another run, to a step that there was a checkpoint, anything else a row out of order."""
    made = taken(*trained(*numbers))
    assert (steps(made), (made.runs, made.repeated, made.unsorted)) == (kept, counts)


def test_one_of_several_runs_is_asked_for() -> None:
    """The first of three; without a number it is the last."""
    rows = trained(0, 1, 2, 0, 1, 0)
    assert [steps(taken(*rows, run=run)) for run in (1, 2, 3, None)] == [[0, 1, 2], [0, 1], [0], [0]]


def test_rows_that_say_the_same_are_one() -> None:
    """Another loss of a step counts twice; further figures of an evaluation complete it."""
    made = taken(*[{"step": 1, "loss": 1.0}] * 2, {"step": 1, "loss": 2.0})
    assert (made.doubles, made.told_twice, steps(made)) == (1, 1, [1, 1])
    made = taken({"step": 1, "val": 1.0}, {"step": 1, "f1": 0.5})
    assert [(point.eval_loss, point.metrics) for point in made.kept] == [(1.0, {"f1": 0.5})]
    made = taken({"step": 1, "f1": 0.5}, {"step": 1, "val": 1.0})
    assert [(point.eval_loss, point.metrics) for point in made.kept] == [(1.0, {"f1": 0.5})]


def test_every_second_point_of_very_many_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """And every evaluation."""
    monkeypatch.setattr(points, "MOST_POINTS", 4)
    made = taken(*trained(*range(5)), {"step": 5, "val": 1.0}, *trained(6, 7))
    assert (steps(made), made.stride) == ([1, 3, 5, 7], 2)


@pytest.mark.parametrize(
    ("row", "point"),
    [
        ({"step": 3, "loss": 1.0, "lr": 0.1}, Point(3, loss=1.0, rates=[0.1])), ({"step": 3, "other": 1.0}, None),
        ({"step": 3, "val": 2.0, "f1": 0.5}, Point(3, eval_loss=2.0, metrics={"f1": 0.5})),
        ({"step": 3, "reward": 1.0}, Point(3, metrics={"reward": 1.0})),
        ({"step": 3, "aux_loss": 1.0}, Point(3, beside={"aux_loss": 1.0})),
        ({"step": 3, "loss": 1.0, "reward": 2.0}, Point(3, loss=1.0, beside={"reward": 2.0})),
        ({"step": 3, "loss": 1.0, "epoch": math.inf}, Point(3, loss=1.0)),
        ({"step": 3, "loss": 1.0, "epoch": 2}, Point(3, epoch=2.0, loss=1.0)),
        ({"step": 3, "acc": 0.5, "loss": 1.0}, Point(3, loss=1.0, beside={"acc": 0.5})),
        ({"step": 3, "acc": 0.5, "loss": 1.0, "val": 2.0}, Point(3, loss=1.0, eval_loss=2.0, metrics={"acc": 0.5})),
    ],
)  # fmt: skip
def test_what_a_row_says(row: dict[str, Any], point: Point | None) -> None:
    """Figures alone are an evaluation, unless they are losses; those of unsaid data are so beside a held-out loss."""
    columns = Columns(step="step", epoch="epoch", loss=["loss"], eval_loss=["val"], metrics={"f1", "acc"}, lr=["lr"],
                      beside={"reward", "aux_loss"}, unsaid={"acc"})  # fmt: skip
    assert Points(columns)._point(row) == point


@pytest.mark.parametrize(
    ("row", "names", "total"),
    [
        ({"a": 1.0, "b": 2.0}, ["a", "b"], 3.0), ({"a": 1.0}, ["a", "b"], None), ({"a": 1.0}, ["a"], 1.0),
        ({"a": 1.0}, [], None), ({}, ["a"], None), ({"a": "nan"}, ["a"], NAN),
    ],
)  # fmt: skip
def test_parts_are_summed_where_all_are_there(row: dict[str, Any], names: list[str], total: float | None) -> None:
    """A single one stands for itself."""
    assert Points._summed(row, names) == (total if total is None else pytest.approx(total, nan_ok=True))


@pytest.mark.parametrize(
    ("losses", "place"),
    [
        ([1.0, NAN, NAN], 1), ([1.0, NAN, 1.0], None), ([NAN, 1.0, NAN], 2), ([1.0], None), ([NAN, None, NAN], 0),
        ([None, 1.0, math.inf], 2), ([], None),
    ],
)  # fmt: skip
def test_where_a_loss_breaks_for_good(losses: list[float | None], place: int | None) -> None:
    """The first of those that no finite one follows."""
    kept = [Point(number, loss=loss) for number, loss in enumerate(losses)]
    assert imported_records._broken_at(kept) == place
    events = [record for record in imported_records._told(kept) if record["record"] == "event"]
    assert [record["step"] for record in events] == ([] if place is None else [place])


@pytest.mark.parametrize(
    ("numbers", "every"), [((0, 10, 20), 10), ((0, 1, 2, 12), 1), ((0, 1, 11), 10), ((5,), None), ((), None)]
)
def test_how_far_points_lie_apart(numbers: tuple[int, ...], every: int | None) -> None:
    """As the median says, of points with a loss."""
    kept = [Point(number, loss=1.0) for number in numbers] + [Point(99, eval_loss=1.0)]
    assert imported_records._every(kept) == every


def test_records_of_points() -> None:
    """What is not known is left out; a number that is not finite is a word."""
    point = Point(3, epoch=1.9, loss=NAN, rates=[0.1, math.inf], grad_norm=2.0, accuracy=0.5, eval_loss=0.25,
                  metrics={"f1": 0.5}, beside={"box": 1.0, "loss": 9.0})  # fmt: skip
    assert imported_records._step(point) == {
        "record": "step", "step": 3, "box": 1.0, "loss": "nan", "grad_norm": 2.0, "accuracy": 0.5, "lr": [0.1, "inf"],
        "epoch": 1,
    }  # fmt: skip
    assert imported_records._evaluation(point) == {
        "record": "eval", "step": 3, "mode": "eval", "epoch": 1, "loss": 0.25, "metrics": {"f1": 0.5},
    }  # fmt: skip
    assert imported_records._step(Point(3)) == {"record": "step", "step": 3}
    assert imported_records._evaluation(Point(3)) == {"record": "eval", "step": 3, "mode": "eval"}
    assert [record["record"] for record in imported_records._told([point, Point(4, beside={"a": 1.0}), Point(5)])] == [
        "event",
        "step", "eval", "step",
    ]  # fmt: skip


def test_a_loss_of_zero_beside_a_broken_gradient_was_broken() -> None:
    """Where its writer takes NaN out."""
    kept = [Point(0, loss=0.0, grad_norm=NAN), Point(1, loss=0.0, grad_norm=1.0), Point(2, loss=0.0),
            Point(3, loss=1.0, grad_norm=NAN)]  # fmt: skip
    imported_records._uncover(kept)
    assert [str(point.loss) for point in kept] == ["nan", "0.0", "0.0", "1.0"]


def test_short_settings_are_kept() -> None:
    """Numbers and words; no text, no list."""
    config = {"a": 1, "b": "x" * 99, "c": "x" * 100, "d": [1], "e": True, **{f"n{n}": n for n in range(200)}}
    kept = imported_records._plain(config)
    assert (len(kept), "b" in kept, "c" in kept, "d" in kept, kept["e"]) == (100, True, False, False, True)


@pytest.mark.parametrize(
    ("rows", "hints", "said"),
    [
        (trained(0, 1), {}, {"unit": "step", "every": 1, "runs": 1, "run": 1}),
        ([{"epoch": n, "loss": 1.0} for n in (1, 2)], {"classes": 4}, {"unit": "epoch", "classes": 4}),
        ([{"loss": 1.0}] * 2, {"loss": "mse"}, {"unit": "row", "loss": "mse"}),
        (trained(0, 1, 0, 1), {"run": 1}, {"runs": 2, "run": 1}),
        (trained(0, 1, 0, 1), {}, {"runs": 2, "run": 2}),
    ],
)
def test_the_header_of_an_import(rows: list[dict[str, Any]], hints: dict[str, Any], said: dict[str, Any]) -> None:
    """Its unit, how far points lie apart, which run of how many, and what the user has said."""
    found, _ = imported_records.records(Table("test", rows), Hints(**hints))
    told = found[0]["imported"]
    assert {name: told[name] for name in said} == said
    assert ("planned_steps" in found[0], found[-1]["record"]) == (False, "step")


def test_the_end_of_an_import() -> None:
    """What the file tells of it, and what was planned."""
    found, _ = imported_records.records(Table("test", trained(0, 1), planned_steps=9, ended="failed"))
    assert (found[0]["planned_steps"], found[-1]) == (9, {"record": "end", "reason": "exception"})


@pytest.mark.parametrize(
    ("numbers", "run", "said"),
    [
        ((0, 1), 2, "--run 2: the log holds a single run"),
        ((0, 1, 0), 3, "--run 3: the log holds 2 runs; name one from 1 to 2"),
        ((0, 1, 0), 0, "--run 0: the log holds 2 runs; name one from 1 to 2"),
    ],
)
def test_a_run_that_is_not_there(numbers: tuple[int, ...], run: int, said: str) -> None:
    """The message tells how many there are."""
    with pytest.raises(imported_records.NoSuchRunError, match=said.replace("-", r"\-")):
        imported_records.records(Table("test", trained(*numbers)), Hints(run=run))


def test_what_was_left_out_is_told() -> None:
    """Each in one sentence, and only what happened."""
    rows = [*trained(0, 50, 100, 50, 60), {"step": 60, "loss": 1.5}, {"step": 60, "loss": 7.0}, *trained(55)]
    _, notes = imported_records.records(Table("test", rows))
    assert notes == [
        "columns: loss = training loss; step = step",
        "1 rows were written twice and are counted once",
        (
            "1 rows tell another loss of the step before them (several processes, or a part of a step); "
            "all are taken as points"
        ),
        "the training went back to an earlier step 1 times (from a checkpoint)",
        "1 rows were out of order and were sorted",
    ]
    assert imported_records.records(Table("test", trained(0, 1)))[1] == ["columns: loss = training loss; step = step"]
    runs = imported_records.records(Table("test", trained(0, 1, 0)))[1]
    assert runs[1] == "the file holds 2 runs one after the other; the last one is judged (--run N picks another)"
