"""Terms of a loss that train nothing, beside terms that train weights of their own or of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

N = 16


class _Nets:
    """A generator and a critic with an optimizer each, and the numbers of one step."""

    def __init__(self) -> None:
        torch.manual_seed(2)
        self.g, self.d = nn.Linear(3, 2), nn.Linear(2, 1)
        self.g_opt = torch.optim.Adam(self.g.parameters(), 1e-2)
        self.d_opt = torch.optim.Adam(self.d.parameters(), 1e-2)
        self.ones, self.zeros = torch.ones(N, 1), torch.zeros(N, 1)
        self.new_batch()

    def new_batch(self) -> None:
        self.x, self.y = torch.randn(N, 3), torch.randn(N, 2)

    def step(self, loss: torch.Tensor, *optimizers: torch.optim.Optimizer) -> None:
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()


def _bce(score: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return F.binary_cross_entropy_with_logits(score, target)


def _gan(n: _Nets, seen: Callable[[torch.Tensor], torch.Tensor]) -> None:
    fake = n.g(n.x)
    n.step(_bce(n.d(n.y), n.ones) + _bce(n.d(fake.detach()), n.zeros), n.d_opt)
    n.step(_bce(n.d(seen(fake)), n.ones) + 0.1 * F.mse_loss(fake, n.y), n.g_opt)


def _two_critics(n: _Nets) -> None:
    n.step(F.mse_loss(n.g(n.x), n.y) + F.mse_loss(n.d(n.y), n.zeros), n.g_opt, n.d_opt)


def _logged(n: _Nets) -> None:
    out = n.g(n.x)
    F.l1_loss(out.detach(), n.y)
    n.step(F.mse_loss(out, n.y) + 0.1 * out.pow(2).mean(), n.g_opt)


def _plus(n: _Nets, term: Callable[[torch.Tensor], Any]) -> None:
    out = n.g(n.x)
    n.step(F.mse_loss(out, n.y) + 0.3 * term(out), n.g_opt)


def _sum_of_two(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return F.l1_loss(out[:8], y[:8]) + F.l1_loss(out[8:], y[8:])


def _over_itself(term: torch.Tensor) -> torch.Tensor:
    return term / term.detach()


USELESS = {
    "generator": (lambda n: _gan(n, torch.Tensor.detach), "binary_cross_entropy_with_logits"),
    "rounded": (lambda n: _plus(n, lambda out: F.l1_loss(out.round(), n.y)), "l1_loss"),
    "item": (lambda n: _plus(n, lambda out: F.l1_loss(out, n.y).item()), "l1_loss"),
    "detached": (lambda n: _plus(n, lambda out: F.l1_loss(out.detach(), n.y)), "l1_loss"),
    "no-graph": (lambda n: _plus(n, lambda out: (out - n.y).detach().abs().max()), "term without gradient"),
    "two-calls": (lambda n: _plus(n, lambda out: _sum_of_two(out.detach(), n.y)), "term without gradient"),
    "by-hand": (lambda n: _plus(n, lambda out: n.d(out.detach()).pow(2).mean()), "term 2"),
}
USED: dict[str, Callable[[_Nets], None]] = {
    "gan": lambda n: _gan(n, lambda fake: fake),
    "two-optimizers": _two_critics,
    "logged": _logged,
    "straight-through": lambda n: _plus(n, lambda out: F.l1_loss(out + (out.round() - out).detach(), n.y)),
    "not-yet": lambda n: _plus(n, lambda out: 0.0 * F.l1_loss(out, n.y)),
    "constant": lambda n: _plus(n, lambda _: 2.0),
    "normalized": lambda n: _plus(n, lambda out: _over_itself(F.l1_loss(out, n.y))),
    "flooded": lambda n: _plus(n, lambda out: 0.1 * (F.l1_loss(out, n.y) - 0.2).abs()),
    "schedule": lambda n: _plus(n, lambda _: 1e-3 * torch.rand(())),
}


def _recorded(one_step: Callable[[_Nets], None], steps: int = 12) -> list[tuple[str, dict[str, Any]]]:
    def train() -> object:
        nets = _Nets()
        for _ in range(steps):
            nets.new_batch()
            one_step(nets)
        return nets

    events = [e for e in record(train).of("event") if e["kind"] == "loss-term"]
    return [(event["subject"], event["detail"]) for event in events]


@pytest.mark.parametrize("name", USELESS)
def test_a_term_that_trains_nothing_is_told(name: str) -> None:
    """The function, the line, and that no backward was of use."""
    one_step, kind = USELESS[name]
    told = dict(_recorded(one_step))
    assert [subject.partition(" (")[0] for subject in told] == [kind]
    assert all(detail["lost"] == detail["rounds"] >= 3 for detail in told.values())


@pytest.mark.parametrize("name", USED)
def test_a_term_that_is_used_or_only_logged_is_not(name: str) -> None:
    """Opponents, optimizers side by side, straight-through gradients, weights of zero, and numbers that are printed."""
    assert _recorded(USED[name]) == []


def test_two_backwards_are_not_enough() -> None:
    """A training of two steps tells of no term."""
    assert _recorded(USELESS["rounded"][0], steps=2) == []


class _TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.policy, self.value = nn.Linear(3, 4), nn.Linear(4, 2), nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        h = self.body(x).tanh()
        return self.policy(h), self.value(h)


def _two_heads() -> object:
    torch.manual_seed(0)
    model = _TwoHeads()
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(4):
        optimizer.zero_grad()
        logits, value = model(torch.randn(N, 3))
        loss = F.cross_entropy(logits, torch.zeros(N).long()) + 0.5 * F.mse_loss(value, torch.full((N, 1), 900.0))
        loss.backward()
        optimizer.step()
    return model


def test_the_parameters_of_each_term_are_told_once() -> None:
    """Of two heads on one body: what each has for itself, what it lacks, and how many both have."""
    records = record(_two_heads)
    names = {parameter["id"]: name for name, parameter in records.named().items()}
    (told,) = records.events("loss-terms")
    parts = [
        (
            term["name"].partition(" (")[0],
            [names[number] for number in term["own"]],
            [names[number] for number in term["without"]],
            term["shared"],
        )
        for term in told["summands"]
    ]
    policy, value = ["policy.weight", "policy.bias"], ["value.weight", "value.bias"]
    assert parts == [("cross_entropy", policy, value, 2), ("mse_loss", value, policy, 2)]
