"""Lines are measured in terminal cells, and nothing in them commands the terminal."""

from __future__ import annotations

import pytest

from trainadvisor.report.text.layout import cells, clean, flow, pad, spread, wrap


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("梯度", 4), ("a梯b", 4), ("e\u0301", 1), ("", 0)])
def test_cells_counts_terminal_columns(text: str, width: int) -> None:
    """A Chinese character takes two columns, a combining mark none."""
    assert cells(text) == width


def test_clean_shows_control_characters_instead_of_sending_them() -> None:
    """An escape sequence in a layer's name stays visible text."""
    assert clean("fc\x1b[31m\x9b2J\u202e") == "fc\\x1b[31m\\x9b2J\\u202e"


def test_clean_keeps_newlines_and_turns_tabs_into_spaces() -> None:
    """Lines of code stay lines."""
    assert clean("a\n\tb") == "a\n    b"


def test_clean_cuts_the_middle_of_what_is_too_long() -> None:
    """Both ends of a long name tell more than its start alone."""
    assert clean("a" * 10_000, longest=10) == "aaaaa ... aaaaa"


def test_clean_leaves_ordinary_text_alone() -> None:
    """Chinese text with its punctuation is ordinary."""
    assert clean("损失（第 3 步）：2.3") == "损失（第 3 步）：2.3"


def test_wrap_breaks_english_at_spaces() -> None:
    """Words stay whole."""
    assert wrap("the loss became nan", 10) == ["the loss", "became nan"]


def test_wrap_breaks_chinese_between_characters_but_not_before_punctuation() -> None:
    """A line never starts with a comma."""
    assert wrap("学习率过大，训练已发散。", 10) == ["学习率过", "大，训练已", "发散。"]


def test_wrap_keeps_the_spaces_inside_a_line() -> None:
    """Aligned figures stay aligned."""
    assert wrap("median 4e-2    usual 1e-3", 40) == ["median 4e-2    usual 1e-3"]


def test_wrap_cuts_a_word_longer_than_the_line() -> None:
    """A name of any length fits any terminal."""
    assert wrap("abcdefgh", 3) == ["abc", "def", "gh"]


def test_flow_parts_no_item() -> None:
    """A line ends before an item that does not fit."""
    assert flow(["pass 3", "not checked 11", "x"], "   ", 20) == ["pass 3", "not checked 11   x"]
    assert flow([], "   ", 20) == []


def test_pad_fills_to_a_number_of_columns() -> None:
    """Labels in Chinese align with each other."""
    assert [pad("位置", 6), pad("证据链", 6)] == ["位置  ", "证据链"]


def test_spread_puts_the_right_text_at_the_end() -> None:
    """The confidence stands at the end of the headline."""
    assert spread("left", "right", 12) == "left   right"


def test_spread_declines_when_there_is_no_room() -> None:
    """Two texts that would touch are not put on one line."""
    assert spread("left", "right", 10) is None
