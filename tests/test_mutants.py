"""The mutants that `make mutants` puts into the package."""

from __future__ import annotations

import ast
import importlib.util
import sys
import tomllib
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

PATH = Path(__file__).parents[1] / "benchmarks" / "mutants" / "mutations.py"
SPEC = importlib.util.spec_from_file_location("mutations", PATH)
assert SPEC is not None
assert SPEC.loader is not None
mutations = importlib.util.module_from_spec(SPEC)
sys.modules["mutations"] = mutations  # a dataclass looks its module up
SPEC.loader.exec_module(mutations)


def told(source: str) -> list[str]:
    """Return the mutants of a module as they are listed."""
    return [mutant.told for mutant in mutations.mutants("m.py", dedent(source))]


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("x = a < b <= c", ["a < b <= c -> a <= b <= c", "a < b <= c -> a < b < c"]),
        ("x = a is b", ["a is b -> a is not b"]),
        ("x = a not in b", ["a not in b -> a in b"]),
        ("x = a and b", ["a and b -> a or b"]),
        ("x = not a", ["not a -> a"]),
        ("x = -a", ["-a -> a"]),
        ("x = a + b", ["a + b -> a - b"]),
        ("x = 'a' + b", []),
        ("x = a // b", ["a // b -> a / b"]),
        ("x = a if b else c", ["a if b else c -> a if not b else c"]),
        ("x = min(a)", ["min(a) -> max(a)"]),
        ("x = True", ["True -> False"]),
        ("x = 0, 1, 3, 40, 0.5, 'a', None", ["0 -> 1", "1 -> 0", "3 -> 4", "40 -> 80", "0.5 -> 1.0"]),
        ("f(a)", ["f(a) -> pass"]),
        ("x += a", ["x += a -> pass"]),
        ("raise a", ["raise a -> pass"]),
        ("while a:\n    break", ["a -> not a", "break -> continue"]),
        ("if a:\n    x = b", ["a -> not a"]),
        ("def f():\n    return a", ["return a -> return None"]),
        ("def f():\n    return None", []),
    ],
)
def test_one_place_changes(source: str, changes: list[str]) -> None:
    """Each mutant is another statement or expression in its place."""
    assert told(source) == changes


def test_what_never_runs_or_only_names_things_stays() -> None:
    """Annotations, decorators, docstrings, texts, lists of names, imports for type checkers."""
    assert (
        told('''
        """Says 1 < 2."""
        __all__ = [1]
        if TYPE_CHECKING:
            import x
        @f(True)
        def g(a: 1 = None) -> 2:
            """Does."""
            b: 3
            c = f"{a < 1}"
        ''')
        == []
    )


def test_a_mutant_knows_its_function() -> None:
    """As Python calls it; outside of functions it has none."""
    source = "a = 0\nclass C:\n    b = 0\n    def f(self):\n        c = 0\n        def g():\n            d = 0\n"
    found = [(mutant.line, mutant.function) for mutant in mutations.mutants("m.py", source)]
    assert found == [(1, ""), (3, ""), (5, "C.f"), (7, "C.f.<locals>.g")]


def test_a_mutant_is_put_in_its_place_alone() -> None:
    """Behind letters of several bytes, over several lines, with what stands around it."""
    source = "名 = ['字', a <\n  b]  # why\nc = 0\n"
    (first, second) = mutations.mutants("m.py", source)
    assert first.applied(source) == "名 = ['字', (a <= b)]  # why\nc = 0\n"
    assert second.applied(source) == "名 = ['字', a <\n  b]  # why\nc = (1)\n"


def test_the_lines_of_a_statement_belong_to_its_function() -> None:
    """All lines of a call, only the head of a loop; a default belongs to the function that has it."""
    source = "def f(a=0):\n  for b in (\n    1,\n  ):\n    g(2,\n      3)\nd = (\n  4)\n"
    found = {one.told: mutations.statement(source, one) for one in mutations.mutants("m.py", source)}
    assert found == {
        "0 -> 1": (range(0), "f"), "1 -> 0": (range(2, 5), "f"), "g(2, 3) -> pass": (range(5, 7), "f"),
        "2 -> 3": (range(5, 7), "f"), "3 -> 4": (range(5, 7), "f"), "4 -> 5": (range(7, 9), ""),
    }  # fmt: skip


