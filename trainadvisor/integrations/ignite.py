"""Handler of ignite: `AdvisorHandler(model, optimizer).attach(trainer)`."""

from pathlib import Path
from typing import Any

from ignite.engine import Engine, Events

from trainadvisor.integrations.callback_session import Session


class AdvisorHandler:
    """Records what an engine trains; with `stop_on="error"` it ends a training that has failed."""

    def __init__(
        self, model: Any, optimizer: Any = None, log: str | Path = "log.json", *, stop_on: str | None = None,
        **settings: Any,
    ) -> None:  # fmt: skip
        self._model, self._optimizer = model, optimizer
        self.session = Session(log, stop_on=stop_on, **settings)

    def attach(self, engine: Engine) -> None:
        """Follow the engine that trains."""
        engine.add_event_handler(Events.STARTED, lambda _: self.session.begin(self._model, self._optimizer))
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._stop)
        engine.add_event_handler(Events.COMPLETED, self._end)
        engine.add_event_handler(Events.TERMINATE, self._end)

    def _stop(self, engine: Engine) -> None:
        if self.session.stops:
            engine.terminate()

    def _end(self, engine: Engine) -> None:
        if (said := self.session.end()) is not None:
            engine.logger.warning(said)
