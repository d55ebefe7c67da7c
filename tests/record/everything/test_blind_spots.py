"""What cannot be seen of a training is said in its log and in the verdict; what can be seen is recorded."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from naive import Naive, assert_recorded, near
from practices import batches, mlp, sgd, train
from recordkit import Records, record
from torch import nn

import trainadvisor
from trainadvisor.log.writer import LogWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STEPS = 6


def both(training: Callable[[Naive], object]) -> tuple[Naive, Records]:
    """Train plainly and recorded, assert that it makes no difference, and return what was recorded."""
    plain, recorded = Naive(), Naive()
    torch.manual_seed(0)
    training(plain)
    torch.manual_seed(0)
    records = record(lambda: training(recorded))
    assert recorded.losses == plain.losses
    one, other = plain.model.state_dict(), recorded.model.state_dict()
    assert [key for key in one if not torch.equal(one[key], other[key])] == []
    return recorded, records


def notes(records: Records, folder: Path, lang: str) -> str:
    """Return what the verdict on the records remarks."""
    log = LogWriter(folder / "log.json")
    for item in records:
        log(item)
    log.close()
    return " ".join(trainadvisor.diagnose(folder / "log.json", lang=lang).notes)


def blind(records: Records) -> list[str]:
    """Return what is said to be out of sight."""
    return [event["subject"] for event in records.of("event") if event["kind"] == "blind"]


def compiling(backend: str) -> Callable[[Naive], None]:
    """Return a training of a compiled model."""

    def training(naive: Naive) -> None:
        model = mlp()
        train(naive, model, sgd(model), forward=torch.compile(model, backend=backend))

    return training


@pytest.mark.parametrize(
    "backend",
    [
        "aot_eager",
        pytest.param("inductor", marks=pytest.mark.skipif(not shutil.which("g++"), reason="needs a C++ compiler")),
    ],
)
def test_a_compiled_model_is_recorded_but_for_its_activations(backend: str, tmp_path: Path) -> None:
    """Losses, gradients, weights and inputs are; the verdict names the checks that are off, in both languages."""
    naive, records = both(compiling(backend))
    assert_recorded(records, naive)
    assert [len(column) for column in records.layer("weight")] == [4] * len(naive.losses)
    assert records.layer("act_mean") == []
    assert records.events("inputs")[0]["shape"] == [8, 8]
    assert blind(records) == ["compiled"]
    assert "checks of activations are off" in notes(records, tmp_path, "en")
    assert "模型已被编译" in notes(records, tmp_path, "zh")


def test_a_part_that_is_compiled_hides_only_itself() -> None:
    """The layers around it are seen; nothing is said to be out of sight."""

    def training(naive: Naive) -> None:
        model = mlp()
        model[0].compile(backend="aot_eager")
        train(naive, model, sgd(model))

    naive, records = both(training)
    assert_recorded(records, naive)
    rows = [row["name"] for row in records.events("table")[0]["rows"]]
    assert {"1", "2", "output"} <= set(rows)
    assert blind(records) == []


def test_a_step_compiled_as_a_whole_is_recorded_by_its_loss_and_weights(tmp_path: Path) -> None:
    """No module is called in sight: no layers, no inputs; on a CPU Adam can be capturable in no other way."""

    def training(naive: Naive) -> None:
        torch._dynamo.reset()
        model = mlp()
        optimizer = torch.optim.Adam(model.parameters(), 1e-2, capturable=True)
        naive.begin(model)

        def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        compiled = torch.compile(step, backend="aot_eager")
        for x, y in batches(count=STEPS):
            naive.end(compiled(x, y).item())
            naive.gradients(model.parameters())

    naive, records = both(training)
    assert_recorded(records, naive)
    assert (records.layer("act_mean"), records.events("inputs")) == ([], [])
    assert blind(records) == ["forward"]
    assert "No model was called in sight" in notes(records, tmp_path, "en")
    assert "没有观察到任何模型被调用" in notes(records, tmp_path, "zh")


def test_gradients_of_torch_func_are_recorded_by_their_norm(tmp_path: Path) -> None:
    """Per-example gradients by vmap, put into `.grad`: the loss is out of sight, and that is said."""

    def training(naive: Naive) -> None:
        model = mlp()
        optimizer = sgd(model)

        def loss_of(weights: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return F.cross_entropy(torch.func.functional_call(model, weights, (x[None],)), y[None])

        every = torch.func.vmap(torch.func.grad_and_value(loss_of), in_dims=(None, 0, 0))
        for x, y in batches(count=STEPS):
            naive.begin(model)
            gradients, losses = every({name: p.detach() for name, p in model.named_parameters()}, x, y)
            for name, parameter in model.named_parameters():
                parameter.grad = gradients[name].mean(0)
            naive.gradients(model.parameters())
            optimizer.step()
            naive.end(losses.mean().item())

    naive, records = both(training)
    assert records.column("loss") == [None] * STEPS
    assert records.column("grad_norm") == [near(norm) for norm in naive.norms]
    assert records.column("opt") == [[0]] * STEPS
    assert blind(records) == ["backward"]
    assert "no backward call has set" in notes(records, tmp_path, "en")
    assert "不是由 backward 得到的" in notes(records, tmp_path, "zh")


def test_a_training_on_the_meta_device_is_no_broken_one(tmp_path: Path) -> None:
    """Steps are counted, no value is made up, and it is said why there is none."""

    def dry_run() -> Any:
        with torch.device("meta"):
            model = mlp()
            optimizer = sgd(model)
            for _ in range(3):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(torch.empty(2, 8)), torch.empty(2, dtype=torch.long))
                loss.backward()
                optimizer.step()
        return model

    records = record(dry_run)
    assert records.column("loss") == records.column("grad_norm") == [None] * 3
    assert (records.tally["step"], records.tally["backward"], records.of("layers")) == (3, 3, [])
    assert blind(records) == ["meta"]
    assert "meta device" in notes(records, tmp_path, "en")
    assert "meta 设备" in notes(records, tmp_path, "zh")


class Many(nn.Module):
    """Ten thousand parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.many = nn.ParameterList(nn.Parameter(torch.full((2,), 0.1)) for _ in range(10_000))
        self.head = nn.Linear(2, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(x[:, :2] * torch.stack(list(self.many)).sum(0))


def test_ten_thousand_parameters_make_a_bounded_log(tmp_path: Path) -> None:
    """Each gradient is recorded, weights at least in part, no line of the log is longer than three megabytes, and the log can be judged."""

    def training(naive: Naive) -> None:
        naive.model = model = Many()
        optimizer = torch.optim.SGD(model.parameters(), 0.01, foreach=True)
        for x, y in batches(count=2):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            naive.norms.append(float(torch.cat([p.grad.flatten() for p in model.parameters()]).double().norm()))
            optimizer.step()
            naive.losses.append(loss.item())

    naive, records = both(training)
    assert_recorded(records, naive)
    assert {len(column) for column in records.layer("grad")} == {10_002}
    parts = [row for row in records.of("layers") if "weight" in row]
    spans = [row.get("rows", [0, 10_002, 10_002]) for row in parts]
    assert [len(row["weight"]) for row in parts] == [stop - start for start, stop, _ in spans]
    assert {count for _, _, count in spans} == {10_002}
    notes(records, tmp_path, "en")
    lines = (tmp_path / "log.json").read_bytes().splitlines()
    assert max(map(len, lines)) < 3_000_000
