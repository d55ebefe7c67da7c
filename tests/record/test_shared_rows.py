"""Rows that a model is evaluated on and trained on are counted, and judged by what the user's code calls them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn
from torch.utils.data import DataLoader, Subset, SubsetRandomSampler, TensorDataset

from trainadvisor.log.reader import read_log
from trainadvisor.record.evaluations import fingerprints
from trainadvisor.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

EPOCHS = 3


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def _data(size: int) -> TensorDataset:
    return TensorDataset(torch.randn(size, 6), torch.randint(0, 3, (size,)))


def _fit(net: nn.Module, batches: Iterable[Any], optimizer: torch.optim.Optimizer) -> None:
    for x, y in batches:
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()


@torch.no_grad()
def _score(net: nn.Module, batches: Iterable[Any]) -> float:
    return sum(float((net(x).argmax(1) == y).float().mean()) for x, y in batches)


def _net() -> tuple[nn.Module, torch.optim.Optimizer]:
    net = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
    return net, torch.optim.SGD(net.parameters(), lr=0.1)


def _signals(script: Callable[[], object], folder: Path) -> Signals:
    log = folder / "log.json"
    log.write_text(json.dumps(record(script)), encoding="utf-8")
    return Signals(read_log(log))


def _same_data() -> object:
    data = _data(80)
    train_loader, val_loader = DataLoader(data, 16, shuffle=True), DataLoader(data, 40)
    net, optimizer = _net()
    for _ in range(EPOCHS):
        _fit(net, train_loader, optimizer)
        _score(net, val_loader)
    return net, train_loader, val_loader


def _overlapping_parts() -> object:
    data = _data(80)
    train_loader = DataLoader(Subset(data, range(60)), 16, shuffle=True)
    val_loader = DataLoader(Subset(data, range(40, 80)), 40)
    net, optimizer = _net()
    for _ in range(EPOCHS):
        _fit(net, train_loader, optimizer)
        _score(net, val_loader)
    return net, train_loader, val_loader


def _rows_by_hand() -> object:
    x, y = torch.randn(80, 6), torch.randint(0, 3, (80,))
    net, optimizer = _net()
    held_out = torch.randperm(80)[:30]
    for _ in range(EPOCHS):
        _fit(net, [(x[i : i + 16], y[i : i + 16]) for i in range(0, 80, 16)], optimizer)
        with torch.no_grad():
            val_accuracy = (net(x[held_out]).argmax(1) == y[held_out]).float().mean()
    return net, val_accuracy


def _disjoint_parts() -> object:
    data = _data(80)
    train_loader = DataLoader(Subset(data, range(60)), 16, shuffle=True)
    val_loader = DataLoader(Subset(data, range(60, 80)), 20)
    net, optimizer = _net()
    for _ in range(EPOCHS):
        _fit(net, train_loader, optimizer)
        _score(net, val_loader)
        _score(net, train_loader)
        train_accuracy = _score(net, DataLoader(train_loader.dataset, 60))
    return net, train_loader, val_loader, train_accuracy


def _loaders_of_one_line() -> object:
    seen, new = _data(600), _data(200)
    loaders = [DataLoader(part, size) for part, size in ((seen, 32), (seen, 200), (new, 200))]
    net, optimizer = _net()
    for _ in range(EPOCHS):
        _fit(net, loaders[0], optimizer)
        for loader in loaders[1:]:
            _score(net, loader)
    return net, loaders


def _samplers_over_one_data_set() -> object:
    data = _data(80)
    train_loader = DataLoader(data, 16, sampler=SubsetRandomSampler(range(60)))
    val_loader = DataLoader(data, 20, sampler=SubsetRandomSampler(range(60, 80)))
    net, optimizer = _net()
    for _ in range(EPOCHS):
        _fit(net, train_loader, optimizer)
        _score(net, val_loader)
    return net, train_loader, val_loader


def _one_line_for_both() -> object:
    x, y = torch.randn(80, 6), torch.randint(0, 3, (80,))
    net, optimizer = _net()
    for _ in range(EPOCHS):
        _fit(net, [(x[i : i + 16], y[i : i + 16]) for i in range(0, 64, 16)], optimizer)
        with torch.no_grad():
            scores = [net(part).mean() for part in (x[:64], x[64:])]
    return net, scores


def _folds() -> object:
    data = _data(80)
    net = _net()[0]
    for fold in range(4):
        for layer in net:
            if isinstance(layer, nn.Linear):
                layer.reset_parameters()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        held_out = list(range(fold * 20, fold * 20 + 20))
        train_loader = DataLoader(Subset(data, [i for i in range(80) if i not in held_out]), 16)
        val_loader = DataLoader(Subset(data, held_out), 20)
        for _ in range(EPOCHS):
            _fit(net, train_loader, optimizer)
            _score(net, val_loader)
    return net, train_loader, val_loader


def _few_values() -> object:
    x, y = torch.randint(0, 2, (200, 4)).float(), torch.randint(0, 3, (200,))
    net, optimizer = _net()
    net[0] = nn.Linear(4, 8)
    for _ in range(EPOCHS):
        _fit(net, [(x[i : i + 40], y[i : i + 40]) for i in range(0, 160, 40)], optimizer)
        with torch.no_grad():
            val_accuracy = (net(x[160:]).argmax(1) == y[160:]).float().mean()
    return net, val_accuracy


def _one_grid() -> object:
    grid = torch.linspace(-1, 1, 60)[:, None]
    net, optimizer = _net()
    net[0] = nn.Linear(1, 8)
    for _ in range(EPOCHS):
        _fit(net, [(grid, torch.randint(0, 3, (60,)))], optimizer)
        with torch.no_grad():
            val_accuracy = (net(grid).argmax(1) == torch.randint(0, 3, (60,))).float().mean()
    return net, val_accuracy


def _labeled_nodes() -> object:
    x, y = torch.randn(80, 6), torch.randint(0, 3, (80,))
    net, optimizer = _net()
    for _ in range(EPOCHS):
        optimizer.zero_grad()
        F.cross_entropy(net(x)[:40], y[:40]).backward()
        optimizer.step()
        with torch.no_grad():
            val_accuracy = (net(x)[40:].argmax(1) == y[40:]).float().mean()
    return net, val_accuracy


@pytest.mark.parametrize(("train", "share"), [(_same_data, 1.0), (_overlapping_parts, 0.5), (_rows_by_hand, 1.0)])
def test_a_validation_on_what_was_trained_on_is_found(train: Any, share: float, tmp_path: Path) -> None:
    """The share of its rows that the training has, whether loaders or the script itself give them."""
    signals = _signals(train, tmp_path)
    assert signals["leaked_share"] == share
    assert signals["leaked_times"] == EPOCHS


def _by_phase(*, shared: bool) -> object:
    data, held_out = _data(80), _data(80)
    loaders = {"train": DataLoader(data, 16, shuffle=True), "val": DataLoader(data if shared else held_out, 40)}
    net, optimizer = _net()
    for phase in ("train", "val") * EPOCHS:
        for x, y in loaders[phase]:
            with torch.set_grad_enabled(phase == "train"):
                loss = F.cross_entropy(net(x), y)
            if phase == "train":
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return net, loaders


@pytest.mark.parametrize(("shared", "share"), [(True, 1.0), (False, 0.0)])
def test_a_loader_has_the_key_of_its_dictionary_as_a_name(shared: bool, share: float, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter of pytest
    """Both phases run through one line, where only the key says which data are held out."""
    assert _signals(lambda: _by_phase(shared=shared), tmp_path)["leaked_share"] == share


@pytest.mark.parametrize("train", [_disjoint_parts, _samplers_over_one_data_set, _folds, _one_line_for_both])
def test_held_out_rows_are_not(train: Any, tmp_path: Path) -> None:
    """Disjoint parts of one data set, beside the accuracy on the training data, and folds in one object."""
    assert _signals(train, tmp_path)["leaked_share"] == 0.0


def test_loaders_of_one_line_are_told_apart(tmp_path: Path) -> None:
    """Nothing in the names says which one holds new rows."""
    assert _signals(_loaders_of_one_line, tmp_path)["leaked_share"] == 0.0


@pytest.mark.parametrize("train", [_few_values, _labeled_nodes, _one_grid])
def test_rows_that_coincide_for_another_reason_are_not_judged(train: Any, tmp_path: Path) -> None:
    """Sixteen possible rows, one graph whose nodes all go in while the loss takes some, and two draws at one grid."""
    assert not _signals(train, tmp_path)["leaked_share"]


def _looking(*, switch: bool, every_step: bool = False, train_rows: bool = False) -> Callable[[], object]:
    """Return a training with dropout that counts right answers by hand, in train mode or not."""

    def train() -> object:
        x, y = torch.randn(80, 6), torch.randint(0, 3, (80,))
        net = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), nn.Linear(8, 3))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

        @torch.no_grad()
        def look() -> float:
            part = slice(0, 60) if train_rows else slice(60, 80)
            net.train(not switch)
            found = float((net(x[part]).argmax(1) == y[part]).float().mean())
            net.train()
            return found

        for _ in range(EPOCHS):
            for i in range(0, 60, 15):
                if every_step:
                    look()
                _fit(net, [(x[i : i + 15], y[i : i + 15])], optimizer)
            if not every_step:
                look()
        return net

    return train


def test_an_evaluation_by_hand_in_train_mode_is_found(tmp_path: Path) -> None:
    """New rows, looked at now and then with dropout at work; in eval mode, on training rows or at every step not."""
    found = _signals(_looking(switch=False), tmp_path)
    assert (found["unrecorded_train_mode_evals"], found["train_mode_layers"]) == (EPOCHS, ["1"])
    sound = [_looking(switch=True), _looking(switch=False, every_step=True), _looking(switch=False, train_rows=True)]
    assert [_signals(script, tmp_path)["unrecorded_train_mode_evals"] for script in sound] == [0, 0, 0]


def test_rows_by_hand_behind_a_loader_are_told_apart_in_long_runs(tmp_path: Path) -> None:
    """The place stays the same when no more rows of the training are taken."""

    def train() -> object:
        loader, x = DataLoader(_data(600), 100), torch.randn(40, 6)
        net, optimizer = _net()
        for _ in range(9):
            _fit(net, loader, optimizer)
            with torch.no_grad():
                net(x)
        return net, loader

    events = record(train).events("shared-rows")
    assert (events[-1]["times"], events[-1]["by_loader"]) == (9, False)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.bool])
def test_a_row_has_one_fingerprint_in_any_batch(dtype: torch.dtype) -> None:
    """Equal rows are equal, others are not, and a float32 holds each number."""
    rows = torch.randint(0, 2, (300, 40)).to(dtype)
    whole, part = fingerprints.of_rows(rows), fingerprints.of_rows(rows[100:101])
    assert torch.equal(whole[100:101], part)
    assert len(set(map(tuple, whole.tolist()))) == len(set(map(tuple, rows.tolist())))
    assert torch.equal(whole.float().long(), whole)


def test_rows_of_measured_numbers_are_counted() -> None:
    """Those with eight different fractions and more; whole numbers, few columns and repeated fractions are none."""
    measured, repeated = torch.randn(5, 9), torch.tensor([[0.5, 1.5, 2.5, 0.25] * 3])
    assert float(fingerprints.real_rows(measured)) == 5
    assert float(fingerprints.real_rows(torch.cat([measured, measured.round()]))) == 5
    assert float(fingerprints.real_rows(repeated)) == 0
    assert float(fingerprints.real_rows(measured[:, :7])) == 0
    assert float(fingerprints.real_rows(torch.arange(40).view(2, 20))) == 0


def _drawn_again(columns: int) -> Callable[[], object]:
    """Return a training whose rare examples are drawn again and again before the split."""

    def train() -> object:
        x, rare = torch.randn(200, columns), torch.arange(200) < 40
        if columns < 8:
            x = x.round()
        order = torch.cat([(~rare).nonzero()[:, 0], rare.nonzero()[:, 0].repeat(4)])
        order = order[torch.randperm(len(order))]
        data = TensorDataset(x[order], rare[order].long())
        train_loader = DataLoader(Subset(data, range(240)), 40, shuffle=True)
        val_loader = DataLoader(Subset(data, range(240, 320)), 80)
        net = nn.Sequential(nn.Linear(columns, 8), nn.Tanh(), nn.Linear(8, 3))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(EPOCHS):
            _fit(net, train_loader, optimizer)
            _score(net, val_loader)
        return net, train_loader, val_loader

    return train


def test_copies_made_before_the_split_are_found(tmp_path: Path) -> None:
    """About half of the held-out rows are rare examples, of which the training has copies."""
    assert 0.3 < _signals(_drawn_again(12), tmp_path)["leaked_share"] < 0.7


def test_rows_of_few_whole_numbers_may_coincide(tmp_path: Path) -> None:
    """The same with two rounded columns shows nothing."""
    assert not _signals(_drawn_again(2), tmp_path)["leaked_share"]


def _cross_validation(reset: Callable[[nn.Module], nn.Module]) -> Callable[[], object]:
    """Return a cross-validation of three folds of 40 rows; `reset` gives the model of each."""

    def script() -> object:
        data, net = _data(120), _net()[0]
        for fold in range(3):
            held_out = list(range(40 * fold, 40 * fold + 40))
            rest = [index for index in range(120) if index not in held_out]
            train_loader = DataLoader(Subset(data, rest), 16, shuffle=True)
            val_loader = DataLoader(Subset(data, held_out), 40)
            net = reset(net)
            optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
            for _ in range(EPOCHS):
                _fit(net, train_loader, optimizer)
                _score(net, val_loader)
        return net

    return script


def _with_new_weights(net: nn.Module) -> nn.Module:
    for layer in net.children():
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()
    return net


def test_a_model_that_goes_on_in_the_next_fold_knows_its_held_out_rows(tmp_path: Path) -> None:
    """All rows of the second and third validation were trained on under the optimizer before."""
    signals = _signals(_cross_validation(lambda net: net), tmp_path)
    assert (signals.get("leaked_share"), signals.get("leaked_before_share")) == (1.0, 1.0)


@pytest.mark.parametrize("reset", [lambda _: _net()[0], _with_new_weights], ids=["new model", "new weights"])
def test_a_fold_with_new_weights_knows_nothing_of_the_one_before(
    reset: Callable[[nn.Module], nn.Module], tmp_path: Path
) -> None:
    """No row of a validation was trained on."""
    assert _signals(_cross_validation(reset), tmp_path).get("leaked_share") == 0.0


def _library() -> dict[str, Any]:
    """Return functions of an installed package that evaluate, by whatever name it has for the data."""
    source = """
