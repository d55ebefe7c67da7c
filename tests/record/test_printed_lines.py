"""What a script prints is read along and comes out as it is."""

from __future__ import annotations

import copy
import inspect
import io
import pickle
import sys
import threading
import traceback
import weakref
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.record.printed_figures import ENOUGH, MANY, SHARE, PrintedFigures
from trainadvisor.record.printed_lines import LONGEST, MOST, MUCH, PrintedLines

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


@contextmanager
def heard(lines: list[str]) -> Iterator[PrintedLines]:
    """Listen to what the block prints, and put it among the lines at its end."""
    printed = PrintedLines()
    with printed.heard():
        yield printed
    printed.read(lambda line, _: lines.append(line))


def _written(stream: io.TextIOWrapper) -> bytes:
    stream.flush()
    raw: Any = stream.buffer
    return bytes(raw.getvalue())


def test_lines_are_handed_over_when_they_end_and_written_as_they_are() -> None:
    """However many writes make one, and however many lines one write holds."""
    lines: list[str] = []
    with _printing() as stream, heard(lines):
        say("a", 1, end="")
        say(" b")
        sys.stdout.write("c\n\nd\ne")
        sys.stdout.writelines(["f\n", "g"])
    assert lines == ["a 1 b", "c", "d", "ef"]
    assert _written(stream) == b"a 1 b\nc\n\nd\nef\ng"


def test_a_bar_is_what_it_shows_last() -> None:
    """What a carriage return has written over is gone."""
    lines: list[str] = []
    with _printing() as stream, heard(lines):
        for share in (1, 50, 100):
            sys.stdout.write(f"\r{share} %")
        say("\r")
    assert lines == ["100 %"]
    assert _written(stream) == b"\r1 %\r50 %\r100 %\r\n"


def test_a_line_beyond_the_longest_is_not_kept() -> None:
    """A line of that length is."""
    lines: list[str] = []
    with _printing() as stream, heard(lines):
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
    with _printing() as stream, heard(lines):
        sys.stdout.write("begun ")
        sys.stdout.write("x\n" * MUCH)
        say("next")
    assert lines == ["next"]
    assert len(_written(stream)) == 6 + 2 * MUCH + 5


def test_the_stream_is_itself_again_afterwards() -> None:
    """And keeps what the script itself has put there."""
    with _printing() as stream:
        with heard([]):
            assert "write" in vars(stream)
        assert "write" not in vars(stream)
        own = vars(stream)["write"] = len
        with heard([]):
            assert vars(stream)["write"] is own
        assert vars(stream)["write"] is own


def test_of_texts_that_nobody_reads_the_last_ones_are_kept() -> None:
    """A line of which some was dropped is none."""
    lines: list[str] = []
    printed = PrintedLines()
    with _printing() as stream, printed.heard():
        sys.stdout.write("begun ")
        printed.read(lambda line, _: lines.append(line))
        for number in range(MOST + 1):
            sys.stdout.write(f"{number}\n")
    printed.read(lambda line, _: lines.append(line))
    assert lines == [str(number) for number in range(1, MOST + 1)]
    assert _written(stream).startswith(b"begun 0\n1\n")


def test_lines_of_threads_are_put_together_apart() -> None:
    """Each line comes with the thread that printed it, however their texts follow each other."""
    found: list[tuple[str, int]] = []
    printed = PrintedLines()
    with _printing(), printed.heard():
        sys.stdout.write("one ")
        other = threading.Thread(target=sys.stdout.write, args=("two\n",))
        other.start()
        other.join()
        sys.stdout.write("three\n")
    printed.read(lambda line, thread: found.append((line, thread)))
    assert found == [("two", other.ident), ("one three", threading.get_ident())]


def test_what_was_forgotten_is_not_read() -> None:
    """Nor what of a line had been read before."""
    lines: list[str] = []
    with _printing(), heard(lines) as printed:
        sys.stdout.write("old ")
        printed.read(lambda line, _: lines.append(line))
        say("news")
        printed.forget()
        say("new")
    assert lines == ["new"]


