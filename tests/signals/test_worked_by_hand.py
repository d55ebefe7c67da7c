"""Small functions of signals, each against numbers that can be worked out by hand, at and beside their limits."""

# ruff: noqa: FBT001 - what is expected of a table is a truth

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import build_log, event, make_loss, make_model

from trainadvisor.log.reader import read_log
from trainadvisor.signals import (
    Signals,
    curves,
    label_places,
    losses,
    model_arguments,
    model_outputs,
    sequence_axes,
    shapes,
    shared_rows,
    siblings,
    trivial_predictor,
    unlearned_parts,
)

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.log.contents import RunLog


def log_of(folder: Path, **parts: Any) -> RunLog:
    """Return a log of some steps and facts."""
    return read_log(build_log(folder, **parts))


ROWS = {"looked_at": 64, "times": 5, "found": 64, "same_examples": 0.0, "pairs": 64_000, "equal": 1, "trained_rows": 64,
        "by_loader": True, "whole_batches": 0, "new_batches": 0, "training_loader": False, "calls": 10,
        "word": "held-out", "in_train_mode": 10, "after": 40}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "chance"),
    [
        ({}, (1 + 3) / 64_000 * 64),
        ({"pairs": 0}, 1.0),
        ({"real_rows": 64}, 0.0),
        ({"real_rows": 0, "equal": 5}, (5 + 3) / 64_000 * 64),
    ],
)
def test_how_many_rows_are_alike_by_chance(changed: dict[str, Any], chance: float) -> None:
    """Three more than were seen among pairs, for each row that was trained on; none of measured numbers."""
    assert shared_rows._chance(ROWS | changed) == pytest.approx(chance)


@pytest.mark.parametrize(
    ("changed", "share"),
    [
        ({}, 1.0), ({"found": 32}, 0.5), ({"pairs": 0}, 0.0), ({"pairs": 0, "same_examples": 0.75}, 0.75),
        ({"same_examples": 0.25, "found": 32}, 0.5), ({"found": 1}, 0.0),
        ({"by_loader": False, "whole_batches": 1, "new_batches": 1}, 0.0),
        ({"by_loader": False, "whole_batches": 1}, 1.0), ({"by_loader": False, "new_batches": 1}, 1.0),
        ({"whole_batches": 1, "new_batches": 1}, 1.0),
    ],
)  # fmt: skip
def test_share_of_an_evaluation_that_was_trained_on(changed: dict[str, Any], share: float) -> None:
    """What is certain of it: nothing where one line evaluates both splits."""
    assert shared_rows.share_of(ROWS | changed) == share


@pytest.mark.parametrize(
    ("changed", "mistaken"),
    [
        ({}, True), ({"in_train_mode": 5}, False), ({"in_train_mode": 6}, True), ({"word": "train"}, False),
        ({"after": 9}, False), ({"after": 10}, True), ({"times": 1}, False), ({"word": None}, False),
        ({"word": None, "found": 0}, True), ({"word": None, "found": 0, "same_examples": 0.1}, False),
        ({"word": None, "found": 0, "pairs": 0}, False), ({"word": None, "found": 0, "looked_at": 1}, False),
    ],
)  # fmt: skip
def test_evaluations_in_train_mode(changed: dict[str, Any], mistaken: bool) -> None:
    """More than half of the calls, at most every second step, more than once, on rows held out by name or new."""
    assert shared_rows._mistaken(ROWS | changed) is mistaken


def test_the_largest_of_several_leaks_is_told(tmp_path: Path) -> None:
    """Of two validations that were trained on, one wholly and one by half."""
    half = ROWS | {"found": 32}
    log = log_of(tmp_path, steps=40, events=[event("shared-rows", ROWS, "a"), event("shared-rows", half, "b")])
    assert Signals(log)["leaked_share"] == 1.0


