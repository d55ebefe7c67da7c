"""What a script printed of its evaluations stands beside what was recorded of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import event, log_of

from trainadvisor.log.printed_figures import printed

if TYPE_CHECKING:
    from pathlib import Path


def _printed(step: int, **data: Any) -> dict[str, Any]:
    return event("figures-printed", data, step=step)


def _eval(step: int, **fields: Any) -> dict[str, Any]:
    return {"step": step, "loss": 1.0, "series": 0, "metrics": {"accuracy": 0.5}, **fields}


def _metrics(folder: Path, evals: list[dict[str, Any]], *events: dict[str, Any]) -> list[dict[str, Any]]:
    log = log_of(folder, columns={"loss": [1.0] * 40}, evals=evals, events=events)
    return [record["metrics"] for record in log.evals]


def test_printed_metrics_join_the_evaluation_of_their_step(tmp_path: Path) -> None:
    """Those of the other step none; ours come first."""
    told = _metrics(tmp_path, [_eval(10), _eval(20)], _printed(20, held_out={"val f1": 0.4}))
    assert [list(one.items()) for one in told] == [[("accuracy", 0.5)], [("accuracy", 0.5), ("val f1", 0.4)]]


def test_what_we_recorded_is_not_replaced(tmp_path: Path) -> None:
    """Where a script prints under our own name."""
    assert _metrics(tmp_path, [_eval(10)], _printed(10, held_out={"accuracy": 0.9})) == [{"accuracy": 0.5}]


def test_the_last_of_two_evaluations_at_one_step_is_meant(tmp_path: Path) -> None:
    """As when each part of an evaluation is a record."""
    told = _metrics(tmp_path, [_eval(10), _eval(10)], _printed(10, held_out={"val f1": 0.4}))
    assert told == [{"accuracy": 0.5}, {"accuracy": 0.5, "val f1": 0.4}]


def test_a_later_line_of_a_step_replaces_an_earlier_one(tmp_path: Path) -> None:
    """As the script tells it last."""
    lines = [_printed(10, held_out={"val f1": 0.4}), _printed(10, held_out={"val f1": 0.6, "val auc": 0.7})]
    assert _metrics(tmp_path, [_eval(10)], *lines) == [{"accuracy": 0.5, "val f1": 0.6, "val auc": 0.7}]


def test_what_does_not_say_its_data_is_of_the_only_evaluation(tmp_path: Path) -> None:
    """Without an evaluation of the training data it can be of nothing else."""
    assert _metrics(tmp_path, [_eval(10)], _printed(10, unsaid={"f1": 0.4})) == [{"accuracy": 0.5, "f1": 0.4}]


def test_what_does_not_say_its_data_is_left_out_where_the_training_data_are_evaluated_too(tmp_path: Path) -> None:
    """It may be of these."""
    evals = [_eval(10, series=1, split="train"), _eval(10)]
    assert _metrics(tmp_path, evals, _printed(10, unsaid={"f1": 0.4})) == [{"accuracy": 0.5}]


def test_values_that_are_no_numbers_are_left_out(tmp_path: Path) -> None:
    """Whatever a log holds in their place."""
    log = log_of(
        tmp_path, steps=5, events=[_printed(3, held_out={"f1": "x", "auc": 0.5}), _printed(4, held_out={"f1": None})]
    )
    assert printed(log.events, "held_out") == [(3, {"auc": 0.5})]


@pytest.mark.parametrize("data", [{"held_out": 3}, {"unsaid": [1]}])
def test_an_event_of_another_form_is_left_out(tmp_path: Path, data: dict[str, Any]) -> None:
    """As every event whose fields have other types."""
    assert log_of(tmp_path, steps=5, events=[_printed(3, **data)]).events == []
