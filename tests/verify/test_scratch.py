"""Scratch copies of the folders that a script runs in."""

import os
import shutil
from pathlib import Path

import pytest

from trainadvisor.errors import LogError, UsageError
from trainadvisor.trials import budget, cloning, copy_limits, scratch
from trainadvisor.trials import survey as surveys
from trainadvisor.trials.absolute_paths import naming
from trainadvisor.trials.copied import lead_into_copies
from trainadvisor.trials.scratch import copy
from trainadvisor.trials.survey import Choice, Survey


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a script, data and what nobody needs."""
    folder = tmp_path / "project"
    for path, text in {
        "train.py": "x",
        "pkg/data.csv": "1",
        "__pycache__/a.pyc": "c",
        "trainadvisor-runs/log.json": "[",
        ".git/HEAD": "ref",
        "big/part": "y" * 100,
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def test_files_are_copied_and_caches_are_not(project, tmp_path):
    """What a trial writes into the copy does not reach the folder."""
    made = copy(project, project / "train.py", tmp_path / "root")
    (made.place(project) / "pkg" / "data.csv").write_text("changed")
    assert (project / "pkg" / "data.csv").read_text() == "1"
    assert sorted(path.name for path in made.place(project).iterdir()) == [".git", "big", "pkg", "train.py"]


def test_a_script_elsewhere_brings_its_folder(project, tmp_path):
    """Both folders are copied, each under its own name."""
    working = tmp_path / "cwd"
    working.mkdir()
    made = copy(working, project / "train.py", tmp_path / "root")
    assert made.place(project / "train.py").read_text() == "x"
    assert made.place(project / "train.py").parent.name == "project"


def test_a_script_above_brings_one_copy_of_both_folders(project, tmp_path):
    """The working folder lies where it lay below the script's."""
    made = copy(project / "pkg", project / "train.py", tmp_path / "root")
    assert (made.place(project / "pkg") / ".." / "train.py").read_text() == "x"


def test_absolute_arguments_are_moved(project, tmp_path):
    """An argument that names a place in the folder names the place in the copy; others stay."""
    made = copy(project, project / "train.py", tmp_path / "root")
    inside = str(made.place(project) / "out")
    assert made.argument(str(project / "out")) == inside
    assert made.argument(f"--dir={project}/pkg/../out") == f"--dir={inside}"
    others = ["out", "/elsewhere/x", "--lr=0.1", f"{project}/../other", "https://host/a"]
    assert [made.argument(text) for text in others] == others


def test_a_copy_inside_the_folder_does_not_copy_itself(project, monkeypatch):
    """The copies, and those of other runs in a temporary folder below the working folder, are left out."""
    temporary = project / "tmp"
    (temporary / "trainadvisor-other").mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    made = copy(project, project / "train.py", temporary / "trainadvisor-x" / "root")
    assert list((made.place(project) / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("free", "most", "refused"),
    [(10_000, 10_000, False), (10_000, 50, True), (100, 10_000, True)],
    ids=["fits", "more than allowed", "more than is free"],
)
def test_a_copy_stays_below_what_is_allowed_and_free(project, tmp_path, monkeypatch, free, most, refused):
    """The entries that have to go are named, the largest first."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(free, 0, free))
    survey = Survey(project, project / "train.py", Choice((), most))
    if not refused:
        copy_limits.check(survey, tmp_path)
        return
    with pytest.raises(
        UsageError, match=r": big \([a-z ]*100 bytes\)\. Nothing was run; choose --link big .*--in-place"
    ) as told:
        copy_limits.check(survey, tmp_path)
    assert ("--copy-limit" in str(told.value)) == (free > most)


def test_runs_side_by_side_share_what_is_free(project, tmp_path, monkeypatch):
    """Each has a copy of its own."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(300, 0, 300))
    survey = Survey(project, project / "train.py")
    copy_limits.check(survey, tmp_path, runs=2)
    with pytest.raises(UsageError, match="too large"):
        copy_limits.check(survey, tmp_path, runs=3)


def test_what_the_file_system_shares_takes_no_room(project, tmp_path):
    """On its device bytes are free."""
    survey = Survey(project, None, Choice((), 1), shared=project.stat().st_dev)
    copy_limits.check(survey, tmp_path)
    assert sum(entry.bytes for entry in survey.entries.values()) == 0


def test_a_file_is_cloned_where_that_works_and_copied_elsewhere(project, tmp_path, monkeypatch):
    """The content, mode and time are the same either way."""
    import fcntl

    asked = []

    def ioctl(target, request, source):
        asked.append(request)
        os.write(target, os.pread(source, 100, 0))

    (project / "train.py").chmod(0o741)
    for number, known in enumerate((ioctl, None)):
        target = tmp_path / f"copy{number}"
        monkeypatch.setattr(fcntl, "ioctl", known or (lambda *_: (_ for _ in ()).throw(OSError(95, "not supported"))))
        cloning.copy_file(project / "train.py", target)
        original, made = (project / "train.py").stat(), target.stat()
        assert (target.read_text(), made.st_mode, made.st_mtime_ns) == ("x", original.st_mode, original.st_mtime_ns)
    assert asked == [0x40049409]


def test_a_full_disk_is_an_error_and_a_file_that_went_away_is_not(project, tmp_path, monkeypatch):
    """A copy with holes would let a run fail for a reason that is not the script's."""

    def fails(code):
        def copy_file(source, target):
            raise OSError(code, os.strerror(code))

        return copy_file

    monkeypatch.setattr(scratch, "copy_file", fails(2))
    copy(project, None, tmp_path / "gone")
    monkeypatch.setattr(scratch, "copy_file", fails(28))
    with pytest.raises(LogError, match=r"No space left.*TMPDIR"):
        copy(project, None, tmp_path / "full")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("500MB", 500_000_000),
        ("2g", 2_000_000_000),
        ("1.5 GiB", 1_500_000_000),
        ("1", 1),
        ("3kb", 3000),
        ("1T", 10**12),
    ],
)
def test_a_size_is_read(text, size):
    """As people write it."""
    assert copy_limits.size(text) == size


