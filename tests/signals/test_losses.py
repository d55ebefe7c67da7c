"""What goes into the loss, what stands before it, and whether shapes fit."""

import math
from pathlib import Path
from typing import Any

import pytest
from builders import make_loss, make_model, signals_of

ROWS = {
    "shape": [64, 10],
    "row_sum_min": 1.0,
    "row_sum_max": 1.0,
    "nonnegative": True,
    "min": 0.0,
    "max": 0.9,
    "batches": 3,
}
LOGITS = {
    "shape": [64, 10],
    "row_sum_min": -2.0,
    "row_sum_max": 3.0,
    "nonnegative": False,
    "min": -2.0,
    "max": 3.0,
    "batches": 9,
    "logsumexp_abs_max": 3.1,
}
BEYOND = {"shape": [64, 10], "batches": 3}
NANS = {"shape": [64, 10], "batches": 3}
SCORES = ["NllLossBackward0", "LogBackward0", "AddBackward0", "AddmmBackward0", "TBackward0"]
SHARES_OF_SCORES = ["NllLossBackward0", "LogBackward0", "SoftmaxBackward0", "AddmmBackward0", "TBackward0"]
LOGS = {**LOGITS, "max": 0.0, "logsumexp_abs_max": 1e-6}


SHARES = {"shape": [8, 5], "in_unit_interval": True}
ONE_HOT = {"shape": [8, 5], "integer": True, "in_unit_interval": True}


def of(folder: Path, *losses: Any) -> Any:
    """Signals of a run that calls these losses."""
    return signals_of(folder, columns={"loss": [1.0] * 5, "loss_id": [0] * 5}, losses=list(losses))


def graph(**facts: Any) -> dict[str, Any]:
    """Facts of a transparent graph."""
    return {"opaque": False, "ops": [], "parameters": [], **facts}


@pytest.mark.parametrize(
    ("loss", "given", "expected"),
    [
        (make_loss(prediction=ROWS), "softmax(x)", "x"),
        (make_loss(prediction=LOGITS), "as expected", None),
        (make_loss(prediction={**ROWS, "batches": 2}), "as expected", None),
        (make_loss(prediction={**ROWS, "shape": [64, 1]}), "as expected", None),
        (make_loss(prediction=LOGITS, graph=graph(softmax_inputs="softmax")), "softmax(x)", "x"),
        (make_loss("nll_loss", LOGS), "as expected", None),
        (make_loss("nll_loss", LOGITS), "x", "log_softmax(x)"),
        (
            make_loss("nll_loss", {**LOGS, "logsumexp_abs_max": 1.6}, graph=graph(output_activation="log_softmax")),
            "log_softmax(x) over another dimension",
            "log_softmax(x)",
        ),
        (make_loss("nll_loss", {**LOGS, "logsumexp_abs_max": 1.6}, graph=graph()), "as expected", None),
        (make_loss("nll_loss", ROWS), "softmax(x)", "log_softmax(x)"),
        (make_loss("nll_loss", NANS, graph=graph(ops=SCORES)), "log(x)", "log_softmax(x)"),
        (make_loss("nll_loss", NANS, graph=graph(ops=SHARES_OF_SCORES)), "as expected", None),
        (make_loss("nll_loss", LOGS, graph=graph(ops=SCORES)), "as expected", None),
        (make_loss("kl_div", ROWS), "softmax(x)", "log_softmax(x)"),
        (make_loss("kl_div", LOGS), "as expected", None),
        (
            make_loss("binary_cross_entropy_with_logits", LOGITS, graph=graph(softmax_inputs="sigmoid")),
            "sigmoid(x)",
            "x",
        ),
        (make_loss("binary_cross_entropy_with_logits", LOGITS, graph=graph()), "as expected", None),
        (make_loss(prediction=LOGITS, probabilities=True), "x", "softmax(x)"),
        (make_loss(prediction={**LOGITS, "batches": 2}, probabilities=True), "as expected", None),
        (make_loss(prediction=ROWS, probabilities=True), "as expected", None),
        (make_loss("binary_cross_entropy", LOGITS, probabilities=True), "x", "sigmoid(x)"),
        (make_loss("binary_cross_entropy", ROWS), "as expected", None),
        (make_loss("mse_loss", ROWS), "as expected", None),
        (make_loss(prediction=ROWS, phase="eval"), None, None),
        (make_loss(prediction={**BEYOND, "min": -0.01, "max": 1.01}, probabilities=True), "as expected", None),
        (make_loss(prediction={**BEYOND, "min": -0.011, "max": 1.0}, probabilities=True), "x", "softmax(x)"),
        (make_loss(prediction={**BEYOND, "min": 0.0, "max": 1.011}, probabilities=True), "x", "softmax(x)"),
    ],
)
def test_input_of_the_loss(tmp_path: Path, loss: Any, given: Any, expected: Any) -> None:
    """Values or the graph tell what a loss received and what it expects."""
    signals = of(tmp_path, loss)
    assert (signals["loss_input_is"], signals["loss_input_expected"]) == (given, expected)


