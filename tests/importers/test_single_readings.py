"""Single readings of foreign logs: what each byte, name and number stands for, at and beside the limits."""
# ruff: noqa: FBT001 - what is expected of a table is a truth

from __future__ import annotations

import math
import os
import pickle
import sqlite3
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from importers.protobuf_fields import held, number, varint

from trainadvisor.errors import LogError
from trainadvisor.importers import (
    clock,
    evidence,
    field_values,
    flight_recorder,
    foreign_logs,
    opening,
    pasted_failures,
)
from trainadvisor.importers import points as collected
from trainadvisor.importers.column_names import Columns
from trainadvisor.importers.decode import event_file, event_folder, mlflow_store, protobuf, trackio_store, wandb_file
from trainadvisor.importers.decode.event_file import Scalar, scalars
from trainadvisor.importers.decode.tracked import Point as TrackedPoint
from trainadvisor.importers.decode.tracked import TrackedRun, flattened
from trainadvisor.importers.formats import boxed_tables, flight_recorder_dumps
from trainadvisor.importers.numbering import Numbering
from trainadvisor.importers.points import Point, Points
from trainadvisor.importers.thinning import Thinner


def double(field: int, value: float) -> bytes:
    """Return a field that holds a double."""
    return varint(field << 3 | 1) + struct.pack("<d", value)


def single(field: int, value: float) -> bytes:
    """Return a field that holds a float."""
    return varint(field << 3 | 5) + struct.pack("<f", value)


def summary(tag: str, value: float) -> bytes:
    """Return a summary of one number under a tag."""
    return held(5, held(1, held(1, tag.encode()) + single(2, value)))


@pytest.mark.parametrize(
    ("event", "found"),
    [
        (double(1, 12.5) + number(2, 7) + summary("a", 0.5), [Scalar("a", 7, 12.5, 0.5)]),
        (summary("a", 0.5), [Scalar("a", 0, 0.0, 0.5)]), (number(1, 9) + summary("a", 0.5), [Scalar("a", 0, 0.0, 0.5)]),
        (held(2, b"7") + summary("a", 0.5), [Scalar("a", 0, 0.0, 0.5)]),
        (number(2, (1 << 64) - 3) + summary("a", 0.5), [Scalar("a", -3, 0.0, 0.5)]),
        (summary("a", 0.5) + number(2, 7), [Scalar("a", 7, 0.0, 0.5)]),
        (summary("a", 0.5) + summary("b", 1.5), [Scalar("a", 0, 0.0, 0.5), Scalar("b", 0, 0.0, 1.5)]),
        (held(5, held(1, held(1, b"a") + single(2, 1.0)) + held(1, held(1, b"b") + single(2, 2.0))),
         [Scalar("a", 0, 0.0, 1.0), Scalar("b", 0, 0.0, 2.0)]),
        (held(5, held(1, single(2, 2.0))), [Scalar("", 0, 0.0, 2.0)]), (held(5, held(1, held(1, b"a"))), []),
        (held(5, held(2, held(1, b"a") + single(2, 2.0))), []), (held(4, held(1, held(1, b"a") + single(2, 2.0))), []),
        (held(5, held(1, held(1, b"a") + held(4, b"image"))), []), (held(5, held(1, held(1, b"a") + number(8, 1))), []),
        (number(5, 1), []), (held(5, number(1, 1)), []), (held(3, b"brain.Event:2"), []), (b"", []),
        (held(5, held(1, held(1, b"a") + double(2, 0.1))), [Scalar("a", 0, 0.0, 0.1)]),
    ],
)  # fmt: skip
def test_an_event_of_tensorboard(event: bytes, found: list[Scalar]) -> None:
    """Time, step and the numbers of its summaries, whatever their order; the rest is no scalar."""
    assert list(scalars(event)) == found


@pytest.mark.parametrize(
    ("tensor", "value"),
    [
        (number(1, 1) + held(4, b""), None), (number(1, 7) + held(4, b"abcd"), None),
        (held(4, struct.pack("<f", 1.5)), None),
        (number(1, 1) + held(4, b"abc"), None), (number(1, 1) + number(4, 5), None), (number(10, 5), 5.0),
        (number(7, (1 << 64) - 2), -2.0), (held(7, b"\x05\x06"), None), (held(5, struct.pack("<f", 2.5)), 2.5),
        (single(5, 2.5), 2.5), (held(6, struct.pack("<d", 0.1)), 0.1), (held(5, b""), None),
        (number(1, 19) + number(13, 0x3C00), 1.0), (number(1, 19) + held(13, varint(0x3C00)), 1.0),
        (number(1, 19) + held(13, varint(0x3C00) * 2), None), (number(13, 0x3C00), None),
        (number(1, 19) + number(13, 0x13C00), 1.0), (number(1, 14) + number(13, 0x3F80), 1.0),
        (number(1, 1) + number(13, 0x3F80), None), (number(1, 1) + held(2, held(2, b"")) + single(5, 1.0), None),
        (single(5, 1.0) + single(5, 2.0), None), (number(2, 0) + single(5, 1.0), 1.0), (b"", None),
    ],
)  # fmt: skip
def test_a_tensor(tensor: bytes, value: float | None) -> None:
    """The number of one without a shape and with one element; nothing of any other."""
    assert event_file._tensor(tensor) == value


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b"", []), (number(1, 300), [(1, 300)]), (held(2, b"ab"), [(2, b"ab")]),
        (single(3, 1.0), [(3, struct.pack("<f", 1.0))]),
        (double(4, 1.0), [(4, struct.pack("<d", 1.0))]), (held(2, b""), [(2, b"")]),
        (number(1, 1) + held(2, b"a") + number(16, 2), [(1, 1), (2, b"a"), (16, 2)]),
    ],
)  # fmt: skip
def test_the_fields_of_a_message(data: bytes, read: list[Any]) -> None:
    """In their order, each as its wire type says."""
    assert list(protobuf.fields(data)) == read


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"\x08", "cut off"), (b"\x12\x03ab", "longer"), (b"\x0b", "wire type 3"), (b"\x80" * 10 + b"\x01", "no end"),
     (b"\x0d\0\0\0", "longer"), (b"\x09" + bytes(7), "longer")],
)  # fmt: skip
def test_bytes_that_are_no_message(data: bytes, reason: str) -> None:
    """Each way says what is wrong."""
    with pytest.raises(protobuf.MalformedError, match=reason):
        list(protobuf.fields(data))


