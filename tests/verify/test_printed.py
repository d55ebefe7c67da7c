"""Figures that scripts print, by the words before them."""

import math

import pytest

from trainadvisor.verify.stdout_metrics import printed


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("epoch 3 train loss 0.4 val_loss 0.5", "printed validation loss", 0.5),
        ("[Epoch 003] loss=0.4 val=0.5 auc=0.75", "printed validation auc", 0.75),
        ("iter 50 loss_kd 0.41 acc 0.93", "printed acc", 0.93),
        ("Test set: Average loss: 0.0523, Accuracy: 9834/10000 (98%)", "printed validation accuracy", 0.9834),
        ("Accuracy of the network on the 10000 test images: 54 %", "printed validation accuracy", 0.54),
        ('RESULT {"train_loss": 0.1, "valLoss": 0.25}', "printed validation loss", 0.25),
        ("step 80 1-nn accuracy 0.5", "printed nn accuracy", 0.5),
        ("recall@5 0.6", "printed recall", 0.6),
        ("val mIoU: 45.3", "printed validation miou", 0.453),
        ("val acc 0.5%", "printed validation acc", 0.005),
        ("Epoch 3/10 val mse: 1e-3", "printed validation mse", 0.001),
    ],
)
def test_a_metric_is_known_by_its_words(text, name, value):
    """The number behind a metric's word is its value; the words before say whose data it is about."""
    assert printed(text)[name].value == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        "epoch 3/10 lr 0.1",
        "train loss 0.4 train acc 0.5",
        "loss 0.3",
        "accuracy 4523",
        "val 0.5",
        "losses fell 3 times",
    ],
)
def test_other_numbers_are_left_alone(text):
    """Training figures, counters, rates and losses of unknown data are not taken."""
    assert printed(text) == {}


def test_each_line_counts_once():
    """Five lines are too few to be settled, so the last one counts."""
    assert printed("\n".join(f"acc 0.{v}" for v in (1, 2, 3, 4, 9)))["printed acc"].value == 0.9


def test_the_last_value_counts():
    """A short series ends at its last value, a long one at the median of its last three."""
    short, long = "\n".join(f"acc {v}" for v in (0.1, 0.5)), "\n".join(f"acc 0.{v}" for v in (1, 2, 3, 9, 5, 6))
    assert printed(short)["printed acc"].value == 0.5
    assert printed(long)["printed acc"].value == 0.6


def test_percentages_are_shares():
    """Values above one make the whole series percentages."""
    assert printed("acc 0.5\nacc 62.5")["printed acc"].value == 0.625


def test_a_value_that_is_lost_is_nan():
    """NaN is a value, not a word."""
    assert math.isnan(printed("val_loss 0.5\nval_loss nan")["printed validation loss"].value)


def test_progress_bars_are_lines_too():
    """A carriage return ends a line."""
    assert printed("val loss 0.5\rval loss 0.4")["printed validation loss"].value == 0.4
