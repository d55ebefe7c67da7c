"""What the user's own tools see of a recording: nothing."""

import ast
import importlib.util
import inspect
import json
import operator
import os
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
import torch.nn.functional as F
from builders import build_log
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader

import trainadvisor
from trainadvisor import background
from trainadvisor.instrument import private_torch
from trainadvisor.instrument.hidden_frame import VEIL
from trainadvisor.instrument.patching import exchange, graft
from trainadvisor.log.disk import Disk
from trainadvisor.log.reader import read_log
from trainadvisor.record.watched_recording import watchers
from trainadvisor.voice import Voice

PACKAGE = Path(trainadvisor.__file__).parent
FUNCTIONS = (
    F.cross_entropy, DataLoader.__init__, DataLoader.__iter__, torch.autograd.backward, torch.save,
    torch.optim.Optimizer.zero_grad, torch.optim.lr_scheduler.StepLR.step, nn.Module.__init__,
)  # fmt: skip


def described(function: Any) -> tuple[Any, ...]:
    """Return what `inspect` and the code object tell of a function."""
    code = function.__code__
    places = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_varnames, code.co_flags
    spec, source = inspect.getfullargspec(function), inspect.getsource(function)
    known = inspect.signature(function), inspect.get_annotations(function), spec, source, sorted(vars(function))
    return *known, places, function.__defaults__, function.__kwdefaults__


def note(seen: list[str], word: str) -> Callable[..., Any]:
    """Return what notes a word and runs the call."""

    def around(original: Any, args: Any, kwargs: Any) -> Any:
        seen.append(word)
        return original(*args, **kwargs)

    return around


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[nn.Module, torch.optim.Optimizer]]:
    """Yield a model and its optimizer, which are recorded with every step sampled."""
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with trainadvisor.watch(model, optimizer, log=tmp_path / "log.json", every=1):
        yield model, optimizer


def steps(model: nn.Module, optimizer: torch.optim.Optimizer, kind: type[torch.Tensor] = torch.Tensor) -> None:
    """Train for five steps on inputs of a kind."""
    for _ in range(5):
        x = torch.randn(16, 8)
        optimizer.zero_grad()
        F.cross_entropy(model(x.as_subclass(kind)), x[:, :3].argmax(1)).backward()
        optimizer.step()


def test_an_open_that_a_script_has_put_in_place_is_not_called(tmp_path: Path) -> None:
    """Its tests may count the calls, and answer them with a file that is none."""
    model = nn.Linear(8, 3)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    other = build_log(tmp_path, steps=5, name="other.json")
    assert read_log(other).all_steps_count == 5
    with trainadvisor.watch(model, optimizer, log=tmp_path / "log.json"):
        with mock.patch("builtins.open", mock.mock_open()) as theirs:
            for _ in range(4):
                steps(model, optimizer)
            assert read_log(other).all_steps_count == 5
        assert theirs.mock_calls == []
    memory = read_log(tmp_path / "log.json").column("memory")
    assert [step for step in range(20) if memory[step] > 0] == [0, 10]


def test_a_clock_that_a_script_has_put_in_place_is_not_asked(watched: tuple[nn.Module, torch.optim.Optimizer]) -> None:
    """Its tests may count the looks, or give it as many answers as the script needs."""
    with (
        mock.patch("time.time") as wall,
        mock.patch("time.perf_counter") as fine,
        mock.patch("time.monotonic") as steady,
        mock.patch("time.thread_time") as own,
    ):
        for _ in range(6):
            steps(*watched)
        assert [clock.call_count for clock in (wall, fine, steady, own)] == [0] * 4


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__qualname__)
def test_a_function_looks_the_same_while_calls_go_through_us(function: Any) -> None:
    """Signature, annotations, source, attributes and names of its code are those of torch, before, amid and after."""
    before, code = described(function), function.__code__
    restore = graft(function, note([], ""))
    assert function.__code__ is not code
    assert described(function) == before
    restore()
    assert function.__code__ is code


def test_arguments_arrive_however_they_are_given() -> None:
    """Positional-only, keyword-only, starred and default arguments reach the original as they were."""

    def function(a: int, b: int = 2, /, c: int = 3, *rest: int, d: int, e: int = 5, **more: int) -> tuple[Any, ...]:
        return a, b, c, rest, d, e, more

    calls = [((1,), {"d": 4}), ((1, 9, 8, 7), {"d": 4, "z": 0}), ((1, 2), {"c": 6, "d": 4, "e": 0})]
    expected = [function(*args, **kwargs) for args, kwargs in calls]
    seen: list[str] = []
    restore = graft(function, note(seen, "ours"))
    assert [function(*args, **kwargs) for args, kwargs in calls] == expected
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'd'"):
        function(1)
    assert seen == ["ours"] * 3
    restore()


