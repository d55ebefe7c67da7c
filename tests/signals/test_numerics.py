"""Signals of non-finite values and of limited precision."""

import math
from pathlib import Path
from typing import Any

import pytest
from builders import event, make_model, make_optimizer, signals_of


def broke(subject: str, step: int, **detail: Any) -> dict[str, Any]:
    """A report of a first non-finite value."""
    return event("nonfinite", {"name": f"the {subject}", **detail}, subject, step)


def test_the_earliest_step_is_the_first_whatever_the_order_of_reports(tmp_path: Path) -> None:
    """A gradient at step 4 comes before an activation at step 5, and within a step the inputs come first."""
    seen = signals_of(tmp_path, steps=9, events=[broke("activation", 5), broke("gradient", 4, op="SqrtBackward0")])
    assert seen["first_nonfinite"] == "gradient"
    assert seen["first_nonfinite_step"] == 4
    assert seen["first_nonfinite_op"] == "SqrtBackward0"
    assert signals_of(tmp_path, steps=9, events=[broke("loss", 4), broke("input", 4)])["first_nonfinite"] == "input"


def test_a_finite_run_says_none(tmp_path: Path) -> None:
    """Where the recorder watched and saw nothing, that is known; an imported log knows nothing."""
    seen = signals_of(tmp_path, columns={"loss": [1.0] * 30})
    assert seen["first_nonfinite"] == "none"
    assert seen["any_nonfinite"] is False
    assert seen["input_nonfinite"] == 0
    assert signals_of(tmp_path, columns={"loss": [1.0] * 30}, source="import:csv")["first_nonfinite"] is None


def test_lead_and_growth_before_the_break(tmp_path: Path) -> None:
    """The loss grew twentyfold in the last ten steps, and the activation broke two steps before the loss."""
    losses = [1.0] * 30 + [20.0] * 10 + [math.nan]
    seen = signals_of(tmp_path, columns={"loss": losses}, events=[broke("activation", 38), broke("loss", 40)])
    assert seen["nonfinite_lead"] == 2
    assert seen["loss_growth_before_nonfinite"] == pytest.approx(20.0)


def test_input_facts(tmp_path: Path) -> None:
    """Counts and magnitudes come from the training inputs alone."""
    inputs = event("inputs", {"model": 0, "phase": "train", "nonfinite": 3, "abs_max": 812.0})
    held_out = event("inputs", {"model": 0, "phase": "eval", "nonfinite": 9, "abs_max": 9e9})
    seen = signals_of(tmp_path, steps=5, events=[inputs, held_out, broke("input", 1)])
    assert seen["input_nonfinite"] == 3
    assert seen["input_abs_max"] == 812.0


def test_precision_of_autocast(tmp_path: Path) -> None:
    """Off without an event, the recorded type with one, unknown for imports."""
    assert signals_of(tmp_path, steps=5)["amp_dtype"] == "off"
    seen = signals_of(tmp_path, steps=5, events=[event("amp", {"dtype": "float16", "scaler": False})])
    assert (seen["amp_dtype"], seen["amp_scaler"], seen["scaler_skip_share"]) == ("float16", False, 0.0)
    assert signals_of(tmp_path, steps=5, source="import:csv")["amp_dtype"] is None


def test_skips_and_backoffs_count_after_the_scale_has_settled(tmp_path: Path) -> None:
    """The first twenty steps are the scaler's own search."""
    columns = {
        "loss": [1.0] * 120,
        "scale": [2.0**16] * 10 + [2.0**12] * 60 + [2.0**11] * 50,
        "skipped": [True] * 10 + [False] * 60 + [True] * 10 + [False] * 40,
    }
    seen = signals_of(tmp_path, columns=columns)
    assert seen["scaler_skip_share"] == pytest.approx(0.1)
    assert seen["scale_backoffs"] == 1
    assert seen["scale_final"] == 2.0**11


def stored(folder: Path, dtype: str, gradient: float, kind: str = "Adam", update: float = 0.0, lr: float = 1e-4) -> Any:
    """Signals of a layer of 100 weights of size 0.1 each, stored in a precision, with one gradient size."""
    model = make_model(("fc", "Linear", 10, 10))
    for facts in model["parameters"]:
        facts["dtype"] = dtype
    row = {"grad": [gradient * 10, gradient], "weight": [1.0, 1.0], "update": [update, update]}
    return signals_of(
        folder,
        models=[model],
        optimizers=[make_optimizer(kind, lr)],
        layers=[row] * 4,
        columns={"loss": [1.0] * 40, "lr": lr},
    )


def test_update_roundings_of_bfloat16(tmp_path: Path) -> None:
    """Adam moves a weight of 0.1 by a thousandth, a quarter of what bfloat16 resolves; SGD by the gradient's share."""
    assert stored(tmp_path, "bfloat16", 1.0)["update_roundings"] == pytest.approx(1e-3 * 256, rel=1e-6)
    assert stored(tmp_path, "float16", 1.0)["update_roundings"] == pytest.approx(1e-3 * 2048, rel=1e-6)
    assert stored(tmp_path, "bfloat16", 0.5, kind="SGD")["update_roundings"] == pytest.approx(0.5e-3 * 256, rel=1e-6)
    assert stored(tmp_path, "float32", 1.0)["update_roundings"] is None


def test_unchanged_and_tiny_shares(tmp_path: Path) -> None:
    """A matrix with a gradient that does not move, and one whose gradient is near the end of float16."""
    seen = stored(tmp_path, "bfloat16", 1e-7)
    assert seen["unchanged_share"] == 1.0
    assert seen["tiny_gradient_share"] == 1.0
    moving = stored(tmp_path, "float32", 1e-3, update=1e-3)
    assert moving["unchanged_share"] == 0.0
    assert moving["tiny_gradient_share"] == 0.0


def test_weights_that_broke(tmp_path: Path) -> None:
    """The last sampled weight norms tell, and a report of the recorder does."""
    model = make_model(("fc", "Linear", 10, 10))
    row = {"grad": [1.0, 1.0], "weight": [math.nan, 1.0]}
    assert (
        signals_of(tmp_path, models=[model], optimizers=[make_optimizer()], layers=[row], steps=3)[
            "parameters_nonfinite"
        ]
        is True
    )
    assert signals_of(tmp_path, steps=3, events=[broke("parameter", 2)])["parameters_nonfinite"] is True
    assert signals_of(tmp_path, steps=3)["parameters_nonfinite"] is False


def test_master_copies_are_foreign_parameters(tmp_path: Path) -> None:
    """Tensors of an optimizer that belong to no model are counted."""
    optimizer = {**make_optimizer(), "unknown_parameters": 4}
    assert signals_of(tmp_path, optimizers=[optimizer], steps=3)["foreign_parameters"] == 4


def test_an_operation_behind_the_last_layer_breaks_the_loss(tmp_path: Path) -> None:
    """Nameless and in the step of the first bad loss: part of the loss; with a layer's name it is that layer."""
    nameless = event("nonfinite", {"op": "LogBackward0"}, "activation", 3)
    assert signals_of(tmp_path, steps=9, events=[nameless, broke("loss", 3)])["first_nonfinite"] == "loss"
    assert signals_of(tmp_path, steps=9, events=[nameless, broke("loss", 5)])["first_nonfinite"] == "activation"
    named = signals_of(tmp_path, steps=9, events=[broke("activation", 3), broke("loss", 3)])
    assert named["first_nonfinite"] == "activation"
