"""When Python looks for garbage: rarely in a command that ends soon, and not within work that makes much at once."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Objects that are made before cycles among them are looked for.
RARELY = 100_000


@contextmanager
def rarely() -> Iterator[None]:
    """Look for garbage rarely, and leave what is there when the block ends to the end of the process.

    The modules and rules of a short command stay until its end; looking through them takes a fifth of its time.
    """
    usual = gc.get_threshold()
    gc.set_threshold(RARELY, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.freeze()


@contextmanager
def later() -> Iterator[None]:
    """Look for no garbage within the block: what is made in it is in use, and each look goes through all of torch's."""
    if not gc.isenabled():
        yield
        return
    try:
        gc.disable()
        yield
    finally:
        gc.enable()
