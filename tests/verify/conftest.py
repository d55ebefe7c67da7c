"""Sessions over the child that needs no torch."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from trainadvisor.configuration import Config
from trainadvisor.trials.budget import Budget
from trainadvisor.trials.child_process import Setting
from trainadvisor.trials.engines.local import LocalEngine
from trainadvisor.verify.progress import Progress
from trainadvisor.verify.session import Request, Session

PROGRAM = (sys.executable, str(Path(__file__).with_name("fake_trial.py")))
Made = Callable[..., Session]


@pytest.fixture
def session(tmp_path: Path) -> Made:
    """A maker of sessions: the lines of the script, then what is asked for."""

    def make(*lines: str, budget: float = 60.0, slots: int = 1, **asked) -> Session:
        folder = tmp_path / "project"
        folder.mkdir(exist_ok=True)
        (folder / "train.txt").write_text("\n".join(lines))
        setting = Setting(folder, tmp_path / "logs", program=PROGRAM)
        request = Request("train.txt", (), **asked)
        return Session(request, Budget(budget), LocalEngine(slots), setting, Config(), Progress())

    return make
