"""What the decoders make of single values, of what is damaged, and of what is too much."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from importers.protobuf_fields import held, number
from importers.test_decoding import piece as sound

from trainadvisor.importers import metric_names
from trainadvisor.importers.decode import (
    event_file,
    event_folder,
    leveldb_log,
    mlflow_store,
    tfrecord,
    tracked,
    trackio_store,
    wandb_file,
)
from trainadvisor.importers.decode.protobuf import MalformedError

if TYPE_CHECKING:
    from pathlib import Path


def item(key: str, value: bytes) -> bytes:
    """Return an item of a W&B record with a name, and its value as it is written."""
    return held(wandb_file.ITEM, held(wandb_file.KEY, key.encode()) + value)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (held(wandb_file.VALUE_JSON, b"0.5"), 0.5), (held(wandb_file.VALUE_JSON, b"{odd"), "{odd"),
        (held(wandb_file.VALUE_JSON, b'"a"'), "a"), (held(wandb_file.JSON, b"[1]"), [1]),
        (held(wandb_file.TEXT, b"12"), "12"), (number(wandb_file.BOOLEAN, 1), True),
        (number(wandb_file.INTEGER, 5), -3), (number(wandb_file.INTEGER, 6), 3), (held(15, b"?"), None),
        (bytes([wandb_file.NUMBER << 3 | 1]) + struct.pack("<d", 2.5), 2.5),
    ],
)  # fmt: skip
def test_an_item_of_wandb(value: bytes, read: Any) -> None:
    """As JSON or by its type; what is no JSON stays the words it is."""
    assert wandb_file._items(item("a", value)) == {"a": read}


def record(kind: int, data: bytes) -> bytes:
    """Return a whole record of a W&B file."""
    return sound(1, held(kind, data))


def test_a_wandb_file_tells_its_facts() -> None:
    """Settings of the run and beside it, its name before its id, how it ended; a malformed record is counted."""
    run = held(wandb_file.RUN_ID, b"x1") + held(wandb_file.RUN_NAME, b"sunny")
    run += held(wandb_file.RUN_CONFIG, item("lr", held(wandb_file.VALUE_JSON, b"0.1")))
    config = item("seed", held(wandb_file.VALUE_JSON, b"7"))
    history = item("loss", held(wandb_file.VALUE_JSON, b"0.5")) + held(wandb_file.HISTORY_STEP, number(1, 3))
    data = bytes(7) + record(wandb_file.RUN, run) + record(wandb_file.CONFIG, config)
    data += record(wandb_file.HISTORY, history) + sound(1, b"\xff") + record(wandb_file.EXIT, b"")
    found = wandb_file.WandbRun(io.BytesIO(data))
    assert list(found) == [{"loss": 0.5, "_step": 3}]
    assert (found.config, found.name, found.exit_code, found.wrong, found.torn) == (
        {"lr": 0.1, "seed": 7}, "sunny", 0, 1, False
    )  # fmt: skip


def test_a_record_that_is_begun_twice_counts_once() -> None:
    """The one that was not ended is wrong; one without a start is passed over; one too large is wrong."""
    log = leveldb_log.LogRecords(io.BytesIO(sound(2, b"a") + sound(2, b"b") + sound(4, b"c")), 0)
    assert list(log) == [b"bc"]
    assert (log.wrong, log.torn) == (1, False)
    log = leveldb_log.LogRecords(io.BytesIO(sound(3, b"a") + sound(4, b"b") + sound(1, b"c")), 0)
    assert list(log) == [b"c"]
    assert log.wrong == 0


def test_a_record_that_is_too_large_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the largest size is read."""
    monkeypatch.setattr(leveldb_log, "LARGEST_RECORD", 4)
    log = leveldb_log.LogRecords(io.BytesIO(sound(1, b"12345") + sound(2, b"12") + sound(4, b"34")), 0)
    assert list(log) == [b"1234"]
    assert log.wrong == 1


def run_folder(folder: Path, meta: str) -> Path:
    """Return a run of MLflow with two metrics and a parameter."""
    (folder / "metrics" / "val").mkdir(parents=True)
    (folder / "params").mkdir()
    (folder / "meta.yaml").write_text(meta)
    (folder / "metrics" / "loss").write_text("2000 0.5 1\nodd line\n\n1000 1.5 0\n3000 0.25\n")
    (folder / "metrics" / "val" / "acc").write_text("2500 0.75 1\n")
    (folder / "params" / "lr").write_text("0.1")
    return folder


def test_a_run_of_mlflow_in_a_folder(tmp_path: Path) -> None:
    """Rows by step with the latest time; a line that is none is counted; a line without a step is of step 0."""
    run = mlflow_store.run_of_folder(run_folder(tmp_path / "a", "run_name: 'sunny'\nstart_time: 1500\nstatus: 3\n"))
    assert list(run.rows()) == [(0, 3.0, {"loss": 0.25}), (1, 2.5, {"loss": 0.5, "val/acc": 0.75})]
    assert (run.name, run.started, run.left_out, run.config) == ("sunny", 1.5, 1, {"lr": "0.1"})
    assert run.status == mlflow_store.STATUS["3"]
    plain = mlflow_store.run_of_folder(run_folder(tmp_path / "b", "start_time: soon\nstatus: 99\n"))
    assert (plain.name, plain.started, plain.status) == ("b", 0.0, "")


