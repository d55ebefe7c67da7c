"""`trainadvisor run`, in this process: the script cannot tell it from python, and neither can who reads its output."""

from __future__ import annotations

import io
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from trainadvisor.errors import LogError, UsageError
from trainadvisor.importers.printed_merits import merits
from trainadvisor.record.run_script import Run

if TYPE_CHECKING:
    from collections.abc import Callable

TRAINING = """
import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(3)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(5):
    x = torch.randn(8, 4)
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), x[:, :3].argmax(1))
    loss.backward()
    optimizer.step()
"""


@pytest.fixture
def execute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return what runs a script in this process and returns its exit code and its log's records."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])

    def run(
        source: str, *args: str, name: str = "train.py", module: str | None = None, read: Any = None
    ) -> tuple[int, list[Any]]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        log = tmp_path / "log.json"
        code = Run(module or name, list(args), module=module is not None, log=log, read=read).execute()
        return code, orjson.loads(log.read_bytes())

    return run


def _events(records: list[Any], kind: str) -> list[Any]:
    return [record["detail"] for record in records if record["record"] == "event" and record["kind"] == kind]


def test_the_script_sees_its_own_name_arguments_and_folder(execute: Callable[..., Any], capfd: Any) -> None:
    """As `python sub/train.py --lr 3` would show them."""
    _write("sub/helper.py", "x = 7")
    code, records = execute(
        """
        import os, sys
        import helper
        print(__name__, sys.argv, __file__ == os.path.abspath("sub/train.py"), __spec__, __package__, __annotations__)
        print(sys.path[0] == os.path.abspath("sub"), sys.modules["__main__"].__dict__ is globals(), helper.x)
        x: int = 1
        """,
        "--lr",
        "3",
        name="sub/train.py",
    )
    assert capfd.readouterr().out.splitlines() == [
        "__main__ ['sub/train.py', '--lr', '3'] True None None {}",
        "True True 7",
    ]
    assert code == 0
    assert records[0]["script"] == "sub/train.py"
    assert records[0]["argv"] == ["--lr", "3"]


