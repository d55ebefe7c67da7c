"""Files that may be anybody's: what is opened, how much of it is read, and what TOML may hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trainadvisor import regular, toml
from trainadvisor.errors import ConfigError


def test_a_file_is_read_up_to_the_bound(tmp_path: Path) -> None:
    """One byte more is too large."""
    path = tmp_path / "file"
    path.write_bytes(b"x" * (1 << 21))
    assert regular.content(path, 1 << 21) == b"x" * (1 << 21)
    with pytest.raises(ValueError, match=r"^larger than 1 MB$"):
        regular.content(path, (1 << 21) - 1)
    path.write_bytes(b"")
    assert regular.content(path, 0) == b""


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    """A pipe is not waited for, and nothing stays open."""
    os.mkfifo(tmp_path / "pipe")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError, match="not a regular file"):
            regular.opened(path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_name_that_no_file_can_have_is_none(tmp_path: Path) -> None:
    """It is no error."""
    (tmp_path / "file").write_text("")
    found = [
        (regular.is_file(path), regular.is_folder(path)) for path in (tmp_path / "file", tmp_path, tmp_path / "no")
    ]
    assert found == [(True, False), (False, True), (False, False)]
    assert (regular.is_file(tmp_path / ("x" * 5000)), regular.is_folder(tmp_path / ("x" * 5000))) == (False, False)


def test_folders_are_walked_without_links_and_hidden_ones(tmp_path: Path) -> None:
    """Files by their ending; a link to a file is one."""
    for name in ("a.toml", "b.txt", "in/c.toml", ".hidden/d.toml", ".e.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "again").symlink_to(tmp_path / "in")
    (tmp_path / "link.toml").symlink_to(tmp_path / "b.txt")
    (tmp_path / "folder.toml").mkdir()
    found = sorted(path.relative_to(tmp_path).as_posix() for path in regular.walked(tmp_path, ".toml"))
    assert found == [".e.toml", "a.toml", "in/c.toml", "link.toml"]


def test_folders_are_walked_eight_deep(tmp_path: Path) -> None:
    """And no deeper."""
    here = tmp_path
    for depth in range(10):
        (here / f"{depth}.toml").write_text("")
        here = here / "in"
        here.mkdir()
    assert sorted(path.name for path in regular.walked(tmp_path, ".toml")) == [f"{depth}.toml" for depth in range(9)]


def test_so_many_entries_are_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of all folders together, whatever their ending."""
    monkeypatch.setattr(regular, "MOST_ENTRIES", 6)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for number in range(2):
            (tmp_path / name / f"{number}.toml").write_text("")
    assert len(list(regular.walked(tmp_path, ".toml"))) == 4
    (tmp_path / "one" / "more.txt").write_text("")
    with pytest.raises(ValueError, match="holds more than 6 files and folders"):
        list(regular.walked(tmp_path, ".toml"))


def test_folders_of_the_system_are_not_walked(tmp_path: Path) -> None:
    """Nor is a link to one."""
    (tmp_path / "link").symlink_to("/proc/self")
    with pytest.raises(ValueError, match="belongs to the system"):
        next(regular.walked(tmp_path / "link", ""))


def test_a_folder_that_may_not_be_read_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are read."""
    (tmp_path / "closed").mkdir()
    (tmp_path / "a.toml").write_text("")
    scandir = os.scandir

    def refused(path: Path) -> os._ScandirIterator[str]:
        if path.name == "closed":
            raise PermissionError
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    assert [path.name for path in regular.walked(tmp_path, ".toml")] == ["a.toml"]


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        (".".join(["a"] * 101) + " = 1", False),
        (".".join(["a"] * 102) + " = 1", True),
        ("[" + ".".join(["a"] * 102) + "]", True),
        ('x = "' + "a. " * 60 + '"\ny = "' + "b. " * 60 + '"', False),
        ("x = [" + ", ".join(["1.5"] * 200) + "]", False),
        ('first = 1\nsecond = { "' + '"."'.join(["a"] * 102) + '" = 1 }', True),
    ],
)
def test_a_key_has_at_most_a_hundred_dots(text: str, refused: bool) -> None:  # noqa: FBT001
    """Numbers, however many, are no key."""
    if refused:
        with pytest.raises(ValueError, match=r"^a key of more than 100 parts in line [12]$"):
            toml.parsed(text)
    else:
        assert toml.parsed(text)


def test_the_line_of_a_long_key_is_named() -> None:
    """Counted from one."""
    with pytest.raises(ValueError, match=r"in line 3$"):
        toml.parsed("a = 1\nb = 2\n" + "c." * 200 + "c = 1")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a = ", "Invalid value"),
        (b"a = '\xff'", "utf-8"),
        (b"a = " + b"[" * 100_000, "nested too deep"),
        (b"#" * ((1 << 20) + 1), "larger than 1 MB"),
        (None, "No such file or directory"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence(tmp_path: Path, content: bytes | None, reason: str) -> None:
    """With the file before and the advice behind it."""
    path = tmp_path / "x.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as told:
        toml.read_toml(path, ConfigError, "write it anew")
    assert str(told.value).startswith(f"{path}: cannot be read as TOML (")
    assert str(told.value).endswith("); write it anew")
    assert reason in str(told.value)
    assert len(str(told.value)) < len(str(path)) + 400


def test_ends_of_lines_do_not_matter(tmp_path: Path) -> None:
    """As an editor on Windows writes them."""
    (tmp_path / "x.toml").write_bytes(b'a = """1\r\n2"""\r\nb = 3\r\n')
    assert toml.read_toml(tmp_path / "x.toml", ConfigError, "") == {"a": "1\n2", "b": 3}


def test_a_number_is_finite_and_of_the_size_of_a_float() -> None:
    """A truth value is none."""
    assert [toml.is_number(value) for value in (0, -2, 1.5, 1e299, -1e299)] == [True] * 5
    others = (True, False, "1", None, 1e300, -1e300, float("nan"), float("inf"), 10**400)
    assert [toml.is_number(value) for value in others] == [False] * 9
