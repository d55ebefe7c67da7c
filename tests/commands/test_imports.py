"""Logs of other tools on the command line: converted, refused where a script is run, judged with hints."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from trainadvisor.cli import program
from trainadvisor.commands.script_targets import check_script
from trainadvisor.errors import UsageError
from trainadvisor.importers.foreign_logs import read_log

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "epoch,loss\n" + "".join(f"{epoch},{2 - epoch / 10:.2f}\n" for epoch in range(12))


def test_a_converted_log_says_the_same(tmp_path: Path) -> None:
    """Figures, facts and remarks are those of the file that it was made from."""
    (tmp_path / "table").write_text(TABLE)
    done = CliRunner().invoke(program, ["import", str(tmp_path / "table"), "-o", str(tmp_path / "log.json")])
    assert done.exit_code == 0, done.output
    one, other = read_log(tmp_path / "table"), read_log(tmp_path / "log.json")
    assert one.column("loss").tolist() == other.column("loss").tolist()
    assert one.notes == other.notes
    assert other.header["imported"]["file"] == "table"
    json.loads((tmp_path / "log.json").read_text())


@pytest.mark.parametrize(("lang", "said"), [("en", "13 records written to"), ("zh", "已将 13 条记录写入")])
def test_what_was_written_is_said_in_the_language_that_is_wanted(lang: str, said: str, tmp_path: Path) -> None:
    """English or Chinese; another one is refused before the log is read."""
    (tmp_path / "table").write_text(TABLE)
    wanted = ["import", str(tmp_path / "table"), "-o", str(tmp_path / "log.json"), "--lang", lang]
    assert said in CliRunner().invoke(program, wanted).output
    with pytest.raises(UsageError, match="fr"):
        CliRunner().invoke(program, [*wanted[:-1], "fr"], catch_exceptions=False)


def test_a_log_of_ours_needs_no_conversion(tmp_path: Path) -> None:
    """It is said so."""
    (tmp_path / "log.json").write_text('[{"record":"header","format":1}]')
    with pytest.raises(UsageError, match="is a log of trainadvisor already"):
        CliRunner().invoke(program, ["import", str(tmp_path / "log.json")], catch_exceptions=False)


def test_the_number_of_classes_is_a_yardstick(tmp_path: Path) -> None:
    """A loss of ln 10 throughout."""
    rows = "".join(f"{epoch},{math.log(10) + epoch % 2 / 1000}\n" for epoch in range(12))
    (tmp_path / "table").write_text("epoch,loss\n" + rows)
    done = CliRunner().invoke(program, ["diagnose", str(tmp_path / "table"), "--classes", "10", "--lang", "en"])
    assert "answers-at-chance" in done.output


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("log.csv", TABLE, "data"),
        ("state", '{"log_history": []}', "data"),
        ("book.ipynb", '{"cells": [], "nbformat": 4}', "a notebook"),
        ("train.log", "step 1 loss: 2.5\n", "data"),
    ],
)
def test_data_are_no_script(name: str, content: str, said: str, tmp_path: Path) -> None:
    """Whatever their name."""
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=f"is {said}"):
        check_script(str(tmp_path / name), "run")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train.py", "1 / 0"),
        ("train", "import torch\nmain()\n"),
        ("tool", "#!/usr/bin/env python\n"),
        ("call", "main()"),
    ],
)
def test_programs_are_run(name: str, content: str, tmp_path: Path) -> None:
    """With an ending of Python's or a first statement."""
    (tmp_path / name).write_text(content)
    check_script(str(tmp_path / name), "run")
