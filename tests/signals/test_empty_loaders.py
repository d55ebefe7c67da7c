"""Signals of loaders that yield nothing."""

from pathlib import Path
from typing import Any

import pytest
from builders import signals_of


@pytest.mark.parametrize(
    ("loaders", "told"),
    [
        (
            [{"batches": 4, "examples": 100, "batch_size": 32}, {"batches": 0, "examples": 20, "batch_size": 32}],
            (1, 20, 32),
        ),
        ([{"batches": 0, "examples": 0, "batch_size": 32}], (0, None, None)),
        ([{"batches": 1, "examples": 20, "batch_size": 32}], (0, None, None)),
        ([], (0, None, None)),
        ([{"batches": None, "examples": None, "batch_size": 32}], (None, None, None)),
    ],
)
def test_a_loader_without_a_batch_over_a_data_set_with_examples(
    tmp_path: Path, loaders: list[dict[str, Any]], told: tuple[Any, ...]
) -> None:
    """Streams have no length, an empty data set yields nothing rightly, and without loaders none is empty."""
    listed = [{"id": number, "role": "train", **loader} for number, loader in enumerate(loaders)]
    seen = signals_of(tmp_path, steps=5, loaders=listed)
    assert tuple(seen[name] for name in ("empty_loaders", "empty_loader_examples", "empty_loader_batch")) == told
