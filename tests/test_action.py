"""The GitHub action and the pieces of CI in docs/ci.md, checked against the schemas of their makers."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
from gatelogs import write
from ruamel.yaml import YAML

from trainadvisor.cli import program
from trainadvisor.report.formats import CHECK as NAMES
from trainadvisor.requirements import METRICS
from trainadvisor.settings import KEYS, Place, flat

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
ACTION = ROOT / "action.yml"
LINES = re.findall(r"^\$ (trainadvisor .*)$", GUIDE, re.MULTILINE)


def schema(name: str) -> Any:
    """Return a schema that check-jsonschema brings."""
    return json.loads((files("check_jsonschema") / "builtin_schemas" / "vendor" / name).read_text(encoding="utf-8"))


def yaml(text: str) -> Any:
    """Parse YAML."""
    return YAML(typ="safe").load(text)


def blocks(kind: str) -> list[str]:
    """Return the blocks of one language of the guide."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[list[str]]:
    """Return the command lines of ours in a piece of YAML."""
    joined = text.replace("\\\n", " ")
    return [shlex.split(line.strip(" -")) for line in joined.splitlines() if re.match(r"[\s-]*trainadvisor ", line)]


def parse(words: list[str]) -> None:
    """Parse a command line of ours as the program would."""
    context = click.Context(program)
    command = program.get_command(context, words[1])
    assert command is not None
    words = words[: words.index("||")] if "||" in words else words
    command.make_context("", ["x.html" if "$" in word else word for word in words[2:]])


def test_the_action_meets_its_schema() -> None:
    """As GitHub reads it."""
    jsonschema.validate(yaml(ACTION.read_text(encoding="utf-8")), schema("github-actions.json"))


def test_no_expression_stands_inside_a_script() -> None:
    """An input could run code there; inputs come in through the environment."""
    steps = yaml(ACTION.read_text(encoding="utf-8"))["runs"]["steps"]
    assert [step["name"] for step in steps if "${{" in step.get("run", "")] == []
    assert all(step["shell"] == "bash" for step in steps if "run" in step)


def test_every_input_is_used() -> None:
    """And described; the outputs come from a step that is there."""
    text = ACTION.read_text(encoding="utf-8")
    action = yaml(text)
    assert [name for name in action["inputs"] if f"inputs.{name}" not in text] == []
    assert {step.get("id") for step in action["runs"]["steps"]} >= {"check"}


@pytest.mark.parametrize("words", [*commands(ACTION.read_text(encoding="utf-8"))], ids=" ".join)
def test_the_commands_of_the_action_are_understood(words: list[str]) -> None:
    """Each option is one of ours."""
    parse(words)


def test_the_snippets_meet_their_schemas() -> None:
    """The first is GitHub's, the second GitLab's."""
    github, gitlab = map(yaml, blocks("yaml"))
    jsonschema.validate({"on": "push", **github}, schema("github-workflows.json"))
    jsonschema.validate(gitlab, schema("gitlab-ci.json"))
    for line in gitlab["training"]["script"]:
        if line.startswith("trainadvisor"):
            parse(shlex.split(line))


def test_the_inputs_of_the_snippet_are_those_of_the_action() -> None:
    """No input is named that there is not."""
    step = yaml(blocks("yaml")[0])["jobs"]["training"]["steps"][-1]
    assert set(step["with"]) <= set(yaml(ACTION.read_text(encoding="utf-8"))["inputs"])


@pytest.mark.parametrize("line", LINES)
def test_the_commands_of_the_guide_are_understood(line: str) -> None:
    """Each can be parsed by the program; scripts are not there."""
    words = shlex.split(line)
    if words[1] == "run":
        words[-1] = __file__
    parse(words)


def test_the_settings_of_the_guide_are_read() -> None:
    """Every table of the example, and every key that there is."""
    section = tomllib.loads(blocks("toml")[0])["tool"]["trainadvisor"]
    assert flat(section, Place("docs/ci.md", ROOT / "docs" / "ci.md"))
    assert set(KEYS) - set(section) == {"lang", "rule-folders", "thresholds", "off"}


def test_the_python_of_the_guide_is_python() -> None:
    """It runs in a project that has the functions it names."""
    for block in blocks("python"):
        compile(block, "docs/ci.md", "exec")


def test_every_option_format_and_figure_is_in_the_guide() -> None:
    """Nothing that `check` can do is left out."""
    command = program.get_command(click.Context(program), "check")
    assert command is not None
    options = {name for p in command.params for name in p.opts if name.startswith("--")} - {
        "--lang",
        "--rules",
        "--color",
    }
    assert [option for option in options if f"`{option}" not in GUIDE] == []
    assert [form for form in NAMES if form not in GUIDE] == []
    assert [metric for metric in METRICS if f"`{metric}`" not in GUIDE] == []


def test_nobody_has_to_replace_a_name() -> None:
    """The snippets work as they stand, with variables of the project; the action installs what it lies in."""
    assert "OWNER" not in GUIDE + ACTION.read_text(encoding="utf-8")
    install = yaml(ACTION.read_text(encoding="utf-8"))["runs"]["steps"][0]
    assert install["env"]["HERE"] == "${{ github.action_path }}"
    assert '"${VERSION:-$HERE}"' in install["run"]


def test_the_scripts_of_the_action_are_bash() -> None:
    """Each is read by bash without complaint."""
    for step in yaml(ACTION.read_text(encoding="utf-8"))["runs"]["steps"]:
        if "run" in step:
            done = subprocess.run(["/bin/bash", "-n"], input=step["run"], capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, ""), step["name"]


def test_the_check_of_the_action_decides_and_tells(tmp_path: Path) -> None:
    """Its script, run as GitHub would: exit code, annotations, summary, files and outputs."""
    write(tmp_path, "nan")
    steps = yaml(ACTION.read_text(encoding="utf-8"))["runs"]["steps"]
    script = next(step["run"] for step in steps if step.get("id") == "check")
    inputs = {"LOGS": "nan.json", "BASELINE": "", "FAIL_ON": "error", "REQUIRE": "loss<=0.3\n", "HTML": "false"}
    places = {"GITHUB_STEP_SUMMARY": "summary.md", "GITHUB_OUTPUT": "output"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    words = ["/bin/bash", "-e", "-o", "pipefail", "-c", script]
    environment = {**os.environ, **inputs, **places, "PATH": path}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "::error title=nan-loss::" in done.stdout
    assert (tmp_path / "output").read_text(encoding="utf-8") == "state=broken\nerrors=1\nnew=0\n"
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").startswith("### BROKEN: ")
    kept = {path.name for path in (tmp_path / "trainadvisor-ci").iterdir()}
    assert kept == {"check.json", "findings.sarif", "junit.xml"}


def test_the_chinese_guide_shows_the_same() -> None:
    """The same pieces of code, options, figures and exit codes, in the same order."""
    chinese = (ROOT / "docs" / "ci.zh.md").read_text(encoding="utf-8")
    fenced = re.compile(r"^```\w+\n.*?^```$", re.MULTILINE | re.DOTALL)
    assert fenced.findall(chinese) == fenced.findall(GUIDE)
    cells = re.compile(r"^\| (`?[\w-].*?) \| (?!---)", re.MULTILINE)
    assert [cell for cell in cells.findall(chinese) if cell.startswith("`") or cell.isdecimal()] == [
        cell for cell in cells.findall(GUIDE) if cell.startswith("`") or cell.isdecimal()
    ]
    assert [metric for metric in METRICS if f"`{metric}`" not in chinese] == []
