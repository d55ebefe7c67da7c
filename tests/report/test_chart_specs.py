"""What each chart of a page draws, in plain numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from trainadvisor.report.html import chart_specs
from trainadvisor.report.html.languages import Languages

if TYPE_CHECKING:
    from trainadvisor.report.html.chart_specs import Curve, Spec

LANGS = Languages(["en"])


def curve(*values: float | None, **more: Any) -> Curve:
    """Return a curve of one value a step."""
    return {"x": list(range(len(values))), "y": list(values), **more}


def drawn(name: str, series: dict[str, Curve], run: dict[str, Any] | None = None, **more: Any) -> Spec:
    """Return one chart of a page."""
    marks = {"nonfinite": [], "best": None}
    curves = {"series": series, "marks": marks, "heat": {}, **more}
    return next(spec for spec in chart_specs.specs(curves, run or {}, LANGS) if spec["id"] == name)


def lines(spec: Spec) -> list[tuple[str, list[float | None], int, str]]:
    """Return what each line is called, its values, its color and how it is drawn."""
    return [(line["name"]["en"], line["y"], line["color"], line["style"]) for line in spec["lines"]]


def test_charts_that_a_recording_fills_keep_their_place() -> None:
    """The others are left out where nothing was recorded."""
    curves = {"series": {}, "marks": {"nonfinite": [], "best": None}, "heat": {}}
    assert [spec["id"] for spec in chart_specs.specs(curves, {}, LANGS)] == ["loss", "grad", "lr", "update", "time"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"grad_norm": curve(1.0)}, [("before clipping", [1.0], 0, "main")]),
        ({"clip_norm": curve(2.0)}, [("as clipping saw it", [2.0], 0, "main")]),
        (
            {"grad_norm": curve(1.0), "clip_norm": curve(2.0), "clip_max": curve(3.0)},
            [("before clipping", [1.0], 0, "main"), ("clip threshold", [3.0], 1, "dash")],
        ),
        (
            {"grad_norm": curve(1.0), "grad_norm.0": curve(4.0, player="G"), "grad_norm.1": curve(5.0, player="D"),
             "clip_norm.0": curve(6.0, player="G"), "loss.0": curve(7.0, player="G")},
            [("G", [4.0], 0, "main"), ("D", [5.0], 1, "main")],
        ),
        ({"clip_norm.0": curve(6.0, player="G")}, [("G", [6.0], 0, "main")]),
        ({"grad_norm.0": curve(6.0)}, []),
        (
            {"grad_norm": curve(1.0, 3.0, mean=curve(2.0))},
            [("before clipping", [1.0, 3.0], 0, "raw"), ("before clipping, mean", [2.0], 0, "main")],
        ),
    ],
)  # fmt: skip
def test_gradients(given: dict[str, Curve], shown: Any) -> None:
    """One norm before clipping; of players the norms of each, those of the clipping only where there are no others."""
    assert lines(drawn("grad", given)) == shown


@pytest.mark.parametrize(("values", "log"), [([1.0, None, 2.0], True), ([1.0, 0.0], False), ([1.0, -1.0], False)])
def test_gradients_are_logarithmic_where_all_are_positive(values: list[float | None], log: bool) -> None:  # noqa: FBT001 - a table
    """Zero has no logarithm."""
    assert drawn("grad", {"grad_norm": curve(*values)})["log"] is log


@pytest.mark.parametrize(
    ("values", "log"),
    [([1.0, 20.0], False), ([1.0, 20.1], True), ([0.0, 30.0], False), ([None], False), ([None, 1.0, 21.0], True)],
)
def test_a_loss_of_a_wide_range_is_logarithmic(values: list[float | None], log: bool) -> None:  # noqa: FBT001 - a table
    """From more than twenty times the least on."""
    assert drawn("loss", {"val.loss": curve(*values)})["log"] is log


def test_loss_and_validation() -> None:
    """The raw curve, its smoothed one in the same color, and the validation in points with its best mark."""
    marks = {"nonfinite": [3], "best": {"step": 1, "loss": 0.123456}}
    spec = drawn("loss", {"loss": curve(3.0, 1.0), "val.loss": curve(2.0, 0.5)}, {"val_noise": 0.0123456}, marks=marks)
    assert lines(spec) == [
        ("training", [3.0, 1.0], 0, "raw"), ("training, smoothed", [3.0, 1.0], 0, "main"),
        ("validation", [2.0, 0.5], 1, "points"),
    ]  # fmt: skip
    assert [line.get("smooth") for line in spec["lines"]] == [None, True, None]
    assert (spec["rug"], spec["xs"], [line["x"] for line in spec["lines"]]) == ([3], [[0, 1]], [0, 0, 0])
    assert [(mark["x"], mark["y"]) for mark in spec["marks"]] == [(1, 0.1235)]
    assert spec["noise"] == {"line": 2, "value": 0.01235}


@pytest.mark.parametrize("noise", [0, 0.5, 0.6, None, "unknown"])
def test_chance_as_large_as_the_loss_is_no_band(noise: object) -> None:
    """Nor is none."""
    assert "noise" not in drawn("loss", {"val.loss": curve(None, 0.5, 2.0)}, {"val_noise": noise})


def test_without_a_validation_there_is_no_best_mark() -> None:
    """It is that of the validation."""
    marks = {"nonfinite": [], "best": {"step": 1, "loss": 0.1}}
    assert drawn("loss", {"loss": curve(3.0, 1.0)}, {"val_noise": 0.01}, marks=marks)["marks"] == []


def test_losses_of_players() -> None:
    """Each in its own color, the validation in the next."""
    series = {"loss.0": curve(1.0, player="G"), "loss.1": curve(2.0, player="D"), "val.loss": curve(3.0)}
    assert [(*line[:1], line[2]) for line in lines(drawn("loss", series))] == [
        ("G", 0), ("G, smoothed", 0), ("D", 1), ("D, smoothed", 1), ("validation", 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ([curve(0.1)], ["learning rate"]),
        ([curve(0.1), curve(0.2)], ["group 0", "group 1"]),
        ([curve(0.1), curve(0.2, player="D")], ["group 0", "D"]),
    ],
)
def test_learning_rates(given: list[Curve], names: list[str]) -> None:
    """Numbered where there are several groups, called after a player where one has it."""
    spec = drawn("lr", {f"lr.{place}": line for place, line in enumerate(given)})
    assert [(line[0], line[2]) for line in lines(spec)] == [(name, place) for place, name in enumerate(names)]


def heat(*rows: list[Any], names: list[str] | None = None) -> dict[str, Any]:
    """Return the update ratios of layers at two sampled steps."""
    return {"update": {"steps": [0, 10], "names": names or [f"l{n}" for n in range(len(rows))], "rows": rows}}


def test_updates_of_few_layers_are_drawn_each() -> None:
    """One that never moved is left out, and so is one without numbers."""
    spec = drawn("update", {}, heat=heat([0.1, 0.2], [0.0, 0.0], [None, "inf"], [0.3, None]))
    assert lines(spec) == [("l0", [0.1, 0.2], 0, "main"), ("l3", [0.3, None], 3, "main")]
    assert (spec["band"], spec["log"], spec["xs"]) == ([1e-4, 1e-2], True, [[0, 10]])


def test_updates_of_many_layers_are_the_medians_of_thirds() -> None:
    """Six make three pairs, told by their first and last names, of which the larger value is the median."""
    spec = drawn("update", {}, heat=heat(*([float(n), n / 10] for n in range(1, 7))))
    assert [line[1] for line in lines(spec)] == [[2.0, 0.2], [4.0, 0.4], [6.0, 0.6]]
    assert [line[0] for line in lines(spec)] == ["layers l0 .. l1", "layers l2 .. l3", "layers l4 .. l5"]
    assert len(drawn("update", {}, heat=heat(*[[1.0, 1.0]] * 5))["lines"]) == 5


@pytest.mark.parametrize(("length", "shown"), [(24, "x" * 24), (25, "\u2026" + "x" * 24)])
def test_of_a_long_name_the_end_is_shown(length: int, shown: str) -> None:
    """It tells layers apart."""
    assert drawn("update", {}, heat=heat([1.0, 1.0], names=["x" * length]))["lines"][0]["name"] == {"en": shown}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"accuracy": curve(0.5)}, [("training accuracy", [0.5], 0, "main")]),
        ({"accuracy": curve(0.5), "accuracy.0": curve(0.7, player="D")},
         [("training accuracy of D", [0.7], 0, "main")]),
        ({"metric.f1": curve(0.3)}, [("validation f1", [0.3], 1, "points")]),
        (
            {"accuracy": curve(0.5), "metric.f1": curve(0.3), "metric." + "m" * 41: curve(0.2)},
            [("training accuracy", [0.5], 0, "main"), ("validation f1", [0.3], 1, "points"),
             (f"validation {'m' * 40}", [0.2], 2, "points")],
        ),
    ],
)  # fmt: skip
def test_accuracies_and_metrics(given: dict[str, Curve], shown: Any) -> None:
    """Metrics are points in the colors after that of an accuracy; the axis is never logarithmic."""
    spec = drawn("accuracy", given)
    assert lines(spec) == shown
    assert spec["log"] is False


def test_times_are_milliseconds() -> None:
    """The waiting for data is an area; the axis is that of the steps."""
    seconds = curve(0.0123456, None, 1.0, quantiles=[0.1, 0.2], mean=curve(0.5))
    spec = drawn("time", {"seconds": seconds, "wait": curve(0.001)})
    assert [line[1:] for line in lines(spec)] == [
        ([12.35, None, 1000.0], 0, "raw"), ([500.0], 0, "main"), ([1.0], 1, "area"),
    ]  # fmt: skip
    assert (spec["unit"], spec["log"], spec["quantiles"]) == ("ms", True, [0.1, 0.2])


def test_memory() -> None:
    """One line, in megabytes."""
    spec = drawn("memory", {"memory": curve(1.0, 40.0)})
    assert ([line[1:] for line in lines(spec)], spec["unit"], spec["log"]) == ([([1.0, 40.0], 0, "main")], "MB", True)


def test_charts_across_runs_have_one_line_a_run() -> None:
    """In the color of the run's place, called by its letter; means where points were left out, times in ms."""
    one = {"loss": curve(1.0, 2.0), "seconds": curve(0.002, mean=curve(0.004))}
    other = {"loss": curve(9.0, mean=curve(3.0)), "val.loss": curve(5.0)}
    specs = {spec["id"]: spec for spec in chart_specs.across({"A": one, "B": other}, LANGS)}
    assert {name: lines(spec) for name, spec in specs.items()} == {
        "training": [("A", [1.0, 2.0], 0, "main"), ("B", [3.0], 1, "main")],
        "validation": [("B", [5.0], 1, "points")],
        "time": [("A", [4.0], 0, "main")],
    }
    assert [spec.get("unit") for spec in specs.values()] == [None, None, "ms"]


@pytest.mark.parametrize(("count", "averaged"), [(60, False), (61, False), (80, True)])
def test_a_dense_loss_of_a_run_is_averaged(count: int, averaged: bool) -> None:  # noqa: FBT001 - a table
    """Each forty points more make the window one wider; a window of one changes nothing."""
    values = [float(n % 2) for n in range(count)]
    (spec,) = chart_specs.across({"A": {"loss": curve(*values)}}, LANGS)
    assert (spec["lines"][0]["y"] != values) is averaged
