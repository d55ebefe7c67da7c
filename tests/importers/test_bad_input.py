"""Whatever state a log is in: what is sound is read, what was left out is said, and nothing crashes."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from importers.make_fixtures import HERE
from importers.mutations import damaged

from trainadvisor.errors import LogError
from trainadvisor.importers import thinning
from trainadvisor.importers.foreign_logs import read_log
from trainadvisor.importers.opening import lines

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 12
CSV = "step,train_loss,val_loss\n" + "".join(f"{step},{2 - step / 10:.2f},\n" for step in range(STEPS)) + "11,,1.5\n"
LOSSES = [round(2 - step / 10, 2) for step in range(STEPS)]
RECORDED = sorted(path for path in HERE.rglob("*") if path.is_file() and path.suffix != ".yaml")


def losses(path: Path) -> list[float]:
    """The training losses that are read from a file."""
    values = read_log(path).column("loss").tolist()
    return [value for value in values if value == value]  # noqa: PLR0124 - nan is not equal to itself


def written(folder: Path, data: str | bytes, name: str = "log") -> Path:
    """A file with some content; its name says nothing."""
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.mark.parametrize(
    "data",
    [
        CSV.encode(),
        CSV.encode("utf-8-sig"),
        CSV.encode("utf-16"),
        CSV.encode("utf-16-le"),
        CSV.encode("utf-16-be"),
        CSV.replace("\n", "\r\n").encode(),
        gzip.compress(CSV.encode()),
        gzip.compress(CSV.encode("utf-16")),
        CSV.replace(",", ";").replace(".", ",").encode(),
        CSV.replace(",", "\t").encode(),
        ("# a remark\n" + CSV).encode(),
        CSV.replace("\n", "\x1b[0m\n").encode(),
    ],
    ids=[
        "plain",
        "bom",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "crlf",
        "gz",
        "gz-utf-16",
        "commas",
        "tabs",
        "remark",
        "ansi",
    ],
)
def test_any_dress_of_a_table_is_read(data: bytes, tmp_path: Path) -> None:
    """Encodings, line ends, compression, delimiters, decimal commas, escape sequences of a terminal."""
    assert losses(written(tmp_path, data)) == LOSSES


def test_a_cut_archive_is_read_to_its_end(tmp_path: Path) -> None:
    """A compressed log that was cut gives what can be unpacked."""
    long = CSV + "".join(f"{step},{1 / step:.7f},\n" for step in range(12, 3000))
    read = losses(written(tmp_path, gzip.compress(long.encode())[:-2000]))
    assert read[:STEPS] == LOSSES
    assert len(read) < 3000


@pytest.mark.parametrize("odd", ["3,0.9\n", "3\n", "a,b,c,d,e,f\n", "3,0.9,,,,,\n"])
def test_a_torn_or_odd_line_is_left_out(odd: str, tmp_path: Path) -> None:
    """At the end it is called torn, in between it is counted."""
    torn = written(tmp_path, CSV + odd.rstrip())
    assert losses(torn) == LOSSES
    assert any("torn" in note for note in read_log(torn).notes)
    half = CSV.index("5,")
    between = written(tmp_path, CSV[:half] + odd + CSV[half:])
    assert losses(between) == LOSSES
    assert any("1 lines have more or fewer cells" in note for note in read_log(between).notes)


def test_a_row_that_two_processes_wrote_counts_once(tmp_path: Path) -> None:
    """Both writers of a distributed training append to the same file."""
    head, *body = CSV.splitlines(keepends=True)
    log = read_log(written(tmp_path, head + "".join(line * 2 for line in body)))
    assert log.column("loss")[:STEPS].tolist() == LOSSES
    assert log.steps.tolist() == list(range(STEPS))


def test_runs_one_after_the_other_are_parted(tmp_path: Path) -> None:
    """The last one is judged, and it is said; any other can be asked for."""
    other = CSV.replace("2.00", "9.00")
    path = written(tmp_path, other + CSV.split("\n", 1)[1])
    assert losses(path) == LOSSES
    assert any("2 runs" in note for note in read_log(path).notes)
    assert read_log(path, run=1).column("loss")[0] == 9.0


def test_a_header_that_comes_again_is_a_header(tmp_path: Path) -> None:
    """Also when columns were added or changed their places."""
    path = written(tmp_path, "step,loss,lr\n0,3.5,0.1\n1,3.0,0.1\nstep,lr,loss,val_loss\n2,0.1,2.5,\n3,0.1,2.0,2.2\n")
    assert losses(path) == [3.5, 3.0, 2.5, 2.0]
    assert [record["loss"] for record in read_log(path).all_evals] == [2.2]


def test_very_many_columns_are_read(tmp_path: Path) -> None:
    """Ten thousand columns of which two count."""
    names = ",".join(f"layer{number}" for number in range(10_000))
    values = ",".join("0.5" for _ in range(10_000))
    body = "".join(f"{step},{2 - step / 10:.2f},{values}\n" for step in range(STEPS))
    assert losses(written(tmp_path, f"step,loss,{names}\n{body}")) == LOSSES


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (bytes(range(256)) * 10, "binary"),
        (b"PK\x03\x04" + bytes(100), "checkpoint"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        (b'{"nbformat": 4, "cells": []}', "notebook"),
        (b'{"_wandb": {"runtime": 3}, "_step": 5, "loss": 0.1}', "W&B summary"),
        (b'{"architectures": ["Bert"], "hidden_size": 4}', "configuration"),
        (b"SQLite format 3\0" + bytes(100), "database"),
        (b"a,b\n1,2\n", "no loss"),
        (b"epoch,time\n1,2\n", "no loss"),
    ],
)
def test_what_is_no_log_is_told_in_one_sentence(data: bytes, said: str, tmp_path: Path) -> None:
    """With what it seems to be."""
    with pytest.raises(LogError, match=said) as told:
        read_log(written(tmp_path, data))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.relative_to(HERE).parts[0]}/{path.name[-12:]}")
def test_a_damaged_log_is_read_or_refused(path: Path, tmp_path: Path) -> None:
    """Forty damages of each recorded file: a log or one sentence."""
    data = path.read_bytes()
    if path.name.endswith(".db.gz"):
        data = gzip.decompress(data)
    for seed in range(40):
        try:
            read_log(written(tmp_path, damaged(data, seed)))
        except LogError as error:
            assert "\n" not in str(error)  # noqa: PT017 - either outcome is right


def test_of_a_very_large_file_lines_that_are_alike_are_thinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The evaluations between them are read, but for the first few, and it is said."""
    head = "step,train_loss,val_loss,lr\n"
    body = "".join(
        f"{step},{1 / (step + 1):.5f},,0.1\n" + ("" if step % 50 else f"{step},,0.5,\n") for step in range(2000)
    )
    path = written(tmp_path, head + body)
    monkeypatch.setattr(thinning, "UNTHINNED", path.stat().st_size // 4)
    log = read_log(path)
    assert 480 <= len(losses(path)) <= 620
    assert len(log.all_evals) >= 38
    assert "the file is so large that one of 4 lines or events alike was read" in log.notes


def test_a_line_without_end_is_taken_in_pieces(tmp_path: Path) -> None:
    """Nothing holds the whole of it in memory."""
    path = written(tmp_path, b"x" * (9 << 20))
    assert max(map(len, lines(path))) == 4 << 20


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("curve.csv", "Wall time,Step,Value\n1.5,0,2.5\n2.5,1,2.25\n", "exported without its name"),
        ("log", "Desired fold for training: 0\nlr: 0.01\n", "a log of nnU-Net in which no epoch is finished; give it"),
        ("log", "nnUNet\nWARNING! You are training on a CPU\n", "no epoch is finished; it runs on the CPU; give it"),
    ],
)
def test_what_holds_no_curve_yet_is_named(name: str, data: str | bytes, said: str, tmp_path: Path) -> None:
    """With the way on."""
    with pytest.raises(LogError, match=said):
        read_log(written(tmp_path, data, name))


def test_a_curve_of_tensorboard_goes_by_the_name_of_its_file(tmp_path: Path) -> None:
    """Its tag stands there."""
    data = "Wall time,Step,Value\n1.5,0,2.5\n2.5,10,2.25\n"
    log = read_log(written(tmp_path, data, "run-a_train-tag-loss.csv"))
    held_out = read_log(written(tmp_path, data, "run-a_val-tag-val_loss.csv"))
    assert (log.steps.tolist(), log.column("loss").tolist()) == ([0, 10], [2.5, 2.25])
    assert [(record["step"], record["loss"]) for record in held_out.all_evals] == [(0, 2.5), (10, 2.25)]


def test_losses_of_several_processes_are_said(tmp_path: Path) -> None:
    """Each is a point; of one process nothing is said."""
    lines = [f"[rank{rank}] step {step} loss {2 - step / 10 + rank / 100:.2f}" for step in range(9) for rank in (0, 1)]
    both, one = (read_log(written(tmp_path, "\n".join(some))) for some in (lines, lines[::2]))
    assert (both.column("loss").size, one.column("loss").size) == (18, 9)
    assert [note[:7] for note in both.notes if "another loss" in note] == ["9 rows "]
    assert not any("another loss" in note for note in one.notes)