@pytest.mark.parametrize(
    ("value", "stands_for"),
    [
        (0, 0),
        (1, 1),
        ((1 << 63) - 1, (1 << 63) - 1),
        (1 << 63, -(1 << 63)),
        ((1 << 64) - 1, -1),
        (1 << 64, 0),
        ((1 << 64) + 5, 5),
    ],
)
def test_signed_numbers(value: int, stands_for: int) -> None:
    """Of 64 bits, the highest is the sign."""
    assert protobuf.signed(value) == stands_for


def test_other_fields_are_no_numbers_and_no_texts() -> None:
    """A float has four bytes, a double eight."""
    found = [
        protobuf.floating(data) for data in (5, b"", b"abc", b"abcde", struct.pack("<f", 1.5), struct.pack("<d", 0.1))
    ]
    assert found == [None, None, None, None, 1.5, 0.1]
    assert [protobuf.text(data) for data in (5, b"a", b"\xff")] == ["", "a", "\N{REPLACEMENT CHARACTER}"]
    assert protobuf.varints(b"\x01\xac\x02") == [1, 300]


def test_the_event_files_of_a_part_come_with_those_of_the_others(tmp_path: Path) -> None:
    """Beside train lies validation; another folder, a file of another kind and a folder of such a name do not count."""
    for name in (
        "train/e.tfevents.1",
        "train/e.tfevents.0",
        "Val/e.tfevents.2",
        "other/e.tfevents.3",
        "train/notes.txt",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "train" / "d.tfevents.9").mkdir()
    (tmp_path / "eval").touch()
    first = tmp_path / "train" / "e.tfevents.0"
    belonging = event_folder.belonging(first)
    assert {path.relative_to(tmp_path).as_posix(): part for path, part in belonging.items()} == {
        "Val/e.tfevents.2": "val", "train/e.tfevents.0": "train", "train/e.tfevents.1": "train",
    }  # fmt: skip
    other = tmp_path / "other" / "e.tfevents.3"
    assert event_folder.belonging(other) == {other: ""}


def test_the_trainings_below_a_folder(tmp_path: Path) -> None:
    """A folder below one with files is a part of it, one named train of the one above; the newest is read."""
    names = ("a/e.tfevents.1", "a/loss_x/e.tfevents.2", "b/train/e.tfevents.3", "b/notes.txt", "e.txt")
    for age, name in enumerate(names):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 + age, 1000 + age))
    found = event_folder.trainings_below(tmp_path)
    told = {
        root.name: {path.relative_to(tmp_path).as_posix(): part for path, part in files.items()}
        for root, files in found.items()
    }
    assert told == {
        "a": {"a/e.tfevents.1": "", "a/loss_x/e.tfevents.2": "loss_x"}, "b": {"b/train/e.tfevents.3": "train"},
    }  # fmt: skip
    assert event_folder.belonging(tmp_path) == found[tmp_path / "b"]
    os.utime(tmp_path / "a/loss_x/e.tfevents.2", (9000, 9000))
    assert event_folder.belonging(tmp_path) == found[tmp_path / "a"]


