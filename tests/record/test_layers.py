"""Gradients, updates and activations of the layers, each beside a plain computation of the same."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn

STEPS = 4


def _net() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 8), nn.Tanh(), nn.Linear(8, 8), nn.Sigmoid(), nn.Linear(8, 3)
    )


def _clones(model: nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in model.parameters()]


def test_gradient_norms_weights_and_update_ratios_are_exact() -> None:
    """Every sampled step: the norms before clipping, the ratio of step to weight, and the total."""
    norms, ratios, weights, clipped = [], [], [], []

    def train() -> nn.Module:
        model = _net()
        optimizer = torch.optim.SGD(model.parameters(), 0.5)
        for _ in range(STEPS):
            x = torch.randn(32, 6)
            optimizer.zero_grad()
            F.cross_entropy(model(x), x[:, :3].argmax(1)).backward()
            norms.append([p.grad.norm().item() for p in model.parameters()])
            before = _clones(model)
            weights.append([p.norm().item() for p in before])
            clipped.append(nn.utils.clip_grad_norm_(model.parameters(), 0.05).item())
            optimizer.step()
            pairs = zip(_clones(model), before, strict=True)
            ratios.append([((new - old).norm() / old.norm()).item() for new, old in pairs])
        return model

    records = record(train)
    for column, expected in (("grad", norms), ("update", ratios), ("weight", weights)):
        for found, wanted in zip(records.layer(column), expected, strict=True):
            assert found == pytest.approx(wanted, rel=1e-4)
    assert records.column("grad_norm") == pytest.approx(clipped, rel=1e-5)
    assert records.column("clip_norm") == pytest.approx(clipped, rel=1e-5)
    assert records.column("clip_max") == [0.05] * STEPS


def test_the_norm_of_a_closure_that_clips_is_that_before_clipping() -> None:
    """Lightning computes and clips gradients inside of the step."""
    clipped = []

    def train() -> nn.Module:
        model = _net()
        optimizer = torch.optim.SGD(model.parameters(), 0.5)

        def closure() -> torch.Tensor:
            x = torch.randn(32, 6)
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), x[:, :3].argmax(1))
            loss.backward()
            clipped.append(nn.utils.clip_grad_norm_(model.parameters(), 0.05).item())
            return loss

        for _ in range(STEPS):
            optimizer.step(closure)
        return model

    assert record(train).column("grad_norm") == pytest.approx(clipped, rel=1e-5)


def test_a_parameter_without_gradient_is_told_from_one_with_zero_gradient() -> None:
    """None is null, exactly zero is zero; unchanged bits are an update of zero."""

    def train() -> nn.Module:
        model = nn.ModuleDict({"used": nn.Linear(4, 3), "unused": nn.Linear(4, 3)})

        class Net(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.parts, self.zero = model, nn.Parameter(torch.ones(2))

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.parts["used"](x) + 0 * self.zero.sum()

        net = Net()
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        for _ in range(STEPS):
            optimizer.zero_grad()
            net(torch.randn(8, 4)).square().mean().backward()
            optimizer.step()
        return net

    records = record(train)
    names = list(records.named())
    for row, update in zip(records.layer("grad"), records.layer("update"), strict=True):
        by_name, moved = dict(zip(names, row, strict=True)), dict(zip(names, update, strict=True))
        assert (by_name["zero"], by_name["parts.unused.weight"], by_name["parts.unused.bias"]) == (0.0, None, None)
        assert by_name["parts.used.weight"] > 0
        assert (moved["zero"], moved["parts.unused.weight"]) == (0.0, 0.0)
        assert moved["parts.used.weight"] > 0


def test_gradients_in_half_precision_and_sparse_ones_have_finite_norms() -> None:
    """Their squares would overflow; a sparse embedding's rows are those that were used."""
    seen = []

    def train() -> nn.Module:
        model = nn.Sequential(nn.EmbeddingBag(20, 4, sparse=True), nn.Linear(4, 1))
        half = nn.Parameter(torch.full((4,), 2.0, dtype=torch.float16))
        model.register_parameter("wide", half)
        optimizer = torch.optim.SGD(model.parameters(), 1e-9)
        for _ in range(STEPS):
            optimizer.zero_grad()
            (model(torch.randint(0, 20, (6, 3))).sum() + (half.float() * 60000).sum()).backward()
            seen.append([half.grad.float().norm().item(), model[0].weight.grad.coalesce().to_dense().norm().item()])
            optimizer.step()
        return model

    records = record(train)
    names = list(records.named())
    for row, (half, sparse) in zip(records.layer("grad"), seen, strict=True):
        by_name = dict(zip(names, row, strict=True))
        assert by_name["wide"] == pytest.approx(half, rel=1e-3)
        assert by_name["0.weight"] > 0
        assert by_name["0.weight"] <= sparse * 3


@pytest.mark.parametrize(("rate", "expected"), [(0.5, 0.0), (0.25, -0.5), (1.0, 1.0), (0.9, 0.8)])
def test_alpha_on_a_quadratic_is_the_closed_form(rate: float, expected: float) -> None:
    """For w² the step -2·lr·w ends at alpha = 2·lr - 1: the minimum at 0, mirror height at 1."""

    def train() -> nn.Module:
        model = nn.Linear(1, 1, bias=False).double()
        optimizer = torch.optim.SGD(model.parameters(), rate)
        nn.init.constant_(model.weight, 3.0)
        for _ in range(2):
            optimizer.zero_grad()
            (
                model(torch.ones(1, 1, dtype=torch.float64)).square() if rate != 0.5 else model.weight.square()
            ).sum().backward()
            optimizer.step()
        return model

    (alpha,) = record(train).layer("alpha")
    assert alpha == pytest.approx(expected, abs=1e-6)


