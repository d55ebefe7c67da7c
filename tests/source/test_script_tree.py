"""What stands around a place of a script, and what its names, attributes and arguments may be."""

from __future__ import annotations

import ast

import pytest

from trainadvisor.source.provenance import provenance
from trainadvisor.source.reading import parse
from trainadvisor.source.script import Script
from trainadvisor.source.syntax import keyword
from trainadvisor.source.training import Training

NESTED = """
class A(B):
    def f(self, a=one):
        for i in two:
            while three:
                four
            else:
                five
        return lambda: six
@seven
def g(): eight
"""


def place(script: Script, name: str) -> ast.Name:
    """Return where a name stands first."""
    return next(node for node in script.of_type(ast.Name) if node.id == name)


@pytest.mark.parametrize(
    ("name", "scope", "function", "owner", "loops"),
    [
        ("B", "Module", None, "A", []),
        ("one", "ClassDef", "f", "A", []),
        ("two", "FunctionDef", "f", "A", []),
        ("three", "FunctionDef", "f", "A", [4]),
        ("four", "FunctionDef", "f", "A", [5, 4]),
        ("five", "FunctionDef", "f", "A", [4]),
        ("six", "Lambda", "f", "A", []),
        ("seven", "Module", "g", None, []),
        ("eight", "FunctionDef", "g", None, []),
    ],
)
def test_what_stands_around_a_place(
    name: str, scope: str, function: str | None, owner: str | None, loops: list[int]
) -> None:
    """Defaults, decorators and bases are read outside; an `else` of a loop is in the loops around it alone."""
    script = Script(parse(NESTED))
    node = place(script, name)
    assert type(script.scope(node)).__name__ == scope
    assert getattr(script.function_of(node), "name", None) == function
    assert getattr(script.class_of(node), "name", None) == owner
    assert [loop.lineno for loop in script.loops(node)] == loops


@pytest.mark.parametrize(
    ("text", "name", "full"),
    [
        ("import torch", "torch.nn.Linear", "torch.nn.Linear"),
        ("import torch as t", "t.nn.Linear", "torch.nn.Linear"),
        ("import torch.nn", "torch.nn.Linear", "torch.nn.Linear"),
        ("import torch.nn as n", "n.Linear", "torch.nn.Linear"),
        ("from torch import nn", "nn.Linear", "torch.nn.Linear"),
        ("from torch.nn import Linear as L", "L", "torch.nn.Linear"),
        ("", "nn.Linear", "torch.nn.Linear"),
        ("", "np.zeros", "numpy.zeros"),
        ("nn = 3", "nn.Linear", "nn.Linear"),
        ("def f(nn): pass", "nn.Linear", "nn.Linear"),
        ("class nn: pass", "nn.Linear", "nn.Linear"),
        ("def nn(): pass", "nn.Linear", "nn.Linear"),
        ("from . import nets", "nets.Net", "..nets.Net"),
        ("from .nets import Net", "Net", ".nets.Net"),
        ("from torch.nn import *", "Linear", "torch.nn.Linear"),
        ("from torch.nn.functional import *", "relu", "torch.nn.functional.relu"),
        ("from torch import *", "Linear", "torch.Linear"),
        ("from os import *", "path", "path"),
        ("", "f().x", ""),
        ("", "x[0].y", ""),
    ],
)
def test_the_full_name_of_what_a_script_calls(text: str, name: str, full: str) -> None:
    """By its imports; the usual names of torch where nothing else has them."""
    script = Script(parse(f"{text}\n{name}"))
    assert script.full(script.tree.body[-1].value) == full


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("x = 1\nask(x)", [1]),
        ("x = 1\nx = 2\nask(x)", [2]),
        ("x = 1\nif c:\n  x = 2\nask(x)", [1, 3]),
        ("if c:\n  x = 1\nelse:\n  x = 2\nask(x)", [2, 4]),
        ("if c:\n  x = 1\nelse:\n  ask(x)", []),
        ("x = 0\nfor i in r:\n  ask(x)\n  x = 1", [1, 4]),
        ("for i in r:\n  x = 0\n  ask(x)\n  x = 1", [2]),
        ("x = 0\nfor i in r:\n  pass\n  for j in s:\n    ask(x)\n  x = 1", [1, 6]),
        ("for x in r:\n  ask(x)", [1]),
        ("x = 0\nfor x in r:\n  pass\nask(x)", [1, 2]),
        ("with f() as x:\n  ask(x)", [1]),
        ("with f():\n  x = 1\nask(x)", [2]),
        ("x = 0\nwith f():\n  x = 1\nask(x)", [3]),
        ("x = 1\ndef f():\n  ask(x)", [1]),
        ("def f():\n  ask(x)\nx = 1", [3]),
        ("class C:\n  x = 1\n  def f(self):\n    ask(x)", []),
        ("class C:\n  x = 1\n  ask(x)", [2]),
        ("def f(x):\n  ask(x)", [1]),
        ("def f(x):\n  x = 2\n  ask(x)", [2]),
        ("x = 0\ntry:\n  x = 1\nexcept E:\n  pass\nask(x)", [1, 3]),
        ("while c:\n  if d:\n    x = 1\n  ask(x)\n  x = 2", [3, 5]),
        ("ask(x)\nx = 1", []),
        ("ask(x)", []),
    ],
)
def test_the_bindings_that_reach_a_place(text: str, lines: list[int]) -> None:
    """The last sure one, and those that may have come behind it or in the round before."""
    script = Script(parse(text))
    call = next(c for c in script.calls if ast.unparse(c.func) == "ask")
    assert [b.statement.lineno for b in script.reaching(call.args[0])] == lines


