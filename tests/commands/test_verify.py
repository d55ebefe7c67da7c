"""`trainadvisor verify`: what it refuses, what it takes from a log."""

import json

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


def test_a_script_that_does_not_train_cannot_be_judged(tmp_path, monkeypatch):
    """Exit 3, a reason, and a document all the same."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("print('no training')")
    found = verify("--budget", "60s", "train.py")
    assert found.exit_code == 3
    assert "CANNOT JUDGE" in found.stdout
    told = json.loads((tmp_path / "verify.json").read_text())
    assert (told["schema"], told["answer"], told["verified"]) == ("trainadvisor/verify/1", "not-judged", [])