def test_the_most_files_of_a_folder_are_the_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their names begin with the time."""
    monkeypatch.setattr(event_folder, "MOST_FILES", 2)
    for place in range(3):
        (tmp_path / f"e.tfevents.{place}").touch()
    assert [path.name for path in event_folder._files(tmp_path)] == ["e.tfevents.0", "e.tfevents.1"]
    assert len(event_folder.belonging(tmp_path)) == 2


@pytest.mark.parametrize(
    ("found", "rows"),
    [
        ([], []), ([("a", 1, 1.0, 5.0)], [(1, 1.0, {"a": 5.0})]),
        ([("a", 1, 1.0, 5.0), ("b", 1, 2.0, 6.0)], [(1, 2.0, {"a": 5.0, "b": 6.0})]),
        ([("a", 1, 1.0, 5.0), ("a", 1, 2.0, 6.0)], [(1, 1.0, {"a": 5.0}), (1, 2.0, {"a": 6.0})]),
        ([("a", 1, 1.0, 5.0), ("b", 2, 2.0, 6.0)], [(1, 1.0, {"a": 5.0}), (2, 2.0, {"b": 6.0})]),
        ([("a", 0, 0.0, 5.0), ("b", 0, 3.0, 6.0)], [(0, 3.0, {"a": 5.0, "b": 6.0})]),
    ],
)  # fmt: skip
def test_scalars_of_one_step_are_one_row(found: list[Any], rows: list[Any]) -> None:
    """Until a name comes again or another step begins."""
    assert [tuple(row) for row in event_folder.rows(Scalar(*one) for one in found)] == rows


@pytest.mark.parametrize(
    ("header", "version"),
    [
        (held(1, held(1, b"0.19.1+dirty")), "0.19.1"), (held(1, held(1, b"0.19.1")), "0.19.1"),
        (held(1, held(2, b"x")), ""),
        (held(2, held(1, b"0.19.1")), ""), (number(1, 5), ""), (number(2, 5), ""), (held(1, b""), ""),
    ],
)  # fmt: skip
def test_the_version_in_a_header_of_wandb(header: bytes, version: str) -> None:
    """Without what comes behind a plus."""
    run = wandb_file.WandbRun(None)
    run._take(held(wandb_file.HEADER, header))
    assert run.version == version


@pytest.mark.parametrize(
    ("message", "code"),
    [(b"", 0), (number(1, 3), 3), (number(2, 3), 0), (held(1, b"3"), 0), (number(1, (1 << 64) - 1), -1)],
)
def test_the_exit_code_of_wandb(message: bytes, code: int) -> None:
    """It is not written where it is 0."""
    run = wandb_file.WandbRun(None)
    assert run.exit_code is None
    assert run._take(held(wandb_file.EXIT, message)) == []
    assert run.exit_code == code


@pytest.mark.parametrize(
    ("message", "name"),
    [(held(1, b"id") + held(8, b"name"), "name"), (held(8, b"name") + held(1, b"id"), "name"), (held(1, b"id"), "id"),
    (b"", ""),
     (held(3, b"project"), "")],
)  # fmt: skip
def test_the_name_of_a_run_of_wandb(message: bytes, name: str) -> None:
    """Its id where it has none."""
    run = wandb_file.WandbRun(None)
    run._take(held(wandb_file.RUN, message))
    assert run.name == name


def test_history_of_wandb() -> None:
    """The step beside the items goes behind one among them; nested keys are joined; a nameless item is none."""
    one = held(1, held(1, b"loss") + held(16, b"0.5"))
    nested = held(1, held(2, b"a") + held(2, b"b") + held(16, b"1"))
    assert wandb_file._history(one + held(2, number(1, 3))) == {"loss": 0.5, "_step": 3}
    assert wandb_file._history(one + held(2, number(2, 3))) == {"loss": 0.5, "_step": 0}
    assert wandb_file._history(one + number(2, 3)) == {"loss": 0.5}
    assert wandb_file._history(held(1, held(1, b"_step") + held(16, b"9")) + held(2, number(1, 3))) == {"_step": 9}
    assert wandb_file._items(nested + held(1, held(16, b"1")) + number(1, 1)) == {"a.b": 1}
    assert wandb_file.WandbRun(None)._take(number(2, 1) + held(2, one) + held(99, b"")) == [{"loss": 0.5}]


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        (16, b"[1]", [1]), (8, b'{"a": 1}', {"a": 1}), (8, b"[" * 9000, "[" * 9000), (4, 1, True), (4, 0, False),
        (5, 4, 2),
        (5, 3, -2), (5, 0, 0), (4, b"a", None), (6, struct.pack("<d", 0.5), 0.5), (6, 1, None), (7, b"a", "a"),
        (3, b"", None),
        (9, b"a", None),
    ],
)  # fmt: skip
def test_a_typed_value_of_wandb(field: int, value: Any, read: Any) -> None:
    """By its field; what is no JSON stays the words it is."""
    found = wandb_file._held(field, value)
    assert (found, type(found)) == (read, type(read))


@pytest.mark.parametrize(
    ("line", "point"),
    [
        ("1500 0.5 7", ("m", 7, 1.5, 0.5)), ("1500 0.5", ("m", 0, 1.5, 0.5)), ("1500 nan 7 x", ("m", 7, 1.5, None)),
        ("1500", None), ("", None), ("a 0.5 7", None), ("1500 b 7", None), ("1500 0.5 c", None),
    ],
)  # fmt: skip
def test_a_point_in_a_file_of_mlflow(line: str, point: Any) -> None:
    """Milliseconds, value and step, which the oldest files do not have."""
    found = mlflow_store._point("m", line)
    told = found and (*found[:3], None if math.isnan(found.value) else found.value)
    assert told == point


def test_the_runs_of_mlflow_below_a_folder(tmp_path: Path) -> None:
    """By the time at which they began, then by name; a folder of metrics without meta.yaml is none."""
    for name, start in (("c", "1000"), ("b", "3000"), ("a", "3000"), ("none", "")):
        (tmp_path / "0" / name / "metrics").mkdir(parents=True)
        if start:
            (tmp_path / "0" / name / "meta.yaml").write_text(f"run_name: 'r {name}'\nstart_time: {start}\nstatus: 3\n")
    found = mlflow_store.run_folders(tmp_path)
    assert [folder.name for folder in found] == ["c", "a", "b"]
    assert mlflow_store.run_folders(found[0]) == [found[0]]
    run = mlflow_store.run_of_folder(found[1])
    assert (run.name, run.status, run.started, run.left_out, run.config) == ("r a", "FINISHED", 3.0, 0, {})


def test_a_run_of_mlflow_has_its_lines_and_parameters(tmp_path: Path) -> None:
    """Names have their folders; an odd line is counted, an empty one is not; without a name the folder's is taken."""
    folder = tmp_path / "r1"
    for name, content in (
        ("meta.yaml", "status: 4\nstart_time: soon\n- a: 1\n b: 2\nplain\n"), ("params/opt/lr", "0.1"),
        ("metrics/val/loss", "1000 0.5 1\n\nodd\n2000 0.25 2\n"),
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    run = mlflow_store.run_of_folder(folder)
    assert (run.name, run.status, run.started, run.left_out) == ("r1", "FAILED", 0.0, 1)
    assert run.config == {"opt/lr": "0.1"}
    assert list(run.rows()) == [(1, 1.0, {"val/loss": 0.5}), (2, 2.0, {"val/loss": 0.25})]
    assert mlflow_store._meta(folder) == {"status": "4", "start_time": "soon"}


def test_the_database_of_mlflow(tmp_path: Path) -> None:
    """NaN and the largest number stand for what they are not; a run without metrics is none; the newest is first."""
    path = tmp_path / "mlflow.db"
    with sqlite3.connect(path) as given:
        given.execute("CREATE TABLE runs (run_uuid, name, status, start_time)")
        given.execute("CREATE TABLE metrics (run_uuid, key, step, timestamp, value, is_nan)")
        given.execute("CREATE TABLE params (run_uuid, key, value)")
        runs = [
            ("a", None, "FINISHED", 1000),
            ("b", "two", None, 2000),
            ("c", "empty", "FAILED", 3000),
            ("d", "t", "", "x"),
        ]
        given.executemany("INSERT INTO runs VALUES (?, ?, ?, ?)", runs)
        metrics = [
            ("a", "loss", 1, 500, 0.5, 0), ("a", "loss", 2, 1500, 1, 1),
            ("a", "loss", 3, 2500, -mlflow_store.LARGEST, 0),
            ("a", "loss", "x", 1, 1.0, 0), ("a", "loss", 4, "x", 1.0, 0), ("a", "loss", 5, 1, "x", 0),
            ("b", "acc", 1, 1, 2, 0),
            ("d", "loss", 1, 1, 1.0, 0),
        ]  # fmt: skip
        given.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", metrics)
        given.execute("INSERT INTO params VALUES ('a', 'lr', '0.1')")
        assert mlflow_store.is_mlflow(given)
        assert not trackio_store.is_trackio(given)
    given.close()
    found = {run.name: run for run in mlflow_store.runs_of_database(path)}
    assert mlflow_store.names_in_database(path) == ["t", "empty", "two", "a"]
    assert list(found) == ["t", "two", "a"]
    assert [(run.status, run.started, run.config) for run in found.values()] == [
        ("", 0.0, {}), ("", 2.0, {}), ("FINISHED", 1.0, {"lr": "0.1"}),
    ]  # fmt: skip
    rows = [(step, seconds, row["loss"]) for step, seconds, row in found["a"].rows()]
    assert (rows[0], rows[2], len(rows)) == ((1, 0.5, 0.5), (3, 2.5, -math.inf), 3)
    assert math.isnan(rows[1][2])


def test_the_database_of_trackio(tmp_path: Path) -> None:
    """A row of JSON a call; settings whose names begin with _ are its own; the newest run is first."""
    path = tmp_path / "p.db"
    with sqlite3.connect(path) as given:
        given.execute("CREATE TABLE metrics (id INTEGER PRIMARY KEY, timestamp, run_name, step, metrics)")
        given.execute("CREATE TABLE configs (run_name, config)")
        rows = [
            ("2026-01-01T00:00:10+00:00", "a", 0, '{"loss": 0.5, "val": {"acc": "nan"}, "word": "x"}'),
            ("odd", "a", 1, '{"loss": 2}'), ("odd", "a", "x", '{"loss": 3}'), ("odd", "a", 2, "{"),
            ("odd", "a", 3, None),
            ("2026-01-01T00:00:09+00:00", "b", 0, '{"loss": 1}'), ("odd", "c", 0, "{}"),
        ]  # fmt: skip
        given.executemany("INSERT INTO metrics (timestamp, run_name, step, metrics) VALUES (?, ?, ?, ?)", rows)
        given.execute("""INSERT INTO configs VALUES ('a', '{"lr": 0.1, "_Username": "me", "opt": {"name": "sgd"}}')""")
        assert trackio_store.is_trackio(given)
        assert not mlflow_store.is_mlflow(given)
    given.close()
    found = {run.name: run for run in trackio_store.runs_of_project(path)}
    assert trackio_store.names_in_project(path) == ["c", "b", "a"]
    assert list(found) == ["b", "a"]
    assert found["a"].config == {"lr": 0.1, "opt.name": "sgd"}
    assert (found["a"].started, found["b"].started) == (0.0, 1767225609.0)
    steps = {step: (seconds, sorted(row)) for step, seconds, row in found["a"].rows()}
    assert steps == {0: (1767225610.0, ["loss", "val.acc"]), 1: (0.0, ["loss"])}


def test_values_of_a_tracked_run_are_joined_by_step() -> None:
    """A later value replaces an earlier one, the time is the latest, and steps come in order."""
    run = TrackedRun("a")
    run.add([TrackedPoint("a", 2, 5.0, 1.0), TrackedPoint("b", 2, 3.0, 2.0), TrackedPoint("a", 2, 4.0, 3.0)])
    run.add([TrackedPoint("a", 1, 9.0, 4.0)])
    assert list(run.rows()) == [(1, 9.0, {"a": 4.0}), (2, 5.0, {"a": 3.0, "b": 2.0})]
    deep: Any = {"v": 1}
    for _ in range(9):
        deep = {"k": deep}
    assert list(flattened(deep)) == []
    assert list(flattened(deep["k"])) == [("k." * 8 + "v", 1)]
    assert list(flattened([1])) == []


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"\xef\xbb\xbfa", "utf-8-sig"), (b"\xff\xfea\0", "utf-16"), (b"\xfe\xff\0a", "utf-16"),
        (b"a\0b\0", "utf-16-le"),
        (b"\0a\0b", "utf-16-be"), (b"a\0b", "utf-8"), (b"abcd", "utf-8"), (b"", "utf-8"), (b"a\0bcd", "utf-8"),
        (b"a\0bcde\0", "utf-8"), (b"abc" * 133 + b"\0" * 500, "utf-8"), (b"a\0\0b\0c", "utf-16-le"),
    ],
)  # fmt: skip
def test_the_encoding_of_a_text(start: bytes, name: str) -> None:
    """By its mark, or because more than a third of its first 400 bytes are zero."""
    assert opening.encoding(start) == name