PARAMETERS = [
    {"name": "net.experts.0.weight", "shape": [8, 4]}, {"name": "net.experts.1.weight", "shape": [8, 4]},
    {"name": "net.gate.weight", "shape": [2, 4]}, {"name": "net.gate.bias", "shape": [2]},
    {"name": "other.head.weight", "shape": [3, 8]},
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "count", "chosen"),
    [("net.experts", 2, True), ("net.experts", 3, False), ("net.experts", 8, False), ("other.experts", 3, True)],
)
def test_a_router_has_an_output_for_each_module(name: str, count: int, chosen: bool) -> None:
    """It stands beside the list, under the same parent."""
    assert siblings._chosen(PARAMETERS, name, count) is chosen


@pytest.mark.parametrize(
    ("first", "second", "times"),
    [([32], [32, 1], 32.0), ([32, 1], [32, 1], 1.0), ([4, 1], [1, 4], 4.0), ([3], [4], 1.0), ([], [5], 1.0)],
)
def test_how_much_broadcasting_expands(first: list[int], second: list[int], times: float) -> None:
    """The size of the result by that of the larger side; shapes that do not fit expand nothing."""
    assert shapes.expansion(first, second) == times


def test_labels_that_a_best_path_emits(tmp_path: Path) -> None:
    """The most of any sample after the first quarter, where there are enough; nothing of a log without the column."""
    ctc = [{"id": 0, "name": "ctc", "kind": "ctc_loss", "phase": "train", "target": {}, "prediction": {}}]
    columns = {"loss": [1.0] * 41, "ctc_emitted": [9.0] * 10 + [0.5, 0.75] + [0.25] * 29}
    assert Signals(log_of(tmp_path, columns=columns, losses=ctc))["ctc_emitted"] == 0.75
    del columns["ctc_emitted"]
    assert Signals(log_of(tmp_path, columns=columns, losses=ctc))["ctc_emitted"] is None
    other = [make_loss("mse_loss")]
    assert Signals(log_of(tmp_path, columns=columns, losses=other))["ctc_emitted"] == 1.0


LOSS = {"id": 0, "kind": "binary_cross_entropy_with_logits", "weighted": True, "weights": [3.0], "reduction": "mean"}
TARGET = {"mean": 0.25, "integer": True, "shape": [32]}


@pytest.mark.parametrize(
    ("changed", "target", "least"),
    [
        ({}, {}, (0.75 + 0.75) * math.log(2)),
        ({}, {"shape": [32, 1]}, (0.75 + 0.75) * math.log(2)),
        ({}, {"shape": [32, 2]}, None), ({}, {"shape": [32, 1, 1]}, None), ({"weights": [3.0, 1.0]}, {}, None),
        ({"kind": "binary_cross_entropy"}, {}, None), ({"weighted": False}, {"mean": 0.5}, math.log(2)),
        ({"weighted": False}, {"entropy_columns": 0.4}, 0.4), ({}, {"mean": 0.0}, None), ({}, {"mean": 1.0}, None),
        ({}, {"mean": None}, None), ({}, {"integer": False}, None),
        ({}, {"integer": False, "floor": 0.1}, (0.75 + 0.75) * math.log(2)),
    ],
)  # fmt: skip
def test_least_binary_loss_of_a_constant(changed: dict[str, Any], target: dict[str, Any], least: float | None) -> None:
    """With a weight w for positives among a share m of them: (w m + 1 - m) times the entropy of both parts."""
    told = trivial_predictor._binary({**LOSS, **changed, "target": {**TARGET, **target}})
    assert told == (None if least is None else pytest.approx(least))


def test_least_binary_loss_is_that_of_the_best_constant() -> None:
    """Searched over constants, for other weights and shares."""
    for weight, mean in ((0.5, 0.3), (4.0, 0.9), (1.0, 0.5)):
        outputs = np.linspace(-9, 9, 200_001)
        naive = weight * mean * np.log1p(np.exp(-outputs)) + (1 - mean) * np.log1p(np.exp(outputs))
        told = trivial_predictor._binary({**LOSS, "weights": [weight], "target": {**TARGET, "mean": mean}})
        assert told == pytest.approx(naive.min(), rel=1e-6)


