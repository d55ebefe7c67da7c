"""A change dropped into a scratch copy of the package as one file: what accepts it, and what is said of a bad one."""

from __future__ import annotations

import compileall
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rulekit import HOLDING_CASES, RULE_FILE, write_rule

import trainadvisor
from trainadvisor.judge.rulebook import shipped_rules

HALVE = '''"""Gradients halved."""

from trainadvisor.changes.applying.change_application import ChangeApplication
from trainadvisor.changes.declaration import Fallback, change


@change(
    "halve-gradients",
    zh="将梯度减半。",
    limits="It is of no use.",
    limits_zh="没有用处。",
    fallbacks=(Fallback(5, {"times": 1}),),
    does=("halve the gradients {times} times", "将梯度减半 {times} 次"),
)
def halve_gradients(application: ChangeApplication, *, times: int = 1) -> None:
    """Halve the gradients before each step."""
'''
REMEDY = {'change = "lr"\narguments = { value = "lower" }': 'change = "halve-gradients"\narguments = { times = 2 }'}


COMPILE = """
from trainadvisor.judge import compiled_rules, rulebook
compiled_rules.compile_rules(rulebook.shipped_rules())
"""


def environment(copy: Path) -> dict[str, str]:
    """Return variables with which Python imports the copy, and keeps nothing of the change that a test drops there."""
    return {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package beside its rules, both compiled, because each test starts it several times."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(Path(trainadvisor.__file__).parent, folder / "trainadvisor")
    shutil.copytree(shipped_rules(), folder / "rules")
    compileall.compile_dir(folder / "trainadvisor", quiet=2)
    subprocess.run([sys.executable, "-c", COMPILE], cwd=folder, env=environment(folder), check=True)
    return folder


@pytest.fixture
def added(copy: Path):
    """Drop a change into the copy, and take it out again."""
    path = copy / "trainadvisor" / "changes" / "halve.py"
    yield path.write_text
    path.unlink()


def run(copy: Path, *arguments: str) -> tuple[int, str]:
    """Run a command of the copy; return its exit code and what it printed."""
    command = [sys.executable, "-c", "from trainadvisor.cli import main; main()", *arguments]
    done = subprocess.run(command, cwd=copy, env=environment(copy), capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_one_file_makes_a_change(copy: Path, added, tmp_path: Path) -> None:
    """It is listed with its texts and arguments, and a rule may advise it."""
    write_rule(tmp_path, RULE_FILE + HOLDING_CASES, changes=REMEDY)
    added(HALVE)
    listed = {row["change"]: row for row in json.loads(run(copy, "changes", "--json")[1])}
    assert listed["halve-gradients"]["doc"] == {"en": "Halve the gradients before each step.", "zh": "将梯度减半。"}
    assert listed["halve-gradients"]["arguments"]["times"]["default"] == 1
    code, said = run(copy, "rules", "check", str(tmp_path))
    assert (code, said) == (0, "1 rule, 4 cases: all passed\n")


def test_without_the_file_there_is_no_such_change(copy: Path, tmp_path: Path) -> None:
    """The same rule is refused, and the list does not hold the change."""
    write_rule(tmp_path, changes=REMEDY)
    assert "halve-gradients" not in run(copy, "changes")[1]
    code, said = run(copy, "rules", "check", str(tmp_path))
    assert code == 1
    assert "remedies.change: no change is called halve-gradients" in said


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('    zh="将梯度减半。",\n', "", "zh is missing; say in Chinese what the change does"),
        ('    limits="It is of no use.",\n', "", "limits is missing; say in English what the change cannot do"),
        ('    limits_zh="没有用处。",\n', "", "limits_zh is missing; say in Chinese what the change cannot do"),
        (
            '    """Halve the gradients before each step."""\n',
            "    del application, times\n",
            "the docstring is missing; say in English what the change does",
        ),
        (
            "times: int = 1",
            "times: complex = 1",
            "argument times: complex is no type of an argument; take float, int, str, bool or Literal",
        ),
        ("application: ChangeApplication", 'application: "Unseen"', "name 'Unseen' is not defined"),
        ('{"times": 1}', '{"time": 1}', "there is no argument 'time'; did you mean \"times\"?; it takes times"),
        ('"将梯度减半 {times} 次"', '""', "does needs its words in English and in Chinese"),
        ('"halve-gradients"', '"lr"', "it is declared twice"),
        ('"halve-gradients"', '"Halve_Gradients"', "the name may hold small letters, digits and hyphens"),
    ],
)
def test_what_a_change_lacks_is_named(copy: Path, added, tmp_path: Path, old: str, new: str, message: str) -> None:
    """`rules check` says in which file, of which change, and what to add, before it reads rules that use it."""
    assert old in HALVE
    write_rule(tmp_path, changes=REMEDY)
    added(HALVE.replace(old, new))
    code, said = run(copy, "rules", "check", str(tmp_path))
    assert code == 1
    assert message in said
    assert "changes/halve.py:" in said


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("{ tmes = 2 }", "there is no argument 'tmes'; did you mean \"times\"?; it takes times"),
        ("{ times = 2.5 }", "times is a whole number, not 2.5"),
    ],
)
def test_an_argument_that_the_change_does_not_take_is_named(
    copy: Path, added, tmp_path: Path, given: str, message: str
) -> None:
    """A remedy that no trial could apply is refused when the rule is checked."""
    write_rule(tmp_path, changes={old: new.replace("{ times = 2 }", given) for old, new in REMEDY.items()})
    added(HALVE)
    code, said = run(copy, "rules", "check", str(tmp_path))
    assert code == 1
    assert f'remedies: change "halve-gradients": {message}' in said