def test_attributes_and_methods_are_those_of_a_class_and_its_bases() -> None:
    """In the order in which they are looked up; a base that is its own ends the search."""
    first = "class A(A):\n def f(self):\n  self.x = 1\n def g(self): pass\n"
    text = first + "class B(other, A):\n def f(self):\n  self.x, self.y = 2, 3\n  self.y = 4"
    script = Script(parse(text))
    shown = {name: [v and ast.unparse(v) for v in script.attribute_values(script.classes["B"], name)] for name in "xyz"}
    assert shown == {"x": ["2", "1"], "y": ["3", "4"], "z": []}
    assert [script.method(script.classes["B"], name).lineno for name in "fg"] == [6, 4]
    assert script.method(script.classes["B"], "h") is None
    assert script.method(None, "f") is None


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("def f(a, b): pass\nf(1, 2)\nf(b=3)\nf(4)", ["2", "3"]),
        ("def f(b, /): pass\nf(1)", ["1"]),
        ("def f(b): pass\nf(*c)", []),
        ("class C:\n def f(self, a, b): pass\nC().f(1, 2)", ["2"]),
        ("class C:\n def f(self, a, b): pass\nf(1, 2, 3)", ["3"]),
        ("class C:\n @staticmethod\n def f(a, b): pass\nC.f(1, 2)", ["2"]),
        ("def f(a, *, b): pass\nf(1, b=2)", ["2"]),
        ("def f(a): pass\nf(1)", []),
    ],
)
def test_what_callers_give_for_an_argument(text: str, given: list[str]) -> None:
    """By place or by name, the object of a method left out."""
    script = Script(parse(text))
    assert [ast.unparse(value) for value in script.given(script.functions[0], "b")] == given


FILES = {
    "config.py": (
        "LR = 0.3\nTWICE = 1\nTWICE = 2\nD = {'optim': {'lr': 0.4}}\nclass C:\n    lr = 0.5\n    wd: float = 0.6\n"
    ),
    "pkg/settings.py": "LR = 0.7\n",
    "main.py": "from net import fit\nfrom t import T\nfit(0.8)\nT(0.9)\nspread(**{'rate': 1.1})\n",
}


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("import config\nmake(lr=config.LR)", "literal", "0.3"),
        ("from config import LR\nmake(lr=LR)", "literal", "0.3"),
        ("from config import LR as R\nmake(lr=R)", "literal", "0.3"),
        ("from config import TWICE\nmake(lr=TWICE)", "lost", "TWICE"),
        ("import config\nmake(lr=config.D['optim']['lr'])", "literal", "0.4"),
        ("from config import D\nmake(lr=D['optim']['lr'])", "literal", "0.4"),
        ("from config import C\nmake(lr=C.lr)", "literal", "0.5"),
        ("from config import C\nmake(lr=C.wd)", "literal", "0.6"),
        ("from config import C\nmake(lr=C.no)", "lost", "C.no"),
        ("from pkg.settings import LR\nmake(lr=LR)", "literal", "0.7"),
        ("from .settings import LR\nmake(lr=LR)", "literal", "0.7"),
        ("from unknown import LR\nmake(lr=LR)", "lost", "LR"),
        ("def fit(rate):\n    make(lr=rate)", "literal", "0.8"),
        ("class T:\n    def __init__(self, r):\n        make(lr=r)", "literal", "0.9"),
        ("def spread(rate):\n    make(lr=rate)", "literal", "1.1"),
        ("def nobody(rate):\n    make(lr=rate)", "lost", "rate"),
        ("D = {'a': {'lr': 2.5}}\nE = D\nmake(lr=E['a']['lr'])", "literal", "2.5"),
        ("D = {'a': E}\nE = 1\nmake(lr=D['b'])", "lost", "D['b']"),
        ("I = {'lr': 2.5}\nD = {'a': I}\nmake(lr=D['a']['lr'])", "literal", "2.5"),
        ("make(lr=-3 * 1e-4)", "literal", "-3 * 0.0001"),
        ("D = {'lr': 2.5}\nmake(lr=D.get('lr', 1))", "literal", "2.5"),
        ("D = {'lr': 2.5}\nmake(lr=D[k])", "lost", "D[k]"),
        ("x0 = 0.3\n" + "".join(f"x{i + 1} = x{i}\n" for i in range(6)) + "make(lr=x6)", "literal", "0.3"),
        ("".join(f"def f{i}(): return f{i + 1}()\n" for i in range(20)) + "make(lr=f0())", "lost", "f0()"),
    ],
)
def test_a_value_is_followed_into_the_other_files_of_a_project(text: str, kind: str, said: str) -> None:
    """Constants, dictionaries and classes of modules by their names, and calls from elsewhere."""
    training = Training(parse(text, "net.py"))
    others = [Training(parse(code, name)) for name, code in FILES.items()]
    (call,) = training.script.calls_by_name["make"]
    found = provenance(training, keyword(call, "lr"), others=others)
    assert (found.kind, ast.unparse(found.node) if found.kind == "literal" else found.words) == (kind, said)
