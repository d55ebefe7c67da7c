"""How often a training has made each call, and what is known of how it makes them; written by whoever sees a call."""

from collections import Counter


class CallCounts(Counter[str]):
    """Counts by name; `divided` tells whether the loss is divided for accumulation, None while that is unknown."""

    divided: bool | None = None

    def add(self, name: str) -> None:
        """Count one more call."""
        self[name] += 1
