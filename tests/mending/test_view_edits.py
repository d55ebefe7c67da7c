"""A view that exchanges axes is mended where the script makes it, if one view alone can have made the shape."""

import pytest
from mending.test_single_edits import mended


def shapes(before, after):
    """Return the shapes that the finding of a view carries."""
    return {"scrambled_before": before, "scrambled_after": after}


@pytest.mark.parametrize(
    ("line", "before", "after", "made"),
    [
        ("h = h.view(-1, 2 * n)", "(2, 40, 32)", "(40, 64)", "h = h.transpose(0, 1).reshape(-1, 2 * n)"),
        ("h = h.view((-1, 64))", "(2, 40, 32)", "(40, 64)", "h = h.transpose(0, 1).reshape((-1, 64))"),
        ("h = h.view(40, -1)", "(2, 40, 4, 8)", "(40, 64)", "h = h.transpose(0, 1).reshape(40, -1)"),
        ("h = h.view(b, 9, -1)", "(40, 2, 9, 8)", "(40, 9, 16)", "h = h.transpose(1, 2).reshape(b, 9, -1)"),
        ("x = x.view(-1, 3, 28, 30)", "(32, 28, 30, 3)", "(32, 3, 28, 30)", "x = x.permute(0, 3, 1, 2)"),
        ("s = s.reshape(-1, 5)", "(8, 5, 6, 7)", "(336, 5)", "s = s.movedim(1, -1).reshape(-1, 5)"),
    ],
)
def test_the_axes_are_moved_before_the_view(line, before, after, made):
    """By transpose, permute or movedim, as the sizes tell."""
    assert mended("scrambled-axes", f"{line}\n", values=shapes(before, after)) == [f"-{line}", f"+{made}"]


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("h = h.view(-1, 64)\ng = g.view(-1, n)\n", "(2, 40, 32)", "(40, 64)"),
        ("h = h.view(-1, 32)\n", "(2, 40, 32)", "(40, 64)"),
        ("h = h.view(-1)\n", "(2, 40, 32)", "(40, 64)"),
        ("h = h.view(*sizes, 64)\n", "(2, 40, 32)", "(40, 64)"),
        ("h = h.transpose(0, 1).reshape(-1, 64)\n", "(2, 40, 32)", "(40, 64)"),
        ("h = view(h, 64)\n", "(2, 40, 32)", "(40, 64)"),
        ("x = x.view(-1, 3, 28, 28)\n", "(32, 28, 28, 3)", "(32, 3, 28, 28)"),
        ("h = h.view(-1, 30)\n", "(2, 40, 30)", "(80, 30)"),
        ("h = h.view(40, 2, -1)\n", "(40, 64)", "(40, 2, 32)"),
        ("h = h.view(3, 4)\n", "(3, 4, 5)", "(3, 4)"),
        ("h = h.view(40, 1, 64)\n", "(2, 40, 32)", "(40, 1, 64)"),
    ],
    ids=[
        "two views",
        "another size",
        "one axis",
        "sizes unseen",
        "moved before",
        "function",
        "equal axes",
        "no passing",
        "cut",
        "another number",
        "an axis more",
    ],
)
def test_a_view_that_the_sizes_do_not_tell_is_left(text, before, after):
    """No change is made up where the place or the order of the axes is a guess."""
    assert mended("scrambled-axes", text, values=shapes(before, after)) is None


def test_a_sentence_without_shapes_tells_no_view():
    """As that of a fault that was found in the source alone."""
    assert mended("scrambled-axes", "h = h.view(-1, 64)\n", sentence="Rewards are viewed as blocks.") is None
