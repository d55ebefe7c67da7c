"""What the stores of a log keep of many steps and samples, against lists that are cut by hand."""
# ruff: noqa: FBT001 - what is expected of a table is a truth

from __future__ import annotations

import gzip
import json
import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from trainadvisor.errors import LogError
from trainadvisor.log import columns, fields, layer_samples, rank_logs, records, stream, tracebacks
from trainadvisor.log.curves import decimate, heat
from trainadvisor.log.reader import RunLog, read_log
from trainadvisor.log.training_phases import TrainingPhase

if TYPE_CHECKING:
    from pathlib import Path

NAN = math.nan


@pytest.mark.parametrize("batch", [1, 3, 7, 64])
def test_every_second_step_stays_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    """The same steps, rates and uses in batches of any size: those whose number the stride divides."""
    monkeypatch.setattr(columns, "MOST_STEPS", 10)
    given = [
        {"step": n, "loss": n / 8, "lr": [0.1 * n, 0.2], "opt": [n % 2], "mode": "eval" if n % 4 == 0 else "train"}
        for n in range(64)
    ]
    kept = columns.StepColumns(0.0)
    for start in range(0, len(given), batch):
        kept.add(given[start : start + batch])
    assert (kept.stride, kept.kept, kept.count, kept.skipped) == (8, 8, 64, 0)
    assert kept.column("step").tolist() == list(range(0, 64, 8))
    assert kept.column("loss").tolist() == [float(n) for n in range(8)]
    assert kept.rates().tolist() == [[0.1 * n, 0.2] for n in range(0, 64, 8)]
    assert kept.column("mode_eval").tolist() == [1.0] * 8
    assert dict(kept.turns) == {(0,): 32, (1,): 32}
    assert sorted(kept.first_use) == [0, 1]
    assert kept.last_use[0] == 7


def test_steps_beside_all_numbers_are_counted_and_left_out() -> None:
    """Below zero, beyond the largest, and no number; the rest is kept."""
    kept = columns.StepColumns(0.0)
    last = columns.LARGEST_STEP
    kept.add([{"step": n, "loss": 1.0} for n in (-1, 0, 5, last, last - 1, None)])
    assert kept.skipped == 3
    assert kept.column("step").tolist() == [0.0, 5.0, float(last - 1)]
    assert kept.column("unknown").tolist() == pytest.approx([NAN] * 3, nan_ok=True)


def test_a_field_without_numbers_leaves_the_next_ones_their_columns() -> None:
    """One that is empty so far, and one that holds none."""
    kept = columns.StepColumns(0.0)
    kept.add([{"step": n, "aa": None, "bb": "word", "cc": n / 2} for n in range(3)])
    assert kept.left_out == {"bb"}
    assert kept.column("cc").tolist() == [0.0, 0.5, 1.0]


def test_fields_of_records_of_several_forms() -> None:
    """Records with other keys stand in their places."""
    mixed = [{"a": 1, "b": 2.0}, {"a": 3}, {"a": 5, "b": 6.0}, {"b": 7.0, "c": 1, "d": 2}]
    found = fields.Fields(mixed)
    assert found.names() == {"a", "b", "c", "d"}
    assert found.values("a") == [1, 3, 5, None]
    assert found.values("b") == [2.0, None, 6.0, 7.0]
    assert found.values("c") == [None, None, None, 1]
    column = found.column("b", columns.floats)
    assert np.asarray(column).tolist() == pytest.approx([2.0, NAN, 6.0, 7.0], nan_ok=True)
    assert found.column("e", columns.floats) is None
    assert fields.Fields([{"a": 1, "b": 2}] * 3).column("a", columns.floats) == 1.0
    assert fields.Fields([{"a": 1}] * 3).values("a") == [1, 1, 1]
    assert fields.Fields([{"a": 1, "b": 2}, {"a": 1}]).values("a") == [1, 1]
    swapped = fields.Fields([{"a": 1, "b": 2}, {"c": 3, "d": 4}])
    assert (swapped.values("a"), swapped.values("d")) == ([1, None], [None, 4])


