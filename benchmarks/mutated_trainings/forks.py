"""Runs of a script in a fork of this process, which has imported what takes longest: most runs last a second.

As it is (`plain`), under `trainadvisor run --log` (`recorded`), or so that it cannot learn: `still`, with optimizers
that do not step; `unpaired`, where in losses with gradients each example has the target of another, which leaves what a
constant answer can get.
"""

from __future__ import annotations

import os
import resource
import runpy
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

import torch
from sklearn.datasets import load_digits
from torch.nn import functional

from trainadvisor.cli import main
from trainadvisor.record import run_script  # noqa: F401 - imported for the children

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOSSES = (
    "cross_entropy", "nll_loss", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "poisson_nll_loss", "gaussian_nll_loss",
)  # fmt: skip
LOOKS = 0.05
LONGEST = 60.0
TOO_LONG, UNUSED = 124, 3
used: list[str] = []


def warmed() -> None:
    """Import here what torch and the recorder import when they are first used, so that no child has to."""
    weight = torch.nn.Parameter(torch.zeros(2))
    weight.grad = torch.zeros(2)
    torch.optim.Adam([weight]).step()
    load_digits()


def forked(folder: Path, how: str, spending: int) -> tuple[int, float]:
    """Run the train.py of a folder in a child, and return its exit code and the seconds of the processor.

    Those are limited, as the machine may have other work, and so is the time.
    """
    sys.stdout.flush()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (spending, spending + 1))
        os._exit(_child(folder, how))
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        done, status, spent = os.wait4(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), round(spent.ru_utime + spent.ru_stime, 2)
        time.sleep(LOOKS)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return TOO_LONG, LONGEST


def _child(folder: Path, how: str) -> int:
    os.chdir(folder)
    with (folder / "out.txt").open("w", encoding="utf-8") as told:
        os.dup2(told.fileno(), 1)
        os.dup2(told.fileno(), 2)
        sys.argv, sys.path[0] = ["train.py"], str(folder)
        torch.set_num_threads(1)
        unused = how == "unpaired"
        if how == "unpaired":
            for name in LOSSES:
                setattr(functional, name, unpaired(getattr(functional, name)))
        elif how == "still":
            for kind in vars(torch.optim).values():
                if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer):
                    setattr(kind, "step", stand_still)  # noqa: B010 - a class that may be any
        try:
            if how == "recorded":
                main(["run", "--no-live", "--lang", "en", "--log", "log.json", "train.py"])
            runpy.run_path("train.py", run_name="__main__")
        except SystemExit as ended:
            return int(ended.code or 0) if not isinstance(ended.code, str) else 1
        except BaseException:  # noqa: BLE001 - a fault of the script, which is told by its exit code
            traceback.print_exc()
            return 1
        finally:
            sys.stdout.flush()
    return UNUSED if unused and not used else 0


def unpaired(loss: Callable[..., Any]) -> Callable[..., Any]:
    """Return a loss that gives each example the target of another."""

    def wrapped(prediction: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        if torch.is_grad_enabled() and target.dim() and len(target) > 1:
            used.append(loss.__name__)
            target = target[torch.randperm(len(target))]
        return loss(prediction, target, *args, **kwargs)

    return wrapped


def stand_still(_: Any, closure: Any = None) -> Any:
    """Do what a step does but for the step."""
    return closure() if closure is not None else None
