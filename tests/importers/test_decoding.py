"""The readers of binary files give what the real writers were given, and say what they could not read."""

from __future__ import annotations

import io
import math
import re
import sqlite3
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from recordedfiles import STEPS, one, truth, unpacked

from trainadvisor.errors import LogError
from trainadvisor.importers.decode import mlflow_store, protobuf, trackio_store
from trainadvisor.importers.decode.event_file import Scalar, scalars
from trainadvisor.importers.decode.leveldb_log import LogRecords
from trainadvisor.importers.decode.tfrecord import Frames, is_frame, masked_crc
from trainadvisor.importers.decode.wandb_file import WandbRun

if TYPE_CHECKING:
    from pathlib import Path


def frames_of(data: bytes) -> Frames:
    """Frames of bytes."""
    return Frames(one("tensorboard_torch", "events*"), io.BytesIO(data))


def points(data: bytes) -> list[Scalar]:
    """The scalars of an event file."""
    return [scalar for frame in frames_of(data) for scalar in scalars(frame)]


def curve(found: list[Scalar], tag: str) -> dict[int, float]:
    """One curve by step."""
    return {scalar.step: scalar.value for scalar in found if scalar.tag == tag}


def single(values: dict[int, float]) -> dict[int, float]:
    """What a writer of 32-bit floats keeps of these."""
    return {step: float(np.float32(value)) for step, value in values.items()}


# -- event files


