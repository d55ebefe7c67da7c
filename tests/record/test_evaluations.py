"""Evaluations in the log are those that the script itself prints, however it is written."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import Records, record
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EPOCHS = 3


def _near(values: list[float]) -> Any:
    return pytest.approx(values, rel=1e-5, abs=1e-7)


def _told(records: Records, split: str | None, name: str = "loss") -> list[float]:
    """Return the losses (or a metric) of the evaluations of a split."""
    found = [evaluation for evaluation in records.of("eval") if evaluation["split"] == split]
    return [evaluation["loss"] if name == "loss" else evaluation["metrics"][name] for evaluation in found]


def _data(size: int, shift: float = 0.0) -> TensorDataset:
    x = torch.randn(size, 4) + shift
    return TensorDataset(x, (x[:, :3] + 0.5 * torch.randn(size, 3)).argmax(1))


def _net(*extra: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), *extra, nn.Tanh(), nn.Linear(8, 3))


def _step(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


class _Language(nn.Module):
    """A tiny language model that returns its logits and its loss."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.drop, self.head = nn.Embedding(7, 8), nn.Dropout(0.1), nn.Linear(8, 7)

    def forward(self, tokens: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = self.head(self.drop(self.embed(tokens)))
        return logits, F.cross_entropy(logits.reshape(-1, 7), targets.reshape(-1))


def _estimate_loss() -> tuple[Records, dict[str, list[float]]]:
    """Both splits in one function, as nanoGPT does it: no loader, the loss inside the forward."""
    printed: dict[str, list[float]] = {"train": [], "val": []}

    def train() -> None:
        data = {"train": torch.randint(0, 7, (400,)), "val": torch.randint(0, 3, (100,))}
        model = _Language()
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)

        def get_batch(split: str) -> tuple[torch.Tensor, torch.Tensor]:
            source = data[split]
            starts = torch.randint(len(source) - 9, (4,))
            rows = torch.stack([source[start : start + 9] for start in starts])
            return rows[:, :-1], rows[:, 1:]

        @torch.no_grad()
        def estimate_loss() -> dict[str, torch.Tensor]:
            out = {}
            model.eval()
            for split in ["train", "val"]:
                losses = torch.zeros(5)
                for k in range(5):
                    _, loss = model(*get_batch(split))
                    losses[k] = loss.item()
                out[split] = losses.mean()
            model.train()
            return out

        for iteration in range(6):
            if iteration % 2 == 0:
                for split, value in estimate_loss().items():
                    printed[split].append(value.item())
            _step(optimizer, model(*get_batch("train"))[1])

    return record(train), printed


def test_estimates_of_two_splits_in_one_function_stay_apart() -> None:
    """Each with all of its batches, under the name that the script gives it."""
    records, printed = _estimate_loss()
    assert _told(records, "train") == _near(printed["train"])
    assert _told(records, "validation") == _near(printed["val"])
    assert {evaluation["batches"] for evaluation in records.of("eval")} == {5}
    assert [evaluation["step"] for evaluation in records.of("eval")] == [0, 0, 2, 2, 4, 4]
    assert len({evaluation["series"] for evaluation in records.of("eval")}) == 2


def test_a_training_with_evaluations_is_the_same_bit_for_bit() -> None:
    """Weights and the random state, with dropout, both splits in one function, and loaders that shuffle."""

    def plain(train: Callable[[], object]) -> Records:
        train()
        return Records()

    def run(recorded: Callable[..., Records]) -> tuple[list[torch.Tensor], torch.Tensor]:
        torch.manual_seed(0)
        kept: list[torch.Tensor] = []

        def train() -> None:
            model, loader = _net(nn.Dropout(0.3)), DataLoader(_data(32), batch_size=8, shuffle=True)
            optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
            for _ in range(EPOCHS):
                model.train()
                for x, y in loader:
                    _step(optimizer, F.cross_entropy(model(x), y))
                _accuracy(model, loader)
                _mean_loss(model, loader)
            kept.extend(p.detach().clone() for p in model.parameters())

        recorded(train)
        return kept, torch.get_rng_state()

    (weights, state), (others, other) = run(plain), run(record)
    assert all(torch.equal(a, b) for a, b in zip(weights, others, strict=True))
    assert torch.equal(state, other)


