"""The counts of the calls that make up a step, for the ways in which people write (and break) their loops."""

from __future__ import annotations

import contextlib
import copy
import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import Records, record
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 6


def _net(*extra: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), *extra, nn.Tanh(), nn.Linear(8, 3))


def _batch() -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(16, 4)
    return x, x[:, :3].argmax(1)


def _loss(model: nn.Module) -> torch.Tensor:
    x, y = _batch()
    return F.cross_entropy(model(x), y)


def _loop(
    clear: Callable[[nn.Module, torch.optim.Optimizer], object],
    *,
    steps: int = STEPS,
    make: Callable[..., torch.optim.Optimizer] = torch.optim.SGD,
) -> Records:
    """Record a loop that clears its gradients in some way before each backward."""

    def train() -> None:
        model = _net()
        optimizer = make(model.parameters(), lr=0.1)
        for _ in range(steps):
            clear(model, optimizer)
            _loss(model).backward()
            optimizer.step()

    return record(train)


def _drop(model: nn.Module, _: object) -> None:
    for parameter in model.parameters():
        parameter.grad = None


def _fill(model: nn.Module, _: object) -> None:
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad.zero_()


CLEARING = {
    "optimizer": lambda _, optimizer: optimizer.zero_grad(),
    "optimizer, in place": lambda _, optimizer: optimizer.zero_grad(set_to_none=False),
    "model": lambda model, _: model.zero_grad(),
    "grad = None": _drop,
    "grad.zero_()": _fill,
}


@pytest.mark.parametrize("way", CLEARING)
def test_every_way_of_clearing_gradients_counts(way: str) -> None:
    """No step is stale, and backward and step are counted once each."""
    records = _loop(CLEARING[way])
    assert (records.tally["stale_steps"], records.tally["step"], records.tally["backward"]) == (0, STEPS, STEPS)
    assert records.column("stale") == [None] * STEPS


def test_gradients_that_are_never_cleared_are_stale_from_the_second_step_on() -> None:
    """The first step has nothing left over."""
    records = _loop(lambda *_: None)
    assert records.column("stale") == [None] + [True] * (STEPS - 1)
    assert records.tally["stale_steps"] == STEPS - 1


def test_clearing_between_backward_and_step_is_counted() -> None:
    """Both ways of clearing: the step has no gradients, or zeros."""
    for set_to_none in (True, False):

        def train(set_to_none: bool = set_to_none) -> None:  # noqa: FBT001
            model = _net()
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            for _ in range(STEPS):
                _loss(model).backward()
                optimizer.zero_grad(set_to_none=set_to_none)
                optimizer.step()

        records = record(train)
        assert records.tally["zero_between_backward_and_step"] == STEPS
        assert records.column("no_grad") == [True] * STEPS
        assert records.tally["stale_steps"] == 0


@pytest.mark.parametrize("micro", [4, 64])
def test_accumulation_is_one_step_and_not_stale(micro: int) -> None:
    """However many micro-batches there are."""

    def train() -> None:
        model = _net()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(3):
            for _ in range(micro):
                (_loss(model) / micro).backward()
            optimizer.step()
            optimizer.zero_grad()

    records = record(train)
    assert records.column("micro") == [micro] * 3
    assert records.column("stale") == [None] * 3
    assert (records.tally["accumulation"], records.tally["accumulation_divided"]) == (micro, True)
    assert records.tally["accumulated_steps"] == 3


def test_the_loss_of_an_accumulated_step_is_the_mean_undivided() -> None:
    """The division that accumulation needs is undone, also where the undivided loss is gone at once."""
    seen: list[float] = []

    def train() -> None:
        model = _net()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(3):
            for _ in range(4):
                loss = _loss(model) / 4
                seen.append(4 * loss.item())
                loss.backward()
            optimizer.step()
            optimizer.zero_grad()

    losses = record(train).column("loss")
    assert losses == pytest.approx([sum(seen[i : i + 4]) / 4 for i in (0, 4, 8)], rel=1e-6)


def test_accumulation_without_division_is_told() -> None:
    """The sum of the micro-batches' gradients is taken for their mean."""

    def train() -> None:
        model = _net()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(3):
            for _ in range(4):
                _loss(model).backward()
            optimizer.step()
            optimizer.zero_grad()

    assert record(train).tally["accumulation_divided"] is False


