"""The units of a session: changes, candidates made of them, the run of a candidate, and its outcome."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from trainadvisor.changes.catalogue import about

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.changes.declaration import ChangeSpec
    from trainadvisor.judge.result import Remedy


@dataclass(frozen=True)
class Change:
    """A remedy in a form that a re-run can apply."""

    change: str
    arguments: dict[str, Any] = field(default_factory=dict)

    @property
    def about(self) -> ChangeSpec:
        """Return its entry in the catalogue."""
        return about(self.change)

    def label(self) -> str:
        """Return a one-line description such as "lr value=0.003"."""
        told = [f"{name}={_short(value)}" for name, value in self.arguments.items()]
        return " ".join([self.change, *told])

    def spec(self) -> dict[str, Any]:
        """Return it in the form that the re-run reads."""
        return {"change": self.change, "arguments": self.arguments}


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Candidate:
    """One or more changes tried together, with the finding and remedies that they come from."""

    changes: tuple[Change, ...]
    code: str | None = None
    remedies: tuple[Remedy | None, ...] = ()
    # remedy, rival (the experiment that separates two findings), fallback or combined.
    origin: str = "remedy"
    # What it must improve if its finding is about time or memory.
    measures: tuple[str, ...] = ()

    def label(self) -> str:
        """Return a one-line description of the changes."""
        return " + ".join(change.label() for change in self.changes)

    @property
    def words(self) -> frozenset[str]:
        """Return the description of its changes."""
        return frozenset(change.change for change in self.changes)

    @property
    def rescales_loss(self) -> bool:
        """Return whether it alters the meaning of the training loss."""
        return any(change.about.rescales_loss for change in self.changes)

    @property
    def acts_after_first_step(self) -> bool:
        """Return whether the loss of the first step is unchanged, given the same seed."""
        return all(change.about.acts_after_first_step for change in self.changes)

    @property
    def may_end_early(self) -> bool:
        """Return whether a run with it may end after fewer steps."""
        return any(change.about.may_end_early for change in self.changes)

    @property
    def alone(self) -> bool:
        """Return whether it is never combined with others."""
        return any(change.about.alone for change in self.changes)

    @property
    def per_run(self) -> bool:
        """Return whether its arguments depend on the seed."""
        return any(change.about.per_run for change in self.changes)

    @property
    def both_ways(self) -> bool:
        """Return whether it only sets a quantity that exists once per run."""
        return all(change.about.both_ways for change in self.changes)

    def joined(self, other: Candidate) -> Candidate:
        """Return the combination of both candidates."""
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
    # Seconds of wall time after which the process is killed.
    limit: float = 60.0
    name: str = "baseline"
    # The script and its arguments as the user knows them, if target and arguments are those of a copy.
    shown: tuple[str, ...] | None = None

    def spec(self, target: str, args: list[str], log: str) -> dict[str, Any]:
        """Return what the child process reads, with the paths of the place where it runs."""
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
    # Why it was stopped: hopeless, refused, limit, cancelled, lost (its machine went away); None when it ended.
    stopped: str | None = None
    detail: str = ""
    stdout: str = ""
    stderr: str = ""
