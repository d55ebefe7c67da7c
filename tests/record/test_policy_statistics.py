"""Numbers read off the graph of a policy's or preference loss, beside their naive computation; nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn
from torch.distributions import Categorical, Normal

N = 32
FIELDS = ("factor_mixed", "policy_ratio", "policy_ratio_far", "policy_ratio_gap", "policy_entropy",
          "policy_entropy_weight", "policy_own_ratio_gap", "policy_likeliest", "policy_likeliest_drawn",
          "value_explained_variance", "preference_margin", "preference_beta")  # fmt: skip
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _first(loss: Loss) -> tuple[dict[str, float | None], torch.Tensor, torch.Tensor]:
    """Return the fields of the first of three steps, and the outputs and numbers that its loss was made of."""
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []

    def train() -> object:
        torch.manual_seed(1)
        model = nn.Linear(3, 5)
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        for _ in range(3):
            outputs, numbers = model(torch.randn(N, 3)), torch.randn(N)
            seen.append((outputs.detach(), numbers))
            optimizer.zero_grad()
            loss(outputs, numbers).backward()
            optimizer.step()
        return model

    log = record(train)
    return {name: log.column(name)[0] for name in FIELDS}, *seen[0]


def _picked(outputs: torch.Tensor, choice: int) -> torch.Tensor:
    return outputs.log_softmax(-1)[:, choice]


def _clipped(outputs: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    ratio = (_picked(outputs, 0) - (-1.6 + 0.3 * numbers)).exp()
    return -torch.min(ratio * numbers, ratio.clamp(0.8, 1.2) * numbers).mean()


def test_ratios_are_those_of_the_loss() -> None:
    """Mean, share further than 0.2 from 1, and mean size of the logarithm."""
    told, outputs, numbers = _first(_clipped)
    gap = _picked(outputs, 0) - (-1.6 + 0.3 * numbers)
    assert told["policy_ratio"] == pytest.approx(gap.exp().mean().item(), rel=1e-5)
    assert told["policy_ratio_far"] == pytest.approx(((gap.exp() < 0.8) | (gap.exp() > 1.2)).float().mean().item())
    assert told["policy_ratio_gap"] == pytest.approx(gap.abs().mean().item(), rel=1e-5)


@pytest.mark.parametrize("drawn", [False, True])
def test_choices_are_compared_with_what_drawing_gives(drawn: bool) -> None:  # noqa: FBT001 - greedy or not
    """The share that is the likeliest, and the mean probability of the likeliest; 1 for greedy choices."""

    def loss(outputs: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        choices = torch.arange(N) % 5 if drawn else outputs.argmax(-1)
        return -(Categorical(logits=outputs).log_prob(choices) * numbers).mean()

    told, outputs, _ = _first(loss)
    share = (outputs.argmax(-1) == torch.arange(N) % 5).float().mean().item() if drawn else 1.0
    assert told["policy_likeliest"] == pytest.approx(share)
    assert told["policy_likeliest_drawn"] == pytest.approx(outputs.softmax(-1).amax(-1).mean().item(), rel=1e-5)


def _against(old: Callable[[torch.Tensor], torch.Tensor]) -> float | None:
    """Return what is told of a ratio whose old log-probabilities are made in this way."""

    def loss(outputs: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        ratio = (_picked(outputs, 0) - old(outputs)).exp()
        return -torch.min(ratio * numbers, ratio.clamp(0.8, 1.2) * numbers).mean()

    return _first(loss)[0]["policy_own_ratio_gap"]


def test_a_ratio_of_one_policy_with_itself_is_told() -> None:
    """Where both log-probabilities have a gradient there is none of the ratio; a detached one leaves it."""
    assert _against(lambda outputs: _picked(outputs, 0)) == 0.0
    assert _against(lambda outputs: _picked(outputs, 1)) > 0.1
    assert _against(lambda outputs: _picked(outputs, 0).detach()) is None


@pytest.mark.parametrize("bound", [lambda ratio: ratio, lambda ratio: ratio.clamp(max=2.0)])
def test_weights_of_older_samples_are_no_ratios(bound: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """What is not bounded from both sides corrects for another policy's samples, and may be far from 1."""

    def loss(outputs: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        return -(bound((_picked(outputs, 0) - (-1.6 + 0.3 * numbers)).exp()) * numbers).mean()

    assert _first(loss)[0]["policy_ratio"] is None


@pytest.mark.parametrize(("factors", "mixed"), [
    (lambda numbers: numbers, 1.0), (lambda numbers: numbers + 9, 0.0),
    (lambda numbers: torch.where(numbers < -0.5, -0.2, 1.0), 0.0),
])  # fmt: skip
def test_factors_of_both_signs_are_told(factors: Callable[[torch.Tensor], torch.Tensor], mixed: float) -> None:
    """Advantages are of both signs; weights of examples are not, where a few are to be unlearned as well."""
    told, _, _ = _first(lambda outputs, numbers: -(_picked(outputs, 0) * factors(numbers)).mean())
    assert told["factor_mixed"] == mixed


def test_ratios_of_densities_are_told() -> None:
    """Actions that are numbers have ratios as well, and no entropy of choices."""

    def loss(outputs: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        new = Normal(outputs[:, 0], outputs[:, 1].exp()).log_prob(numbers)
        ratio = (new - new.detach()).exp()
        return -torch.min(ratio * numbers, ratio.clamp(0.9, 1.1) * numbers).mean()

    told, _, _ = _first(loss)
    assert (told["policy_ratio"], told["policy_ratio_far"], told["policy_entropy"]) == (1.0, 0.0, None)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_entropy_and_its_weight_are_told(sign: float) -> None:
    """The entropy of the choices and the number that it is added with."""

    def loss(outputs: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        choices = Categorical(logits=outputs)
        chosen = choices.log_prob(torch.zeros(N).long())
        return -(chosen * numbers).mean() + sign * 0.3 * choices.entropy().mean()

    told, outputs, _ = _first(loss)
    logs = outputs.log_softmax(-1)
    assert told["policy_entropy"] == pytest.approx(-(logs.exp() * logs).sum(-1).mean().item(), rel=1e-5)
    assert told["policy_entropy_weight"] == pytest.approx(sign * 0.3)


@pytest.mark.parametrize("squared", [F.mse_loss, lambda a, b: (b - a).pow(2).mean()])
def test_the_explained_variance_is_that_of_the_value_loss(squared: Loss) -> None:
    """1 - Var(target - value) / Var(target), beside a policy's term."""
    torch.manual_seed(2)
    head = nn.Linear(5, 1)

    def loss(outputs: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        return squared(head(outputs).squeeze(-1), numbers) - (_picked(outputs, 0) * numbers).mean()

    told, outputs, numbers = _first(loss)
    values = head(outputs).squeeze(-1)
    assert told["value_explained_variance"] == pytest.approx(
        (1 - (numbers - values).var() / numbers.var()).item(), abs=1e-5
    )


@pytest.mark.parametrize("beta", [0.0, 0.2])
def test_margins_and_beta_of_a_preference_loss_are_told(beta: float) -> None:
    """The mean size of what the sigmoid gets, and the factor of the log-probabilities."""

    def loss(outputs: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
        return -F.logsigmoid(beta * ((_picked(outputs, 0) - numbers) - (_picked(outputs, 1) - 0.5))).mean()

    told, outputs, numbers = _first(loss)
    margin = beta * (outputs[:, 0] - outputs[:, 1] - numbers + 0.5)
    assert told["preference_margin"] == pytest.approx(margin.abs().mean().item(), rel=1e-4)
    assert told["preference_beta"] == pytest.approx(beta)


def _reward_model(outputs: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return -F.logsigmoid(outputs[:, 0] - outputs[:, 1]).mean()


def _classifier(outputs: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(outputs, torch.zeros(N).long())


def _regression(outputs: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    return F.mse_loss(outputs[:, 0], numbers) + (outputs[:, 1].exp() * numbers.abs()).mean()


@pytest.mark.parametrize("loss", [_reward_model, _classifier, _regression])
def test_other_losses_tell_nothing(loss: Loss) -> None:
    """A reward model, a classifier and a regression with a scale have no such number."""
    told: dict[str, Any] = _first(loss)[0]
    assert set(told.values()) == {None}
