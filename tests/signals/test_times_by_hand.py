"""Where the time and the memory of a run go, against numbers that can be worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import event, signals_of

if TYPE_CHECKING:
    from pathlib import Path

NAN = None
STALLS = [0.125 if n not in (15, 25, 35) else 1.0 for n in range(40)]
LOADERS = [{"id": 0, "role": "train", "workers": 2}, {"id": 1, "role": "eval", "workers": 8}]


def timed(seconds: list[Any], **columns: Any) -> dict[str, Any]:
    """Return the columns of steps that took so long."""
    return {"columns": {"loss": [1.0] * len(seconds), "seconds": seconds, **columns}}


CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "steps without their start": (
        timed([9.0] * 3 + [0.125] * 20), {"step_seconds": 0.125, "stepping_seconds": 2.5, "slow_steps": 0},
    ),
    "too few steps": (timed([9.0] * 3 + [0.125] * 19),
    {"step_seconds": None, "stepping_seconds": None, "slow_steps": None}),
    "steps after evaluations and at epochs": (
        timed([0.125] * 10 + [5.0] + [0.125] * 9 + [7.0] + [0.125] * 10, epoch=[0] * 20 + [1] * 11)
        | {"evals": [{"step": 10, "loss": 1.0}]},
        {"stepping_seconds": 26 * 0.125, "slow_steps": 0},
    ),
    "waiting": (
        timed([0.5] * 23, wait=[9.0] * 3 + [0.125] * 20),
        {"wait_seconds": 0.125, "wait_share": 0.25, "wait_lost": 20 * 0.125, "wait_ceiling": 1 / 0.75},
    ),
    "waiting all the time": (
        timed([0.5] * 23, wait=0.75), {"wait_share": 1.0, "wait_ceiling": 100.0},
    ),
    "waiting of some steps": (
        timed([0.5] * 23, wait=[0.125] * 22 + [NAN]), {"wait_seconds": None, "wait_share": None, "wait_ceiling": None},
    ),
    "workers": (timed([0.5] * 4) | {"loaders": LOADERS, "cores": 6}, {"loader_workers": 2, "cores": 6}),
    "no workers": (timed([0.5] * 4) | {"loaders": LOADERS[1:]}, {"loader_workers": None}),
    "stalls in a rhythm": (
        timed(STALLS),
        {"slow_steps": 3, "slow_step_seconds": 1.0, "slow_step_onset": 15, "slow_step_period": 10,
         "slow_step_regularity": 0.75, "slow_step_share": 3 * 0.875 / (34 * 0.125 + 3)},
    ),
    "two stalls": (timed([*STALLS[:30], *[0.125] * 10]),
    {"slow_steps": 2, "slow_step_period": None, "slow_step_regularity": None}),
    "stalls that are near each other": (
        timed([0.125 if n not in (15, 19, 23) else 1.0 for n in range(40)]), {"slow_steps": 3, "slow_step_period": 8},
    ),
    "stalls that are too far apart": (
        timed([0.125 if n not in (4, 21, 39) else 1.0 for n in range(40)]), {"slow_steps": 3, "slow_step_period": None},
    ),
    "steps with more backward passes": (
        timed(STALLS, micro=[1 if n not in (15, 25) else 8 for n in range(40)]),
        {"slow_steps": 1, "slow_step_onset": 35},
    ),
    "just not slow": (timed([0.125] * 20 + [0.625] + [0.125] * 4), {"slow_steps": 0}),
    "just slow": (timed([0.125] * 20 + [0.626] + [0.125] * 4), {"slow_steps": 1, "slow_step_onset": 20}),
    "slow, but for a moment": (timed([0.001] * 20 + [0.0109] + [0.001] * 4), {"slow_steps": 0}),
    "slow by more than a moment": (timed([0.001] * 20 + [0.0111] + [0.001] * 4), {"slow_steps": 1}),
    "checkpoints": (
        timed([9.0] * 3 + [0.5] * 20)
        | {"events": [event(kind, {"seconds": n})
                      for kind, n in (("checkpoint", 0.25), ("checkpoint", 0.75), ("checkpoint", 0.5), ("other", 9))]},
        {"checkpoints": 3, "checkpoint_seconds": 0.5, "checkpoint_share": 1.5 / 10},
    ),
    "no checkpoints": (timed([0.5] * 23), {"checkpoints": 0, "checkpoint_seconds": None, "checkpoint_share": 0.0}),
    "checkpoints without times": (timed([0.0] * 23), {"checkpoint_share": None}),
    "steady growth": (
        timed([0.5] * 100, memory=[float(max(n, 20)) for n in range(100)]),
        {"memory_growth": 72.0, "memory_rising_share": 1.0, "memory_late_ratio": 0.8, "memory_per_step": 72_000 / 79},
    ),
    "a cache that fills up": (
        timed([0.5] * 100, memory=[float(min(n, 59)) for n in range(100)]),
        {"memory_growth": 35.5, "memory_rising_share": 5 / 9, "memory_late_ratio": 0.0},
    ),
    "too little memory": (
        timed([0.5] * 100, memory=[NAN] * 91 + [1.0] * 9), {"memory_growth": None, "memory_rising_share": None,
                                                           "memory_late_ratio": None, "memory_per_step": None},
    ),
    "just enough memory": (timed([0.5] * 100, memory=[NAN] * 90 + [1.0] * 10),
    {"memory_growth": 0.0, "memory_rising_share": 0.0}),
    "a standstill": (
        timed([0.5, 2.0, NAN]) | {"events": [event("stall", {"seconds": 7.0}), event("other", {"seconds": 9.0})]},
        {"standstill_seconds": 7.0},
    ),
    "the slowest step": (timed([0.5, 2.0, NAN]), {"standstill_seconds": 2.0}),
    "no times": ({"steps": 4}, {"standstill_seconds": None}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_where_time_and_memory_go(tmp_path: Path, name: str) -> None:
    """To the last digit."""
    parts, told = CASES[name]
    found = signals_of(tmp_path, **parts)
    assert {signal: found[signal] for signal in told} == pytest.approx(told)
