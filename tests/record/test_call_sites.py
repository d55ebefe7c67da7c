"""Where in the script something happens: the user's own lines before those of packages, and never torch's or ours."""

from __future__ import annotations

import functools
import os
import sysconfig
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn

import trainadvisor
from trainadvisor.instrument import call_sites

PACKAGES = sysconfig.get_paths()["purelib"]
LIBRARY = os.path.join(PACKAGES, "some_library", "loop.py")  # noqa: PTH118 - a name, no file
STANDARD = os.__file__


def within(filename: str, body: str, **names: Any) -> Any:
    """Return the function `f` of a module that is said to be in a file; its body stands in the second line."""
    exec(compile(f"def f(inner):\n    {body}", filename, "exec"), names)  # noqa: S102 - scripts of these tests
    return names["f"]


def asked(*filenames: str) -> Any:
    """Return the place that is found by functions of these files, each called by the one before."""
    inner: Any = call_sites.user_place
    for filename in reversed(filenames):
        inner = functools.partial(within(filename, "return inner()"), inner)  # without a frame of its own
    return inner()


@pytest.mark.parametrize(
    ("filename", "rank"),
    [
        ("/home/me/train.py", 2), ("<stdin>", 2), ("<ipython-input-1>", 2), ("<string>", 2), ("<frozen importlib>", 0),
        ("<eval_with_key>.1", 0), (LIBRARY, 1), (torch.__file__, 0), (trainadvisor.__file__, 0), (STANDARD, 0),
        ("/other/lib/python3.11/site-packages/keras/loss.py", 1),
    ],
)  # fmt: skip
def test_files_are_ranked_by_whose_they_are(filename: str, rank: int) -> None:
    """The user's, a package's, nobody's."""
    assert call_sites.rank(filename) == rank


@pytest.mark.parametrize(
    ("chain", "place"),
    [
        (["/me/train.py"], ("/me/train.py", 2)),
        (["/me/train.py", LIBRARY], ("/me/train.py", 2)),
        (["/me/train.py", "/me/model.py", LIBRARY, torch.__file__], ("/me/model.py", 2)),
        (["/me/train.py", "<frozen x>", STANDARD], ("/me/train.py", 2)),
    ],
)
def test_the_innermost_line_of_the_user_s_is_found(chain: list[str], place: tuple[str, int]) -> None:
    """Through whatever lies between."""
    assert asked(*chain) == place


def test_a_loss_and_an_optimizer_are_told_with_their_lines() -> None:
    """Also where a function of one's own makes them."""

    def objective(output: torch.Tensor) -> torch.Tensor:
        return F.mse_loss(output, torch.zeros(3, 1))

    def train() -> nn.Module:
        model = nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        optimizer.zero_grad()
        objective(model(torch.randn(3, 4))).backward()
        optimizer.step()
        return model

    records = record(train)
    assert records.facts("loss")[0]["site"]["code"] == "return F.mse_loss(output, torch.zeros(3, 1))"
    assert records.facts("optimizer")[0]["site"]["code"] == "optimizer = torch.optim.SGD(model.parameters(), 0.1)"
    assert records.facts("loss")[0]["site"]["file"].endswith("test_call_sites.py")
