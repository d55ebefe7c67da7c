"""Every command, option, path and piece of code in the README."""

import ast
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from trainadvisor.cli import program
from trainadvisor.config import KEYS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line[2:].split(" #")[0].strip() for kind, block in BLOCKS if kind == "console" for line in block.splitlines()
]


def blocks(kind: str) -> list[str]:
    """Return the blocks of one language."""
    return [block for name, block in BLOCKS if name == kind]


def check_program(words: list[str]) -> None:
    """Parse a command line of ours as the program would."""
    context, group = click.Context(program), program
    while isinstance(group, click.Group) and words:
        command = group.get_command(context, words[0])
        assert command is not None, words[0]
        group, words = command, words[1:]
        if not isinstance(group, click.Group):
            group.make_context("", words)


def check_python(words: list[str]) -> None:
    """Demand that a script exists and knows its choice."""
    source = (ROOT / words[0]).read_text(encoding="utf-8")
    assert words[1:2] != ["--break"] or f'"{words[2]}"' in source


def check_make(words: list[str]) -> None:
    """Demand that the target exists."""
    assert f"\n{words[0]}:" in (ROOT / "Makefile").read_text(encoding="utf-8")


def check_pip(words: list[str]) -> None:
    """Demand that what is installed is this repository."""
    assert words == ["install", "."]


CHECKS = {"trainadvisor": check_program, "python": check_python, "make": check_make, "pip": check_pip}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood(command):
    """Each command line of the README can be parsed by the program it names."""
    words = shlex.split(command)
    CHECKS[words[0]](words[1:])


@pytest.mark.parametrize("code", blocks("python"))
def test_code_runs(code, monkeypatch, tmp_path, capsys):
    """The piece of Python runs as it stands and prints a verdict."""
    monkeypatch.chdir(tmp_path)
    exec(compile(ast.parse(code), "README.md", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own README
    assert len(capsys.readouterr().out) > 1
    assert (tmp_path / "log.json").is_file()


@pytest.mark.parametrize("text", blocks("toml"))
def test_settings_are_known(text):
    """The settings of the example are those that the program knows."""
    assert set(tomllib.loads(text)["tool"]["trainadvisor"]) <= set(KEYS)


def test_the_first_screen_is_short():
    """What it is, how to start, and what it prints fit into 25 lines."""
    head = README.split("\nNo account")[0]
    assert len(head.splitlines()) <= 24
    assert "trainadvisor run" in head


def test_links_lead_somewhere():
    """Each relative link is a file or folder of the repository."""
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_the_table_of_examples_is_complete(path):
    """Each example stands in the table with each of its breaks."""
    row = next(line for line in README.splitlines() if line.startswith(f"| `examples/{path.name}`"))
    source = path.read_text(encoding="utf-8")
    choices = re.search(r"(?:BREAKS = |choices=)(\[.*?\])", source)
    assert row.split("|")[3].strip().split(", ") == ast.literal_eval(choices.group(1))


def test_no_address_of_a_registry():
    """The README names no host that packages come from."""
    assert re.search(r"https?://(pypi|files\.pythonhosted|download\.pytorch)", README) is None
