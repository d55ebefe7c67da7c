"""A script is written whole or not at all, beside a copy, and only inside the project."""

import ast
import os
import subprocess
from pathlib import Path

import pytest

from tests.mending.test_patches import finding
from trainadvisor.errors import UsageError
from trainadvisor.judge.result import Site
from trainadvisor.mending import notebook_files
from trainadvisor.mending.source_files import write
from trainadvisor.source.edits import applied, before
from trainadvisor.source.reading import SourceError, read


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


NOTEBOOK = """{
 "nbformat": 4, "nbformat_minor": 5, "metadata": {"title": "\\u00e9"},
 "cells": [
  {"cell_type": "markdown", "metadata": {}, "source": ["lr = 0.5"]},
  {"cell_type": "code", "metadata": {"source": "no"}, "execution_count": 3,
   "outputs": [{"data": {"text/plain": ["[1, 2]"]}}],
   "source": [
    "lr = 0.5\\n",
    "%matplotlib inline"
   ]},
  {"cell_type": "code", "source": "opt = SGD(p, lr)  # caf\u00e9", "metadata": {}, "outputs": []}
 ]
}
"""


def test_a_cell_is_changed_and_the_rest_of_a_notebook_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Byte for byte, whether its lines are a list or one text; a cell may grow."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "work.ipynb"
    path.write_text(NOTEBOOK, encoding="utf-8")
    source = notebook_files.read(Path("work.ipynb"))
    changed = source.text.replace("lr = 0.5", "lr = 0.1\nlow = 1").replace("SGD", "Adam")
    kept = write(source, changed)
    assert path.read_text(encoding="utf-8") == NOTEBOOK.replace(
        '    "lr = 0.5\\n",\n', '    "lr = 0.1\\n",\n    "low = 1\\n",\n'
    ).replace("SGD(p", "Adam(p")
    assert kept is not None
    assert kept.read_text(encoding="utf-8") == NOTEBOOK


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not a notebook of format 4"),
        ('{"worksheets": []}', "is not a notebook of format 4"),
        ('{"cells": [{"cell_type": "markdown", "source": "x"}]}', "has no code cells"),
        ('{"cells": [{"cell_type": "code", "source": "x = ("}]}', "is not Python"),
    ],
)
def test_what_is_no_notebook_is_said(tmp_path: Path, text: str, said: str) -> None:
    """Nothing is written then."""
    path = tmp_path / "work.ipynb"
    path.write_text(text)
    with pytest.raises(SourceError, match=said):
        notebook_files.read(path)


@pytest.mark.parametrize(
    "site", [Site(file="data.py", line=2, source="lr = 0.5"), Site(file="<ipython-input-3-abc>", line=1)]
)
def test_a_place_of_no_cell_and_one_without_text_stay_where_they_are(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside those of cells."""
    monkeypatch.chdir(tmp_path)
    Path("work.ipynb").write_text(NOTEBOOK, encoding="utf-8")
    told = finding("lr-too-high", site=site)
    assert notebook_files.placed(told, notebook_files.read(Path("work.ipynb"))).sites == [site]


def test_the_only_notebook_with_the_recorded_lines_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a place in it for each place in a cell; two such notebooks are none."""
    monkeypatch.chdir(tmp_path)
    Path("work.ipynb").write_text(NOTEBOOK, encoding="utf-8")
    Path("other.ipynb").write_text(NOTEBOOK.replace("SGD", "Adam"), encoding="utf-8")
    site = Site(file="<ipython-input-4-abc>", line=1, source="opt = SGD(p, lr)  # café")
    found = notebook_files.notebook_of([site])
    assert found is not None
    assert found.name == "work.ipynb"
    placed = notebook_files.placed(finding("lr-too-high", site=site), found)
    assert [(place.file, place.line) for place in placed.sites] == [("work.ipynb", 5)]
    Path("third.ipynb").write_text(NOTEBOOK, encoding="utf-8")
    assert notebook_files.notebook_of([site]) is None
    monkeypatch.setattr(notebook_files, "MOST", 2)  # by their names the one that was first is the last
    looked = notebook_files.notebook_of([site])
    assert looked is not None
    assert looked.name == "third.ipynb"
    assert notebook_files.notebook_of([site.model_copy(update={"file": "train.py"})]) is None


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (b"# coding: latin-1\nloss.backward()  # gr\xf6\xdfer\nopt.step()\n",
         b"# coding: latin-1\nopt.zero_grad()\nloss.backward()  # gr\xf6\xdfer\nopt.step()\n"),
        (b"\xef\xbb\xbfloss.backward()\r\nopt.step()\r\n",
         b"\xef\xbb\xbfopt.zero_grad()\r\nloss.backward()\r\nopt.step()\r\n"),
        (b"if 1:\n\tloss.backward()\n\topt.step()", b"if 1:\n\topt.zero_grad()\n\tloss.backward()\n\topt.step()"),
    ],
    ids=["latin", "windows", "tabs"],
)  # fmt: skip
def test_an_edit_keeps_what_it_does_not_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raw: bytes, wanted: bytes
) -> None:
    """Encoding, mark, line ends, tabs and a last line without an end."""
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_bytes(raw)
    source = read(Path("train.py"))
    statement = next(n for n in ast.walk(source.tree) if isinstance(n, ast.Expr))
    write(source, applied(source, before(source, statement, "opt.zero_grad()") or ()))
    assert Path("train.py").read_bytes() == wanted
