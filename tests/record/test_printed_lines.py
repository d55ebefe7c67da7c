"""What a script prints is read along and comes out as it is."""

from __future__ import annotations

import io
import sys
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from trainadvisor.record.printed_figures import MANY, SHARE, PrintedFigures
from trainadvisor.record.printed_lines import LONGEST, MUCH, heard

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

say = print


@contextmanager
def _printing() -> Iterator[io.TextIOWrapper]:
    """Let the test print to a real stream over memory."""
    made = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="")
    before, sys.stdout = sys.stdout, made
    try:
        yield made
    finally:
        sys.stdout = before


def _written(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    raw: Any = stream.buffer
    return bytes(raw.getvalue())


def test_lines_are_handed_over_when_they_end_and_written_as_they_are() -> None:
    """However many writes make one, and however many lines one write holds."""
    lines: list[str] = []
    with _printing() as stream, heard(lines.append):
        say("a", 1, end="")
        say(" b")
        sys.stdout.write("c\n\nd\ne")
        sys.stdout.writelines(["f\n", "g"])
    assert lines == ["a 1 b", "c", "d", "ef"]
    assert _written(stream) == b"a 1 b\nc\n\nd\nef\ng"


def test_a_bar_is_what_it_shows_last() -> None:
    """What a carriage return has written over is gone."""
    lines: list[str] = []
    with _printing() as stream, heard(lines.append):
        for share in (1, 50, 100):
            sys.stdout.write(f"\r{share} %")
        say("\r")
    assert lines == ["100 %"]
    assert _written(stream) == b"\r1 %\r50 %\r100 %\r\n"


def test_a_line_beyond_the_longest_is_not_kept() -> None:
    """A line of that length is."""
    lines: list[str] = []
    with _printing() as stream, heard(lines.append):
        say("x" * LONGEST)
        say("x" * (LONGEST + 1))
        for _ in range(3):
            sys.stdout.write("y" * LONGEST)
        say()
    assert [len(line) for line in lines] == [LONGEST]
    assert len(_written(stream)) == 5 * LONGEST + 4


def test_a_text_as_long_as_a_table_is_written_and_not_looked_at() -> None:
    """Nor what it goes on from; the next line is."""
    lines: list[str] = []
    with _printing() as stream, heard(lines.append):
        sys.stdout.write("begun ")
        sys.stdout.write("x\n" * MUCH)
        say("next")
    assert lines == ["next"]
    assert len(_written(stream)) == 6 + 2 * MUCH + 5


def test_the_stream_is_itself_again_afterwards() -> None:
    """And keeps what the script itself has put there."""
    with _printing() as stream:
        with heard(print):
            assert "write" in vars(stream)
        assert "write" not in vars(stream)
        own = vars(stream)["write"] = len
        with heard(print):
            assert vars(stream)["write"] is own
        assert vars(stream)["write"] is own


def test_a_mistake_of_the_listener_stays_with_it() -> None:
    """The script prints on."""

    def fail(line: str) -> None:
        raise RuntimeError(line)

    with _printing() as stream, heard(fail):
        say("one")
        say("two")
    assert _written(stream) == b"one\ntwo\n"


def test_an_error_of_the_stream_passes_without_our_frames() -> None:
    """As the script would meet it."""
    lines: list[str] = []
    with _printing(), heard(lines.append):
        try:
            say("é")
        except UnicodeEncodeError as error:
            frames = traceback.extract_tb(error.__traceback__)
    assert [frame.name for frame in frames] == ["test_an_error_of_the_stream_passes_without_our_frames"]
    assert lines == []


def test_a_stream_of_the_scripts_own_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be anything."""
    own = io.StringIO()
    monkeypatch.setattr(sys, "stdout", own)
    lines: list[str] = []
    with heard(lines.append):
        say("x")
    assert (own.getvalue(), lines) == ("x\n", [])


class _Recorder:
    """Stands for the recorder at a step."""

    def __init__(self) -> None:
        self.step, self.records, self.spent = 0, [], 0.0
        self.thread = self.plan = self
        self.ident, self.active = None, False
        self.queue = self

    def steps_done(self) -> int:
        return self.step

    def put(self, record: dict[str, Any], pending: list[Any]) -> None:
        assert pending == []
        self.records.append(record)

    def guard(self, name: str, function: Any, *args: Any) -> None:
        del name
        function(*args)

    def spend(self, seconds: float) -> None:
        self.spent += seconds


def _figures(line: str) -> dict[str, Any]:
    return {"held_out": {"acc": float(line.split()[1])}} if line.startswith("acc") else {}


def test_a_figure_is_kept_at_the_step_after_which_it_was_printed() -> None:
    """Its reading is counted as time of ours; lines without figures leave nothing."""
    figures: Any = PrintedFigures(_figures)
    recorder = _Recorder()
    figures.take("acc 0.1")
    figures.recorder = recorder
    recorder.step = 7
    for line in ("hello", "loss 0.3", "acc 0.5"):
        figures.take(line)
    assert recorder.records == [
        {"record": "event", "kind": "figures-printed", "step": 7, "subject": "", "detail": {"held_out": {"acc": 0.5}}}
    ]
    assert recorder.spent > 0


def test_a_row_of_a_table_is_read_by_its_head() -> None:
    """Each line of it stands alone in the log."""
    figures: Any = PrintedFigures(lambda line: {"held_out": {"said": line}})
    recorder = figures.recorder = _Recorder()
    for line in ("| step | val_acc |", "| 1 | 0.5 |"):
        figures.take(line)
    assert [record["detail"] for record in recorder.records] == [{"held_out": {"said": "step: 1, val_acc: 0.5"}}]


def test_a_script_that_prints_at_every_step_fills_no_log() -> None:
    """After the first lines one in so many steps is kept, ever fewer as the run goes on."""
    figures: Any = PrintedFigures(_figures)
    recorder = _Recorder()
    figures.recorder = recorder
    for recorder.step in range(20_000):
        figures.take("acc 0.5")
    kept = [record["step"] for record in recorder.records]
    assert kept[:MANY] == list(range(MANY))
    assert all(later - earlier >= later // SHARE for earlier, later in zip(kept[MANY:], kept[MANY + 1 :], strict=False))
    assert len(kept) == 2_625


def test_another_thread_than_that_of_the_training_is_not_heard() -> None:
    """Its lines are of something else."""
    figures: Any = PrintedFigures(_figures)
    recorder = _Recorder()
    figures.recorder, recorder.ident = recorder, -1
    figures.take("acc 0.5")
    assert recorder.records == []
