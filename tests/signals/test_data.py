"""What the inputs are, and whether the model sees them."""

from pathlib import Path
from typing import Any

import pytest
from builders import event, make_model, parameter, signals_of

NUMBERS = {
    "model": 0,
    "phase": "train",
    "floating": True,
    "binary": False,
    "mean": 3.0,
    "std": 4.0,
    "abs_max": 9.0,
    "features": 10,
    "feature_mean_max_abs": 6.0,
    "feature_std_min": 0.5,
    "feature_std_max": 5.0,
    "constant_features": 2,
    "examples": 320,
    "batches": 11,
    "identical_batches": 0,
}


def of(folder: Path, *inputs: Any, **parts: Any) -> Any:
    """Signals of a run with these inputs."""
    model = make_model(("drop", "Dropout", {"p": 0.1}), ("a", "Linear", 4, 8))
    return signals_of(
        folder, **{"steps": 4, "models": [model], "events": [event("inputs", detail) for detail in inputs], **parts}
    )


def test_scale(tmp_path: Path) -> None:
    """Mean, spread, root mean square, largest feature and ratio of features."""
    signals = of(tmp_path, NUMBERS)
    names = (
        "input_mean",
        "input_std",
        "input_rms",
        "input_feature_scale",
        "input_feature_ratio",
        "constant_feature_share",
        "input_batches",
    )
    assert [signals[name] for name in names] == [3.0, 4.0, 5.0, 6.0, 10.0, 0.2, 11]


@pytest.mark.parametrize(
    ("facts", "layer", "kind"),
    [
        ({}, ("a", "Linear"), "numbers"),
        ({"binary": True}, ("a", "Linear"), "binary"),
        ({"floating": False}, ("a", "Embedding"), "tokens"),
        ({"floating": False}, ("a", "Linear"), "tokens"),
    ],
)
def test_kind(tmp_path: Path, facts: Any, layer: Any, kind: str) -> None:
    """Numbers, binary features and tokens are distinguished."""
    assert of(tmp_path, {**NUMBERS, **facts}, models=[make_model(layer)])["input_kind"] == kind


@pytest.mark.parametrize(
    ("kinds", "first", "norm"),
    [
        (["Dropout", "Flatten", "Linear"], "Linear", False),
        (["BatchNorm1d", "Linear"], "BatchNorm1d", True),
        (["LayerNorm", "Linear"], "LayerNorm", True),
    ],
)
def test_first_layer(tmp_path: Path, kinds: Any, first: str, norm: Any) -> None:
    """Reshaping and dropout are passed over."""
    signals = of(tmp_path, NUMBERS, models=[make_model(*((f"{i}", kind) for i, kind in enumerate(kinds)))])
    assert (signals["first_layer_kind"], signals["norm_first"]) == (first, norm)


def test_repeated_batches(tmp_path: Path) -> None:
    """Ten of eleven batches can repeat the one before; five batches are needed."""
    assert of(tmp_path, {**NUMBERS, "identical_batches": 10})["repeated_batch_share"] == 1.0
    assert of(tmp_path, {**NUMBERS, "identical_batches": 2, "batches": 3})["repeated_batch_share"] is None


def test_later_facts_win(tmp_path: Path) -> None:
    """Inputs are described again as more is seen."""
    assert of(tmp_path, NUMBERS, {**NUMBERS, "mean": 1.0})["input_mean"] == 1.0


def test_train_against_validation(tmp_path: Path) -> None:
    """Distance of the means in training deviations, ratio of the spreads."""
    check = {**NUMBERS, "phase": "eval", "mean": 27.0, "std": 24.0}
    signals = of(tmp_path, NUMBERS, check)
    assert (signals["input_shift"], signals["input_scale_ratio"]) == (6.0, 6.0)
    assert (signals["val_input_mean"], signals["val_input_std"]) == (27.0, 24.0)


@pytest.mark.parametrize("facts", [{"examples": 20}, {"floating": False}])
def test_too_little_to_compare(tmp_path: Path, facts: Any) -> None:
    """Few examples, and tokens, are not compared."""
    check = {**NUMBERS, "phase": "eval", "mean": 27.0, **facts}
    signals = of(tmp_path, NUMBERS, check)
    assert (signals["input_shift"], signals["input_scale_ratio"]) == (None, None)


def test_no_inputs(tmp_path: Path) -> None:
    """Without recorded inputs nothing is said."""
    signals = of(tmp_path)
    assert [signals[name] for name in ("input_rms", "input_kind", "input_shift", "repeated_batch_share")] == [None] * 4


