"""Whatever people train with: the training is the same bit for bit, and the log holds what plain formulas give."""

from __future__ import annotations

import functools

import pytest
import torch
from naive import Naive, assert_layers_recorded, assert_recorded, near
from practiced_models import CASES
from recordkit import Records, record


@functools.cache
def run(name: str) -> tuple[Naive, Naive, Records, bool]:
    """Train plainly and recorded; also return whether the random state at the end is the same."""
    plain, recorded = Naive(), Naive()
    torch.manual_seed(0)
    CASES[name](plain)
    state = torch.get_rng_state()
    torch.manual_seed(0)
    records = record(lambda: CASES[name](recorded))
    return plain, recorded, records, torch.equal(state, torch.get_rng_state())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_the_training_is_the_same_bit_for_bit(name: str) -> None:
    """Losses, weights, buffers and the random state."""
    plain, recorded, _, same_state = run(name)
    assert recorded.losses == plain.losses
    one, other = plain.model.state_dict(), recorded.model.state_dict()
    assert one.keys() == other.keys()
    assert [key for key in one if not torch.equal(one[key], other[key])] == []
    assert same_state


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_the_log_holds_what_plain_formulas_give(name: str) -> None:
    """Every loss and every gradient norm; nothing but the single steps of LBFGS is said to be out of sight."""
    _, recorded, records, _ = run(name)
    assert_recorded(records, recorded)
    blind = [event["subject"] for event in records.of("event") if event["kind"] == "blind"]
    assert blind == (["evaluations"] if name == "lbfgs" else [])


def test_several_steps_in_one_are_no_update() -> None:
    """LBFGS: the weights are recorded once the model is known, their change is not."""
    _, recorded, records, _ = run("lbfgs")
    assert [row["step"] for row in records.of("layers") if "weight" in row] == [1, 2, 3]
    assert records.layer("weight") == [[near(size) for size in sizes.values()] for sizes in recorded.weights[1:]]
    assert records.layer("update") == []


UNKNOWN_BEFORE = {"one_evaluation_in_a_closure": 1}
"""Steps before which the model is not known: a closure calls it inside the step."""
OTHERWISE = {"parts_checkpointed_in_new_modules", "hundred_thousand_classes", "lbfgs"}
"""Other names than the model's own, more elements than a sample has, and no updates."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(CASES.keys() - OTHERWISE))
def test_the_layers_of_the_log_are_those_of_the_model(name: str) -> None:
    """Every parameter's norm and update by its name, at each step that was not skipped."""
    _, recorded, records, _ = run(name)
    skipped = records.column("skipped")
    steps = [step for step in range(len(recorded.losses)) if not skipped[step]]
    if "fused" in name:
        steps = list(range(len(recorded.losses)))  # its skipped steps are seen as steps that move nothing
    assert_layers_recorded(records, recorded, steps[UNKNOWN_BEFORE.get(name, 0) :])
