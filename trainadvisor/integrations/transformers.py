"""Callback of Hugging Face's Trainer, also of TRL and SetFit: `Trainer(..., callbacks=[AdvisorCallback()])`."""

from pathlib import Path
from typing import Any

from transformers import TrainerCallback
from transformers.utils import logging

from trainadvisor.integrations.callback_session import Session


class AdvisorCallback(TrainerCallback):
    """Records what the Trainer trains; with `stop_on="error"` it ends a training that has failed."""

    def __init__(self, log: str | Path = "log.json", *, stop_on: str | None = None, **settings: Any) -> None:
        self.session = Session(log, stop_on=stop_on, **settings)

    def on_train_begin(self, args: Any, state: Any, control: Any, **parts: Any) -> None:
        """Record the training that begins."""
        del args, control
        if state.is_world_process_zero:
            self.session.begin(parts["model"], parts.get("optimizer"))

    def on_step_end(self, args: Any, state: Any, control: Any, **parts: Any) -> None:
        """Stop where something was found."""
        del args, state, parts
        control.should_training_stop = control.should_training_stop or self.session.stops

    def on_train_end(self, args: Any, state: Any, control: Any, **parts: Any) -> None:
        """Say what was found."""
        del args, state, control, parts
        if (said := self.session.end()) is not None:
            logging.get_logger("transformers").warning(said)
