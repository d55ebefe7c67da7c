"""The spread of embeddings relative to their size."""

import math
from pathlib import Path
from typing import Any

import pytest
from builders import event, make_loss, make_model, signals_of

TABLE = event("table", {"id": 1, "model": 0, "rows": [{"name": "out", "kind": "output", "layer": "a", "units": 4}]})


def _share(tmp_path: Path, loss: dict[str, Any], spread: float, size: float, *, first: float | None = None) -> Any:
    spreads = [spread if first is None else first, *[spread] * 19]
    samples = [{"step": step, "table": 1, "act_spread": [spreads[step]], "act_rms": [size]} for step in range(20)]
    model = make_model(("a", "Linear", 4, 4))
    return signals_of(tmp_path, steps=20, models=[model], losses=[loss], layers=samples, events=[TABLE])[
        "embedding_spread_share"
    ]


@pytest.mark.parametrize(
    "loss",
    [
        make_loss("triplet_margin_loss"),
        make_loss("custom") | {"graph": {"cosines": True, "ops": []}},
    ],
)
def test_embeddings_that_are_compared(tmp_path: Path, loss: dict[str, Any]) -> None:
    """The standard deviation over the batch, over the root mean square."""
    assert _share(tmp_path, loss, 0.05, 0.25) == pytest.approx(0.2)


@pytest.mark.parametrize(("first", "told"), [(0.01, 1.0), (0.1, 0.2)])
def test_embeddings_that_have_come_apart_have_not_collapsed(tmp_path: Path, first: float, told: float) -> None:
    """A large constant part keeps them close together by this measure, though they lie further apart than at first."""
    assert _share(tmp_path, make_loss("triplet_margin_loss"), 0.05, 0.25, first=first) == pytest.approx(told)


@pytest.mark.parametrize(("given", "told"), [(0.21, 1.0), (0.9, 0.2)])
def test_embeddings_that_follow_narrow_ones_have_not_collapsed(tmp_path: Path, given: float, told: float) -> None:
    """A teacher's, whose spread at the start was measured; not where that was wide."""
    loss = make_loss("custom") | {"graph": {"cosines": True, "ops": []}, "given_spread": given}
    assert _share(tmp_path, loss, 0.05, 0.25, first=0.2) == pytest.approx(told)


def test_logits_of_a_batch_are_no_embeddings(tmp_path: Path) -> None:
    """A model that returns the cosines of all pairs: what its last layer gives is looked at."""
    rows = [{"name": "a", "kind": "linear", "layer": "a", "units": 4}, {"name": "output", "kind": "output", "units": 8}]
    samples = [{"step": step, "table": 1, "act_spread": [0.2, 0.1], "act_rms": [0.25, 10.0]} for step in range(20)]
    target = {"classes": 8, "batch_entropy": math.log(8)}
    seen = signals_of(
        tmp_path,
        steps=20,
        models=[make_model(("a", "Linear", 4, 4))],
        losses=[make_loss(prediction={"shape": [8, 8]}, target=target)],
        layers=samples,
        events=[event("table", {"id": 1, "model": 0, "rows": rows})],
    )
    assert seen["embedding_spread_share"] == pytest.approx(0.8)


def test_other_outputs_are_no_embeddings(tmp_path: Path) -> None:
    """1 for a regression, however little its outputs vary."""
    assert _share(tmp_path, make_loss("mse_loss"), 0.001, 1.0) == 1.0


def _projections(tmp_path: Path, late: float, loss: dict[str, Any]) -> tuple[Any, Any]:
    """Return the spread of the projection below a predictor, 0.8 at first, and what is left of it."""
    names = ("first", "projection", "hidden", "predictor")
    units = (4, 4, 2, 4)
    rows = [{"name": n, "kind": "linear", "layer": n, "units": u} for n, u in zip(names, units, strict=True)]
    rows.append({"name": "output", "kind": "output", "layer": "", "units": 4})
    samples = [
        {"step": step, "table": 1, "act_spread": [0.1, late if step else 0.8, 0.2, 0.6, 0.6], "act_rms": [1.0] * 5}
        for step in range(20)
    ]
    seen = signals_of(
        tmp_path,
        steps=20,
        models=[make_model(*((n, "Linear", 4, 4) for n in names))],
        losses=[loss],
        layers=samples,
        events=[event("table", {"id": 1, "model": 0, "rows": rows})],
    )
    return seen["projection_spread_share"], seen["projection_spread_left"]


COSINES = make_loss("custom") | {"graph": {"cosines": True, "ops": []}}


def test_projections_below_a_predictor(tmp_path: Path) -> None:
    """Of the layers as wide as the output the narrowest, but neither the first nor the last with weights."""
    assert _projections(tmp_path, 0.16, COSINES) == pytest.approx((0.16, 0.2))


def test_projections_of_other_trainings(tmp_path: Path) -> None:
    """1 where no embeddings are compared."""
    assert _projections(tmp_path, 0.16, make_loss("mse_loss")) == (1.0, 1.0)