def test_values_nested_too_deeply_are_not_alike() -> None:
    """Others are, where all are equal."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    other: list[Any] = []
    for _ in range(100_000):
        other = [other]
    assert fields.all_alike([deep, other]) is False
    assert fields.all_alike([1, 1.0, True]) is True
    assert fields.all_alike([1, 2]) is False


def filled(monkeypatch: pytest.MonkeyPatch, most: int, count: int) -> layer_samples.LayerStore:
    """Return a store of at most so many numbers after so many samples of two numbers."""
    monkeypatch.setattr(layer_samples, "MOST_NUMBERS", most)
    store = layer_samples.LayerStore()
    for step in range(count):
        store.add({"record": "layers", "step": step, "model": 0, "grad": [1.0 * step, 2.0]})
    return store


@pytest.mark.parametrize(
    ("count", "steps"),
    [
        (10, list(range(10))),
        (11, [0, 1, 3, 5, 7, 9, 10]),
        (14, [0, 1, 3, 5, 7, 9, 10, 11, 12, 13]),
        (15, [0, 1, 5, 9, 11, 13, 14]),
    ],
)
def test_every_second_sample_stays_with_the_first_and_the_last(
    monkeypatch: pytest.MonkeyPatch, count: int, steps: list[int]
) -> None:
    """As soon as there are more numbers than may be kept."""
    store = filled(monkeypatch, 20, count)
    assert [sample[0] for sample in store.samples[0]["grad"]] == steps
    assert store.thinned is (count > 10)
    assert store.skipped == 0


def test_samples_that_cannot_be_thinned_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four samples of a column stay; records of wrong steps or models are counted."""
    store = filled(monkeypatch, 2, 9)
    assert len(store.samples[0]["grad"]) <= 4
    assert store.thinned
    for wrong in ({"step": -1}, {"step": "a"}, {"step": 1, "model": "b"}):
        store.add({"record": "layers", **wrong})
    assert store.skipped == 3