@pytest.mark.parametrize(
    ("words", "plain"),
    [("a\x1b[31mb\x1b[0mc", "abc"), ("a\x1b]0;title\x07b", "ab"), ("a\x1bMb", "ab"), ("a [31m b", "a [31m b")],
)
def test_escape_sequences_are_no_text(words: str, plain: str) -> None:
    """Colors, titles, moves of the cursor."""
    assert opening.text(words.encode()) == plain


@pytest.mark.parametrize(("every", "kept"), [(1, 10), (3, 4), (10, 1)])
def test_of_records_alike_every_so_many_is_kept(every: int, kept: int) -> None:
    """The first of them is."""
    thinner = Thinner(every)
    keeps = [thinner.keeps(5) for _ in range(10)]
    assert (sum(keeps), keeps[0]) == (kept, True)


def test_rare_records_are_all_kept() -> None:
    """Fewer than one of twenty, of the records so far."""
    thinner = Thinner(1000)
    before = [thinner.keeps(1) for _ in range(40)]
    assert [thinner.keeps(2) for _ in range(4)] == [True, True, False, False]
    assert before == [True] + [False] * 39


def test_beyond_the_most_shapes_all_others_are_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that counting them takes bounded memory."""
    monkeypatch.setattr("trainadvisor.importers.thinning.MOST_SHAPES", 2)
    thinner = Thinner(1000)
    assert [thinner.keeps(shape) for shape in (1, 2, 3, 4, 1)] == [True, True, True, False, False]


@pytest.mark.parametrize(
    ("values", "places"),
    [
        ([1.0, math.nan, 2.0], [1]), ([math.nan, math.inf, 2.0], [0, 1]), ([1.0, math.nan], []), ([math.nan] * 3, []),
        ([], []),
        ([None, math.nan, None, 1.0, None], [1]), ([1.0, None, 2.0], []), ([math.nan, 1.0, math.nan], [0]),
        ([None, None], []),
    ],
)  # fmt: skip
def test_losses_that_came_back(values: list[float | None], places: list[int]) -> None:
    """Not finite before the last finite one; of one that never was finite nothing came back."""
    assert evidence._came_back(values) == places


@pytest.mark.parametrize(
    ("norms", "event"),
    [
        ([1.0, math.nan, math.inf, math.nan], (1, 3)), ([1.0, math.nan, math.nan], None), ([math.nan] * 3, (0, 3)),
        ([math.nan, 1.0, None, math.nan, math.nan, math.nan], (3, 3)), ([math.nan, math.nan], None), ([], None),
    ],
)  # fmt: skip
def test_gradients_that_were_lost(norms: list[float | None], event: tuple[int, int] | None) -> None:
    """From the first of three or more to the end; points without a norm do not count."""
    found = list(evidence.lost_gradients([Point(step, grad_norm=norm) for step, norm in enumerate(norms)]))
    told = [(one["step"], one["detail"]["count"], one["detail"]["points"]) for one in found]
    assert told == ([(*event, sum(norm is not None for norm in norms))] if event else [])


@pytest.mark.parametrize(
    ("norms", "losses", "taken"),
    [([0.0, 0.0], [1.0, 2.0], True), ([0.0, 0.1], [1.0, 2.0], False), ([0.0, 0.0], [1.0, 1.0], False),
    ([None, None], [1.0, 2.0], False),
     ([0.0, None], [1.0, 2.0], True), ([0.0, 0.0], [None, 1.0], False)],
)  # fmt: skip
def test_a_norm_that_was_not_measured(norms: list[Any], losses: list[Any], taken: bool) -> None:
    """Zero throughout, though the loss changes."""
    kept = [Point(step, grad_norm=norm, loss=loss) for step, (norm, loss) in enumerate(zip(norms, losses, strict=True))]
    assert bool(evidence.unmeasured(kept)) is taken
    assert [point.grad_norm for point in kept] == ([None, None] if taken else norms)


def columns(**given: Any) -> Columns:
    """Return what the columns of a table mean."""
    return Columns(**{"step": "step", "epoch": None, "loss": ["loss"]} | given)


def taken(rows: list[dict[str, Any]], run: int | None = None, **given: Any) -> Points:
    """Return the points of rows."""
    found = Points(columns(**given), run)
    found.take(rows)
    return found


def losses(*given: tuple[int, float]) -> list[dict[str, Any]]:
    """Return rows of a step and a loss."""
    return [{"step": step, "loss": loss} for step, loss in given]


def test_a_row_that_comes_twice_is_one_point() -> None:
    """And is counted."""
    found = taken(losses((1, 0.5), (1, 0.5), (2, 0.4)))
    assert ([point.step for point in found.kept], found.doubles, found.told_twice) == ([1, 2], 1, 0)


def test_two_losses_of_one_step_are_told_twice() -> None:
    """Both are kept."""
    found = taken(losses((1, 0.5), (1, 0.6), (2, 0.4)))
    assert ([point.step for point in found.kept], found.doubles, found.told_twice) == ([1, 1, 2], 0, 1)


def test_a_step_at_the_beginning_begins_another_run() -> None:
    """At most a fiftieth of the way from the first; the run that is wanted is taken."""
    first = [(step, 1.0) for step in range(100, 201)]
    again = [(102, 2.0), (103, 2.0)]
    found = taken(losses(*first, *again))
    assert (found.runs, [point.step for point in found.kept]) == (2, [102, 103])
    assert [point.step for point in taken(losses(*first, *again), 1).kept] == list(range(100, 201))
    assert taken(losses(*first, (103, 2.0))).runs == 1


def test_a_run_that_goes_on_from_a_checkpoint_takes_its_steps_again() -> None:
    """What it had told of them is dropped."""
    found = taken(losses(*((step, 1.0) for step in range(1, 101)), (60, 2.0), (61, 2.0)))
    assert (found.runs, found.repeated, found.unsorted) == (1, 1, 0)
    assert [(point.step, point.loss) for point in found.kept[-3:]] == [(59, 1.0), (60, 2.0), (61, 2.0)]


def test_a_row_out_of_order_is_put_into_its_place() -> None:
    """Where no other one tells of its step."""
    found = taken(losses((0, 1.0), (50, 1.0), (100, 1.0), (60, 2.0)))
    assert (found.runs, found.repeated, found.unsorted) == (1, 0, 1)
    assert [point.step for point in found.kept] == [0, 50, 60, 100]


def test_of_very_many_points_every_second_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations stay; from then on every second one comes."""
    monkeypatch.setattr(collected, "MOST_POINTS", 4)
    rows = losses(*((step, 1.0) for step in range(1, 6)))
    rows[1] |= {"val": 1.0}
    found = taken(rows, eval_loss=["val"])
    assert ([point.step for point in found.kept], found.stride) == ([2, 4], 2)
    found.take(losses((6, 1.0), (7, 1.0), (8, 1.0)))
    assert [point.step for point in found.kept] == [2, 4, 6, 8]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"step": 3, "loss": 0.5, "lr": 0.1}, {"step": 3, "loss": 0.5, "rates": [0.1]}), ({"step": 3}, None),
        ({"step": 3, "acc": 0.5}, {"step": 3, "metrics": {"acc": 0.5}}),
        ({"step": 3, "reward": 0.5}, {"step": 3, "metrics": {"reward": 0.5}}),
        ({"step": 3, "loss_a": 0.5}, {"step": 3, "beside": {"loss_a": 0.5}}),
        ({"step": 3, "epoch": math.inf, "loss": 1.0}, {"step": 3, "loss": 1.0}),
        ({"step": 3, "epoch": 2.0, "loss": 1.0}, {"step": 3, "loss": 1.0, "epoch": 2.0}),
        ({"step": 3, "norm": "nan-like", "loss": 1.0}, {"step": 3, "loss": 1.0}),
        ({"step": 3, "lr": "x", "loss": 1.0}, {"step": 3, "loss": 1.0}),
    ],
)  # fmt: skip
def test_what_a_row_says(row: dict[str, Any], told: dict[str, Any] | None) -> None:
    """Of training, an evaluation, or figures that are neither; an empty one nothing."""
    given = columns(epoch="epoch", lr=["lr"], grad_norm="norm", metrics={"acc"}, beside={"reward", "loss_a"})
    found = Points(given)
    assert found._point(row) == (Point(**told) if told else None)


