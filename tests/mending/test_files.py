"""A script is written whole or not at all, beside a copy, and only inside the project."""

import os
import subprocess
from pathlib import Path

import pytest

from trainadvisor.errors import UsageError
from trainadvisor.mending.source_files import write
from trainadvisor.source.reading import read


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script with the line ends of Windows, in the current folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "train.py"
    path.write_bytes(b"x = 1\r\n")
    path.chmod(0o755)
    return Path("train.py")


def test_a_copy_is_kept(script: Path) -> None:
    """The old bytes stay beside the new ones, which keep line ends and rights."""
    kept = write(read(script), "x = 2\n")
    assert script.read_bytes() == b"x = 2\r\n"
    assert kept == Path("train.py.orig")
    assert kept.read_bytes() == b"x = 1\r\n"
    assert script.stat().st_mode & 0o777 == 0o755
    assert write(read(script), "x = 3\n") == Path("train.py.orig1")


def test_what_git_holds_needs_no_copy(script: Path) -> None:
    """A clean file is in the repository."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(script.parent.resolve())]
    for arguments in (["init", "-q"], ["add", "train.py"], ["commit", "-qm", "a"]):
        subprocess.run([*git, *arguments], check=True)
    assert write(read(script), "x = 2\n") is None
    assert write(read(script), "x = 3\n") == Path("train.py.orig")


def test_a_file_that_changed_is_refused(script: Path) -> None:
    """Somebody else's edit is not overwritten."""
    source = read(script)
    script.write_text("x = 5\n")
    with pytest.raises(UsageError, match="has changed since it was read"):
        write(source, "x = 2\n")
    assert script.read_text() == "x = 5\n"
    assert [path.name for path in Path().iterdir()] == ["train.py"]


def test_a_link_inside_the_project_stays_a_link(script: Path) -> None:
    """The file that it leads to is the one that is changed and copied."""
    Path("link.py").symlink_to(script)
    kept = write(read(Path("link.py")), "x = 2\n")
    assert Path("link.py").is_symlink()
    assert script.read_bytes() == b"x = 2\r\n"
    assert kept is not None
    assert (kept.name, kept.read_bytes()) == ("train.py.orig", b"x = 1\r\n")


def test_a_link_out_of_the_project_is_refused(script: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What lies elsewhere is not ours to write."""
    outside = tmp_path_factory.mktemp("other") / "shared.py"
    outside.write_text("x = 1\n")
    Path("link.py").symlink_to(outside)
    with pytest.raises(UsageError, match="is outside of"):
        write(read(Path("link.py")), "x = 2\n")
    assert outside.read_text() == "x = 1\n"


def test_a_read_only_file_is_refused(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, and no copy left behind."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UsageError, match=r"cannot be written; nothing was changed"):
        write(read(script), "x = 2\n")
    assert [path.name for path in Path().iterdir()] == ["train.py"]
