"""Which modules of a list are used late in a run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import event, make_model, signals_of

STEPS, COUNT = 40, 8


def _seen(
    tmp_path: Path,
    used: Any,
    called: list[int],
    router: int = 4,
    sampled: Any = range(STEPS),
    batch: int = 4,
    looked: Any = range(STEPS),
) -> Any:
    """Return the signals of a run with a list of eight modules, used in each step as `used` [steps, modules] says."""
    layers = [("router", "Linear", 4, router), *((f"experts.{n}.0", "Linear", 4, 4) for n in range(COUNT))]
    rows = [{"name": f"experts.{n}.0", "kind": "linear", "layer": f"experts.{n}.0", "units": 4} for n in called]
    samples = []
    for step in sampled:
        gradients = [g for n in range(COUNT) for g in [0.5 if used[step][n] else None] * 2]
        acts = {"table": 1, "act_rms": [1.0] * len(rows)} if step in looked else {}
        samples.append({"step": step, "grad": [1.0, 1.0, *gradients], **acts})
    events = [event("table", {"id": 1, "model": 0, "rows": rows})]
    return signals_of(
        tmp_path, columns={"batch": [batch] * STEPS}, models=[make_model(*layers)], layers=samples, events=events
    )


def _from(step: int, late: set[int]) -> Any:
    """Return a use of all modules before a step and of a few from it on."""
    return [[s < step or n in late for n in range(COUNT)] for s in range(STEPS)]


def test_a_collapse(tmp_path: Path) -> None:
    """Six of eight experts are left behind."""
    seen = _seen(tmp_path, _from(10, {1, 2}), [1, 2])
    assert (seen["sibling_idle_share"], seen["sibling_idle"], seen["sibling_count"]) == (0.75, 6, 8)
    assert seen["sibling_list"] == "experts"


def test_one_idle_expert(tmp_path: Path) -> None:
    """One of eight is told, and is little."""
    assert _seen(tmp_path, _from(10, set(range(7))), list(range(7)))["sibling_idle_share"] == 0.125


def test_heads_used_in_turn(tmp_path: Path) -> None:
    """Heads of tasks that are trained one after the other are never used together: nothing chooses among them."""
    turns = [[n == s * COUNT // STEPS for n in range(COUNT)] for s in range(STEPS)]
    assert _seen(tmp_path, turns, [7])["sibling_idle_share"] == 0.0


def test_a_router_that_has_collapsed_from_the_start(tmp_path: Path) -> None:
    """A layer with an output for each module is what chooses."""
    assert _seen(tmp_path, _from(0, {3}), [3], router=COUNT)["sibling_idle_share"] == 0.875


@pytest.mark.parametrize(("batch", "share"), [(64, 0.75), (63, None)])
def test_three_late_samples_of_large_batches_are_enough(tmp_path: Path, batch: int, share: float | None) -> None:
    """With eight examples for each expert one that is used at all is in each sample."""
    sampled = (0, 1, 2, 4, 9, 12, 20, 24, 31)
    seen = _seen(tmp_path, _from(10, {1, 2}), [1, 2], sampled=sampled, batch=batch)
    assert seen["sibling_idle_share"] == share


@pytest.mark.parametrize(
    ("sampled", "share"), [((2, 9, 18, 20, 24, 28, 31, 35), 0.75), ((2, 9, 12, 20, 24, 28, 31), None)]
)
def test_a_run_with_few_late_samples(tmp_path: Path, sampled: Any, share: float | None) -> None:
    """The last six stand for the second half where they begin close to it."""
    assert _seen(tmp_path, _from(10, {1, 2}), [1, 2], sampled=sampled)["sibling_idle_share"] == share


def test_blocks_that_are_frozen_on_the_way(tmp_path: Path) -> None:
    """They have no gradient, but are called."""
    assert _seen(tmp_path, _from(10, {6, 7}), list(range(COUNT)))["sibling_idle_share"] == 0.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_stochastic_depth(tmp_path: Path, seed: int) -> None:
    """Blocks that are left out by chance come again."""
    used = np.random.default_rng(seed).random((STEPS, COUNT)) < 0.5
    assert _seen(tmp_path, used, [0, 1, 2, 3])["sibling_idle_share"] == 0.0


def test_calls_that_are_not_observed(tmp_path: Path) -> None:
    """Without them a missing gradient may have any reason."""
    assert _seen(tmp_path, _from(10, {1, 2}), [])["sibling_idle_share"] == 0.0


def test_calls_of_early_samples_do_not_stand_for_late_ones(tmp_path: Path) -> None:
    """All experts were called while calls were looked at; later six of eight have no gradient any more."""
    seen = _seen(tmp_path, _from(10, {1, 2}), list(range(COUNT)), looked=range(5))
    assert seen["sibling_idle_share"] == 0.75


def test_frozen_modules_that_are_called_are_in_use(tmp_path: Path) -> None:
    """They never have a gradient, whenever their calls were looked at."""
    for looked in (range(5), range(STEPS)):
        folder = tmp_path / str(len(looked))
        folder.mkdir()
        assert _seen(folder, _from(0, {1, 2}), list(range(COUNT)), looked=looked)["sibling_idle_share"] == 0.0


def test_a_model_without_lists_has_no_idle_module(tmp_path: Path) -> None:
    """However few samples there are; without any description of the model nothing is known."""
    samples = [{"step": 0, "grad": [1.0] * 4}]
    layers = [("hidden", "Linear", 4, 4), ("head", "Linear", 4, 2)]
    assert signals_of(tmp_path, models=[make_model(*layers)], layers=samples)["sibling_idle_share"] == 0.0
