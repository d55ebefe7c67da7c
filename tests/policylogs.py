"""Logs of policy and preference trainings as TRL, verl, Stable-Baselines3 and CleanRL write them, sound and broken."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from trainadvisor import telling
from trainadvisor.importers.foreign_logs import read_log

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.judge.result import Diagnosis

Rows = list[dict[str, Any]]
STEPS = 120


def judged(folder: Path, rows: Rows) -> Diagnosis:
    """The diagnosis of rows that another trainer wrote."""
    path = folder / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return telling.diagnose(read_log(path))


def codes(found: Diagnosis) -> list[str]:
    """The findings that are no notes, the first cause first."""
    return [item.code for item in found.findings if item.severity > "note"]


def notes(found: Diagnosis) -> list[str]:
    """What is said to be expected."""
    return [item.code for item in found.findings if item.kind == "expected"]


def grpo(seed: int = 0, steps: int = STEPS, **other: Any) -> Rows:
    """A log of TRL's GRPOTrainer whose reward rises; `other` are values of a column, or a function of the progress."""
    draw = np.random.default_rng(seed)
    rows: Rows = []
    for step in range(1, steps + 1):
        done = step / steps
        row = {
            "step": step,
            "loss": round(0.04 * 0.1 * done + 1e-3 * draw.normal(), 6),
            "grad_norm": 0.2 + 0.05 * draw.random(),
            "learning_rate": 1e-6,
            "completions/mean_length": 180 + 40 * draw.random(),
            "completions/clipped_ratio": 0.05 * draw.random(),
            "reward": 0.2 + 0.6 * done + 0.05 * draw.normal(),
            "reward_std": 0.3 + 0.05 * draw.random(),
            "frac_reward_zero_std": 0.3 * draw.random(),
            "kl": 0.1 * done,
            "entropy": 0.5 - 0.2 * done + 0.02 * draw.normal(),
            "clip_ratio/region_mean": 0.01 * draw.random(),
            "sampling/sampling_logp_difference/mean": 0.02 + 0.005 * draw.random(),
            "sampling/importance_sampling_ratio/mean": 0.98 + 0.02 * draw.random(),
        }
        rows.append(row | {name: _value(told, done) for name, told in other.items()})
    return rows


def _value(told: Any, done: float) -> float:
    return float(told(done) if callable(told) else told)


def verl(seed: int = 0, steps: int = STEPS, **other: Any) -> str:
    """What verl prints, one line a step; the names of `other` have two underscores in place of a slash."""
    draw = np.random.default_rng(seed)
    lines = []
    for step in range(1, steps + 1):
        done = step / steps
        figures = {
            "actor/entropy": 0.4 - 0.1 * done,
            "actor/pg_loss": 0.01 * draw.normal(),
            "actor/kl_loss": 0.05 * done,
            "actor/pg_clipfrac": 0.001,
            "actor/ppo_kl": 0.0003,
            "actor/grad_norm": 0.2,
            "actor/lr": 1e-6,
            "critic/score/mean": 0.2 + 0.5 * done + 0.02 * draw.normal(),
            "critic/rewards/mean": 0.2 + 0.5 * done + 0.02 * draw.normal(),
            "response_length/mean": 300.0,
            "response_length/clip_ratio": 0.02,
            "training/rollout_probs_diff_mean": 0.004,
        }
        figures |= {name.replace("__", "/"): _value(told, done) for name, told in other.items()}
        lines.append(f"step:{step} - " + " - ".join(f"{name}:{value:.6g}" for name, value in figures.items()))
    return "\n".join(lines)


def ppo(seed: int = 0, steps: int = STEPS, **other: Any) -> Rows:
    """A log of Stable-Baselines3's PPO whose reward rises; the names of `other` stand behind a slash."""
    draw = np.random.default_rng(seed)
    rows: Rows = []
    for step in range(1, steps + 1):
        done = step / steps
        row = {
            "time/total_timesteps": 2048 * step,
            "rollout/ep_rew_mean": -200 + 150 * done + 8 * draw.normal(),
            "rollout/ep_len_mean": 200.0,
            "train/approx_kl": 0.01 + 0.004 * draw.random(),
            "train/clip_fraction": 0.1 + 0.05 * draw.random(),
            "train/entropy_loss": -1.38 + 0.6 * done,
            "train/explained_variance": min(0.9, 2 * done) + 0.02 * draw.normal(),
            "train/loss": 50 * math.exp(-2 * done) + draw.random(),
            "train/value_loss": 90 * math.exp(-2 * done) + draw.random(),
            "train/policy_gradient_loss": -0.01 + 0.004 * draw.normal(),
            "train/learning_rate": 3e-4,
        }
        rows.append(row | {name: _value(told, done) for name, told in other.items()})
    return rows


def dpo(seed: int = 0, steps: int = STEPS, *, chosen: float = -1.2, rejected: float = -3.0, **other: Any) -> Rows:
    """A log of TRL's DPOTrainer whose rewards end near two levels, with an evaluation every tenth step."""
    draw = np.random.default_rng(seed)
    rows: Rows = []
    for step in range(1, steps + 1):
        done = (step - 1) / steps
        good, bad = (level * done + 0.02 * draw.normal() * (step > 1) for level in (chosen, rejected))
        row = {
            "step": step,
            "loss": round(math.log1p(math.exp(bad - good)), 4),
            "grad_norm": 5 + draw.random(),
            "learning_rate": 5e-7,
            "rewards/chosen": good,
            "rewards/rejected": bad,
            "rewards/margins": good - bad,
            "rewards/accuracies": 0.5 + 0.3 * min(1.0, 4 * done) * (good > bad),
            "logps/chosen": -200 + 10 * good,
            "logps/rejected": -210 + 10 * bad,
        }
        rows.append(row | {name: _value(told, done) for name, told in other.items()})
        if step % 10 == 0:
            rows.append({"step": step, "eval_loss": row["loss"] + 0.02, "eval_rewards/accuracies": 0.5 + 0.2 * done})
    return rows
