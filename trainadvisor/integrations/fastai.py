"""Callback of fastai: `Learner(..., cbs=AdvisorCallback())`."""

from pathlib import Path
from typing import Any

from fastai.callback.core import Callback, CancelFitException

from trainadvisor.integrations.callback_session import Session


class AdvisorCallback(Callback):
    """Records what the learner fits; with `stop_on="error"` it ends a training that has failed."""

    def __init__(self, log: str | Path = "log.json", *, stop_on: str | None = None, **settings: Any) -> None:
        super().__init__()
        self.session = Session(log, stop_on=stop_on, **settings)

    def before_train(self) -> None:
        """Record the training that begins; a validation alone has none."""
        self.session.begin(self.learn.model, self.learn.opt)
        self.session.epoch(self.learn.epoch)  # it has begun when the first training of a fit does

    def after_batch(self) -> None:
        """Stop where something was found."""
        if self.learn.training and self.session.stops:
            raise CancelFitException

    def after_fit(self) -> None:
        """Say what was found."""
        if (said := self.session.end()) is not None:
            print(said)  # noqa: T201 - as fastai itself
