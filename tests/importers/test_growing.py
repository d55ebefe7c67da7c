"""A foreign log that is still being written is followed as ours is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from recordedfiles import STEPS, one

from trainadvisor.importers import growing_import as module
from trainadvisor.importers.growing_import import GrowingImport, growing
from trainadvisor.log.growing import GrowingLog

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.log.reader import RunLog


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARE", 0.0)


def steps(records: list[dict[str, Any]]) -> list[int]:
    """The numbers of the step records."""
    return [record["step"] for record in records if record["record"] == "step"]


def snapshot(log: GrowingImport | GrowingLog) -> RunLog:
    """The log as it can be judged now."""
    found = log.snapshot()
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "pattern", "share"),
    [
        ("tensorboard_torch", "events*", 0.2),
        ("wandb_offline", "*.wandb", 0.9),
        ("keras_csv", "training.csv", 0.5),
        ("lightning_csv", "metrics.csv", 0.5),
    ],
)
def test_a_growing_file_is_followed(kind: str, pattern: str, share: float, tmp_path: Path) -> None:
    """What was added comes once, in order, wherever the file was cut; together it is the whole."""
    data = one(kind, pattern).read_bytes()
    path = tmp_path / "log"
    path.write_bytes(data[: int(share * len(data))])
    log = growing(path)
    seen = steps(log.grow())
    assert log.grow() == []
    half = len(seen)
    assert half
    for cut in (int((1 + share) / 2 * len(data)), len(data)):
        path.write_bytes(data[:cut])
        seen += [step for step in steps(log.grow()) if step not in seen]
    assert half < len(set(seen))
    assert sorted(set(seen)) == snapshot(log).steps.tolist()
    assert len(snapshot(log).steps) >= STEPS


def test_json_lines_are_followed(tmp_path: Path) -> None:
    """A line at a time; a torn one comes when it is whole."""
    path = tmp_path / "trainer_log.jsonl"
    rows = [f'{{"current_steps": {step}, "total_steps": 9, "loss": {3 - step / 10}}}\n' for step in range(6)]
    path.write_text("".join(rows[:3]) + rows[3][:20])
    log = growing(path)
    assert steps(log.grow()) == [0, 1, 2]
    path.write_text("".join(rows))
    assert steps(log.grow()) == [3, 4, 5]
    assert snapshot(log).column("loss").tolist() == pytest.approx([3.0, 2.9, 2.8, 2.7, 2.6, 2.5])


def test_a_file_that_is_unreadable_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    """A writer that begins its file anew leaves it empty for a moment; the log so far stands."""
    path = tmp_path / "metrics.csv"
    path.write_text("step,loss\n0,3.5\n1,3.0\n")
    log = growing(path)
    assert steps(log.grow()) == [0, 1]
    path.write_text("")
    assert log.grow() == []
    assert snapshot(log).steps.tolist() == [0, 1]
    path.write_text("step,loss\n0,3.5\n1,3.0\n2,2.5\n")
    assert steps(log.grow()) == [2]


def test_a_log_that_is_to_come_is_one_of_ours(tmp_path: Path) -> None:
    """Nothing is there yet to tell another tool's by."""
    assert isinstance(growing(tmp_path / "log.json"), GrowingLog)


@pytest.mark.parametrize("start", ["", "[", "[\n]\n"])
def test_a_log_that_has_only_been_opened_is_ours(start: str, tmp_path: Path) -> None:
    """As a watcher's before its first steps; a table is not."""
    (tmp_path / "log.json").write_text(start, encoding="utf-8")
    assert isinstance(growing(tmp_path / "log.json"), GrowingLog)
    (tmp_path / "metrics.csv").write_text("step,loss\n1,2.0\n2,1.0\n", encoding="utf-8")
    assert isinstance(growing(tmp_path / "metrics.csv"), GrowingImport)


def test_a_foreign_log_is_never_behind(tmp_path: Path) -> None:
    """It is read as a whole, so that a look may follow each reading."""
    log = GrowingImport(tmp_path / "log.csv")
    assert log.behind is False
