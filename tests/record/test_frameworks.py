"""What frameworks have of their own instead of torch's: wrappers, samplers, optimizers, losses, symbolic calls."""

import sys
import types
from importlib.machinery import ModuleSpec

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

from trainadvisor.instrument import foreign_optimizers, taps
from trainadvisor.record.objects import describe

X, Y = torch.randn(32, 4), torch.arange(32) % 3


class Wrapper(torch.optim.Optimizer):
    """Shares the groups of the optimizer that it holds, as Accelerate's does."""

    def __init__(self, optimizer):
        self.optimizer = optimizer

    @property
    def param_groups(self):
        return self.optimizer.param_groups

    def step(self):
        self.optimizer.step()


class Batches:
    """A batch sampler around another one, as a loader of Accelerate has."""

    def __init__(self, inner):
        self.batch_sampler, self.batch_size = inner, inner.batch_size

    def __iter__(self):
        return iter(self.batch_sampler)

    def __len__(self):
        return len(self.batch_sampler)


class Tagged(torch.Tensor):
    """A subclass without an own dispatch, as fastai's."""


def steps(model, optimizer, count=4, loss=F.cross_entropy):
    """Train so many steps."""
    for _ in range(count):
        optimizer.zero_grad()
        loss(model(X), Y).backward()
        optimizer.step()
    return model


def test_a_wrapper_is_no_second_optimizer():
    """A schedule of the wrapper belongs to the optimizer inside."""

    def train():
        model = nn.Linear(4, 3)
        inner = torch.optim.SGD(model.parameters(), 0.1)
        outer = Wrapper(inner)
        scheduler = torch.optim.lr_scheduler.LambdaLR(inner, lambda _: 1.0)
        scheduler.optimizer = outer
        for _ in range(3):
            steps(model, inner, 1)
            scheduler.step()
        return model, outer

    assert [fact["class"] for fact in record(train).facts("optimizer")] == ["SGD"]


def test_an_optimizer_that_holds_another_with_own_groups_is_one_itself():
    """A wrapper with groups of its own is not looked through."""
    inner = torch.optim.SGD(nn.Linear(4, 3).parameters(), 0.1)
    outer = torch.optim.SGD(nn.Linear(4, 3).parameters(), 0.1)
    outer.optimizer = inner
    assert describe.innermost(outer) is outer


@pytest.mark.parametrize("shuffled", [True, False])
def test_the_innermost_sampler_says_whether_a_loader_shuffles(shuffled):
    """A loader that was given a batch sampler has a sampler of torch's that nobody asks."""
    data = TensorDataset(X, Y)
    order = RandomSampler(data) if shuffled else torch.utils.data.SequentialSampler(data)
    fact = describe.loader_fact(DataLoader(data, batch_sampler=Batches(BatchSampler(order, 8, drop_last=False))))
    assert (fact["shuffle"], fact["sampler"], fact["batch_size"]) == (shuffled, type(order).__name__, 8)


def test_a_loader_is_known_as_long_as_its_iterator():
    """A loader that is dropped behind `iter` is described and its batches are counted as an epoch."""

    def train():
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for x, y in iter(DataLoader(TensorDataset(X, Y), batch_size=8, shuffle=True)):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        return model

    records = record(train)
    assert [(fact["batch_size"], fact["shuffle"]) for fact in records.facts("loader")] == [(8, True)]
    assert records.column("epoch") == [0, 0, 0, 0]


def test_a_loss_of_a_tensor_subclass_is_a_loss():
    """The kind of a loss is known where the library's tensors are a subclass."""

    def train():
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        return steps(model, optimizer, loss=lambda output, y: F.cross_entropy(output.as_subclass(Tagged), y))

    records = record(train)
    assert [fact["kind"] for fact in records.facts("loss")] == ["cross_entropy"]
    assert records.failures == []


@pytest.mark.parametrize(("divisor", "sums"), [(64, True), (32, False)])
def test_sums_that_share_a_divisor_add_up(divisor, sums):
    """Sums of two micro-batches over the count of both are the mean together; over their own each is one."""
    told = []

    def train():
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(3):
            optimizer.zero_grad()
            told.append(0.0)
            for _ in range(2):
                loss = F.cross_entropy(model(X), Y, reduction="sum") / divisor
                loss.backward()
                told[-1] += loss.item() / (1 if sums else 2)
            optimizer.step()
        return model

    assert record(train).column("loss") == pytest.approx(told, rel=1e-5)


