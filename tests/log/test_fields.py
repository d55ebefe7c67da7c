"""Fields of many records at once: what asking each record would give."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from trainadvisor.log.columns import StepColumns, floats
from trainadvisor.log.fields import Fields

NAMES = ("loss", "grad_norm", "stale", "lr", "opt", "missing")


def _records(seed: int, kinds: int) -> list[dict[str, Any]]:
    """Return records of several sets of keys, some of equal length, with values of every type."""
    draw = random.Random(seed)  # noqa: S311 - no secrets
    shapes = [
        draw.sample(["loss", "grad_norm", "stale", "lr", "opt", "a", "b"], draw.randint(0, 7)) for _ in range(kinds)
    ]
    values = [1.5, 2, True, None, "nan", "inf", "word", [0.1], [], 10**30]
    return [{"step": i} | {key: draw.choice(values) for key in draw.choice(shapes)} for i in range(40)]


@pytest.mark.parametrize("kinds", [1, 2, 5])
@pytest.mark.parametrize("seed", range(6))
def test_a_field_is_what_each_record_says(seed: int, kinds: int) -> None:
    """As numbers with a default, and as it stands."""
    records = _records(seed, kinds)
    fields = Fields(records)
    for name in NAMES:
        assert fields.values(name) == [record.get(name) for record in records]
        for default in (None, 0.0):
            wanted = floats([record.get(name, default) for record in records])
            found = fields.column(name, floats, default)
            if found is None:
                assert np.isnan(wanted).all()
                assert not any(record.get(name) is not None for record in records)
            else:
                np.testing.assert_array_equal(np.broadcast_to(found, wanted.shape), wanted)


def test_records_of_equal_length_may_have_other_keys() -> None:
    """Nothing of the second is lost."""
    fields = Fields([{"step": 0, "loss": 1.0}, {"step": 1, "accuracy": 0.5}])
    assert fields.values("loss") == [1.0, None]
    assert fields.values("accuracy") == [None, 0.5]


def test_a_field_that_never_changes_is_one_number() -> None:
    """One that changes is an array."""
    fields = Fields([{"step": i, "batch": 64} for i in range(1000)])
    step = fields.column("step", floats)
    assert fields.column("batch", floats) == 64
    assert isinstance(step, np.ndarray)
    assert step.size == 1000


def test_a_column_that_never_changes_takes_no_room() -> None:
    """It is a view of one number over all batches, as is one that no step holds; one with a gap is an array."""
    columns = StepColumns(0.0)
    for first in (0, 500):
        late = {"micro": 2} if first else {}
        columns.add([{"step": first + i, "batch": 64, **late} for i in range(500)])
    found = {name: columns.column(name) for name in ("batch", "loss", "micro", "step")}
    assert {name: (values.size, values.strides) for name, values in found.items()} == {
        "batch": (1000, (0,)), "loss": (1000, (0,)), "micro": (1000, (8,)), "step": (1000, (8,)),
    }  # fmt: skip
    assert np.isnan(found["micro"]).sum() == 500


def test_columns_of_mixed_batches_are_those_of_single_records() -> None:
    """However the records are dealt out."""
    records = _records(3, 4)
    whole, single = StepColumns(0.0), StepColumns(0.0)
    whole.add(list(records))
    for record in records:
        single.add([record])
    for name in ("step", "loss", "grad_norm", "stale", "mode_eval"):
        np.testing.assert_array_equal(whole.column(name), single.column(name))
    width = min(whole.rates().shape[1], single.rates().shape[1])
    np.testing.assert_array_equal(whole.rates()[:, :width], single.rates()[:, :width])
    assert whole.turns == single.turns
