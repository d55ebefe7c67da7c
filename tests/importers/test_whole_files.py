"""What is read of files as a whole: how much of a large one, and which column names stand for a raised figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trainadvisor.importers import thinning
from trainadvisor.importers.column_names import _role, chosen
from trainadvisor.importers.decode.wandb_file import BOOLEAN, INTEGER, _held
from trainadvisor.importers.formats import tracker_stores
from trainadvisor.importers.table import Table

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("size", "every"), [(0, 1), (16 << 20, 1), ((32 << 20) - 1, 1), (32 << 20, 2), (80 << 20, 5)])
def test_a_file_of_16_megabytes_is_read_in_full(tmp_path: Path, size: int, every: int) -> None:
    """Of a larger one every so many records alike, as often as that goes into it."""
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:
        file.truncate(size)
    assert thinning.stride(path) == every
    assert thinning.told(path) == (
        [f"the file is so large that one of {every} lines or events alike was read"] if every > 1 else []
    )


@pytest.mark.parametrize(("values", "raised"), [([-1.0, -2.0, 3.0], True), ([-1.0, 2.0], False), ([1.0, 2.0], False)])
def test_a_bound_is_raised_where_most_of_it_is_negative(values: list[float], *, raised: bool) -> None:
    """A half is not most."""
    rows = [{"elbo": value} for value in values]
    assert (_role("elbo", rows) != _role("elbo", [{"elbo": 1.0}])) is raised


@pytest.mark.parametrize(
    ("number", "value", "held"), [(BOOLEAN, 0, False), (BOOLEAN, 1, True), (INTEGER, 3, -2), (INTEGER, 4, 2)]
)
def test_a_typed_item_is_a_truth_value_or_a_zigzag_integer(number: int, value: int, held: float) -> None:
    """By the number of its field."""
    assert _held(number, value) == held
    assert type(_held(number, value)) is type(held)


def test_a_folder_with_a_database_of_mlflow_is_its_store(tmp_path: Path) -> None:
    """The database alone will do; an empty folder is none."""
    assert not tracker_stores.matches_folder(tmp_path)
    (tmp_path / "mlflow.db").write_bytes(b"")
    assert tracker_stores.matches_folder(tmp_path)


@pytest.mark.parametrize(
    ("role", "place", "kept"),
    [("part", "beside", 32), ("train_metric", "beside", 32), ("figure", "beside", 64), ("eval_part", "metrics", 32)],
)
def test_of_many_columns_so_many_are_kept(role: str, place: str, kept: int) -> None:
    """Of each kind, the first by their names; of the rates of a training sixteen."""
    names = [f"n{number:02}" for number in range(70)]
    table = Table("x", (), roles={"loss": "loss", "acc": "metric", **dict.fromkeys(names, role)})
    found = getattr(chosen([dict.fromkeys(["loss", "acc", *names], 1.0)], table), place)
    assert sorted(found - {"loss", "acc"}) == names[:kept]
    rates = Table("x", (), roles=dict.fromkeys(names, "lr"))
    assert chosen([dict.fromkeys(names, 1.0)], rates).lr == names[:16]
