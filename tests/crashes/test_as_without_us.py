"""Scripts that look hard at torch and at themselves print what they print without us, by `run` and by `watch`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from trainadvisor.log.reader import read_log

if TYPE_CHECKING:
    from pathlib import Path

TRAINING = """
import collections, contextlib, copy, inspect, io, os, re, sys, tempfile, traceback, warnings
import torch
from torch import nn
F = nn.functional
torch.set_num_threads(1); torch.manual_seed(0)
def made(model, **options):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, **options)
    if os.environ.get("WATCH"):
        import trainadvisor
        trainadvisor.watch(model, optimizer)
    return model, optimizer
def train(model, optimizer, count, kind=torch.Tensor):
    for _ in range(count):
        x = torch.randn(4, 8); y = x[:, :3].argmax(1); x = x.as_subclass(kind)
        optimizer.zero_grad(); loss = F.cross_entropy(model(x), y); loss.backward(); optimizer.step()
model, optimizer = made(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 3)))
unpacked = []
def unpack(saved): unpacked.append(0); return saved
with torch.autograd.graph.saved_tensors_hooks(lambda saved: saved, unpack): train(model, optimizer, 25)
print("unpacked", len(unpacked))
def say_weights(): print([round(weight.double().sum().item(), 12) for weight in model.state_dict().values()])
"""
CASES = {
    "signatures": """
        from torch.utils.data import DataLoader
        for function in (F.cross_entropy, DataLoader.__init__, torch.optim.lr_scheduler.StepLR.step):
            print(inspect.signature(function), inspect.getfullargspec(function).args, len(inspect.getsource(function)))
            print(function.__code__.co_varnames[:4], function.__code__.co_argcount, function.__qualname__)
        print(nn.Module.__call__.__qualname__, torch.optim.Optimizer.zero_grad.__code__.co_varnames)
        print(nn.Module.__call__.__code__.co_firstlineno)
        """,
    "caught tracebacks": """
        for fails in (
            lambda: model(torch.randn(4, 9)), lambda: F.cross_entropy(model(torch.randn(4, 8)), torch.zeros(5).long()),
            lambda: nn.CrossEntropyLoss()(model(torch.randn(4, 8)), torch.zeros(5).long()),
            lambda: torch.ones(1).backward(), lambda: torch.optim.Adam(model.parameters(), lr=-1),
            lambda: optimizer.step(lambda: 1 / 0), lambda: nn.utils.clip_grad_norm_(model.parameters(), "x"),
        ):
            try: fails()
            except Exception: print(traceback.format_exc())
        """,
    "the forward of a bad gradient": """
        with warnings.catch_warnings(record=True) as told, torch.autograd.set_detect_anomaly(True):
            warnings.simplefilter("always")
            try: (torch.sqrt(torch.zeros(1, requires_grad=True)) * 0).sum().backward()
            except RuntimeError as error: print(error)
        print(*(warning.message for warning in told))
        """,
    "subclasses of tensors": """
        heard = []
        class Ears(torch.Tensor):
            @classmethod
            def __torch_function__(cls, function, types, args=(), kwargs=None):
                heard.append(getattr(function, "__name__", str(function)))
                return super().__torch_function__(function, types, args, kwargs or {})
        train(model, optimizer, 25, Ears)
        print(sorted(collections.Counter(heard).items()))
        """,
    "captured streams": """
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            train(model, optimizer, 30); print("x")
        print(repr(out.getvalue()), repr(err.getvalue()))
        stderr, taken = os.dup(2), tempfile.TemporaryFile()
        os.dup2(taken.fileno(), 2); train(model, optimizer, 60); os.dup2(stderr, 2); taken.seek(0); print(taken.read())
        """,
    "a stream": """
        write = sys.stdout.write
        print(inspect.isbuiltin(os._exit), os._exit, os._exit.__name__)
        print(inspect.isbuiltin(write), repr(write), write.__self__ is sys.stdout, copy.deepcopy(write).__name__)
        for given in ((1,), (), ("a", "b")):
            try: write(*given)
            except TypeError: print(traceback.format_exc())
        """,
    "tests of its own": """
        import pytest
        with open("test_own.py", "w") as file: file.write("def test_own(): pass")
        given = ["-p", "no:cacheprovider", "test_own.py"]
        with contextlib.redirect_stdout(io.StringIO()) as out: code = pytest.main(given)
        print(code, re.sub(r"[\\d.]+s", "", out.getvalue().splitlines()[-1]))
        """,
    "a fork": """
        warnings.simplefilter("always")
        with warnings.catch_warnings(record=True) as told:
            child = os.fork()
            if not child: os._exit(3)
            print(os.waitpid(child, 0)[1] >> 8, [str(warning.message) for warning in told])
        """,
    "exchanged parameters": """
        torch.__future__.set_swap_module_params_on_conversion(True)
        optimizer.zero_grad(); model.double(); print(model[0].weight.dtype); model.float()
        """,
    "nested modules": """
        class Nest(nn.Module):
            def __init__(self, depth):
                super().__init__()
                self.inner = Nest(depth - 1) if depth else nn.Linear(8, 3)
            def forward(self, x): return self.inner(x)
        nest = Nest(150); train(nest, torch.optim.SGD(nest.parameters(), 0.1), 12); print("nested")
        """,
}
# What these scripts print of themselves that differs from run to run.
_CHANGING = re.compile(r"0x[0-9a-f]+")


def outcome(folder: Path, *command: str, **environment: str) -> tuple[int, str]:
    """Run the script by a command; return exit code and output."""
    done = subprocess.run(
        [sys.executable, *command, "train.py"],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return done.returncode, _CHANGING.sub("", done.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of one script of all the cases, because starting is what takes the time."""
    parts = [f"print({name!r})\n{textwrap.dedent(case)}\nsay_weights()\n" for name, case in CASES.items()]
    path = tmp_path_factory.mktemp("script")
    (path / "train.py").write_text(TRAINING + "".join(parts) + "sys.exit(7)\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def plain(folder: Path) -> tuple[int, str]:
    """Return what comes of the script without us."""
    return outcome(folder)


@pytest.mark.parametrize("way", ["run", "watch"])
def test_output_and_exit_code_are_the_scripts(folder: Path, plain: tuple[int, str], way: str) -> None:
    """Every case prints the same, and the steps were recorded to the end."""
    code, out = plain
    command = ["-m", "trainadvisor", "run", "--log", "log.json"] if way == "run" else []
    found = outcome(folder, *command, WATCH="1" if way == "watch" else "")
    assert found[1].splitlines() == out.splitlines()
    assert (found[0], code) == (7, 7)
    log = read_log(folder / "log.json")
    assert (log.end or {}).get("reason") in ("finished", "exit")
    assert log.all_steps_count == {"run": 152, "watch": 140}[way]  # `run` records the nested model too