def _epochs(
    evaluate: Callable[[nn.Module, DataLoader[Any]], float], *, remade: bool = False
) -> tuple[Records, dict[str, list[float]]]:
    """Evaluate the training set, then the validation set, each epoch: the commonest habit."""
    printed: dict[str, list[float]] = {"train": [], "val": []}

    def train() -> None:
        data, held_out = _data(48), _data(20, shift=1.0)
        train_loader, val_loader = DataLoader(data, batch_size=8, shuffle=True), DataLoader(held_out, batch_size=10)
        model = _net()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        for _ in range(EPOCHS):
            model.train()
            for x, y in train_loader:
                _step(optimizer, F.cross_entropy(model(x), y))
            check = DataLoader(data, batch_size=24) if remade else train_loader
            printed["train"].append(evaluate(model, check))
            printed["val"].append(evaluate(model, val_loader))

    return record(train), printed


@torch.no_grad()
def _mean_loss(model: nn.Module, loader: DataLoader[Any]) -> float:
    model.eval()
    losses = [F.cross_entropy(model(x), y).item() for x, y in loader]
    return sum(losses) / len(losses)


@torch.no_grad()
def _accuracy(model: nn.Module, loader: DataLoader[Any]) -> float:
    model.eval()
    right = total = 0
    for x, y in loader:
        right += (model(x).argmax(dim=1) == y).sum().item()
        total += len(y)
    return right / total


@pytest.mark.parametrize("remade", [False, True])
def test_the_training_set_and_the_validation_set_are_not_mixed(remade: bool) -> None:  # noqa: FBT001 - a case of the table
    """Also where the training set is read through a loader of its own."""
    records, printed = _epochs(_mean_loss, remade=remade)
    assert _told(records, "train") == _near(printed["train"])
    assert _told(records, "validation") == _near(printed["val"])


def test_accuracy_without_a_loss_is_recorded_from_outputs_and_targets() -> None:
    """Of both splits, with their examples and the mode of the model."""
    records, printed = _epochs(_accuracy)
    assert _told(records, "train", "accuracy") == _near(printed["train"])
    assert _told(records, "validation", "accuracy") == _near(printed["val"])
    held_out = [evaluation for evaluation in records.of("eval") if evaluation["split"] == "validation"]
    assert [(e["examples"], e["batches"], e["mode"], e["loss_id"]) for e in held_out] == [
        (20, 2, "eval", None)
    ] * EPOCHS


def _ahead(loader: DataLoader[Any]) -> Iterator[Any]:
    """Draw each batch before the one before it is given, as Accelerate does to know which is the last."""
    batches = iter(loader)
    held = next(batches)
    for batch in batches:
        yield held
        held = batch
    yield held


@pytest.mark.parametrize("moved", [False, True])
def test_accuracy_of_batches_that_are_drawn_ahead(moved: bool) -> None:  # noqa: FBT001 - a case of the table
    """Outputs are compared with the targets of their own batch; where tensors are copied on the way, with none."""

    def accuracy(model: nn.Module, loader: DataLoader[Any]) -> float:
        model.eval()
        pairs = [(model(x.clone() if moved else x).argmax(1), y) for x, y in _ahead(loader)]
        return sum((found == y).sum().item() for found, y in pairs) / sum(len(y) for _, y in pairs)

    records, printed = _epochs(accuracy)
    told = [evaluation["metrics"].get("accuracy") for evaluation in records.of("eval")]
    assert set(told) == {None} if moved else _told(records, "validation", "accuracy") == _near(printed["val"])


def test_accuracy_in_training_mode_shows_in_the_mode() -> None:
    """Dropout that is active while no loss is called."""

    def train() -> None:
        model, loader = _net(nn.Dropout(0.5)), DataLoader(_data(20), batch_size=10)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for x, y in DataLoader(_data(20), batch_size=10):
            _step(optimizer, F.cross_entropy(model(x), y))
        with torch.no_grad():
            for x, y in loader:
                print((model(x).argmax(1) == y).float().mean())  # noqa: T201 - as the script does

    (evaluation,) = record(train).of("eval")
    assert (evaluation["mode"], evaluation["train_mode_modules"], evaluation["step"]) == ("train", ["1"], 2)


