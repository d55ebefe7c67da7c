"""Files that share their blocks with the original: tried once before a folder is copied."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from trainadvisor.trials import cloning

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A folder with an empty file, a link and a file with something in it; and one for copies."""
    project, root = tmp_path / "project", tmp_path / "root"
    project.mkdir()
    root.mkdir()
    (project / "a.txt").touch()
    (project / "b.txt").symlink_to(project / "c.txt")
    (project / "c.txt").write_text("something")
    return project, root


@pytest.mark.parametrize("works", [True, False])
def test_a_folder_can_be_cloned_where_one_of_its_files_can(
    monkeypatch: pytest.MonkeyPatch, folders: tuple[Path, Path], *, works: bool
) -> None:
    """Tried with the first file that has something in it, and nothing is left of that."""
    project, root = folders
    tried: list[tuple[Path, Path]] = []
    monkeypatch.setattr(cloning, "clone", lambda *paths: tried.append(paths) or works)
    found = cloning.sharing(project, root)
    assert found == ((project / "c.txt").stat().st_dev if works else None)
    assert [source.name for source, _ in tried] == ["c.txt"]
    assert root in tried[0][1].parents
    assert list(root.iterdir()) == []


def test_a_folder_without_a_file_is_not_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nor one that is gone."""
    monkeypatch.setattr(cloning, "clone", lambda *_: pytest.fail("there is nothing to try"))
    assert cloning.sharing(tmp_path, tmp_path) is None
    assert cloning.sharing(tmp_path / "gone", tmp_path) is None


@pytest.mark.parametrize("works", [True, False])
def test_a_copy_has_the_text_the_mode_and_the_time_of_its_original(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, works: bool
) -> None:
    """Cloned or copied byte by byte."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("text")
    source.chmod(0o640)
    os.utime(source, (1_000_000_000, 1_000_000_000))

    def cloned(one: Path, other: Path) -> bool:
        if works:
            other.write_bytes(one.read_bytes())
        return works

    monkeypatch.setattr(cloning, "clone", cloned)
    cloning.copy_file(source, target)
    made = target.stat()
    assert (target.read_text(), made.st_mode & 0o777, made.st_mtime) == ("text", 0o640, 1_000_000_000)


def test_a_file_system_that_cannot_share_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As an answer, not as an error."""
    import fcntl

    def refused(*_: object) -> None:
        raise OSError(95, "not supported")

    (tmp_path / "source").write_text("text")
    monkeypatch.setattr(fcntl, "ioctl", refused)
    assert cloning.clone(tmp_path / "source", tmp_path / "target") is False
    monkeypatch.setattr(fcntl, "ioctl", lambda *_: 0)
    assert cloning.clone(tmp_path / "source", tmp_path / "target") is True
