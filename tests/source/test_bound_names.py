"""What a script binds, keeps, reads and draws: tables of small scripts."""

from __future__ import annotations

import ast

import pytest

from trainadvisor.source.bindings import bindings_of
from trainadvisor.source.given_parameters import given_parameters, overlap
from trainadvisor.source.kept_values import is_kept
from trainadvisor.source.reading import parse
from trainadvisor.source.training import Training
from trainadvisor.source.uses import draws, is_backward, names_in, reads


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("x = 3", ["x value 3 ()"]),
        ("x: int = 3", ["x value 3 ()"]),
        ("x: int", []),
        ("x += 3", ["x augmented 3 ()"]),
        ("print(x := 3)", ["x value 3 ()"]),
        ("x = y = 3", ["x value 3 ()", "y value 3 ()"]),
        ("x, y = 3, 4", ["x value 3 ()", "y value 4 ()"]),
        ("x, (y, z) = 1, (2, 3)", ["x value 1 ()", "y value 2 ()", "z value 3 ()"]),
        ("x, y = pair", ["x value pair (0,)", "y value pair (1,)"]),
        ("[x, y] = pair", ["x value pair (0,)", "y value pair (1,)"]),
        ("x, (y, z) = f()", ["x value f() (0,)", "y value f() (1, 0)", "z value f() (1, 1)"]),
        ("x, *y = 1, 2", ["x value (1, 2) (0,)", "y other (1, 2) (1,)"]),
        ("x, y = *a, b", ["x value (*a, b) (0,)", "y value (*a, b) (1,)"]),
        ("x, y = 1, 2, 3", ["x value (1, 2, 3) (0,)", "y value (1, 2, 3) (1,)"]),
        ("x[0] = 3\na.b = 4", []),
        ("for x in r: pass", ["x loop r ()"]),
        ("for x, y in r: pass", ["x loop r (0,)", "y loop r (1,)"]),
        ("for x, y in 1, 2: pass", ["x loop (1, 2) (0,)", "y loop (1, 2) (1,)"]),
        ("[a for x in r]", ["x loop r ()"]),
        ("with f() as x: pass", ["x value f() ()"]),
        ("with f(), g() as y: pass", ["y value g() ()"]),
        ("def f(): x = 3", ["f other None ()"]),
        ("class C: x = 3", ["C other None ()"]),
        ("try: pass\nexcept E as x: pass", ["x other None ()"]),
        ("try: pass\nexcept E: pass", []),
        ("import a.b", ["a other None ()"]),
        ("import a.b as c", ["c other None ()"]),
        ("from a import b, c as d", ["b other None ()", "d other None ()"]),
        ("if c:\n  x = 1\nelse:\n  x = 2", ["x value 1 ()", "x value 2 ()"]),
        ("f = lambda x: x", ["f value lambda x: x ()"]),
    ],
)
def test_what_a_script_binds(text: str, bound: list[str]) -> None:
    """Each name, how, to what, and at which place of it; inner scopes are their own."""
    found = [one for some in bindings_of(ast.parse(text)).values() for one in some]
    assert sorted(f"{b.name} {b.kind} {b.value and ast.unparse(b.value)} {b.path}" for b in found) == sorted(bound)


def test_the_arguments_of_a_function_are_bound_in_it() -> None:
    """Of every kind."""
    (function,) = ast.parse("def f(a, /, b, *c, d=1, **e):\n    g = 2\n    def h(i): j = 3").body
    found = {name: [b.kind for b in some] for name, some in bindings_of(function).items()}
    assert found == {
        "a": ["argument"],
        "b": ["argument"],
        "d": ["argument"],
        "c": ["argument"],
        "e": ["argument"],
        "g": ["value"],
        "h": ["other"],
    }


def test_bindings_take_effect_behind_their_statement_those_of_loops_at_their_head() -> None:
    """In the order of the text."""
    found = bindings_of(ast.parse("x = (\n  1\n)\nfor x in r:\n  x = 2\nwith f() as x:\n  x += 1\n"))["x"]
    assert [b.line for b in found] == [(3, 1), (4, 0), (5, 7), (6, 0), (7, 8)]


@pytest.mark.parametrize(
    ("used", "as_list", "as_options"),
    [
        ("x[0]", True, True),
        ("x[0] = 1", False, False),
        ("del x[0]", False, False),
        ("x.append(1)", False, False),
        ("x.lr", True, True),
        ("x = 1", True, True),
        ("del x", False, False),
        ("if x: pass", True, True),
        ("if not x or 1: pass", True, True),
        ("while x: pass", True, True),
        ("y = 1 if x else 2", True, True),
        ("for i in x: pass", True, True),
        ("[i for i in x]", True, True),
        ("f'{x}'", True, True),
        ("x == 3", True, True),
        ("y = x", False, True),
        ("y: int = x", False, True),
        ("y = x, 1", False, True),
        ("y = {'a': x}", False, True),
        ("y = [x]", False, False),
        ("def g(): return x", False, True),
        ("print(x)", True, True),
        ("len(x)", True, True),
        ("logger.info(x)", True, True),
        ("logger.keep(x)", False, False),
        ("torch.save(x)", True, True),
        ("wandb.init(config=x)", True, True),
        ("unknown(x)", False, False),
        ("own(x)", False, True),
        ("own(a=x)", False, True),
        ("Own(x)", False, True),
        ("vars(x)", False, False),
        ("f(vars(x))", True, True),
        ("f(a=vars(x))", True, True),
        ("f'{vars(x)}'", True, True),
        ("y = vars(x)", False, False),
        ("sorted(x)", True, True),
        ("print(y=x)", True, True),
    ],
)
def test_what_may_change_a_list_or_options(used: str, *, as_list: bool, as_options: bool) -> None:
    """Being read, shown or given to known functions changes neither; another name is followed for options only."""
    text = f"import torch, wandb, logging\ndef own(a): pass\nclass Own: pass\n{used}"
    script = Training(parse(text)).script
    assert (is_kept(script, "x", options=False), is_kept(script, "x", options=True)) == (as_list, as_options)


