"""Spikes of a short training by hand: from sixty losses on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import signals_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("steps", "spikes"), [(59, None), (60, 1), (119, 1)])
def test_a_spike_of_four_steps_is_counted_from_sixty_losses_on(steps: int, spikes: int | None, tmp_path: Path) -> None:
    """Before that nobody can tell it from the fall."""
    losses = [2.0 - 0.2 * min(step, 5) + 0.001 * (step % 3) for step in range(steps)]
    losses[30:34] = [2.0] * 4
    assert signals_of(tmp_path, steps=steps, columns={"loss": losses})["loss_spike_count"] == spikes