def _write(name: str, text: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")


def test_a_module_is_run_as_python_m_runs_it(execute: Callable[..., Any], capfd: Any) -> None:
    """With its package, relative imports and the path of its file as first argument."""
    _write("pkg/__init__.py", "")
    _write("pkg/part.py", "x = 5")
    code, _ = execute(
        """
        import sys
        from .part import x
        print(__name__, __package__, __spec__.name, x, sys.argv[0][-12:], sys.argv[1:])
        """,
        "a",
        name="pkg/train.py",
        module="pkg.train",
    )
    assert capfd.readouterr().out == "__main__ pkg pkg.train 5 pkg/train.py ['a']\n"
    assert code == 0


@pytest.mark.parametrize(
    ("ending", "code", "err"),
    [
        ("sys.exit()", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("sys.exit('no data')", 1, "no data\n"),
        ("raise SystemExit(True)", 1, ""),
        ("pass", 0, ""),
    ],
)
def test_exit_codes_are_kept(execute: Callable[..., Any], capfd: Any, ending: str, code: int, err: str) -> None:
    """Numbers, texts and nothing."""
    found, records = execute(f"import sys\n{ending}")
    assert (found, capfd.readouterr().err) == (code, err)
    assert records[-1]["reason"] == "finished"


def test_a_traceback_holds_only_the_users_frames(execute: Callable[..., Any], capfd: Any) -> None:
    """Also inside the calls that we stand around, and in the exception that came before."""
    source = """
        import torch, torch.nn as nn, torch.nn.functional as F

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.a = nn.Linear(4, 3)

            def forward(self, x):
                return self.a(x)

        def fail():
            try:
                F.cross_entropy(torch.zeros(2, 3), torch.zeros(4, dtype=torch.long))
            except ValueError:
                Net()(torch.zeros(2, 5))

        fail()
        """
    code, records = execute(source)
    err = capfd.readouterr().err
    assert code == 1
    assert "trainadvisor" not in err
    assert "During handling of the above exception" in err
    assert err.splitlines()[-1].startswith("RuntimeError: mat1 and mat2 shapes")
    (event,) = _events(records, "exception")
    assert (event["type"], event["site"]["line"], event["at"]) == ("RuntimeError", 10, "forward")
    assert (event["layer"], event["layer_form"]) == ("a", "Linear(4, 3)")
    assert records[-1]["reason"] == "exception"


def test_the_scripts_own_excepthook_is_called(execute: Callable[..., Any], capfd: Any) -> None:
    """It gets type, value and traceback; one that raises itself is reported as python does."""
    code, _ = execute("import sys\nsys.excepthook = lambda *e: print('hook', e[0].__name__)\n1 / 0")
    assert (code, capfd.readouterr().out) == (1, "hook ZeroDivisionError\n")
    sys.excepthook = sys.__excepthook__
    code, _ = execute("import sys\ndef bad(*e): raise KeyError\nsys.excepthook = bad\n1 / 0")
    sys.excepthook = sys.__excepthook__
    err = capfd.readouterr().err
    assert code == 1
    assert "Error in sys.excepthook:" in err
    assert "Original exception was:" in err
    assert "ZeroDivisionError" in err


def test_a_syntax_error_is_shown_as_python_shows_it(execute: Callable[..., Any], capfd: Any) -> None:
    """No frame at all."""
    code, _ = execute("x = = 1")
    err = capfd.readouterr().err
    assert code == 1
    assert "Traceback" not in err
    assert "SyntaxError" in err


def test_an_exception_group_is_stripped_too(execute: Callable[..., Any], capfd: Any) -> None:
    """Each of its exceptions."""
    execute(
        """
        import torch
        import torch.nn.functional as F
        try:
            F.cross_entropy(torch.zeros(2, 3), torch.zeros(4, dtype=torch.long))
        except ValueError as error:
            raise ExceptionGroup("both", [error, ValueError()])
        """
    )
    err = capfd.readouterr().err
    assert "both (2 sub-exceptions)" in err
    assert "trainadvisor" not in err


def test_a_training_is_recorded_to_its_end(execute: Callable[..., Any]) -> None:
    """Five steps, one model, one optimizer, one loss, with their lines."""
    code, records = execute(TRAINING)
    header = records[0]
    assert code == 0
    assert [record["step"] for record in records if record["record"] == "step"] == [0, 1, 2, 3, 4]
    assert (header["seed"], header["models"][0]["site"]["line"], header["optimizers"][0]["site"]["line"]) == (3, 4, 5)
    assert header["losses"][0]["site"]["code"] == "loss = F.cross_entropy(model(x), x[:, :3].argmax(1))"
    assert (records[-1]["reason"], records[-1]["steps"]) == ("finished", 5)
    assert _events(records, "probe-failed") == []


def test_an_exception_keeps_the_steps_before_it(execute: Callable[..., Any], capfd: Any) -> None:
    """The last statistics stand before the exception."""
    _, records = execute(TRAINING + "    if step == 3: raise ValueError('stop')\n")
    kinds = [record.get("kind", record["record"]) for record in records]
    assert kinds.index("exception") > kinds.index("step")
    assert sum(record["record"] == "step" for record in records) == 4
    assert capfd.readouterr().err.endswith("ValueError: stop\n")


def test_a_warning_names_the_users_line(execute: Callable[..., Any]) -> None:
    """We stand between the caller and the function that warns, and are stepped over."""
    with pytest.warns(UserWarning, match="Using a target size") as warned:
        execute("import torch, torch.nn.functional as F\nx = 1\nF.mse_loss(torch.zeros(3, 1), torch.zeros(3))")
    assert [(Path(w.filename).name, w.lineno) for w in warned] == [("train.py", 3)]


def test_the_functions_of_torch_stay_what_they_are(execute: Callable[..., Any], capfd: Any) -> None:
    """Identity, name, signature, source and pickle."""
    execute(
        """
        import inspect, pickle, torch
        import torch.nn.functional as F
        from torch.nn.functional import cross_entropy
        print(F.cross_entropy is cross_entropy, pickle.loads(pickle.dumps(cross_entropy)) is cross_entropy)
        print(list(inspect.signature(cross_entropy).parameters)[:2], cross_entropy.__qualname__)
        print(inspect.getsource(cross_entropy).splitlines()[0], inspect.getmodule(cross_entropy).__name__)
        """
    )
    assert capfd.readouterr().out.splitlines() == [
        "True True",
        "['input', 'target'] cross_entropy",
        "def cross_entropy( torch.nn.functional",
    ]


def test_everything_is_taken_away_at_the_end(execute: Callable[..., Any]) -> None:
    """The functions have their own code again, the modules their own call."""
    import torch
    import torch.nn.functional as F
    from torch import nn

    functions = [
        F.cross_entropy,
        torch.autograd.backward,
        torch.save,
        nn.Module.__init__,
        torch.optim.Optimizer.zero_grad,
    ]
    before = [function.__code__ for function in functions], nn.Module.__call__
    execute(TRAINING)
    assert ([function.__code__ for function in functions], nn.Module.__call__) == before
    assert not hasattr(F.cross_entropy, "__wrapped__")
    assert not [name for name in vars(F) if "trainadvisor" in name]


def test_a_script_that_is_missing_or_a_log_that_cannot_be_is_refused(tmp_path: Path) -> None:
    """Before anything runs."""
    with pytest.raises(UsageError, match="no such script"):
        Run(str(tmp_path / "none.py"), [], module=False, log=tmp_path / "log.json")
    (tmp_path / "train.py").write_text("")
    with pytest.raises(LogError, match="cannot write the log"):
        Run(str(tmp_path / "train.py"), [], module=False, log=tmp_path / "train.py" / "log.json")


def test_a_script_may_ask_for_torch_before_it_imports_it(tmp_path: Path) -> None:
    """As transformers and datasets do, where a script imports them first."""
    asking = "import importlib.util\nassert importlib.util.find_spec('torch')\nimportlib.util.find_spec('torch')\n"
    (tmp_path / "train.py").write_text(asking + TRAINING, encoding="utf-8")
    words = ["-m", "trainadvisor", "run", "--log", "log.json", "train.py"]
    subprocess.run([sys.executable, *words], cwd=tmp_path, check=True, capture_output=True)
    records = orjson.loads((tmp_path / "log.json").read_bytes())
    assert len([record for record in records if record["record"] == "step"]) == 5


def test_the_faults_that_stand_in_the_script_are_written_when_the_recording_begins(tmp_path: Path) -> None:
    """As they are given, before the first step; looking for them cannot fail the script."""
    script = tmp_path / "train.py"
    script.write_text(TRAINING)
    place = {"sites": [{"file": "train.py", "line": 5, "code": None}], "parts": []}
    found = Run(str(script), [], module=False, log=tmp_path / "log.json", written=lambda: [("clip-after-step", place)])
    assert found.execute() == 0
    records = orjson.loads((tmp_path / "log.json").read_bytes())
    (fault,) = [record for record in records if record.get("kind") == "written-fault"]
    assert (fault["subject"], fault["step"], fault["detail"]) == ("clip-after-step", 0, place)
    failing = Run(str(script), [], module=False, log=tmp_path / "other.json", written=lambda: [1 / 0])  # type: ignore[list-item]
    assert failing.execute() == 0


def test_figures_of_merit_that_the_script_prints_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, execute: Callable[..., Any]
) -> None:
    """At their steps, behind all that stands in the way of the stream; what comes out is as it was printed."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, newline="")
    monkeypatch.setattr(sys, "stdout", stream)
    source = TRAINING.replace("optimizer.step()", "optimizer.step(); print('step', step, 'val_acc:', step / 10)")
    _code, records = execute(source, read=merits)
    stream.flush()
    assert raw.getvalue().decode().splitlines()[-1] == "step 4 val_acc: 0.4"
    assert "write" not in vars(stream)
    told = [(one["step"], one["detail"]) for one in records if one.get("kind") == "figures-printed"]
    assert told == [(step + 1, {"held_out": {"val_acc": step / 10}}) for step in range(5)]
