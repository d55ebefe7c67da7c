"""What the pieces of questions speak for, learned from those with known answers."""

import pytest

from trainadvisor.answers.learned import learn, spoken_for

QUESTIONS = [
    {"slow": 0.6, "training": 0.8},
    {"slow": 0.6, "epoch": 0.8},
    {"nan": 0.6, "training": 0.8},
    {"nan": 0.6, "epoch": 0.8},
    {"once": 1.0},
]
NAMES = ["slow", "slow", "nan", "nan", "once"]
ANSWERS = ["slow", "nan", "once"]


def test_what_tells_answers_apart_speaks_for_them():
    """And what both hold speaks for neither of them more than for the other."""
    weights = learn(QUESTIONS, NAMES)
    found = spoken_for({"nan": 0.6, "training": 0.8}, weights, ANSWERS)
    assert max(found, key=found.__getitem__) == "nan"
    alone = spoken_for({"training": 1.0}, weights, ANSWERS)
    assert alone["slow"] == pytest.approx(alone["nan"], abs=0.2)


def test_what_a_single_question_holds_speaks_for_nothing():
    """A rare word decides no answer."""
    weights = learn(QUESTIONS, NAMES)
    assert "once" not in weights
    assert spoken_for({"once": 1.0, "unknown": 1.0}, weights, ANSWERS) == dict.fromkeys(ANSWERS, 0.0)


def test_the_same_questions_teach_the_same():
    """Nothing is left to chance."""
    assert learn(QUESTIONS, NAMES) == learn(QUESTIONS, NAMES)


def test_weights_are_whole_hundredths_of_the_answers_they_speak_for():
    """Small and quick to read from a file."""
    for numbers, hundredths in learn(QUESTIONS, NAMES).values():
        assert len(numbers) == len(hundredths)
        assert all(isinstance(each, int) for each in (*numbers, *hundredths))