def _never_stepping(*, clear: bool, backwards: int) -> Records:
    def train() -> None:
        model = _net()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(backwards):
            if clear:
                optimizer.zero_grad()
            _loss(model).backward()

    return record(train)


def test_a_loop_without_step_is_recorded_by_its_backwards() -> None:
    """Cleared gradients show that a cycle has ended without a step."""
    records = _never_stepping(clear=True, backwards=40)
    assert (records.tally["step"], records.tally["backward"], records.tally["zero_grad"]) == (0, 40, 40)
    assert len(records.of("step")) > 20
    assert records.column("opt")[-1] == []


def test_accumulation_that_never_steps_is_one_open_step() -> None:
    """Without clearing, more micro-batches may be to come."""
    records = _never_stepping(clear=False, backwards=40)
    assert (records.tally["step"], records.tally["backward"]) == (0, 40)
    assert records.column("micro") == [40]


def test_clearing_before_a_step_with_an_empty_closure_is_counted() -> None:
    """Lightning hands one to every step of a manual loop; one that computes gradients itself loses none."""

    def tally(closure_of: Callable[[nn.Module], Callable[[], object]]) -> int:
        def train() -> None:
            model = _net()
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            for _ in range(STEPS):
                _loss(model).backward()
                optimizer.zero_grad()
                optimizer.step(closure_of(model))

        return int(record(train).tally["zero_between_backward_and_step"])

    assert tally(lambda _: lambda: None) == STEPS
    assert tally(lambda model: lambda: _loss(model).backward()) == 0


def test_a_step_without_backward_is_counted() -> None:
    """The optimizer has nothing to use."""

    def train() -> None:
        model = _net()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(STEPS):
            optimizer.zero_grad()
            _loss(model)
            optimizer.step()

    records = record(train)
    tally = records.tally
    assert (tally["backward"], tally["step"], tally["step_without_grad"]) == (0, STEPS, STEPS)
    assert tally["zero_between_backward_and_step"] == 0
    assert records.column("no_grad") == [True] * STEPS


@pytest.mark.parametrize("make", [torch.optim.LBFGS, torch.optim.SGD])
def test_closures_are_one_step_each(make: Callable[..., torch.optim.Optimizer]) -> None:
    """Several evaluations inside a step are its micro-batches; nothing is stale or missing."""
    evaluations: list[int] = []

    def train() -> None:
        model = _net()
        optimizer = make(model.parameters(), lr=0.1)
        for _ in range(4):
            x, y = _batch()
            evaluations.append(0)

            def closure(x: torch.Tensor = x, y: torch.Tensor = y) -> torch.Tensor:
                evaluations[-1] += 1
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x), y)
                loss.backward()
                return loss

            optimizer.step(closure)

    records = record(train)
    assert records.column("micro") == evaluations
    tally = records.tally
    assert (tally["step"], tally["stale_steps"], tally["step_without_grad"]) == (4, 0, 0)
    assert all(records.column("grad_norm"))


def test_a_closure_that_does_not_clear_is_stale() -> None:
    """Its quiet twin is above."""

    def train() -> None:
        model = _net()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)

        def closure() -> torch.Tensor:
            loss = _loss(model)
            loss.backward()
            return loss

        for _ in range(STEPS):
            optimizer.step(closure)

    assert record(train).tally["stale_steps"] == STEPS - 1


def test_a_gan_is_neither_stale_nor_mismatched() -> None:
    """The generator's backward fills the discriminator's gradients; each optimizer clears its own in time."""
    sizes: list[tuple[int, int]] = []

    def train() -> None:
        generator, critic = nn.Linear(4, 6), nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1))
        for_g = torch.optim.Adam(generator.parameters(), 1e-3)
        for_d = torch.optim.Adam(critic.parameters(), 1e-3)
        ones, zeros = torch.ones(8, 1), torch.zeros(8, 1)
        bce = F.binary_cross_entropy_with_logits
        for _ in range(4):
            for_d.zero_grad()
            fake = generator(torch.randn(8, 4))
            (bce(critic(torch.randn(8, 6)), ones) + bce(critic(fake.detach()), zeros)).backward()
            for_d.step()
            for_g.zero_grad()
            bce(critic(fake), ones).backward()
            for_g.step()
        sizes.append((len(list(generator.parameters())), len(list(critic.parameters()))))

    records = record(train)
    tally = records.tally
    assert (tally["stale_steps"], tally["step"], tally["backward"]) == (0, 8, 8)
    assert records.column("opt") == [[1], [0]] * 4 or records.column("opt") == [[0], [1]] * 4
    assert [fact["unknown_parameters"] for fact in records.facts("optimizer")] == [0, 0]
    held = [set(fact["groups"][0]["parameters"]) for fact in records.facts("optimizer")]
    assert [len(one) for one in held] == sorted(sizes[0], reverse=True)
    assert not held[0] & held[1]