def test_what_is_raised_below_a_write_shows_no_frame_of_ours() -> None:
    """Whatever it is, and nothing of that text is read."""

    class Full(io.BytesIO):
        """A file that takes nothing."""

        def write(self, _: object) -> int:
            raise KeyboardInterrupt

    lines: list[str] = []
    before, sys.stdout = sys.stdout, io.TextIOWrapper(Full(), write_through=True)
    try:
        with heard(lines):
            try:
                sys.stdout.write("x\n")
            except KeyboardInterrupt as error:
                frames = traceback.extract_tb(error.__traceback__)
    finally:
        sys.stdout = before
    assert [frame.name for frame in frames] == ["test_what_is_raised_below_a_write_shows_no_frame_of_ours", "write"]
    assert frames[-1].filename == __file__
    assert lines == []


def test_what_is_printed_on_a_full_stack_is_what_is_printed_without_us() -> None:
    """A text that has been written is not refused afterwards."""

    def deep(level: int) -> int:
        try:
            return deep(level + 1)
        except RecursionError:
            say("bottom")
            return level

    with _printing() as alone:
        deep(0)
    with _printing() as stream, heard([]):
        deep(0)
    assert _written(stream) == _written(alone)


def test_write_looks_as_it_does_without_us() -> None:
    """To inspect, to copying and to pickling, by its text and by its errors."""
    with _printing() as stream:
        plain = stream.write
        with heard([]):
            write: Any = stream.write
            assert write is not plain
            assert (repr(write), hash(write), dir(write)) == (repr(plain), hash(plain), dir(plain))
            assert str(type(write)) == str(type(plain))
            assert (write == plain, write == stream.flush) == (True, False)
            assert write.__self__ is stream
            assert (write.__name__, write.__qualname__, write.__doc__) == ("write", plain.__qualname__, plain.__doc__)
            assert inspect.isbuiltin(write)
            assert inspect.signature(write) == inspect.signature(plain)
            assert copy.deepcopy([write])[0] is write
            assert weakref.ref(write)() is write
            for look in (pickle.dumps, lambda asked: asked.missing, lambda asked: setattr(asked, "own", 1)):
                assert _told(look, write) == _told(look, plain)
            for given in ((1,), (None,), (b"bytes",), (["list"],), (), ("a", "b")):
                assert _told(lambda asked, given=given: asked(*given), write) == _told(
                    lambda asked, given=given: asked(*given), plain
                )
            assert _told(lambda asked: asked(text="x"), write) == _told(lambda asked: asked(text="x"), plain)


