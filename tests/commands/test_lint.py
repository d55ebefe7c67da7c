"""`trainadvisor lint`: what it prints, in which form, and its exit codes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from trainadvisor.cli import program

FAULTY = """import torch

model = torch.nn.Linear(3, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.1)
for x, y in loader:
    loss = (model(x) - y).square().mean()
    loss.backward()
    opt.step()
"""
SOUND = FAULTY.replace("    loss.backward", "    opt.zero_grad()\n    loss.backward")


@pytest.fixture
def folder(folder: Path) -> Path:
    """A project with one faulty script, as the current folder."""
    (folder / "train.py").write_text(FAULTY)
    return folder


def lint(*args: str) -> tuple[int, str]:
    """Return exit code and output."""
    result = CliRunner().invoke(program, ["lint", "--lang", "en", *args])
    return result.exit_code, result.output


def test_a_finding_is_shown_as_compilers_do(folder: Path) -> None:
    """Place, line, mark, sentence, remedy and the lines that come."""
    code, text = lint("train.py")
    assert code == 1
    assert text == (
        "train.py:8:5: error: missing-zero-grad: Gradients are never cleared\n"
        "    8 |     opt.step()\n"
        "      |     ^^^^^^^^^^\n"
        "  opt.step() runs in a loop with backward(), and nothing clears the gradients: each step uses the\n"
        "  sum of all so far.\n"
        "  with train.py:7: loss.backward()\n"
        "  fix: Call opt.zero_grad() in each round, before backward().\n"
        "    +     opt.zero_grad()\n"
        "          loss.backward()\n"
        "\n"
        "1 found in 1 file\n"
    )


def test_a_sound_script_passes(folder: Path) -> None:
    """Exit 0, and how much was read."""
    (folder / "train.py").write_text(SOUND)
    assert lint() == (0, "0 found in 1 file\n")


def test_a_file_that_cannot_be_parsed_is_said(folder: Path) -> None:
    """Exit 3: nothing is known of it; what was found elsewhere counts more."""
    (folder / "old.py").write_text("print 'x'\n")
    assert lint("old.py")[0] == 3
    code, text = lint()
    assert code == 1
    assert "old.py, line 1: is not Python that can be parsed" in text


def test_select_ignore_and_fail_on(folder: Path) -> None:
    """Codes and families are chosen as for `check`; a wrong name is a mistake."""
    assert lint("--select", "clip-after-step")[0] == 0
    assert lint("--ignore", "wiring")[0] == 0
    assert lint("--fail-on", "never")[0] == 0
    assert lint("--select", "clip-after-stp")[0] != 0
    assert lint("nowhere.py")[0] != 0


def test_documents(folder: Path) -> None:
    """SARIF with the line, annotations of GitHub, and the JSON of a diagnosis with its edit."""
    sarif = json.loads(lint("--format", "sarif")[1])
    (result,) = sarif["runs"][0]["results"]
    assert result["ruleId"] == "missing-zero-grad"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "train.py"
    assert lint("--format", "github")[1].startswith("::error file=train.py,line=7,title=missing-zero-grad::")
    (finding,) = json.loads(lint("--format", "json")[1])["findings"]
    assert finding["remedies"][0]["edits"] == [
        {"file": "train.py", "line": 7, "old": None, "new": "    opt.zero_grad()", "anchor": "    loss.backward()"}
    ]
