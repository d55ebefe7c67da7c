"""Opens a binary file of another program for many small reads."""

import io
from pathlib import Path
from typing import BinaryIO, cast

from trainadvisor.regular import opened

BUFFER = 1 << 18


def buffered(path: Path) -> BinaryIO:
    """Open a regular file for buffered reading."""
    return io.BufferedReader(cast("io.RawIOBase", opened(path)), BUFFER)
