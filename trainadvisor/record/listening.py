"""Begins to listen to torch, and says what the installed version lacks for that."""

from typing import TYPE_CHECKING

import torch

from trainadvisor.instrument import private_torch, torch_events
from trainadvisor.interruptions import from_handler
from trainadvisor.voice import Voice

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder


def listen(recorder: "Recorder") -> None:
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
