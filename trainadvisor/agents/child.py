"""A command of ours in a process of its own, which ends with the call that asked for it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

# Characters of the end of a program's output that an agent is given.
TAIL = 4000
EVERY = 2.0


@dataclass(frozen=True)
class Ended:
    """How a command ended; None: it was stopped because its time was over."""

    code: int | None
    out: str
    err: str


async def call(
    folder: Path, words: list[str], limit: float, progress: Callable[[float, float], Awaitable[object]]
) -> Ended:
    """Run `trainadvisor WORDS...` in a folder and wait for it; a call that is cancelled ends it and its children."""
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "120", "PYTHONIOENCODING": "utf-8"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "trainadvisor", *words, cwd=folder, env=environment, start_new_session=True,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    reading = asyncio.ensure_future(process.communicate())
    began = time.monotonic()
    try:
        while not reading.done() and time.monotonic() - began < limit:
            await asyncio.wait([reading], timeout=min(EVERY, limit))
            with suppress(Exception):  # who asked may not listen
                await progress(time.monotonic() - began, limit)
        over = not reading.done()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    out, err = await reading
    return Ended(None if over else process.returncode, _text(out), _text(err))


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")


def tail(text: str) -> str:
    """Return the end of an output."""
    return text if len(text) <= TAIL else f"[...]\n{text[-TAIL:]}"
