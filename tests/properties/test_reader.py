"""A sound log, cut or changed anywhere, is read or refused in one sentence; nothing else is ever raised."""

from __future__ import annotations

import gzip
import json
import random
from functools import cache
from typing import TYPE_CHECKING, Any

import fuzztargets
import mutation
import pytest
from fuzztargets import CORPUS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainadvisor.errors import LogError
from trainadvisor.log.curves import curves
from trainadvisor.log.reader import read_log
from trainadvisor.signals import Signals

if TYPE_CHECKING:
    from pathlib import Path

FEW = settings(
    max_examples=settings.default.max_examples * 30 // 100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
LOGS = sorted(path.name for path in (CORPUS / "reader").glob("*.json"))


@cache
def log_bytes(name: str) -> bytes:
    """Return a recorded log."""
    return (CORPUS / "reader" / name).read_bytes()


def whole_header(data: bytes) -> bool:
    """Return whether the first record is complete."""
    try:
        return json.loads(data.removeprefix(b"[").strip().split(b"\n")[0].rstrip(b",]"))["record"] == "header"
    except ValueError:
        return False


def steps_in(data: bytes) -> int:
    """Count the whole step records of a log, line by line."""
    count = 0
    for line in data.split(b"\n"):
        try:
            record = json.loads(line.strip(b",[] \n"))
        except ValueError:
            continue
        count += isinstance(record, dict) and record.get("record") == "step"
    return count


@pytest.mark.parametrize("name", LOGS)
@FEW
@given(share=st.floats(0, 1), packed=st.booleans())
def test_any_cut_loses_one_record_at_most(tmp_path: Path, name: str, share: float, *, packed: bool) -> None:
    """Every whole line before the cut is read, plain or packed; without a whole header it is no log."""
    whole = log_bytes(name)
    cut = whole[: round(share * len(whole))]
    path = tmp_path / ("log.json.gz" if packed else "log.json")
    path.write_bytes(gzip.compress(cut, 1) if packed else cut)
    if not whole_header(cut):
        with pytest.raises(LogError) as caught:
            read_log(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
        return
    log = read_log(path)
    assert log.all_steps_count == steps_in(cut)


@pytest.mark.parametrize("name", LOGS)
@FEW
@given(places=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=6))
def test_any_changed_byte_is_read_or_refused(name: str, places: list[tuple[float, int]]) -> None:
    """Its series fit together and can be drawn."""
    data = bytearray(log_bytes(name))
    for share, byte in places:
        data[int(share * len(data))] = byte
    fuzztargets.reader(bytes(data))
    fuzztargets.curve(bytes(data))


@pytest.mark.parametrize("name", LOGS)
@FEW
@given(seed=st.integers(0, 2**32))
def test_any_changed_value_is_read_drawn_and_leaves_every_signal_finite(tmp_path: Path, name: str, seed: int) -> None:
    """A signal is finite or absent."""
    data = mutation.mutated(log_bytes(name), 1 << 20, seed)
    assert data is not None
    fuzztargets.reader(data)
    fuzztargets.curve(data)
    path = tmp_path / "log.json"
    path.write_bytes(data)
    try:
        log = read_log(path)
    except LogError:
        return
    signals = Signals(log)
    chosen = random.Random(seed).sample(sorted(signals), 20)  # noqa: S311 - which ones is no secret
    assert all(_is_sound(signals[name]) for name in chosen)
    json.dumps(curves(log), allow_nan=False)


def _is_sound(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_sound, value.values()))
    return value is None or isinstance(value, (bool, str, list)) or abs(value) < float("inf")
