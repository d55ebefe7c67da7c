"""What a trial runs and what came of it: changes, one run of the script with them, its outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trainadvisor.changes.catalogue import about

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.changes.declaration import ChangeSpec


@dataclass(frozen=True)
class Change:
    """A remedy in the form that a re-run can apply."""

    change: str
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def about(self) -> ChangeSpec:
        """Return what the catalogue knows of it."""
        return about(self.change)

    def label(self) -> str:
        """Return it in one line, such as "lr value=0.003"."""
        told = [f"{name}={_short(value)}" for name, value in self.arguments.items()]
        return " ".join([self.change, *told])

    def spec(self) -> dict[str, Any]:
        """Return it as the re-run reads it."""
        return {"change": self.change, "arguments": self.arguments}


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Job:
    """One run of the script: with which changes, seeds and limits."""

    target: str
    args: tuple[str, ...]
    module: bool
    changes: tuple[Change, ...] = ()
    seed: int | None = None
    stop_after_steps: int | None = None
    stop_after_seconds: float | None = None
    # Seconds of wall time after which the process is killed.
    limit: float = 60.0
    name: str = "baseline"
    # The script and its arguments as the user knows them, where target and arguments are those of a copy.
    shown: tuple[str, ...] | None = None

    def spec(self, target: str, args: list[str], log: str) -> dict[str, Any]:
        """Return what the child process reads, with paths as they are where it runs."""
        return {
            "target": target,
            "args": args,
            "module": self.module,
            "log": log,
            "changes": [change.spec() for change in self.changes],
            "stop_after_steps": self.stop_after_steps,
            "stop_after_seconds": self.stop_after_seconds,
            "every": 10,
            "seed": self.seed,
            "shown": list(self.shown or (self.target, *self.args)),
        }


@dataclass(frozen=True)
class Outcome:
    """How a run ended, and its log."""

    job: Job
    log: Path
    # Exit code of the script; None when the process was killed.
    code: int | None
    seconds: float
    # Why it was stopped: hopeless, refused, limit, canceled, lost (its machine went away); None when it ended.
    stopped: str | None = None
    detail: str = ""
    stdout: str = ""
    stderr: str = ""