def test_input_of_the_loss_of_evaluations(tmp_path: Path) -> None:
    """Probabilities there count where the training gives the same loss logits; a loss of another kind does not."""
    trained, evaluated = make_loss(prediction=LOGITS), make_loss(prediction=ROWS, phase="eval") | {"id": 1}
    told = of(tmp_path, trained, evaluated)
    assert (told["loss_input_is"], told["evaluation_input_is"]) == ("as expected", "softmax(x)")
    assert (told["evaluation_input_expected"], told["evaluation_input_name"]) == ("x", "cross_entropy")
    assert of(tmp_path, trained, evaluated | {"prediction": LOGITS})["evaluation_input_is"] == "as expected"
    assert of(tmp_path, make_loss("mse_loss"), evaluated)["evaluation_input_is"] == "as expected"
    assert of(tmp_path, make_loss(prediction=ROWS), evaluated)["evaluation_input_is"] == "as expected"


def test_floor_of_the_doubled_softmax(tmp_path: Path) -> None:
    """Ten classes leave ln(e + 9) - 1."""
    assert of(tmp_path, make_loss(prediction=ROWS))["double_activation_floor"] == pytest.approx(1.4612, abs=1e-4)


def test_floor_of_the_doubled_sigmoid(tmp_path: Path) -> None:
    """Balanced labels leave half of ln(1 + 1/e) + ln 2."""
    loss = make_loss("binary_cross_entropy_with_logits", LOGITS, {"mean": 0.5}, graph=graph(softmax_inputs="sigmoid"))
    assert of(tmp_path, loss)["double_activation_floor"] == pytest.approx(0.5032, abs=1e-4)


def test_missing_output_activation(tmp_path: Path) -> None:
    """Named where a loss takes probabilities and got logits, by its own name."""
    told = of(tmp_path, make_loss(prediction=LOGITS, probabilities=True, name="CategoricalCrossentropy"))
    assert (told["missing_output_activation"], told["loss_input_name"]) == ("softmax", "CategoricalCrossentropy")
    assert of(tmp_path, make_loss("binary_cross_entropy", LOGITS))["missing_output_activation"] == "sigmoid"
    for fitting in (make_loss(prediction=ROWS), make_loss("nll_loss", LOGITS)):
        assert of(tmp_path, fitting)["missing_output_activation"] is None


def test_missing_log(tmp_path: Path) -> None:
    """The missing function is named for losses on log-probabilities only."""
    assert of(tmp_path, make_loss("nll_loss", LOGITS))["missing_log"] == "log_softmax"
    assert of(tmp_path, make_loss(prediction=ROWS))["missing_log"] is None
    divergence = of(tmp_path, make_loss("kl_div", ROWS))
    assert (divergence["missing_log"], divergence["missing_divergence_log"]) == (None, "log_softmax")
    assert of(tmp_path, make_loss("nll_loss", LOGITS))["missing_divergence_log"] is None
    assert of(tmp_path, make_loss("nll_loss", LOGITS))["double_activation_floor"] is None


