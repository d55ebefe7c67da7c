"""The word by which a script names its split is read from its variables, which stay as they are."""

from __future__ import annotations

import sys
import weakref
from typing import Any

import pytest
import torch

from trainadvisor.instrument.split_words import split_word


@pytest.mark.parametrize(("value", "word"), [("val", "val"), ("Test", "test"), ("relu", None), (3, None)])
def test_the_word_of_a_variable(value: object, word: str | None) -> None:
    """A split's name, whatever the variable is called."""

    def evaluate(part: object) -> tuple[object, str | None]:
        return part, split_word([sys._getframe()])

    assert evaluate(value)[1] == word


def test_two_words_in_one_function_name_none() -> None:
    """One is a setting, the other the split; which is which is not known."""

    def evaluate(mode: str, split: str) -> tuple[str, str, str | None]:
        return mode, split, split_word([sys._getframe()])

    assert evaluate("train", "val")[2] is None
    assert evaluate("val", "val")[2] == "val"


def test_the_innermost_function_with_a_word_counts() -> None:
    """The caller's mode is another matter."""

    def evaluate(split: str) -> tuple[str, str | None]:
        return split, split_word([sys._getframe(), sys._getframe(1)])

    def train(mode: str, split: str) -> tuple[str, str | None]:
        return mode, evaluate(split)[1]

    assert train("train", "val")[1] == "val"


def test_a_dictionary_of_its_variables_that_a_function_holds_stays_as_it_is() -> None:
    """A script that keeps `locals()` would see it renewed or emptied."""

    def evaluate(split: str) -> tuple[str | None, dict[str, Any]]:
        settings = locals()
        later = "not there yet"
        return split_word([sys._getframe()]), {**settings, "told": later, "is": split}

    word, settings = evaluate("val")
    assert (word, settings["split"], "later" in settings) == (None, "val", False)


def test_no_variable_is_kept_alive() -> None:
    """A batch that the function has let go of is gone, although the function runs on."""

    def evaluate(split: str) -> tuple[str, str | None, bool]:
        batch = torch.ones(3)
        alive = weakref.ref(batch)
        word = split_word([sys._getframe()])
        del batch
        return split, word, alive() is not None

    assert evaluate("val") == ("val", "val", False)
