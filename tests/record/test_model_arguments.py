"""Whether a denoiser is told how much noise there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from builders import event, make_loss, make_model, signals_of
from recordkit import Records, record
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

B, D = 16, 6


class Denoiser(nn.Module):
    """Answers for an input and one number an example."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.level = nn.Linear(D, D), nn.Linear(1, D)

    def forward(self, x: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        return self.body(x) + self.level(level.float()[:, None])


def _records(given: Callable[[torch.Tensor], torch.Tensor], *, denoising: bool = True) -> Records:
    """Record a training in which the model gets `given` of the time steps."""
    model = Denoiser()

    def train() -> object:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(6):
            t, noise = torch.randint(1, 10, (B,)), torch.randn(B, D)
            x = 3 + torch.rand(B, D) + (noise * t[:, None] / 10 if denoising else 0)
            optimizer.zero_grad()
            F.mse_loss(model(x, given(t)), noise if denoising else x.square()).backward()
            optimizer.step()
        return model

    return record(train)


def _seen(tmp_path: Path, given: Callable[[torch.Tensor], torch.Tensor], *, denoising: bool = True) -> Any:
    """Return the signals of such a training."""
    events = [e for e in _records(given, denoising=denoising).of("event") if e["kind"] == "argument"]
    return signals_of(tmp_path, steps=6, events=[event(e["kind"], e["detail"], e["subject"]) for e in events])


def test_a_time_step_that_is_always_the_same(tmp_path: Path) -> None:
    """The target is the noise in the input, and the number that should tell how much never varies."""
    signals = _seen(tmp_path, torch.zeros_like)
    assert (signals["timestep_constant"], signals["timestep_name"]) == (True, "level")
    assert (signals["timestep_value"], signals["timestep_examples"]) == (0.0, 6 * B)


def test_a_time_step_that_varies(tmp_path: Path) -> None:
    """It is as it should be."""
    assert _seen(tmp_path, lambda t: t)["timestep_constant"] is False


def test_a_constant_number_of_another_task(tmp_path: Path) -> None:
    """A task that is no denoising may have a number that never varies, as the index of a domain."""
    assert _seen(tmp_path, torch.zeros_like, denoising=False)["timestep_constant"] is None


def _lost(tmp_path: Path, spreads: list[list[float]], low: float = 0.0) -> Any:
    """Return the layer where a time step gets lost; of "body" and "level", by their spreads in each sample."""
    rows = [{"name": name, "kind": "linear", "layer": name, "units": D} for name in ("body", "level")]
    told = {"batches": 8, "examples": 8 * B, "low": low, "high": 9.0, "numbers": 512}
    told |= {"both_square": 200.0, "input_square": 512.0, "target_square": 512.0, "target_sum": 0.0}
    return signals_of(
        tmp_path,
        steps=9,
        models=[make_model(("body", "Linear", D, D), ("level", "Linear", 1, D))],
        losses=[make_loss("mse_loss")],
        layers=[{"step": step, "table": 1, "act_spread": spread} for step, spread in enumerate(spreads)],
        events=[event("table", {"id": 1, "model": 0, "rows": rows}), event("argument", told, "t")],
    )["timestep_lost_layer"]


def test_a_time_step_that_gets_lost_on_its_way(tmp_path: Path) -> None:
    """A layer that gives all examples the same in every sample is named; once different is enough to be sound."""
    assert _lost(tmp_path, [[0.5, 0.0]] * 6) == "level"
    assert _lost(tmp_path, [[0.5, 0.0]] * 5 + [[0.5, 0.1]]) == "none"


def test_a_time_step_that_never_varies_is_lost_nowhere(tmp_path: Path) -> None:
    """A constant argument has constant layers behind it; few samples tell nothing."""
    assert _lost(tmp_path, [[0.5, 0.0]] * 6, low=9.0) == "none"
    assert _lost(tmp_path, [[0.5, 0.0]] * 3) is None


def test_how_many_numbers_were_compared() -> None:
    """All of each batch's input, told after four batches and at the end."""
    told = [detail["numbers"] for detail in _records(torch.zeros_like).events("argument")]
    assert told == [4 * B * D, 6 * B * D]


@pytest.mark.parametrize(
    ("kind", "outputs", "argument", "name"),
    [("custom", 8, "t", "t"), ("custom", 8, "domain", None), ("custom", 3, "t", None), ("cross_entropy", 8, "t", None)],
)
def test_a_loss_by_hand_leaves_the_name_to_tell(
    tmp_path: Path, kind: str, outputs: int, argument: str, name: str | None
) -> None:
    """Where no target was seen it is a time step by its name, if the model gives back what it takes."""
    detail = {"batches": 8, "examples": 8 * B, "type": "float32", "numbers": 0, "low": 0.0, "high": 0.0}
    detail |= dict.fromkeys(("both_square", "input_square", "target_square", "target_sum"), "nan")
    inputs = event("inputs", {"model": 0, "phase": "train", "shape": [64, 8], "std": 1.0, "features": 8})
    net = make_model(("a", "Linear", 9, 16), ("b", "Linear", 16, outputs))
    parts = {"models": [net], "losses": [make_loss(kind)], "events": [inputs, event("argument", detail, argument)]}
    signals = signals_of(tmp_path, steps=9, **parts)
    assert signals["timestep_name"] == name
    assert signals["timestep_constant"] is (name is not None)
