"""`trainadvisor verify`: what it refuses, what it takes from a log."""

import json
import timeit

import pytest
from builders import build_log
from click.testing import CliRunner

from trainadvisor.cli import program
from trainadvisor.errors import LogError, UsageError


def verify(*args):
    """Run the command in this process; mistakes come as exceptions."""
    return CliRunner().invoke(program, ["verify", *map(str, args)], catch_exceptions=False)


def test_a_script_that_is_not_there_is_refused(tmp_path):
    """Before anything runs."""
    with pytest.raises(UsageError, match="no such script"):
        verify(tmp_path / "train.py")


def test_a_log_without_script_is_refused(tmp_path):
    """An imported log tells no script."""
    path = build_log(tmp_path, columns={"loss": [1.0] * 5}, script=None)
    with pytest.raises(LogError, match="does not say which script"):
        verify(path)


def test_a_log_whose_script_is_gone_is_refused(tmp_path):
    """With the name of what is missing."""
    path = build_log(tmp_path, columns={"loss": [1.0] * 5}, script="gone.py")
    with pytest.raises(LogError, match=r"its script gone\.py is not here"):
        verify(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--budget", "soon"], "not a duration"),
        (["--code", "lr-to-high"], "no rule has this code"),
        (["--report", "out.pdf"], "no format goes by this ending"),
        (["--out", "nowhere/verify.json"], "there is no folder nowhere"),
    ],
)
def test_mistakes_are_told_before_anything_runs(tmp_path, monkeypatch, options, message):
    """A duration, a code, an ending and a folder that are none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("")
    with pytest.raises(UsageError, match=message):
        verify(*options, "train.py")


EVIL = {"script": "timeit", "module": True, "argv": ["-n1", "-r1", "open('pwned', 'w')"]}


@pytest.mark.parametrize("options", [[], ["--yes-run"]])
@pytest.mark.parametrize(
    "header",
    [
        EVIL,
        EVIL | {"module": 1},
        EVIL | {"module": False, "script": timeit.__file__},
        EVIL | {"module": False, "script": "inner/link.py"},
        EVIL | {"module": False, "script": "env/lib/tool.py"},
        EVIL | {"module": False, "script": "inner/tool.txt"},
        EVIL | {"module": False, "script": "inner/own.py", "argv": ["x" * 50] * 10},
    ],
    ids=["module", "odd module", "outside", "link to outside", "environment", "no script", "too long to look over"],
)
def test_a_log_never_chooses_what_runs(tmp_path, monkeypatch, options, header):
    """Not a module, a script elsewhere or one in an environment, nor more than one can read; nothing is left."""
    folder = tmp_path / "project"
    for name in ("inner/own.py", "inner/tool.txt", "env/pyvenv.cfg", "env/lib/tool.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("open('pwned', 'w')")
    (folder / "inner" / "link.py").symlink_to(timeit.__file__)
    monkeypatch.chdir(folder)
    path = build_log(folder, columns={"loss": [1.0] * 5}, **header)
    before = sorted(folder.rglob("*"))
    with pytest.raises(
        (UsageError, LogError),
        match=r"Nothing was run: a log never chooses|too long to look over|its script timeit is not here",
    ):
        verify(*options, path)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("options", [[], ["--out", "other.json"]])
def test_the_script_of_a_log_needs_the_users_word(tmp_path, monkeypatch, options):
    """Without --yes-run the command is shown, and nothing runs and nothing is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("open('ran', 'w')")
    path = build_log(tmp_path, columns={"loss": [1.0] * 5}, script="train.py", argv=["--lr", "a b\x1b[2J"])
    with pytest.raises(UsageError, match=r"`python train\.py --lr 'a b\ufffd\[2J'`\. Nothing was run.*--yes-run"):
        verify(*options, path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [path.name, "train.py"]


def test_the_script_of_a_log_runs_with_the_users_word(tmp_path, monkeypatch):
    """Its command is shown first."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("import sys; print('no training', sys.argv[1:])")
    path = build_log(tmp_path, columns={"loss": [1.0] * 5}, script="train.py", argv=["--lr", "0.1"])
    found = verify("--yes-run", "--budget", "60s", path)
    assert found.exit_code == 3
    assert "`python train.py --lr 0.1`" not in found.stdout
    assert "--yes-run runs it: python train.py --lr 0.1" in found.stderr


def test_the_users_word_is_about_a_log(tmp_path, monkeypatch):
    """--yes-run with a script is a mistake."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("")
    with pytest.raises(UsageError, match=r"train\.py is no log"):
        verify("--yes-run", "train.py")


@pytest.mark.parametrize("content", ["precious", "{}", ""])
def test_a_file_that_is_no_document_of_verify_is_not_written_over(tmp_path, monkeypatch, content):
    """Said before anything runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("")
    (tmp_path / "verify.json").write_text(content)
    with pytest.raises(UsageError, match=r"verify\.json: is there already and no document of verify"):
        verify("train.py")
    assert (tmp_path / "verify.json").read_text() == content


@pytest.mark.parametrize("options", [["--link", "data"], ["--copy-limit", "1GB"]])
def test_what_the_copies_may_take_has_no_meaning_in_place(tmp_path, monkeypatch, options):
    """Either copies are made or not."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("")
    with pytest.raises(UsageError, match="no meaning with --in-place"):
        verify("--in-place", *options, "train.py")


def test_a_folder_too_large_to_copy_is_refused_before_anything_runs(tmp_path, monkeypatch):
    """Nothing is left, not even a folder for logs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("open('ran', 'w')")
    (tmp_path / "data.bin").write_bytes(bytes(2**20))
    with pytest.raises(UsageError, match=r"data\.bin \(1\.0 MB\)\. Nothing was run; choose --link data\.bin"):
        verify("--copy-limit", "1MB", "train.py")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["data.bin", "train.py"]


def test_what_copies_do_not_keep_apart_is_said_before_a_run(tmp_path, monkeypatch):
    """What is shared, what is left out, and files that name the folder; in both languages."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(f"print({str(tmp_path)!r})")
    (tmp_path / "data").mkdir()
    (tmp_path / "node_modules").mkdir()
    for lang, words in {
        "en": ("changes the original: data", "left out of the copies: node_modules", "train.py: name this folder"),
        "zh": ("共享", "未放入副本：node_modules", "绝对路径"),
    }.items():
        found = verify("--lang", lang, "--link", "data", "--budget", "60s", "train.py")
        assert [word for word in words if word not in found.stderr] == []


def test_a_script_that_does_not_train_cannot_be_judged(tmp_path, monkeypatch):
    """Exit 3, a reason, and a document all the same."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("print('no training')")
    found = verify("--budget", "60s", "train.py")
    assert found.exit_code == 3
    assert "CANNOT JUDGE" in found.stdout
    told = json.loads((tmp_path / "verify.json").read_text())
    assert (told["schema"], told["answer"], told["verified"]) == ("trainadvisor/verify/1", "not-judged", [])


def test_an_option_after_a_script_without_it_stops(tmp_path, monkeypatch):
    """Unless the script has an option of that name itself."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("print(1)\n")
    (tmp_path / "own.py").write_text("parser.add_argument('--seeds')\n")
    outcome = CliRunner().invoke(
        program, ["verify", "train.py", "--seeds", "5"], obj=["verify", "train.py", "--seeds", "5"]
    )
    assert str(outcome.exception).endswith("come before the script: trainadvisor verify --seeds 5 train.py")
    assert "stands behind" not in CliRunner().invoke(program, ["verify", "own.py", "--seeds", "5"]).output