@pytest.mark.parametrize(
    ("names", "row", "summed"),
    [([], {}, None), (["a"], {"a": 1.0}, 1.0), (["a"], {}, None), (["a", "b"], {"a": 1.0, "b": 2.0}, 3.0),
     (["a", "b"], {"a": 1.0}, None), (["a", "b"], {}, None), (["a", "b"], {"a": 0.0, "b": 0.0}, 0.0)],
)  # fmt: skip
def test_the_parts_of_a_loss_are_summed(names: list[str], row: dict[str, Any], summed: float | None) -> None:
    """Where all of them are there."""
    assert Points._summed(row, names) == summed


@pytest.mark.parametrize(
    ("given", "numbers"),
    [
        ([(1, None), (2, None), (None, None)], [1, 2, 2]), ([(None, None), (None, None)], [0, 0]),
        ([(10, 1.0), (20, 1.0), (10, 2.0), (20, 2.0)], [10, 20, 30, 40]), ([(0, 0.0), (1, 0.0), (0, 1.0),
        (1, 1.0)], [0, 1, 2, 3]),
        ([(5, 3.0), (5, 1.0)], [5, 5]), ([(10, 2.0), (20, 2.0), (10, 3.0), (5, 1.0)], [10, 20, 30, 5]),
        ([(1.5, None), (-1, None), (math.nan, None)], [0, 0, 0]), ([(7, None), (3, None)], [7, 3]),
    ],
)  # fmt: skip
def test_steps_of_rows(given: list[Any], numbers: list[int]) -> None:
    """They go on over the epochs; what is no whole number repeats the last."""
    numbering = Numbering(has_step=True)
    assert [numbering.of(step, epoch, trains=True) for step, epoch in given] == numbers


