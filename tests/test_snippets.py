"""Every command line, piece of Python and piece of settings in the pages of docs/, in both languages."""

import ast
import json
import re
import shlex
from pathlib import Path

import click
import pytest
from test_readme import FENCED, check_make, check_program, check_python

from trainadvisor import configuration
from trainadvisor.cli import COMMANDS as OURS
from trainadvisor.cli import main

DOCS = Path(__file__).parent.parent / "docs"
# what is generated has tests of its own, and the scripts of the frameworks run where those are installed
PAGES = [path for path in sorted(DOCS.glob("*.md")) if not path.name.startswith("commands.")]
GUIDES = [path for path in PAGES if not path.name.startswith(("ci.", "frameworks."))]
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in PAGES}
PAIRS = [name for name in TEXTS if name.endswith(".zh.md")]
INDENTED = re.compile(r"^ {4}(\S.*)$", re.MULTILINE)
INLINE = re.compile(r"`(trainadvisor [^`]+)`")
SETTING = re.compile(r"^[A-Z_]+=\S+$")
LAUNCHERS = {"torchrun": "-m", "srun": "python"}
JUST_A_NAME = 2  # a command that a sentence speaks of
ELSEWHERE = ("ray", "cat", "jupyter", "pip")


def written(name: str) -> list[str]:
    """Return the command lines of a page: in its blocks, and those of ours within its sentences."""
    text = TEXTS[name]
    blocks = "\n".join(block for kind, block in FENCED.findall(text) if kind in ("console", "bash", "text"))
    rest = FENCED.sub("", text)
    shown = [line.removeprefix("$ ") for line in [*blocks.splitlines(), *INDENTED.findall(rest)]]
    inline = [part for line in INLINE.findall(rest) for part in line.split(";")]
    ours = [line for line in shown if re.search(r"(?<!%)trainadvisor ", line) or line.startswith(("python ", "make "))]
    # the lines that install the completion of shells are run by tests/commands/test_doctor.py
    lines = [line for line in [*ours, *inline] if "..." not in line and "_COMPLETE=" not in line]
    return [line.split(" #")[0].strip() for line in lines]


def check(words: list[str]) -> None:
    """Demand that the program which a command line names would take it."""
    while words and SETTING.match(words[0]):
        words = words[1:]
    if "|" in words:
        words = words[words.index("|") + 1 :]
    if words[0] in LAUNCHERS:
        words = words[words.index("trainadvisor") :]
    if words[0] == "trainadvisor" and len(words) == JUST_A_NAME:
        assert words[1] in OURS
    elif words[0] == "trainadvisor":
        check_program(["." if word == "FOLDER" else word for word in words[1:]])
    elif words[0] == "python":
        check_python(words[1:])
    elif words[0] == "make":
        check_make(words[1:])
    else:
        assert words[0] in ELSEWHERE


@pytest.mark.parametrize(("name", "line"), [(name, line) for name in TEXTS for line in dict.fromkeys(written(name))])
def test_commands_are_understood(name, line):
    """Each command line of each page can be parsed by the program it names."""
    try:
        check(shlex.split(line))
    except click.UsageError as error:
        pytest.fail(f"{name}: {line}: {error.format_message()}")


@pytest.mark.parametrize("name", PAIRS)
def test_both_languages_show_the_same_commands(name):
    """A translation shows what its original shows, in the same order."""
    english = name.replace(".zh.md", ".md")
    blocks = [
        [
            line.split("#")[0].strip()
            for kind, block in FENCED.findall(TEXTS[page])
            if kind == "console"
            for line in block.splitlines()
        ]
        for page in (name, english)
    ]
    assert blocks[0] == blocks[1]
    assert TEXTS[name].count("\n## ") == TEXTS[english].count("\n## ")


def pieces(kind: str) -> list[tuple[str, str]]:
    """Return the blocks of one kind with their pages."""
    return [(page.name, block) for page in GUIDES for name, block in FENCED.findall(TEXTS[page.name]) if name == kind]


@pytest.mark.parametrize(("name", "code"), pieces("python"))
def test_python_runs(name, code, monkeypatch, tmp_path, capsys):
    """The piece of Python runs as it stands, and prints something about a log that is there."""
    monkeypatch.chdir(tmp_path)
    exec(compile(ast.parse(code), name, "exec"), {"__name__": "__main__"})  # noqa: S102 - our own documentation
    assert len(capsys.readouterr().out) > 1
    assert (tmp_path / "log.json").is_file()


@pytest.mark.parametrize(("name", "text"), [piece for piece in pieces("toml") if "[tool.trainadvisor" in piece[1]])
def test_settings_are_known(name, text, tmp_path):
    """The settings are accepted as they stand."""
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    assert configuration.load(tmp_path).source == tmp_path / "pyproject.toml"


@pytest.mark.parametrize(("name", "text"), [piece for piece in pieces("toml") if "[[cases]]" in piece[1]])
def test_rules_are_rules(name, text, tmp_path):
    """A rule that is shown passes `trainadvisor rules check`."""
    (tmp_path / "slow-storage.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as left:
        main(["rules", "check", str(tmp_path)])
    assert left.value.code in (0, None)


@pytest.mark.parametrize(("name", "text"), pieces("json"))
def test_json_is_json(name, text):
    """A piece of settings for another program can be read."""
    assert json.loads(text)


def test_every_kind_of_block_is_looked_at():
    """No block of a guide is of a kind that no test knows."""
    kinds = {kind for page in GUIDES for kind, _ in FENCED.findall(TEXTS[page.name])}
    assert kinds <= {"console", "bash", "text", "python", "toml", "json", "yaml"}