def test_first_layer_with_weights(tmp_path: Path) -> None:
    """Spread, size and weights of the first layer that has weights, dropout before it passed over."""
    rows = [
        {"name": name, "kind": kind, "layer": name, "units": 4} for name, kind in (("drop", "dropout"), ("a", "linear"))
    ]
    sample = {"table": 1, "act_spread": [0.7, 0.0], "act_rms": [1.0, 60.0], "weight": [4.5, 0.1]}
    layers = [{"step": i, **sample} for i in range(3)]
    events = [event("inputs", NUMBERS), event("table", {"id": 1, "model": 0, "rows": rows})]
    signals = of(tmp_path, layers=layers, events=events)
    assert (signals["first_layer_spread"], signals["first_layer_rms"], signals["first_layer_norm"]) == (0.0, 60.0, 4.5)


@pytest.mark.parametrize(("floating", "rms", "kind"), [(True, 46.0, "Linear"), (False, 0.9, "Embedding")])
def test_the_layer_that_numbers_meet(tmp_path: Path, floating: bool, rms: float, kind: str) -> None:  # noqa: FBT001
    """Numbers pass by an embedding and by layers too narrow for them: those take a time step."""
    kinds = (("time", "Embedding", 50, 32), ("scale", "Linear", 1, 8), ("body", "Linear", 42, 8))
    rows = [{"name": name, "kind": kind.lower(), "layer": name, "units": 4} for name, kind, *_ in kinds]
    sample = {"table": 1, "act_spread": [1.0, 1.0, 1.0], "act_rms": [0.9, 0.5, 46.0]}
    events = [event("inputs", {**NUMBERS, "floating": floating}), event("table", {"id": 1, "model": 0, "rows": rows})]
    signals = of(tmp_path, models=[make_model(*kinds)], layers=[{"step": 0, **sample}], events=events)
    assert (signals["first_layer_rms"], signals["first_layer_kind"]) == (rms, kind)


@pytest.mark.parametrize(("given", "rms"), [([64, 3, 8, 8], 46.0), ([64, 48], 0.9), ([64, 1, 8, 8], 0.9)])
def test_pictures_meet_a_convolution_over_their_channels(tmp_path: Path, given: list[int], rms: float) -> None:
    """A matrix of the time step stands before it, and is wide enough for one value of each channel."""
    rows = [
        {"name": name, "kind": kind, "layer": name, "units": 4} for name, kind in (("t", "linear"), ("c", "conv2d"))
    ]
    parameters = [parameter(0, "t.weight", [32, 48]), parameter(1, "c.weight", [16, 3, 3, 3])]
    numbers = {**NUMBERS, "shape": given, "features": 3}
    events = [event("inputs", numbers), event("table", {"id": 1, "model": 0, "rows": rows})]
    models = [make_model(("t", "Linear"), ("c", "Conv2d"), parameters=parameters)]
    layers = [{"step": 0, "table": 1, "act_spread": [1.0, 1.0], "act_rms": [0.9, 46.0]}]
    assert of(tmp_path, models=models, layers=layers, events=events)["first_layer_rms"] == rms


def test_spread_needs_three_samples(tmp_path: Path) -> None:
    """Two samples without spread may be an accident."""
    rows = [{"name": "a", "kind": "linear", "layer": "a", "units": 4}]
    layers = [{"step": i, "table": 1, "act_spread": [0.0]} for i in range(2)]
    assert (
        of(tmp_path, layers=layers, events=[event("table", {"id": 1, "model": 0, "rows": rows})])["first_layer_spread"]
        is None
    )


def test_a_tensor_that_never_varies_beside_others_may_be_a_state(tmp_path: Path) -> None:
    """Alone it is the input; and columns that are constant in part are told of any tensor."""
    still = {**NUMBERS, "constant_features": 10, "features": 10}
    assert of(tmp_path, still)["constant_feature_share"] == 1.0
    assert of(tmp_path, {**still, "tensors": 2})["constant_feature_share"] is None
    assert of(tmp_path, {**still, "tensors": 2, "constant_features": 5})["constant_feature_share"] == 0.5


def test_features_that_only_validation_holds_constant_count(tmp_path: Path) -> None:
    """Noise added while training hides equal examples; evaluation batches of eight and more show them."""
    held_out = {**NUMBERS, "phase": "eval", "constant_features": 10, "shape": [32, 10]}
    assert of(tmp_path, NUMBERS, held_out)["constant_feature_share"] == 1.0
    assert of(tmp_path, NUMBERS, {**held_out, "shape": [1, 10]})["constant_feature_share"] == 0.2
