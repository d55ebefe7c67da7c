"""What is derived from logs that differ in everything, to the last of six digits.

Whoever changes a signal or a rule sees here which runs it concerns. To approve a change, delete the line of the run
(or the whole file), run the test twice and read the difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import build_log
from variedlogs import hold_line, told, varied

from trainadvisor.log.reader import read_log
from trainadvisor.signals import Signals
from trainadvisor.signals.context import contexts
from trainadvisor.telling import diagnose

if TYPE_CHECKING:
    from pathlib import Path

LOGS = 45


@pytest.mark.parametrize("number", range(LOGS))
def test_signals_and_contexts(tmp_path: Path, number: int) -> None:
    """Each signal has the value that it had; those that are absent stay absent."""
    log = read_log(build_log(tmp_path, **varied(number)))
    signals = Signals(log)
    made = told({name: signals[name] for name in sorted(signals)}) | {"contexts": sorted(contexts(log))}
    hold_line("varied-signals.json", f"{number:02}", made)


@pytest.mark.parametrize("number", range(LOGS))
def test_judgements(tmp_path: Path, number: int) -> None:
    """Findings with their evidence, places and remedies, and what speaks against a healthy run, without any text.

    What was looked for and not found is left out: a new rule changes nothing here that does not find anything.
    """
    judgement = diagnose(build_log(tmp_path, **varied(number))).judgement
    made = told({name: getattr(judgement, name) for name in ("state", "run", "findings", "notes")})
    del made["run"]["log"]
    made["reasons"] = [remark.kind for remark in judgement.reasons]
    for finding in made.get("findings", ()):
        finding.pop("not_judged", None)
        finding.pop("ruled_out", None)
    hold_line("varied-judgements.json", f"{number:02}", made)
