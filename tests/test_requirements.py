"""Requirements on figures: how they are read, converted and shown."""

from __future__ import annotations

import pytest

from trainadvisor.errors import UsageError
from trainadvisor.requirements import parse, shown


@pytest.mark.parametrize(
    ("text", "metric", "op", "limit"),
    [
        ("val_loss<=0.3", "val_loss", "<=", 0.3),
        (" accuracy >= 97% ", "accuracy", ">=", 0.97),
        ("step_time_p95<60ms", "step_time_p95", "<", 0.06),
        ("step_time>2us", "step_time", ">", 2e-6),
        ("step_time_p50 <= 0.5 min", "step_time_p50", "<=", 30.0),
        ("step_time_p99==1.5s", "step_time_p99", "==", 1.5),
        ("memory!=1024", "memory", "!=", 1024.0),
        ("memory<2GB", "memory", "<", 2000.0),
        ("memory<500kB", "memory", "<", 0.5),
        ("loss > -1e-3", "loss", ">", -0.001),
    ],
)
def test_a_requirement_is_read(text: str, metric: str, op: str, limit: float) -> None:
    """In the unit that the figure is kept in; a memory without a unit is in MB."""
    found = parse(text)
    assert (found.metric, found.op, found.text) == (metric, op, " ".join(text.split()))
    assert found.limit == pytest.approx(limit)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("val_loss", "cannot be read; write it like"),
        ("val_loss=0.3", "cannot be read"),
        ("val_loss<1.2.3", "cannot be read"),
        ("val_loss<1e999", "cannot be read"),
        ("val_lost<1", r"no figure is called val_lost; did you mean \"val_loss\"\?; known are loss, "),
        ("val_loss<3s", "val_loss is measured in %"),
        ("step_time<3", "step_time is measured in s or ms or us or min"),
        ("step_time<3MB", "step_time is measured in s or ms"),
        ("memory<3s", "memory is measured in kB or MB or GB"),
        ("memory<3%", "memory is measured in kB or MB or GB"),
        ("memory<3TB", "memory is measured in kB or MB or GB"),
    ],
)
def test_a_mistake_is_told(text: str, complaint: str) -> None:
    """With what could have been meant."""
    with pytest.raises(UsageError, match=complaint):
        parse(text)


@pytest.mark.parametrize(
    ("op", "below", "equal", "above"),
    [
        ("<", True, False, False),
        ("<=", True, True, False),
        ("==", False, True, False),
        ("!=", True, False, True),
        (">=", False, True, True),
        (">", False, False, True),
    ],
)
def test_a_value_is_compared(op: str, *, below: bool, equal: bool, above: bool) -> None:
    """With the limit itself on the side that the sign says."""
    found = parse(f"loss{op}2")
    assert [found.holds(value) for value in (1.0, 2.0, 3.0)] == [below, equal, above]


def test_the_value_of_a_run_is_a_number() -> None:
    """What was not recorded is unknown, and so is a truth value or a text."""
    found = parse("val_loss<1")
    assert found.value({"val_loss_final": 3, "loss_final": 4}) == 3.0
    assert [found.value(run) for run in ({}, {"val_loss_final": True}, {"val_loss_final": "1"})] == [None] * 3


def test_a_metric_goes_by_the_name_of_the_log() -> None:
    """With or without "val", and the accuracy by its short name; what several names mean is not guessed."""
    run = {"val_metrics": {"val_acc": 0.94, "f1": 0.5, "eval/auc": 0.9, "test_auc": 0.8}}
    names = ("val_acc", "val_accuracy", "eval_f1", "f1", "auc", "bleu")
    assert [parse(f"{name}>0.1").value(run) for name in names] == [0.94, 0.94, 0.5, 0.5, None, None]
    assert parse("val_acc>0.1").value({"val_accuracy_final": 0.2, **run}) == 0.2
    assert shown("val_f1", 0.5) == "0.5"


def test_figures_of_speed_and_memory_are_known() -> None:
    """They only compare on the same kind of device."""
    names = ("step_time", "step_time_p50", "step_time_p95", "step_time_p99")
    assert [parse(f"{name}<1s").timing for name in names] == [True] * 4
    assert [parse(f"{name}<1").timing for name in ("wait", "overhead", "memory")] == [True] * 3
    assert [parse(f"{name}<1").timing for name in ("loss", "skill", "steps", "dead_units")] == [False] * 4


def test_a_figure_is_shown_with_its_unit() -> None:
    """Seconds below one in milliseconds, shares in per cent."""
    seconds = [shown("step_time", value) for value in (0.0512, 1.0, 2.5)]
    assert seconds == ["51.2 ms", "1 s", "2.5 s"]
    assert [shown("memory", 1234.5), shown("wait", 0.25), shown("dead_units", 0.5)] == ["1234 MB", "25 %", "50 %"]
    assert [shown("loss", 0.123456), shown("accuracy", 0.5)] == ["0.1235", "0.5"]
