"""What a command line leaves out of a script, told without running it."""

import ast

import pytest

from trainadvisor.source.reading import parse
from trainadvisor.source.script import Script
from trainadvisor.source.taken_branches import TakenBranches

PARSER = """import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--loss", default="mse", choices=["mse", "ce"])
parser.add_argument("--rate", "-r", type=float, default=0.1)
parser.add_argument("--quick", action="store_true")
parser.add_argument("--augment", action=argparse.BooleanOptionalAction, default=True)
parser.add_argument("--sizes", type=int, nargs="+", default=[8])
parser.add_argument("--kinds", type=str.lower, nargs="+", default=["a"])
parser.add_argument("--root", type=Path, default=Path("data"))
parser.add_argument("--workers", type=int, default=os.cpu_count())
{parsed}
if {test}:
    marked()
"""


def left_out(text: str, *arguments: str) -> bool:
    """Whether the one call of `marked` is never reached."""
    script = Script(parse(text, "train.py"))
    marked = next(call for call in script.calls if isinstance(call.func, ast.Name) and call.func.id == "marked")
    return TakenBranches(script, ["train.py", *arguments]).leave_out(marked)


@pytest.mark.parametrize(
    ("test", "arguments", "expected"),
    [
        ('args.loss == "mse"', (), False),
        ('args.loss == "ce"', (), True),
        ('args.loss == "ce"', ("--loss", "ce"), False),
        ('args.loss == "ce"', ("--loss=ce",), False),
        ("args.rate > 0.5", ("-r", "1"), False),
        ("args.rate > 0.5", ("-r", "0.25"), True),
        ("args.quick", (), True),
        ("args.quick", ("--quick",), False),
        ("not args.augment", ("--no-augment",), False),
        ("not args.augment", (), True),
        ("len(args.sizes) > 1", ("--sizes", "4", "4"), False),
        ("len(args.sizes) > 1", (), True),
        ('args.root == "data"', (), False),
        ("args.root == 1", ("--root", "elsewhere"), False),
        ('"b" in args.kinds', (), True),
        ('"b" in args.kinds', ("--kinds", "B"), False),
        ("args.workers == 0", (), False),
        ("args.workers == 0", ("--workers", "2"), True),
        ("args.unheard_of", (), False),
        ('args.loss == "ce" and unknown()', (), True),
        ('args.loss == "mse" and unknown()', (), False),
    ],
)
def test_options_decide_a_condition(test: str, arguments: tuple[str, ...], *, expected: bool) -> None:
    """By what was given or by the default; a value that the script makes itself decides nothing."""
    assert left_out(PARSER.format(parsed="args = parser.parse_args()", test=test), *arguments) is expected


@pytest.mark.parametrize(
    ("parsed", "expected"),
    [
        ("args, rest = parser.parse_known_args()", True),
        ("args = parser.parse_args([])", True),
        ('args = parser.parse_args(["--quick"])', False),
        ("args = parser.parse_args(read())", False),
        ("args = parser.parse_args()\nargs.quick = choose()", False),
        ("args = parser.parse_args()\nsetattr(args, name, True)", False),
        ("args = parser.parse_args()\nvars(args).__dict__", False),
        ("args = parser.parse_args(namespace=made)", False),
        ("parser.set_defaults(quick=True)\nargs = parser.parse_args()", False),
        ("parser.add_argument(name)\nargs = parser.parse_args()", False),
        ("parser.add_argument('--more', **settings)\nargs = parser.parse_args()", False),
        ("parser.add_argument('--more', action=Own)\nargs = parser.parse_args()", False),
        ("parser.add_argument('--more', nargs=count)\nargs = parser.parse_args()", False),
        ("add_more(parser)\nargs = parser.parse_args()", False),
        ("args = parser.parse_args()\nmerge(args, read())", False),
        ("args = parser.parse_args()\nsettings.merge(args)", False),
        ("args = parser.parse_args()\nload(path)(args)", False),
        ("args = parser.parse_args()\nvars(args).update(read())", False),
        ("args = parser.parse_args()\nprint(args, vars(args))\nlogger.info(args)\nwandb.init(config=args)", True),
        ("def take(o):\n    return o\nargs = parser.parse_args()\nkept = take(args)", True),
        ("class Run:\n    pass\nargs = parser.parse_args()\nRun(args)", True),
        ("other = argparse.ArgumentParser()\nargs = parser.parse_args()", False),
        ("args = parser.parse_args()\nargs = load()", False),
    ],
)
def test_only_a_parser_that_is_told_whole_decides(parsed: str, *, expected: bool) -> None:
    """One that may give something else leaves every branch in."""
    assert left_out(PARSER.format(parsed=parsed, test="args.quick")) is expected