def test_dice_by_hand_is_recorded_from_outputs_and_masks() -> None:
    """The mean over batches of twice the overlap over both areas."""
    printed: list[float] = []

    def train() -> None:
        images = torch.randn(24, 1, 8, 8)
        data = TensorDataset(images, (images > 0.3).float())
        model = nn.Conv2d(1, 1, 3, padding=1)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)

        def dice(found: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return 2 * (found * mask).sum() / (found.sum() + mask.sum())

        for _ in range(EPOCHS):
            for x, mask in DataLoader(Subset(data, range(16)), batch_size=4):
                _step(optimizer, 1 - dice(torch.sigmoid(model(x)), mask))
            model.eval()
            scores = []
            for x, mask in DataLoader(Subset(data, range(16, 24)), batch_size=4):
                with torch.no_grad():
                    scores.append(dice((torch.sigmoid(model(x)) > 0.5).float(), mask).item())
            printed.append(sum(scores) / len(scores))
            model.train()

    assert _told(record(train), None, "dice") == _near(printed)


def test_a_summed_loss_is_told_by_the_token() -> None:
    """A causal language model whose training divides by the tokens that count, and whose validation adds up."""
    printed: list[float] = []

    def train() -> None:
        tokens = torch.randint(0, 7, (24, 9))
        tokens[::3, 5:] = 6
        model = nn.Sequential(nn.Embedding(7, 8), nn.Linear(8, 7))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)

        def loss_of(rows: torch.Tensor) -> tuple[torch.Tensor, int]:
            wanted = rows[:, 1:].masked_fill(rows[:, 1:] == 6, -100)
            logits = model(rows[:, :-1])
            loss = F.cross_entropy(logits.reshape(-1, 7), wanted.reshape(-1), reduction="sum")
            return loss, int((wanted != -100).sum())

        for _ in range(EPOCHS):
            for rows in tokens[:16].split(4):
                loss, count = loss_of(rows)
                _step(optimizer, loss / count)
            model.eval()
            with torch.no_grad():
                total = count = 0.0
                for rows in tokens[16:].split(4):
                    loss, valid = loss_of(rows)
                    total, count = total + loss.item(), count + valid
                printed.append(total / count)
            model.train()

    records = record(train)
    assert _told(records, None) == _near(printed)
    (fact,) = records.facts("loss")
    assert fact["divisor"] == fact["terms"]


@dataclass
class _Output:
    loss: torch.Tensor
    logits: torch.Tensor


class _Classifier(nn.Module):
    """Returns its loss, which adds a term of its own to the cross-entropy."""

    def __init__(self, pack: Callable[[torch.Tensor, torch.Tensor], Any], *, own: float) -> None:
        super().__init__()
        self.net, self.pack, self.own = _net(), pack, own

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> Any:
        logits = self.net(x)
        loss = F.cross_entropy(logits, y)
        if self.own:
            loss = loss + self.own * logits.pow(2).mean()
        return self.pack(loss, logits)


PACKS: dict[str, tuple[Callable[..., Any], Callable[[Any], torch.Tensor]]] = {
    "a tuple": (lambda loss, logits: (loss, logits), lambda out: out[0]),
    "a dictionary": (lambda loss, logits: OrderedDict(loss=loss, logits=logits), lambda out: out["loss"]),
    "a record": (_Output, lambda out: out.loss),
    "a number": (lambda loss, _: loss, lambda out: out),
}


@pytest.mark.parametrize("own", [0.0, 0.3])
@pytest.mark.parametrize("pack", PACKS)
def test_a_loss_that_the_forward_returns_is_the_one_of_the_evaluation(pack: str, own: float) -> None:
    """The whole loss, first batch and all, also where it is more than the loss function that is called inside."""
    printed: list[float] = []
    packed, loss_in = PACKS[pack]

    def train() -> None:
        model = _Classifier(packed, own=own)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        train_loader, val_loader = DataLoader(_data(32), batch_size=8), DataLoader(_data(16), batch_size=8)
        for _ in range(EPOCHS):
            for x, y in train_loader:
                _step(optimizer, loss_in(model(x, y)) / 2)
            model.eval()
            with torch.no_grad():
                losses = [loss_in(model(x, y)).item() for x, y in val_loader]
            printed.append(sum(losses) / len(losses))
            model.train()

    records = record(train)
    assert _told(records, None) == _near(printed)
    assert {evaluation["loss_id"] for evaluation in records.of("eval")} == set(records.column("loss_id"))