def test_where_a_name_is_read() -> None:
    """Inner functions included, bindings and other names not."""
    tree = ast.parse("x = 1\ny = x\ndef f(): return x + z\ndel x")
    assert [node.lineno for node in reads(tree, "x")] == [2, 3]
    assert names_in(tree) == {"x", "y", "z"}


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("np.random.rand(3)", True),
        ("np.random.seed(3)", False),
        ("np.random.default_rng(3)", False),
        ("random.random()", True),
        ("random.seed(1)", False),
        ("random.Random(1)", False),
        ("torch.randn(3)", True),
        ("torch.zeros(3)", False),
        ("g.normal(3)", True),
        ("g.seed(3)", False),
        ("other.normal(3)", False),
        ("normal(3)", False),
        ("g", False),
        ("random.getstate()", False),
    ],
)
def test_where_random_numbers_are_drawn(text: str, *, drawn: bool) -> None:
    """By numpy, random and torch, and by generators that the script has made; seeds and states are no draws."""
    head = "import numpy as np, random, torch\nother = make()\ng = np.random.default_rng(1)\n"
    training = Training(parse(head + text))
    assert [ast.unparse(call) for call in draws(training, training.script.tree.body[-1])] == [text][: int(drawn)]


@pytest.mark.parametrize(
    ("text", "backward"),
    [
        ("reversed(x)", True),
        ("x[::-1]", True),
        ("x[:, ::-1]", True),
        ("x[1:]", False),
        ("x[::2]", False),
        ("x[-1]", False),
        ("range(9, -1, -1)", True),
        ("range(9)", False),
        ("range(0, 9, 1)", False),
        ("torch.flip(x, [0])", True),
        ("np.fliplr(x)", True),
        ("np.flipud(x)", True),
        ("x.reverse()", True),
        ("sorted(x)", False),
        ("x", False),
    ],
)
def test_what_goes_from_the_end(text: str, *, backward: bool) -> None:
    """By a function, a step of -1, or a range downward."""
    assert is_backward(ast.parse(text, mode="eval").body) is backward


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("model", "model", True),
        ("model", "model.head", True),
        ("model.head", "model", True),
        ("model[0]", "model", True),
        ("model.head", "model.body", False),
        ("model2", "model", False),
        ("model", "models", False),
    ],
)
def test_which_of_two_models_is_a_part_of_the_other(first: str, second: str, *, same: bool) -> None:
    """By how they are written, whole names only."""
    assert overlap(first, second) is same


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("SGD(m.parameters(), 0.1)", ["m 1"]),
        ("SGD(params=m.parameters())", ["m 1"]),
        ("SGD()", []),
        ("SGD(x)", []),
        ("SGD([{'params': m.a.parameters()}, {'params': m.b.parameters(), 'lr': 1}])", ["m.a 1", "m.b 1"]),
        ("ps = m.parameters()\nSGD(ps)", ["m 2"]),
        ("ps = list(m.parameters())\nSGD(ps)", ["m 1"]),
        ("ps = (p for p in m.parameters())\nSGD(ps)", ["m 2"]),
        ("ps = [p for p in m.parameters()]\nSGD(ps)", ["m 1"]),
        ("ps = chain(m.parameters(), n.parameters())\nSGD(ps)", ["m 2", "n 2"]),
        ("ps = list(m.parameters())\nps.append(w)\nSGD(ps)", []),
        ("ps = list(m.parameters())\nqs.append(w)\nSGD(ps)", ["m 1"]),
        ("SGD([p for p in m.parameters() if p.requires_grad])", ["m 1"]),
        ("SGD([p for p in m.parameters() if p.ndim > 1])", []),
        ("SGD(filter(lambda p: p.requires_grad, m.parameters()))", ["m 1"]),
        ("SGD(filter(chosen, m.parameters()))", []),
        ("SGD(list(m.parameters())[2:])", []),
        ("SGD(m.parameters() if c else n.parameters())", []),
        ("SGD(m[0].parameters())", ["m[0] 1"]),
        ("SGD([p for _, p in m.named_parameters()])", ["m 1"]),
        ("a = list(m.parameters())\nb = a\nc = b\nSGD(c)", ["m 1"]),
    ],
)
def test_whose_parameters_an_optimizer_is_given(text: str, given: list[str]) -> None:
    """And at which line they are taken: a generator reads them only when the optimizer does."""
    training = Training(parse(text))
    (made,) = (c for c in training.script.calls if ast.unparse(c.func) == "SGD")
    assert [f"{one.owner} {one.taken.lineno}" for one in given_parameters(training, made)] == given
