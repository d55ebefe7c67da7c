"""Everything that is recorded of many kinds of trainings, but for times and memory, to three digits.

To approve a change, delete the line of the training (or the whole file), run the test twice and read the difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from practiced_models import CASES
from variedlogs import hold_line, told

from tests.record.everything.test_trainings import run

if TYPE_CHECKING:
    from recordkit import Record

MEASURED = {"seconds", "wait", "own", "memory", "memory_peak", "site", "sites", "python", "torch", "platform",
            "threads", "cores", "started", "argv", "script", "cwd", "host", "pid", "created", "tool"}  # fmt: skip


def plain(value: Any) -> Any:
    """Return what does not depend on the machine or on lines of the tests."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if key not in MEASURED}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def summary(records: list[Record]) -> dict[str, Any]:
    """Return the facts and events, and each column as its values at three steps."""
    made: dict[str, Any] = {}
    for record in records:
        kind = record["record"]
        if record.get("kind") == "overhead":
            continue
        if kind == "event":
            made.setdefault(f"event {record['kind']} {record['subject']}", []).append(record["detail"])
        elif kind in ("step", "layers"):
            if record["step"] < 3:
                made.setdefault(kind, []).append(record)
        else:
            made.setdefault(kind, []).append(record)
    return told(plain(made))


@pytest.mark.parametrize("name", CASES)
def test_what_is_recorded_of_a_training(name: str) -> None:
    """Each fact, event and figure is the one that it was."""
    _, _, records, _ = run(name)
    hold_line("recorded.json", name, summary(records), 1e-3)
