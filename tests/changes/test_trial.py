"""A trial as a child process, and in this one: seeds, cuts, output and exit code."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import forkedpython
import orjson
import pytest
import torch
from trialkit import CLASSIFIER, by_hand, change, same, trial

from trainadvisor.errors import UsageError
from trainadvisor.log.reader import read_log
from trainadvisor.trials.changed_script import main, read

if TYPE_CHECKING:
    from pathlib import Path


def test_a_child_keeps_output_and_exit_code(tmp_path: Path) -> None:
    """Its stdout and the exit code are the script's own, and the log can be read."""
    (tmp_path / "train.py").write_text(f"{CLASSIFIER}print('done', len(__import__('sys').argv))\nraise SystemExit(3)\n")
    spec = {"target": "train.py", "args": ["a", "b"], "module": False, "log": "log.json", "every": 5}
    spec |= {"changes": [change("lr", factor=0.1)], "stop_after_steps": None, "stop_after_seconds": None, "seed": None}
    (tmp_path / "SPEC.json").write_text(json.dumps(spec))
    done = forkedpython.run(["-m", "trainadvisor.trials.changed_script", "SPEC.json"], tmp_path)
    assert (done.stdout, done.returncode) == ("done 3\n", 3)
    log = read_log(tmp_path / "log.json")
    assert log.end["reason"] == "finished"
    assert [e["subject"] for e in log.events if e["kind"] == "change"] == ["lr"]
    assert list(log.lr) == pytest.approx([0.01] * 12)


def test_the_script_is_cut_after_so_many_steps(tmp_path: Path) -> None:
    """It ends at the step, through no handler of its own, and the log says so."""
    guarded = CLASSIFIER.replace(
        "        optimizer.step()\n",
        "        try:\n            optimizer.step()\n        except Exception:\n            pass\n",
    )
    outcome = trial(guarded, tmp_path, stop_after_steps=5)
    assert outcome.records[-1]["reason"] == "cut"
    assert outcome.records[-1]["steps"] == 5
    assert outcome.code == 0
    assert "scores" not in outcome.names


def test_the_script_is_cut_after_so_many_seconds(tmp_path: Path) -> None:
    """Time that is over ends it at the next call."""
    outcome = trial(CLASSIFIER, tmp_path, stop_after_seconds=0.0)
    assert outcome.records[-1]["reason"] == "cut"
    assert outcome.names["epoch"] == 0


def test_a_copy_goes_by_the_name_of_its_original(tmp_path: Path) -> None:
    """The log names the script and its arguments as the user knows them."""
    header = trial(CLASSIFIER, tmp_path, shown=["project/train.py", "--fast"]).records[0]
    assert (header["script"], header["argv"]) == ("project/train.py", ["--fast"])


def test_a_seed_moves_every_seed_of_the_script(tmp_path: Path) -> None:
    """The numbers are those of the script with the offset added to its own seed."""
    assert same(trial(CLASSIFIER, tmp_path, seed=4), by_hand(CLASSIFIER, ("manual_seed(3)", "manual_seed(7)")))
    assert not same(trial(CLASSIFIER, tmp_path, seed=4), by_hand(CLASSIFIER))


def test_a_script_without_a_seed_gets_one(tmp_path: Path) -> None:
    """Two trials with one seed agree, also in random and numpy; another seed differs."""
    script = "import random, numpy as np, torch\nvalues = (random.random(), np.random.rand(), float(torch.rand(1)))\n"
    first, again, other = (trial(script, tmp_path, seed=seed).names["values"] for seed in (1, 1, 2))
    assert first == again
    assert all(a != b for a, b in zip(first, other, strict=True))


def test_torch_is_as_before_afterwards(tmp_path: Path) -> None:
    """Everything that was put in place is taken away again."""
    before = (
        torch.nn.Module.__call__,
        torch.softmax,
        torch.Tensor.__truediv__,
        torch.randperm,
        torch.manual_seed.__code__,
    )
    every = [change("stable-loss"), change("fix-labels"), change("remove-output-activation"), change("activation")]
    trial(CLASSIFIER, tmp_path, *every, seed=1)
    after = (
        torch.nn.Module.__call__,
        torch.softmax,
        torch.Tensor.__truediv__,
        torch.randperm,
        torch.manual_seed.__code__,
    )
    assert before == after


def test_a_script_that_never_imports_torch_ends_as_it_would(tmp_path: Path) -> None:
    """No change takes hold, and the log is whole."""
    outcome = trial("x = 1\n", tmp_path, change("lr", factor=2.0))
    assert outcome.names["x"] == 1
    assert [record["record"] for record in outcome.records] == ["header", "end"] or sys.modules.get("torch")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "this is no SPEC.json"),
        ('{"target": "a.py"}', 'a trial needs at least "target" and "log"'),
        ('{"target": "a.py", "log": "l.json", "sed": 1}', "there is no entry 'sed'; did you mean \"seed\"?"),
    ],
)
def test_a_wrong_specification_is_one_sentence(text: str, message: str, tmp_path: Path) -> None:
    """It names the file and what is wrong."""
    (tmp_path / "SPEC.json").write_text(text)
    with pytest.raises(UsageError) as error:
        read(tmp_path / "SPEC.json")
    assert message in str(error.value)


def test_usage_errors_exit_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a traceback."""
    (tmp_path / "SPEC.json").write_text(orjson.dumps({"target": "no.py", "log": "l.json"}).decode())
    assert main([str(tmp_path / "SPEC.json")]) == 2
    assert capsys.readouterr().err.startswith("trainadvisor: no.py: no such script")


def test_a_description_that_cannot_be_run_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the exit code of a wrong use."""
    path = tmp_path / "SPEC.json"
    spec = {"target": "train.py", "args": [], "module": False, "log": "log.json", "every": 5, "stop_after_steps": None}
    spec |= {"changes": [change("lrr", factor=0.1)], "stop_after_seconds": None, "seed": None}
    path.write_text(json.dumps(spec))
    assert main([str(path)]) == 2
    told = capsys.readouterr().err
    assert told.startswith("trainadvisor: ")
    assert "lrr" in told
    assert told.count("\n") == 1
