"""A schedule that leaves nothing of the rate within the first steps, and those that only look like it."""

from pathlib import Path

import numpy as np
import pytest
from builders import build_log, make_optimizer, site
from preflightkit import LEARNT, RANGE, SLOW, Given, fly, named

from trainadvisor.log.reader import read_log
from trainadvisor.preflight import spent_rate

STEPS = np.arange(60)
SCHEDULER = {"id": 0, "class": "StepLR", "site": site("StepLR(optimizer, 5)", 24), "optimizer": 0, "facts": {}}
HALVED = 0.1 * 0.5 ** (STEPS // 5)


@pytest.mark.parametrize(
    ("rates", "found"),
    [
        (HALVED, True),
        (0.1 * 0.9**STEPS, True),
        (0.1 * 0.5 * (1 + np.cos(np.pi * STEPS / 60)), False),
        (0.1 * (1 - STEPS / 60), False),
        (0.1 * 0.5 * (1 + np.cos(np.pi * (STEPS % 20) / 20)), False),
        (0.1 * 0.5 ** (STEPS // 30), False),
        (np.minimum(STEPS + 1, 20) / 200, False),
        (HALVED[:25], False),
        (np.maximum(0.1 * (1 - STEPS / 20), 0.0), True),
    ],
)
def test_a_rate_that_is_gone_stays_gone(tmp_path: Path, rates: np.ndarray, *, found: bool) -> None:
    """The tail of a cosine, of a line or of one cycle of several is short."""
    columns = {"loss": np.ones(rates.size), "lr": rates}
    log = read_log(build_log(tmp_path, columns=columns, schedulers=[SCHEDULER], optimizers=[make_optimizer()]))
    check = spent_rate.check(log, "en")
    assert (check is not None) == found
    if check is not None:
        assert (check.state, check.findings) == ("failed", ["lr-schedule"])
        assert "(train.py:24)" in check.sentence


def test_a_rate_that_the_script_takes_away_by_itself_is_told_so(tmp_path: Path) -> None:
    """There is no schedule to step less often, and no lower rate that would help."""
    log = read_log(build_log(tmp_path, columns={"loss": np.ones(60), "lr": HALVED}, optimizers=[make_optimizer()]))
    check = spent_rate.check(log, "en")
    assert check is not None
    assert check.sentence == (
        "the script takes the rate from 0.1 to 4.9e-5 within 60 steps (train.py:41): hardly anything is left for the "
        "rest of the run; is it lowered every batch where once an epoch is meant?"
    )


@pytest.mark.parametrize(("end", "outcome"), [({"reason": "cut"}, "fail"), ({}, "pass")])
def test_it_fails_where_the_run_would_have_gone_on(tmp_path: Path, end: dict[str, str], outcome: str) -> None:
    """A script that has taken all of its steps may end at nothing."""
    columns = {"loss": list(SLOW), "lr": HALVED[: len(SLOW)], "loss_id": 0}
    natural = {"columns": columns, "schedulers": [SCHEDULER], "end": end}
    result = fly(Given(tmp_path, natural=natural, one_batch=LEARNT, lr_range=RANGE))
    assert result.outcome == outcome
    assert named(result, "one-batch").state == ("not-judged" if outcome == "fail" else "passed")
