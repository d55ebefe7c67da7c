"""Tracker of Accelerate: `Accelerator(log_with=AdvisorTracker(model, optimizer))`, then `init_trackers(...)`."""

from pathlib import Path
from typing import Any

from accelerate.logging import get_logger
from accelerate.tracking import GeneralTracker, on_main_process

from trainadvisor.integrations.callback_session import Session


class AdvisorTracker(GeneralTracker):
    """Records what an Accelerator's loop trains; `stops` says whether a finding of the level `stop_on` asks to stop."""

    name = "trainadvisor"
    requires_logging_directory = False

    def __init__(
        self, model: Any, optimizer: Any = None, log: str | Path = "log.json", *, stop_on: str | None = None,
        **settings: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        self.session = Session(log, stop_on=stop_on, **settings)
        self._model, self._optimizer = model, optimizer
        self.start()

    @on_main_process
    def start(self) -> None:
        """Record from here on."""
        self.session.begin(self._model, self._optimizer)

    @property
    def tracker(self) -> Any:
        """Return the recording."""
        return self.session.watcher

    @property
    def stops(self) -> bool:
        """Whether a finding asks to stop; pass it to `accelerator.set_trigger()` where several processes train."""
        return self.session.stops

    @on_main_process
    def store_init_configuration(self, values: dict[str, Any]) -> None:
        """Do nothing: the recording sees the settings itself."""

    @on_main_process
    def log(self, values: dict[str, Any], step: int | None = None, **_: Any) -> None:
        """Take what the loop logs of an evaluation: names with `eval` or `val` in front."""
        del step
        told = {key: value for key, value in values.items() if key.startswith(("eval", "val"))}
        if told and self.session.watcher is not None:
            loss = next((value for key, value in told.items() if key.endswith("loss")), None)
            self.session.watcher.validation(loss, **{k: v for k, v in told.items() if not k.endswith("loss")})

    @on_main_process
    def finish(self) -> None:
        """Say what was found and close the log."""
        if (said := self.session.end()) is not None:
            get_logger(__name__).warning(said)
        if self.session.watcher is not None:
            self.session.watcher.close()
