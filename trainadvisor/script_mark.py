"""The mark of a script's code, by which one tells whether it has changed since a run."""

import hashlib
from pathlib import Path

from trainadvisor.regular import opened

_LARGEST = 1 << 20


def mark_of(text: str) -> str:
    """Return the mark of a source: that of its lines without the empty ones and those of comments alone."""
    lines = [line.rstrip() for line in text.splitlines()]
    code = [line for line in lines if line and not line.lstrip().startswith("#")]
    return hashlib.blake2b("\n".join(code).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def mark_of_file(path: object) -> str | None:
    """Return the mark of a script in a file; None where no such file can be read as text, or it is no script's size."""
    if not isinstance(path, str) or not path.endswith(".py"):
        return None
    try:
        with opened(Path(path)) as file:
            data = file.read(_LARGEST + 1)
        return mark_of(data.decode("utf-8-sig")) if len(data) <= _LARGEST else None
    except (OSError, ValueError):
        return None