@pytest.mark.parametrize("first", [0, 1])
def test_two_of_ours_may_end_in_either_order(first: int) -> None:
    """The one that stays goes on seeing calls; the last leaves torch's code."""

    def function() -> int:
        return 1

    code, seen = function.__code__, list[str]()
    undo = [graft(function, note(seen, "inner")), graft(function, note(seen, "outer"))]
    undo.pop(first)()
    assert function() == 1
    assert seen == [["outer"], ["inner"]][first]
    undo.pop()()
    assert function.__code__ is code


def test_what_another_tool_patched_after_us_stays() -> None:
    """Its code and its attribute are left in place, and a detour of ours that it still calls passes the call on."""

    def function() -> int:
        return 1

    def theirs() -> int:
        return 2

    class Owner:
        value = 1

    seen: list[str] = []
    restore = graft(function, note(seen, "ours"))
    kept = function.__code__
    function.__code__ = theirs.__code__
    restore()
    assert (function(), function.__code__) == (2, theirs.__code__)
    function.__code__ = kept
    assert (function(), seen) == (1, [])
    back = exchange(Owner, "value", 2)
    back()
    assert Owner.value == 1
    back = exchange(Owner, "value", 2)
    Owner.value = 3
    back()
    assert Owner.value == 3


def test_subclasses_and_modes_see_only_the_users_operations(
    watched: tuple[nn.Module, torch.optim.Optimizer],
) -> None:
    """A tensor subclass, a function mode and a dispatch mode hear of the same calls as without a recording."""
    heard: list[str] = []

    class Ears(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            heard.append(func.__name__)
            return super().__torch_function__(func, types, args, kwargs or {})

    class Function(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            heard.append(func.__name__)
            return func(*args, **(kwargs or {}))

    class Dispatch(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            heard.append(str(func))
            return func(*args, **(kwargs or {}))

    def all_heard(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[str]:
        heard.clear()
        steps(model, optimizer, Ears)
        with Function():
            steps(model, optimizer)
        with Dispatch():
            steps(model, optimizer)
        return list(heard)

    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    recorded = all_heard(*watched)
    watchers[-1].close()
    assert recorded == all_heard(model, torch.optim.SGD(model.parameters(), 0.1))


def test_a_caught_traceback_of_a_function_has_no_frame_of_ours(
    watched: tuple[nn.Module, torch.optim.Optimizer],
) -> None:
    """It is the traceback of plain torch, line by line."""

    def text() -> str:
        try:
            F.cross_entropy(torch.zeros(4, 3), torch.zeros(5, dtype=torch.long))
        except ValueError:
            return traceback.format_exc()
        return ""

    del watched
    recorded = text()
    assert (VEIL in recorded, str(PACKAGE) in recorded) == (False, False)
    watchers[-1].close()
    assert text() == recorded


def test_no_thread_of_ours_is_there_while_the_process_forks(tmp_path: Path) -> None:
    """The thread that writes the log leaves before a fork, and the log is whole."""
    there: list[list[str]] = []

    def counted() -> None:
        there.append(background.names())

    disk = Disk(tmp_path / "log.json", Voice())
    started = threading.Event()
    put = disk._write

    def slow(lines: bytes) -> None:
        started.set()
        time.sleep(0.02)
        put(lines)

    disk._write = slow  # type: ignore[method-assign]
    for number in range(20):
        disk.append(b"%d" % number)
    started.wait(5)
    counted()
    os.register_at_fork(after_in_parent=counted)
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    disk.close()
    assert there == [["trainadvisor-log"], []]
    assert (tmp_path / "log.json").read_text().split() == ["["] + [f"{n}," for n in range(19)] + ["19", "]"]


def test_private_names_of_torch_stand_in_one_file() -> None:
    """Outside of it no module asks torch for a name with an underscore; `module_calls` is the one that may.

    It stands in the place of `nn.Module.__call__` and runs that method's own lines, in which these names are.
    """
    held = nn.Module()
    kinds = (torch.Tensor, torch.optim.Optimizer, DataLoader, private_torch.loader_iterator, torch.amp.GradScaler)
    named = {name for thing in (held, *kinds, torch, torch._C) for name in dir(thing)} | set(vars(held))
    private = {name for name in named if name.startswith("_") and not name.startswith("__")}
    found = []
    for path in [path for room in ("instrument", "record", "changes") for path in (PACKAGE / room).rglob("*.py")]:
        if path.name in {"private_torch.py", "module_calls.py"}:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            name = node.attr if isinstance(node, ast.Attribute) else ""
            own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
            if not own and (name in private or name.startswith("_saved_")):
                found.append(f"{path.name}: {name}")
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("torch._"):
                found.append(f"{path.name}: {node.module}")
    assert found == []


@pytest.mark.parametrize("kind", ["missing", "unusable"])
def test_a_torch_that_lacks_a_private_name_is_told_of_once(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line and one note; what can be done without leaves the recording, the rest ends it, and the training runs."""
    monkeypatch.setattr(private_torch, kind, ["torch._C._gone"])
    model = nn.Sequential(nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with trainadvisor.watch(model, optimizer, log=tmp_path / "log.json"):
        steps(model, optimizer)
    records = json.loads((tmp_path / "log.json").read_text())
    notes = [record["detail"]["error"] for record in records if record.get("kind") == "probe-failed"]
    assert [note.split(":")[0] for note in notes] == [f"torch {torch.__version__} lacks torch._C._gone"]
    assert capsys.readouterr().err.count("lacks torch._C._gone") == 1
    assert sum(record["record"] == "step" for record in records) == (5 if kind == "missing" else 0)


def test_a_name_that_is_gone_has_a_harmless_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is listed by its full name; one that is there is not."""
    monkeypatch.setattr(private_torch, "missing", [])
    assert private_torch._name(torch, "_C._no_such_name", "instead") == "instead"
    assert private_torch._name(torch, "_C._len_torch_function_stack") is torch._C._len_torch_function_stack
    assert private_torch.missing == ["torch._C._no_such_name"]


class Warns(nn.Module):
    """A layer that warns in the name of whoever is so many calls above."""

    def __init__(self, above: int) -> None:
        super().__init__()
        self.above = above
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        warnings.warn("look here", UserWarning, stacklevel=self.above)
        return given * self.weight


def warned(model: nn.Module) -> list[tuple[str, int]]:
    """Return the places that the warnings of a call are told of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model(torch.ones(2, 1))
    return [(warning.filename, warning.lineno) for warning in caught]


@pytest.mark.parametrize(
    ("above", "nested"), [*((above, False) for above in range(1, 5)), *((above, True) for above in range(1, 8))]
)
def test_a_warning_of_a_model_is_told_of_the_same_place(tmp_path: Path, above: int, *, nested: bool) -> None:
    """A line of torch's or the script's, never one of ours; in sampled steps too."""
    model: nn.Module = nn.Sequential(Warns(above)) if nested else Warns(above)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    plain = warned(model)
    with trainadvisor.watch(model, optimizer, log=tmp_path / "log.json"):
        found = [warned(model) for _ in range(3)]
    assert found == [plain] * 3


def test_the_call_of_a_module_looks_the_same(tmp_path: Path) -> None:
    """Its name and its signature."""
    model = nn.Linear(2, 2)
    before = [str(inspect.signature(nn.Module.__call__)), nn.Module.__call__.__name__, nn.Module.__call__.__qualname__]
    with trainadvisor.watch(model, torch.optim.SGD(model.parameters(), 0.1), log=tmp_path / "log.json"):
        call = nn.Module.__call__
        assert [str(inspect.signature(call)), call.__name__, call.__qualname__] == before
        assert not hasattr(call, "__wrapped__")


def test_a_torch_without_any_private_name_gives_the_plain_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing traces, no mode is on, subclasses are as any tensor, and norms are taken one by one."""

    def gone(path: str) -> Callable[[object], object]:
        raise AttributeError(path)

    monkeypatch.setattr(operator, "attrgetter", gone)
    spec = importlib.util.spec_from_file_location("without", private_torch.__file__)
    assert spec is not None
    assert spec.loader is not None
    without = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(without)
    tensors = [torch.tensor([3.0, 4.0]), torch.tensor([1.0])]
    asked = (without.tracing_state(), without.dispatch_modes(), without.transform(), without.graph_task())
    assert asked == (None, 0, None, -1)
    assert (without.is_wrapped(tensors[0]), without.unwrapped(tensors[0]) is tensors[0]) == (False, True)
    assert (without.set_eval_frame(None), without.eval_frame(), without.function_modes()) == (None, True, 0)
    assert without.without_subclasses(torch.add, (), (1, 2)) == 3
    assert list(without.foreach_norm(tensors, 2, dtype=torch.float64)) == [5.0, 1.0]
    without.foreach_div_(tensors, 2)
    assert [tensor.tolist() for tensor in tensors] == [[1.5, 2.0], [0.5]]
    assert isinstance(tensors, without.CONV) is isinstance(tensors, without.DROPOUT) is False
    assert len(without.unusable) == 4
