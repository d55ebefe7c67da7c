"""What is recorded of losses, inputs, evaluations, loaders and time, beside a plain computation of the same."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import Records, record
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 5


def _train(
    model: nn.Module, batches: list[Any], objective: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
) -> Records:
    def train() -> nn.Module:
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        for x, y in batches:
            optimizer.zero_grad()
            objective(model(x), y).backward()
            optimizer.step()
        return model

    return record(train)


def _labeled(count: int = STEPS, classes: int = 3) -> list[Any]:
    return [(torch.randn(20, 4), torch.randint(0, classes, (20,))) for _ in range(count)]


def _entropy(labels: torch.Tensor) -> float:
    shares = torch.bincount(labels) / len(labels)
    return -sum(p * math.log(p) for p in shares.tolist() if p > 0)


def test_labels_are_counted_and_their_variety_compared() -> None:
    """Histogram, classes, examples and the mean entropy of the batches."""
    batches = _labeled()
    (loss,) = _train(nn.Linear(4, 3), batches, F.cross_entropy).facts("loss")
    target = loss["target"]
    labels = torch.cat([y for _, y in batches])
    assert target["histogram"] == torch.bincount(labels, minlength=3).tolist()
    assert (target["classes"], target["examples"], target["integer"], target["soft"]) == (3, 100, True, False)
    assert target["batch_entropy"] == pytest.approx(sum(_entropy(y) for _, y in batches) / STEPS, rel=1e-5)
    assert target["batch_entropy_expected"] == pytest.approx(_mean_entropy(labels, 20), rel=0.02)
    assert (target["out_of_range"], target["ignored_share"]) == (0, 0)


def _mean_entropy(labels: torch.Tensor, size: int) -> float:
    draws = [labels[torch.randint(0, len(labels), (size,))] for _ in range(2000)]
    return sum(_entropy(draw) for draw in draws) / len(draws)


def test_sorted_labels_have_no_variety_within_batches() -> None:
    """One class a batch, against what random batches would have."""
    batches = [(torch.randn(20, 4), torch.full((20,), k % 3)) for k in range(6)]
    (loss,) = _train(nn.Linear(4, 3), batches, F.cross_entropy).facts("loss")
    assert loss["target"]["batch_entropy"] == 0.0
    assert loss["target"]["batch_entropy_expected"] == pytest.approx(1.04, abs=0.03)


def test_ignored_labels_are_a_share() -> None:
    """A quarter of them is masked."""
    batches = _labeled()
    for _, y in batches:
        y[::4] = -100
    (loss,) = _train(nn.Linear(4, 3), batches, F.cross_entropy).facts("loss")
    assert loss["target"]["ignored_share"] == pytest.approx(0.25)
    assert loss["target"]["out_of_range"] == 0


@pytest.mark.parametrize(
    ("output", "sums", "logsumexp"),
    [(nn.Softmax(1), 1.0, None), (nn.LogSoftmax(1), None, 0.0), (nn.Identity(), None, None)],
)
def test_the_prediction_shows_what_it_is(output: nn.Module, sums: float | None, logsumexp: float | None) -> None:
    """Probabilities sum to one, log-probabilities have a logsumexp of zero, logits neither."""
    torch.manual_seed(1)
    (loss,) = _train(nn.Sequential(nn.Linear(4, 3), output), _labeled(), F.cross_entropy).facts("loss")
    found = loss["prediction"]
    are_one = found["row_sum_min"] == pytest.approx(1.0, abs=1e-5) and found["row_sum_max"] == pytest.approx(
        1.0, abs=1e-5
    )
    assert are_one == (sums is not None)
    assert (found["logsumexp_abs_max"] < 1e-5) == (logsumexp is not None)
    assert found["in_unit_interval"] == (sums is not None)


def test_targets_of_a_regression_are_described() -> None:
    """Mean, spread, extremes over all batches; shapes that agree broadcast nothing."""
    batches = [(torch.randn(16, 4), 100 + 5 * torch.randn(16, 1)) for _ in range(STEPS)]
    (loss,) = _train(nn.Linear(4, 1), batches, F.mse_loss).facts("loss")
    values = torch.cat([y for _, y in batches]).double()
    target = loss["target"]
    assert target["mean"] == pytest.approx(values.mean().item(), rel=1e-5)
    assert target["std"] == pytest.approx(values.std(unbiased=False).item(), rel=1e-4)
    assert (target["min"], target["max"]) == pytest.approx((values.min().item(), values.max().item()), rel=1e-5)
    assert (target["integer"], loss["broadcast"]) == (False, None)


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("objective", [F.mse_loss, F.l1_loss, lambda p, y: (p - y).square().mean()])
def test_shapes_that_broadcast_are_told(objective: Callable[..., torch.Tensor]) -> None:
    """[16, 1] against [16]: by the function's arguments or by the graph of a loss written out."""
    batches = [(torch.randn(16, 4), torch.randn(16)) for _ in range(STEPS)]
    (loss,) = _train(nn.Linear(4, 1), batches, objective).facts("loss")
    if loss["kind"] == "custom":
        assert loss["graph"]["broadcast"] == [[16, 1], [16, 16]]
    else:
        assert loss["broadcast"] == [[16, 1], [16]]