def test_points_beyond_the_most_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that is logged again replaces the one before."""
    monkeypatch.setattr(tracked, "MOST_POINTS", 3)
    run = tracked.TrackedRun("a")
    run.add(tracked.Point("loss", step, 10.0 - step, float(step)) for step in (0, 1, 1, 2, 3))
    assert list(run.rows()) == [(0, 10.0, {"loss": 0.0}), (1, 9.0, {"loss": 1.0})]
    assert run.left_out == 2


def test_nested_values_have_names_with_dots() -> None:
    """Down to a depth that no tracker reaches."""
    assert dict(tracked.flattened({"a": {"b": 1, "c": {"d": 2}}, "e": 3})) == {"a.b": 1, "a.c.d": 2, "e": 3}
    deep: Any = 1
    for _ in range(9):
        deep = {"x": deep}
    assert list(tracked.flattened(deep)) == [(".".join("x" * 9), 1)]
    assert list(tracked.flattened({"x": deep})) == []


@pytest.mark.parametrize(
    ("stamp", "seconds"), [("1970-01-01T00:00:09+00:00", 9.0), ("soon", 0.0), (None, 0.0), (5, 0.0)]
)
def test_times_of_trackio(stamp: Any, seconds: float) -> None:
    """Of an ISO date, else none."""
    assert trackio_store._seconds(stamp) == seconds


@pytest.mark.parametrize(
    ("tag", "part", "name"),
    [("loss", "", "loss"), ("loss", "train", "train/loss"), ("my/loss", "my_loss_val", "val/my/loss"),
     ("my loss", "my_loss_val", "val/my loss")],
)  # fmt: skip
def test_a_curve_is_named_by_its_part(tag: str, part: str, name: str) -> None:
    """add_scalars names the folder after tag and curve."""
    assert event_folder.curve_name(tag, part) == name


def test_no_event_file_is_no_training(tmp_path: Path) -> None:
    """Below an empty folder there is none."""
    assert event_folder._below(tmp_path) == {}


def test_a_list_that_is_cut_off_is_malformed() -> None:
    """Its bytes are no whole count of numbers."""
    (field, code) = next(iter(event_file.LISTS.items()))
    size = struct.calcsize(code)
    assert event_file._listed(field, struct.pack(code, 2.0) * 2) == [2.0, 2.0]
    with pytest.raises(MalformedError):
        event_file._listed(field, bytes(size + 1))
    assert event_file._listed(999, b"") == []


def frame(data: bytes) -> bytes:
    """Return a frame of a TFRecord file."""
    head = len(data).to_bytes(8, "little")
    return head + struct.pack("<I", tfrecord.masked_crc(head)) + data + struct.pack("<I", tfrecord.masked_crc(data))


@pytest.mark.parametrize("cut", range(1, 4 + len(frame(b"second"))))
def test_a_frame_that_is_cut_anywhere_is_torn(tmp_path: Path, cut: int) -> None:
    """What comes before it is read, and its start is told."""
    first, second = frame(b"first"), frame(b"second")
    data = (first + second)[: len(first) + len(second) - cut]
    frames = tfrecord.Frames(tmp_path, io.BytesIO(data))
    whole = cut > len(second)
    assert list(frames) == ([] if whole else [b"first"])
    assert frames.torn is (cut != len(second))
    assert frames.offset == (0 if whole else len(first))
    assert (frames.wrong, frames.lost) == (0, False)


def test_a_frame_that_is_not_kept_is_passed_over(tmp_path: Path) -> None:
    """By its length."""
    frames = tfrecord.Frames(tmp_path, io.BytesIO(frame(b"a") + frame(b"bb")), keeps=lambda length: length != 1)
    assert list(frames) == [b"bb"]
    assert frames.wrong == 0


@pytest.mark.parametrize(
    ("name", "direction"),
    [("val_accuracy", "higher"), ("perplexity", "lower"), ("size", None)],
)
def test_which_way_a_metric_is_better(name: str, direction: str | None) -> None:
    """By its name, where that tells."""
    assert metric_names.direction(name) == direction


def test_the_checksum_of_a_piece_is_that_of_its_kind_and_data() -> None:
    """As LevelDB has it without its mask."""
    made = sound(1, b"abc")
    assert int.from_bytes(made[:4], "little") == zlib.crc32(made[6:])


def test_a_value_of_a_tracker_that_is_logged_again_replaces_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step is as late as the latest of its values; what is too much is counted and left out."""
    monkeypatch.setattr(tracked, "MOST_POINTS", 4)
    run = tracked.TrackedRun("run")
    told = [("loss", 2, 8.0, 0.5), ("loss", 2, 7.0, 0.4), ("acc", 2, 9.0, 0.9), ("loss", 1, 3.0, 0.7)]
    run.add(tracked.Point(*point) for point in [*told, ("loss", 3, 1.0, 0.1)])
    assert list(run.rows()) == [(1, 3.0, {"loss": 0.7}), (2, 9.0, {"loss": 0.4, "acc": 0.9})]
    assert run.left_out == 1
