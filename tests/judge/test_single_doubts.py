"""Single doubts from figures alone, at and beside their limits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from trainadvisor.judge import curve_doubts, doubts, evaluation_doubts, optimizer_doubts, partial_doubts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trainadvisor.judge.judgement import Remark


def figures(known: dict[str, Any], contexts: Iterable[str] = (), **parts: Any) -> Any:
    """Return a run of which only these figures are known."""
    log = SimpleNamespace(**parts)
    return SimpleNamespace(signals=known, run=known, figure=known.get, contexts=set(contexts), log=log)


def told(remarks: Iterator[Remark]) -> list[tuple[str, dict[str, Any]]]:
    """Return what is said, with its figures."""
    return [(remark.kind, dict(remark.values)) for remark in remarks]


FELL = {"curve_evals": 8, "curve_val_fall": 0.11, "curve_val_fall_noises": 5.5, "curve_val_best_share": 0.5,
        "curve_val_rise": 0.04, "curve_val_lost_share": 1.0}  # fmt: skip
ROSE = {"curve_metric_evals": 8, "curve_metric_rise_noises": 5.5}
LEVEL = ("evaluation-level", {"first": 8, "best": None})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (FELL, None),
        (FELL | {"curve_val_fall": 0.1}, LEVEL),
        (FELL | {"curve_val_fall_noises": 5.0}, LEVEL),
        (FELL | {"curve_val_best_share": 0.49}, LEVEL),
        (FELL | {"curve_val_rise": 0.05}, LEVEL),
        (FELL | {"curve_val_rise": 0.06, "curve_val_lost_share": 0.09}, None),
        (FELL | {"curve_val_rise": 0.05, "curve_val_lost_share": 0.1}, LEVEL),
        (ROSE, None),
        (ROSE | {"curve_metric_rise_noises": 5.0}, LEVEL),
        (ROSE | {"curve_val_rise": 0.05, "curve_val_lost_share": 0.1}, LEVEL),
        (FELL | {"curve_val_fall": None}, LEVEL),
        (FELL | {"curve_val_fall_noises": None}, LEVEL),
        (FELL | {"curve_val_best_share": None}, LEVEL),
        (FELL | {"curve_val_rise": None}, None),
        (FELL | {"curve_val_rise": 0.06, "curve_val_lost_share": None}, None),
        (ROSE | {"curve_metric_rise_noises": None}, LEVEL),
        (FELL | {"curve_evals": 7}, ("few-evaluations", {"evals": 7, "fewest": 8})),
        (FELL | {"curve_evals": 1, "curve_metric_evals": 8}, None),
        (FELL | {"curve_metric_lost": 0.1}, None),
        (FELL | {"curve_metric_lost": 0.11}, ("metric-fell", {"share": 0.11})),
        (FELL | {"curve_evals_at_one_value": 9.0}, ("metric-still", {"evals": 9})),
        ({"curve_points": 3}, ("no-evaluation", {"points": 3})),
        ({}, ("no-curve", {})),
        ({"curve_logging_every": 500, "curve_planned": 500}, ("no-curve", {})),
        ({"curve_logging_every": 500}, ("no-curve", {})),
        ({"curve_logging_every": 500, "curve_planned": 499}, ("logged-too-rarely", {"every": 500, "planned": 499})),
        ({"reward_rise_noises": 5.5}, None),
        ({"reward_rise_noises": 5.0}, ("no-curve", {})),
    ],
)
def test_curves_of_another_tool(changed: dict[str, Any], said: tuple[str, dict[str, Any]] | None) -> None:
    """A validation loss or metric has to have improved by more than its noise, and to have stayed so."""
    assert told(curve_doubts.curve_doubts(figures(changed), rewarded=False)) == ([] if said is None else [said])


def test_a_reward_speaks_for_itself() -> None:
    """It is level where its end is known, and unknown where it is not."""
    assert told(curve_doubts.curve_doubts(figures({}), rewarded=True)) == [("reinforcement", {})]
    assert told(curve_doubts.curve_doubts(figures({"reward_final": 0.0}), rewarded=True)) == [("reward-level", {})]


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"grad_depth_ratio": doubts.MOST_APART}, []),
        ({"grad_depth_ratio": 2 * doubts.MOST_APART}, ["gradients-apart"]),
        ({"grad_depth_ratio": 0.5 / doubts.MOST_APART}, ["gradients-apart"]),
        ({"grad_depth_ratio": 0.0}, []),
        ({"dead_unit_share_worst": doubts.MOST_DEAD}, []),
        ({"dead_unit_share_worst": doubts.MOST_DEAD + 0.01}, ["units-dead"]),
    ],
)
def test_layers_beyond_the_limits(known: dict[str, float], said: list[str]) -> None:
    """Either way for gradients; a figure at its limit is within it."""
    assert [kind for kind, _ in told(doubts.beyond_limits(figures(known)))] == said


TOP = 9.0
CLASSES = {"integer": True, "min": 0, "max": TOP, "variance": 99 / 12}


@pytest.mark.parametrize(
    ("target", "classes"),
    [
        (CLASSES, 10), (CLASSES | {"integer": False}, None), (CLASSES | {"min": 1}, None),
        (CLASSES | {"variance": 99 / 12 * (1 + doubts.EVENLY / 2)}, 10),
        (CLASSES | {"variance": 99 / 12 * (1 + doubts.EVENLY * 1.01)}, None),
        (CLASSES | {"max": doubts.FEWEST_CLASSES - 1, "variance": (doubts.FEWEST_CLASSES**2 - 1) / 12},
         doubts.FEWEST_CLASSES),
        (CLASSES | {"max": doubts.FEWEST_CLASSES - 2, "variance": ((doubts.FEWEST_CLASSES - 1) ** 2 - 1) / 12}, None),
        (CLASSES | {"max": doubts.MOST_CLASSES - 1, "variance": (doubts.MOST_CLASSES**2 - 1) / 12},
         doubts.MOST_CLASSES),
        (CLASSES | {"max": doubts.MOST_CLASSES, "variance": ((doubts.MOST_CLASSES + 1) ** 2 - 1) / 12}, None),
    ],
)  # fmt: skip
def test_numbers_that_are_spread_like_classes(
    monkeypatch: pytest.MonkeyPatch, target: dict[str, Any], classes: int | None
) -> None:
    """Whole numbers from zero on, as often each, neither too few nor too many."""
    monkeypatch.setattr(doubts, "judged_loss", lambda _: {"kind": "mse_loss", "target": target})
    said = [] if classes is None else [("class-numbers", {"classes": classes})]
    assert told(doubts.class_numbers(figures({}))) == said


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"skill": -0.25}, [("weak", {"share": 0.0})]), ({"skill": 0.05}, [("weak", {"share": 0.05})]),
        ({}, [("no-loss", {})]), ({"loss_final": 1.0}, [("no-yardstick", {})]),
    ],
)  # fmt: skip
def test_nothing_shows_a_success(
    monkeypatch: pytest.MonkeyPatch, known: dict[str, float], said: list[tuple[str, dict[str, Any]]]
) -> None:
    """A weak skill, no loss, or a loss without anything to measure it by."""
    monkeypatch.setattr(doubts, "successes", lambda *_: iter(()))
    monkeypatch.setattr(doubts, "fallen", lambda *_: iter(()))
    assert told(doubts.no_success(figures(known))) == said


WORSE = {"val_skill_best": -0.25, "val_examples": 100, "skill": evaluation_doubts.LEARNT}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, [("evaluation-worse", {"share": 0.25})]),
        ({"val_examples": 99}, [("evaluation-weak", {"share": 0.0})]),
        ({"skill": evaluation_doubts.LEARNT / 2}, [("evaluation-weak", {"share": 0.0})]),
        ({"skill": None}, [("evaluation-weak", {"share": 0.0})]),
        ({"val_skill_best": 0.0}, [("evaluation-weak", {"share": 0.0})]),
        ({"val_skill_best": 0.05}, [("evaluation-weak", {"share": 0.05})]),
        ({"val_skill_best": evaluation_doubts.LEARNT}, []), ({"val_skill_best": None}, []),
    ],
)  # fmt: skip
def test_evaluations_beside_a_constant_answer(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any], said: list[tuple[str, dict[str, Any]]]
) -> None:
    """Worse is said of a hundred examples and a training that learned."""
    monkeypatch.setattr(evaluation_doubts, "evaluation_skill", lambda _: None)
    monkeypatch.setattr(evaluation_doubts, "fallen", lambda *_: iter(()))
    assert told(evaluation_doubts.evaluation_worse(figures(WORSE | changed))) == said
    monkeypatch.setattr(evaluation_doubts, "evaluation_skill", lambda _: 0.5)  # the better of both counts
    assert told(evaluation_doubts.evaluation_worse(figures(WORSE | changed))) == []


@pytest.mark.parametrize(
    ("known", "contexts", "said"),
    [
        ({"val_rise_z": 10.5, "val_rise_share": 0.06}, (), True), ({"val_rise_z": 10.0, "val_rise_share": 0.06}, (),
        False),
        ({"val_rise_z": 10.5, "val_rise_share": 0.05}, (), False), ({"val_rise_z": 10.5}, (), False),
        ({"val_rise_share": 0.06}, (), False), ({"val_rise_z": 10.5, "val_rise_share": 0.06}, ("codebook",), False),
    ],
)  # fmt: skip
def test_a_validation_loss_that_rose(known: dict[str, float], contexts: tuple[str, ...], *, said: bool) -> None:
    """By ten noises and a twentieth of a trivial loss; with a codebook both sides grow apart."""
    whole = known | {"val_loss_best": 0.5, "val_loss_final": 0.75, "val_noise": 0.01}
    expected = [("validation-rose", {"best": 0.5, "final": 0.75, "noise": 0.01})] if said else []
    assert told(evaluation_doubts.validation_rose(figures(whole, contexts))) == expected


def test_evaluations_that_are_no_number() -> None:
    """They are counted among all; what was not measured is no such loss."""
    evals = [{"loss": 1.0}, {"loss": "nan"}, {"loss": "-inf"}, {"loss": "much"}, {}]
    said = [("evaluation-nonfinite", {"bad": 2, "evals": 5})]
    assert told(evaluation_doubts.evaluation_nonfinite(figures({}, evals=evals))) == said
    assert told(evaluation_doubts.evaluation_nonfinite(figures({}, evals=evals[:1]))) == []


def optimizer(number: int, *parameters: int, site: str = "a") -> dict[str, Any]:
    """Return an optimizer of some parameters."""
    return {"id": number, "site": site, "groups": [{"parameters": list(parameters)}]}


@pytest.mark.parametrize(
    ("made", "known", "count"),
    [(5, True, 5), (6, True, 6), (4, True, None), (5, False, None)],
)
def test_optimizers_from_one_line(made: int, *, known: bool, count: int | None) -> None:
    """Five of the same parameters are made again and again, unless their weights were made anew as well."""
    all_of_them = [optimizer(n, 1, 2) for n in range(made)] + [optimizer(8, 3), optimizer(9, 1, 2, site="b")]
    seen = figures({"renewed_optimizers": known or None}, optimizers=all_of_them,
                   phase=SimpleNamespace(optimizers=set(range(10))))  # fmt: skip
    said = [] if count is None else [("optimizer-anew", {"count": count})]
    assert told(optimizer_doubts.recreated_optimizer(seen)) == said
    seen.log.phase.optimizers = {0, 8, 9}
    assert told(optimizer_doubts.recreated_optimizer(seen)) == []


@pytest.mark.parametrize(
    ("turns", "made", "said"),
    [
        ([(0,)], [optimizer(0, 1), optimizer(1, 2)], [("optimizer-idle", {"count": 1, "all": 2})]),
        ([(0,)], [optimizer(0, 1, 2), optimizer(1, 2)], []), ([(0, 1)], [optimizer(0, 1), optimizer(1, 2)], []),
        ([], [optimizer(0, 1)], []), ([(5,)], [optimizer(0, 1)], [("optimizer-idle", {"count": 1, "all": 1})]),
    ],
)  # fmt: skip
def test_an_optimizer_that_never_stepped(turns: list[Any], made: list[Any], said: list[Any]) -> None:
    """Where others did, and none of them steps its parameters."""
    assert told(optimizer_doubts.idle_optimizer(figures({}, turns=turns, optimizers=made))) == said


@pytest.mark.parametrize(
    ("column", "share", "optimizers", "said"),
    [
        ([1.0, 1.0, 0.0, 1.0], None, 1, 0.75), ([1.0, 1.0, 0.0, 0.0], None, 1, None), ([np.nan], 0.6, 1, 0.6),
        ([np.nan], 0.3, 2, 0.3), ([np.nan], 0.25, 2, None), ([1.0, 0.0], 0.75, 1, 0.75), ([np.nan], None, 0, None),
    ],
)  # fmt: skip
def test_steps_that_found_no_gradient(
    column: list[float], share: float | None, optimizers: int, said: float | None
) -> None:
    """More than half of those of each optimizer."""
    seen = figures({"no_grad_share": share}, column=lambda _: np.array(column), optimizers=[{}] * optimizers)
    expected = [] if said is None else [("steps-without-gradients", {"share": said})]
    assert told(optimizer_doubts.steps_without_gradients(seen)) == expected


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"tensors": 6, "tensors_reached": 4}, [("unreached", {"count": 2, "all": 6})]),
        ({"tensors": 6, "tensors_reached": 6}, []), ({"tensors": 6}, []), ({"tensors_reached": 4}, []),
    ],
)  # fmt: skip
def test_tensors_without_any_gradient(known: dict[str, int], said: list[Any]) -> None:
    """How many, of how many."""
    assert told(optimizer_doubts.unreached(figures(known))) == said


@pytest.mark.parametrize(("share", "said"), [(0.01, True), (0.0099, False)])
def test_parameters_that_nothing_called(share: float, *, said: bool) -> None:
    """What was told last of each optimizer, where it is a hundredth at least."""
    events = [{"kind": "unused-parameters", "subject": "0", "detail": {"share": each, "tensors": 3, "held": 8}}
              for each in (0.5, share)]  # fmt: skip
    expected = [("unused-parameters", {"count": 3, "all": 8})] if said else []
    assert told(optimizer_doubts.unused_parameters(figures({}, events=events))) == expected
    events[0]["kind"] = events[1]["kind"] = "others"
    assert told(optimizer_doubts.unused_parameters(figures({}, events=events))) == []


PART = {"skill": 0.25, "loss_flat_share": 0.65, "judged_steps": 100}


@pytest.mark.parametrize(
    ("changed", "contexts", "said"),
    [
        ({}, (), True), ({"judged_steps": 99}, (), False), ({"judged_steps": None}, (), False),
        ({"skill": 0.1}, (), True), ({"skill": 0.09}, (), False), ({"skill": 0.49}, (), True), ({"skill": 0.5}, (),
        False),
        ({"loss_flat_share": 0.64}, (), False), ({"loss_flat_share": None}, (), False), ({"skill": None}, (), False),
        ({}, ("contrastive",), False), ({}, ("classification",), True), ({"loss_kind": "poisson_nll_loss"}, (), False),
        ({"val_skill_final": 0.16}, (), True), ({"val_skill_final": 0.14}, (), False),
        ({"val_skill_final": 0.69}, (), True), ({"val_skill_final": 0.7}, (), False),
    ],
)  # fmt: skip
def test_what_was_learned_in_part(changed: dict[str, Any], contexts: tuple[str, ...], *, said: bool) -> None:
    """A loss that has settled between a tenth and a half, on held-out data as well."""
    known = {name: value for name, value in (PART | changed).items() if value is not None}
    expected = [("partly-learned", {"share": known.get("skill"), "level": known.get("loss_flat_share")})]
    assert told(partial_doubts.learned_in_part(figures(known, contexts))) == (expected if said else [])


def test_right_answers_stand_beside_the_most_frequent_one() -> None:
    """Where both are known."""
    known = PART | {"train_accuracy_final": 0.5, "target_majority_share": 0.25}
    said = [("partly-right", {"right": 0.5, "frequent": 0.25, "level": 0.65})]
    assert told(partial_doubts.learned_in_part(figures(known))) == said
    del known["target_majority_share"]
    assert [kind for kind, _ in told(partial_doubts.learned_in_part(figures(known)))] == ["partly-learned"]