@pytest.mark.parametrize(
    ("target", "full", "least"),
    [
        ({"mean": 3.0, "floor": 0.0}, False, 3 - 3 * math.log(3)), ({"mean": 3.0, "floor": 0.0}, True, None),
        ({"mean": 0.0, "floor": 0.0}, False, None), ({"mean": 3.0}, False, None), ({}, False, None),
    ],
)  # fmt: skip
def test_least_loss_of_a_constant_rate(
    target: dict[str, Any],
    full: bool,
    least: float | None,
) -> None:
    """The Poisson loss m - m ln m."""
    told = trivial_predictor._counts({"target": target, "full": full})
    assert told == (None if least is None else pytest.approx(least))
    assert trivial_predictor._robust({"target": {"deviation": 0.5}}) == 0.5


def test_a_part_stands_for_a_sum_that_it_nearly_is() -> None:
    """In nearly every step in which both are known."""
    sums = np.array([1.0] * 20)
    assert trivial_predictor._stands_for(sums, sums) is True
    assert trivial_predictor._stands_for(sums, sums / 2) is False
    assert trivial_predictor._stands_for(sums, sums * np.nan) is False
    assert trivial_predictor._stands_for(np.array([1.0, np.nan]), np.array([1.0, 5.0])) is True
    assert trivial_predictor._stands_for(sums, np.array([1.0] * 10 + [0.5] * 10)) is False


NOISY = {"numbers": 1000, "both_square": 400.0, "input_square": 1000.0, "target_square": 1000.0, "target_sum": 0.0}


@pytest.mark.parametrize(
    ("name", "changed", "denoises"),
    [
        ("x", {}, True), ("x", {"numbers": 0}, False), ("x", {"input_square": 0.0}, False),
        ("x", {"target_square": 0.0}, False), ("x", {"both_square": 40.0}, False), ("x", {"both_square": 60.0}, True),
        ("x", {"both_square": -60.0}, True), ("x", {"target_sum": 900.0}, False), ("x", {"target_sum": -900.0}, False),
        ("x", {"target_square": 9000.0, "both_square": 9000.0}, False), ("timestep", {"both_square": 0.0}, True),
        ("timestep", {"numbers": 0}, False),
    ],
)  # fmt: skip
def test_arguments_that_are_noise_levels(name: str, changed: dict[str, Any], denoises: bool) -> None:
    """By their name, or because the target is noise of mean 0 and variance 1 that lies in the input."""
    assert model_arguments._denoises(name, NOISY | changed) is denoises


@pytest.mark.parametrize(
    ("low", "high", "constant"), [(0, 0, True), (0, 1, False), (None, None, False), (0.5, 0.5, True)]
)
def test_an_argument_that_never_varies(low: float | None, high: float | None, constant: bool) -> None:
    """Its least value is its largest."""
    assert model_arguments._is_constant({"low": low, "high": high}) is constant


def lost(folder: Path, kind: str, spreads: list[float], high: float) -> Any:
    """Return the layer that loses a time step between 0 and `high`; three layers, the middle one of a kind."""
    detail = {**NOISY, "batches": 99, "examples": 9999, "low": 0, "high": high}
    kinds = zip("abc", ("linear", kind, "linear"), strict=True)
    rows = [{"name": name, "kind": kind, "layer": name} for name, kind in kinds]
    table = event("table", {"id": 0, "model": 0, "rows": rows})
    layers = [{"step": step, "table": 0, "act_spread": spreads} for step in range(12)]
    model = make_model(("a", "linear", 4, 4), ("b", kind), ("c", "linear", 4, 1))
    log = log_of(folder, steps=40, events=[event("argument", detail, "timestep"), table], layers=layers, models=[model],
                 losses=[make_loss("mse_loss")])  # fmt: skip
    return Signals(log)["timestep_lost_layer"]


