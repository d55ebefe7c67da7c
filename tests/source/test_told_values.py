"""What is told of a value without running the script is what Python makes of it; what may be otherwise is not told."""

from __future__ import annotations

import ast
import sys
from typing import Any

import pytest

from trainadvisor.source.reading import parse
from trainadvisor.source.told_values import ToldValues
from trainadvisor.source.training import Training

ARGV = ["train.py", "--mode", "train", "--lr", "0.5", "-v", "--tag", "a", "--tag", "b", "left"]
PARSER = """import argparse
p = argparse.ArgumentParser()
p.add_argument("--mode", default="test")
p.add_argument("--lr", type=float, default=0.1)
p.add_argument("--steps", type=int, default=7)
p.add_argument("-v", "--verbose", action="store_true")
p.add_argument("--quiet", action="store_false", dest="loud")
p.add_argument("--cache", action=argparse.BooleanOptionalAction, default=True)
p.add_argument("--tag", action="append")
p.add_argument("--made", type=make)
p.add_argument("--where", default=make(3))
p.add_argument("place", nargs="?", const=3)
args = p.parse_args()
"""


def told(text: str) -> Any:
    """Return what is told of the argument of the first `ask(...)`."""
    script = Training(parse(text)).script
    call = next(c for c in script.calls if ast.unparse(c.func) == "ask")
    return ToldValues(script, ARGV).value(call.args[0])


