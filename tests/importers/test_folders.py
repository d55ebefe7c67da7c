"""The log of a folder is found."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from trainadvisor import regular
from trainadvisor.errors import LogError
from trainadvisor.importers.folders import log_in
from trainadvisor.importers.foreign_logs import read_log

if TYPE_CHECKING:
    from pathlib import Path


def state(folder: Path, steps: int) -> Path:
    """A trainer_state.json after some steps."""
    folder.mkdir(parents=True, exist_ok=True)
    history = [{"step": step, "loss": 3 - step / 100, "learning_rate": 0.1} for step in range(10, steps + 1, 10)]
    path = folder / "trainer_state.json"
    path.write_text(json.dumps({"log_history": history, "global_step": steps, "max_steps": 100}))
    return path


def test_the_checkpoint_with_most_steps_has_the_state(tmp_path: Path) -> None:
    """Whatever the order in which they were written or copied; 100 is more than 90."""
    last = state(tmp_path / "checkpoint-100", 100)
    state(tmp_path / "checkpoint-90", 90)
    assert log_in(tmp_path) == last
    assert read_log(tmp_path).steps.tolist() == list(range(10, 101, 10))


def test_the_state_of_the_whole_training_goes_before(tmp_path: Path) -> None:
    """It is saved beside the checkpoints when the training ends."""
    state(tmp_path / "checkpoint-90", 90)
    whole = state(tmp_path, 100)
    assert log_in(tmp_path) == whole


def test_a_state_goes_before_event_files_and_tables(tmp_path: Path) -> None:
    """It holds what they hold, and the plan of the training."""
    whole = state(tmp_path / "checkpoint-90", 90)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "events.out.tfevents.1.host").write_bytes(b"")
    (tmp_path / "metrics.csv").write_text("step,loss\n1,2.0\n")
    assert log_in(tmp_path) == whole


def test_the_newest_table_is_taken(tmp_path: Path) -> None:
    """Lightning numbers its versions, and starts a new one each time."""
    for version in (0, 1, 2):
        folder = tmp_path / f"version_{version}"
        folder.mkdir()
        path = folder / "metrics.csv"
        path.write_text("step,train_loss\n1,2.0\n")
        os.utime(path, (100 - version, 100 - version))
    assert log_in(tmp_path) == tmp_path / "version_0" / "metrics.csv"


def test_a_folder_without_a_log_is_refused(tmp_path: Path) -> None:
    """With what to name instead."""
    (tmp_path / "notes.txt").write_text("nothing")
    assert log_in(tmp_path) is None
    with pytest.raises(LogError, match="the folder holds no log that is known here"):
        read_log(tmp_path)


def test_a_folder_that_holds_too_much_is_searched_at_its_top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home folder is not walked through."""
    monkeypatch.setattr(regular, "MOST_ENTRIES", 5)
    for number in range(8):
        (tmp_path / f"file{number}").write_text("")
    state(tmp_path / "checkpoint-90", 90)
    assert log_in(tmp_path) is None
    assert log_in(state(tmp_path, 100).parent) == tmp_path / "trainer_state.json"


@pytest.mark.parametrize("name", [".", ".aim"])
def test_an_aim_repository_is_named(name: str, tmp_path: Path) -> None:
    """Also by the folder in it; aim itself has to write its curves out."""
    (tmp_path / ".aim").mkdir()
    (tmp_path / ".aim" / "run_metadata.sqlite").touch()
    with pytest.raises(LogError, match="Aim repository"):
        read_log(tmp_path / name)