@pytest.mark.parametrize("text", ["", "0", "much", "-1GB", "1PB", "0.0001k", "1234567890123"])
def test_a_size_that_is_none_is_refused(text):
    """With an example."""
    with pytest.raises(UsageError, match="write 500MB or 2GB"):
        copy_limits.size(text)


def test_files_that_name_their_own_folder_are_told(project):
    """A script that writes to its folder's absolute path writes to the original; data is not searched."""
    (project / "pkg" / "config.yaml").write_text(f"out: {project}/out")
    (project / "pkg" / "log.json").write_text(f'"{project}"')
    assert naming(Survey(project)) == [project / "pkg" / "config.yaml"]


def test_a_folder_may_be_spelled_from_home(project, monkeypatch):
    """Home itself is too common in texts to count, and another folder is not below it."""
    (project / "pkg" / "config.yaml").write_text("out: ~/here/out")
    here = project.rename(project.parent / "here")
    for home, found in ((project.parent, True), (project.parent / "elsewhere", False), (here, False)):
        monkeypatch.setenv("HOME", str(home))
        assert naming(Survey(here)) == [here / "pkg" / "config.yaml"][: int(found)]


def test_a_package_installed_from_the_folder_is_imported_from_the_copy(monkeypatch):
    """By a path, or by the finder that setuptools makes."""
    import sys
    import types

    module = types.ModuleType("__editable___x_finder")
    module.MAPPING = {"x": "/p/src/x", "y": "/other/y"}
    finder = types.SimpleNamespace(__module__=module.__name__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(sys, "meta_path", [finder])
    monkeypatch.setattr(sys, "path", ["/p", "/p/src", "/p/env/lib", "/pp"])
    lead_into_copies([["/p/env", "/p/env"], ["/p", "/c"]])
    assert sys.path == ["/c", "/c/src", "/p/env/lib", "/pp"]
    assert module.MAPPING == {"x": "/c/src/x", "y": "/other/y"}


@pytest.mark.parametrize(("name", "value"), [("MOST_FILES", 5), ("MOST_BYTES", 40)])
def test_an_entry_too_large_is_not_looked_through_to_its_end(project, monkeypatch, name, value):
    """A folder of a million files would take minutes."""
    for number in range(200):
        (project / "pkg" / f"{number}.txt").write_text("0123456789")
    monkeypatch.setattr(surveys, name, value)
    survey = Survey(project, None, Choice((), surveys.MOST_BYTES))
    assert len(survey.items) < 30
    assert survey.entries["pkg"].more


def test_removing_copies_follows_no_link(tmp_path, monkeypatch):
    """Where a script closed a folder, modes are opened again: those of the copies."""
    inside, outside = tmp_path / "root" / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir(parents=True)
    inside.chmod(0o500)
    outside.chmod(0o500)
    (tmp_path / "root" / "link").symlink_to(outside)
    tries, rmtree = [], shutil.rmtree
    monkeypatch.setattr(shutil, "rmtree", lambda root, **how: tries.append(root) or (tries[1:] and rmtree(root, **how)))
    scratch.remove(tmp_path / "root")
    assert (len(tries), (tmp_path / "root").exists(), outside.stat().st_mode & 0o777) == (2, False, 0o500)


def test_an_entry_of_many_empty_files_is_told_by_their_number(project, tmp_path, monkeypatch):
    """Its bytes would say nothing."""
    for number in range(9):
        (project / "pkg" / f"{number}.txt").write_text("")
    (project / "pkg" / "data.csv").write_text("")
    monkeypatch.setattr(surveys, "MOST_FILES", 5)
    with pytest.raises(UsageError, match=r"the largest: pkg \(more than 6 files\)"):
        copy_limits.check(Survey(project), tmp_path)


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_999, "1000.0 kB"),
        (10**6, "1.0 MB"),
        (25 * 10**8, "2.5 GB"),
    ],
)
def test_a_size_is_told(count, told):
    """In the largest unit of which there is one."""
    assert copy_limits.told(count) == told


