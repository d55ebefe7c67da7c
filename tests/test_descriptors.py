"""Descriptors of ours: at a high number, and never another file's."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trainadvisor.descriptors import Descriptor
from trainadvisor.regular import piece

if TYPE_CHECKING:
    from collections.abc import Iterator


def opened(path: Path) -> int:
    """Open a file to append."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def is_open(number: int) -> bool:
    """Return whether a descriptor stands for anything."""
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Descriptor]:
    """A descriptor of the file `log`."""
    held = Descriptor(opened(tmp_path / "log"))
    yield held
    held.close()


def test_it_moves_to_a_high_number_and_is_not_inherited(tmp_path: Path) -> None:
    """The low one is free again."""
    low = opened(tmp_path / "log")
    held = Descriptor(low)
    assert held.number >= 60
    assert (is_open(low), os.get_inheritable(held.number), held.held) == (False, False, True)
    held.close()
    assert (is_open(held.number), held.held) == (False, False)


def test_where_no_high_number_is_free_it_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is held all the same; the highest that is allowed comes first."""
    asked = []

    def refused(number: int, what: int, least: int) -> int:
        asked.append(least)
        raise OSError

    monkeypatch.setattr(fcntl, "fcntl", refused)
    low = opened(tmp_path / "log")
    held = Descriptor(low)
    assert (held.number, held.held, asked) == (low, True, [4000, 1000, 200, 60])
    held.close()


def test_a_number_that_stands_for_another_file_is_not_held_and_not_closed(ours: Descriptor, tmp_path: Path) -> None:
    """The script closed ours and got its number for its own file."""
    other = opened(tmp_path / "other")
    os.dup2(other, ours.number)
    assert not ours.held
    ours.close()
    assert is_open(ours.number)
    os.close(ours.number)
    os.close(other)


def test_it_reads_its_own_file_only_and_leaves_another_where_it_is(tmp_path: Path) -> None:
    """The script closed ours and got its number for its own file."""
    (tmp_path / "log").write_bytes(b"0123456789")
    (tmp_path / "other").write_bytes(b"abcdef")
    held = Descriptor(os.open(tmp_path / "log", os.O_RDONLY))
    assert (held.read(2, 3), held.read(8, 9), held.read(20, 1)) == (b"234", b"89", b"")
    other = os.open(tmp_path / "other", os.O_RDONLY)
    os.dup2(other, held.number)
    assert (held.read(0, 3), os.lseek(other, 0, os.SEEK_CUR)) == (b"", 0)
    held.close()
    assert is_open(held.number)
    os.close(held.number)
    os.close(other)


def test_a_piece_whose_descriptor_the_script_closes_and_opens_again_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that stands at its number since then is neither read nor closed."""
    (tmp_path / "log").write_bytes(b"0123456789")
    (tmp_path / "other").write_bytes(b"abcdef")
    taken = []

    def interrupted(held: Descriptor) -> bool:
        taken.append(held.number)
        other = os.open(tmp_path / "other", os.O_RDONLY)
        os.dup2(other, held.number)
        os.close(other)
        return looked(held)

    assert piece(tmp_path / "log", 4, 3) == b"456"
    looked = Descriptor.held.fget
    monkeypatch.setattr(Descriptor, "held", property(interrupted))
    assert piece(tmp_path / "log", 4, 3) == b""
    assert os.read(taken[0], 9) == b"abcdef"
    os.close(taken[0])
    monkeypatch.undo()
    monkeypatch.setattr("trainadvisor.regular.Descriptor", lambda number: os.close(number) or Descriptor(number))
    assert piece(tmp_path / "log", 4, 3) == b""


def test_it_is_regained_only_by_the_same_file(ours: Descriptor, tmp_path: Path) -> None:
    """Another file at the path is closed again; one that cannot be opened is none."""
    seen: list[int] = []

    def at(name: str) -> int:
        seen.append(opened(tmp_path / name))
        return seen[-1]

    def fails() -> int:
        raise OSError

    assert ours.regain(fails)
    os.close(ours.number)
    assert [ours.regain(fails), ours.regain(lambda: at("other"))] == [False, False]
    assert not is_open(seen[0])
    assert ours.regain(lambda: at("log"))
    assert (ours.held, ours.number >= 60, is_open(seen[1])) == (True, True, False)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors are counted on Linux")
def test_a_piece_leaves_no_descriptor_open(tmp_path: Path) -> None:
    """However many are read."""
    path = tmp_path / "log.json"
    path.write_text("0123456789", encoding="utf-8")
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert [piece(path, start, 3) for start in (0, 3, 9, 12)] == [b"012", b"345", b"9", b""]
    assert len(list(Path("/proc/self/fd").iterdir())) == before
