"""What is derived from logs that the tests of signals and judgements have built, to the last of six digits.

They were chosen so that each line and each kind of value that any of those logs reaches is reached by one of these.
To approve a change, delete the line of the log (or the whole golden file), run the test twice and read the difference.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from builders import build_log
from goldenfiles import GOLDEN
from variedlogs import hold_line, told

from trainadvisor.log.reader import read_log
from trainadvisor.signals import Signals
from trainadvisor.signals.context import contexts

if TYPE_CHECKING:
    from pathlib import Path

BUILT = json.loads(gzip.decompress((GOLDEN / "built-logs.json.gz").read_bytes()))


@pytest.mark.parametrize("number", range(len(BUILT)))
def test_signals_and_contexts(tmp_path: Path, number: int) -> None:
    """Each signal that a log without a step does not have has the value that it had; no other signal appears."""
    path = tmp_path / "log.json"
    path.write_text(json.dumps(BUILT[number]), encoding="utf-8")
    hold_line("built-signals.json", f"{number:03}", _differing(_derived(path), tmp_path))


def _differing(made: dict[str, Any], folder: Path) -> dict[str, Any]:
    plain = _plain(folder)
    return {name: value for name, value in made.items() if plain.get(name) != value}


def _plain(folder: Path) -> dict[str, Any]:
    return _derived(build_log(folder, name="plain.json"))


def _derived(path: Path) -> dict[str, Any]:
    log = read_log(path)
    signals = Signals(log)
    return told({name: signals[name] for name in sorted(signals)}) | {"contexts": sorted(contexts(log))}