def test_a_command_line_that_the_parser_refuses_decides_nothing() -> None:
    """The script has then changed it, or another parser reads it."""
    text = PARSER.format(parsed="args = parser.parse_args()", test="args.quick")
    assert left_out(text)
    assert not left_out(text, "--rate", "fast")


CALLED = """import sys
def read():
    return sys.argv[1]
def build(way, *, deep=False, wide=True):
    if {test}:
        marked()
def main(argv=None):
    build(read())
if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize(
    ("test", "expected"),
    [('way == "a"', False), ('way == "b"', True), ("deep", True), ("wide", False), ("not wide", True)],
)
def test_arguments_are_what_the_only_call_gives(test: str, *, expected: bool) -> None:
    """Or their default; what a function returns is followed."""
    assert left_out(CALLED.format(test=test), "a") is expected


@pytest.mark.parametrize(
    "more",
    ["build('b')", "run(build)", "build(*given)", "build(**given)"],
)
def test_arguments_that_may_differ_decide_nothing(more: str) -> None:
    """A second call with another value, or a function that is handed on."""
    text = CALLED.format(test='way == "b"')
    assert left_out(text, "a")
    assert not left_out(f"{text}{more}\n", "a")


def test_what_only_a_branch_that_is_left_out_calls_is_left_out() -> None:
    """Through several functions and classes; what is named nowhere may be called from another file."""
    text = """import sys
class Net:
    def forward(self):
        return helper()
def helper():
    marked()
if "--old" in sys.argv:
    net = Net()
"""
    assert left_out(text)
    assert not left_out(text, "--old")
    assert not left_out(f"{text}helper()\n")
    assert not left_out("def helper():\n    marked()\n")
    assert not left_out("def helper():\n    marked()\n    helper()\n")


@pytest.mark.parametrize(
    ("end", "expected"), [("return", True), ("raise SystemExit", True), ("continue", True), ("print()", False)]
)
def test_what_stands_behind_a_way_that_leaves_is_left_out(end: str, *, expected: bool) -> None:
    """The rest of the block is not reached."""
    text = f"""import sys
def train():
    for step in range(9):
        if len(sys.argv) > 1:
            {end}
        else:
            print()
        marked()
train()
"""
    assert left_out(text, "quick") is expected
    assert not left_out(text)


def test_one_arm_of_an_expression_is_left_out() -> None:
    """As a branch of statements is."""
    text = 'import sys\nloss = marked() if sys.argv[1] == "a" else other()\n'
    assert left_out(text, "b")
    assert not left_out(text, "a")


def test_a_changed_command_line_decides_nothing() -> None:
    """Whether a new one is put in its place or it is changed where it is."""
    text = "import sys\n{}\nif 'a' in sys.argv:\n    marked()\n"
    assert left_out(text.format(""))
    assert not left_out(text.format("sys.argv = read()"))
    assert not left_out(text.format("sys.argv.append('a')"))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("for name in names:\n    print(name)\nprint(names, names[0])", True),
        ("names.append('b')", False),
        ("names[0] = 'b'", False),
        ("names += ['b']", False),
        ("others = names\nothers.append('b')", False),
        ("def fill(into):\n    into.append('b')\nfill(names)", False),
        ("vars(names)['b'] = 'b'", False),
    ],
)
def test_a_list_decides_where_nothing_may_change_it(more: str, *, expected: bool) -> None:
    """What is called on it, stored in it or given it may."""
    assert left_out(f"names = ['a']\n{more}\nif 'b' in names:\n    marked()\n") is expected


def test_a_name_of_an_outer_function_that_an_inner_one_binds_decides_nothing() -> None:
    """The inner one may have been called."""
    text = """def main():
    ready = False
    def turn():
        {}
        ready = True
    turn()
    if ready:
        marked()
main()
"""
    assert left_out(text.format("pass"))
    assert not left_out(text.format("nonlocal ready"))


@pytest.mark.parametrize("more", ["globals()['train']()", "@task\ndef train():"])
def test_what_may_be_called_from_elsewhere_is_not_left_out(more: str) -> None:
    """By its name as a text, or by what decorates it."""
    text = "import sys\ndef train():\n    marked()\nif '--old' in sys.argv:\n    train()\n"
    assert left_out(text)
    changed = text.replace("def train():", more) if more.startswith("@") else f"{text}{more}\n"
    assert not left_out(changed)