def test_parts_of_a_sample_are_joined() -> None:
    """A column is there once all of its rows are; activations come whole."""
    store = layer_samples.LayerStore()
    for start in (0, 2, 4):
        part = {"step": start, "model": 0, "rows": [start, start + 2, 6], "grad": [start, start + 1], "act_std": [9.0]}
        store.add({"record": "layers", **part})
    ((step, _, values),) = store.samples[0]["grad"]
    assert (step, values.tolist()) == (4, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    assert store.parts == 3


@pytest.mark.parametrize(
    ("step", "plain", "opening", "closing"),
    [(9, False, True, False), (10, False, True, False), (11, True, True, True), (20, True, True, True),
     (21, True, True, True), (22, False, False, True)],
)  # fmt: skip
def test_evaluations_of_a_phase(step: int, plain: bool, opening: bool, closing: bool) -> None:
    """After its first step up to the one behind its last; the first and the last phase take what lies outside."""
    told = [
        TrainingPhase(0, 11, 10, 20, (0,), opening=first, closing=last).covers_eval(step)
        for first, last in ((False, False), (True, False), (False, True))
    ]
    assert told == [plain, opening, closing]


@pytest.mark.parametrize(
    ("count", "most", "places"),
    [(3, 3, [0, 1, 2]), (4, 3, [0, 1, 3]), (9, 3, [0, 4, 8]), (5, 2, [0, 4]), (2, 5, [0, 1])],
)
def test_few_of_many_stay_evenly_spaced(count: int, most: int, places: list[int]) -> None:
    """With the first and the last."""
    assert decimate.thinned(list(range(count)), most) == places


def test_rows_are_grouped_by_the_deepest_names_that_fit() -> None:
    """Twelve groups at least, else evenly; a name that comes again is numbered."""
    assert heat.grouped(["a", "b", "a"], 3) == {"a": [0], "b": [1], "a #2": [2]}
    twelve = [f"m.{n}.{part}" for n in range(12) for part in "wb"]
    assert heat.grouped(twelve, 12) == {f"m.{n}": [2 * n, 2 * n + 1] for n in range(12)}
    eleven = heat.grouped([f"m.{n}.{part}" for n in range(11) for part in "wb"], 12)
    assert len(eleven) == 12
    assert next(iter(eleven.values())) == [0, 1]
    assert next(iter(eleven)) == "m.0.w .. m.0.b"
    assert [row for rows in eleven.values() for row in rows] == list(range(22))


def test_neighboring_samples_keep_their_largest_value() -> None:
    """Where there are more than are drawn."""
    steps, rows = np.arange(400), np.arange(400.0)[None, :]
    fewer, largest = heat._fewer(steps, rows)
    assert fewer.tolist() == list(range(0, 400, 2))
    assert largest.tolist() == [[float(n) for n in range(1, 400, 2)]]
    same = heat._fewer(steps[:200], rows[:, :200])
    assert same[0].tolist() == list(range(200))
    assert heat._largest(np.array([[NAN, 1.0], [NAN, NAN]]), 1).tolist() == pytest.approx([1.0, NAN], nan_ok=True)


TRACE = 'Traceback (most recent call last):\n  File "{file}", line 3, in f\n    x = g()\n{error}\n'


def trace(error: str, mark: str = "", file: str = "train.py") -> str:
    """Return a printed traceback, each line with the mark of its process."""
    return "".join(f"{mark}{line}\n" for line in TRACE.format(file=file, error=error).splitlines())


def test_of_several_processes_the_first_that_failed_is_told() -> None:
    """The last traceback of its own, also where another one printed later."""
    text = trace("ValueError: a", "[rank1]: ") + trace("KeyError: 'b'", "[rank0]: ") + trace("OSError: c", "[rank1]: ")
    told = tracebacks.last(text)
    assert told is not None
    assert (told.type, told.message, told.rank) == ("OSError", "c", 1)
    plain = tracebacks.last(trace("ValueError: a") + trace("KeyError: 'b'"))
    assert plain is not None
    assert (plain.type, plain.rank) == ("KeyError", None)
    assert tracebacks.last("nothing") is None


def test_a_message_goes_on_in_lines_that_are_set_in() -> None:
    """Up to the first that is not."""
    told = tracebacks.last(trace("RuntimeError: size mismatch:\n\tsize of w\n  and b") + "after\n  it\n")
    assert told is not None
    assert told.message == "size mismatch:\n\tsize of w\n  and b"


def test_the_place_of_a_traceback_is_the_deepest_own_line() -> None:
    """Else the deepest of a package."""
    frames = [tracebacks.Frame(file, 1) for file in ("a.py", "b.py", "/x/site-packages/torch/c.py")]

    def place(*chosen: int) -> str | None:
        found = tracebacks.Trace(tuple(frames[n] for n in chosen), "E", "").place
        return found.file if found else None

    assert place(0, 1, 2) == "b.py"
    assert place(2) == "/x/site-packages/torch/c.py"
    assert place() is None


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (1 / 3, 0.333333), (NAN, "nan"), (math.inf, "inf"), (-math.inf, "-inf"), (True, True), (None, None),
        (2**63 - 1, 2**63 - 1), (2**63, 9.22337e18), (-(2**63), -9.22337e18), (1 - 2**63, 1 - 2**63),
        (10**400, "inf"), (-(10**400), "-inf"), ("a\udc80", "a?"), ((1, NAN), [1, "nan"]),
        ({1: {2: 3}}, {"1": {"2": 3}}),
    ],
)  # fmt: skip
def test_what_json_holds_of_a_value(given: Any, stored: Any) -> None:
    """The same alone, in a list, in a record and in the record of a step."""
    assert records.storable(given) == stored
    assert records.storable([given]) == [stored]
    assert records.storable({"a": given}) == {"a": stored}
    if isinstance(given, float | bool | None):
        assert records.storable_step({"record": "step", "a": given, "b": [given], "c": [7]}) == {
            "record": "step", "a": stored, "b": [stored], "c": [7]
        }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "read"),
    [(True, 1.0), (3, 3.0), ("nan", NAN), ("-inf", -math.inf), ("inf", math.inf), ("x", None), (None, None), ([], None),
     (10**400, math.inf), (-(10**400), -math.inf), (0.5, 0.5)],
)  # fmt: skip
def test_numbers_of_a_log(given: Any, read: float | None) -> None:
    """With the words for those that are not finite."""
    assert records.number(given) == (pytest.approx(read, nan_ok=True) if read is not None else None)


