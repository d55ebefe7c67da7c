"""Whatever is recorded is read back as it was."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainadvisor.log.reader import read_log
from trainadvisor.log.records import storable
from trainadvisor.log.writer import LogWriter

if TYPE_CHECKING:
    from pathlib import Path

SOME = settings(
    max_examples=settings.default.max_examples * 50 // 100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
HEADER = {"record": "header", "format": 1, "source": "recorder"}
SCALARS = st.none() | st.booleans() | st.integers() | st.just(-(10**400)) | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
LOSSES = st.lists(st.none() | st.floats(), max_size=30)


def write(path: Path, records: list[dict[str, Any]]) -> Path:
    """Write a log in batches of three records."""
    writer = LogWriter(path, batch=3)
    for record in records:
        writer(record)
    writer.close()
    return path


def same(one: float | None, other: float) -> bool:
    """Compare what was recorded with what was read: absent is nan, and six digits are kept."""
    if one is None or math.isnan(one):
        return math.isnan(other)
    return other == one or math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-307)


@SOME
@given(st.lists(st.dictionaries(st.text(max_size=8), VALUES, max_size=4), max_size=10))
def test_any_record_is_one_line_of_valid_json(tmp_path: Path, records: list[dict[str, Any]]) -> None:
    """The same as encoding its storable form with another library."""
    (tmp_path / "log.json").unlink(missing_ok=True)  # of the example before
    path = write(tmp_path / "log.json", records)
    assert json.loads(path.read_bytes()) == [json.loads(json.dumps(storable(record))) for record in records]
    assert len(path.read_bytes().split(b"\n")) == len(records) + 3


@SOME
@given(VALUES)
def test_what_is_storable_stays_as_it_is(value: Any) -> None:
    """Storing twice is storing once."""
    once = storable(value)
    assert storable(once) == once


@SOME
@given(LOSSES, st.lists(st.none() | st.floats(), min_size=1, max_size=3))
def test_steps_come_back(tmp_path: Path, losses: list[float | None], rates: list[float | None]) -> None:
    """Loss and learning rates, non-finite and absent ones included."""
    steps = [{"record": "step", "step": n, "loss": loss, "lr": rates, "opt": [0]} for n, loss in enumerate(losses)]
    log = read_log(write(tmp_path / "log.json", [HEADER, *steps]))
    assert log.steps.tolist() == list(range(len(losses)))
    assert all(map(same, losses, log.column("loss").tolist()))
    assert all(map(same, rates * len(losses), log.lr_groups.ravel().tolist()))
    assert log.notes == []


@SOME
@given(st.lists(st.none() | st.floats(), min_size=2, max_size=2), st.integers(0, 2**53 - 1))
def test_layers_come_back(tmp_path: Path, norms: list[float | None], step: int) -> None:
    """In gradients nan means that there is none, so one that is nan is read as infinite."""
    parameters = [{"id": n, "name": f"p{n}", "shape": [2], "count": 2, "layer": "p"} for n in range(2)]
    model = {"id": 0, "name": "net", "layers": [], "parameters": parameters}
    records = [
        {**HEADER, "models": [model]},
        {"record": "step", "step": step},
        {"record": "layers", "step": step, "model": 0, "grad": norms, "weight": norms},
    ]
    log = read_log(write(tmp_path / "log.json", records))
    assert log.layers.steps_of("weight").tolist() == [step]
    assert all(map(same, norms, log.layers.column("weight")[0].tolist()))
    grads = log.layers.column("grad")[0]
    assert np.isnan(grads).tolist() == [norm is None for norm in norms]
    assert all(np.isinf(grad) for grad, norm in zip(grads, norms, strict=True) if norm is not None and math.isnan(norm))