def _columns(output: torch.Tensor) -> dict[str, float]:
    rows = output.flatten(1)
    return {
        "act_mean": output.mean().item(),
        "act_std": output.std(unbiased=False).item(),
        "act_rms": output.square().mean().sqrt().item(),
        "act_max": output.abs().max().item(),
        "act_zero": (output == 0).float().mean().item(),
        "act_spread": rows.std(0, unbiased=False).mean().item(),
        "act_nonfinite": 0.0,
    }


def test_activation_statistics_are_exact() -> None:
    """Each row of the table against the outputs themselves, modules and functions alike."""
    outputs: list[dict[str, torch.Tensor]] = []

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.act = nn.Linear(6, 10), nn.Linear(10, 3), nn.Tanh()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            one = self.a(x)
            two = F.relu(one)
            three = self.act(self.b(two))
            outputs.append({"a": one, "a.relu": two, "act": three, "b": self.b(two), "output": three})
            return three

    def train() -> nn.Module:
        model = Net()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(STEPS):
            optimizer.zero_grad()
            model(torch.randn(32, 6)).square().mean().backward()
            optimizer.step()
        return model

    records = record(train)
    table = records.events("table")[-1]
    names = [row["name"] for row in table["rows"]]
    assert [(row["name"], row["kind"], row["units"]) for row in table["rows"]] == [
        ("a", "linear", 10),
        ("a.relu", "relu", 10),
        ("b", "linear", 3),
        ("act", "tanh", 3),
        ("output", "output", 3),
    ]
    for index, seen in enumerate(outputs):
        for name in names:
            if name == "b":
                continue  # called twice here
            for column, value in _columns(seen[name].detach()).items():
                found = records.layer(column)[index][names.index(name)]
                assert found == pytest.approx(value, rel=1e-4, abs=1e-6), (name, column)


@pytest.mark.parametrize(("scale", "share"), [(100.0, 1.0), (0.01, 0.0)])
def test_saturation_is_counted_for_tanh_and_sigmoid(scale: float, share: float) -> None:
    """Far out all elements saturate, near zero none; other layers have no such number."""

    def train() -> nn.Module:
        model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 16), nn.Sigmoid(), nn.Linear(16, 1))
        for layer in (model[0], model[2]):
            nn.init.constant_(layer.weight, 0.0)
            nn.init.constant_(layer.bias, scale)
        optimizer = torch.optim.SGD(model.parameters(), 0.0)
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.randn(32, 4)).mean().backward()
            optimizer.step()
        return model

    for row in record(train).layer("act_saturated"):
        assert row == [None, share, None, share, None, None]


def test_units_that_stay_at_zero_are_dead_after_three_batches() -> None:
    """Three of eight, known from the third sampled batch on."""

    def train() -> nn.Module:
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
        with torch.no_grad():
            model[0].bias[:3] = -1000.0
            model[0].bias[3:] = 5.0
        optimizer = torch.optim.SGD(model.parameters(), 0.0)
        for _ in range(STEPS):
            optimizer.zero_grad()
            model(torch.randn(128, 4)).mean().backward()
            optimizer.step()
        return model

    dead = [row[1] for row in record(train).layer("act_dead")]
    assert dead == [None, None, 0.375, 0.375]


def test_channels_are_the_units_of_images() -> None:
    """A convolution's units are its channels."""

    def train() -> nn.Module:
        model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))
        with torch.no_grad():
            model[0].bias[:1] = -1000.0
            model[0].bias[1:] = 5.0
        optimizer = torch.optim.SGD(model.parameters(), 0.0)
        for _ in range(STEPS):
            optimizer.zero_grad()
            model(torch.randn(64, 1, 8, 8)).mean().backward()
            optimizer.step()
        return model

    records = record(train)
    assert [row["units"] for row in records.events("table")[-1]["rows"]][:2] == [4, 4]
    assert [row[1] for row in records.layer("act_dead")][-1] == 0.25


def test_parameters_are_described_as_they_are_at_the_start() -> None:
    """Shape, role, fan-in, initial spread, and what is frozen."""
    expected: dict[str, float] = {}

    def train() -> nn.Module:
        model = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.LayerNorm(8), nn.Linear(8, 3))
        model[3].bias.requires_grad = False
        expected.update({name: p.detach().square().mean().sqrt().item() for name, p in model.named_parameters()})
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(model(torch.randint(0, 10, (8, 2))), torch.randint(0, 3, (8,))).backward()
            optimizer.step()
        return model

    named = record(train).named()
    assert {name: (p["role"], p["shape"], p["trainable"], p.get("fan_in")) for name, p in named.items()} == {
        "0.weight": ("embedding", [10, 4], True, 4),
        "2.weight": ("norm", [8], True, None),
        "2.bias": ("norm", [8], True, None),
        "3.weight": ("weight", [3, 8], True, 8),
        "3.bias": ("bias", [3], False, None),
    }
    assert {name: p["init_rms"] for name, p in named.items()} == pytest.approx(expected, rel=1e-5)
