"""What is opened for one text is closed again, and what waits for a step that never comes does not wait for ever."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from recordkit import record
from torch import nn

from trainadvisor.errors import LogError
from trainadvisor.log import writer
from trainadvisor.record import listening, step_boundaries
from trainadvisor.record.evaluations.evaluation_series import SeriesBook, words_in_code
from trainadvisor.record.evaluations.evaluation_source import Source

if TYPE_CHECKING:
    from pathlib import Path


class Heard:
    """A voice that keeps what it says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def line(self, text: str) -> None:
        """Keep a text."""
        self.said.append(text)

    def close(self) -> None:
        """Keep that it was closed."""
        self.said.append("closed")


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """Return the voice of the writer and of the listener."""
    voice = Heard()
    monkeypatch.setattr(writer, "Voice", lambda: voice)
    monkeypatch.setattr(listening, "Voice", lambda: voice)
    return voice


def test_a_log_that_cannot_be_written_lets_its_voice_go(tmp_path: Path, heard: Heard) -> None:
    """The duplicate of standard error would stay open in the script."""
    with pytest.raises(LogError, match="cannot write the log"):
        writer.LogWriter(tmp_path / "none" / ("x" * 300) / "log.json")
    assert heard.said == ["closed"]


def test_a_voice_that_is_shared_stays(tmp_path: Path) -> None:
    """Who opened it closes it."""
    shared = Heard()
    with pytest.raises(LogError, match="cannot write the log"):
        writer.LogWriter(tmp_path / "none" / ("x" * 300) / "log.json", voice=shared)  # type: ignore[arg-type]
    assert shared.said == []


def test_a_torch_that_cannot_be_heard_is_told_once(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the log and on standard error, which is let go."""
    events: list[Any] = []
    monkeypatch.setattr(listening.private_torch, "told", lambda: "torch 9 is unknown")
    monkeypatch.setattr(listening.private_torch, "unusable", ["x"])
    listening.listen(SimpleNamespace(event=lambda *event: events.append(event)))  # type: ignore[arg-type]
    assert events == [("probe-failed", "torch", {"probe": "torch", "error": "torch 9 is unknown"})]
    assert heard.said == ["trainadvisor: torch 9 is unknown", "closed"]


@pytest.mark.parametrize(("backwards", "steps"), [(3, [3]), (4, [4]), (6, [4, 1, 1])])
def test_an_optimizer_that_never_steps_is_waited_for(
    backwards: int, steps: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For so many backwards; from then on each is a step."""
    monkeypatch.setattr(step_boundaries, "_PATIENCE", 3)

    def train() -> object:
        model = nn.Linear(2, 1)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(backwards):
            nn.functional.mse_loss(model(torch.ones(3, 2)), torch.ones(3, 1)).backward()
        return model, optimizer

    assert record(train).column("micro") == steps


def test_the_split_is_named_where_the_places_part_first(tmp_path: Path) -> None:
    """The outermost line that differs names it, whatever the lines below it say."""
    code = tmp_path / "train.py"
    code.write_text("on_val = run(a)\non_test = run(b)\nscore(a)\nscore(b)\nmain()\n", encoding="utf-8")
    lines = [(3, 1, 5), (4, 2, 5)]
    places: Any = [tuple((str(code), line, "f") for line in place) for place in lines]
    assert words_in_code(places) == ["validation", "test"]


def test_places_of_evaluations_are_numbered_and_the_last_two_hundred_known() -> None:
    """One that came before begins anew, with a number of its own; models are told apart."""
    book = SeriesBook()

    def number(line: int, model: int = 0) -> int:
        return book.number(Source(None, (("train.py", line, "evaluate"),), None, 0), model)

    assert [number(line) for line in range(200)] == list(range(200))
    assert [number(line) for line in range(200)] == list(range(200))
    assert [number(200), number(1), number(0), number(0)] == [200, 1, 201, 201]
    assert [number(200, model=1), number(200)] == [202, 200]
