"""A log may be anybody's: whatever it holds, time and memory are bounded, and what is wrong is one sentence.

Memory is bounded by the kernel, in a process of its own in which our bounds are a fraction of the real ones.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import bounded
import pytest
import zstandard
from builders import HEADER, build_log

from trainadvisor.errors import LogError
from trainadvisor.log.growing import GrowingLog
from trainadvisor.log.reader import read_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAD = ("[" + json.dumps(HEADER) + ",\n").encode()
TAIL = b'{"record":"end","reason":"finished"}\n]\n'
STEP = b'{"record":"step","step":%d,"loss":1.5,"opt":[0],"lr":[0.1]},\n'
BLANK = b"\n" * (1 << 20)
ROOM = 250
"""Megabytes that judging may take besides the program itself."""
BOUNDS = {
    "trainadvisor.log.stream:LONGEST_LINE": 6 << 20,
    "trainadvisor.log.stream:FREE": 16 << 20,
    "trainadvisor.log.columns:MOST_STEPS": 50_000,
    "trainadvisor.log.layer_samples:MOST_NUMBERS": 500_000,
    "trainadvisor.log.layer_samples:MOST_SAMPLES": 20_000,
}


def _nested(folder: Path) -> Path:
    """Brackets without end, and lists as deep as the parser allows where a number belongs."""
    deep = b"[" * 990 + b"]" * 990
    step = b'{"record":"step","step":%d,"opt":' + deep + b',"lr":' + deep + b',"loss":' + deep + b"},\n"
    lines = [
        b'{"a":' * 200_000 + b"\n",
        *(step % number for number in range(3)),
        b'{"record":"layers","step":0,"grad":',
    ]
    (folder / "nested.json").write_bytes(HEAD + b"".join(lines) + deep + b"},\n" + TAIL)
    return folder / "nested.json"


def _line(folder: Path) -> Path:
    """A line of a gigabyte; the file has a hole there."""
    with (folder / "line.json").open("wb") as file:
        file.write(HEAD)
        file.truncate(1 << 30)
    return folder / "line.json"


def _objects(folder: Path) -> Path:
    """Objects on one line, which take twenty times their text."""
    (folder / "objects.json").write_bytes(HEAD + b"{}," * (5 << 18) + b"\n" + TAIL)
    return folder / "objects.json"


def _events(folder: Path) -> Path:
    """Events that would all be kept."""
    event = b'{"record":"event","kind":"x","detail":{"a":[' + b"{}," * 200_000 + b"1]}},\n"
    with (folder / "events.json").open("wb") as file:
        file.write(HEAD)
        for _ in range(40):
            file.write(event)
        file.write(TAIL)
    return folder / "events.json"


def _names(folder: Path) -> Path:
    """A column, an optimizer and a model of its own in each record."""
    line = b'{"record":"layers","step":%d,"model":%d,"c%d":[1]},\n{"record":"step","step":%d,"opt":[%d]},\n'
    with (folder / "names.json").open("wb") as file:
        file.write(HEAD)
        file.writelines(line % (n, n % 100, n, n, n) for n in range(40_000))
        file.write(TAIL)
    return folder / "names.json"


def _packed(folder: Path) -> Path:
    """64 KB that unpack to as many blank lines as one likes."""
    (folder / "bomb.json.gz").write_bytes(gzip.compress(HEAD) + gzip.compress(BLANK) * 64)
    return folder / "bomb.json.gz"


def _packed_tightly(folder: Path) -> Path:
    """The same in a form that packs a hundred times tighter."""
    (folder / "bomb.json.zst").write_bytes(zstandard.compress(HEAD + BLANK * 64))
    return folder / "bomb.json.zst"


def _steps(folder: Path) -> Path:
    """More steps than the memory holds."""
    with (folder / "steps.json").open("wb") as file:
        file.write(HEAD)
        file.writelines(STEP % number for number in range(400_000))
        file.write(TAIL)
    return folder / "steps.json"


CASES: dict[Callable[[Path], Path], tuple[int, str]] = {
    _nested: (0, ""),
    _line: (2, "a line is longer than 6 MB; this is not a trainadvisor log"),
    _objects: (0, ""),
    _events: (0, ""),
    _names: (0, ""),
    _packed: (2, "GiB; unpack it by hand if you trust it"),
    _packed_tightly: (2, "unpacks to more than 0.0156 GiB; unpack it by hand if you trust it"),
    _steps: (0, ""),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What `trainadvisor diagnose` says of each log, all in one process."""
    folder = tmp_path_factory.mktemp("hostile")
    names = [make(folder).name for make in CASES]
    commands = [["diagnose", name, "--format", "json"] for name in names]
    found = bounded.run(commands, megabytes=ROOM, bounds=BOUNDS, folder=folder)
    return {make.__name__: outcome for make, outcome in zip(CASES, found, strict=True)}


@pytest.mark.parametrize("make", CASES, ids=lambda make: make.__name__.strip("_"))
def test_memory_stays_bounded(make: Callable[[Path], Path], outcomes: dict[str, dict[str, Any]]) -> None:
    """It is judged, or refused in one line with exit code 2."""
    code, message = CASES[make]
    found = outcomes[make.__name__]
    assert (found["code"], found["err"].count("\n")) == (code, int(code > 0)), found["err"]
    assert message in found["err"]
    assert "Traceback" not in found["err"]


