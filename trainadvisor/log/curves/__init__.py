"""A run as plain data that can be drawn: lists of numbers and names, small whatever the size of the log."""

from typing import Any

from trainadvisor.log.curves import facts, heat, layers, series
from trainadvisor.log.reader import RunLog

__all__ = ["curves"]

POINTS = 1000


def curves(log: RunLog, points: int = POINTS) -> dict[str, Any]:
    """Return the series, marks, layers and facts of the main stage; series have at most `points` points."""
    return {
        "span": series.span(log),
        "series": series.series(log, points),
        "marks": series.marks(log),
        "heat": heat.maps(log),
        "layers": layers.table(log),
        **facts.facts(log),
    }
