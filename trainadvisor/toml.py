"""Reads untrusted TOML files with bounded size and depth; errors are a single sentence."""

import re
import tomllib
from pathlib import Path
from typing import Any

from trainadvisor.errors import TrainAdvisorError
from trainadvisor.regular import content

LARGEST = 1 << 20
# Most parts of one key: the parser's time and memory grow with their square.
MOST_DOTS = 100
LARGEST_NUMBER = 1e300

_NO_KEY = re.compile(r"""[^\w"'. \t-]+""")


def read_toml(path: Path, error: type[TrainAdvisorError], advice: str) -> dict[str, Any]:
    """Return the content of a file; raise the given error, whose message ends with the advice."""
    try:
        return parsed(_text(path))
    except (OSError, ValueError, RecursionError) as reason:
        raise error(f"{path}: cannot be read as TOML ({_told(reason)}); {advice}") from None


def parsed(text: str) -> dict[str, Any]:
    """Parse TOML; raise ValueError also for input that would take the parser excessively long."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.count(".") > MOST_DOTS and any(key.count(".") > MOST_DOTS for key in _NO_KEY.split(line)):
            message = f"a key of more than {MOST_DOTS} parts in line {number}"
            raise ValueError(message)
    return tomllib.loads(text)


def is_number(value: object) -> bool:
    """Return whether a value is a usable number: not a bool, finite, and within the range of a float."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST_NUMBER


def _text(path: Path) -> str:
    return content(path, LARGEST).decode("utf-8").replace("\r\n", "\n")


def _told(reason: Exception) -> str:
    if isinstance(reason, RecursionError):
        return "nested too deep"
    return getattr(reason, "strerror", None) or str(reason)[:300]
