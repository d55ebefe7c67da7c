"""Tracebacks that the script catches are those of plain torch."""

import traceback
from collections.abc import Callable

import pytest
import torch
from recordkit import record
from torch import nn

from trainadvisor.instrument.hidden_frame import disguised


class Outer(nn.Module):
    """A model whose inner layer gets the wrong shape."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(4, 4), nn.Linear(3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)


def fail(model: nn.Module) -> str:
    """Return the traceback of a call that fails inside."""
    try:
        model(torch.ones(2, 4))
    except RuntimeError:
        return traceback.format_exc()
    return ""


@pytest.mark.parametrize("grad", [torch.enable_grad, torch.no_grad])
def test_a_failing_layer_shows_the_frames_of_torch(grad: Callable[[], torch.autograd.grad_mode.no_grad]) -> None:
    """Line by line, with its carets, whether the forward was sampled or not."""
    model = Outer()
    with grad():
        plain = fail(model)
    seen: list[str] = []

    def train() -> None:
        with grad():
            seen.extend(fail(model) for _ in range(3))

    record(train, healthy=False)
    assert "_wrapped_call_impl" in plain
    assert seen == [plain] * 3


def stands_for(given: int) -> int:
    """Call something."""
    return abs(
        given,
    )


def test_a_disguised_function_keeps_what_it_does() -> None:
    """And stands at the call of the other."""

    def ours(given: int) -> int:
        if given < 0:
            raise ValueError(given)
        return given + 1

    shown = disguised(ours, stands_for, "abs")
    assert shown(1) == 2
    with pytest.raises(ValueError, match="-1") as caught:
        shown(-1)
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (last.name, last.line) == ("stands_for", "return abs(")
    assert shown.__code__.co_firstlineno == stands_for.__code__.co_firstlineno
    assert {lines[2] for lines in shown.__code__.co_lines()} == {stands_for.__code__.co_firstlineno + 2}


def test_without_such_a_call_a_frame_is_veiled() -> None:
    """A torch that calls otherwise is not imitated."""

    def ours() -> None: ...

    assert disguised(ours, stands_for, "nothing").__code__.co_filename.startswith("<frozen importlib._bootstrap")