@pytest.mark.parametrize(
    ("environment", "rank"),
    [
        ({}, (0, 1)), ({"RANK": "1", "WORLD_SIZE": "2"}, (1, 2)), ({"RANK": "2", "WORLD_SIZE": "2"}, (0, 1)),
        ({"RANK": "-1", "WORLD_SIZE": "2"}, (0, 1)), ({"RANK": "1"}, (0, 1)),
        ({"SLURM_PROCID": "3", "SLURM_NTASKS": "4"}, (3, 4)),
        ({"RANK": "x", "WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "8"}, (0, 8)),
    ],
)  # fmt: skip
def test_ranks_that_launchers_set(environment: dict[str, str], rank: tuple[int, int]) -> None:
    """Below the number of processes, else there is one."""
    assert rank_logs.of_environment(environment) == rank


def test_all_processes_of_a_launch_began_with_their_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is the parent, some time ago; a process alone begins now."""
    from datetime import datetime

    monkeypatch.delenv("RANK", raising=False)
    now = datetime.now().astimezone()
    assert abs((rank_logs.launched() - now).total_seconds()) < 5
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    first = rank_logs.launched()
    assert first <= now
    assert first == rank_logs.launched()
    assert first.tzinfo is not None


def test_runs_of_one_second_have_folders_of_their_own(tmp_path: Path) -> None:
    """The name is counted on; where none can be made, whoever begins the log tells why."""
    named = tmp_path / "runs" / "0102-030405"
    assert [rank_logs.folder_of_its_own(named).name for _ in range(3)] == [
        named.name,
        f"{named.name}-2",
        f"{named.name}-3",
    ]
    (tmp_path / "file").touch()
    assert rank_logs.folder_of_its_own(tmp_path / "file" / "run") == tmp_path / "file" / "run"


def test_ends_are_awaited(tmp_path: Path) -> None:
    """Of all logs, for so long and no longer."""
    ended, open_ = tmp_path / "a.json", tmp_path / "b.json"
    ended.write_bytes(b'[{"record":"header"},\n{"record":"end","reason":"finished"}\n]')
    open_.write_bytes(b'[{"record":"header"}\n]')
    assert rank_logs.await_ends([ended], 0) is True
    assert rank_logs.await_ends([ended, open_], 0) is False
    assert rank_logs.await_ends([tmp_path / "none.json"], 0) is False
    assert rank_logs.await_ends([], 0) is True


def test_a_log_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    """A folder, a file that is not there, and one that is cut off within its packed bytes."""
    with pytest.raises(LogError, match="is a directory"):
        list(stream.Stream(tmp_path))
    with pytest.raises(LogError, match="no such file"):
        list(stream.Stream(tmp_path / "none.json"))
    packed = tmp_path / "log.json.gz"
    packed.write_bytes(gzip.compress(b'[{"record":"header"},\n{"record":"step","step":0}\n]')[:-9])
    read = stream.Stream(packed)
    assert [record for batch in read for record in batch][:1] == [{"record": "header"}]
    assert read.torn


class Failing:
    """A file on a disk that goes away after the first block."""

    def __init__(self) -> None:
        self.blocks = [b'[{"record":"header"},\n']

    def read(self, _: int) -> bytes:
        """Return a block, then fail."""
        if not self.blocks:
            raise OSError(5, "Input/output error")
        return self.blocks.pop()


def test_a_disk_that_goes_away_is_no_end_of_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not read may matter."""
    monkeypatch.setattr(stream, "_open", lambda _: nullcontext(Failing()))
    with pytest.raises(LogError, match=r"log[.]json: cannot be read \(Input/output error\); check the file"):
        list(stream.Stream(tmp_path / "log.json"))


@pytest.mark.parametrize(
    ("name", "size", "most"),
    [
        ("a.json.gz", 1_000, 256 << 20), ("a.json.gz", 1 << 20, 500 << 20), ("a.json.zst", 1 << 30, 4 << 30),
        ("a.json", 1_000, math.inf),
    ],
)  # fmt: skip
def test_what_an_archive_may_unpack_to(tmp_path: Path, name: str, size: int, most: float) -> None:
    """256 MB whatever its size, 500 times that if it is more, and 4 GB at most."""
    with (tmp_path / name).open("wb") as file:
        file.truncate(size)
    assert stream.Stream(tmp_path / name)._most() == most


@pytest.mark.parametrize(("most", "fits"), [(100, True), (99, False)])
def test_an_archive_that_unpacks_to_more_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, fits: bool
) -> None:
    """Not before."""
    packed = tmp_path / "log.json.gz"
    packed.write_bytes(gzip.compress(b'{"record":"header"}\n'.ljust(100)))
    monkeypatch.setattr(stream.Stream, "_most", lambda _: most)
    if fits:
        assert [record for batch in stream.Stream(packed) for record in batch] == [{"record": "header"}]
    else:
        with pytest.raises(LogError, match="unpacks to more than"):
            list(stream.Stream(packed))


def test_a_loss_that_the_header_tells_was_called_from_the_start(tmp_path: Path) -> None:
    """Whatever is told of it later; another one from the step at which it is first told."""
    told = [{"record": "event", "kind": "loss", "step": step, "detail": {"id": number}} for number, step in
            ((0, 7), (1, 9), (1, 12), (2, None))]  # fmt: skip
    path = tmp_path / "log.json"
    path.write_text(json.dumps([{"record": "header", "format": 1, "losses": [{"id": 0}]}, *told]), encoding="utf-8")
    assert read_log(path).first_called == {0: 0, 1: 9, 2: 0}


def test_a_header_that_is_too_large_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes up to the room is read."""
    path = tmp_path / "log.json"
    path.write_text(json.dumps([{"record": "header", "format": 1, "script": "x" * 100}]), encoding="utf-8")
    log = RunLog(path)
    monkeypatch.setattr(log._clean, "room", 400)
    log.take([{"record": "header", "format": 1, "script": "x" * 100}])
    used = 400 - log._clean.room
    for room, fits in ((used, True), (used - 1, False)):
        again = RunLog(path)
        monkeypatch.setattr(again._clean, "room", room)
        if fits:
            again.take([{"record": "header", "format": 1, "script": "x" * 100}])
            assert again.header["script"] == "x" * 100
        else:
            with pytest.raises(LogError, match="the header is too large to be one"):
                again.take([{"record": "header", "format": 1, "script": "x" * 100}])


def test_an_optimizer_is_used_from_the_first_to_the_last_of_its_steps() -> None:
    """In batches of one optimizer each, whose rows are counted at once."""
    kept = columns.StepColumns(0.0)
    kept.add([{"step": n, "opt": [0]} for n in range(5)])
    kept.add([{"step": n, "opt": [1]} for n in (5, 6)])
    assert (kept.first_use, kept.last_use) == ({0: 0, 1: 5}, {0: 4, 1: 6})
