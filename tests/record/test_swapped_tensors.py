"""Tensors of the script's change places with others while a recording has met them: `torch.utils.swap_tensors`."""

import io
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn
from torch.utils.data import DataLoader

STEPS = 24


def network(*last: nn.Module) -> nn.Sequential:
    """Return a small classifier of eight numbers."""
    return nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 3), *last)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Return rows and their classes."""
    rows = torch.randn(6, 8)
    return rows, rows[:, :3].argmax(1)


def swap(*tensors: torch.Tensor) -> None:
    """Let each tensor change places with a new one; torch raises where anybody holds on to it."""
    for tensor in tensors:
        torch.utils.swap_tensors(tensor, torch.zeros(3))


def swap_inputs_and_losses() -> None:
    """In every step: the rows, the classes, and the loss, differentiated itself, after the backward."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(STEPS):
        rows, classes = batch()
        loss = F.cross_entropy(model(rows), classes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        swap(rows, classes, loss)


def swap_multiplied_losses() -> None:
    """A loss of which something else was made, which was differentiated."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(STEPS):
        rows, classes = batch()
        loss = F.cross_entropy(model(rows), classes)
        whole = 2 * loss
        optimizer.zero_grad()
        whole.backward()
        optimizer.step()
        swap(loss, whole)


def swap_scaled_losses() -> None:
    """A loss that a gradient scaler has multiplied."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    scaler = torch.amp.GradScaler("cpu")
    for _ in range(STEPS):
        rows, classes = batch()
        loss = F.cross_entropy(model(rows), classes)
        scaled = scaler.scale(loss)
        optimizer.zero_grad()
        scaled.backward()
        swap(loss, scaled)
        scaler.step(optimizer)
        scaler.update()


def swap_in_evaluations() -> None:
    """What an evaluation gives the model, what it gets, and the loss of that; the same of one that forgot no_grad."""
    model = network(nn.Dropout(0.1))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(3):
        for _ in range(4):
            rows, classes = batch()
            optimizer.zero_grad()
            F.cross_entropy(model(rows), classes).backward()
            optimizer.step()
        model.eval()
        for _ in range(3):
            rows, classes = batch()
            with torch.no_grad():
                answers = model(rows)
                loss = F.cross_entropy(answers, classes)
            swap(rows, classes, answers, loss)
            rows, classes = batch()
            F.cross_entropy(model(rows), classes)
            swap(classes)
        model.train()


def swap_loaded_entries() -> None:
    """The entries of a file, those of a state dict, and the model's own buffers that a state dict names."""
    model = nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(4):
        rows, classes = batch()
        optimizer.zero_grad()
        F.cross_entropy(model(rows), classes).backward()
        optimizer.step()
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    entries = torch.load(file)
    model.load_state_dict(entries)
    swap(*entries.values(), *model.state_dict().values())
    kept = model.state_dict()
    swap(*kept.values())
    own = model.state_dict(keep_vars=True)
    swap(own["1.running_mean"], own["1.running_var"])


def swap_a_dataset() -> None:
    """The rows that a loader draws from."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    rows = torch.randn(24, 8)
    for _ in range(2):
        for drawn in DataLoader(rows, 6):
            optimizer.zero_grad()
            F.mse_loss(model(drawn), torch.zeros(6, 3)).backward()
            optimizer.step()
        with torch.no_grad():
            for drawn in DataLoader(rows, 6):
                F.mse_loss(model(drawn), torch.zeros(6, 3))
    torch.utils.swap_tensors(rows, torch.zeros(3, 8))


@pytest.mark.parametrize(
    "train",
    [
        swap_inputs_and_losses, swap_multiplied_losses, swap_scaled_losses, swap_in_evaluations, swap_loaded_entries,
        swap_a_dataset,
    ],
)  # fmt: skip
def test_what_a_recording_has_met_can_be_swapped(train: Callable[[], None]) -> None:
    """No weak reference of ours lies on it."""
    assert record(train, every=3).of("step")


@pytest.mark.parametrize("count", [1, 2, 3, 4, 17, 18, 40])
def test_parameters_can_be_swapped_behind_a_dropped_loss(count: int) -> None:
    """Whether the step is looked at or not: the graph of a loss that the script has dropped is let go."""

    def train() -> None:
        model = network()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(count):
            rows, classes = batch()
            optimizer.zero_grad()
            F.cross_entropy(model(rows), classes).backward()
            optimizer.step()
        F.cross_entropy(model(rows), classes)
        for parameter in model.parameters():
            torch.utils.swap_tensors(parameter, nn.Parameter(torch.zeros_like(parameter)))

    assert len(record(train, every=3).of("step")) == count


def test_a_swapped_loss_is_still_the_one_that_is_trained_on() -> None:
    """Its value is told when it is differentiated under another name; a tensor in its old place is another."""

    def train() -> None:
        model = network()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for number in range(4):
            rows, classes = batch()
            loss = F.cross_entropy(model(rows), classes)
            optimizer.zero_grad()
            if number == 3:
                other = (model(rows) * 0).sum() + 7
                torch.utils.swap_tensors(loss, other)
            loss.backward()
            optimizer.step()

    records = record(train)
    assert records.column("loss")[3] == 7
    assert [step["loss_id"] for step in records.of("step")] == [0, 0, 0, 1]