def test_an_evaluation_of_one_batch_inside_the_forward_is_not_lost() -> None:
    """A single call of the model, the loss inside of it."""
    printed: list[float] = []

    def train() -> None:
        model, x, y = _Classifier(lambda loss, _: loss, own=0.0), *_data(16).tensors
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(EPOCHS):
            _step(optimizer, model(x[:12], y[:12]))
            with torch.no_grad():
                printed.append(model(x[12:], y[12:]).item())

    records = record(train)
    assert _told(records, None) == _near(printed)
    assert [evaluation["batches"] for evaluation in records.of("eval")] == [1] * EPOCHS


def test_evaluations_of_whole_tensors_in_one_line_stay_apart() -> None:
    """The training tensor is known by its memory, although the validation tensor is cut from the same one."""
    printed: list[tuple[float, float]] = []

    def train() -> None:
        x, y = _data(40).tensors
        model = _net()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)

        @torch.no_grad()
        def loss_on(x: torch.Tensor, y: torch.Tensor) -> float:
            return F.cross_entropy(model(x), y).item()

        for _ in range(EPOCHS):
            _step(optimizer, F.cross_entropy(model(x[:30]), y[:30]))
            printed.append((loss_on(x[:30], y[:30]), loss_on(x[30:], y[30:])))

    records = record(train)
    assert _told(records, "train") == _near([pair[0] for pair in printed])
    assert _told(records, None) == _near([pair[1] for pair in printed])


def test_two_calls_in_one_line_on_batches_drawn_anew_are_two_series() -> None:
    """No loader and no memory tells their data apart, but where in the line the function is called does."""
    printed: list[tuple[float, float]] = []

    def train() -> None:
        model = _net()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)

        @torch.no_grad()
        def loss_on(shift: float) -> float:
            x, y = _data(40, shift).tensors
            return F.cross_entropy(model(x), y).item()

        for _ in range(EPOCHS):
            x, y = _data(30).tensors
            _step(optimizer, F.cross_entropy(model(x), y))
            printed.append((loss_on(0.0), loss_on(5.0)))

    found = record(train).of("eval")
    series = list(dict.fromkeys(evaluation["series"] for evaluation in found))
    losses = [[e["loss"] for e in found if e["series"] == number] for number in series]
    assert losses == [_near([pair[0] for pair in printed]), _near([pair[1] for pair in printed])]


def test_evaluations_in_lines_of_their_own_are_named_by_these() -> None:
    """Batches are picked by an index, so their memory says nothing; the user's names do."""
    printed: dict[str, list[float]] = {"train": [], "val": []}

    def train() -> None:
        (x_train, y_train), (x_val, y_val) = _data(30).tensors, _data(10).tensors
        model = _net()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)

        @torch.no_grad()
        def loss_on(x: torch.Tensor, y: torch.Tensor) -> float:
            return F.cross_entropy(model(x), y).item()

        for _ in range(EPOCHS):
            for rows in torch.randperm(30).split(10):
                _step(optimizer, F.cross_entropy(model(x_train[rows]), y_train[rows]))
            printed["train"].append(loss_on(x_train, y_train))
            printed["val"].append(loss_on(x_val, y_val))

    records = record(train)
    assert _told(records, "train") == _near(printed["train"])
    assert _told(records, "validation") == _near(printed["val"])


def test_calls_of_eval_cut_evaluations_at_one_place() -> None:
    """One function in a loop over pairs of tensors, which nothing else tells apart."""
    printed: list[float] = []

    def train() -> None:
        pairs = [_data(10).tensors, _data(10, shift=1.0).tensors]
        x, y = _data(30).tensors
        model = _net()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)

        @torch.no_grad()
        def evaluate(x: torch.Tensor, y: torch.Tensor) -> float:
            model.eval()
            return F.cross_entropy(model(x), y).item()

        _step(optimizer, F.cross_entropy(model(x), y))
        printed.extend(evaluate(*pair) for pair in pairs)

    assert _told(record(train), None) == _near(printed)