def _told(function: Any, given: Any) -> tuple[str, list[str]]:
    """Return what an error says, and the functions in its traceback."""
    try:
        function(given)
    except (TypeError, AttributeError) as error:
        return repr(error), [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    raise AssertionError


def test_writing_returns_how_much_was_written() -> None:
    """Of an empty text and of a text's subclass too, which our own side asks for nothing."""

    class Own(str):
        """A text that cannot be measured."""

        __slots__ = ()

        def __len__(self) -> int:
            raise AssertionError

    with _printing() as stream, heard([]):
        assert [sys.stdout.write(text) for text in ("abc", "", Own("de"))] == [3, 0, 2]
    assert _written(stream) == b"abcde"


def test_an_error_of_the_stream_passes_without_our_frames() -> None:
    """As the script would meet it."""
    lines: list[str] = []
    with _printing(), heard(lines):
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
    with heard(lines):
        say("x")
    assert (own.getvalue(), lines) == ("x\n", [])


class _Recorder:
    """Stands for the recorder at a step."""

    def __init__(self) -> None:
        self.step, self.spent = 0, 0.0
        self.records: list[dict[str, Any]] = []
        self.thread = self.plan = self
        self.ident, self.active = None, False
        self.figures: Any = None
        self.queue = self

    def steps_done(self) -> int:
        return self.step

    def put(self, record: dict[str, Any], pending: list[Any]) -> None:
        assert pending == []
        self.records.append(record)

    def guard(self, name: str, function: Any, *args: Any) -> None:
        del name
        with suppress(RuntimeError):
            function(*args)

    def spend(self, seconds: float) -> None:
        self.spent += seconds


@contextmanager
def _followed(read: Any) -> Iterator[Any]:
    """Read what the block prints, for a recorder, which is handed over with what reads."""
    figures, recorder = PrintedFigures(read), _Recorder()
    taken = slot.printed, slot.look
    try:
        with _printing(), figures.lines.heard():
            say("acc 0.1")
            recorder.figures = figures
            figures.begin(cast("Any", recorder))
            yield recorder
    finally:
        slot.printed, slot.look = taken


def _figures(line: str) -> dict[str, Any]:
    return {"held_out": {"acc": float(line.split()[1])}} if line.startswith("acc") else {}


def test_a_figure_is_kept_at_the_step_after_which_it_was_printed() -> None:
    """What was printed before torch was there is not; lines without figures leave nothing; the time is ours."""
    with _followed(_figures) as recorder:
        assert not slot.printed
        recorder.step = 7
        for line in ("hello", "loss 0.3", "acc 0.5"):
            say(line)
        assert slot.printed
        slot.look()
        assert not slot.printed
    assert recorder.records == [
        {"record": "event", "kind": "figures-printed", "step": 7, "subject": "", "detail": {"held_out": {"acc": 0.5}}}
    ]
    assert recorder.spent > 0


def test_after_the_end_nothing_is_read() -> None:
    """What was printed before it is; a write that the script has kept goes on writing."""
    with _followed(_figures) as recorder:
        write = sys.stdout.write
        say("acc 0.5")
        recorder.figures.end()
        assert len(recorder.records) == 1
        assert write("acc 0.6\n") == 8
        assert not slot.printed
        recorder.figures.look()
    assert len(recorder.records) == 1


def test_a_row_of_a_table_is_read_by_its_head() -> None:
    """Each line of it stands alone in the log."""
    with _followed(lambda line: {"held_out": {"said": line}}) as recorder:
        for line in ("| step | val_acc |", "| 1 | 0.5 |"):
            say(line)
        slot.look()
    assert [record["detail"] for record in recorder.records] == [{"held_out": {"said": "step: 1, val_acc: 0.5"}}]


def test_a_script_that_prints_at_every_step_fills_no_log() -> None:
    """After the first lines one in so many steps is kept, ever fewer as the run goes on."""
    with _followed(_figures) as recorder:
        for recorder.step in range(20_000):
            say("acc 0.5")
            slot.look()
    kept = [record["step"] for record in recorder.records]
    assert kept[:MANY] == list(range(MANY))
    assert all(later - earlier >= later // SHARE for earlier, later in zip(kept[MANY:], kept[MANY + 1 :], strict=False))
    assert len(kept) == 2_625


def test_of_a_form_without_figures_no_more_lines_are_read() -> None:
    """After the first ones; lines of other forms, and with other words for a number, are."""
    read: list[str] = []
    with _followed(lambda line: read.append(line) or {}) as recorder:
        for number in range(20):
            say("step", number, "loss", f"{number / 7:.2e},")
            slot.look()
        say("step 21 loss nan")
        say("epoch 1 loss -0.5")
        slot.look()
    assert recorder.records == []
    assert [line.split()[0] for line in read] == ["step"] * (ENOUGH + 1) + ["epoch"]
    assert read[-2] == "step 21 loss nan"


def test_a_form_with_figures_is_read_on() -> None:
    """Also where it had none at times, and behind lines without numbers of one form."""
    with _followed(_figures) as recorder:
        for number in range(20):
            say("epoch ends")
            say(f"acc {number}.5")
            slot.look()
    assert len(recorder.records) == 20


def test_rows_are_read_once_their_head_has_come() -> None:
    """However many of the same form came before."""
    with _followed(lambda line: {"held_out": {"said": line}} if "acc" in line else {}) as recorder:
        for number in range(20):
            say(f"| {number} | 0.5 |")
        say("| step | val_acc |")
        say("| 1 | 0.5 |")
        slot.look()
    said = [record["detail"]["held_out"]["said"] for record in recorder.records]
    assert said == ["step: 1, val_acc: 0.5"]


def test_another_thread_than_that_of_the_training_is_not_heard() -> None:
    """Its lines are of something else; before any thread trains, all are heard."""
    with _followed(_figures) as recorder:
        for recorder.ident in (-1, None, threading.get_ident()):
            say("acc 0.5")
            slot.look()
    assert len(recorder.records) == 2


def test_a_mistake_of_the_reader_stays_with_it() -> None:
    """What is printed next is read again."""

    def read(line: str) -> dict[str, Any]:
        if "bad" in line:
            raise RuntimeError(line)
        return _figures(line)

    with _followed(read) as recorder:
        for line in ("bad 1", "acc 0.5"):
            say(line)
            slot.look()
    assert [record["detail"] for record in recorder.records] == [{"held_out": {"acc": 0.5}}]


def test_a_forked_child_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log is the parent's."""
    with _followed(_figures) as recorder:
        monkeypatch.setattr("os.getpid", lambda: -1)
        say("acc 0.5")
        slot.look()
        assert not slot.printed
    assert recorder.records == []