@pytest.mark.parametrize(
    ("name", "target", "excess", "share"),
    [
        ("sigmoid", {"min": 3.0, "max": 103.0, "above_one_share": 1.0, "negative_share": 0.0}, 1.02, 1.0),
        ("sigmoid", {"min": 0.0, "max": 1.0, "above_one_share": 0.0, "negative_share": 0.0}, 0.0, 0.0),
        ("tanh", {"min": -100.0, "max": 100.0, "above_one_share": 0.5, "negative_share": 0.5}, 0.495, 0.5),
        ("tanh", {"min": -1.0, "max": 1.0, "above_one_share": 0.0, "negative_share": 0.5}, 0.0, 0.0),
        ("relu", {"min": -2.0, "max": 2.0, "above_one_share": 0.2, "negative_share": 0.5}, 0.5, 0.5),
        (None, {"min": -2.0, "max": 2.0, "above_one_share": 0.2, "negative_share": 0.5}, 0.0, 0.0),
    ],
)
def test_reach_of_the_output(tmp_path: Path, name: Any, target: Any, excess: float, share: float) -> None:
    """Targets beyond the range of the last activation, as a share of their range and of their number."""
    signals = of(tmp_path, make_loss("mse_loss", {"shape": [8, 1]}, target, graph=graph(output_activation=name)))
    assert signals["target_excess"] == pytest.approx(excess)
    assert signals["unreachable_share"] == share
    assert signals["output_activation"] == (name or "none")


def test_opaque_graph(tmp_path: Path) -> None:
    """A compiled model hides its last activation."""
    loss = make_loss("mse_loss", {"shape": [8, 1]}, {"min": 0.0, "max": 9.0}, graph={"opaque": True})
    signals = of(tmp_path, loss)
    assert [signals[name] for name in ("output_activation", "target_excess", "linear_layers")] == [None] * 3


@pytest.mark.parametrize(
    ("facts", "name"),
    [({"softmax_inputs": "sigmoid"}, "sigmoid"), ({"output_activation": "relu"}, "relu"), ({}, "none")],
)
def test_activation_taken_for_logits(tmp_path: Path, facts: Any, name: str) -> None:
    """What stands before a cross-entropy."""
    assert of(tmp_path, make_loss(prediction=LOGITS, graph=graph(**facts)))["logit_activation"] == name


def test_probabilities_are_not_taken_for_logits(tmp_path: Path) -> None:
    """A loss that takes probabilities may stand behind a sigmoid."""
    loss = make_loss(prediction=ROWS, graph=graph(output_activation="sigmoid"), probabilities=True)
    assert of(tmp_path, loss)["logit_activation"] == "none"


def test_output_units(tmp_path: Path) -> None:
    """Classes of a classification, last dimension elsewhere, 1 for a vector of examples."""
    assert of(tmp_path, make_loss(prediction={"shape": [8, 21, 32, 32]}))["output_units"] == 21
    assert of(tmp_path, make_loss("mse_loss", {"shape": [8, 3]}))["output_units"] == 3
    assert of(tmp_path, make_loss("mse_loss", {"shape": [8]}))["output_units"] == 1


@pytest.mark.parametrize(
    ("loss", "factor"),
    [
        (make_loss("mse_loss", broadcast=[[60, 1], [60]]), 60.0),
        (make_loss("mse_loss", broadcast=[[60, 10], [60, 1]]), 1.0),
        (make_loss("mse_loss", broadcast=[[60, 1], []]), 1.0),
        (make_loss("mse_loss"), 1.0),
        (
            make_loss(
                "custom",
                graph=graph(broadcast=[[32, 1], [32, 32]], ops=["MeanBackward0", "PowBackward0", "SubBackward0"]),
            ),
            32.0,
        ),
        (
            make_loss(
                "custom",
                graph=graph(broadcast=[[32, 1], [32, 32]], ops=["MeanBackward0", "ExpBackward0", "SubBackward0"]),
            ),
            1.0,
        ),
        (
            make_loss(
                "custom",
                graph=graph(broadcast=[[4, 1, 8], [4, 4, 8]], ops=["MeanBackward0", "PowBackward0", "SubBackward0"]),
            ),
            1.0,
        ),
    ],
)
def test_broadcast(tmp_path: Path, loss: Any, factor: float) -> None:
    """Only a broadcast that enlarges both sides multiplies the comparisons."""
    assert of(tmp_path, loss)["broadcast_expansion"] == factor


