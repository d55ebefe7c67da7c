"""However a script writes, and whatever its folder holds: after a trial the original is the same to the last bit."""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from trainadvisor.errors import UsageError
from trainadvisor.trials import survey as surveys
from trainadvisor.trials.child_process import Setting, execute
from trainadvisor.trials.jobs import Job
from trainadvisor.trials.survey import Choice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RUN = """
import json, runpy, sys
spec = json.load(open(sys.argv[1]))
sys.path[0], sys.argv = "", [spec["target"], *spec["args"]]
runpy.run_path(spec["target"], run_name="__main__")
"""
WAYS = {
    "open w": 'open("checkpoints/last.pt", "w").write("new")',
    "open r+": 'f = open("checkpoints/last.pt", "r+b"); f.seek(2); f.write(b"new"); f.close()',
    "append": 'open("metrics.csv", "a").write("new")',
    "os.write": 'd = os.open("checkpoints/last.pt", os.O_WRONLY); os.write(d, b"new"); os.close(d)',
    "torch.save": 'import torch; torch.save({"a": torch.ones(2)}, "checkpoints/last.pt"); torch.save(1, "latest")',
    "np.save": 'import numpy as np; np.save("data.npy", np.zeros(9))',
    "np.memmap": 'import numpy as np; m = np.memmap("checkpoints/last.pt", "uint8", "r+"); m[:] = 7; m.flush()',
    "mmap": 'f = open("checkpoints/last.pt", "r+b"); m = mmap.mmap(f.fileno(), 0); m[:3] = b"new"; m.flush()',
    "sqlite3": 'c = sqlite3.connect("runs.db"); c.execute("insert into t values (2)"); c.commit()',
    "os.replace": 'open("tmp", "w").write("new"); os.replace("tmp", "checkpoints/last.pt")',
    "shutil.move": 'shutil.move("metrics.csv", "checkpoints/last.pt")',
    "shutil.copy": 'shutil.copy("train.py", "checkpoints/last.pt")',
    "shutil.rmtree": 'shutil.rmtree("checkpoints")',
    "unlink": 'os.unlink("metrics.csv"); os.unlink("checkpoints/last.pt"); os.unlink("latest")',
    "chmod": 'os.chmod("metrics.csv", 0o600); os.chmod("checkpoints", 0o500); os.chmod("latest", 0o600)',
    "utime": 'os.utime("metrics.csv", (1, 1)); os.utime("checkpoints", (1, 1))',
    "truncate": 'os.truncate("checkpoints/last.pt", 3); os.truncate("latest", 0)',
    "rename of a folder": 'os.rename("checkpoints", "older"); os.mkdir("checkpoints")',
    "relative link": 'open("latest", "w").write("new")',
    "absolute link": 'open("absolute", "w").write("new")',
    "chained link": 'open("chain", "w").write("new")',
    "link to a folder": 'open("folder/last.pt", "w").write("new"); open("folder/more.pt", "w").write("new")',
    "link to a file outside": 'open("outside", "w").write("new")',
    "link to a folder outside": 'open("elsewhere/data.bin", "w").write("new"); open("elsewhere/new", "w")',
    "link from outside back": 'open("elsewhere/back/metrics.csv", "w").write("new")',
    "link by way of outside": 'open("round", "w").write("new")',
    "link to the folder above": 'open("above/project/metrics.csv", "w").write("new"); open("above/new", "w")',
    "link to nothing": 'open("dangling", "w").write("new")',
    "link to nothing outside": 'open("lost", "w").write("new")',
    "hard link": 'open("hard.csv", "w").write("new")',
    "a process": 'subprocess.run(["sh", "-c", "echo new > latest; rm metrics.csv; echo x >> outside"], check=True)',
    "through PWD": 'open(os.path.join(os.environ["PWD"], "metrics.csv"), "w").write("new")',
    "through a variable": 'open(os.environ["PROJECT"] + "/metrics.csv", "w").write("new")',
    "through an argument": 'open(sys.argv[1], "w").write("new"); open(sys.argv[2].split("=")[1], "w")',
    "through __file__": 'open(os.path.dirname(os.path.abspath(__file__)) + "/metrics.csv", "w").write("new")',
}  # fmt: skip
MODULES = "import mmap, os, shutil, sqlite3, subprocess, sys\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files, links of every kind, a hard link, a pipe and a database; a folder beside it."""
    import sqlite3

    folder, outside = tmp_path / "around" / "project", tmp_path / "outside"
    for place, text in {
        folder / "checkpoints" / "last.pt": "x" * 5000,
        folder / "metrics.csv": "step,loss",
        folder / "data.npy": "y" * 100,
        outside / "data.bin": "z" * 3000,
    }.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    with sqlite3.connect(folder / "runs.db") as database:
        database.execute("create table t (a)")
    database.close()
    for name, target in {
        "latest": "checkpoints/last.pt", "absolute": str(folder / "metrics.csv"), "chain": "latest",
        "folder": "checkpoints", "outside": str(outside / "data.bin"), "elsewhere": "../../outside", "above": "..",
        "dangling": "checkpoints/none.pt", "lost": str(outside / "none"), "itself": ".", "loop": "loop",
    }.items():  # fmt: skip
        (folder / name).symlink_to(target)
    (outside / "back").symlink_to(folder)
    (outside / "hop").symlink_to(folder / "metrics.csv")
    (folder / "round").symlink_to(outside / "hop")
    (folder / "again").symlink_to(outside / "data.bin")
    os.link(folder / "metrics.csv", folder / "hard.csv")
    os.mkfifo(folder / "pipe")
    monkeypatch.delenv("PWD", raising=False)
    monkeypatch.setenv("PROJECT", str(folder))
    return folder


