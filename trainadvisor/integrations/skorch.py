"""Callback of skorch: `NeuralNetClassifier(..., callbacks=[AdvisorCallback()])`."""

from pathlib import Path
from typing import Any

from skorch.callbacks import Callback

from trainadvisor.integrations.callback_session import Session


class AdvisorCallback(Callback):
    """Records what the net fits; with `stop_on="error"` it ends a training that has failed, as Ctrl-C would."""

    def __init__(self, log: str | Path = "log.json", stop_on: str | None = None, every: int = 10) -> None:
        self.log, self.stop_on, self.every = log, stop_on, every

    def initialize(self) -> "AdvisorCallback":
        """Begin anew where the net is initialized for the first time."""
        if not hasattr(self, "session_"):
            self.session_ = Session(self.log, stop_on=self.stop_on, every=self.every)
        return self

    def on_train_begin(self, net: Any, **_: Any) -> None:
        """Record the training that begins."""
        self.session_.begin(net.module_, net.optimizer_)

    def on_batch_end(self, net: Any, **parts: Any) -> None:
        """Stop where something was found: skorch ends its training on an interruption."""
        del net
        if parts.get("training") and self.session_.stops:
            raise KeyboardInterrupt

    def on_train_end(self, net: Any, **_: Any) -> None:
        """Say what was found, where the net is to say anything."""
        said = self.session_.end()
        if said is not None and net.verbose:
            print(said)  # noqa: T201 - as skorch itself

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open recording out of a copy of the net."""
        return {key: value for key, value in vars(self).items() if key != "session_"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin without a recording."""
        self.__dict__.update(state)
        self.initialize()
