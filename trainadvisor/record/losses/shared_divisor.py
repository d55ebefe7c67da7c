"""Whether sums of micro-batches have one divisor in common."""

from typing import Any

# Divisor of a micro-batch's sum over its own terms and the number of micro-batches, where all of them share it.
_SHARED = 0.6, 1.6


def shares_divisor(fact: dict[str, Any], micro: int) -> bool:
    """Return whether sums of micro-batches are divided by the count of all of them, so that they add up to the mean.

    The count may be off by what a batch more or less leaves out.
    """
    divisor, terms = fact.get("divisor"), fact.get("terms")
    if micro < 2 or not divisor or not terms:
        return False
    shared = bool(_SHARED[0] * micro <= divisor / terms <= _SHARED[1] * micro)
    if shared:
        fact["divided_in"] = micro
    return shared
