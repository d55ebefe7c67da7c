"""Whether the targets of a training are among its inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from builders import event, signals_of
from recordkit import record
from torch import nn

from trainadvisor.record.losses.copied_targets import CopiedTargets, as_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T, B = 12, 16


class Forecaster(nn.Module):
    """Answers at each step of a series."""

    def __init__(self, width: int = 1) -> None:
        super().__init__()
        self.rnn, self.out = nn.GRU(width, 8, batch_first=True), nn.Linear(8, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.rnn(x)[0])


class Autoencoder(Forecaster):
    """Gives a series back from its last state."""

    def __init__(self) -> None:
        super().__init__()
        self.second = nn.GRU(8, 8, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.second(self.rnn(x)[0][:, -1:].expand(-1, x.shape[1], -1))[0])


Batch = tuple[torch.Tensor, torch.Tensor]


def seen(tmp_path: Path, model: nn.Module, batch: Callable[[], Batch], loss: Any = F.mse_loss) -> Any:
    """Return the signals of a short training."""

    def train() -> object:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(4):
            x, y = batch()
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()
        return model

    events = [e for e in record(train).of("event") if e["kind"] == "targets-in-inputs"]
    return signals_of(tmp_path, steps=4, events=[event(e["kind"], e["detail"], e["subject"]) for e in events])


def series(ahead: int) -> Batch:
    """Return series and what comes so many steps later."""
    whole = torch.randn(B, T + ahead, 1)
    return whole[:, :T], whole[:, ahead:]


def table(answer: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[], Batch]:
    """Return what makes a table of five columns with an answer."""

    def batch() -> Batch:
        x = torch.randn(B, 5)
        return x, answer(x)

    return batch


def test_a_forecaster_that_reads_what_it_forecasts(tmp_path: Path) -> None:
    """The target is the input of the same step."""
    signals = seen(tmp_path, Forecaster(), lambda: series(0))
    assert (signals["target_in_inputs"], signals["target_column"], signals["target_rows"]) == (True, 0, 4 * B * T)


def test_a_forecast_of_the_next_step(tmp_path: Path) -> None:
    """One step ahead, the target is in no input of the same step."""
    assert seen(tmp_path, Forecaster(), lambda: series(1))["target_in_inputs"] is False


def test_an_autoencoder_of_series(tmp_path: Path) -> None:
    """It is there to give back what it gets."""
    assert seen(tmp_path, Autoencoder(), lambda: series(0))["target_in_inputs"] is False


def test_one_of_several_series_is_the_target(tmp_path: Path) -> None:
    """A column of the same step that is the target leaks, whatever the others are."""

    def batch() -> Batch:
        x = torch.randn(B, T, 3)
        return x, x[:, :, 1:2]

    assert seen(tmp_path, Forecaster(3), batch)["target_column"] == 1


def test_a_window_that_ends_with_its_target(tmp_path: Path) -> None:
    """The value to be forecast is the last one of the window."""

    class Last(Forecaster):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x)[:, -1, 0]

    def batch() -> Batch:
        x = torch.randn(B, T, 1)
        return x, x[:, -1, 0]

    assert seen(tmp_path, Last(), batch)["target_in_inputs"] is False  # the only column: an exercise in copying
    assert seen(tmp_path, Last(2), lambda: (x := torch.randn(B, T, 2), x[:, -1, 0]))["target_in_inputs"] is True


def test_columns_of_tables(tmp_path: Path) -> None:
    """A column that equals the target, or lies on a line with it, leaks; a mixture of columns does not."""
    mlp = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 1))
    assert seen(tmp_path, mlp, table(lambda x: x[:, 3:4]))["target_column"] == 3
    assert seen(tmp_path, mlp, table(lambda x: 2 * x[:, 2:3] - 1))["target_column"] == 2
    assert seen(tmp_path, mlp, table(lambda x: x[:, 2:3] + 0.1 * x[:, :1]))["target_in_inputs"] is False


def test_a_class_among_the_features(tmp_path: Path) -> None:
    """The class index stands in a column, as it is or scaled like the others."""
    mlp = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))

    def batch() -> Batch:
        x, y = torch.randn(B, 5), torch.randint(3, (B,))
        x[:, 4] = y
        return x, y

    assert seen(tmp_path, mlp, batch, F.cross_entropy)["target_column"] == 4
    small = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))

    def scaled() -> Batch:
        x, y = torch.randn(B, 3), torch.randint(2, (B,))
        x[:, 1] = (y - 0.4) / 0.5
        return x, y

    assert seen(tmp_path, small, scaled, F.cross_entropy)["target_column"] == 1
    free = lambda: (torch.randn(B, 5), torch.randint(3, (B,)))  # noqa: E731 - a batch
    assert seen(tmp_path, mlp, free, F.cross_entropy)["target_in_inputs"] is False


def test_a_line_through_points(tmp_path: Path) -> None:
    """Fitting a line or giving the input back is an exercise."""
    line = nn.Linear(1, 1)
    assert seen(tmp_path, line, lambda: (x := torch.randn(B, 1), 3 * x + 1))["target_in_inputs"] is False
    assert seen(tmp_path, nn.Linear(5, 5), table(lambda x: x))["target_in_inputs"] is False


X = torch.tensor([[1.0, 5.0, 2.0], [2.0, 5.0, 4.0], [3.0, 5.0, 0.0], [7.0, 5.0, 1.0]])


@pytest.mark.parametrize(
    ("targets", "equal", "line", "varying", "column"),
    [
        (X[:, :1], 1, 1, 1, 0),
        (X[:, 2:], 1, 1, 1, 2),
        (3 - 2 * X[:, :1], 0, 1, 1, 0),
        (X[:, :1] + X[:, 2:], 0, 0, 1, None),
        (X[:, 1:2], 0, 0, 0, 1),
        (torch.cat([X[:, 2:], X[:, :1] * X[:, 2:], X[:, :1] + 1], 1), 1, 2, 3, 2),
    ],
)
def test_what_is_found_of_targets_among_columns(
    targets: torch.Tensor, equal: int, line: int, varying: int, column: int | None
) -> None:
    """Columns that are equal or on a line with one of the input; what never varies is no copy."""
    found = CopiedTargets()
    for times in (1, 2):
        found.add(times * X, times * targets)
        assert found.fact() == {
            "batches": times, "compared": 4 * times, "columns": 3, "targets": targets.shape[1], "sequence": False,
            "equal": equal, "line": line, "varying": varying, "column": column,
        }  # fmt: skip


def test_a_copy_in_one_batch_alone_is_none() -> None:
    """Every batch has to show it; and a batch of another width is none of the same."""
    found = CopiedTargets()
    found.add(X, X[:, :1])
    found.add(X, X[:, 2:])
    assert (found.fact()["equal"], found.fact()["line"], found.fact()["column"]) == (0, 0, None)
    assert [found.fits(X, X[:, :1]), found.fits(X, X), found.fits(X[:, :1], X[:, :1])] == [True, False, False]


def shapes(x: list[int], y: list[int]) -> tuple[list[int], list[int], bool] | None:
    """Return the shapes of the rows that are compared, and whether they are places of sequences."""
    rows = as_rows(torch.zeros(x), torch.zeros(y))
    return rows and (list(rows[0].shape), list(rows[1].shape), rows[2])


@pytest.mark.parametrize(
    ("x", "y", "compared"),
    [
        ([4, 3], [4], ([4, 3], [4, 1], False)),
        ([4, 3], [4, 2], ([4, 3], [4, 2], False)),
        ([3, 3], [3], None),
        ([4, 3], [5], None),
        ([4, 64], [4], ([4, 64], [4, 1], False)),
        ([4, 65], [4], None),
        ([4, 3], [4, 65], None),
        ([4, 3], [4, 3, 2], None),
        ([2, 5, 3], [2, 5], ([10, 3], [10, 1], True)),
        ([2, 5, 3], [2, 5, 2], ([10, 3], [10, 2], True)),
        ([4, 5, 3], [4], ([4, 3], [4, 1], False)),
        ([4, 5, 3], [4, 2], ([4, 3], [4, 2], False)),
        ([4, 5, 3], [4, 2, 1], None),
        ([4, 5, 3], [6, 5], None),
        ([4], [4], None),
        ([4, 0], [4], None),
        ([4, 3], [0], None),
    ],
)
def test_which_rows_are_compared(x: list[int], y: list[int], compared: object) -> None:
    """Rows of a table, places of sequences, or the last places; four rows at least, 64 columns at most."""
    assert shapes(x, y) == compared


def test_a_series_is_compared_by_its_last_place() -> None:
    """Where there is one target for each."""
    series = torch.arange(24.0).reshape(4, 3, 2)
    rows = as_rows(series, torch.zeros(4))
    assert rows is not None
    assert rows[0].tolist() == series[:, -1].tolist()
