"""The events whose call is running in a thread: a function that comes back to itself is told once."""

import threading


class _Running(threading.local):
    def __init__(self) -> None:
        self.events: set[str] = set()


running = _Running()
