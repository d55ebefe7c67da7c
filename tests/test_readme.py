"""Every command, option, path, setting, piece of code and shown output of the two READMEs."""

import ast
import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path

import click
import pytest
import torch

from trainadvisor import configuration, pytest_plugin
from trainadvisor.cli import COMMANDS as OURS
from trainadvisor.cli import program
from trainadvisor.telling import diagnose

ROOT = Path(__file__).parent.parent
TEXTS = {
    lang: (ROOT / name).read_text(encoding="utf-8") for lang, name in (("en", "README.md"), ("zh", "README.zh.md"))
}
README = TEXTS["en"]
GATE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(lang: str, kind: str) -> list[str]:
    """Return the blocks of one kind in one README."""
    return [block for name, block in FENCED.findall(TEXTS[lang]) if name == kind]


def both(kind: str) -> list[str]:
    """Return the blocks of one kind in either README, each once."""
    return list(dict.fromkeys(block for lang in TEXTS for block in blocks(lang, kind)))


def commands(lang: str) -> list[str]:
    """Return the command lines of one README."""
    return commands_of(TEXTS[lang])


def commands_of(text: str) -> list[str]:
    """Return the command lines of a page, without what is said about them."""
    lines = [line for kind, block in FENCED.findall(text) if kind == "console" for line in block.splitlines()]
    assert all(line.startswith("$ ") for line in lines)
    return [line[2:].split(" #")[0].strip() for line in lines]


def check_program(words: list[str]) -> None:
    """Parse a command line of ours as the program would."""
    context, group = click.Context(program), program
    while isinstance(group, click.Group) and words:
        command = group.get_command(context, words[0])
        assert command is not None, words[0]
        group, words = command, words[1:]
    # a group that is not asked for a command of its own has to do something by itself
    assert not isinstance(group, click.Group) or group.invoke_without_command
    group.make_context("", words)


def check_python(words: list[str]) -> None:
    """Demand that a script exists and knows its choice, or that a module exists."""
    if words[0] == "-m":
        assert find_spec(words[1]) is not None
        return
    source = (ROOT / words[0]).read_text(encoding="utf-8")
    assert words[1:2] != ["--break"] or f'"{words[2]}"' in source


def check_make(words: list[str]) -> None:
    """Demand that the target exists."""
    assert f"\n{words[0]}:" in (ROOT / "Makefile").read_text(encoding="utf-8")


def check_pip(words: list[str]) -> None:
    """Demand that what is installed is this repository."""
    assert words == ["install", "-c", "constraints.txt", "."]
    assert (ROOT / "constraints.txt").is_file()


def check_pytest(words: list[str]) -> None:
    """Demand that the option is our plugin's."""
    assert [word.split("=")[0] for word in words] == [pytest_plugin.OPTION]


def check_cd(words: list[str]) -> None:
    """Demand one folder."""
    assert len(words) == 1


CHECKS = {
    "cd": check_cd,
    "trainadvisor": check_program,
    "python": check_python,
    "make": check_make,
    "pip": check_pip,
    "pytest": check_pytest,
}


@pytest.mark.parametrize("command", [*commands("en"), *commands_of(GATE)])
def test_commands_are_understood(command):
    """Each command line of the README and of docs/ci.md can be parsed by the program it names."""
    words = shlex.split(command)
    CHECKS[words[0]](words[1:])


def test_both_readmes_have_the_same_commands():
    """The Chinese README shows what the English one shows, in the same order."""
    assert commands("zh") == commands("en")
    assert TEXTS["zh"].count("\n## ") == README.count("\n## ")
    assert len(blocks("zh", "python")) == len(blocks("en", "python"))


@pytest.mark.parametrize("command", OURS)
def test_every_command_is_shown(command):
    """No command of ours is missing from the README."""
    assert any(line.startswith(f"trainadvisor {command}") for line in commands("en"))