def test_the_masked_checksum_is_that_of_the_standard() -> None:
    """CRC-32C of "123456789" is 0xe3069283, masked as TFRecord masks it."""
    crc = 0xE3069283
    assert masked_crc(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_simple_values_are_read_to_the_last_digit() -> None:
    """A SummaryWriter writes 32-bit floats; a histogram and a text between them are no scalars."""
    found = points(one("tensorboard_torch", "events*").read_bytes())
    given = truth()
    assert curve(found, "train/loss") == single(given["train"])
    assert curve(found, "train/lr") == single(given["lr"])
    assert curve(found, "val/loss") == single(given["eval"])
    assert curve(found, "val/accuracy") == single(given["accuracy"])
    assert {scalar.tag for scalar in found} == {"train/loss", "train/lr", "val/loss", "val/accuracy"}


def test_tensors_are_read_to_the_last_digit() -> None:
    """TensorFlow 2 writes tensors of one element."""
    given = truth()
    train = points(one("tensorboard_tensors", "train/events*").read_bytes())
    validation = points(one("tensorboard_tensors", "validation/events*").read_bytes())
    assert curve(train, "epoch_loss") == single(given["train"])
    assert curve(validation, "epoch_loss") == single(given["eval"])
    assert curve(validation, "epoch_accuracy") == single(given["accuracy"])


def number(field: int, value: int) -> bytes:
    """A varint field."""
    return bytes([field << 3, value])


def held(field: int, data: bytes) -> bytes:
    """A field of bytes."""
    return bytes([field << 3 | 2, len(data)]) + data


def event(tensor: bytes) -> bytes:
    """An event with one tensor under the tag t, at step 7."""
    return b"\x10\x07" + held(5, held(1, held(1, b"t") + held(8, tensor)))


@pytest.mark.parametrize(
    ("tensor", "value"),
    [
        (number(1, 1) + held(4, struct.pack("<f", 1.5)), 1.5),
        (number(1, 2) + held(4, struct.pack("<d", 0.1)), 0.1),
        (number(1, 3) + held(4, struct.pack("<i", -3)), -3.0),
        (number(1, 9) + held(4, struct.pack("<q", 1 << 40)), float(1 << 40)),
        (number(1, 19) + held(4, struct.pack("<e", 0.25)), 0.25),
        (number(1, 14) + held(4, b"\xc0\x3f"), 1.5),
        (number(1, 1) + held(5, struct.pack("<f", 2.5)), 2.5),
        (number(1, 2) + held(6, struct.pack("<d", 0.2)), 0.2),
        (number(1, 9) + held(10, b"\x05"), 5.0),
        (number(1, 14) + held(13, b"\x80\xff\x01"), math.inf),
        (number(1, 1) + held(2, b"") + held(5, struct.pack("<f", 2.5)), 2.5),
    ],
)
def test_a_tensor_of_one_element_is_a_scalar(tensor: bytes, value: float) -> None:
    """Whatever its dtype and the field it is kept in."""
    assert list(scalars(event(tensor))) == [Scalar("t", 7, 0.0, value)]


@pytest.mark.parametrize(
    "tensor",
    [
        number(1, 1) + held(5, struct.pack("<ff", 1.0, 2.0)),
        number(1, 1) + held(4, struct.pack("<ff", 1.0, 2.0)),
        number(1, 1) + held(2, held(2, number(1, 1))) + held(5, struct.pack("<f", 1.0)),
        number(1, 7) + held(8, b"a text"),
    ],
)
def test_other_tensors_are_none(tensor: bytes) -> None:
    """Several elements, a shape, or text."""
    assert list(scalars(event(tensor))) == []


def test_a_torn_tail_is_told_and_read_later() -> None:
    """Everything before it is read; the reader can go on where the torn frame begins."""
    data = one("tensorboard_torch", "events*").read_bytes()
    whole = frames_of(data)
    count = len(list(whole))
    assert (whole.torn, whole.wrong, whole.lost, whole.offset) == (False, 0, False, len(data))
    torn = frames_of(data[:-3])
    assert len(list(torn)) == count - 1
    assert torn.torn
    assert [len(list(Frames(torn.path, io.BytesIO(data), torn.offset)))] == [1]


def test_a_wrong_checksum_costs_one_frame() -> None:
    """A flipped bit in the data of a frame leaves out that frame, and it is counted."""
    data = bytearray(one("tensorboard_torch", "events*").read_bytes())
    sound = len(points(bytes(data)))
    place = bytes(data).index(b"train/loss") + 14
    data[place] ^= 1
    frames = frames_of(bytes(data))
    assert len([scalar for frame in frames for scalar in scalars(frame)]) == sound - 1
    assert (frames.wrong, frames.torn, frames.lost) == (1, False, False)


def test_a_wrong_length_ends_the_file() -> None:
    """Without a sound length nobody knows where the next frame begins."""
    data = bytearray(one("tensorboard_torch", "events*").read_bytes())
    length = int.from_bytes(data[:8], "little")
    data[12 + length + 4] ^= 1
    frames = frames_of(bytes(data))
    assert len(list(frames)) == 1
    assert frames.lost


def test_large_frames_are_passed_over() -> None:
    """An image or a graph is not read, and what follows it is."""
    data = one("tensorboard_torch", "events*").read_bytes()
    large = struct.pack("<Q", 3 << 20)
    image = large + struct.pack("<I", masked_crc(large)) + bytes((3 << 20) + 4)
    frames = frames_of(image + data)
    assert len(list(frames)) == len(list(frames_of(data)))
    assert frames.passed_over == 1


def test_a_frame_is_known_by_its_first_bytes() -> None:
    """The length and its checksum, which hardly any other file begins with."""
    data = one("tensorboard_torch", "events*").read_bytes()
    assert is_frame(data)
    assert not is_frame(data[1:])
    assert not is_frame(data[:11])


@pytest.mark.parametrize("data", [b"\x08", b"\xff" * 12, b"\x0a\x05abc", b"\x0b", b"\x09abc"])
def test_malformed_messages_are_refused(data: bytes) -> None:
    """Cut off numbers, endless numbers, fields longer than the message, wire types that do not exist."""
    with pytest.raises(protobuf.MalformedError):
        list(protobuf.fields(data))


# -- W&B


def test_a_wandb_run_is_read_to_the_last_digit() -> None:
    """History rows with nested keys, a configuration that spans blocks, the version and the exit code."""
    with one("wandb_offline", "*.wandb").open("rb") as file:
        run = WandbRun(file)
        rows = list(run)
    given = truth()
    assert [row["_step"] for row in rows] == list(range(STEPS + 2))
    assert {row["_step"]: row["train/loss"] for row in rows[:STEPS]} == given["train"]
    assert {row["_step"]: row["train/lr"] for row in rows[:STEPS]} == given["lr"]
    assert {row["_step"]: row["val/loss"] for row in rows if "val/loss" in row} == given["eval"]
    assert {row["_step"]: row["val.accuracy"] for row in rows if "val.accuracy" in row} == given["accuracy"]
    assert math.isnan(rows[STEPS]["train/loss"])
    assert rows[STEPS + 1]["train/loss"] == math.inf
    assert run.config["lr"] == 0.01
    assert run.config["optimizer"] == {"name": "Adam"}
    assert run.config["notes"] == "long " * 8000
    assert (run.exit_code, run.wrong, run.torn) == (0, 0, False)
    assert run.version[0].isdigit()


def test_a_damaged_wandb_run_keeps_what_is_sound() -> None:
    """A flipped bit costs the rest of its block at most, and is told; so is a file that was cut."""
    data = bytearray(one("wandb_offline", "*.wandb").read_bytes())
    cut = WandbRun(io.BytesIO(bytes(data[:-20])))
    assert len(list(cut)) == STEPS + 2
    assert cut.torn
    assert cut.exit_code is None
    data[bytes(data).rindex(b"train/loss")] ^= 1
    damaged = WandbRun(io.BytesIO(bytes(data)))
    assert len(list(damaged)) >= STEPS - 2
    assert damaged.wrong == 1


def piece(kind: int, data: bytes) -> bytes:
    """A piece of a LevelDB log."""
    body = bytes([kind]) + data
    return struct.pack("<IH", zlib.crc32(body), len(data)) + body


@pytest.mark.parametrize(
    ("data", "records", "wrong", "torn"),
    [
        (piece(1, b"a") + piece(1, b"b"), [b"a", b"b"], 0, False),
        (piece(2, b"a") + piece(3, b"b") + piece(4, b"c"), [b"abc"], 0, False),
        (piece(2, b"a") + piece(1, b"b"), [b"b"], 1, False),
        (piece(4, b"a") + piece(1, b"b"), [b"b"], 0, False),
        (piece(1, b"a") + piece(2, b"b"), [b"a"], 0, True),
        (piece(1, b"a") + piece(1, b"b")[:-1], [b"a"], 0, True),
        (piece(1, b"a") + bytes(20), [b"a"], 0, False),
    ],
)
def test_the_pieces_of_a_record_are_joined(data: bytes, records: list[bytes], wrong: int, torn: object) -> None:
    """First, middle and last; a record without its end is left out."""
    log = LogRecords(io.BytesIO(b"preface" + data), 7)
    assert list(log) == records
    assert (log.wrong, log.torn) == (wrong, torn)


# -- MLflow and trackio


def read_back(run: mlflow_store.TrackedRun, loss: str, accuracy: str) -> None:
    """A tracked run holds what its writer was given."""
    given = truth()
    rows = {step: row for step, _, row in run.rows()}
    assert list(rows) == list(range(STEPS + 2))
    assert {step: row["train/loss"] for step, row in rows.items() if step < STEPS} == given["train"]
    assert {step: row["train/lr"] for step, row in rows.items() if step < STEPS} == given["lr"]
    assert {step: row[loss] for step, row in rows.items() if loss in row} == given["eval"]
    assert {step: row[accuracy] for step, row in rows.items() if accuracy in row} == given["accuracy"]
    assert math.isnan(rows[STEPS]["train/loss"])
    assert rows[STEPS + 1]["train/loss"] == math.inf


def test_an_mlflow_folder_is_read_to_the_last_digit() -> None:
    """From the run's folder, that of the experiment or that of all of them."""
    meta = one("mlflow_folder", "mlruns/*/*/meta.yaml")
    (folder,) = mlflow_store.run_folders(meta.parents[2])
    assert mlflow_store.run_folders(meta.parent) == [folder] == [meta.parent]
    run = mlflow_store.run_of_folder(folder)
    read_back(run, "val_loss", "val_acc")
    assert (run.name, run.status, run.config) == ("fixture", "FINISHED", {"lr": "0.01", "optimizer": "Adam"})


def test_an_mlflow_database_is_read_to_the_last_digit(tmp_path: Path) -> None:
    """There NaN is a flag and infinity the largest number."""
    (run,) = mlflow_store.runs_of_database(unpacked("mlflow_database", "*.db.gz", tmp_path))
    read_back(run, "val_loss", "val_acc")
    assert (run.name, run.status, run.config) == ("fixture", "FINISHED", {"lr": "0.01", "optimizer": "Adam"})


def test_reading_a_database_changes_nothing(tmp_path: Path) -> None:
    """Neither the file nor what lies beside it."""
    path = unpacked("mlflow_database", "*.db.gz", tmp_path)
    before = path.read_bytes()
    list(mlflow_store.runs_of_database(path))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_trackio_project_is_read_to_the_last_digit(tmp_path: Path) -> None:
    """It holds NaN and infinity as words."""
    (run,) = trackio_store.runs_of_project(unpacked("trackio_project", "*.db.gz", tmp_path))
    read_back(run, "val/loss", "val/accuracy")
    assert run.config == {"lr": 0.01, "optimizer.name": "Adam"}


def test_a_damaged_database_is_one_sentence(tmp_path: Path) -> None:
    """Cut off, or no database at all."""
    path = unpacked("mlflow_database", "*.db.gz", tmp_path)
    path.write_bytes(path.read_bytes()[:300_000])
    with pytest.raises(LogError, match="the database cannot be read"):
        list(mlflow_store.runs_of_database(path))
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    with pytest.raises(LogError, match="the database cannot be read"):
        list(mlflow_store.runs_of_database(path))


def test_a_database_that_never_ends_is_not_asked(tmp_path: Path) -> None:
    """A view in the place of a table could count for ever."""
    path = tmp_path / "endless.db"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE runs (run_uuid, name, status, start_time)")
        made.execute(
            "CREATE VIEW metrics AS WITH RECURSIVE n(key, step, timestamp, value, is_nan, run_uuid) AS"
            " (SELECT 'a', 1, 1, 1.0, 0, 'r' UNION ALL SELECT key, step + 1, 1, 1.0, 0, 'r' FROM n) SELECT * FROM n"
        )
    made.close()
    with mlflow_store.database(path) as connection:
        assert not mlflow_store.is_mlflow(connection)


def test_a_view_of_a_database_calls_nothing_that_acts(tmp_path: Path) -> None:
    """A file from elsewhere may hold a view that calls a function of whoever reads it: that is refused."""
    path = tmp_path / "acting.db"
    with sqlite3.connect(path) as made:
        made.create_function("act", 0, lambda: 1)
        made.execute("CREATE VIEW metrics AS SELECT act() AS value")
    made.close()
    acted: list[int] = []

    def read() -> None:
        with mlflow_store.database(path) as connection:
            connection.create_function("act", 0, lambda: acted.append(1))
            connection.execute("SELECT value FROM metrics").fetchall()

    with pytest.raises(LogError, match=re.escape("the database cannot be read (unsafe use of act())")):
        read()
    assert acted == []