@pytest.mark.parametrize(
    ("kind", "spreads", "high", "layer"),
    [
        ("linear", [1.0, 1.0, 1.0], 9, "none"), ("linear", [1.0, 0.0, 1.0], 9, "b"),
        ("relu", [1.0, 0.0, 1.0], 9, "none"),
        ("linear", [1.0, 0.0, 0.0], 9, "b"), ("linear", [1.0, 1.0, 0.0], 9, "c"),
        ("linear", [1.0, 0.0, 1.0], 0, "none"),
        ("linear", [1.0, math.nan, 1.0], 9, None),
    ],
)  # fmt: skip
def test_the_layer_that_loses_a_time_step(
    tmp_path: Path, kind: str, spreads: list[float], high: float, layer: str | None
) -> None:
    """The first with weights whose results are the same for all examples, where the time step varies."""
    assert lost(tmp_path, kind, spreads, high) == layer


ROW = {
    "loader": None,
    "time": 20,
    "batch": 32,
    "input_shape": [32, 20, 4],
    "output_shape": [32, 5],
    "target_shape": [32],
}


@pytest.mark.parametrize(
    ("changed", "count"),
    [
        ({}, 32), ({"loader": 64}, 64), ({"input_shape": None}, None), ({"output_shape": [20, 5]}, None),
        ({"output_shape": [32, 32]}, None), ({"target_shape": None}, None), ({"target_shape": [20]}, None),
        ({"target_shape": [32, 32]}, None), ({"target_shape": [32, 5]}, 32),
    ],
)  # fmt: skip
def test_how_many_examples_a_model_was_given(changed: dict[str, Any], count: int | None) -> None:
    """By the loader, or where input, answer and target agree in their first dimension and the batch stands nowhere."""
    assert sequence_axes.examples_of(ROW | changed) == count
    assert sequence_axes._is_right(ROW | changed) is (count == 32)


@pytest.mark.parametrize(
    ("changed", "mixed"),
    [
        ({}, False), ({"time": 32, "batch": 20}, True), ({"time": 32, "batch": 1}, False), ({"time": 32}, False),
        ({"loader": 1, "time": 1, "batch": 20}, False), ({"loader": 2, "time": 2, "batch": 20}, True),
    ],
)  # fmt: skip
def test_time_that_follows_the_examples(changed: dict[str, Any], mixed: bool) -> None:
    """And a batch of another size than one."""
    assert sequence_axes._is_mixed(ROW | changed) is mixed


@pytest.mark.parametrize(
    ("batch", "time", "given", "cannot"),
    [(20, 32, [], True), (64, 32, [], False), (64, 32, [32, 64, 4], True), (64, 32, [64, 32, 4], False)],
)
def test_a_batch_that_holds_no_examples(batch: int, time: int, given: list[int], cannot: bool) -> None:
    """It is no multiple of their number, or the input's second axis."""
    assert sequence_axes._cannot_hold({"batch": batch, "time": time, "input_shape": given}) is cannot


@pytest.mark.parametrize(
    ("first", "last", "share"),
    [((30, 70), (1, 99), 0.3), ((70, 30), (1, 99), 0.3), ((100, 0), (20, 80), 0.2), ((100, 0), (100, 0), 0.0)],
)
def test_the_rarer_kind_at_the_edges(
    tmp_path: Path, first: tuple[int, int], last: tuple[int, int], share: float
) -> None:
    """Of first places, or of last ones where no first place counts."""
    sides = {f"left_out_{edge}_{side}": count
             for edge, counts in (("first", first), ("last", last))
             for side, count in zip(("ignored", "counted"), counts, strict=True)}  # fmt: skip
    assert label_places._rarer(sides, "first") == min(first) / sum(first)
    assert label_places._rarer({}, "first") == 0.0
    detail = {"labels": 4000, "left_out_places": 800, "left_out_ignored": 200, **sides}
    log = log_of(tmp_path, steps=40, events=[event("labels", detail, "0/0")])
    signals = Signals(log)
    if label_places._left_out(log):
        assert signals["left_out_edge_share"] == share
        assert signals["left_out_share"] == 0.25


