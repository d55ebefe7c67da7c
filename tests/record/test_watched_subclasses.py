"""Parameters of a class with ears, watched while modes listen: they hear the script's operations alone."""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

import trainadvisor

heard: Counter[str] = Counter()


class Ears(torch.Tensor):
    """A tensor that notes what is done with it."""

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note the function and run it."""
        heard[f"class: {function.__name__}"] += 1
        return super().__torch_function__(function, types, args, kwargs or {})


class FunctionMode(TorchFunctionMode):
    """Notes every function of torch's."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note the function and run it."""
        heard[f"functions: {function.__name__}"] += 1
        return function(*args, **(kwargs or {}))


class DispatchMode(TorchDispatchMode):
    """Notes every operation."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note the operation and run it."""
        heard[f"operations: {function}"] += 1
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("modes", [(), (FunctionMode, DispatchMode)])
def test_watch_is_not_heard_from_its_beginning_to_its_end(tmp_path: Path, modes: tuple[Any, ...]) -> None:
    """The model is described and measured, the records are asked for and the log is closed."""
    model = nn.Linear(8, 3)
    model.weight = nn.Parameter(model.weight.detach().as_subclass(Ears))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    heard.clear()
    with ExitStack() as stack:
        for mode in modes:
            stack.enter_context(mode())
        watcher = trainadvisor.watch(model, optimizer, log=tmp_path / "log.json")
        assert heard == {}
        for _ in range(12):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(torch.ones(4, 8)), torch.zeros(4, 3)).backward()
            optimizer.step()
        before = heard.copy()
        watcher.flush()
        watcher.close()
        assert heard == before
    assert '"init_rms"' in (tmp_path / "log.json").read_text(encoding="utf-8")


def test_a_model_that_cannot_be_described_is_watched_all_the_same(tmp_path: Path) -> None:
    """No mistake of ours in `watch` reaches the script; the steps are recorded."""

    class Odd(nn.Linear):
        in_features = property(lambda _: 1 / 0, lambda *_: None)  # type: ignore[assignment]

    model = Odd(8, 3)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with trainadvisor.watch(model, optimizer, log=tmp_path / "log.json"):
        for _ in range(3):
            optimizer.zero_grad()
            nn.functional.mse_loss(model(torch.ones(4, 8)), torch.zeros(4, 3)).backward()
            optimizer.step()
    text = (tmp_path / "log.json").read_text(encoding="utf-8")
    assert "ZeroDivisionError" in text
    assert '"steps":3' in text.replace(" ", "")
