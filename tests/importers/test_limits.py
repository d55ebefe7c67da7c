"""What is too large or cannot be read says so, at the bound itself."""

from __future__ import annotations

import gzip
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from trainadvisor.errors import LogError
from trainadvisor.importers import foreign_logs, format_registry, opening
from trainadvisor.log import cleaning

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("size", "refused"), [(15, False), (16, False), (17, True)])
def test_a_document_of_the_largest_size_is_read(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, refused: bool
) -> None:
    """One byte more is refused."""
    monkeypatch.setattr(opening, "LARGEST_DOCUMENT", 16)
    path = tmp_path / "history.json"
    path.write_text("x" * size, encoding="utf-8")
    if refused:
        with pytest.raises(LogError, match="one JSON document"):
            opening.document(path)
    else:
        assert opening.document(path) == "x" * size


def test_a_folder_that_its_format_cannot_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason, and what to do."""

    def read(_: Path) -> Any:
        message = "two runs in it"
        raise ValueError(message)

    monkeypatch.setattr(format_registry, "of_folder", lambda _: SimpleNamespace(read=read))
    with pytest.raises(LogError, match=r"two runs in it; name the file, or a folder with less in it"):
        foreign_logs.read_log(tmp_path)


@pytest.mark.parametrize(("room", "kept"), [(239, [None]), (240, [[1]])])
def test_what_fills_its_room_exactly_is_kept(room: int, kept: list[Any]) -> None:
    """A byte less, and what is innermost is left out."""
    cleaner = cleaning.Cleaner(lambda *_: None, room)
    assert (cleaner([[1]]), cleaner.room) == (kept, room - 240)


@pytest.mark.parametrize(
    ("free", "largest", "believed"),
    [(0, 10**6, True), (0, 9_999, False), (9_999, 10**6, True), (10_000, 10**6, True)],
)
def test_so_much_of_a_compressed_file_is_believed(
    free: int, largest: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, believed: bool
) -> None:
    """A multiple of its size, at least what is free, at most the largest."""
    path = tmp_path / "curve.csv.gz"
    path.write_bytes(gzip.compress(b"x" * 10_000))
    monkeypatch.setattr(opening, "FREE", free)
    monkeypatch.setattr(opening, "LARGEST_UNPACKED", largest)
    monkeypatch.setattr(opening, "LARGEST_RATIO", 10_000 / path.stat().st_size)
    assert read_whole(path) is believed


@pytest.mark.parametrize(("ratio", "free", "believed"), [(0.99, 0, False), (0.99, 9_999, False), (0.99, 10_000, True)])
def test_what_is_more_than_a_multiple_of_its_size_has_to_be_free(
    ratio: float, free: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, believed: bool
) -> None:
    """To the byte."""
    path = tmp_path / "curve.csv.gz"
    path.write_bytes(gzip.compress(b"x" * 10_000))
    monkeypatch.setattr(opening, "FREE", free)
    monkeypatch.setattr(opening, "LARGEST_RATIO", ratio * 10_000 / path.stat().st_size)
    assert read_whole(path) is believed


def read_whole(path: Path) -> bool:
    """Return whether a file is read to its end, False where it is refused."""
    with opening.binary(path) as file:
        try:
            return file.read() == b"x" * 10_000
        except LogError as error:
            return "unpacks to more than is believed" not in str(error)
