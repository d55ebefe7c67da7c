"""Lines of code in a report: the number, the line, and a mark under the part that matters."""

import pytest

from trainadvisor.judge.result import Site
from trainadvisor.report.text.excerpt import excerpts

LINE = "        loss = F.nll_loss(model(x), y)"


def test_the_part_is_marked_without_the_indentation() -> None:
    """Columns count in the file, from 1."""
    assert list(excerpts([Site(file="a.py", line=7, source=LINE, column=16, end_column=26)], 80)) == [
        "    7 | loss = F.nll_loss(model(x), y)",
        "      |        ^^^^^^^^^^",
    ]


@pytest.mark.parametrize(("column", "end", "marked"), [(2, 9, "^"), (2, 14, "^^^^^"), (9, 9, "^"), (9, 10, "^")])
def test_a_part_that_begins_in_the_indentation_is_marked_from_the_first_character(
    column: int, end: int, marked: str
) -> None:
    """At least that one is."""
    found = list(excerpts([Site(file="a.py", line=7, source=LINE, column=column, end_column=end)], 80))
    assert found[1] == f"      | {marked}"


def test_another_file_is_named() -> None:
    """Of the first one the row beside says it; a line that was recorded without columns has no mark."""
    sites = [Site(file="a.py", line=7, source="x = 1"), Site(file="b.py", line=3, source="y = 2"), Site(file="b.py")]
    assert list(excerpts(sites, 80)) == ["    7 | x = 1", "b.py:", "    3 | y = 2"]


def test_a_long_line_is_cut_around_the_part() -> None:
    """Also where its characters are wide: the mark stands under the part."""
    text = "f(" + "'字', " * 40 + "rate)"
    place = text.index("rate")
    found = list(excerpts([Site(file="a.py", line=1, source=text, column=place + 1, end_column=place + 5)], 60))
    assert found[0].endswith("rate)")
    assert max(map(len, found)) <= 60
    assert found[1].strip("| ") == "^^^^"


def test_no_word_is_cut() -> None:
    """Dots stand for what was left out, behind a whole word."""
    text = "self.encoder_of_images = torch.nn.Linear(features_of_an_image, features_of_the_code)"
    (line,) = excerpts([Site(file="a.py", line=1, source=text)], 74)
    assert line == "    1 | self.encoder_of_images = torch.nn.Linear(features_of_an_image,..."
