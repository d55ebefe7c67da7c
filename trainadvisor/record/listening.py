"""Begins to listen to torch, and says what the installed version lacks for that."""

from typing import Protocol

import torch

from trainadvisor.instrument import private_torch, torch_events
from trainadvisor.instrument.module_calls import Listener
from trainadvisor.interruptions import from_handler
from trainadvisor.log.records import Record
from trainadvisor.voice import Voice


class Reporting(Listener, Protocol):
    """A listener that writes events."""

    def event(self, kind: str, subject: str, detail: Record) -> None:
        """Write an event at the current step."""


def listen(recorder: Reporting) -> None:
    """Let torch tell the recorder; what cannot be had is one note in the log and one line on standard error."""
    lacking = private_torch.told()
    if not private_torch.unusable:
        try:
            torch_events.add(recorder)
        except Exception as error:
            if from_handler(error):
                raise
            lacking = f"torch {torch.__version__} cannot be listened to ({type(error).__name__}: {error})"
    if lacking is not None:
        recorder.event("probe-failed", "torch", {"probe": "torch", "error": lacking})
        voice = Voice()
        voice.line(f"trainadvisor: {lacking}")
        voice.close()
