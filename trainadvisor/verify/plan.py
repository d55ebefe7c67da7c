"""What is tried: changes, candidates made of them, one run of a candidate, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.judge.result import Remedy

# changes after which the value of the training loss stands for something else
RESCALING = frozenset({
    "loss-function", "standardize-targets", "label-smoothing", "class-weights", "balance-loss", "match-shapes",
    "remove-output-activation", "change-output-activation", "augmentation", "accumulation",
})  # fmt: skip
# changes that leave the loss of the first step as it was, given the same seed
AFTER_FIRST_STEP = frozenset({
    "lr", "optimizer", "clip", "weight-decay", "betas", "eps", "schedule", "warmup", "add-zero-grad", "add-step",
    "early-stopping", "unfreeze", "scheduler-step",
})  # fmt: skip


@dataclass(frozen=True)
class Change:
    """A remedy in the form that a re-run can apply."""

    change: str
    arguments: dict[str, Any] = field(default_factory=dict)

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
class Candidate:
    """One or more changes tried together, with the finding and the remedies they come from."""

    changes: tuple[Change, ...]
    code: str | None = None
    remedies: tuple[Remedy | None, ...] = ()
    origin: str = "remedy"
    """remedy, rival (the experiment that separates two findings), fallback or combined."""
    measures: tuple[str, ...] = ()
    """What it has to better, where its finding is about time or memory."""

    def label(self) -> str:
        """Return the changes in one line."""
        return " + ".join(change.label() for change in self.changes)

    @property
    def words(self) -> frozenset[str]:
        """Return the words of its changes."""
        return frozenset(change.change for change in self.changes)

    def joined(self, other: Candidate) -> Candidate:
        """Return both together."""
        return replace(
            self,
            changes=self.changes + other.changes,
            remedies=self.remedies + other.remedies,
            origin="combined",
        )


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
    limit: float = 60.0
    """Seconds of wall time after which the process is killed."""
    name: str = "baseline"
    shown: tuple[str, ...] | None = None
    """The script and its arguments as the user knows them, where target and arguments are those of a copy."""

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
    code: int | None
    """Exit code of the script; None when the process was killed."""
    seconds: float
    stopped: str | None = None
    """Why it was stopped: hopeless, refused, limit, cancelled, lost (its machine went away); None when it ended."""
    detail: str = ""
    stdout: str = ""
    stderr: str = ""
