"""A run as plain data for plotting: lists of numbers and names, bounded in size for any log."""

from typing import Any

from trainadvisor.log.curves import heat, layer_rows, run_details, step_series
from trainadvisor.log.reader import RunLog

__all__ = ["curves"]

POINTS = 1000


def curves(log: RunLog, points: int = POINTS) -> dict[str, Any]:
    """Return the series, marks, layers and facts of the main phase; series have at most `points` points."""
    return {
        "span": step_series.span(log),
        "series": step_series.series(log, points),
        "marks": step_series.marks(log),
        "heat": heat.maps(log),
        "layers": layer_rows.table(log),
        **run_details.facts(log),
    }