@pytest.mark.parametrize(
    ("pair", "targets"),
    [([[64, 1], [64, 4]], 4), ([[64, 4], [64, 1]], 1), ([[64, 1], [64]], 1), ([[64, 1], [1, 4]], 1), (None, 1)],
)
def test_targets_of_one_answer(tmp_path: Path, pair: Any, targets: int) -> None:
    """A row with one answer and several targets, not one target for several answers, nor all pairs of a batch."""
    assert of(tmp_path, make_loss("mse_loss", broadcast=pair))["targets_of_one_answer"] == targets
    assert of(tmp_path)["targets_of_one_answer"] is None


def test_broadcast_shapes(tmp_path: Path) -> None:
    """Both shapes are shown."""
    assert of(tmp_path, make_loss("mse_loss", broadcast=[[60, 1], [60]]))["broadcast_shapes"] == "(60, 1) / (60,)"


@pytest.mark.parametrize(
    ("loss", "pairing"),
    [
        (make_loss(prediction={"shape": [8, 1]}), "single-output"),
        (make_loss(prediction={"shape": [8, 5]}, target={"soft": True, "mean": 0.5}), "multi-hot"),
        (make_loss(prediction={"shape": [8, 5]}, target={"soft": True, "mean": 0.2}), "usual"),
        (
            make_loss("mse_loss", {"shape": [8, 5]}, {"shape": [8, 1], "integer": True, "classes": 5}),
            "label-regression",
        ),
        (make_loss("mse_loss", {"shape": [8, 5]}, {"shape": [8, 1], "integer": True, "classes": 40}), "usual"),
        (make_loss("mse_loss", SHARES, {**ONE_HOT, "mean": 0.2}), "one-hot-regression"),
        (make_loss("mse_loss", SHARES, {**ONE_HOT, "mean": 0.3}), "usual"),
        (make_loss("mse_loss", {**SHARES, "in_unit_interval": False}, {**ONE_HOT, "mean": 0.2}), "usual"),
        (make_loss(prediction={"shape": [8, 5]}, target={"shape": [8]}, reduction="sum"), "summed"),
        (make_loss(prediction={"shape": [8, 5]}, target={"shape": [8]}), "usual"),
    ],
)
def test_pairing(tmp_path: Path, loss: Any, pairing: str) -> None:
    """How outputs and targets meet at the loss."""
    assert of(tmp_path, loss)["loss_pairing"] == pairing


def test_numbers_behind_the_pairing(tmp_path: Path) -> None:
    """Each number exists only where its pairing does."""
    summed = of(tmp_path, make_loss(prediction={"shape": [8, 5]}, target={"shape": [8]}, reduction="sum"))
    assert [
        summed[name] for name in ("summed_examples", "multi_hot_sum", "single_class_outputs", "regressed_classes")
    ] == [8.0, None, None, None]
    assert (
        of(tmp_path, make_loss(prediction={"shape": [8, 5]}, target={"soft": True, "mean": 0.5}))["multi_hot_sum"]
        == 2.5
    )


@pytest.mark.parametrize(("mean", "classes"), [(0.2, None), (0.24, None), (0.25, 1.25), (0.5, 2.5)])
def test_classes_marked_per_example(tmp_path: Path, mean: float, classes: float | None) -> None:
    """Several from 1.2 of the five on: rounding and smoothing deviate less."""
    assert of(tmp_path, make_loss(prediction={"shape": [8, 5]}, target={"soft": True, "mean": mean}))[
        "multi_hot_sum"
    ] == (classes if classes is None else pytest.approx(classes))


TAGGED = {"shape": [8, 5], "mean": 0.2}
SOFTMAX, SIGMOID = graph(output_activation="softmax"), graph(output_activation="sigmoid")


@pytest.mark.parametrize(
    ("prediction", "target", "facts", "labels"),
    [
        (TAGGED, {**ONE_HOT, "mean": 0.6}, SOFTMAX, 3.0),
        (TAGGED, {**ONE_HOT, "mean": 0.2}, SOFTMAX, 1.0),
        # a sigmoid; a softmax over the batch; shares in place of labels
        (TAGGED, {**ONE_HOT, "mean": 0.6}, SIGMOID, 1.0),
        ({**TAGGED, "mean": 0.125}, {**ONE_HOT, "mean": 0.6}, SOFTMAX, 1.0),
        (TAGGED, {**ONE_HOT, "mean": 0.6, "integer": False}, SOFTMAX, 1.0),
    ],
)
def test_labels_that_share_a_softmax(tmp_path: Path, prediction: Any, target: Any, facts: Any, labels: float) -> None:
    """Several labels of an example under outputs that sum to 1."""
    loss = make_loss("binary_cross_entropy", prediction, target=target, graph=facts)
    assert of(tmp_path, loss)["softmax_labels"] == pytest.approx(labels)


