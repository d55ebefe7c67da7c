"""Keeps every mistake of ours out of the user's training."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_PATIENCE = 3
"""Errors after which a probe is switched off."""


class Guard:
    """Calls probes; one that raises is reported once and, after three errors, switched off."""

    def __init__(self, report: Callable[[str, str], None]) -> None:
        """Take the function that is told (probe, error)."""
        self._report = report
        self._failures: Counter[str] = Counter()

    def __call__(self, name: str, function: Callable[..., Any], *args: object) -> Any:
        """Return what the probe returns, or None when it failed or is off."""
        if self._failures.get(name, 0) >= _PATIENCE:
            return None
        try:
            return function(*args)
        except Exception as error:  # noqa: BLE001 - the promise of this class
            self.failed(name, error)
            return None

    def failed(self, name: str, error: Exception) -> bool:
        """Count a failure and report the first; say whether it was one too many."""
        self._failures[name] += 1
        if self._failures[name] == 1:
            with suppress(Exception):  # the log itself may be what fails
                self._report(name, f"{type(error).__name__}: {error}"[:300])
        return self._failures[name] >= _PATIENCE