def seen(text: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what Python gives to the first `ask(...)` that it reaches."""
    asked: list[Any] = []
    monkeypatch.setattr(sys, "argv", ARGV)
    exec(text, {"ask": asked.append, "make": lambda value: value})  # noqa: S102 - the scripts below
    return asked[0]


@pytest.mark.parametrize(
    "text",
    [
        "ask(3)",
        "x = 'a'\nask(x)",
        "x = 4\nask(x == 4)",
        "x = 4\nask(x != 4)",
        "ask(3 < 3)",
        "ask(3 <= 3)",
        "ask(3 > 3)",
        "ask(3 >= 3)",
        "ask(None is None)",
        "ask(None is not None)",
        "ask('a' in ['a', 'b'])",
        "ask('c' in ('a', 'b'))",
        "ask('a' not in ['a', 'b'])",
        "ask(not 0)",
        "ask(not 'x')",
        "ask(1 and 0)",
        "ask(0 or 2 > 1)",
        "ask(0 or 0)",
        "ask(1 and 2 > 1)",
        "ask(1 if 0 else 2)",
        "ask(1 if 3 else 2)",
        "ask(0 and nobody == 1)",
        "ask(1 or nobody == 1)",
        "ask([5, 6, 7][1])",
        "ask('abcd'[1:])",
        "ask('abcd'[:3])",
        "ask('abcd'[::2])",
        "ask(len('abc'))",
        "ask(int('12'))",
        "ask(float('1.5'))",
        "ask(str(3))",
        "ask(bool(0))",
        "ask(set([1, 1, 2]))",
        "a, b = 1, 2\nask(b)",
        "(a, (b, c)) = (1, (2, 3))\nask(c)",
        "a = b = 5\nask(b)",
        "import sys\nask(sys.argv[2])",
        "import sys\nask(len(sys.argv))",
        "import sys\nask('-v' in sys.argv[1:])",
        "def f():\n    return 5\nask(f())",
        "def f(x):\n    ask(x)\nf(5)",
        "def f(x, y=6):\n    ask(y)\nf(5)",
        "def f(x, y=6):\n    ask(y)\nf(5, 8)",
        "def f(x, y=6):\n    ask(x)\nf(5)",
        "def f(x, y=6):\n    ask(y)\nf(5, y=9)",
        "def f(x, *, y=6):\n    ask(y)\nf(5)",
        "def f(x, /, y):\n    ask(x)\nf(5, 6)",
        "def f(x):\n    ask(x)\nf(5)\nf(x=5)",
        f"{PARSER}ask(args.mode)",
        f"{PARSER}ask(args.lr)",
        f"{PARSER}ask(args.steps)",
        f"{PARSER}ask(args.verbose)",
        f"{PARSER}ask(args.loud)",
        f"{PARSER}ask(args.cache)",
        f"{PARSER}ask(args.tag)",
        f"{PARSER}ask(args.place)",
        f"{PARSER}ask(args.made)",
        f"{PARSER}ask(args.mode == 'train' and args.lr > 0.4)",
        f"{PARSER}rest = args\nask(rest.mode)",
        f"{PARSER}def f(a):\n    ask(a.mode)\nf(args)",
        PARSER.replace("p.parse_args()", "p.parse_args(['--mode', 'x'])") + "ask(args.mode)",
        PARSER.replace("p.parse_args()", "p.parse_args(None)") + "ask(args.mode)",
        PARSER.replace("args = p.parse_args()", "args, rest = p.parse_known_args()") + "ask(args.mode)",
    ],
)
def test_what_is_told_is_what_python_sees(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Constants, comparisons, slices, calls of the script's own functions, arguments, and options."""
    assert told(text) == seen(text, monkeypatch)


@pytest.mark.parametrize(
    "text",
    [
        "ask(-x)",
        "ask(x)",
        "ask(1 < 2 < 3)",
        "ask(compute())",
        "ask(model.compute())",
        "ask(len([1], 2))",
        "ask(int('3', base=4))",
        "x = 1\nif c:\n    x = 2\nask(x)",
        "x = 1\nx += 1\nask(x)",
        "for x in [1]:\n    ask(x)",
        "x = x\nask(x)",
        "x = 1\ndef f():\n    global x\n    x = 2\nf()\nask(x)",
        "x = [1, 2]\nx.append(3)\nask(x)",
        "x = [1, 2]\nx[0] = 3\nask(x)",
        "x = [1, 2]\nchange(x)\nask(x)",
        "def f():\n    if c:\n        return 5\n    return 6\nask(f())",
        "def f():\n    return 5\n    x = 1\nask(f())",
        "def f():\n    return\nask(f())",
        "def f():\n    pass\nask(f())",
        "if c:\n    def f():\n        return 5\nelse:\n    def f():\n        return 6\nask(f())",
        "def f(x):\n    ask(x)",
        "def f(x):\n    ask(x)\nf(5)\nf(6)",
        "def f(x):\n    ask(x)\nf(5)\nrun(f)",
        "@jit\ndef f(x):\n    ask(x)\nf(5)",
        "class C:\n    def f(self, x):\n        ask(x)\nC().f(5)",
        "def f(x):\n    ask(x)\nf(*[5])",
        "def f(x=4):\n    ask(x)\nf(**{})",
        "def f(x):\n    ask(x)\nf()",
        "def f(*x):\n    ask(x)\nf(1)",
        "import sys\nsys.argv = ['a']\nask(sys.argv)",
        "import sys\nsys.argv.append('a')\nask(sys.argv)",
        "from sys import argv\nask(argv[0])",
        "a, b = pair\nask(b)",
        "x = lambda: 3\nask(x)",
        PARSER.replace("p.parse_args()", "p.parse_args(['--made', 'x'])") + "ask(args.made)",
        f"{PARSER}ask(args.where)",
        f"{PARSER}args.mode = 'x'\nask(args.mode)",
        f"{PARSER}setattr(args, 'mode', 'x')\nask(args.mode)",
        f"{PARSER}args.__dict__['mode'] = 1\nask(args.mode)",
        f"{PARSER}change.options(args)\nask(args.mode)",
        f"{PARSER}args.tag.append('c')\nask(args.tag)",
        PARSER.replace("p.parse_args()", "p.parse_args(namespace=n)") + "ask(args.mode)",
        PARSER.replace("p.parse_args()", "p.parse_args([], n)") + "ask(args.mode)",
        PARSER.replace("args = p.parse_args()", "args, rest = p.parse_known_args()") + "ask(rest[0])",
        PARSER.replace("args =", "p.set_defaults(lr=3)\nargs =") + "ask(args.mode)",
        PARSER.replace("args =", "p.add_argument(*more)\nargs =") + "ask(args.mode)",
        PARSER.replace("args =", "p.add_argument('--x', **more)\nargs =") + "ask(args.mode)",
        PARSER.replace("args =", "p.add_argument('--x', action=Mine)\nargs =") + "ask(args.mode)",
        PARSER.replace("args =", "p.add_argument('--x', action='version')\nargs =") + "ask(args.mode)",
        PARSER.replace("args =", "p.add_argument('--x', nargs=n)\nargs =") + "ask(args.mode)",
        PARSER.replace("args =", "library.more(p)\nargs =") + "ask(args.mode)",
        PARSER.replace("args =", "q = argparse.ArgumentParser()\nargs =") + "ask(args.mode)",
        PARSER.replace("args =", "p.add_argument('--needed', type=int, default='x')\nargs =") + "ask(args.mode)",
    ],
)
def test_what_may_be_otherwise_is_not_told(text: str) -> None:
    """Several values, changes in place, functions handed on, options that another library adds."""
    script = Training(parse(text)).script
    call = next(c for c in script.calls if ast.unparse(c.func) == "ask")
    assert ToldValues(script, ARGV).truth(call.args[0]) is None


@pytest.mark.parametrize(("text", "truth"), [("ask(3 > 2)", True), ("ask(3 < 2)", False), ("ask('')", False)])
def test_a_condition_holds_or_not(text: str, *, truth: bool) -> None:
    """As a truth value."""
    script = Training(parse(text)).script
    assert ToldValues(script, ARGV).truth(script.calls[0].args[0]) is truth


@pytest.mark.parametrize("asked", ["[1][3]", "'a' < 3", "int('x')", "(1, 2).no"])
def test_a_question_that_python_could_not_answer_is_not_told(asked: str) -> None:
    """An index beyond the end, a comparison of what cannot be compared: no error of ours."""
    script = Training(parse(f"ask({asked})")).script
    call = next(c for c in script.calls if ast.unparse(c.func) == "ask")
    assert ToldValues(script, ARGV).truth(call.args[0]) is None
