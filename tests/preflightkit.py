"""Logs and results for the tests of a preflight, without running anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from builders import build_log, make_model

from trainadvisor.judge.rule_loading import load
from trainadvisor.log.reader import read_log
from trainadvisor.preflight.first_steps import Script, Trial
from trainadvisor.preflight.procedure import Procedure, Wish

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trainadvisor.log.reader import RunLog
    from trainadvisor.preflight.preflight_result import Check, Preflight

BOOK = load()
GRID = np.geomspace(1e-6, 10.0, 100)
LOSS: dict[str, Any] = {
    "id": 0, "name": "mse_loss", "kind": "mse_loss", "reduction": "mean", "phase": "train",
    "prediction": {"shape": [32, 1]},
    "target": {"shape": [32, 1], "mean": 0.0, "std": 1.0, "variance": 1.0, "variance_columns": 1.0, "examples": 320},
}  # fmt: skip
MODEL = make_model(("0", "Linear", 8, 64), ("1", "ReLU"), ("2", "Linear", 64, 1))
SUM = LOSS | {"broadcast": [[32, 1], [32]], "target": LOSS["target"] | {"shape": [32]}}


def applied(change: str) -> dict[str, Any]:
    """Return the event of a change that took hold."""
    return {"kind": "change", "subject": change, "detail": {"applied": True, "what": change, "arguments": {}}}


class Given:
    """Stands for the runs of a script: each has its log already."""

    spent = 3.0
    code = 0

    def __init__(self, folder: Path, **logs: Any) -> None:
        self.asked: list[str] = []
        self._logs = {name.replace("_", "-"): self._log(folder, name, given) for name, given in logs.items()}

    def _log(self, folder: Path, name: str, given: Any) -> RunLog:
        more = dict(given) if isinstance(given, dict) else {"columns": {"loss": list(given), "lr": 0.01, "loss_id": 0}}
        events = [*more.pop("events", []), applied(name.replace("_", "-"))]
        return read_log(
            build_log(folder, name=f"{name}.json", **{"losses": [LOSS], "models": [MODEL], "events": events, **more})
        )

    def first(self, steps: int, more: Sequence[Any] = ()) -> Trial:
        """Return the first steps."""
        del steps, more
        return Trial(self._logs.get("natural"), "Traceback\nModuleNotFoundError: No module named 'x'", 2.0, self.code)

    def experiment(self, name: str, changes: Sequence[Any], steps: int, *, share: float = 1.0) -> RunLog | None:
        """Return the log of an experiment, None where there is none."""
        del changes, steps, share
        self.asked.append(name)
        return self._logs.get(name)


def swept(losses: Any) -> dict[str, Any]:
    """Return the log of a range test."""
    events = [applied("one-batch")]
    return {"columns": {"loss": list(losses), "lr": list(GRID), "loss_id": 0}, "events": events}


def fly(given: Given, **wish: Any) -> Preflight:
    """Run a preflight over logs."""
    return Procedure(Script("train.py", ("--fast",)), given, BOOK, Wish(**wish)).run()  # type: ignore[arg-type]


def named(result: Preflight, name: str) -> Check:
    """Return a check."""
    return next(check for check in result.checks if check.name == name)


LEARNT = np.geomspace(1.0, 0.01, 100)
RANGE = swept(1 - 0.9 / (1 + (1e-2 / GRID) ** 2) + 0.3 * np.log10(np.maximum(GRID / 0.1, 1)))
SLOW = np.linspace(1.0, 0.97, 60)