class KerasTensor:
    """Has a shape and no values."""


class Asked(nn.Linear):
    """A layer that can be asked for the shape of its answer."""

    def forward(self, x):
        return x if isinstance(x, KerasTensor) else super().forward(x)


def test_a_symbolic_call_makes_no_model():
    """A part that is only asked for shapes before the training is no model of its own."""

    def train():
        model = nn.Sequential(Asked(4, 3))
        model[0](KerasTensor())
        return steps(model, torch.optim.SGD(model.parameters(), 0.1))

    assert [fact["name"] for fact in record(train).facts("model")] == ["Sequential"]


class Base:
    """Stands in for the optimizer of Keras."""

    def __init__(self, parameters, rate):
        self._trainable_variables = [types.SimpleNamespace(value=parameter) for parameter in parameters]
        self.learning_rate, self.weight_decay = rate, 0.01

    def apply(self, _gradients):
        with torch.no_grad():
            for variable in self._trainable_variables:
                variable.value.sub_(variable.value.grad, alpha=self.learning_rate)


def test_an_optimizer_that_is_not_torch_s_is_told_like_one(monkeypatch):
    """Its class, rate, decay, parameters and steps are known, and it is left as it was."""
    module = types.ModuleType("keras.src.optimizers.base_optimizer")
    module.BaseOptimizer = Base
    code = Base.apply.__code__
    monkeypatch.setitem(sys.modules, module.__name__, module)
    kind = type("Adam", (Base,), {})

    def train():
        model = nn.Linear(4, 3)
        optimizer = kind(model.parameters(), 0.1)
        for _ in range(5):
            model.zero_grad()
            F.cross_entropy(model(X), Y).backward()
            optimizer.apply(None)
        assert foreign_optimizers.standing_for(optimizer).param_groups[0]["lr"] == 0.1
        return model, optimizer

    records = record(train)
    (fact,) = records.facts("optimizer")
    assert (fact["class"], fact["groups"][0]["weight_decay"], fact["unknown_parameters"]) == ("Adam", 0.01, 0)
    assert records.column("lr") == [[0.1]] * 5
    assert records.column("opt") == [[0]] * 5
    assert Base.apply.__code__ is code
    assert foreign_optimizers.standing_for(object()) is None


def test_a_framework_that_is_still_being_imported_is_not_there_yet(monkeypatch):
    """What it has would not be found, and it would never be asked for again: layers are made while it is imported."""
    without = foreign_optimizers.imported()
    module = types.ModuleType("transformers.modeling_utils")
    module.__spec__ = ModuleSpec(module.__name__, None)
    module.__spec__._initializing = True
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert foreign_optimizers.imported() == without
    module.__spec__._initializing = False
    assert foreign_optimizers.imported() == without + 1


def reported(*, seen):
    """Train with an evaluation that a framework reports; return the losses of the recorded evaluations."""

    def train():
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        steps(model, optimizer)
        model.eval()
        with torch.no_grad():
            output = model(X)
            if seen:
                F.cross_entropy(output, Y)
        taps.tell("reported_evaluation", {"eval_loss": 7.0, "eval_runtime": 1.0, "eval_accuracy": 0.5})
        model.train()
        return steps(model, optimizer)

    return [(entry["loss"], entry.get("given", False), entry["metrics"]) for entry in record(train).of("eval")]


def test_a_reported_evaluation_counts_where_no_loss_was_seen():
    """The figures of the framework are the evaluation; its times are none of them."""
    assert reported(seen=False) == [(7.0, True, {"eval_accuracy": 0.5})]


def test_an_evaluation_that_was_seen_counts_itself():
    """What was computed is not replaced by what is reported of it."""
    ((loss, given, _),) = reported(seen=True)
    assert loss != 7.0
    assert not given


