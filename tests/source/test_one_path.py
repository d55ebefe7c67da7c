"""Whether one run of a function can come from one place to another."""

import ast

import pytest

from trainadvisor.source.one_path import in_other_branch, one_path

APART = {
    "branches": "if c:\n    first\nelse:\n    second",
    "branches further down": "if c:\n    with m:\n        first\nelif d:\n    second",
    "an expression": "x = first if c else second",
    "cases": "match c:\n    case 1:\n        first\n    case _:\n        second",
    "a return": "def f():\n    if c:\n        return first\n    second",
    "a return later": "def f():\n    if c:\n        first\n        return\n    second",
    "a pass that ends": "for _ in c:\n    if d:\n        first\n        continue\n    second",
    "an exception that is caught": "try:\n    first\nexcept E:\n    second",
    "two exceptions": "try:\n    c\nexcept E:\n    first\nexcept F:\n    second",
}
TOGETHER = {
    "one behind the other": "first\nsecond",
    "behind a branch": "if c:\n    first\nsecond",
    "what is asked": "if first:\n    second",
    "the same branch": "if c:\n    first\n    second",
    "another return": "def f():\n    if c:\n        return\n    first\n    second",
    "behind what was tried": "try:\n    first\nfinally:\n    second",
    "behind no exception": "try:\n    first\nexcept E:\n    c\nelse:\n    second",
    "where one exception is caught": "try:\n    c\nexcept E:\n    first\n    second",
    "the subject of a match": "match first:\n    case 1:\n        second",
    "the start of a loop": "for _ in first:\n    second",
}


def _places(code: str) -> tuple[dict[ast.AST, ast.AST], ast.AST, ast.AST]:
    tree = ast.parse(code)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    first, second = (next(n for n in parents if getattr(n, "id", "") == name) for name in ("first", "second"))
    return parents, first, second


@pytest.mark.parametrize("code", APART.values(), ids=APART)
def test_no_path_leads_from_one_branch_to_another_or_past_a_return(code: str) -> None:
    """Nor from what is tried to where its exception is caught."""
    assert not one_path(*_places(code))


@pytest.mark.parametrize("code", TOGETHER.values(), ids=TOGETHER)
def test_a_path_leads_to_what_stands_behind(code: str) -> None:
    """In the same branch, behind all of them, and in the part that no exception comes to."""
    assert one_path(*_places(code))


def test_a_value_of_what_is_tried_may_be_read_where_the_exception_is_caught() -> None:
    """It was bound before the exception came; of two cases only one binds."""
    assert not in_other_branch(*_places(APART["an exception that is caught"]))
    assert in_other_branch(*_places(APART["cases"]))
