"""Callback of Keras on torch: `model.fit(..., callbacks=[AdvisorCallback()])`."""

from pathlib import Path
from typing import Any

from keras.callbacks import Callback
from keras.config import backend
from keras.src.utils.io_utils import print_msg

from trainadvisor.errors import UsageError
from trainadvisor.integrations.callback_session import Session


class AdvisorCallback(Callback):
    """Records what the model fits; with `stop_on="error"` it ends a training that has failed."""

    def __init__(self, log: str | Path = "log.json", *, stop_on: str | None = None, **settings: Any) -> None:
        super().__init__()
        self.session = Session(log, stop_on=stop_on, **settings)

    def on_train_begin(self, logs: Any = None) -> None:
        """Record the training that begins."""
        del logs
        if backend() != "torch":
            raise UsageError(f"trainadvisor records Keras on torch, not on {backend()}; set KERAS_BACKEND=torch")
        self.session.begin(self.model, self.model.optimizer)

    def on_train_batch_end(self, batch: Any, logs: Any = None) -> None:
        """Stop where something was found."""
        del batch, logs
        self.model.stop_training = self.model.stop_training or self.session.stops

    def on_train_end(self, logs: Any = None) -> None:
        """Say what was found."""
        del logs
        if (said := self.session.end()) is not None:
            print_msg(said)