def test_the_options_of_a_loss_are_read_by_position_too() -> None:
    """F.cross_entropy(input, target, weight) is weighted."""
    weight = torch.ones(3)
    (loss,) = _train(nn.Linear(4, 3), _labeled(), lambda p, y: F.cross_entropy(p, y, weight)).facts("loss")
    assert (loss["weighted"], loss["reduction"], loss["label_smoothing"]) == (True, "mean", 0.0)
    smooth = nn.CrossEntropyLoss(label_smoothing=0.1, reduction="sum", ignore_index=2)
    (loss,) = _train(nn.Linear(4, 3), _labeled(), smooth).facts("loss")
    assert (loss["label_smoothing"], loss["reduction"], loss["ignore_index"]) == (0.1, "sum", 2)


@pytest.mark.parametrize(("ignored", "counts"), [(0, [0.0, 24.0, 24.0]), (-100, [24.0, 24.0, 24.0])])
def test_labels_that_do_not_count_are_in_no_histogram(ignored: int, counts: list[float]) -> None:
    """Padding that has a number of its own is no answer: few labels and many are counted in two ways."""
    for rows in (6, 6000):
        labels = torch.arange(3).repeat(rows // 3)
        criterion = nn.CrossEntropyLoss(ignore_index=ignored)
        data = [(torch.randn(rows, 4), labels)] * 4
        fact = _train(nn.Linear(4, 3), data, criterion).facts("loss")[-1]
        total = sum(fact["target"]["histogram"])
        assert [72 * count / total for count in fact["target"]["histogram"]] == pytest.approx(
            [72 * count / sum(counts) for count in counts]
        )


@pytest.mark.parametrize(
    ("output", "objective", "inputs", "activation"),
    [
        (nn.Softmax(1), F.cross_entropy, "softmax", "softmax"),
        (nn.Sigmoid(), F.cross_entropy, "sigmoid", "sigmoid"),
        (nn.ReLU(), F.cross_entropy, None, "relu"),
        (nn.Identity(), F.cross_entropy, None, "log_softmax"),
        (nn.Softmax(1), F.nll_loss, None, "softmax"),
        (nn.LogSoftmax(1), F.nll_loss, None, "log_softmax"),
    ],
)
def test_the_graph_shows_the_activation_before_the_loss(
    output: nn.Module, objective: Callable[..., torch.Tensor], inputs: str | None, activation: str | None
) -> None:
    """Which one feeds the loss's own softmax, and which one is last."""
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3), output)
    (loss,) = _train(model, _labeled(), objective).facts("loss")
    assert loss["graph"]["softmax_inputs"] == inputs
    assert loss["graph"]["output_activation"] == activation


class _Scaled(nn.Module):
    """Stretches what the layer before it gives."""

    def forward(self, outputs: torch.Tensor) -> torch.Tensor:
        """Return the outputs, moved from 0..1 to -10..10."""
        return outputs * 20 - 10


class _Expected(nn.Module):
    """Takes the outputs for shares of known values."""

    def forward(self, outputs: torch.Tensor) -> torch.Tensor:
        """Return the mean of -1, 0 and 1 under these shares, for each example."""
        return (outputs * torch.tensor([-1.0, 0.0, 1.0])).sum(1)