@pytest.mark.parametrize("code", [code for code in both("python") if "def test_" not in code])
def test_code_runs(code, monkeypatch, tmp_path, capsys):
    """The piece of Python runs as it stands and prints a verdict."""
    monkeypatch.chdir(tmp_path)
    exec(compile(ast.parse(code), "README.md", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own README
    assert len(capsys.readouterr().out) > 1
    assert (tmp_path / "log.json").is_file()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_first_training_is_a_sound_one(lang, monkeypatch, tmp_path):
    """Who pastes it first sees a run that learns, and no finding about our example."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    exec(compile(blocks(lang, "python")[0], lang, "exec"), {"__name__": "__main__"})  # noqa: S102 - our own text
    assert diagnose("log.json").state == "healthy"


@pytest.mark.parametrize("code", [code for code in both("python") if "def test_" in code])
def test_tests_pass(code, tmp_path):
    """The tests that are shown pass, and write the reports where the command says."""
    (tmp_path / "test_it.py").write_text(code, encoding="utf-8")
    words = [sys.executable, "-m", "pytest", f"{pytest_plugin.OPTION}=reports", "-p", "no:cacheprovider", "test_it.py"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert list((tmp_path / "reports").iterdir())


@pytest.mark.parametrize("text", [*both("toml"), *(block for kind, block in FENCED.findall(GATE) if kind == "toml")])
def test_settings_are_known(text, tmp_path):
    """The settings of the example are accepted as they stand."""
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    found = configuration.load(tmp_path)
    assert found.source == tmp_path / "pyproject.toml"
    assert found.off
    assert found.require


@pytest.fixture(scope="module")
def broken_log(tmp_path_factory):
    """The log of the first screen: the example, broken in the way that the README says."""
    folder = tmp_path_factory.mktemp("first")
    script, log = Path("examples", "mlp_784.py"), folder / "broken.json"
    trainadvisor(ROOT, "run", "--no-live", "--log", log, script, "--break", "lr-too-high")
    return log


def trainadvisor(folder: Path, *words: object) -> str:
    """Run the program as in a pipe 100 columns wide and return what it printed."""
    call = [sys.executable, "-m", "trainadvisor", *map(str, words)]
    environment = os.environ | {"COLUMNS": "100", "PYTHONUTF8": "1"}
    done = subprocess.run(call, cwd=folder, capture_output=True, encoding="utf-8", env=environment, check=False)
    return done.stdout


def without_figures(text: str) -> str:
    """Return text on one line, a # for each figure, no plural: these differ between processors and torch versions."""
    plain = text.replace("consequences", "consequence")
    return "".join(re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "#", plain).split())


@pytest.mark.parametrize("lang", TEXTS)
def test_shown_outputs_are_real(lang, broken_log):
    """The reports of the README are what the program prints, cut only where there are dots."""
    diagnosed, checked = (trainadvisor(ROOT, name, broken_log, "--lang", lang) for name in ("diagnose", "check"))
    for block, printed in zip_longest(blocks(lang, "text"), (diagnosed, checked)):
        rest = without_figures(printed)
        for piece in block.split("  ...\n"):
            _, found, rest = rest.partition(without_figures(piece))
            assert found, piece


@pytest.mark.parametrize(("lang", "words"), [("en", "No account, no network"), ("zh", "不联网")])
def test_the_first_screen_is_short(lang, words):
    """What it is, how to start, what it prints and what it reads fit into 25 lines."""
    head = "\n".join(TEXTS[lang].splitlines()[:25])
    for piece in (
        "trainadvisor run train.py",
        "lr-too-high",
        "from 1 to 0.01" if lang == "en" else "从 1 降到 0.01",
        words,
        "log.json",
        "](README.",
    ):
        assert piece in head


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_links_lead_somewhere(text):
    """Each relative link is a file or folder of the repository."""
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", text)
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_the_table_of_examples_is_complete(path, text):
    """Each example stands in the table with each of its breaks."""
    row = next(line for line in text.splitlines() if line.startswith(f"| `examples/{path.name}`"))
    source = path.read_text(encoding="utf-8")
    choices = re.search(r"(?:BREAKS = |choices=)(\[.*?\])", source)
    assert row.split("|")[3].strip().split(", ") == ast.literal_eval(choices.group(1))


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
def test_no_address_of_a_registry(text):
    """The README names no host that packages come from."""
    assert re.search(r"https?://(pypi|files\.pythonhosted|download\.pytorch)", text) is None
