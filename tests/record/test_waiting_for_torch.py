"""The hook that waits for torch, and the stacks and tables that hide our frames: without a torch of their own."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

import pytest

from trainadvisor.instrument import forward_stacks, hidden_frame, import_hook

if TYPE_CHECKING:
    from pathlib import Path


def test_torch_that_is_imported_is_told_at_once() -> None:
    """Nothing waits."""
    told: list[int] = []
    before = list(sys.meta_path)
    leave = import_hook.when_torch_is_imported(lambda: told.append(1))
    assert (told, sys.meta_path) == ([1], before)
    leave()
    assert sys.meta_path == before


def test_torch_is_told_right_after_its_own_code_has_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, with the hook gone and the loader as it was."""
    (tmp_path / "torch.py").write_text("ready = True\n")
    told: list[bool] = []
    finder = import_hook._Finder(lambda: told.append(module.ready))
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    spec = finder.find_spec("torch", [str(tmp_path)])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert told == [True]
    assert finder not in sys.meta_path
    spec.loader.exec_module(module)
    assert told == [True]
    finder.leave()


def test_other_modules_are_not_waited_for(tmp_path: Path) -> None:
    """Nor a torch that is not there."""
    (tmp_path / "other.py").touch()
    finder = import_hook._Finder(lambda: None)
    assert finder.find_spec("other", [str(tmp_path)]) is None
    assert finder.find_spec("torch", [str(tmp_path)]) is None


def test_the_hook_comes_first_and_leaves_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """While torch is not there."""
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    before = list(sys.meta_path)
    leave = import_hook.when_torch_is_imported(lambda: None)
    assert sys.meta_path[1:] == before
    leave()
    assert sys.meta_path == before


def _line(file: str) -> str:
    return f'  File "{file}", line 3, in f\n    f()\n'


def test_a_stack_of_a_forward_has_no_line_of_ours() -> None:
    """Nor those before the last one of what runs the script; without any of ours it stays."""
    mine, ours, veiled = _line("/home/me/a.py"), _line(f"{hidden_frame.OURS[0]}monitor/x.py"), _line(hidden_frame.VEIL)
    launcher = _line(forward_stacks._LAUNCHER)
    assert forward_stacks.without_ours([mine, ours, mine, veiled]) == [mine, mine]
    assert forward_stacks.without_ours([_line("runpy.py"), launcher, _line("b.py"), launcher, mine, ours]) == [mine]
    assert forward_stacks.without_ours([mine, _line("b.py")]) == [mine, _line("b.py")]


@pytest.mark.parametrize(
    ("number", "groups"), [(0, [0]), (63, [63]), (64, [64, 1]), (65, [65, 1]), (4096, [64, 64, 1]), (130, [66, 2])]
)
def test_a_number_of_a_line_table_is_in_groups_of_six_bits(number: int, groups: list[int]) -> None:
    """The lowest first, each but the last marked by the seventh."""
    assert list(hidden_frame._varint(number)) == groups


@pytest.mark.parametrize("units", [1, 7, 8, 9, 17])
def test_a_line_table_gives_each_instruction_the_place(units: int) -> None:
    """Lines and columns as Python itself reads them."""
    table = hidden_frame._line_table(units, (170, 172, 4, 90), 70)
    code = hidden_frame._varint.__code__.replace(
        co_code=b"\x09\x00" * units, co_linetable=table, co_firstlineno=100, co_exceptiontable=b""
    )
    assert list(code.co_positions()) == [(170, 172, 4, 90)] * units
