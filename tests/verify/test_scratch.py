"""Scratch copies of the folders that a script runs in."""

from pathlib import Path

import pytest

from trainadvisor.trials import scratch
from trainadvisor.trials.scratch import copy


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a script, data and what nobody needs."""
    folder = tmp_path / "project"
    for path, text in {
        "train.py": "x",
        "pkg/data.csv": "1",
        "__pycache__/a.pyc": "c",
        ".git/HEAD": "ref",
        "big/part": "y" * 100,
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def test_small_files_are_copied(project, tmp_path):
    """What a trial writes into the copy does not reach the folder."""
    made = copy(project, project / "train.py", tmp_path / "root")
    (made.place(project) / "pkg" / "data.csv").write_text("changed")
    assert (project / "pkg" / "data.csv").read_text() == "1"
    assert not (made.place(project) / "__pycache__").exists()


def test_what_is_large_is_linked_and_told(project, tmp_path, monkeypatch):
    """A folder above the size, and the history of the project, are links to the original."""
    monkeypatch.setattr(scratch, "MOST_BYTES", 50)
    made = copy(project, project / "train.py", tmp_path / "root")
    assert {path.name for path in made.linked} == {"big", ".git"}
    assert (made.place(project) / "big" / "part").read_text() == "y" * 100


def test_the_script_is_copied_even_out_of_a_large_folder(project, tmp_path, monkeypatch):
    """A link on the way to the script would lead the script back to the original."""
    monkeypatch.setattr(scratch, "MOST_BYTES", 50)
    (project / "big" / "train.py").write_text("x")
    made = copy(project, project / "big" / "train.py", tmp_path / "root")
    assert not made.place(project / "big" / "train.py").is_symlink()
    assert not (made.place(project) / "big").is_symlink()


def test_a_script_elsewhere_brings_its_folder(project, tmp_path):
    """Both folders are copied, each under its own name."""
    working = tmp_path / "cwd"
    working.mkdir()
    made = copy(working, project / "train.py", tmp_path / "root")
    assert made.place(project / "train.py").read_text() == "x"
    assert made.place(project / "train.py").parent.name == "project"


def test_absolute_arguments_are_moved(project, tmp_path):
    """An argument that names a place in the folder names the place in the copy; others stay."""
    made = copy(project, project / "train.py", tmp_path / "root")
    assert made.argument(str(project / "out")) == str(made.place(project) / "out")
    assert [made.argument(text) for text in ("out", "/elsewhere/x", "--lr=0.1")] == ["out", "/elsewhere/x", "--lr=0.1"]


def test_a_copy_inside_the_folder_does_not_copy_itself(project):
    """A temporary folder below the working folder is left out."""
    root = project / "tmp" / "root"
    root.mkdir(parents=True)
    made = copy(project, project / "train.py", root)
    assert not (made.place(project) / "tmp").exists()