def _absolute(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return (outputs - targets).abs().mean()


@pytest.mark.parametrize("objective", [F.mse_loss, F.smooth_l1_loss, F.l1_loss, _absolute])
@pytest.mark.parametrize(
    ("output", "activation"),
    [
        (nn.Sigmoid(), "sigmoid"),
        (nn.Sequential(nn.Sigmoid(), _Scaled()), None),
        (nn.Sequential(nn.Softmax(1), _Expected()), None),
    ],
)
def test_an_activation_whose_results_are_rescaled_bounds_nothing(
    output: nn.Module, activation: str | None, objective: Callable[..., torch.Tensor]
) -> None:
    """A sigmoid that is stretched to the range of the targets, and a mean of coordinates under a softmax."""

    def loss(outputs: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return objective(outputs, torch.zeros_like(outputs))

    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3), output)
    (told,) = _train(model, _labeled(), loss).facts("loss")
    assert told["graph"]["output_activation"] == activation


@pytest.mark.parametrize(("middle", "nonlinear"), [(nn.Identity(), False), (nn.ReLU(), True), (nn.GELU(), True)])
def test_the_graph_shows_whether_a_network_is_linear(middle: nn.Module, nonlinear: bool) -> None:  # noqa: FBT001
    """Two linear layers with nothing, or something, between them."""
    model = nn.Sequential(nn.Linear(4, 8), middle, nn.Linear(8, 3))
    (loss,) = _train(model, _labeled(), F.cross_entropy).facts("loss")
    assert loss["graph"]["linear_layers"] == 2
    assert (loss["graph"]["nonlinear_ops"] > 0) == nonlinear