def test_a_call_of_eval_for_each_batch_cuts_nothing() -> None:
    """A helper that sets the mode for every batch of a loader."""

    def train() -> None:
        model, loader = _net(), DataLoader(_data(30), batch_size=10)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)

        @torch.no_grad()
        def loss_on(x: torch.Tensor, y: torch.Tensor) -> float:
            model.eval()
            return F.cross_entropy(model(x), y).item()

        x, y = _data(30).tensors
        _step(optimizer, F.cross_entropy(model(x), y))
        for batch in loader:
            loss_on(*batch)

    assert [evaluation["batches"] for evaluation in record(train).of("eval")] == [3]


def test_the_same_loader_twice_after_the_last_step_is_two_evaluations() -> None:
    """That of the last epoch, and the one that the script ends with."""
    printed: list[float] = []

    def train() -> None:
        model, val_loader = _net(), DataLoader(_data(20), batch_size=10)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        for x, y in DataLoader(_data(20), batch_size=10):
            _step(optimizer, F.cross_entropy(model(x), y))
        printed.extend([_mean_loss(model, val_loader), _mean_loss(model, val_loader)])

    records = record(train)
    assert _told(records, None) == _near(printed)
    assert [(e["step"], e["series"]) for e in records.of("eval")] == [(2, 0), (2, 0)]


def test_a_look_at_the_training_batch_before_its_step_is_no_evaluation() -> None:
    """Pseudo-labels of the batch that is trained on next, in eval mode, and its metric under no_grad."""

    def train() -> None:
        model, loader = _net(), DataLoader(_data(40), batch_size=10)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        for x, y in loader:
            model.eval()
            with torch.no_grad():
                F.cross_entropy(model(x), y)
            model.train()
            _step(optimizer, F.cross_entropy(model(x), y))

    assert record(train).of("eval") == []


def test_actions_without_gradients_are_no_evaluations() -> None:
    """An agent asks its policy between two steps."""

    def train() -> None:
        policy = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))
        optimizer = torch.optim.Adam(policy.parameters(), lr=0.01)
        for _ in range(4):
            with torch.no_grad():
                states = torch.randn(5, 4)
                actions = [policy(state).argmax() for state in states]
            log_prob = policy(states).log_softmax(1)[torch.arange(5), torch.stack(actions)]
            _step(optimizer, -(log_prob * torch.randn(5)).mean())

    assert record(train).of("eval") == []


def test_generation_is_recorded_with_the_mode_of_the_model() -> None:
    """No loss and no targets, but a call of eval() says that the script looks at its model."""

    def train() -> None:
        model = nn.Sequential(nn.Embedding(7, 8), nn.Dropout(0.5), nn.Linear(8, 7))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        tokens = torch.randint(0, 7, (4, 9))
        _step(optimizer, F.cross_entropy(model(tokens[:, :-1]).transpose(1, 2), tokens[:, 1:]))
        model.eval()
        with torch.no_grad():
            text = tokens[:1, :1]
            for _ in range(5):
                text = torch.cat([text, model(text)[:, -1:].argmax(-1)], dim=1)

    (evaluation,) = record(train).of("eval")
    assert (evaluation["batches"], evaluation["mode"], evaluation["metrics"]) == (5, "eval", {})


def test_accuracy_leaves_out_ignored_labels() -> None:
    """In training batches and in evaluations."""
    found: dict[str, float] = {}

    def train() -> None:
        model, x = nn.Linear(4, 3), torch.randn(20, 4)
        y = x[:, :3].argmax(1)
        y[::2] = -100
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        kept = y != -100
        for name in ("train", "eval"):
            found[name] = (model(x).argmax(1) == y)[kept].float().mean().item()
            with torch.set_grad_enabled(name == "train"):
                loss = F.cross_entropy(model(x), y)
            if name == "train":
                _step(optimizer, loss)

    records = record(train)
    assert records.column("accuracy") == _near([found["train"]])
    assert _told(records, "train", "accuracy") == _near([found["eval"]])


