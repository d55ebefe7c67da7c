"""Logs of other trainers, each sound or with one of the 25 troubles."""

from __future__ import annotations

import json
import math
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
from policylogs import Rows, dpo, grpo, ppo

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 100


def written(folder: Path, rows: Rows) -> Path:
    """Rows as a file."""
    path = folder / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def tuned(**other: Any) -> Rows:
    """What transformers logs of a fine-tuning with ten evaluations; `other` are functions of the progress."""
    draw = np.random.default_rng(0)
    rows: Rows = []
    for step in range(1, STEPS + 1):
        done = step / STEPS
        loss = 0.5 + 2 * math.exp(-4 * done) + 0.02 * draw.normal()
        rows.append({"step": step, "loss": loss, "grad_norm": 1 + 0.2 * draw.random(), "learning_rate": 2e-5})
        if step % 10 == 0:
            rows.append({"step": step, "eval_loss": 0.6 + 2 * math.exp(-4 * done) + 0.005 * draw.normal()})
    for row in rows:
        done = row["step"] / STEPS
        row |= {name: told(done) for name, told in other.items() if name.startswith("eval_") == ("eval_loss" in row)}
    return rows


def loss_zero(folder: Path, *, broken: bool) -> Path:
    """From the thirtieth step on the loss is 0.0 and the gradient norm NaN."""
    rows = tuned()
    for row in rows[30:] if broken else ():
        if "loss" in row:
            row |= {"loss": 0.0, "grad_norm": math.nan}
    return written(folder, rows)


def loss_of_groups(folder: Path, *, broken: bool) -> Path:
    """A loss near 0: for want of any spread, or as it is with sound groups."""
    empty = {"frac_reward_zero_std": 1.0, "reward_std": 0.0, "reward": 0.0, "loss": 0.0}
    return written(folder, grpo(**(empty if broken else {})))


def policy_drifts(folder: Path, *, broken: bool) -> Path:
    """The distance to the reference reaches 12 nats."""
    return written(folder, grpo(**({"kl": lambda done: 12 * done**2} if broken else {})))


def rollout_differs(folder: Path, *, broken: bool) -> Path:
    """Log-probabilities of the trainer and of the rollout are 0.9 nats apart."""
    return written(folder, grpo(**({"sampling/sampling_logp_difference/mean": 0.9} if broken else {})))


def rewards_fall(folder: Path, *, broken: bool) -> Path:
    """Both rewards fall: without a margin, or with one that grows."""
    collapsed = {"chosen": -27.0, "rejected": -26.5, "rewards/accuracies": 0.45}
    return written(folder, dpo(**(collapsed if broken else {})))


def variance_unexplained(folder: Path, *, broken: bool) -> Path:
    """The value function explains nothing, and the return stays where it was."""
    draw = np.random.default_rng(1)
    faulty = {
        "train/explained_variance": lambda _: -0.02 + 0.02 * draw.normal(),
        "rollout/ep_rew_mean": lambda _: -200 + 8 * draw.normal(),
    }
    return written(folder, ppo(**(faulty if broken else {})))


def held_out_rises(folder: Path, *, broken: bool) -> Path:
    """After the second evaluation the loss on held-out data climbs."""
    return written(folder, tuned(**({"eval_loss": lambda done: 0.8 + 1.5 * (done - 0.2) ** 2} if broken else {})))


def forgets(folder: Path, *, broken: bool) -> Path:
    """The loss on general text rises by two fifths, or by a fiftieth, while that of the task falls."""
    rise = 1.0 if broken else 0.05
    return written(folder, tuned(eval_general_loss=lambda done: 2.5 + rise * done))


def hangs(folder: Path, *, broken: bool) -> Path:
    """Dumps of PyTorch's flight recorder: one rank never makes the second call; where all do, none is blamed."""

    def call(number: int, state: str) -> dict[str, Any]:
        return {"process_group": ("0", "default_pg"), "collective_seq_id": number, "profiling_name": "nccl:all_reduce",
                "is_p2p": False, "state": state, "retired": state == "completed", "input_sizes": [[4]],
                "frames": [{"filename": "/me/train.py", "line": number}]}  # fmt: skip

    written(folder, tuned())
    first, second = call(1, "completed"), call(2, "started" if broken else "completed")
    for rank, entries in enumerate(([first, second], [first] if broken else [first, second])):
        dump = {"version": "2.10", "pg_config": {"0": {"ranks": "[0, 1]"}}, "entries": entries}
        (folder / f"nccl_trace_rank_{rank}").write_bytes(pickle.dumps(dump, protocol=2))
    return folder if broken else folder / "rows.jsonl"
