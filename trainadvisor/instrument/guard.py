"""Keeps every mistake of ours out of the user's training."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch

from trainadvisor.interruptions import from_handler, suppressed

# Errors after which a probe is switched off.
_PATIENCE = 3


class Guard:
    """Calls probes; one that raises is reported once and, after three errors, switched off."""

    def __init__(self, report: Callable[[str, str], None]) -> None:
        """Take the function that is told (probe, error)."""
        self._report = report
        self._failures: Counter[str] = Counter()
        self._told: set[str] = set()
        # Whether nothing has failed yet.
        self.is_clean = True

    def __call__(self, name: str, function: Callable[..., Any], *args: object) -> Any:
        """Return what the probe returns, or None when it failed or is off."""
        if self._failures.get(name, 0) >= _PATIENCE:
            return None
        gradients = torch.is_grad_enabled()
        try:
            return function(*args)
        except BaseException as error:
            torch.set_grad_enabled(gradients)  # raised at the border of a `no_grad` of ours, it would stay off
            if not isinstance(error, Exception) or from_handler(error):
                raise
            self.failed(name, error)
            return None

    def failed(self, name: str, error: Exception) -> bool:
        """Report the first failure and count it; return whether it was one too many."""
        if name not in self._told:
            self._told.add(name)
            with suppressed():  # the log itself may be what fails
                self._report(name, f"{type(error).__name__}: {error}"[:300])
        if isinstance(error, RecursionError):
            return False  # the script's own calls have filled the stack: no mistake of the probe's
        self.is_clean = False
        self._failures[name] += 1
        return self._failures[name] >= _PATIENCE
