"""Callback of Lightning: `Trainer(callbacks=[AdvisorCallback()])`."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.integrations.callback_session import Session

if TYPE_CHECKING or find_spec("lightning") is not None:
    from lightning.pytorch import Callback
    from lightning.pytorch.utilities import rank_zero_warn
else:
    from pytorch_lightning import Callback
    from pytorch_lightning.utilities import rank_zero_warn


class AdvisorCallback(Callback):
    """Records what the Trainer fits; with `stop_on="error"` it ends a training that has failed."""

    def __init__(self, log: str | Path = "log.json", *, stop_on: str | None = None, **settings: Any) -> None:
        self.session = Session(log, stop_on=stop_on, **settings)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Record the training that begins."""
        if trainer.is_global_zero:
            self.session.begin(pl_module, trainer.optimizers)

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Take the epoch as Lightning counts it."""
        del pl_module
        self.session.epoch(trainer.current_epoch)

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        """Stop where something was found."""
        trainer.should_stop = trainer.should_stop or self.session.stops

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Say what was found."""
        del trainer, pl_module
        if (said := self.session.end()) is not None:
            rank_zero_warn(said)
