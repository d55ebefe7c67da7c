"""The rows of a run's layers: each figure beside one worked out here by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from builders import event, log_of, make_model

from trainadvisor.log.curves import layer_rows

if TYPE_CHECKING:
    from pathlib import Path

ACT = event("table", {"id": 0, "model": 0, "rows": [{"name": "a", "kind": "Linear"}, {"name": "b", "kind": "Linear"}]})


def rows(folder: Path, layers: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the rows by the names of the layers: a has 6 weights and 2 biases, b 4 and 2."""
    model = make_model(("a", "Linear", 3, 2), ("b", "Linear", 2, 2))
    told = layer_rows.table(
        log_of(
            folder,
            columns={"loss": [1.0] * 5},
            layers=[{"table": 0, **row} for row in layers],
            models=[model],
            events=[ACT],
        )
    )
    return {row[0]: dict(zip(told["fields"], row, strict=True)) for row in told["rows"]}


def test_a_gradient_is_the_root_mean_square_of_all_elements_of_a_layer(tmp_path: Path) -> None:
    """The median over the samples; None where no sample has one."""
    found = rows(tmp_path, [{"grad": [3.0, 4.0, None, None]}, {"grad": [6.0, 8.0, None, None]}])
    assert found["a"]["grad"] == pytest.approx(1.5 * 5 / math.sqrt(8), rel=1e-3)
    assert (found["a"]["kind"], found["a"]["parameters"]) == ("Linear", 8)
    assert "b" not in found or found["b"]["grad"] is None


def test_an_update_is_that_of_the_largest_parameter(tmp_path: Path) -> None:
    """A bias that moves a lot is not the layer."""
    found = rows(tmp_path, [{"update": [0.01, 9.0, 0.02, 9.0]}, {"update": [0.03, 9.0, 0.02, 9.0]}])
    assert (found["a"]["update"], found["b"]["update"]) == (0.02, 0.02)


def test_activations_are_medians_and_dead_units_those_of_the_end(tmp_path: Path) -> None:
    """A unit that is dead at the end is what matters."""
    samples = [
        {"act_mean": [1.0, 5.0], "act_std": [1.0, 2.0], "act_dead": [0.0, 0.5]},
        {"act_mean": [2.0, 5.0], "act_std": [3.0, 2.0], "act_dead": [0.25, 0.5]},
        {"act_mean": [9.0, 5.0], "act_std": [9.0, 2.0], "act_dead": [0.75, None]},
    ]
    found = rows(tmp_path, samples)
    assert [found["a"][name] for name in ("mean", "std", "dead")] == [2.0, 3.0, 0.75]
    assert [found["b"][name] for name in ("mean", "std", "dead")] == [5.0, 2.0, 0.5]


def test_the_first_step_with_a_value_that_is_not_finite_is_told(tmp_path: Path) -> None:
    """Of gradients or activations, whichever came first; layers without one have none."""
    quiet = {"grad": [1.0] * 4, "act_nonfinite": [0, 0]}
    loud = {"grad": [1.0, 1.0, "inf", 1.0], "act_nonfinite": [0, 0]}
    sooner = {"grad": [1.0] * 4, "act_nonfinite": [0, 3]}
    assert {n: row["bad_step"] for n, row in rows(tmp_path, [quiet, quiet, loud]).items()} == {"a": None, "b": 2}
    assert rows(tmp_path, [quiet, sooner, loud])["b"]["bad_step"] == 1
    assert next(iter(rows(tmp_path, [quiet, loud]))) == "b"


@pytest.mark.parametrize(("length", "shown"), [(120, "x" * 120), (121, "x" * 58 + "..." + "x" * 59)])
def test_a_very_long_name_is_shortened_in_the_middle(length: int, shown: str) -> None:
    """Down to 120 characters."""
    assert layer_rows.shortened("x" * length) == shown
    assert len(shown) == 120


def test_a_layer_s_history_is_its_own_column(tmp_path: Path) -> None:
    """By quantity, and only what was measured."""
    model = make_model(("a", "Linear", 3, 2), ("b", "Linear", 2, 2))
    layers = [{"act_std": [1.0, 2.0], "act_dead": [0.0, 0.5]}, {"act_std": [3.0, 4.0], "act_dead": [0.0, 0.25]}]
    log = log_of(
        tmp_path,
        columns={"loss": [1.0] * 5},
        layers=[{"table": 0, **row} for row in layers],
        models=[model],
        events=[ACT],
    )
    assert layer_rows.layer_names(log) == ["a", "b"]
    found = layer_rows.history(log, "b", 100)
    assert {name: curve["y"] for name, curve in found.items()} == {"act_std": [2.0, 4.0], "act_dead": [0.5, 0.25]}
    assert layer_rows.history(log, "c", 100) == {}