def evaluate(net, batches):
    with no_grad():
        return [net(batch) for batch in batches]


def drive(hook, batches):
    with no_grad():
        return [hook(batch) for batch in batches]


def collect(net, batches):
    return evaluate.__class__(evaluate.__code__.replace(co_name="collect"), globals())(net, batches)
"""
    names: dict[str, Any] = {"no_grad": torch.no_grad}
    exec(compile(source, "/x/site-packages/driver/loop.py", "exec"), names)  # noqa: S102 - the file's place matters
    return names


@pytest.mark.parametrize(
    ("name", "rows", "share"), [("evaluate", 40, 1.0), ("evaluate", -40, 0.0), ("collect", 40, 0.0)]
)
def test_an_evaluation_by_a_framework_is_one_of_held_out_rows(
    name: str, rows: int, share: float, tmp_path: Path
) -> None:
    """Where it sees nothing but rows of the training they leak; what it does by another name may be meant so."""
    library, x = _library(), torch.randn(120, 6)
    some = x[:rows] if rows > 0 else x[rows:]

    def script() -> object:
        net, optimizer = _net()
        for _ in range(EPOCHS):
            _fit(net, [(x[i : i + 16], torch.randint(0, 3, (16,))) for i in range(0, 80, 16)], optimizer)
            library[name](net, [some])
        return net

    assert _signals(script, tmp_path)["leaked_share"] == share


@pytest.mark.parametrize(("called", "share"), [("validation_step", 1.0), ("look", 0.0)])
def test_a_hook_that_a_framework_calls_for_its_evaluation_is_one(called: str, share: float, tmp_path: Path) -> None:
    """As the framework's own function that evaluates; of a hook by another name that is not known."""
    library, x = _library(), torch.randn(120, 6)

    def script() -> object:
        net, optimizer = _net()

        def validation_step(batch: torch.Tensor) -> torch.Tensor:
            return net(batch)

        def look(batch: torch.Tensor) -> torch.Tensor:
            return net(batch)

        hook = {"validation_step": validation_step, "look": look}[called]
        for _ in range(EPOCHS):
            _fit(net, [(x[i : i + 16], torch.randint(0, 3, (16,))) for i in range(0, 80, 16)], optimizer)
            library["drive"](hook, [x[:40]])
        return net

    assert _signals(script, tmp_path)["leaked_share"] == share
