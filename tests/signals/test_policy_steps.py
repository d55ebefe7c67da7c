"""The figures of a policy's or a preference loss that the recorder read off the graph."""

from pathlib import Path
from typing import Any

import pytest
from builders import log_of

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import policy_curves, policy_steps

TEN = 10


def _log(tmp_path: Path, *, steps: int = TEN, **fields: Any) -> RunLog:
    """Return a log of steps with these fields; a list gives each step its own value."""
    told = [
        {name: value[at] if isinstance(value, list) else value for name, value in fields.items()} for at in range(steps)
    ]
    return log_of(tmp_path, steps=[{"step": at, "loss": 1.0, **step} for at, step in enumerate(told)])


def test_the_largest_margin_counts(tmp_path: Path) -> None:
    """One pair that leaves 0 shows that the policy is compared with something else."""
    log = _log(tmp_path, preference_margin=[0.0] * 9 + [0.25])
    assert policy_steps.preference_margin_largest(log) == 0.25


def test_the_typical_beta_is_told(tmp_path: Path) -> None:
    """A factor that was read wrongly once decides nothing."""
    log = _log(tmp_path, preference_beta=[0.1] * 9 + [0.0])
    assert policy_steps.preference_weight(log) == pytest.approx(0.1)


def test_a_weight_that_was_ever_a_bonus_is_one(tmp_path: Path) -> None:
    """A sign that changes is a schedule's business."""
    log = _log(tmp_path, policy_entropy_weight=[0.3] * 9 + [-0.1])
    assert policy_steps.policy_entropy_weight(log) == pytest.approx(-0.1)


def test_the_first_gap_is_that_of_the_first_step(tmp_path: Path) -> None:
    """Later steps differ because the policy has moved."""
    assert policy_steps.policy_first_gap(_log(tmp_path, policy_ratio_gap=[0.0] + [0.9] * 9)) == 0.0
    assert policy_steps.policy_first_gap(_log(tmp_path, policy_ratio_gap=[None] + [0.9] * 9)) is None


def test_the_share_of_far_ratios_is_what_both_halves_have(tmp_path: Path) -> None:
    """The lower of the medians of both halves, as in another tool's log."""
    assert policy_curves.policy_clip_fraction(_log(tmp_path, policy_ratio_far=[0.1] * 5 + [0.9] * 5)) == pytest.approx(
        0.1
    )
    assert policy_curves.policy_ratio_late(_log(tmp_path, policy_ratio=[1.0] * 5 + [3.0] * 5)) == pytest.approx(3.0)
    assert policy_curves.policy_clip_late(_log(tmp_path, policy_ratio_far=[0.5] * 6 + [0.1] * 4)) == pytest.approx(0.1)


def test_the_entropy_is_told_early_and_late(tmp_path: Path) -> None:
    """The median of the first five steps, and of the last third."""
    log = _log(tmp_path, policy_entropy=[2.0] * 5 + [0.1] * 5)
    assert (policy_curves.policy_entropy_early(log), policy_curves.policy_entropy_late(log)) == (
        2.0,
        pytest.approx(0.1),
    )


def test_fewer_than_ten_steps_tell_no_level(tmp_path: Path) -> None:
    """Nine steps show no level."""
    assert policy_curves.policy_clip_fraction(_log(tmp_path, steps=9, policy_ratio_far=0.9)) is None


@pytest.mark.parametrize(("steps", "told"), [(3, [0.0, 0.5, 0.5]), (2, [None] * 3)])
def test_three_steps_tell_a_fact(tmp_path: Path, steps: int, told: list[float | None]) -> None:
    """A factor is one and the same, and the first step shows no margin anyway."""
    log = _log(tmp_path, steps=steps, preference_margin=0.0, preference_beta=0.5, policy_entropy_weight=0.5)
    signals = (
        policy_steps.preference_margin_largest,
        policy_steps.preference_weight,
        policy_steps.policy_entropy_weight,
    )
    assert [signal(log) for signal in signals] == told


def test_the_margin_of_the_first_step_is_told(tmp_path: Path) -> None:
    """Later ones grow, as a training that learns shows."""
    log = _log(tmp_path, steps=5, preference_margin=[0.25, 1.0, 2.0, 3.0, 4.0])
    assert policy_steps.preference_margin_first(log) == 0.25


def test_the_ratio_of_a_policy_with_itself_is_told_by_its_farthest_step(tmp_path: Path) -> None:
    """One step at which it left 1 shows that the two are not the same."""
    log = _log(tmp_path, policy_own_ratio_gap=[0.0] * 9 + [0.5])
    assert (policy_steps.own_ratio_steps(log), policy_steps.own_ratio_gap(log)) == (10, 0.5)
    assert policy_steps.own_ratio_steps(_log(tmp_path, policy_ratio=1.0)) == 0


def test_greedy_choices_exceed_what_drawing_gives(tmp_path: Path) -> None:
    """1 for the likeliest every time, 0 for drawn ones and for a policy that is sure; the later half counts."""
    greedy = _log(tmp_path, policy_likeliest=[0.5] * 5 + [1.0] * 5, policy_likeliest_drawn=[0.5] * 10)
    assert policy_steps.likeliest_excess(greedy) == 1.0
    drawn = _log(tmp_path, policy_likeliest=[0.75] * 10, policy_likeliest_drawn=[0.5] * 10)
    assert policy_steps.likeliest_excess(drawn) == pytest.approx(0.5)
    assert policy_steps.likeliest_excess(_log(tmp_path, policy_likeliest=1.0, policy_likeliest_drawn=0.95)) == 0.0


def test_a_sampled_step_stands_for_those_up_to_the_next(tmp_path: Path) -> None:
    """Ten early samples are a quarter of forty steps; fewer than ten samples tell nothing."""
    late = _log(tmp_path, steps=40, factor_zero=[0.0] * 9 + [1.0] + [None] * 30)
    assert policy_steps.zero_factor_time(late) == pytest.approx(11 / 20)
    assert policy_steps.zero_factor_time(_log(tmp_path, steps=40, factor_zero=[1.0] * 9 + [None] * 31)) == 0.0