def fingerprint(top: Path) -> dict[str, tuple[object, ...]]:
    """Return names, kinds, modes, times, link targets and contents of everything below a folder."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(top.rglob("*")):
        status = path.lstat()
        content = ""
        if path.is_symlink():
            content = str(path.readlink())
        elif path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        found[str(path)] = (status.st_mode, status.st_mtime_ns, status.st_nlink, content)
    return found


def write(project: Path, source: str) -> None:
    """Write the script."""
    (project / "train.py").write_text(MODULES + source)


def run(project: Path, choice: Choice | None = None) -> tuple[int | None, str]:
    """Run the script as a trial would; return its exit code and what it said."""
    allowed = choice or Choice((), surveys.MOST_BYTES)
    setting = Setting(project, project.parents[1] / "logs", choice=allowed, program=(sys.executable, "-c", RUN))
    args = (str(project / "metrics.csv"), f"--out={project / 'hard.csv'}")
    outcome = execute(Job("train.py", args, module=False), setting)
    return outcome.code, outcome.stderr


def trial(project: Path, source: str, choice: Choice | None = None) -> tuple[int | None, str]:
    """Write a script and run it."""
    write(project, source)
    return run(project, choice)


@pytest.mark.parametrize("way", WAYS)
def test_a_trial_changes_nothing_in_the_folder_or_beside_it(project: Path, way: str) -> None:
    """The script succeeds, in the copy."""
    write(project, WAYS[way])
    before = [fingerprint(project.parents[1] / name) for name in ("around", "outside")]
    assert run(project) == (0, "")
    assert [fingerprint(project.parents[1] / name) for name in ("around", "outside")] == before


SEEN = {
    "latest": "os.path.samefile('latest', 'checkpoints/last.pt')",
    "chain": "os.readlink('chain') == 'latest'",
    "absolute": "not os.path.isabs(os.readlink('absolute')) and os.path.samefile('absolute', 'metrics.csv')",
    "folder": "os.path.samefile('folder', 'checkpoints')",
    "itself": "os.path.samefile('itself', '.')",
    "elsewhere": "open('elsewhere/data.bin').read() == 'z' * 3000 and not os.path.islink('elsewhere')",
    "round": "os.path.samefile('round', 'metrics.csv')",
    "above": "os.path.samefile('above/project', '.')",
    "again": "os.path.samefile('again', 'outside')",
    "back": "os.path.samefile('elsewhere/back', '.')",
    "outside": "os.path.samefile('outside', 'elsewhere/data.bin') or open('outside').read() == 'z' * 3000",
    "hard": "open('hard.csv').read() == 'step,loss'",
    "mode": "oct(os.stat('metrics.csv').st_mode) == '{mode}'",
    "pipe": "not os.path.lexists('pipe')",
}


@pytest.mark.parametrize("what", SEEN)
def test_the_copy_reads_like_the_original(project: Path, what: str) -> None:
    """Links lead where they led, within the copies; a pipe, on which reading would hang, is left out."""
    mode = oct((project / "metrics.csv").stat().st_mode)
    assert trial(project, f"assert {SEEN[what].format(mode=mode)}") == (0, "")


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ({"MOST_BYTES": 4000}, "--link checkpoints"),
        ({"MOST_FILES": 3}, "--in-place"),
    ],
)
def test_what_is_too_large_to_copy_is_refused_before_anything_runs(
    project: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int], named: str
) -> None:
    """With the entries, their sizes and the ways out; the tree is untouched, and the script did not run."""
    for name, value in limits.items():
        monkeypatch.setattr(surveys, name, value)
    write(project, WAYS["unlink"])
    before = fingerprint(project.parents[1])
    with pytest.raises(UsageError, match="Nothing was run") as refused:
        run(project)
    assert named in str(refused.value)
    assert fingerprint(project.parents[1]) == before


def test_only_what_the_user_names_is_shared(project: Path) -> None:
    """With --link checkpoints that folder is the original, and nothing else is."""
    found = trial(project, 'open("checkpoints/new.pt", "w"); open("new.csv", "w")', Choice(("checkpoints",)))
    assert found == (0, "")
    assert [(project / name).exists() for name in ("checkpoints/new.pt", "new.csv")] == [True, False]


@pytest.mark.parametrize("name", ["checkpoint", "nowhere/x"])
def test_a_name_to_share_that_is_not_there_is_refused(project: Path, name: str) -> None:
    """A slip would otherwise copy what was to be shared."""
    with pytest.raises(UsageError, match="there is no such entry"):
        trial(project, "", Choice((name,)))


@pytest.mark.parametrize("mode", [0o400, 0o600])
def test_folders_that_a_script_closes_are_removed_and_links_in_them_not_followed(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int
) -> None:
    """Copies leave nothing in the temporary folder, and the mode of a shared folder stays."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    (project / "metrics.csv").chmod(mode)
    shared = stat.S_IMODE((project / "checkpoints").stat().st_mode)
    found = trial(project, 'os.makedirs("a/b"); open("a/b/c", "w"); os.chmod("a/b", 0)', Choice(("checkpoints",)))
    assert found == (0, "")
    assert list(temporary.iterdir()) == []
    assert stat.S_IMODE((project / "checkpoints").stat().st_mode) == shared


