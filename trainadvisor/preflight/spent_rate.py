"""A learning rate that a schedule or the script itself has driven to nothing within the first steps of a longer run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trainadvisor.i18n.language import say
from trainadvisor.judge.object_sites import main_object, site_of
from trainadvisor.preflight.preflight_result import Check
from trainadvisor.vocabulary import Severity

if TYPE_CHECKING:
    from trainadvisor.log.reader import RunLog

CODE = "lr-schedule"
# Shares of the peak: of the last rate, and of every rate in the last third of the steps, so that one cycle of a
# schedule that starts again, or the tail of a short one, is not taken for it.
LAST, THROUGHOUT = 0.01, 0.1
FEWEST = 30


def check(log: RunLog, lang: str) -> Check | None:
    """Return what the schedule has left of the rate, where that is next to nothing; None where it is not."""
    rates = log.lr[np.isfinite(log.lr)]
    if rates.size < FEWEST:
        return None
    peak, last = float(rates.max()), float(rates[-1])
    late = rates[-(rates.size // 3) :]
    if peak <= 0 or last >= LAST * peak or late.max() >= THROUGHOUT * peak:
        return None
    site = site_of(main_object(log, "scheduler"))  # the optimizer's, where the script sets the rate by itself
    figures: dict[str, Any] = {"steps": int(rates.size), "peak": peak, "last": last, "share": last / peak}
    where = f" ({site.where})" if site is not None else ""
    return Check(
        name="learning-rate", state="failed", severity=Severity.ERROR, figures=figures, findings=[CODE],
        sentence=say(f"preflight.rate.spent{'' if log.schedulers else '.by-hand'}", lang, where=where, **figures),
    )  # fmt: skip