def test_accuracy_is_not_invented_for_pixels() -> None:
    """A binary cross-entropy of every pixel, and of one answer an example."""

    def run(*shape: int) -> list[Any]:
        def train() -> None:
            x = torch.rand(8, *shape)
            model = nn.Linear(shape[-1], shape[-1])
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            for _ in range(2):
                loss = F.binary_cross_entropy_with_logits(model(x), (x > 0.5).float())
                _step(optimizer, loss)

        return record(train).column("accuracy")

    assert run(1, 6) == [None, None]
    assert run(6) == [None, None]
    assert None not in run(1)


def test_the_constant_answer_of_an_evaluation_is_that_of_its_own_targets() -> None:
    """The entropy of the labels evaluated on, not of those trained on."""

    def train() -> None:
        x = torch.randn(40, 4)
        model = _net()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        _step(optimizer, F.cross_entropy(model(x), torch.randint(0, 3, (40,))))
        with torch.no_grad():
            F.cross_entropy(model(x), torch.tensor([0] * 10 + [1] * 30))

    (evaluation,) = record(train).of("eval")
    assert evaluation["trivial"] == pytest.approx(-(0.25 * torch.tensor(0.25).log() + 0.75 * torch.tensor(0.75).log()))


WEIGHED: dict[str, tuple[int, dict[str, torch.Tensor]]] = {
    "positives": (1, {"pos_weight": torch.tensor([3.0])}),
    "classes": (2, {"weight": torch.tensor([1.0, 3.0])}),
}


@pytest.mark.parametrize("kind", WEIGHED)
def test_the_constant_answer_of_a_weighed_evaluation_is_that_of_its_weighed_targets(kind: str) -> None:
    """One in ten is rare on the held-out side, and half in training; the best constant is found by trying all."""
    width, options = WEIGHED[kind]
    positive = torch.tensor([0] * 4 + [1] * 36 if kind == "classes" else [1] * 4 + [0] * 36)

    def loss(output: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if kind == "classes":
            return F.cross_entropy(output, labels, **options)
        return F.binary_cross_entropy_with_logits(output.squeeze(1), labels.float(), **options)

    def train() -> None:
        x = torch.randn(40, 4)
        model = torch.nn.Linear(4, width)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            _step(optimizer, loss(model(x), torch.arange(40) % 2))
        with torch.no_grad():
            loss(model(x), positive)

    (evaluation,) = record(train).of("eval")
    answers = torch.linspace(-6, 6, 4801).unsqueeze(1).unsqueeze(1)
    both = torch.cat([torch.zeros_like(answers), answers], 2) if kind == "classes" else answers
    least = min(float(loss(answer.expand(40, width), positive)) for answer in both)
    assert evaluation["trivial"] == pytest.approx(least, rel=1e-4)


@pytest.mark.parametrize("kind", ["classes", "images"])
def test_a_sum_that_nothing_divides_is_told_by_the_example_on_both_sides(kind: str) -> None:
    """Labels, and rows of an autoencoder; the last batch is smaller."""
    printed: dict[str, list[float]] = {"train": [], "val": []}

    def train() -> None:
        x, y = _data(30).tensors
        model = nn.Linear(4, 3 if kind == "classes" else 4)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.001)

        def loss_of(rows: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            if kind == "classes":
                return F.cross_entropy(model(rows), labels, reduction="sum")
            return F.mse_loss(model(rows), rows, reduction="sum")

        for rows, labels in zip(x[:20].split(8), y[:20].split(8), strict=True):
            loss = loss_of(rows, labels)
            printed["train"].append(loss.item() / len(rows))
            _step(optimizer, loss)
        with torch.no_grad():
            printed["val"].append(loss_of(x[20:], y[20:]).item() / 10)

    records = record(train)
    assert records.column("loss") == _near(printed["train"])
    assert _told(records, None) == _near(printed["val"])


def test_one_of_two_terms_alike_is_no_part() -> None:
    """Mixup weighs two cross-entropies of one line; a penalty beside a single one leaves that a part."""

    def parts(share: float) -> list[Any]:
        def train() -> None:
            x, y = _data(16).tensors
            model = _net()
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            for _ in range(2):
                out = model(x)
                if share:
                    loss = sum(w * F.cross_entropy(out, labels) for w, labels in ((share, y), (1 - share, y.flip(0))))
                else:
                    loss = F.cross_entropy(out, y) + 0.1 * out.pow(2).mean()
                _step(optimizer, loss)

        return record(train).column("part")

    assert parts(0.3) == [None, None]
    assert None not in parts(0.0)


def test_accuracy_with_gradients_that_nobody_uses_is_an_evaluation() -> None:
    """The script has forgotten no_grad, but called eval()."""

    def evaluate(model: nn.Module, loader: DataLoader[Any]) -> float:
        model.eval()
        right = [(model(x).argmax(1) == y).float().mean().item() for x, y in loader]
        return sum(right) / len(right)

    records, printed = _epochs(evaluate)
    assert _told(records, "train", "accuracy") == _near(printed["train"])
    assert _told(records, "validation", "accuracy") == _near(printed["val"])


def test_a_training_in_eval_mode_is_no_evaluation_and_shows_its_data() -> None:
    """Norm layers are kept as they are by a call of eval() at every step."""
    printed: list[float] = []

    def train() -> None:
        model, loader = _net(), DataLoader(_data(24), batch_size=8)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        for _ in range(EPOCHS):
            for x, y in loader:
                model.eval()
                _step(optimizer, F.cross_entropy(model(x), y))
            printed.append(_accuracy(model, loader))

    records = record(train)
    assert _told(records, "train", "accuracy") == _near(printed)
    assert len(records.of("eval")) == EPOCHS


def test_a_part_that_is_not_evaluated_may_stay_in_train_mode() -> None:
    """An encoder in eval mode beside a head in train mode: only the layers that run count."""

    def train(evaluated: str) -> tuple[str, list[str]]:
        def script() -> object:
            torch.manual_seed(3)
            parts = {
                "encoder": nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)),
                "head": nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)),
            }
            optimizer = torch.optim.SGD([p for part in parts.values() for p in part.parameters()], 0.01)
            for _ in range(4):
                optimizer.zero_grad()
                parts["head"](parts["encoder"](torch.randn(8, 3))).pow(2).mean().backward()
                optimizer.step()
            parts[evaluated].eval()
            with torch.no_grad():
                parts["encoder"](torch.randn(8, 3))
            return parts

        (told,) = record(script).of("eval")
        return told["mode"], told["train_mode_modules"]

    assert train("encoder") == ("eval", [])
    assert train("head")[0] == "train"


