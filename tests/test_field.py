"""Which questions are about training at all, by the words of questions that are and of others that are not."""

import pytest

from trainadvisor.answers.field import belonging, field

OWN = ["loss is nan", "validation loss rises", "显存不足", "显存占满"]
OTHERS = ["train ticket to rome", "行李丢失"]
WORDS = field(OWN, OTHERS)


@pytest.mark.parametrize("text", ["validation loss", "显存占用"])
def test_words_of_the_field_speak_for_it(text):
    """In either language."""
    assert belonging(text, WORDS) > 0


@pytest.mark.parametrize("text", ["ticket to rome", "行李丢失", "strange planet", "番茄种植"])
def test_words_of_others_and_new_ones_speak_against_it(text):
    """Nobody asked with them."""
    assert belonging(text, WORDS) < 0


@pytest.mark.parametrize("text", ["why is it so", "", "0.5"])
def test_words_that_all_questions_hold_say_nothing(text):
    """Nor do figures."""
    assert belonging(text, WORDS) == 0.0