def test_the_graph_reaches_the_parameters_that_train_and_no_others() -> None:
    """A detached part is not in it; modules in a plain list are, in no model."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cut, self.head = nn.Linear(4, 4), nn.Linear(4, 3)
            self.hidden = [nn.Linear(4, 4)]

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(torch.relu(self.hidden[0](self.cut(x).detach())))

    records = _train(Net(), _labeled(), F.cross_entropy)
    named = records.named()
    (loss,) = records.facts("loss")
    reached = set(loss["graph"]["parameters"])
    assert {name: p["id"] in reached for name, p in named.items()} == {
        "cut.weight": False,
        "cut.bias": False,
        "head.weight": True,
        "head.bias": True,
    }
    loose = records.facts("model")[1]
    assert (loose["name"], loose["class"]) == ("(unregistered)", None)
    assert [p["shape"] for p in loose["parameters"]] == [[4, 4], [4]] or [p["shape"] for p in loose["parameters"]] == [
        [4],
        [4, 4],
    ]
    assert {p["id"] for p in loose["parameters"]} <= reached


def test_inputs_are_described_by_feature() -> None:
    """Scales, offsets, constant columns, over all batches."""
    scales = torch.tensor([1.0, 100.0, 0.0, 1.0])
    batches = [(torch.randn(32, 4) * scales + torch.tensor([0.0, 0.0, 5.0, 50.0]), y) for _, y in _labeled()]
    batches = [(x, torch.randint(0, 3, (32,))) for x, _ in batches]
    told = _train(nn.Linear(4, 3), batches, F.cross_entropy).events("inputs")[-1]
    values = torch.cat([x for x, _ in batches]).double()
    std, mean = values.std(0, unbiased=False), values.mean(0)
    assert (told["features"], told["batches"], told["examples"], told["constant_features"]) == (4, STEPS, 160, 1)
    assert told["feature_std_max"] == pytest.approx(std.max().item(), rel=1e-4)
    assert told["feature_std_min"] == pytest.approx(min(std[0], std[3]).item(), rel=1e-4)
    assert told["feature_mean_max_abs"] == pytest.approx(mean.abs().max().item(), rel=1e-5)
    assert told["feature_offset_max"] == pytest.approx((mean / std)[3].item(), rel=1e-3)
    assert (told["min"], told["max"]) == pytest.approx((values.min().item(), values.max().item()), rel=1e-5)
    assert told["mean"] == pytest.approx(values.mean().item(), rel=1e-5)
    assert told["std"] == pytest.approx(values.std(unbiased=False).item(), rel=1e-4)
    assert (told["nonfinite"], told["identical_batches"], told["integer_valued"]) == (0, 0, False)


class _Recurrent(nn.Module):
    """Reads ids, or numbers where it has no table, beside a state that begins at zero."""

    def __init__(self, *, table: bool) -> None:
        super().__init__()
        self.first = nn.Embedding(7, 4) if table else nn.Linear(5, 4)
        self.cell, self.out = nn.GRU(4, 6, batch_first=True), nn.Linear(6, 3)

    def forward(self, given: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        state, x = given
        return self.out(self.cell(self.first(x), state)[0][:, -1])  # type: ignore[no-any-return]


def test_ids_that_meet_a_table_are_the_input_and_not_a_state_beside_them() -> None:
    """Of ids and a state, both are counted and the ids described; of two tensors of numbers the first is."""
    labels = torch.randint(0, 3, (8,))
    ids = [((torch.zeros(1, 8, 6), torch.randint(0, 7, (8, 9))), labels) for _ in range(STEPS)]
    told = _train(_Recurrent(table=True), ids, F.cross_entropy).events("inputs")[-1]
    assert (told["shape"], told["dtype"], told["tensors"], told["constant_features"]) == ([8, 9], "int64", 2, 0)
    numbers = [((torch.zeros(1, 8, 6), torch.randn(8, 9, 5)), labels) for _ in range(STEPS)]
    told = _train(_Recurrent(table=False), numbers, F.cross_entropy).events("inputs")[-1]
    assert (told["shape"], told["tensors"], told["constant_features"]) == ([1, 8, 6], 2, 6)


@pytest.mark.parametrize(
    ("words", "reduction"),
    [
        ({"size_average": False}, "sum"),
        ({"size_average": True}, "mean"),
        ({"reduce": False}, "none"),
        ({"size_average": False, "reduce": True}, "sum"),
        ({"reduction": "sum"}, "sum"),
        ({}, "mean"),
    ],
)
@pytest.mark.filterwarnings("ignore:size_average and reduce")
def test_older_words_for_a_reduction_are_known(words: dict[str, Any], reduction: str) -> None:
    """As torch reads them; without a reduction the mean of all is trained on."""
    objective = lambda prediction, labels: F.cross_entropy(prediction, labels, **words).mean()  # noqa: E731
    (loss,) = _train(nn.Linear(4, 3), _labeled(), objective).facts("loss")
    assert loss["reduction"] == reduction


def test_identical_batches_and_bytes_are_told() -> None:
    """The same batch again and again, of whole numbers from 0 to 255."""
    batch = (torch.randint(0, 256, (16, 4)).float(), torch.randint(0, 3, (16,)))
    told = _train(nn.Linear(4, 3), [batch] * STEPS, F.cross_entropy).events("inputs")[-1]
    assert (told["identical_batches"], told["integer_valued"], told["abs_max"] > 100) == (STEPS - 1, True, True)


def _evaluated(
    make: Callable[[], nn.Module], batches: list[Any], objective: Callable[..., torch.Tensor], guard: Any
) -> Any:
    found: dict[str, Any] = {}

    def train() -> nn.Module:
        model = make()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for x, y in batches:
            optimizer.zero_grad()
            objective(model.train()(x), y).backward()
            optimizer.step()
        model.eval()
        with guard():
            outputs = [(model(x), y) for x, y in batches]
            found["losses"] = [objective(out, y).item() for out, y in outputs]
        found["outputs"], found["labels"] = (
            torch.cat([o for o, _ in outputs]).detach(),
            torch.cat([y for _, y in outputs]),
        )
        return model

    records = record(train)
    return records, found


@pytest.mark.parametrize("guard", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_an_evaluation_is_its_mean_loss_and_accuracy(guard: Any) -> None:
    """Without gradients, in inference mode, or in eval mode with gradients that nobody uses."""
    records, found = _evaluated(lambda: nn.Linear(4, 3), _labeled(), F.cross_entropy, guard)
    (evaluation,) = records.of("eval")
    right = (found["outputs"].argmax(1) == found["labels"]).float().mean().item()
    assert evaluation["loss"] == pytest.approx(sum(found["losses"]) / STEPS, rel=1e-5)
    assert evaluation["metrics"]["accuracy"] == pytest.approx(right, rel=1e-5)
    assert (evaluation["examples"], evaluation["batches"], evaluation["step"]) == (20 * STEPS, STEPS, STEPS)
    counts = torch.bincount(found["outputs"].argmax(1), minlength=3)
    assert evaluation["majority_share"] == pytest.approx(counts.max().item() / counts.sum().item())
    assert evaluation["classes_predicted"] == (counts > 0).sum().item()


def test_batches_of_an_evaluation_count_by_their_size() -> None:
    """The last one is smaller."""
    batches = [*_labeled(2), (torch.randn(5, 4), torch.randint(0, 3, (5,)))]
    records, found = _evaluated(lambda: nn.Linear(4, 3), batches, F.cross_entropy, torch.no_grad)
    (evaluation,) = records.of("eval")
    wanted = sum(loss * size for loss, size in zip(found["losses"], (20, 20, 5), strict=True)) / 45
    assert evaluation["loss"] == pytest.approx(wanted, rel=1e-5)


def test_an_evaluation_of_a_regression_has_r2() -> None:
    """The explained share of the variance."""
    batches = [(x, x.sum(1, keepdim=True) + 0.1 * torch.randn(20, 1)) for x, _ in _labeled()]
    records, found = _evaluated(lambda: nn.Linear(4, 1), batches, F.mse_loss, torch.no_grad)
    (evaluation,) = records.of("eval")
    p, y = found["outputs"].double(), found["labels"].double()
    wanted = 1 - ((y - p).square().sum() / (y - y.mean()).square().sum()).item()
    assert evaluation["metrics"]["r2"] == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(("level", "loss"), [(0.0, F.binary_cross_entropy_with_logits), (0.5, F.binary_cross_entropy)])
def test_labels_that_are_found_are_counted_where_an_example_has_several(level: float, loss: Any) -> None:
    """Above one half, of all that are 1."""
    batches = [(x, (torch.rand(20, 6) < 0.3).float()) for x, _ in _labeled()]
    net = (lambda: nn.Linear(4, 6)) if level == 0 else (lambda: nn.Sequential(nn.Linear(4, 6), nn.Sigmoid()))
    records, found = _evaluated(net, batches, loss, torch.no_grad)
    (evaluation,) = records.of("eval")
    marked, wanted = found["outputs"] > level, found["labels"] == 1
    assert evaluation["labels_found"] == pytest.approx((marked & wanted).sum().item() / wanted.sum().item())


def test_shares_are_no_labels() -> None:
    """Targets of an autoencoder lie between 0 and 1."""
    batches = [(x, torch.rand(20, 6)) for x, _ in _labeled()]
    records, _ = _evaluated(lambda: nn.Linear(4, 6), batches, F.binary_cross_entropy_with_logits, torch.no_grad)
    (evaluation,) = records.of("eval")
    assert "labels_found" not in evaluation


def test_validations_without_gradient_guard_hold_no_predictions() -> None:
    """Hundreds of large batches in eval mode: what was measured of each is all that is kept."""
    import gc
    import weakref

    alive: list[int] = []

    def train() -> nn.Module:
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for x, y in _labeled():
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        model.eval()
        storages: list[Any] = []
        for x, y in _labeled(30):
            out = model(x)
            storages.append(weakref.ref(out.untyped_storage()))
            F.cross_entropy(out, y)
            del out
            gc.collect()
            alive.append(sum(reference() is not None for reference in storages))
        return model

    record(train)
    assert max(alive[5:], default=0) <= 2


def test_loaders_epochs_and_time_are_recorded() -> None:
    """Who trains and who evaluates, passes over the data, the wait for it."""

    class Slow(TensorDataset):
        def __getitem__(self, index: int) -> Any:
            time.sleep(0.002)
            return super().__getitem__(index)

    def train() -> nn.Module:
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        data = Slow(torch.randn(20, 4), torch.randint(0, 3, (20,)))
        batches, held_out = DataLoader(data, 5, shuffle=True, drop_last=True), DataLoader(data, 10)
        for _ in range(2):
            for x, y in batches:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            with torch.no_grad():
                for x, y in held_out:
                    F.cross_entropy(model(x), y)
                time.sleep(0.5)
        return model

    records = record(train)
    first, second = records.facts("loader")
    assert (first["role"], first["shuffle"], first["batch_size"], first["batches"], first["examples"]) == (
        "train",
        True,
        5,
        4,
        20,
    )
    assert (first["drop_last"], first["workers"], first["iterable"], first["dataset"]) == (True, 0, False, "Slow")
    assert (second["role"], second["shuffle"], second["batches"]) == ("eval", False, 2)
    assert records.column("epoch") == [0] * 4 + [1] * 4
    assert [evaluation["epoch"] for evaluation in records.of("eval")] == [0, 1]
    assert records.column("batch") == [5] * 8
    assert all(wait >= 0.009 for wait in records.column("wait"))
    assert all(step["seconds"] >= step["wait"] for step in records.of("step"))
    assert records.of("step")[0]["memory"] > 0
    # an evaluation's time is no step's
    assert records.of("step")[4]["wait"] < 0.5


def test_the_accuracy_of_a_training_batch_is_recorded() -> None:
    """From the arguments of the loss."""
    wanted: list[float] = []

    def objective(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        wanted.append((out.argmax(1) == y).float().mean().item())
        return F.cross_entropy(out, y)

    assert _train(nn.Linear(4, 3), _labeled(), objective).column("accuracy") == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("spoil", "subjects", "name"),
    [
        ("input", ["input", "loss"], "input 0"),
        ("parameter", ["parameter", "loss"], "weight"),
        ("log", ["activation", "loss"], None),
        ("sqrt", ["gradient"], "weight"),
    ],
)
def test_the_first_value_that_is_not_finite_is_located(spoil: str, subjects: list[str], name: str | None) -> None:
    """In the inputs, the parameters, an operation, or only in the gradients."""

    def train() -> nn.Module:
        model = nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for step in range(4):
            x = torch.randn(8, 4)
            bad = step == 2
            if bad and spoil == "input":
                x[0, 0] = float("nan")
            if bad and spoil == "parameter":
                with torch.no_grad():
                    model.weight[0, 0] = float("inf")
            out = model(x)
            loss = out.square().mean()
            if bad and spoil == "log":
                loss = loss + torch.log(out * 0).mean()
            if bad and spoil == "sqrt":
                loss = (out * 0).abs().sqrt().sum()
            optimizer.zero_grad()
            loss.backward()
            if spoil == "sqrt":
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            if bad:
                return model
        return model

    records = record(train)
    found = [event for event in records.of("event") if event["kind"] == "nonfinite"]
    assert [event["subject"] for event in found] == subjects
    assert found[0]["step"] == 2
    if spoil == "log":
        assert found[0]["detail"]["op"] == "LogBackward0"
    else:
        assert found[0]["detail"]["name"] == name


def test_what_a_trained_net_gives_another_is_no_input() -> None:
    """The second net reads NaN that the first one computed: its weights are what broke."""

    def train() -> nn.Module:
        body, head = nn.Linear(4, 4), nn.Linear(4, 1)
        optimizer = torch.optim.SGD([*body.parameters(), *head.parameters()], 0.1)
        for step in range(4):
            if step == 2:
                with torch.no_grad():
                    body.weight[0, 0] = float("inf")
            loss = head(body(torch.ones(8, 4))).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return head

    found = [event for event in record(train).of("event") if event["kind"] == "nonfinite"]
    assert [event["subject"] for event in found][:1] == ["parameter"]


def test_soft_targets_are_counted_to_a_thousandth() -> None:
    """The shares that the classes have over all examples add up to their number."""

    def train() -> nn.Module:
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        optimizer.zero_grad()
        F.cross_entropy(
            model(torch.randn(2, 4)), torch.tensor([[0.70004, 0.29996, 0.0], [0.33333, 0.33333, 0.33334]])
        ).backward()
        optimizer.step()
        return model

    target = record(train).facts("loss")[0]["target"]
    assert (target["soft"], target["histogram"]) == (True, [1.033, 0.633, 0.333])


def test_a_look_at_a_batch_is_no_epoch() -> None:
    """Epochs are the passes that are trained on: a batch that is drawn before the loop does not count."""

    def train() -> nn.Module:
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        batches = DataLoader(TensorDataset(torch.randn(20, 4), torch.randint(0, 3, (20,))), 5)
        next(iter(batches))
        for _ in range(2):
            for x, y in batches:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            next(iter(batches))
        return model

    assert record(train).column("epoch") == [0] * 4 + [1] * 4