def test_what_was_left_out_is_told(outcomes: dict[str, dict[str, Any]]) -> None:
    """Also that of a long run only a part was kept."""
    notes = {name: " ".join(json.loads(found["out"])["notes"]) for name, found in outcomes.items() if not found["code"]}
    assert "records could not be read" in notes["_nested"]
    assert "records could not be read" in notes["_events"]
    assert "steps are so many that one of 8 was kept" in notes["_steps"]
    assert "only a part of them was kept" in notes["_names"]


def test_the_memory_of_the_measurement_is_bounded_indeed(tmp_path: Path) -> None:
    """A log that is judged within the room above is too much for a megabyte."""
    build_log(tmp_path, steps=30_000, columns={"loss": [1.0] * 30_000})
    found = bounded.run([["diagnose", "log.json"]], megabytes=1, folder=tmp_path, may_die=True)
    assert found[0]["code"] != 0


def test_of_many_steps_every_second_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stages and the count stay those of the whole run."""
    monkeypatch.setattr("trainadvisor.log.columns.MOST_STEPS", 1000)
    steps = [{"opt": [0]}] * 1500 + [{"opt": [1]}] * 1600
    log = read_log(build_log(tmp_path, steps=steps, columns={"loss": list(range(3100)), "lr": 0.1}))
    assert log.all_steps_count == 3100
    assert log.steps.tolist() == log.column("loss").tolist()
    assert set(log.steps.tolist()) <= set(range(0, 3100, 4))
    assert [(phase.optimizers, phase.first, phase.last) for phase in log.phases] == [
        ((0,), 0, 1496),
        ((1,), 1500, 3096),
    ]
    assert log.turns == {(0,): 1500, (1,): 1600}
    assert "one of 4 was kept" in log.notes[0]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"record":"step","step":0,"step":1,"loss":1,"loss":2.5}', []),
        (b'{"record":"step","step":1,"loss":2.5},\n\xff\xfe', ["1 records"]),
        (b'{"record":"step","step":1,"loss":2.5},\n{"record":"step","step":99999999999999999999}', ["1 records"]),
        (b'{"record":"step","step":1,"loss":2.5},\n{"record":"event","kind":"\\ud800"}', ["1 records"]),
    ],
    ids=["duplicate keys", "no UTF-8", "huge integer", "half a character"],
)
def test_what_is_odd_takes_nothing_else_with_it(tmp_path: Path, line: bytes, told: list[str]) -> None:
    """Of two keys the last counts; a line that cannot be read is counted."""
    path = tmp_path / "log.json"
    path.write_bytes(HEAD + line + b",\n" + TAIL)
    log = read_log(path)
    assert (log.steps.tolist(), log.column("loss").tolist()) == ([1], [2.5])
    assert [note[: len("1 records")] for note in log.notes] == told


def test_huge_numbers_are_infinite_or_absent(tmp_path: Path) -> None:
    """Never an exception further on."""
    path = tmp_path / "log.json"
    numbers = [b"1e400", b"-" + b"9" * 5000, b'"1e999"']
    path.write_bytes(
        HEAD + b"".join(b'{"record":"step","step":%d,"loss":%s},\n' % (n, x) for n, x in enumerate(numbers))
    )
    log = read_log(path)
    assert all(abs(loss) == float("inf") for loss in log.column("loss").tolist())


def test_a_long_log_is_followed_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blank lines, too, are left behind; a packed log comes in pieces as well."""
    monkeypatch.setattr("trainadvisor.log.growing.LOOK", 4000)
    monkeypatch.setattr("trainadvisor.log.growing.BATCH", 100)
    path = tmp_path / "log.json"
    path.write_bytes(HEAD + b"\n" * 9000 + b"".join(STEP % number for number in range(400)) + TAIL)
    packed = tmp_path / "log.json.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for log, looks in ((GrowingLog(path), 7), (GrowingLog(packed), 1)):
        pieces = [log.grow()]
        while log.behind:
            pieces.append(log.grow())
        assert len(pieces) > looks
        kinds = [record["record"] for piece in pieces for record in piece]
        assert kinds == ["header", *["step"] * 400, "end"]
        snapshot = log.snapshot()
        assert snapshot is not None
        assert snapshot.all_steps_count == 400


def test_a_line_without_end_cannot_be_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it cannot be read."""
    monkeypatch.setattr("trainadvisor.log.growing.LOOK", 4000)
    monkeypatch.setattr("trainadvisor.log.growing.LONGEST_LINE", 8000)
    path = tmp_path / "log.json"
    path.write_bytes(HEAD + b"x" * 50_000)
    log = GrowingLog(path)
    log.grow()
    with pytest.raises(LogError, match="a line is longer than"):
        log.grow()


def test_an_archive_in_several_parts_is_read_to_its_end(tmp_path: Path) -> None:
    """As programs that pack in parallel write it."""
    lines = [HEAD, *(STEP % number for number in range(20)), TAIL]
    (tmp_path / "log.json.gz").write_bytes(b"".join(map(gzip.compress, lines)))
    (tmp_path / "log.json.zst").write_bytes(b"".join(map(zstandard.compress, lines)))
    for ending in (".gz", ".zst"):
        log = read_log(tmp_path / f"log.json{ending}")
        assert (log.all_steps_count, log.end is not None, log.notes) == (20, True, [])
