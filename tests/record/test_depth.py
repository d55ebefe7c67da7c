"""Very deep models: what a sample may cost bounds it from the first one on, and its parts are told as parts."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import Records, record
from torch import nn

from trainadvisor.log.reader import read_log
from trainadvisor.record.rotation import BLOCK, Rotation

if TYPE_CHECKING:
    from pathlib import Path

BLOCKS, STEPS = 150, 5


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.b(F.relu(self.a(x)))


def _train(blocks: int) -> nn.Module:
    model = nn.Sequential(*[_Block() for _ in range(blocks)])
    optimizer = torch.optim.SGD(model.parameters(), 1e-4)
    for _ in range(STEPS):
        optimizer.zero_grad()
        model(torch.randn(4, 3)).square().mean().backward()
        optimizer.step()
    return model


def _recorded(monkeypatch: pytest.MonkeyPatch, blocks: int, *, dear: bool) -> Records:
    """Record a training under a clock by which a look takes 10 ms, or no time at all."""
    ticks = itertools.count()
    monkeypatch.setattr(Rotation, "clock", staticmethod(lambda: 0.01 * next(ticks) if dear else 0.0))
    return record(lambda: _train(blocks))


def _rows(records: Records, column: str) -> list[Any]:
    return [row.get("rows") for row in records.of("layers") if column in row]


def test_each_sample_of_a_very_deep_model_measures_the_next_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where looking is dear, the very first sample ends after one block, and the others follow in turn."""
    records = _recorded(monkeypatch, BLOCKS, dear=True)
    layers, parameters = 2 * BLOCKS, 4 * BLOCKS
    assert _rows(records, "act_mean") == [
        (0, 128, layers), (128, 256, layers), (256, layers, layers), (0, 128, layers), (128, 256, layers)
    ]  # fmt: skip
    assert [rows[1] - rows[0] for rows in _rows(records, "update")] == [BLOCK] * (parameters // BLOCK) + [88]
    assert all(len(row) <= BLOCK for row in records.layer("update"))


def test_the_functions_between_the_layers_of_a_block_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second block's table holds the ReLUs after its layers, and none of another block's."""
    records = _recorded(monkeypatch, BLOCKS, dear=True)
    rows = records.events("table")[1]["rows"]
    wanted = [(f"{k}.a", f"{k}.a.relu", f"{k}.b") for k in range(64, 128)]
    assert [row["name"] for row in rows] == [*itertools.chain(*wanted), "output"]
    assert records.events("table")[1]["part"] == (128, 256, 2 * BLOCKS)


@pytest.mark.parametrize(("blocks", "dear"), [(BLOCKS, False), (32, True)])
def test_what_is_cheap_or_small_is_measured_whole(monkeypatch: pytest.MonkeyPatch, blocks: int, dear: bool) -> None:  # noqa: FBT001
    """A deep model whose layers cost little, and a model of no more layers than a block, whatever they cost."""
    records = _recorded(monkeypatch, blocks, dear=dear)
    assert _rows(records, "act_mean") == _rows(records, "update") == [None] * STEPS
    assert {len(row) for row in records.layer("update")} == {4 * blocks}
    assert len(records.events("table")) == 1


def test_gradients_and_their_total_are_always_of_all_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    """However dear: no rule takes a part of the norm for the whole."""
    records = _recorded(monkeypatch, BLOCKS, dear=True)
    assert {len(row) for row in records.layer("grad")} == {4 * BLOCKS}
    assert None not in records.column("grad_norm")


@pytest.mark.parametrize(("blocks", "measured"), [(BLOCKS, 512), (32, 128)])
def test_so_many_parameters_are_measured_when_a_model_is_found(blocks: int, measured: int) -> None:
    """At most 512, which lie evenly: of every quarter of the model as many."""
    parameters = record(lambda: _train(blocks)).facts("model")[0]["parameters"]
    known = [place for place, fact in enumerate(parameters) if "init_rms" in fact]
    assert len(parameters) == 4 * blocks
    assert len(known) == measured
    assert {sum(place * 4 // len(parameters) == quarter for place in known) for quarter in range(4)} == {measured // 4}


def _log(path: Path, parts: list[tuple[int, tuple[int, int, int], list[float]]]) -> Path:
    parameters = [
        {"id": k, "name": f"{k}.weight", "shape": [2, 2], "count": 4, "layer": f"{k}", "role": "weight"}
        for k in range(4)
    ]
    model = {"id": 0, "name": "Net", "class": "Net", "layers": [], "parameters": parameters}
    records: list[dict[str, Any]] = [{"record": "header", "format": 1, "source": "recorder", "models": [model]}]
    records += [{"record": "step", "step": step, "loss": 1.0} for step in range(9)]
    records += [
        {"record": "layers", "step": step, "model": 0, "rows": rows, "update": values, "act_mean": values, "table": 0}
        for step, rows, values in parts
    ]
    records.append(
        {"record": "event", "kind": "table", "step": 0, "subject": "", "detail": {"id": 0, "rows": [{}] * 2}}
    )
    path.write_text("[\n" + ",\n".join(map(json.dumps, records)) + "\n]\n")
    return path


def test_parts_are_one_sample_once_all_rows_are_there(tmp_path: Path) -> None:
    """At the step of the last part; what is still incomplete, and activations of a part, are no sample at all."""
    parts = [(0, (0, 2, 4), [1.0, 2.0]), (3, (2, 4, 4), [3.0, 4.0]), (6, (0, 2, 4), [5.0, 6.0])]
    log = read_log(_log(tmp_path / "log.json", parts))
    assert log.layers.steps_of("update").tolist() == [3]
    assert log.layers.column("update").tolist() == [[1.0, 2.0, 3.0, 4.0]]
    assert log.layers.column("act_mean").size == 0
    assert "the layers are so many that only a part of them was measured at a time" in log.notes


@pytest.mark.parametrize("rows", [(0, 4, 3), (-1, 1, 4), (0, 2, 10**9), (2, 2, 4), "024"])
def test_rows_that_cannot_be_are_not_put_together(tmp_path: Path, rows: Any) -> None:
    """Of a strange log nothing is joined, and nothing large is made."""
    log = read_log(_log(tmp_path / "log.json", [(0, rows, [1.0, 2.0])]))
    assert log.layers.column("update").size == 0
    assert log.notes == []
