"""Warnings of ours kept quiet beside a running script.

`warnings.catch_warnings` is not made for threads: it would silence the script's own warnings meanwhile, and what the
script catches at the same time would stay caught, or be lost, for good.
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_Filter = tuple[str, re.Pattern[str] | None, type[Warning], re.Pattern[str] | None, int]


@contextmanager
def computing() -> Iterator[None]:
    """Keep quiet what numpy has to say of our own computations."""
    with _ignoring(("ignore", None, RuntimeWarning, re.compile(r"(trainadvisor|numpy|scipy)\b"), 0)):
        yield


@contextmanager
def parsing() -> Iterator[None]:
    """Keep quiet what Python has to say of a source that it parses; it has told so where that was run."""
    escapes = re.compile("invalid (escape|octal)")
    with _ignoring(("ignore", None, SyntaxWarning, None, 0), ("ignore", escapes, DeprecationWarning, None, 0)):
        yield


@contextmanager
def _ignoring(*filters: _Filter) -> Iterator[None]:
    """Put filters before the others, and take them out wherever another thread has meanwhile copied or moved them.

    The list changes in place and the count of its changes stays, so that no warning that was shown is shown again.
    """
    before: list[Any] = warnings.filters  # type: ignore[assignment]
    before[:0] = filters
    try:
        yield
    finally:
        lists = [before] if warnings.filters is before else [before, warnings.filters]
        for held in lists:
            for place in [n for n, one in enumerate(held) if any(one is mine for mine in filters)][::-1]:
                del held[place]  # type: ignore[attr-defined]