def entries(project, choice, **sizes):
    """Return a survey whose entries have these bytes, or bytes and files."""
    survey = Survey(project, None, choice)
    found = {name: size if isinstance(size, tuple) else (size, 1, False) for name, size in sizes.items()}
    survey.entries = {name: surveys.Entry(name, *size) for name, size in found.items()}
    return survey


def refusal(survey, root):
    """Return what is said of a survey, None where it fits."""
    try:
        copy_limits.check(survey, root)
    except UsageError as error:
        return str(error)
    return None


def test_what_fits_exactly_is_copied(project, tmp_path, monkeypatch):
    """Bytes and files up to the limits; four fifths of what is free."""
    monkeypatch.setattr(surveys, "MOST_FILES", 10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, 1000))
    for size, limit, fits in (
        ((500, 1, False), 500, True),
        ((501, 1, False), 500, False),
        ((800, 1, False), 900, True),
        ((801, 1, False), 900, False),
        ((5, 10, False), 900, True),
        ((5, 11, False), 900, False),
    ):
        assert (refusal(entries(project, Choice((), limit), a=size), tmp_path) is None) == fits


def test_so_many_entries_are_named_as_have_to_go(project, tmp_path):
    """Those that are larger than was seen first, then the largest, at most four; each can be shared by its name."""
    choice = Choice((), 100)
    told = refusal(entries(project, choice, a=60, b=70, c=20, d=10), tmp_path)
    assert "too large to copy for every run, 160 bytes in 4 files against at most 100 bytes in 20,000" in told
    assert "the largest: b (70 bytes). Nothing was run; choose --link b (what the script writes" in told
    told = refusal(entries(project, choice, a=(50, 1, True), b=(60, 1, False), c=(70, 1, False)), tmp_path)
    assert "the largest: a (50 bytes), c (70 bytes). Nothing" in told
    told = refusal(entries(project, choice, **{name: 200 + place for place, name in enumerate("abcdef")}), tmp_path)
    assert "the largest: f (205 bytes), e (204 bytes), d (203 bytes), c (202 bytes). Nothing" in told
    assert "--link f --link e --link d --link c (what" in told


@pytest.mark.parametrize(
    ("size", "files", "more", "extent"),
    [
        (500, 2000, False, "500 bytes"),
        (500, 2001, False, "500 bytes, 2,001 files"),
        (0, 2001, False, "2,001 files"),
        (0, 3, False, "0 bytes"),
        (500, 2, True, "more than 500 bytes"),
        (500, 1, True, "500 bytes"),
    ],
)
def test_how_large_an_entry_is(size, files, more, extent):
    """Its files are told from a tenth of what may be copied on; one large file was looked through to its end."""
    assert copy_limits._extent(surveys.Entry("a", size, files, more)) == extent