def test_a_linear_probe_evaluates_the_encoder_alone() -> None:
    """The predictor beside it, of the same model, stays in train mode and does not run."""

    class Siamese(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
            self.predictor = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.predictor(self.encoder(x))

    def mode(evaluated: str) -> str:
        def script() -> object:
            torch.manual_seed(3)
            model = Siamese()
            optimizer = torch.optim.SGD(model.parameters(), 0.01)
            for _ in range(4):
                _step(optimizer, model(torch.randn(8, 3)).pow(2).mean())
            getattr(model, evaluated).eval()
            with torch.no_grad():
                model.encoder(torch.randn(8, 3))
            return model

        (told,) = record(script).of("eval")
        return str(told["mode"])

    assert [mode("encoder"), mode("predictor")] == ["eval", "train"]


class _Coded(nn.Module):
    """Returns what it makes of its input, and how far what it has hidden lies from a code."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(4, 2), nn.Linear(2, 4)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self.inner(x)
        return self.outer(hidden), F.mse_loss(hidden, hidden.round().detach())


def test_a_loss_of_the_inner_workings_stands_behind_that_of_the_script() -> None:
    """Both are told; the evaluation's is the reconstruction."""
    printed: list[tuple[float, float]] = []

    def train() -> object:
        torch.manual_seed(0)
        model, rows = _Coded(), torch.randn(24, 4)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            model.train()
            made, distance = model(rows[:16])
            _step(optimizer, F.mse_loss(made, rows[:16]) + 0.25 * distance)
            model.eval()
            with torch.no_grad():
                made, distance = model(rows[16:])
                printed.append((F.mse_loss(made, rows[16:]).item(), distance.item()))
        return model

    evals = [r for r in record(train) if r["record"] == "eval"]
    assert [e["loss"] for e in evals] == pytest.approx([made for made, _ in printed], rel=1e-4)
    assert [len(e["losses"]) for e in evals] == [2, 2, 2]