@pytest.mark.parametrize(("layers", "others", "single"), [(1, 0, True), (3, 0, False), (1, 1, False)])
def test_linear_network(tmp_path: Path, layers: int, others: int, single: Any) -> None:
    """A single linear map is one layer without a non-linearity."""
    signals = of(tmp_path, make_loss(graph=graph(linear_layers=layers, nonlinear_ops=others)))
    assert (signals["linear_layers"], signals["nonlinear_ops"], signals["linear_network"]) == (layers, others, single)


@pytest.mark.parametrize(("first", "single"), [("Embedding", False), ("Linear", True)])
def test_a_table_with_a_row_for_each_id_is_no_linear_map(tmp_path: Path, first: str, single: bool) -> None:  # noqa: FBT001 - what is told
    """A linear layer over embeddings of single ids can express any law between them."""
    model = make_model(("0", first, 50, 32), ("1", "Linear", 32, 50))
    losses = [make_loss(graph=graph(linear_layers=1, nonlinear_ops=0))]
    columns = {"loss": [1.0] * 5, "loss_id": [0] * 5}
    assert signals_of(tmp_path, columns=columns, losses=losses, models=[model])["linear_network"] is single


def test_largest_graph_counts(tmp_path: Path) -> None:
    """Of several losses the one with most layers describes the model."""
    small, large = (
        make_loss(graph=graph(linear_layers=n, nonlinear_ops=m), id=i) for i, (n, m) in enumerate([(1, 0), (4, 3)])
    )
    signals = of(tmp_path, small, large)
    assert (signals["linear_layers"], signals["nonlinear_ops"]) == (4, 3)


def test_prediction_spread(tmp_path: Path) -> None:
    """The spread of the outputs over a batch is passed on exactly."""
    assert of(tmp_path, make_loss(prediction={"shape": [8, 2], "batch_spread": 0.0}))["prediction_spread"] == 0.0
    assert math.isclose(
        of(tmp_path, make_loss(prediction={"shape": [8, 2], "batch_spread": 0.3}))["prediction_spread"], 0.3
    )


def test_shares_given_to_the_divergence_of_logarithms(tmp_path: Path) -> None:
    """Values between 0 and 1, some clearly above 0, are no log-probabilities; those are never positive."""
    shares = make_loss("kl_div", prediction={"shape": [8, 5], "min": 0.01, "max": 0.9})
    logs = make_loss("kl_div", prediction={"shape": [8, 5], "min": -4.0, "max": -0.1})
    assert of(tmp_path, shares)["loss_input_is"] == "softmax(x)"
    assert of(tmp_path, logs)["loss_input_is"] == "as expected"


def test_beside_an_own_formula_the_first_of_torchs_losses_is_judged(tmp_path: Path) -> None:
    """Of those that training calls, and whose inputs were seen; the main loss comes before all."""
    own = {**make_loss("custom", {"batch_spread": 1.0}), "id": 0}
    unseen, standard = {**make_loss("l1_loss"), "id": 1}, {**make_loss("mse_loss", {"batch_spread": 2.0}), "id": 2}
    later = {**make_loss("l1_loss", {"batch_spread": 3.0}), "id": 3}
    evaluated = {**make_loss("l1_loss", {"batch_spread": 4.0}, phase="eval"), "id": 4}
    losses = [evaluated, own, unseen, standard, later]
    composite = signals_of(tmp_path, columns={"loss": [1.0] * 5}, losses=losses)
    assert composite["prediction_spread"] == 2.0
    assert signals_of(tmp_path, columns={"loss": [1.0] * 5}, losses=[evaluated, own])["prediction_spread"] is None
    single = signals_of(tmp_path, columns={"loss": [1.0] * 5, "loss_id": [3] * 5}, losses=losses)
    assert single["prediction_spread"] == 3.0