def test_steps_of_evaluations() -> None:
    """That of the training before where the file counts evaluations or goes on over the epochs."""
    plain = Numbering(has_step=True)
    assert [plain.of(100, None, trains=True), plain.of(100, None, trains=False)] == [100, 100]
    counted = Numbering(has_step=True)
    told = [counted.of(100, None, trains=True), counted.of(1, None, trains=False), counted.of(200, None, trains=True)]
    assert [*told, counted.of(2, None, trains=False), counted.of(50, None, trains=False)] == [100, 100, 200, 200, 50]
    from_zero = Numbering(has_step=True)
    assert [from_zero.of(100, None, trains=True), from_zero.of(0, None, trains=False)] == [100, 100]
    epochs = Numbering(has_step=False)
    assert [epochs.of(9, 1.0, trains=True), epochs.of(9, None, trains=True), epochs.of(9, 5.0, trains=False)] == [
        1,
        1,
        5,
    ]


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (1.5, 1.5), (2, 2.0), (True, None), (None, None), ([1], None), ("inf", math.inf), (" -Infinity ", -math.inf),
        ("1.5", None),
        ("tensor(0.5)", 0.5), ("np.float64(2)", 2.0), ("float32( 3 )", 3.0), ("tensor(x)", None), ("a(0.5)", None),
        (10**400, math.inf), (-(10**400), -math.inf),
    ],
)  # fmt: skip
def test_a_value_as_a_number(value: Any, read: float | None) -> None:
    """Also as libraries print it; a plain number as a text is for `as_float`."""
    assert field_values.number(value) == read


