"""What is known of the exception that ended a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import event, signals_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("told", "known"), [("torch.serialization", "torch.serialization"), ("", None), (3, None)])
def test_the_module_that_raised_is_a_word_or_not_known(tmp_path: Path, told: object, known: str | None) -> None:
    """A log may hold anything there."""
    ended = event("exception", {"type": "RuntimeError", "raised_in": told, "torch_module": told})
    signals = signals_of(tmp_path, steps=[{"loss": 1.0}] * 3, events=[ended])
    assert (signals.get("crash_raised_in"), signals.get("crash_torch_module")) == (known, known)