@pytest.fixture
def environment(project: Path) -> Callable[[str], Path]:
    """A maker of a Python environment in the folder, by its mark."""

    def make(mark: str) -> Path:
        (project / "env").mkdir()
        (project / "env" / mark).write_text("")
        return project / "env"

    return make


@pytest.mark.parametrize("mark", ["pyvenv.cfg", "conda-meta"])
def test_an_environment_is_left_out_and_still_found_by_its_path(
    project: Path, environment: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, mark: str
) -> None:
    """It can hold gigabytes, and what names it by its path finds it."""
    made = environment(mark)
    monkeypatch.setenv("VIRTUAL_ENV", str(made))
    source = f"assert not os.path.lexists('env') and os.environ['VIRTUAL_ENV'] == {str(made)!r}"
    assert trial(project, source) == (0, "")


def test_a_work_tree_does_not_lead_git_to_the_repository(project: Path) -> None:
    """Its .git is a file that names the repository: left out; a .git folder is copied."""
    (project / ".git").write_text("gitdir: /somewhere/.git/worktrees/x")
    assert trial(project, "assert not os.path.lexists('.git')") == (0, "")
    (project / ".git").unlink()
    (project / ".git").mkdir()
    (project / ".git" / "HEAD").write_text("ref")
    assert trial(project, "open('.git/HEAD', 'a').write('x')") == (0, "")
    assert (project / ".git" / "HEAD").read_text() == "ref"


def test_a_long_history_is_left_out(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would travel with every trial."""
    (project / ".git").mkdir()
    (project / ".git" / "pack").write_text("x" * 100)
    monkeypatch.setattr(surveys, "HISTORY_BYTES", 100)
    assert trial(project, "assert not os.path.lexists('.git')") == (0, "")


def test_a_home_folder_is_led_into_the_copy_and_its_packages_are_not(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a script writes below ~ lies in the folder; the packages of the user are found where they are."""
    import site

    monkeypatch.setenv("HOME", str(project))
    monkeypatch.delenv("PYTHONUSERBASE", raising=False)
    source = f"open(os.path.expanduser('~/new'), 'w'); assert os.environ['PYTHONUSERBASE'] == {site.getuserbase()!r}"
    assert trial(project, source) == (0, "")
    assert not (project / "new").exists()
