"""A trial: the unmodified script under the recorder, with changes applied from outside, possibly cut short.

`python -m trainadvisor.trials.changed_script SPEC.json`; the script's output and exit code are its own.
"""

import json
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.changes.catalogue import Choice, chosen
from trainadvisor.errors import TrainAdvisorError, UsageError, did_you_mean
from trainadvisor.record.run_script import Run
from trainadvisor.trials.copied import lead_into_copies

if TYPE_CHECKING:
    from trainadvisor.changes.applying.change_session import ChangeSession

USAGE = 2


@dataclass
class Spec:
    """What a trial runs, what it changes, and when it ends."""

    target: str
    log: str
    args: list[str] = field(default_factory=list)
    module: bool = False
    changes: list[dict[str, Any]] = field(default_factory=list)
    stop_after_steps: int | None = None
    stop_after_seconds: float | None = None
    every: int = 10
    seed: int | None = None
    # The script and its arguments as the user knows them, where this is a copy.
    shown: list[str] | None = None
    # Folders and their copies: what Python would import from the folders comes from the copies.
    moved: list[list[str]] = field(default_factory=list)


def read(path: Path) -> Spec:
    """Read a SPEC.json; raise UsageError when it is invalid."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: this is no SPEC.json ({error}); write one as `trainadvisor verify` does") from error
    known = {part.name for part in fields(Spec)}
    if not isinstance(given, dict) or not {"target", "log"} <= set(given):
        raise UsageError(f'{path}: a trial needs at least "target" and "log"')
    for key in given:
        if key not in known:
            raise UsageError(f"{path}: there is no entry {key!r}{did_you_mean(key, known)}")
    return Spec(**given)


class Trial(Run):
    """A run with changes."""

    def __init__(self, spec: Spec) -> None:
        """Validate the changes, the script and the log; raise UsageError or LogError if they are unusable."""
        self.spec = spec
        self.choices: list[Choice] = chosen(spec.changes)
        super().__init__(spec.target, spec.args, module=spec.module, log=Path(spec.log), every=spec.every)
        if spec.shown:
            self.shown = (spec.shown[0], spec.shown[1:])
        self._session: ChangeSession | None = None
        self._undo: list[Callable[[], None]] = []

    def execute(self) -> int:
        """Run the script to its end or its limit; return its exit code."""
        if self.spec.seed is not None:
            self._undo += [_moved(random, "seed", self.spec.seed)]
            random.seed(0)
        return super().execute()

    def _start(self) -> None:
        super()._start()
        from trainadvisor.changes.applying.change_session import ChangeSession

        if self.spec.seed is not None:
            self._undo += _move_seeds(self.spec.seed)
        stop_after = (self.spec.stop_after_steps, self.spec.stop_after_seconds)
        self._session = ChangeSession(self._recorder, stop_after=stop_after)
        self._session.apply(self.choices)

    def _stop(self, reason: str) -> None:
        if self._session is not None:
            self._session.close()
        while self._undo:  # before the recorder removes its own hooks, which lie beneath these
            self._undo.pop()()
        super()._stop(reason)


def _move_seeds(offset: int) -> list[Callable[[], None]]:
    """Add an offset to every seed that the script sets, and set one for a script that sets none."""
    import numpy as np
    import torch

    from trainadvisor.instrument.patching import graft

    def moved(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        seed = args[0] if args else kwargs["seed"]
        return original(int(seed) + offset)

    undo = [graft(torch.manual_seed, moved), _moved(np.random, "seed", offset)]
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - the script's global generator
    return undo


def _moved(owner: Any, name: str, offset: int) -> Callable[[], None]:
    function = getattr(owner, name)

    def moved(seed: Any = 0, *args: Any, **kwargs: Any) -> Any:
        return function(
            seed + offset if isinstance(seed, int) else seed if seed is not None else offset, *args, **kwargs
        )

    setattr(owner, name, moved)
    return lambda: setattr(owner, name, function)


def main(arguments: list[str]) -> int:
    """Run the trial that a SPEC.json describes."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m trainadvisor.trials.changed_script SPEC.json\n")
        return USAGE
    try:
        spec = read(Path(arguments[0]))
        lead_into_copies(spec.moved)
        trial = Trial(spec)
    except TrainAdvisorError as error:
        sys.stderr.write(f"trainadvisor: {error}\n")
        return USAGE
    return trial.execute()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
