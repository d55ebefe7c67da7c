"""What the logs of policy and preference trainings show: each fault named, its healthy twin left alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from policylogs import Rows, codes, dpo, grpo, judged, notes, ppo, verl

from trainadvisor import telling
from trainadvisor.importers.foreign_logs import read_log

if TYPE_CHECKING:
    from pathlib import Path

FLAT = np.random.default_rng(3)
LN2 = {"rewards/chosen": 0.0, "rewards/rejected": 0.0, "rewards/margins": 0.0, "loss": 0.6931}


def flat(level: float, noise: float) -> Any:
    """A figure that scatters around one level."""
    return lambda _: level + noise * FLAT.normal()


def without_evaluations(rows: Rows) -> Rows:
    """Rows of the training alone."""
    return [row for row in rows if "eval_loss" not in row]


def hacked() -> Rows:
    """The reward rises, and the score of every tenth step turns."""
    rows = grpo()
    for row in rows[9::10]:
        done = row["step"] / len(rows)
        row["eval/accuracy"] = 0.3 + 0.5 * done if done < 0.5 else 0.55 - 0.6 * (done - 0.5)
    return rows


def taught() -> Rows:
    """The reward rises, and the score of every tenth step with it."""
    rows = grpo()
    for row in rows[9::10]:
        row["eval/accuracy"] = 0.3 + 0.4 * row["step"] / len(rows) + 0.005 * FLAT.normal()
    return rows


def q_learning(growth: float) -> Rows:
    """A log of CleanRL's DQN whose Q values grow."""
    return [
        {
            "step": 100 * k,
            "losses/td_loss": 1 + 0.1 * FLAT.random(),
            "losses/q_values": 10 * math.exp(growth * k / 100),
            "charts/episodic_return": 20 + k + 5 * FLAT.normal(),
        }
        for k in range(1, 101)
    ]


FAULTY = {
    "groups-without-spread": lambda: grpo(frac_reward_zero_std=1.0, reward_std=0.0, reward=0.0, loss=0.0),
    "entropy-collapse": lambda: grpo(entropy=lambda done: 0.23 * math.exp(-12 * done), reward=flat(0.5, 0.05)),
    "policy-step-too-large": lambda: ppo(
        **{"train/clip_fraction": flat(0.6, 0.05), "rollout/ep_rew_mean": flat(-200, 8)}
    ),
    "policy-drift": lambda: grpo(kl=lambda done: 12 * done**2),
    "rollout-mismatch": lambda: grpo(**{"sampling/sampling_logp_difference/mean": flat(0.9, 0.1)}),
    "answers-cut-off": lambda: grpo(**{"completions/clipped_ratio": flat(0.9, 0.05)}),
    "explained-variance-low": lambda: ppo(
        **{"train/explained_variance": flat(-0.02, 0.02), "rollout/ep_rew_mean": flat(-200, 8)}
    ),
    "reward-hacking": hacked,
    "q-divergence": lambda: q_learning(12.0),
    "preference-reference-wrong": lambda: dpo(**LN2),
    "preference-beta": lambda: dpo(**LN2, grad_norm=0.0),
    "preference-collapse": lambda: dpo(chosen=-27.0, rejected=-26.5, **{"rewards/accuracies": flat(0.45, 0.05)}),
}
HEALTHY = {
    "grpo": grpo,
    "grpo-short": lambda seed=0: grpo(seed, steps=30),
    "grpo-solved-late": lambda seed=0: grpo(
        seed, frac_reward_zero_std=lambda done: 0.95 * (done > 0.6), entropy=lambda done: 0.4 * math.exp(-4 * done)
    ),
    "ppo": ppo,
    "ppo-continuous": lambda seed=0: ppo(seed, **{"train/entropy_loss": lambda done: -1.4 + 4 * done}),
    "dpo": dpo,
    "dpo-chosen-rises": lambda seed=0: dpo(seed, chosen=0.6),
    "dpo-slow": lambda seed=0: dpo(seed, chosen=-0.002, rejected=-0.004),
    "taught": lambda seed=0: taught(),
    "q-learning": lambda seed=0: q_learning(1.0),
}


@pytest.mark.parametrize("code", FAULTY)
def test_a_fault_is_the_first_cause(code: str, tmp_path: Path) -> None:
    """Each log has one fault, which is named first."""
    assert codes(judged(tmp_path, FAULTY[code]()))[:1] == [code]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", HEALTHY)
def test_a_sound_log_raises_no_alarm(name: str, seed: int, tmp_path: Path) -> None:
    """Sound trainings of each kind, and some that resemble a fault."""
    assert codes(judged(tmp_path, HEALTHY[name](seed=seed))) == []


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"training__rollout_probs_diff_mean": 0.4}, ["rollout-mismatch"]),
        ({"response_length__clip_ratio": 0.8}, ["answers-cut-off"]),
        ({"actor__pg_clipfrac": 0.6}, ["policy-step-too-large"]),
        ({"actor__kl_loss": lambda done: 9 * done}, ["policy-drift"]),
        ({}, []),
    ],
)
def test_the_lines_that_verl_prints(other: dict[str, Any], code: list[str], tmp_path: Path) -> None:
    """All figures of a step stand in one line."""
    path = tmp_path / "verl.log"
    path.write_text(verl(**other))
    assert codes(telling.diagnose(read_log(path)))[:1] == code


def test_a_reference_that_is_another_model(tmp_path: Path) -> None:
    """Rewards of six at the first step."""
    rows = dpo(**{"rewards/chosen": lambda done: -6 - done, "rewards/rejected": lambda done: -6 - 2 * done})
    found = judged(tmp_path, rows)
    assert (found.findings[0].code, found.findings[0].branch) == ("preference-reference-wrong", "another-model")


@pytest.mark.parametrize(("rise", "severity"), [(1.0, "warning"), (0.1, None)])
def test_a_general_loss_that_rises_is_told(tmp_path: Path, rise: float, severity: str | None) -> None:
    """The loss of the task falls, and that of general text rises by two fifths; a twentieth is no finding."""
    rows: Rows = [{"step": k, "loss": 2 - k / 100 + 0.02 * FLAT.normal()} for k in range(1, 101)]
    for row in list(rows[9::10]):
        done = row["step"] / 100
        held = {"eval_task_loss": 2 - 0.8 * done + 0.01 * FLAT.normal(), "eval_general_loss": 2.5 + rise * done}
        rows.append({"step": row["step"], **held})
    rows.sort(key=lambda row: row["step"])
    told = {item.code: item.severity for item in judged(tmp_path, rows).findings}
    assert told.get("forgetting") == severity


def test_a_loss_near_zero_is_expected_of_grpo(tmp_path: Path) -> None:
    """It is said, and does not alarm."""
    found = judged(tmp_path, grpo())
    assert notes(found) == ["group-loss-near-zero"]
    assert codes(found) == []


def test_both_rewards_fall_as_expected_of_dpo(tmp_path: Path) -> None:
    """Where the margin grows; not where chosen answers become likelier."""
    assert notes(judged(tmp_path, dpo())) == ["preference-rewards-both-fall"]
    assert notes(judged(tmp_path, dpo(chosen=0.6))) == []


def test_empty_groups_are_not_expected(tmp_path: Path) -> None:
    """A loss of 0 for want of any spread is no normal one."""
    assert notes(judged(tmp_path, FAULTY["groups-without-spread"]())) == []
