"""The wheel: it carries the rules, and works where only it was installed."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from trainadvisor.answers.asked import load as load_questions
from trainadvisor.judge.rule_loading import load
from trainadvisor.judge.rulebook import shipped_rules

ROOT = Path(__file__).parent.parent


def call(*command: object, folder: Path) -> str:
    """Run a command in a folder and return what it printed."""
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, install it alone into a new environment, and return the folder of its commands."""
    folder = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, folder=folder)
    call(sys.executable, "-m", "venv", "--without-pip", folder / "env", folder=folder)
    python = folder / "env" / "bin" / "python"
    wheel = next(folder.glob("*.whl"))
    call(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, folder=folder)
    # the dependencies come from this environment: nothing is downloaded, and its editable install stays out of sight
    packages = Path(call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder).strip())
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return python.parent


def test_the_wheel_is_what_runs(installed: Path) -> None:
    """The package under test comes from the wheel, not from this checkout."""
    where = call(installed / "python", "-c", "import trainadvisor; print(trainadvisor.__file__)", folder=installed)
    assert Path(where.strip()).is_relative_to(installed.parent)


def test_an_installed_wheel_lists_the_rules(installed: Path) -> None:
    """The rules of the repository's top folder travel inside the package."""
    rules = json.loads(call(installed / "trainadvisor", "rules", "--json", folder=installed))
    assert [rule["code"] for rule in rules] == list(load().rules)
    assert rules


def test_an_installed_wheel_has_the_questions(installed: Path) -> None:
    """What people ask travels with the rules."""
    ask = (
        "from trainadvisor.answers.asked import load; from trainadvisor.judge.rulebook import shipped_rules; "
        "print(len(load(shipped_rules())))"
    )
    assert int(call(installed / "python", "-c", ask, folder=installed)) == len(load_questions(shipped_rules()))


def test_an_installed_wheel_carries_what_was_learned_from_them(installed: Path) -> None:
    """Nobody waits for it at the first question: the file is found, and is of these questions and this code."""
    ask = (
        "from trainadvisor.answers import likeness, question; likeness.learn = None; "
        "print(len(question._subjects()[3].examples.weights) > 1000)"
    )
    assert call(installed / "python", "-B", "-c", ask, folder=installed) == "True\n"


def test_an_installed_wheel_has_the_texts_of_both_languages(installed: Path) -> None:
    """They are files beside the code, not code."""
    ask = "from trainadvisor.i18n.language import say; print([say('fix', lang) for lang in ('en', 'zh')])"
    told = call(installed / "python", "-X", "utf8", "-c", ask, folder=installed)
    assert told == "['fix', '修改']\n"


def test_an_installed_wheel_has_the_meanings_of_signals(installed: Path) -> None:
    """In Chinese, from a file of their own."""
    command = (installed / "python", "-X", "utf8", "-m", "trainadvisor", "signals", "val_accuracy_best", "--lang", "zh")
    assert "最高的验证准确率。" in call(*command, folder=installed)


def test_an_installed_wheel_runs_as_a_module(installed: Path) -> None:
    """`python -m trainadvisor` is the command."""
    assert call(installed / "python", "-m", "trainadvisor", "--version", folder=installed) == "trainadvisor 0.1.0\n"