def test_a_reward_that_a_framework_logs_is_an_evaluation(monkeypatch):
    """The loss of a policy says nothing about success; figures without a reward are no evaluation."""
    module = types.ModuleType("transformers.trainer")
    exec("class Trainer:\n    def log(self, logs, start_time=None):\n        pass\n", module.__dict__)  # noqa: S102
    monkeypatch.setitem(sys.modules, "transformers.trainer", module)

    def train():
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        steps(model, optimizer)
        module.Trainer().log({"loss": 0.1, "reward": 0.25, "reward_std": 0.1, "frac_reward_zero_std": 0.5}, 1.0)
        module.Trainer().log({"loss": 0.1})
        return steps(model, optimizer)

    assert [(entry["given"], entry["metrics"]) for entry in record(train).of("eval")] == [
        (True, {"reward": 0.25, "groups_without_spread": 0.5})
    ]


_TIMM = """
import torch
import torch.nn.functional as F
class LabelSmoothingCrossEntropy(torch.nn.Module):
    smoothing = 0.1
    def forward(self, x, target):
        scores = F.log_softmax(x, dim=-1)
        right = scores.gather(-1, target.unsqueeze(1)).squeeze(1)
        return (-0.9 * right - 0.1 * scores.mean(dim=-1)).mean()
"""


def test_a_loss_of_timm_is_told_as_the_cross_entropy_that_it_is(monkeypatch):
    """Its targets are known, its place is the user's, and the short way of later steps takes it."""
    module = types.ModuleType("timm.loss.cross_entropy")
    exec(_TIMM, module.__dict__)  # noqa: S102
    monkeypatch.setitem(sys.modules, "timm.loss.cross_entropy", module)
    name, own = "LabelSmoothingCrossEntropy", []
    made = getattr(module, name)()

    def loss(output, labels):
        own.append(made(output, labels))
        return own[-1]

    def train():
        model = nn.Linear(4, 3)
        return steps(model, torch.optim.SGD(model.parameters(), 0.1), count=40, loss=loss)

    records = record(train)
    (fact,) = records.facts("loss")
    assert (fact["name"], fact["kind"], sum(fact["target"]["histogram"])) == (name, "cross_entropy", 1280)
    assert fact["label_smoothing"] == 0.1
    assert fact["site"]["file"].endswith("test_frameworks.py")
    assert records.column("loss") == pytest.approx([value.item() for value in own], rel=1e-5)
    assert [entry for entry in records.of("event") if entry["kind"] == "probe-failed"] == []


def test_saved_weights_that_a_framework_loads_are_loaded(monkeypatch):
    """What from_pretrained leaves out is new; a model that is loaded into a larger one is known as such."""
    modeling = types.ModuleType("transformers.modeling_utils")
    exec(  # noqa: S102 - a module of the name that is looked for
        "class Told:\n    missing_keys = {'1.weight', '1.bias'}\n"
        "class PreTrainedModel:\n    @staticmethod\n    def _load_pretrained_model(model, state, files):\n"
        "        return Told, None\n",
        modeling.__dict__,
    )
    monkeypatch.setitem(sys.modules, "transformers.modeling_utils", modeling)

    def train():
        base = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 8))
        modeling.PreTrainedModel._load_pretrained_model(base, None, None)
        model = nn.Sequential(base, nn.Linear(8, 3))
        steps(model, torch.optim.SGD(model.parameters(), 0.1))

    facts = record(train).facts("model")[-1]["parameters"]
    loaded = {"0.0.weight": True, "0.0.bias": True, "0.1.weight": False, "0.1.bias": False, "1.weight": False,
              "1.bias": False}  # fmt: skip
    assert {fact["name"]: fact["loaded"] for fact in facts} == loaded


def test_a_part_with_loaded_weights_is_loaded():
    """A backbone in a model of the user's own; the head is new."""

    def train():
        base = nn.Linear(4, 8)
        base.load_state_dict(base.state_dict())
        model = nn.Sequential(base, nn.Linear(8, 3))
        steps(model, torch.optim.SGD(model.parameters(), 0.1))

    model = record(train).facts("model")[-1]
    assert [fact["loaded"] for fact in model["parameters"]] == [True, True, False, False]
    assert model["loaded"] is False
