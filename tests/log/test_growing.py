"""A log that grows: every look reads what is new, whatever the writer is doing."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from builders import build_log

from trainadvisor.errors import LogError
from trainadvisor.log import growing
from trainadvisor.log.growing import GrowingLog, Tail
from trainadvisor.log.reader import read_log
from trainadvisor.log.writer import LogWriter
from trainadvisor.telling import diagnose

if TYPE_CHECKING:
    from pathlib import Path


def step(number: int, **fields: Any) -> dict[str, Any]:
    """Return a step record."""
    return {"record": "step", "step": number, "loss": 1.0, "opt": [0], **fields}


@pytest.fixture
def writer(tmp_path: Path) -> LogWriter:
    """A writer that has written the header."""
    writer = LogWriter(tmp_path / "log.json")
    writer({"record": "header", "format": 1, "source": "recorder"})
    writer.flush()
    return writer


def numbers(records: list[dict[str, Any]]) -> list[Any]:
    """Return step numbers, or kinds."""
    return [record.get("step", record["record"]) for record in records]


def test_each_look_returns_what_is_new(writer: LogWriter) -> None:
    """Never a record twice, never one left out, though the closing bracket is overwritten."""
    tail = Tail(writer.path)
    assert numbers(tail.read()) == ["header"]
    assert tail.read() == []
    for start in (0, 3, 6):
        for number in range(start, start + 3):
            writer(step(number))
        writer.flush()
        assert numbers(tail.read()) == [start, start + 1, start + 2]
    writer({"record": "end", "reason": "finished"})
    writer.close()
    assert numbers(tail.read()) == ["end"]


def test_a_provisional_header_is_left_to_its_successor(tmp_path: Path) -> None:
    """What stands in its place later is read whole."""
    writer = LogWriter(tmp_path / "log.json", header={"record": "header", "format": 1})
    tail = Tail(writer.path)
    assert tail.read() == []
    writer({"record": "header", "format": 1, "source": "recorder", "models": []})
    writer(step(0))
    writer.flush()
    assert numbers(tail.read()) == ["header", 0]


def test_a_look_costs_what_was_added(writer: LogWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long log is not read again."""
    for number in range(5000):
        writer(step(number))
    writer.flush()
    tail = Tail(writer.path)
    assert len(tail.read()) == 5001
    parsed = []
    monkeypatch.setattr(tail, "_parse", lambda body: parsed.append(body) or {})
    writer(step(5000))
    writer.flush()
    tail.read()
    assert len(parsed) == 1


def test_a_log_that_is_to_come_is_waited_for(tmp_path: Path) -> None:
    """Nothing yet is no error."""
    assert Tail(tmp_path / "log.json").read() == []


def test_a_torn_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    """The writer was seen in the middle."""
    path = tmp_path / "log.json"
    whole = json.dumps(step(1))
    path.write_text(f"[\n{json.dumps(step(0))},\n{whole[:20]}", encoding="utf-8")
    tail = Tail(path)
    assert numbers(tail.read()) == [0]
    path.write_text(f"[\n{json.dumps(step(0))},\n{whole}\n]\n", encoding="utf-8")
    assert numbers(tail.read()) == [1]


def test_a_line_longer_than_a_look_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is behind the first piece of it stands right behind that."""
    monkeypatch.setattr(growing, "LOOK", 64)
    long = step(1, words="x" * 300)
    path = tmp_path / "log.json"
    path.write_text(f"[\n{json.dumps(step(0))},\n{json.dumps(long)},\n{json.dumps(step(2))}\n]\n", encoding="utf-8")
    tail = Tail(path)
    read = [record for _ in range(12) for record in tail.read()]
    assert read == [step(0), long, step(2)]


def test_a_line_that_stays_broken_is_given_up(tmp_path: Path) -> None:
    """What follows is read all the same."""
    path = tmp_path / "log.json"
    path.write_text(f'[\n{json.dumps(step(0))},\n{{"broken": }},\n{json.dumps(step(2))}\n]\n', encoding="utf-8")
    tail = Tail(path)
    assert [numbers(tail.read()) for _ in range(3)] == [[0], [], [2]]


def test_a_log_that_is_replaced_is_read_from_its_start(writer: LogWriter) -> None:
    """A second run writes to the same place."""
    log = GrowingLog(writer.path)
    writer(step(0))
    writer.flush()
    log.grow()
    again = LogWriter(writer.path)
    again({"record": "header", "format": 1})
    again.flush()
    assert numbers(log.grow()) == ["header"]
    snapshot = log.snapshot()
    assert snapshot is not None
    assert snapshot.all_steps_count == 0


def test_a_log_in_its_place_is_read_from_its_first_byte(tmp_path: Path) -> None:
    """Also one without a bracket before its first record."""
    path = tmp_path / "log.json"
    path.write_text("".join(f"{json.dumps(step(number))}\n" for number in range(3)), encoding="utf-8")
    tail = Tail(path)
    assert numbers(tail.read()) == [0, 1, 2]
    path.write_text(f"{json.dumps(step(7))}\n", encoding="utf-8")
    assert (numbers(tail.read()), tail.restarted) == ([7], True)
    assert (tail.read(), tail.restarted) == ([], False)


def test_a_snapshot_is_the_log_read_at_once(tmp_path: Path) -> None:
    """Judging it gives the same, in the middle and at the end."""
    losses = [2.3 * 0.98**number for number in range(200)]
    path = build_log(tmp_path, columns={"loss": [*losses[:100], *["nan"] * 100], "lr": 0.1}, end={})
    whole = path.read_bytes()
    middle = whole.index(b'"step": 90')
    path.write_bytes(whole[:middle])
    log = GrowingLog(path)
    assert len(log.grow()) == 91
    first = log.snapshot()
    assert first is not None
    assert first.all_steps_count == 90
    path.write_bytes(whole)
    log.grow()
    second = log.snapshot()
    assert second is not None
    assert diagnose(second) == diagnose(read_log(path))


def test_a_packed_log_is_read_once(tmp_path: Path) -> None:
    """It grows no more."""
    path = build_log(tmp_path, columns={"loss": [1.0] * 5}, end=None)
    packed = tmp_path / "log.json.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    log = GrowingLog(packed)
    assert len(log.grow()) == 6
    assert log.grow() == []


def test_a_long_packed_log_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until all of it has been, more is to come."""
    path = build_log(tmp_path, columns={"loss": [1.0] * 5}, end=None)
    packed = tmp_path / "log.json.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    monkeypatch.setattr(growing, "BATCH", 1)
    log = GrowingLog(packed)
    records, waiting = log.grow(), [log.behind]
    while log.behind:
        records += log.grow()
        waiting.append(log.behind)
    assert len(records) == 6
    assert waiting[0] is True


def test_a_log_without_a_header_is_no_log(tmp_path: Path) -> None:
    """Said as the reader says it."""
    path = tmp_path / "log.json"
    path.write_text(f"[\n{json.dumps(step(0))}\n]\n", encoding="utf-8")
    with pytest.raises(LogError, match="is not a trainadvisor log"):
        GrowingLog(path).grow()
