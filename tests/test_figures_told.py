"""What figures and sayings in a question mean."""

import pytest

from trainadvisor.answers.figures import plain
from trainadvisor.answers.meaning import meanings


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("my net answers 'negative' for 100% of patients", "=oneclass"),
        ("病人全部判成阴性", "=oneclass"),
        ("100分类loss一直4.6", "=chance"),
        ("loss stays 5.3 with 200 classes", "=chance"),
        ("first epoch took 5 min, tenth takes 25 min", "=slowing"),
        ("第一轮两分钟，跑到第十轮要九分钟", "=slowing"),
        ("训练和验证都只有六十多", "=poor"),
        ("loss -3.5", "=negative"),
        ("so slowww", "=slow"),
        ("訓練損失不下降", "=stuck"),
    ],
)
def test_figures_and_sayings_have_a_meaning(text, meaning):
    """One answer for all, the loss of guessing, ever longer epochs, tens of points, below zero, and how it is typed."""
    assert meaning in meanings(text)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("what should it predict for this image", "=oneclass"),
        ("classify all at once", "=oneclass"),
        ("loss is 2.9 with 200 classes", "=chance"),
        ("the initial loss is 5.3 with 200 classes", "=chance"),
        ("the first run took 5 min", "=slowing"),
    ],
)
def test_others_have_not(text, meaning):
    """Some inputs, other figures, guessing before anything is learned, and one time alone."""
    assert meaning not in meanings(text)


def test_traditional_characters_become_simplified_ones():
    """Drawled letters become one, whatever case they have."""
    assert plain("為什麼訓練Sooo慢") == "为什么训练so慢"


@pytest.mark.parametrize("text", ["{} classes loss 0.69", "gpu usage is {} percent", "{} training, {} validation"])
def test_a_number_without_end_is_a_large_one(text: str) -> None:
    """Python reads no more than 4,300 digits."""
    assert meanings(text.replace("{}", "9" * 5000)) == meanings(text.replace("{}", "9" * 15))