def test_each_line_has_its_innermost_function() -> None:
    """And how far it is behind the first line of it."""
    source = "a = 0\nclass C:\n  def f(self):\n    def g():\n      b\n    c\n"
    assert mutations.functions(source) == {
        3: ("C.f", 0), 4: ("C.f.<locals>.g", 0), 5: ("C.f.<locals>.g", 1), 6: ("C.f", 3)
    }  # fmt: skip


def test_every_mutant_of_a_module_can_be_parsed() -> None:
    """Here those of the module that makes them."""
    source = PATH.read_text(encoding="utf-8")
    found = mutations.mutants("m.py", source)
    assert len(found) > 50
    before = ast.dump(ast.parse(source))
    assert all(ast.dump(ast.parse(mutant.applied(source))) != before for mutant in found)


def test_a_mutant_is_put_into_functions_behind_the_veil(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose frames have no file of ours; a function stays behind it, and one that would close over less is let be."""
    monkeypatch.syspath_prepend(PATH.parent)
    import forked

    from trainadvisor.instrument import plan_events

    path = Path(plan_events.__file__)
    source, name = path.read_text(encoding="utf-8"), f"trainadvisor/instrument/{path.name}"
    mutant = next(one for one in mutations.mutants(name, source) if one.function == "taker")
    original = plan_events.taker.__code__
    functions = forked._functions()[str(path)]
    monkeypatch.setattr(plan_events.taker, "__code__", original)
    assert forked._Put(path, source, mutant, functions)()
    assert plan_events.taker.__code__.co_code != original.co_code
    assert plan_events.taker.__code__.co_filename == original.co_filename == forked.VEIL


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """Return the program that draws."""
    where = PATH.parent
    sys.path.insert(0, str(where))
    spec = importlib.util.spec_from_file_location("drawn_mutants", where / "__main__.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    sys.path.remove(str(where))
    return made


def test_tests_that_name_the_module_or_its_events_come_first(tool: ModuleType, tmp_path: Path) -> None:
    """Then those of its room, and the quickest of each."""
    (tmp_path / "trainadvisor" / "record").mkdir(parents=True)
    (tmp_path / "tests" / "record").mkdir(parents=True)
    (tmp_path / "trainadvisor" / "record" / "repeated_answers.py").write_text('KIND = "self-reference"\n')
    texts = {"tests/a.py": "repeated_answers", "tests/b.py": 'events("self-reference")', "tests/record/c.py": "KIND"}
    texts["tests/d.py"] = "repeated_answers_too"
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    seconds = {"tests/d.py::t": 0.1, "tests/record/c.py::t": 0.2, "tests/b.py::t": 0.4, "tests/a.py::t": 0.3}
    tests = {name: {"seconds": value} for name, value in seconds.items()}
    mutant = mutations.mutants("trainadvisor/record/repeated_answers.py", "x = 1")[0]
    found = tool._ordered(list(seconds), mutant, tmp_path, tests)
    assert found == ["tests/a.py::t", "tests/b.py::t", "tests/record/c.py::t", "tests/d.py::t"]


def test_numbers_that_nobody_could_call_wrong_are_left_out(tool: ModuleType) -> None:
    """Measures of a drawing and sizes of a look, by path and line; never a zero, nor anything but a number."""
    kinds = tomllib.loads((PATH.parent / "equivalent.toml").read_text(encoding="utf-8"))["kinds"]

    def left_out(path: str, line: str) -> list[str]:
        found = mutations.mutants(f"trainadvisor/{path}", line)
        return [mutant.told for mutant in found if tool.of_a_kind(mutant, line, kinds)]

    assert left_out("report/html/svg.py", "WIDTH, LEFT = 640, 1") == ["640 -> 1280"]
    assert left_out("log/growing.py", "LOOK = 8 << 20") == ["8 -> 9", "20 -> 40"]
    assert left_out("report/html/svg.py", "x = 640") == left_out("signals/loss.py", "LOOK = 8") == []
    assert left_out("report/html/svg.py", "WIDTH = a if b else c") == []
    assert left_out("compare.py", "x = zip(a, b, strict=True)") == ["True -> False"]
    assert left_out("compare.py", "x = f(a, strict=True), not b") == []