@pytest.mark.parametrize(
    ("value", "read"), [("1.5", 1.5), ("a", None), (None, None), (7, 7), ("tensor(1)", 1.0), ("-inf", -math.inf)]
)
def test_a_text_as_a_number(value: Any, read: Any) -> None:
    """What is no text stays what it is."""
    assert field_values.as_float(value) == read


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ([], None), ([5], 5.0), ([5, 3], 5.0), ([1e9], None), ([1e9, 1e9 + 7], 7.0), ([2e12, 2e12 + 7000], 7.0),
        ([9e10, 9e10 + 7], 7.0),
        ([True, "5", None, -1, 0, math.inf, math.nan], None), ([5, 1e9, 1e9 + 7], 5.0), ([1e9 + 7, 1e9], 7.0),
    ],
)  # fmt: skip
def test_how_long_a_run_took(told: list[Any], seconds: float | None) -> None:
    """The longest duration, else from the first moment to the last, which may be in milliseconds."""
    held_clock = clock.Clock()
    for value in told:
        held_clock.note(value)
    assert held_clock.seconds == seconds


BOX = "| loss | 0.5 |\n| b | 1 |\n| c | 2 |\n"


@pytest.mark.parametrize(
    ("text", "boxed"),
    [
        (BOX, True), ("| loss | 0.5 |\n| b | 1 |\n", False), (BOX.replace("loss", "a"), False),
        (BOX.replace("0.5", "x"), False),
        (BOX.replace("|", "│"), True), (f"| loss {' ' * 300}| 0.5 |\n| b | 1 |\n| c | 2 |\n", False), ("", False),
        (BOX.replace("| c | 2 |", "| c | x |"), False),
    ],
)  # fmt: skip
def test_a_text_with_boxes(text: str, boxed: bool) -> None:
    """Three cells with a number, one of them of a curve."""
    assert boxed_tables.matches(text.encode(), Path("log.txt")) is boxed


def test_the_rows_of_boxes(tmp_path: Path) -> None:
    """A name that comes again begins the next; sections go before names, but not before that of a step."""
    path = tmp_path / "log.txt"
    path.write_text("| train/ | |\n| loss | 0.5 |\n| total_timesteps | 10 |\n| word | x |\nplain\n| loss | 0.25 |\n")
    assert list(boxed_tables.read(path).rows) == [{"train/loss": 0.5, "step": 10.0}, {"train/loss": 0.25}]


@pytest.mark.parametrize(
    ("head", "name", "dump"),
    [
        (b'{"pg_config": 1}', "nccl_trace_rank_0", True), (b"\x80\x02pg_config", "nccl_trace_rank_0.pickle", True),
        (b'["pg_config"]', "nccl_trace_rank_0", False), (b'{"a": 1}', "nccl_trace_rank_0", False),
        (b'{"pg_config": 1}', "notes.json", False), (b"", "nccl_trace_rank_0", False),
    ],
)  # fmt: skip
def test_a_file_that_is_a_dump(head: bytes, name: str, dump: bool) -> None:
    """By its first byte, a word in it, and its name."""
    assert flight_recorder_dumps.matches(head, Path(name)) is dump


def test_a_folder_without_dumps_is_none(tmp_path: Path) -> None:
    """And one whose dumps wait for nothing is refused."""
    assert flight_recorder_dumps.matches_folder(tmp_path) is False
    (tmp_path / "nccl_trace_rank_0").write_bytes(pickle.dumps({"pg_config": {}, "entries": []}, protocol=2))
    assert flight_recorder_dumps.matches_folder(tmp_path) is True
    with pytest.raises(LogError, match="no collective operation is waited for"):
        flight_recorder_dumps.read(tmp_path / "nccl_trace_rank_0")


def entry(**given: Any) -> dict[str, Any]:
    """Return an entry of a dump."""
    return {"process_group": ["g", "d"], "collective_seq_id": 1, "profiling_name": "nccl:all_reduce"} | given


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (entry(), ("g", 1, "all_reduce")), (entry(profiling_name="x" * 50), ("g", 1, "x" * 40)),
        (entry(profiling_name="a:b:c-d"), ("g", 1, "cd")), (entry(profiling_name=":"), ("g", 1, "collective")),
        (entry(process_group=["x" * 50]), ("x" * 40, 1, "all_reduce")), (entry(process_group=("h",)),
        ("h", 1, "all_reduce")),
        (entry(process_group=[]), None), (entry(process_group="g"), None), (entry(collective_seq_id="1"), None),
        (entry(is_p2p=True), None), ("entry", None),
    ],
)  # fmt: skip
def test_an_entry_of_a_dump(given: Any, told: tuple[str, int, str] | None) -> None:
    """As a call of a group; not one from rank to rank, or of another form."""
    found = [(call.group, call.number, call.op) for call in flight_recorder._calls({"entries": [given]})]
    assert found == ([told] if told else [])


@pytest.mark.parametrize(
    ("op", "form"), [("all_reduce", "[[4]]"), ("broadcast", "[[4]]"), ("reduce", "[[4]]"), ("all_gather", "")]
)
def test_sizes_count_where_all_ranks_have_the_same(op: str, form: str) -> None:
    """What is gathered may differ."""
    calls = flight_recorder._calls({"entries": [entry(profiling_name=f"nccl:{op}", input_sizes=[[4]])]})
    assert [call.form for call in calls] == [form]


FRAME = {"filename": "/me/train.py", "line": 5}


@pytest.mark.parametrize(
    ("frames", "line"),
    [
        ([FRAME], 5), ([{"filename": "/a/site-packages/b.py", "line": 1}, FRAME], 5),
        ([{"filename": "<string>", "line": 1}], None),
        ([{"filename": "/usr/lib/python3.11/a.py", "line": 1}], None),
        ([{"filename": "/a/dist-packages/b.py", "line": 1}], None),
        ([{"filename": 5, "line": 1}, {"filename": "a.py", "line": "1"}, "frame"], None), (None, None),
        ("frames", None),
        ([FRAME, FRAME | {"line": 9}], 5),
    ],
)  # fmt: skip
def test_the_line_of_the_users_own(frames: Any, line: int | None) -> None:
    """The innermost that is in no library."""
    found = flight_recorder._site(frames)
    assert (found and found["line"]) == line


