"""What a log never holds: secrets in any place, and what the user has asked to leave out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import forkedpython
import pytest

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter22hunter22"  # noqa: S105 - what is looked for
SCRIPT = f"""
import torch
api_key = "{SECRET}"
model = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.125)
for _ in range(5):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(model(torch.randn(8, 4)), torch.randint(2, (8,))).backward()
    optimizer.step()
raise RuntimeError("https://me:{SECRET}@host/data failed, token={SECRET}")
"""
ARGUMENTS = ["--epochs", "3", "--api-key", SECRET, f"--password={SECRET}", f"s3://me:{SECRET}@host/x"]


def recorded(folder: Path, *options: str) -> str:
    """Return the log of a script with a secret in its arguments, environment, source and exception."""
    (folder / "train.py").write_text(SCRIPT)
    command = ["-m", "trainadvisor", "run", "--log", "log.json", *options, "train.py", *ARGUMENTS]
    done = forkedpython.run(command, folder, {"MY_API_KEY": SECRET})
    assert done.returncode == 1
    assert SECRET not in done.stderr.partition("BROKEN")[2]
    return (folder / "log.json").read_text()


def records(log: str, kind: str) -> list[dict[str, Any]]:
    """Return the records of a kind."""
    return [record for record in json.loads(log) if record["record"] == kind]


def test_a_log_holds_no_secret(tmp_path: Path) -> None:
    """Neither of the arguments, nor of the environment, an address, or the text of an exception."""
    log = recorded(tmp_path)
    assert SECRET not in log
    argv = records(log, "header")[0]["argv"]
    assert argv == ["--epochs", "3", "--api-key", "***", "--password=***", "s3://me:***@host/x"]
    assert "lr=0.125" in log


@pytest.mark.parametrize(("option", "argv", "source"), [("--no-args", False, True), ("--no-source", True, False)])
def test_arguments_and_source_are_left_out_on_request(tmp_path: Path, option: str, *, argv: bool, source: bool) -> None:
    """Each by itself; the log is judged as before."""
    log = recorded(tmp_path, option)
    assert bool(records(log, "header")[0]["argv"]) is argv
    assert ("lr=0.125" in log) is source