@pytest.mark.parametrize(
    ("ops", "logs"),
    [
        (["NllLossBackward0", "LogBackward0", "AddmmBackward0"], True),
        (["NllLossBackward0", "LogBackward0", "AddBackward0", "AddmmBackward0"], True),
        (["NllLossBackward0", "LogBackward0", "SoftmaxBackward0", "AddmmBackward0"], False),
        (["NllLossBackward0", "AddmmBackward0"], False), (["LogBackward0"], False), ([], False),
    ],
)  # fmt: skip
def test_logarithms_of_scores(ops: list[str], logs: bool) -> None:
    """Of a linear layer's results, with nothing in between that makes them positive."""
    assert losses._logs_of_scores({"graph": {"ops": ops}}) is logs


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        (["rewards/chosen"], "preference"), (["reward"] , "reinforcement"), (["loss_D", "loss_G"], "adversarial"),
        (["accuracy"], "supervised"),
    ],
)  # fmt: skip
def test_what_columns_say_of_a_training(tmp_path: Path, columns: list[str], kind: str) -> None:
    """By names that only such trainings have; a reward is one, where enough of it is known."""
    given = {name: [0.5 + 0.01 * n for n in range(40)] for name in ("loss", *columns)}
    log = log_of(tmp_path, columns=given, source="import")
    assert Signals(log)["curve_kind"] == kind
    if "reward" in columns:
        steps, values = curves.reward(log)
        assert steps.tolist() == list(range(40))
        assert values.tolist() == given["reward"]


def test_norms_that_are_not_finite_at_the_end(tmp_path: Path) -> None:
    """As many as the importer has counted; 0 of an import with finite ones, unknown of other logs."""
    counted = event("nonfinite-gradients", {"count": 9, "points": 40}, "grad_norm")
    columns = {"loss": [1.0] * 40, "grad_norm": [1.0] * 40}

    def dead(**parts: Any) -> Any:
        return Signals(log_of(tmp_path, columns=columns, **parts))["curve_dead_norms"]

    assert dead(source="import", events=[counted]) == 9
    assert dead(source="import") == 0
    assert dead(events=[counted]) is None


@pytest.mark.parametrize(
    ("kinds", "unit"),
    [
        ([("mse_loss", 0.0), ("l1_loss", 2.0)], 2.0),
        ([("mse_loss", 0.0)], None),
        ([("mse_loss", 4.0), ("l1_loss", 2.0)], 4.0),
        ([("cross_entropy", None)], 1.0),
        ([("cross_entropy", None), ("mse_loss", 2.0)], 2.0),
    ],
)
def test_the_unit_of_outputs(kinds: list[tuple[str, float | None]], unit: float | None) -> None:
    """The spread of the first targets that have one, 1 for a classifier."""
    losses = [{"kind": kind, "phase": "train", "target": {"std": std}} for kind, std in kinds]
    evaluated = {"kind": "mse_loss", "phase": "eval", "target": {"std": 9.0}}
    assert model_outputs._output_unit(SimpleNamespace(losses=[evaluated, *losses])) == unit  # type: ignore[arg-type]


def test_the_part_that_was_learned_least_has_a_skill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the part that rules the sum has its own; nothing where no part rules."""
    log = log_of(tmp_path, steps=4)
    monkeypatch.setattr(unlearned_parts, "trivial_of", lambda _: 4.0)
    monkeypatch.setattr(unlearned_parts, "_beside", lambda _: ({"late_value": 1.0}, {}, 0.25))
    assert (unlearned_parts.unlearned_skill(log), unlearned_parts.ruling_skill(log)) == (0.25, 0.75)
    other = log_of(tmp_path, steps=5)
    monkeypatch.setattr(unlearned_parts, "_beside", lambda _: None)
    assert (unlearned_parts.unlearned_skill(other), unlearned_parts.ruling_skill(other)) == (None, None)
