"""Scores the verdicts on public logs of other tools: python benchmarks/imports.py [FOLDER].

FOLDER holds the files and `logs.toml`, with the wanted verdict of each in words.
"""

import argparse
import re
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainadvisor import telling
from trainadvisor.errors import LogError
from trainadvisor.importers.foreign_logs import read_log
from trainadvisor.vocabulary import Severity

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "logs"
STATES = {
    "BROKEN": "broken",
    "NEEDS ATTENTION": "needs-attention",
    "HEALTHY": "healthy",
    "CAN'T TELL": "cannot-tell",
}
ALARMS = ("broken", "needs-attention")
CALM = ("healthy", "cannot-tell")


@dataclass(frozen=True)
class Outcome:
    """What was said of one file."""

    file: str
    wanted: tuple[str, ...]
    state: str
    said: str
    seconds: float

    @property
    def right(self) -> bool:
        """Return whether the state is one of those that are wanted."""
        return self.state in self.wanted

    @property
    def false_alarm(self) -> bool:
        """Return whether a run is alarmed that an expert leaves alone."""
        return self.state in ALARMS and not set(self.wanted) & set(ALARMS)

    @property
    def missed(self) -> bool:
        """Return whether a sick run is called healthy, or one that nothing can be told of."""
        return self.state == "healthy" and "healthy" not in self.wanted


def wanted_states(text: str) -> tuple[str, ...]:
    """Return the states that a wanted verdict in words allows."""
    named = tuple(state for words, state in STATES.items() if re.search(rf"\b{words}\b", text))
    if named:
        return named
    return ("needs-attention",) if text.startswith("overfitting") else CALM


def score(folder: Path) -> list[Outcome]:
    """Return what is said of each file that the folder's list names."""
    listed: list[dict[str, Any]] = tomllib.loads((folder / "logs.toml").read_text(encoding="utf-8"))["log"]
    return [_outcome(folder, entry) for entry in listed]


def _outcome(folder: Path, entry: dict[str, Any]) -> Outcome:
    began = time.perf_counter()
    try:
        found = telling.diagnose(read_log(folder / entry["file"]))
        state, said = str(found.state), found.summary
        alarms = [f"{item.code} ({item.confidence})" for item in found.findings if item.severity > Severity.NOTE]
        notes = [f"{item.code} (note)" for item in found.findings if item.severity == Severity.NOTE]
        said = "; ".join([*alarms, *notes, said])
    except LogError as error:
        state, said = "cannot-tell", f"refused: {error}"
    return Outcome(entry["file"], wanted_states(entry["wanted"]), state, said, time.perf_counter() - began)


def main() -> int:
    """Print a line a file and the score; return 1 where it is too low."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    outcomes = score(parser.parse_args().folder)
    for outcome in outcomes:
        mark = "ok  " if outcome.right else "ALARM" if outcome.false_alarm else "MISS" if outcome.missed else "no  "
        print(f"{mark} {outcome.file}: {outcome.state} (wanted {' / '.join(outcome.wanted)}), {outcome.seconds:.2f} s")
        print(f"     {outcome.said}")
    right = sum(outcome.right for outcome in outcomes)
    alarms, missed = (sum(getattr(outcome, kind) for outcome in outcomes) for kind in ("false_alarm", "missed"))
    print(f"{right} of {len(outcomes)} as wanted ({right / len(outcomes):.0%}); {alarms} false alarms, {missed} missed")
    return int(right < 0.85 * len(outcomes) or alarms > 0 or missed > 0)


if __name__ == "__main__":
    sys.exit(main())