def test_the_norm_of_a_gans_step_is_that_of_the_stepped_model() -> None:
    """The other model's gradients, filled on the way, do not count."""
    norms: list[float] = []

    def train() -> None:
        generator, critic = nn.Linear(4, 6), nn.Linear(6, 1)
        for_g = torch.optim.SGD(generator.parameters(), 1e-3)
        for _ in range(3):
            for_g.zero_grad()
            critic(generator(torch.randn(8, 4))).mean().backward()
            norms.append(torch.cat([p.grad.flatten() for p in generator.parameters()]).norm().item())
            for_g.step()

    assert record(train).column("grad_norm") == pytest.approx(norms, rel=1e-5)


def test_reinforce_is_recorded_by_its_custom_loss() -> None:
    """Actions are chosen without gradients; the loss has no function of torch's."""

    def train() -> None:
        policy = _net()
        optimizer = torch.optim.Adam(policy.parameters(), 1e-2)
        for _ in range(STEPS):
            logs = []
            for _ in range(5):
                choice = torch.distributions.Categorical(logits=policy(torch.randn(4)))
                logs.append(choice.log_prob(choice.sample()))
            loss = -(torch.stack(logs) * torch.randn(5)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    records = record(train)
    assert [fact["kind"] for fact in records.facts("loss")] == ["custom"]
    assert len(records.of("step")) == STEPS
    assert all(isinstance(loss, float) for loss in records.column("loss"))
    assert records.of("eval") == []


def _by_hand(update: Callable[[nn.Module], object]) -> Records:
    def train() -> nn.Module:
        model = _net()
        for _ in range(STEPS):
            model.zero_grad()
            _loss(model).backward()
            update(model)
        return model

    return record(train)


def _through_data(model: nn.Module) -> None:
    for parameter in model.parameters():
        parameter.data -= 0.1 * parameter.grad


@torch.no_grad()
def _in_place(model: nn.Module) -> None:
    for parameter in model.parameters():
        parameter -= 0.1 * parameter.grad  # noqa: PLW2901 - in place is the point


@pytest.mark.parametrize("update", [_through_data, _in_place])
def test_updates_by_hand_are_seen_by_their_bits(update: Callable[[nn.Module], object]) -> None:
    """A step is a backward, its gradients and updates are those of the parameters."""
    records = _by_hand(update)
    assert records.tally["manual_updates"] is True
    assert (len(records.of("step")), records.tally["step"]) == (STEPS, 0)
    assert all(ratio > 0 for row in records.layer("update") for ratio in row)
    assert all(records.column("grad_norm"))


def test_backwards_that_change_nothing_are_no_updates_by_hand() -> None:
    """The quiet twin: gradients are computed and dropped."""
    assert _by_hand(lambda _: None).tally["manual_updates"] is False


def test_torch_autograd_grad_with_updates_by_hand_is_a_step() -> None:
    """The gradients never reach `.grad`; that is not reported as missing gradients."""

    def train() -> None:
        model = _net()
        parameters = list(model.parameters())
        for _ in range(STEPS):
            gradients = torch.autograd.grad(_loss(model), parameters)
            with torch.no_grad():
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    parameter -= 0.1 * gradient  # noqa: PLW2901

    records = record(train)
    assert len(records.of("step")) == STEPS
    assert records.tally["manual_updates"] is True
    assert records.layer("grad") == []


def test_functional_updates_are_recorded_by_their_losses() -> None:
    """torch.func: each transformed gradient is a step, its loss the plain value."""
    losses: list[float] = []

    def train() -> None:
        model = _net()
        parameters = dict(model.named_parameters())

        def objective(parameters: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return F.cross_entropy(torch.func.functional_call(model, parameters, (x,)), y)

        for _ in range(STEPS):
            gradients, loss = torch.func.grad_and_value(objective)(parameters, *_batch())
            parameters = {name: (p - 0.1 * gradients[name]).detach() for name, p in parameters.items()}
            losses.append(loss.item())

    assert record(train).column("loss") == pytest.approx(losses)


def test_gradients_of_gradients_are_no_steps_beside_an_optimizer() -> None:
    """A gradient penalty: torch.autograd.grad inside a step is part of it."""

    def train() -> None:
        model = nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(STEPS):
            x = torch.randn(8, 4, requires_grad=True)
            out = model(x)
            (slope,) = torch.autograd.grad(out.sum(), x, create_graph=True)
            optimizer.zero_grad()
            (out.mean() + slope.square().mean()).backward()
            optimizer.step()

    records = record(train)
    assert (len(records.of("step")), records.tally["backward"]) == (STEPS, STEPS)


def _in_mode(prepare: Callable[[nn.Module], object], *extra: nn.Module) -> Records:
    def train() -> None:
        model = _net(*extra)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(STEPS):
            prepare(model)
            optimizer.zero_grad()
            _loss(model).backward()
            optimizer.step()

    return record(train)


def test_training_in_eval_mode_is_counted_where_a_layer_cares() -> None:
    """With dropout it is, without any such layer it is not, and neither is train mode."""
    fired = _in_mode(lambda model: model.eval(), nn.Dropout(0.5))
    assert (fired.tally["eval_mode_train_forward"], fired.column("mode")) == (STEPS, ["eval"] * STEPS)
    for quiet in (_in_mode(lambda model: model.eval()), _in_mode(lambda model: model.train(), nn.Dropout(0.5))):
        assert (quiet.tally["eval_mode_train_forward"], quiet.column("mode")) == (0, ["train"] * STEPS)


def test_training_in_eval_mode_makes_no_evaluations() -> None:
    """Its losses are those of the steps."""
    assert _in_mode(lambda model: model.eval(), nn.Dropout(0.5)).of("eval") == []


def _freeze_norm(model: nn.Sequential) -> None:
    model[1].eval()
    for parameter in model[1].parameters():
        parameter.requires_grad = False


def test_frozen_batch_norm_is_intended() -> None:
    """A norm layer in eval mode whose own parameters do not train is no mistake."""
    records = _in_mode(_freeze_norm, nn.BatchNorm1d(8))
    assert records.tally["eval_mode_train_forward"] == 0


@pytest.mark.parametrize(("mode", "counted"), [("train", 3), ("eval", 0)])
def test_evaluating_in_train_mode_is_counted_where_a_layer_cares(mode: str, counted: int) -> None:
    """Three batches of an evaluation without gradients, with dropout."""

    def train() -> None:
        model = _net(nn.Dropout(0.5))
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(STEPS):
            optimizer.zero_grad()
            _loss(model).backward()
            optimizer.step()
        model.train(mode == "train")
        with torch.no_grad():
            for _ in range(3):
                _loss(model)

    records = record(train)
    assert records.tally["train_mode_eval_forward"] == counted
    (evaluation,) = records.of("eval")
    assert (evaluation["mode"], evaluation["care"], evaluation["batches"]) == (mode, True, 3)
    assert evaluation["train_mode_modules"] == (["1"] if counted else [])


def _scheduled(*, first: bool) -> Records:
    def train() -> None:
        model = _net()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
        for _ in range(STEPS):
            optimizer.zero_grad()
            _loss(model).backward()
            for part in (scheduler, optimizer) if first else (optimizer, scheduler):
                part.step()

    return record(train)


@pytest.mark.filterwarnings("ignore:Detected call")
@pytest.mark.parametrize(("first", "counted"), [(True, STEPS), (False, 0)])
def test_a_scheduler_before_the_optimizer_is_counted(first: bool, counted: int) -> None:  # noqa: FBT001
    """And its own first step, when it is made, is not."""
    tally = _scheduled(first=first).tally
    assert tally["scheduler_before_optimizer"] == counted
    assert tally["scheduler_steps"] == {"0": STEPS}


def test_the_rate_of_a_step_is_the_one_it_used() -> None:
    """A schedule changes it afterwards, and makes no new optimizer facts."""
    records = _scheduled(first=False)
    assert records.column("lr") == [[0.1], [0.1], [0.05], [0.05], [0.025], [0.025]]
    assert records.events("optimizer") == []


@pytest.mark.parametrize(("unscale", "counted"), [(False, STEPS), (True, 0)])
def test_clipping_scaled_gradients_is_counted(unscale: bool, counted: int) -> None:  # noqa: FBT001
    """The scaler's own unscaling inside `step` comes too late."""
    norms: list[float] = []

    def train() -> None:
        model = _net()
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = _loss(model)
            scaler.scale(loss).backward()
            norms.append(torch.cat([p.grad.flatten() for p in model.parameters()]).norm().item() / 1024)
            if unscale:
                scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()

    records = record(train)
    assert records.tally["clip_before_unscale"] == counted
    assert (records.tally["clip_calls"], records.tally["scaler_steps"]) == (STEPS, STEPS)
    assert records.column("scale") == [1024.0] * STEPS
    assert records.column("clip_max") == [1.0] * STEPS
    assert records.column("grad_norm") == pytest.approx(norms, rel=1e-5)


def test_a_step_that_the_scaler_skips_is_a_skipped_step() -> None:
    """Infinite gradients: the optimizer is not called; the loss is told unscaled."""

    def train() -> None:
        model = _net()
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
        for _ in range(STEPS):
            optimizer.zero_grad()
            scaler.scale(_loss(model) * 100).backward()
            scaler.step(optimizer)
            scaler.update(2.0**127)

    records = record(train)
    assert records.column("skipped") == [True] * STEPS
    assert (records.tally["scaler_skips"], records.tally["step"]) == (STEPS, 0)
    assert all(loss < 1000 for loss in records.column("loss"))


def test_an_optimizer_inside_an_optimizer_is_one_step() -> None:
    """A subclass that calls its parent's step, and a wrapper that calls another optimizer's."""

    class Subclass(torch.optim.Adam):
        def step(self, closure: Any = None) -> Any:
            return super().step(closure)

    class Wrapper(torch.optim.Optimizer):
        def __init__(self, inner: torch.optim.Optimizer) -> None:
            super().__init__(inner.param_groups, {})
            self.inner = inner

        def step(self, closure: Any = None) -> Any:
            return self.inner.step(closure)

    def train() -> None:
        torch.optim.Adam([torch.zeros(1, requires_grad=True)])
        model = _net()
        for optimizer in (Subclass(model.parameters(), 1e-2), Wrapper(torch.optim.SGD(model.parameters(), 1e-2))):
            for _ in range(3):
                optimizer.zero_grad()
                _loss(model).backward()
                optimizer.step()

    records = record(train)
    assert (records.tally["step"], len(records.of("step"))) == (6, 6)
    assert [len(rates) for rates in records.column("lr")] == [1] * 6


def test_a_step_that_raises_does_not_hide_those_after_it() -> None:
    """The script catches the exception of a closure and goes on."""

    def train() -> None:
        model = _net()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for index in range(4):

            def closure(index: int = index) -> torch.Tensor:
                optimizer.zero_grad()
                loss = _loss(model)
                loss.backward()
                if index == 1:
                    raise RuntimeError
                return loss

            with contextlib.suppress(RuntimeError):
                optimizer.step(closure)

    assert record(train).tally["step"] == 3


def test_an_averaged_copy_and_a_target_net_are_not_trained() -> None:
    """Deep copies are models of their own, in no optimizer, without train-mode alarms."""

    def train() -> None:
        model = _net(nn.Dropout(0.2))
        average, target = copy.deepcopy(model), copy.deepcopy(model)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(STEPS):
            x, _ = _batch()
            with torch.no_grad():
                wanted = target(x)
            optimizer.zero_grad()
            F.mse_loss(model(x), wanted).backward()
            optimizer.step()
            with torch.no_grad():
                for mean, parameter in zip(average.parameters(), model.parameters(), strict=True):
                    mean.lerp_(parameter, 0.1)
        with torch.no_grad():
            F.mse_loss(average.eval()(x), wanted)

    records = record(train)
    assert records.tally["train_mode_eval_forward"] == 0
    assert {row["model"] for row in records.of("layers")} == {1}
    held = records.facts("optimizer")[0]["groups"][0]["parameters"]
    assert held == [p["id"] for p in records.facts("model")[1]["parameters"]]


def test_a_siamese_net_is_one_model_called_twice() -> None:
    """Both calls belong to one step; what the loss is told of them is its target."""

    def train() -> None:
        model = _net()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(STEPS):
            one, other = model(torch.randn(16, 4)), model(torch.randn(16, 4))
            optimizer.zero_grad()
            F.cosine_embedding_loss(one, other, torch.ones(16)).backward()
            optimizer.step()

    records = record(train)
    assert (len(records.facts("model")), records.tally["train_forward"]) == (1, 2 * STEPS)
    (loss,) = records.facts("loss")
    assert (loss["target"]["shape"], loss["target"]["min"], loss["target"]["mean"]) == ([16], 1.0, 1.0)
    assert len(records.of("step")) == STEPS


def test_a_model_made_anew_is_a_second_model() -> None:
    """The first one trains a little and is dropped."""

    def train() -> None:
        for _ in range(2):
            model = _net()
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            for _ in range(3):
                optimizer.zero_grad()
                _loss(model).backward()
                optimizer.step()

    records = record(train)
    numbers = [[p["id"] for p in model["parameters"]] for model in records.facts("model")]
    assert numbers == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert [row["model"] for row in records.of("layers")] == [0] * 3 + [1] * 3
    assert [fact["unknown_parameters"] for fact in records.facts("optimizer")] == [0, 0]


def test_a_head_replaced_after_the_optimizer_was_made_is_in_no_group() -> None:
    """The optimizer holds two tensors that no model has, the model two that no optimizer has."""

    def train() -> nn.Module:
        model = _net()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        model[2] = nn.Linear(8, 3)
        for _ in range(STEPS):
            optimizer.zero_grad()
            _loss(model).backward()
            optimizer.step()
        return model

    records = record(train)
    (optimizer,) = records.facts("optimizer")
    named = records.named()
    assert optimizer["unknown_parameters"] == 2
    assert optimizer["groups"][0]["parameters"] == [named["0.weight"]["id"], named["0.bias"]["id"]]
    assert [[ratio > 0 for ratio in row] for row in records.layer("update")] == [[True, True, False, False]] * STEPS


def test_adapters_put_into_a_trained_model_are_known_at_the_next_step() -> None:
    """The second optimizer holds weights that no model has: the model is looked at again at once."""

    class Adapter(nn.Module):
        def __init__(self, base: nn.Module) -> None:
            super().__init__()
            self.base, self.low = base, nn.Parameter(torch.zeros(8, 4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.base(x) + x @ self.low.T

    def steps(model: nn.Module, count: int) -> None:
        optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1)
        for _ in range(count):
            optimizer.zero_grad()
            _loss(model).backward()
            optimizer.step()

    def train() -> nn.Module:
        model = _net()
        steps(model, 30)
        model[0] = Adapter(model[0].requires_grad_(requires_grad=False))
        steps(model, 5)
        return model

    records = record(train)
    assert records.facts("optimizer")[-1]["unknown_parameters"] == 0
    model = next(r for r in records.of("event") if r["kind"] == "model" and r["step"] > 0)
    assert (model["step"], "0.low" in [p["name"] for p in model["detail"]["parameters"]]) == (31, True)


def test_an_embedding_resized_in_the_middle_keeps_the_other_numbers() -> None:
    """The model is described anew; what a parameter was at the start stays told."""

    def train() -> None:
        model = nn.Sequential(nn.Embedding(5, 4), nn.Flatten(), nn.Linear(8, 3))
        optimizer = torch.optim.SGD(model.parameters(), 0.5)
        for step in range(STEPS):
            if step == 2:
                model[0] = nn.Embedding(7, 4)
            optimizer.zero_grad()
            F.cross_entropy(model(torch.randint(0, 5, (8, 2))), torch.randint(0, 3, (8,))).backward()
            optimizer.step()

    records = record(train)
    (model,) = records.facts("model")
    before = records.of("header")[0]["models"][0]
    assert [p["id"] for p in before["parameters"]] == [0, 1, 2]
    assert [(p["name"], p["id"], p["shape"]) for p in model["parameters"]] == [
        ("0.weight", 3, [7, 4]),
        ("2.weight", 1, [3, 8]),
        ("2.bias", 2, [3]),
    ]
    assert model["parameters"][1]["init_rms"] == before["parameters"][1]["init_rms"]


def test_no_model_is_kept_alive() -> None:
    """A loop over folds: each model, its optimizer and its parameters are gone when the script drops them."""
    references: list[weakref.ref[Any]] = []

    def train() -> None:
        for _ in range(3):
            model = _net(nn.Dropout(0.1))
            optimizer = torch.optim.Adam(model.parameters(), 1e-2)
            for _ in range(3):
                optimizer.zero_grad()
                _loss(model).backward()
                optimizer.step()
            references.extend(map(weakref.ref, (model, optimizer, *model.parameters())))
            del model, optimizer
            gc.collect()
            assert [reference() for reference in references] == [None] * len(references)

    record(train)
    assert len(references) == 18


def test_plain_tensors_of_a_script_are_not_kept_alive() -> None:
    """A new leaf at every step, as functional updates make them: that of the step before goes with the next one."""
    alive: list[int] = []

    def train() -> None:
        weight = torch.zeros(4, 1, requires_grad=True)
        references = []
        for _ in range(STEPS):
            x = torch.randn(8, 4)
            F.mse_loss(x @ weight, x.sum(1, keepdim=True)).backward()
            weight = (weight - 0.1 * weight.grad).detach().requires_grad_()
            references.append(weakref.ref(weight))
            alive.append(sum(reference() is not None for reference in references))

    record(train)
    assert max(alive) == 2


def test_losses_computed_for_reading_keep_neither_graph_nor_predictions() -> None:
    """A validation without no_grad: what it computed is gone when the script drops it."""
    kept: list[bool] = []

    class Watched(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.mark = type("Mark", (), {})()
            kept.append(weakref.ref(ctx.mark))
            return x.clone()

        @staticmethod
        def backward(_: Any, gradient: torch.Tensor) -> torch.Tensor:
            return gradient

    def train() -> None:
        model = _net()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        _loss(model).backward()
        optimizer.step()
        for _ in range(3):
            x, y = _batch()
            F.cross_entropy(Watched.apply(model(x)), y)
        gc.collect()
        assert [mark() for mark in kept] == [None] * 3

    record(train)


@pytest.mark.parametrize(("detached", "told"), [(True, 1), (False, 0)])
def test_an_optimizer_that_never_finds_a_gradient(told: int, *, detached: bool) -> None:
    """The generator's step on the batch that was detached for the critic, and one on the batch itself."""

    def train() -> object:
        generator, critic = nn.Linear(2, 2), nn.Linear(2, 1)
        ours = [torch.optim.SGD(net.parameters(), 0.01) for net in (generator, critic)]
        for _ in range(25):
            fake = generator(torch.randn(4, 2))
            ours[1].zero_grad()
            critic(fake.detach()).mean().backward()
            ours[1].step()
            ours[0].zero_grad()
            (-critic(fake.detach() if detached else fake).mean()).backward()
            ours[0].step()
        return generator, critic, ours

    assert record(train).tally["gradless_optimizers"] == told


def test_an_optimizer_whose_weights_are_all_frozen_waits() -> None:
    """It is stepped in a loop that serves later stages too, and is not one that never found a gradient."""

    def train() -> object:
        body, head = nn.Linear(2, 2).requires_grad_(requires_grad=False), nn.Linear(2, 1)
        ours = [torch.optim.SGD(net.parameters(), 0.01) for net in (body, head)]
        for _ in range(25):
            head(body(torch.randn(4, 2))).mean().backward()
            for optimizer in ours:
                optimizer.step()
                optimizer.zero_grad()
        return body, head, ours

    assert record(train).tally["gradless_optimizers"] == 0


def test_an_optimizer_in_the_place_of_one_that_is_gone_has_its_own_counts() -> None:
    """Each of the two has tried less often without a gradient than tells anything."""

    def train() -> object:
        waiting, trained, others = nn.Linear(2, 2), nn.Linear(2, 1), []
        ours = [torch.optim.SGD(net.parameters(), 0.01) for net in (waiting, trained)]
        for step in range(30):
            if step == 15:
                address = id(ours[0])
                ours[0] = torch.optim.SGD([nn.Parameter(torch.zeros(1))], 0.01)  # the old one is gone, for the next
                for _ in range(1000):
                    ours[0], other = torch.optim.SGD(waiting.parameters(), 0.01), ours[0]
                    others.append(other)
                    if id(ours[0]) == address:
                        break
                else:
                    pytest.skip("something else has got its place")
            ours[1].zero_grad()
            trained(torch.randn(4, 2)).mean().backward()
            ours[1].step()
            ours[0].step()
        return waiting, trained, ours

    assert record(train).tally["gradless_optimizers"] == 0