def test_a_larger_limit_is_advised_where_it_would_help(project, tmp_path, monkeypatch):
    """Not where the disk is full, and not where there are too many files."""
    monkeypatch.setattr(surveys, "MOST_FILES", 10)
    for free, files, advised in ((10**6, 5, True), (10**6, 11, False), (100, 5, False), (125, 5, False)):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: shutil._ntuple_diskusage(0, 0, free))
        told = refusal(entries(project, Choice((), 100), a=(500, files, False)), tmp_path)
        assert ("--copy-limit SIZE" in told, told.endswith("--in-place")) == (advised, True)


def test_the_folder_itself_cannot_be_shared(project, tmp_path):
    """Small files that lie in it are named together."""
    survey = entries(project, Choice((), 10))
    survey.entries = {surveys.HERE: surveys.Entry(surveys.HERE, 50, 3)}
    told = refusal(survey, tmp_path)
    assert "the largest: . (50 bytes)" in told
    assert "--link" not in told


def test_what_is_to_be_shared_has_to_be_there(project, tmp_path):
    """A link that leads nowhere is there."""
    (project / "dangling").symlink_to("nowhere")
    assert refusal(Survey(project, None, Choice(("big", "dangling"))), tmp_path) is None
    assert "--link none: there is no such entry in" in refusal(Survey(project, None, Choice(("big", "none"))), tmp_path)


def test_a_budget_is_read_and_counted_down(monkeypatch):
    """As people write durations."""
    assert [budget.seconds(text) for text in ("90", "90s", "2m", " 1.5 min ", "1h")] == [
        90.0,
        90.0,
        120.0,
        90.0,
        3600.0,
    ]
    for text in ("", "0", "-1s", "2d", "1e3", "much"):
        with pytest.raises(UsageError, match="write 90s, 2m or 1h"):
            budget.seconds(text)
    now = [1000.0]
    monkeypatch.setattr(budget.time, "monotonic", lambda: now[0])
    left = budget.Budget(100.0, started=990.0)
    assert (left.spent, left.left, left.for_baseline) == (10.0, 90.0, 20.0)
    now[0] = 1100.0
    assert (left.spent, left.left) == (110.0, 0.0)


def test_a_trial_has_three_times_the_baselines_time_within_what_is_left(monkeypatch):
    """And some seconds to start; half a second when nothing is left."""
    now = [0.0]
    monkeypatch.setattr(budget.time, "monotonic", lambda: now[0])
    left = budget.Budget(100.0, started=0.0)
    assert [left.limit(10.0), left.limit(50.0)] == [35.0, 100.0]
    assert [left.fits(50.0, 2), left.fits(50.0, 3), left.fits(50.0, 3, 2), left.fits(50.0, 5, 2)] == [
        True,
        False,
        True,
        False,
    ]
    now[0] = 100.0
    assert (left.limit(10.0), left.fits(1.0)) == (0.5, False)


def test_each_entry_counts_its_files_folders_and_links(project: Path) -> None:
    """A link within the copies as one file without bytes; blocks that are shared have none either."""
    (project / "data").mkdir()
    (project / "data" / "inside").symlink_to(project / "pkg" / "data.csv")
    (project / "data" / "above").symlink_to(project / "pkg")
    (project / "data" / "file").write_text("12345")
    (project / "data" / "deep").mkdir()
    found = Survey(project, project / "train.py")
    counted = {name: (entry.files, entry.bytes, entry.more) for name, entry in found.entries.items()}
    assert counted == {
        ".": (1, 1, False), ".git": (2, 3, False), "big": (2, 100, False), "data": (5, 5, False), "pkg": (2, 1, False),
    }  # fmt: skip
    shared = Survey(project, project / "train.py", shared=project.stat().st_dev)
    assert {entry.bytes for entry in shared.entries.values()} == {0}


@pytest.mark.parametrize(("files", "most", "more"), [(3, 2, True), (2, 2, False), (1, 0, True)])
def test_a_folder_is_scanned_until_it_is_too_large(
    files: int, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, more: bool
) -> None:
    """By its files or by its bytes."""
    (tmp_path / "f" / "many").mkdir(parents=True)
    for number in range(files):
        (tmp_path / "f" / "many" / str(number)).write_text("x")
    monkeypatch.setattr(surveys, "MOST_FILES", most + 1)
    assert Survey(tmp_path / "f").entries["many"].more is more
    monkeypatch.setattr(surveys, "MOST_FILES", 100)
    assert Survey(tmp_path / "f", choice=Choice(most_bytes=most)).entries["many"].more is more
