"""What the callbacks of all frameworks share: one recording over all their trainings, and what it says at the end."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.instrument import torch_events
from trainadvisor.record import process_rank

if TYPE_CHECKING:
    from trainadvisor.monitor.alerts import Alert
    from trainadvisor.watching import Watcher


class Session:
    """Records the trainings of one callback; under `trainadvisor run` and on other ranks it does nothing."""

    def __init__(self, log: str | Path = "log.json", *, stop_on: str | None = None, **settings: Any) -> None:
        """Take the log to write, the level of a finding that ends the training, and settings of `watch`."""
        self.log, self._stop_on, self._settings = Path(log), stop_on, settings
        self.watcher: Watcher | None = None
        # What the training is to be stopped for.
        self.found: Alert | None = None

    def begin(self, model: Any, optimizer: Any = None) -> None:
        """Record the training that begins; a second one of the same model goes on in the same log."""
        if process_rank.place()[0] != 0 or torch_events.discovering():
            return
        if self.watcher is not None and self.watcher.recording and self.watcher.records(model):
            return
        from trainadvisor.watching import watch

        log = self.log if self.watcher is None else self._next()
        self.watcher, self.found = watch(model, optimizer, log=log, **self._settings), None
        if self._stop_on is not None:
            self.watcher.on(self._stop_on, self._heed)

    def epoch(self, number: int) -> None:
        """Take the number, from 0, of the epoch that begins."""
        if self.watcher is not None and self.watcher.recording:
            self.watcher.epoch(number)

    def _next(self) -> Path:
        """Return a log beside those of the trainings before."""
        assert self.watcher is not None  # noqa: S101 - told to mypy
        number = int(self.watcher.log.stem.rpartition("-")[2]) if self.watcher.log.stem != self.log.stem else 1
        return self.log.with_name(f"{self.log.stem}-{number + 1}{self.log.suffix}")

    def _heed(self, alert: "Alert") -> None:
        self.found = self.found or alert

    @property
    def stops(self) -> bool:
        """Whether a finding asks to stop the training."""
        return self.found is not None

    def end(self) -> str | None:
        """Write what was recorded so far and return what there is to say about it; None where nothing was recorded."""
        if self.watcher is None or not self.watcher.recording:
            return None
        found, log = self.watcher.diagnose(), self.watcher.log
        codes = ", ".join(finding.code for finding in found.findings)
        return f"trainadvisor: {found.summary}{f' [{codes}]' if codes else ''} (trainadvisor diagnose {log})"
