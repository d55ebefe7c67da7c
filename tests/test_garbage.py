"""When garbage is looked for: not while much is made at once, and never against the user's own setting."""

from __future__ import annotations

import gc

from trainadvisor import garbage


def _looks_within() -> int:
    """Return how often garbage is looked for while many containers are made."""
    looks: list[str] = []
    callback = lambda phase, _: looks.append(phase)  # noqa: E731 - removed below as the same object
    gc.callbacks.append(callback)
    try:
        _ = [[number] for number in range(20_000)]
        return len(looks)
    finally:
        gc.callbacks.remove(callback)


def test_no_garbage_is_looked_for_within() -> None:
    """Outside it is."""
    assert _looks_within() > 0
    with garbage.later():
        assert _looks_within() == 0
    assert gc.isenabled()


def test_what_the_user_switched_off_stays_off() -> None:
    """Before, within and after."""
    gc.disable()
    try:
        with garbage.later():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
