"""Signals of optimizers that one line makes again and again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from builders import event, signals_of

OPTIMIZER = {"class": "Adam", "site": {"file": "t.py", "line": 3}, "groups": [{"parameters": [0]}]}


MAPPED = {"role": "train", "iterable": False}


def _seen(tmp_path: Path, losses: list[float], loaders: Sequence[dict[str, Any]] = (), **columns: Any) -> Any:
    detail = {"first": 0, "optimizer": 3, "made": 4, "forgetful": 2, "steps": len(losses), "firsts": [4, 6]}
    return signals_of(
        tmp_path,
        columns={"loss": losses, "opt": [[i // 2] for i in range(len(losses))], **columns},
        optimizers=[{"id": i, **OPTIMIZER} for i in range(4)],
        loaders=[{"id": number, **loader} for number, loader in enumerate(loaders)],
        events=[event("optimizer-anew", {**detail, "forgetful": 1}), event("optimizer-anew", detail)],
    )


def test_the_last_counts_of_a_line_are_told(tmp_path: Path) -> None:
    """Two of four optimizers forgot; each made two steps, half a pass over the data."""
    seen = _seen(tmp_path, [1.0] * 8, epoch=[0, 0, 0, 0, 1, 1, 1, 1])
    assert (seen["renewed_optimizers"], seen["renewal_steps"], seen["renewal_epochs"]) == (2, 2.0, 0.5)


def test_the_loss_at_a_border_is_compared_with_the_steps_before(tmp_path: Path) -> None:
    """Losses of 3 after a level of 1, in the middle, show other data."""
    assert _seen(tmp_path, [1, 1, 1, 1, 3, 1, 3, 1])["renewal_loss_ratio"] == pytest.approx(3.0)
    assert _seen(tmp_path, [1.0] * 8)["renewal_loss_ratio"] == pytest.approx(1.0)


def test_a_run_with_one_optimizer_renews_none(tmp_path: Path) -> None:
    """None is known for an imported log."""
    assert signals_of(tmp_path, steps=5, optimizers=[{"id": 0, **OPTIMIZER}])["renewed_optimizers"] == 0
    assert signals_of(tmp_path, steps=5, source="import:csv")["renewed_optimizers"] is None


@pytest.mark.parametrize(
    ("loaders", "one"),
    [([], False), ([MAPPED], True), ([MAPPED, MAPPED], False), ([{**MAPPED, "iterable": True}], False)],
)
def test_one_loader_of_a_fixed_data_set_serves_all_of_them(
    tmp_path: Path, loaders: list[dict[str, Any]], *, one: bool
) -> None:
    """A second loader of the training or a stream may bring another task."""
    other = {"role": "eval", "iterable": False}
    assert _seen(tmp_path, [1.0] * 8, [*loaders, other])["renewal_one_loader"] is one
