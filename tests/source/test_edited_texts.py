"""Each way to edit a source, by the text that comes out of it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from trainadvisor.source import edits
from trainadvisor.source.reading import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainadvisor.source.reading import Source

TEXT = """a = 1
for i in r:
    b = 2
    c = (
        3)  # three
    d = 4; e = 5
if a:
    f = 6
@g
def h(): pass"""


def statement(source: Source, name: str) -> tuple[ast.stmt, list[ast.stmt]]:
    """Return the statement that binds a name, and its block."""
    for node in ast.walk(source.tree):
        for block in (getattr(node, "body", []), getattr(node, "orelse", [])):
            for one in block if isinstance(block, list) else []:
                bound = ast.unparse(one.targets[0]) if isinstance(one, ast.Assign) else getattr(one, "name", "")
                if bound == name:
                    return one, block
    raise LookupError(name)


def edited(edit: Callable[[Source], edits.Fix | None], text: str = TEXT) -> str | None:
    """Return the text after an edit."""
    source = parse(text)
    fix = edit(source)
    return None if fix is None else edits.applied(source, fix)


@pytest.mark.parametrize(
    ("name", "behind", "ahead"),
    [
        ("a", "a = 1\nx\ny\nfor", "x\ny\na = 1\nfor"),
        ("b", "b = 2\n    x\n    y\n    c", "r:\n    x\n    y\n    b = 2"),
        ("c", "3)  # three\n    x\n    y\n    d", "b = 2\n    x\n    y\n    c = ("),
        ("f", "f = 6\n    x\n    y\n@g", "if a:\n    x\n    y\n    f = 6"),
        ("h", "def h(): pass\nx\ny", "f = 6\nx\ny\n@g\ndef h"),
    ],
)
def test_lines_are_put_beside_a_statement(name: str, behind: str, ahead: str) -> None:
    """At its indentation, behind its comment, before its decorators; the rest stays as it was."""
    assert behind in (edited(lambda source: edits.after(source, statement(source, name)[0], "x", "y")) or "")
    assert ahead in (edited(lambda source: edits.before(source, statement(source, name)[0], "x", "y")) or "")


@pytest.mark.parametrize("name", ["d", "e"])
def test_a_statement_that_shares_its_line_is_left_alone(name: str) -> None:
    """Nothing is put beside it, and it is not taken away."""
    source = parse(TEXT)
    one, block = statement(source, name)
    assert edits.after(source, one, "x") is edits.before(source, one, "x") is edits.without(source, one, block) is None


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("a", TEXT.removeprefix("a = 1\n")),
        ("b", TEXT.replace("    b = 2\n", "")),
        ("c", TEXT.replace("    c = (\n        3)  # three\n", "")),
        ("f", TEXT.replace("f = 6", "pass")),
    ],
)
def test_a_statement_is_taken_away_with_its_lines(name: str, left: str) -> None:
    """The only one of its block becomes `pass`."""
    assert edited(lambda source: edits.without(source, *statement(source, name))) == left


def test_the_last_statement_of_a_text_is_taken_away_without_the_end_of_the_line_before() -> None:
    """There is no line behind it that could move up."""
    assert edited(lambda source: edits.without(source, *statement(source, "b")), "a = 1\nb = 2") == "a = 1\n"


@pytest.mark.parametrize(
    ("text", "name", "target", "ahead", "behind"),
    [
        ("a = 1\nb = 2\nc = 3\n", "a", "c", "b = 2\na = 1\nc = 3\n", "b = 2\nc = 3\na = 1\n"),
        ("a = 1\nb = 2\nc = 3\n", "c", "a", "c = 3\na = 1\nb = 2\n", "a = 1\nc = 3\nb = 2\n"),
        ("a = (1,\n  2)\nb = 2\nc = 3\n", "a", "b", None, "b = 2\na = (1,\n  2)\nc = 3\n"),
        ("a = 1\nif x:\n    b = 2\nc = 3\n", "a", "b", "if x:\n    a = 1\n    b = 2\nc = 3\n", None),
        ("a = 1; b = 2\nc = 3\n", "a", "c", None, None),
        ("a = 1\nb = 2; c = 3\n", "a", "c", None, None),
    ],
)
def test_a_statement_is_moved(text: str, name: str, target: str, ahead: str | None, behind: str | None) -> None:
    """Before another one in its indentation if it is one line; behind one of the same indentation as it is written."""
    for move, expected in ((edits.moved, ahead), (edits.moved_behind, behind)):
        source = parse(text)
        fix = move(source, *statement(source, name), statement(source, target)[0])
        assert (fix and edits.applied(source, fix)) == expected


@pytest.mark.parametrize(
    ("call", "place", "after"),
    [
        ("f()", None, "f(x=7)"),
        ("f(1)", None, "f(1, x=7)"),
        ("f(a=1)", None, "f(a=1, x=7)"),
        ("f(x=1)", None, "f(x=7)"),
        ("f(1, 2)", 1, "f(1, 7)"),
        ("f(1)", 1, "f(1, x=7)"),
        ("f(*a)", None, None),
        ("f(**a)", None, None),
        ("f(x=1, **a)", None, "f(x=7, **a)"),
        ("f(1,\n  2)", None, "f(1,\n  2, x=7)"),
    ],
)
def test_an_argument_is_given(call: str, place: int | None, after: str | None) -> None:
    """By its name, by its place where it has one, and not where it may be hidden."""
    source = parse(call)
    node = source.tree.body[0].value
    span = edits.with_argument(source, node, "x", "7", place)
    assert (span and edits.applied(source, [span])) == after


@pytest.mark.parametrize(("place", "after"), [(0, "f(b, c, k=1)"), (1, "f(a, c, k=1)"), (2, "f(a, b, k=1)")])
def test_an_argument_is_taken_out_with_its_comma(place: int, after: str) -> None:
    """The first with the comma behind it, any other with the one before."""
    source = parse("f(a, b, c, k=1)")
    call = source.tree.body[0].value
    assert edits.applied(source, [edits.without_argument(source, call, call.args[place])]) == after
    alone = parse("f(a)").tree.body[0].value
    assert edits.without_argument(parse("f(a)"), alone, alone.args[0]) is None
    assert edits.without_argument(source, call, call.keywords[0].value) is None


@pytest.mark.parametrize(
    ("inner", "after"),
    [
        ("x", "x * 2"),
        ("x + 1", "(x + 1) * 2"),
        ("x or y", "(x or y) * 2"),
        ("x < 1", "(x < 1) * 2"),
        ("g(x)", "g(x) * 2"),
    ],
)
def test_a_value_stands_for_a_call_of_it(inner: str, after: str) -> None:
    """In brackets where the operators around it would read it otherwise."""
    source = parse(f"f({inner}) * 2")
    call = source.tree.body[0].value.left
    assert edits.applied(source, [edits.unwrapped(source, call, call.args[0])]) == after


@pytest.mark.parametrize(
    ("text", "new", "after"),
    [
        ("import torch\nx = 1\n", "torch.nn.ReLU()", "import torch\nx = torch.nn.ReLU()\n"),
        ("from torch import nn\nx = 1\n", "torch.nn.ReLU()", "from torch import nn\nx = nn.ReLU()\n"),
        ("import torch.nn as tn\nx = 1\n", "torch.nn.ReLU()", "import torch.nn as tn\nx = tn.ReLU()\n"),
        ("from torch.nn import ReLU as R\nx = 1\n", "torch.nn.ReLU()", "from torch.nn import ReLU as R\nx = R()\n"),
        ("import os\nx = 1\n", "torch.nn.ReLU()", "import torch\nimport os\nx = torch.nn.ReLU()\n"),
        ("from torch import nn\nx = 1\n", "torch.zeros(1)", "import torch\nfrom torch import nn\nx = torch.zeros(1)\n"),
        (
            "from torch import nn\nnn = 2\nx = 1\n",
            "torch.nn.ReLU()",
            "import torch\nfrom torch import nn\nnn = 2\nx = torch.nn.ReLU()\n",
        ),
        (
            "from torch import nn\ndef f(nn): pass\nx = 1\n",
            "torch.nn.ReLU()",
            "import torch\nfrom torch import nn\ndef f(nn): pass\nx = torch.nn.ReLU()\n",
        ),
        (
            "from torch import nn\nclass nn: pass\nx = 1\n",
            "torch.nn.ReLU()",
            "import torch\nfrom torch import nn\nclass nn: pass\nx = torch.nn.ReLU()\n",
        ),
        (
            "def f():\n    import torch\nx = 1\n",
            "torch.zeros(1)",
            "import torch\ndef f():\n    import torch\nx = torch.zeros(1)\n",
        ),
        (
            "from .torch import nn\nx = 1\n",
            "torch.nn.ReLU()",
            "import torch\nfrom .torch import nn\nx = torch.nn.ReLU()\n",
        ),
        ("x = 1\n", "torch.nn.ReLU()", "x = torch.nn.ReLU()\n"),
        ("import torch\nx = 1\n", "copy.deepcopy(y)", "import copy\nimport torch\nx = copy.deepcopy(y)\n"),
        (
            '"""Doc."""\nfrom __future__ import annotations\nimport os\nx = 1\n',
            "torch.zeros(1)",
            '"""Doc."""\nfrom __future__ import annotations\nimport torch\nimport os\nx = torch.zeros(1)\n',
        ),
        ("import os\nx = 1\n", "'torch.zeros'", "import os\nx = 'torch.zeros'\n"),
    ],
)
def test_parts_of_torch_are_written_as_the_source_calls_them(text: str, new: str, after: str) -> None:
    """And imported before its own imports where it has no name for them."""
    source = parse(text)
    value = source.tree.body[-1].value
    assert edits.applied(source, [edits.replaced(source, value, new)]) == after


def test_a_change_is_told_as_a_diff() -> None:
    """With the name of the file on both sides."""
    source = parse("a = 1\nb = 2\n", "dir\\train.py")
    text = edits.applied(source, [edits.replaced(source, source.tree.body[1].value, "3")])
    assert edits.diff(source, text) == "--- a/dir/train.py\n+++ b/dir/train.py\n@@ -1,2 +1,2 @@\n a = 1\n-b = 2\n+b = 3"
