"""Runs a framework's script plainly and under the recorder, in processes of their own."""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trainadvisor.document import Diagnosis, diagnose
from trainadvisor.log.reader import RunLog, read_log

SCRIPTS = Path(__file__).parent / "scripts"
_SITE = Path(__file__).parent / "site"
_SECONDS = 300


@dataclass
class Ran:
    """What a script did under the recorder."""

    code: int
    out: str
    log: RunLog
    figures: dict[str, Any]

    @property
    def diagnosis(self) -> Diagnosis:
        """Return what was found in the log."""
        return diagnose(self.log)


def needs(*packages: str) -> pytest.MarkDecorator:
    """Skip a test where a package is not installed."""
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} is not installed")


def python(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments in a folder."""
    environment = {
        **os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false",
        "PYTHONPATH": os.pathsep.join([str(_SITE), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=_SECONDS,
        check=False,
    )  # fmt: skip


def recorded(script: Path, folder: Path, *args: str) -> Ran:
    """Run a script under the recorder and read its log and the figures that it printed."""
    log = folder / "log.json"
    done = python(folder, "-m", "trainadvisor", "run", "--log", str(log), str(script), *args)
    assert log.exists(), done.stderr
    return Ran(done.returncode, done.stdout, read_log(log), figures_in(done.stdout))


def figures_in(out: str) -> dict[str, Any]:
    """Return what a script printed after the word FIGURES."""
    lines = [line for line in out.splitlines() if line.startswith("FIGURES ")]
    return json.loads(lines[-1].removeprefix("FIGURES ")) if lines else {}