@pytest.mark.parametrize(
    ("config", "members"),
    [
        ({"g": {"ranks": "[0, 1]"}}, {0, 1}), ({"other": {"ranks": "[2]"}}, {2}),
        ({"a": {"ranks": "[2]"}, "b": {}}, set()),
        ({"a": "x"}, set()), ({}, set()), ([], set()), ({"g": {"ranks": None}}, set()),
        ({"g": None, "h": {"ranks": "1"}}, set()),
    ],
)  # fmt: skip
def test_the_ranks_of_a_group(config: Any, members: set[int]) -> None:
    """As a dump says; a single group may have another name."""
    assert flight_recorder._members([{"pg_config": config}], "g") == members


def test_the_first_dump_that_names_ranks_counts() -> None:
    """One without does not hide the next."""
    assert flight_recorder._members([{"pg_config": {}}, {"pg_config": {"g": {"ranks": "3"}}}], "g") == {3}


@pytest.mark.parametrize(
    ("ranks", "told"),
    [
        ([1], "rank 1"),
        ([2, 1], "ranks 1, 2"),
        (range(8), "ranks 0, 1, 2, 3, 4, 5, 6, 7"),
        (range(10), "ranks 0, 1, 2, 3, 4, 5, 6, 7 and 2 more"),
    ],
)
def test_ranks_in_words(ranks: Any, told: str) -> None:
    """Eight of them at most."""
    assert flight_recorder._ranks(ranks) == told


@pytest.mark.parametrize(
    ("state", "retired", "call", "pending"),
    [
        ("started", False, 5, True),
        ("completed", False, 5, False),
        ("started", True, 5, False),
        ("started", True, 6, True),
        ("completed", True, 6, False),
    ],
)
def test_a_call_that_is_waited_for(state: str, retired: bool, call: int, pending: bool) -> None:
    """Not completed, and not retired or beyond what every rank has called."""
    assert flight_recorder.Call("g", call, "op", state, retired, "", None).is_pending(5) is pending


def test_a_dump_is_a_dictionary_with_entries() -> None:
    """As JSON or a pickle; of a pickle nothing but builtin containers."""
    sound = {"pg_config": {}, "entries": []}
    assert flight_recorder.loaded(pickle.dumps(sound, protocol=2)) == sound
    assert flight_recorder.loaded(b'{"pg_config": {}, "entries": []}') == sound
    for odd in ({"entries": []}, {"pg_config": {}, "entries": 1}, [1], sound | {"a": Path("x")}):
        assert flight_recorder.loaded(pickle.dumps(odd, protocol=2)) is None
    assert flight_recorder.loaded(b"{") is None
    assert flight_recorder.loaded(b"") is None
    unpickler: Any = SimpleNamespace()
    with pytest.raises(pickle.UnpicklingError, match=r"name os\.system"):
        flight_recorder._Plain.find_class(unpickler, "os", "system")


@pytest.mark.parametrize(
    ("begin", "own"),
    [
        ('{"record": "header"', True), ('[{"record": "header"', True), ("[]", True), ("[ \n", True),
        ('\ufeff [\n{"record":"header"', True),
        ('{"loss": 1}', False), ('{"record": "step"}', False), ("[1]", False), ("", False),
        ('"record" "header"', False),
        ('{"a": "' + "x" * 400 + '", "record": "header"}', False),
    ],
)  # fmt: skip
def test_a_log_of_our_own(tmp_path: Path, begin: str, own: bool) -> None:
    """By its first record, or because nothing was recorded in it yet."""
    path = tmp_path / "log.json"
    path.write_text(begin, encoding="utf-8")
    assert foreign_logs.is_own(path) is own


def test_what_cannot_be_opened_is_left_to_our_own_reader(tmp_path: Path) -> None:
    """It says what is wrong; a folder is foreign, a packed file ours."""
    assert foreign_logs.is_own(tmp_path / "none.json") is True
    assert foreign_logs.is_own(tmp_path) is False
    assert foreign_logs.is_own(tmp_path / "log.json.zst") is True


def test_a_log_that_cannot_be_read_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason of the system."""

    def refused(_: Path) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(foreign_logs, "recognized", refused)
    with pytest.raises(LogError, match=r"log.csv: cannot be read \(Permission denied\); check the file"):
        foreign_logs.imported(tmp_path / "log.csv")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\nKilled\nb", "Killed"),
        ("slurmstepd: error: Detected 1 oom-kill event", "slurmstepd: error: Detected 1 oom-kill event"),
        ("Segmentation fault (core dumped)\nout of memory: oom_killed", "out of memory: oom_killed"),
        ("all is well", None),
        ("SIGKILL" + "x" * 1000, None), ("SIGKILL" + "x" * 992, "SIGKILL" + "x" * 992), ("SIGKILL" + "x" * 993, None),
        ("", None),
    ],
)  # fmt: skip
def test_what_tells_that_a_process_was_killed(text: str, told: str | None) -> None:
    """The most telling line of less than a thousand characters."""
    assert pasted_failures._killed(text) == told


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("/a/site-packages/torch/nn/modules/linear.py", "torch.nn.modules.linear"),
        ("/usr/lib/python3.11/json/decoder.py", "json.decoder"),
        ("/a/dist-packages/x.py", "x"), ("train.py", "train"), ("a/b.txt", "a.b.txt"),
    ],
)  # fmt: skip
def test_the_module_of_a_file(file: str, module: str) -> None:
    """Below the folder of packages."""
    assert pasted_failures._module(file) == module


@pytest.mark.parametrize("size", [0, 5, 16, 17, 40])
def test_the_end_of_a_log_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """However long it is."""
    monkeypatch.setattr(pasted_failures, "TAIL", 16)
    text = "".join(chr(97 + place % 26) for place in range(size))
    (tmp_path / "log.txt").write_text(text)
    assert pasted_failures._end(tmp_path / "log.txt") == text[-16:]
