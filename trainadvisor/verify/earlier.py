"""What an earlier verify of the same script has found, read from the document that it left."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.regular import content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainadvisor.verify.verify_result import Trial, Verification, Verified

# Where verify leaves its document unless another place is asked for.
USUAL = Path("verify.json")
LARGEST = 50_000_000
# Trials that came to an end and did not help.
VAIN = frozenset({"no-better", "worse", "hopeless"})


def read(script: str | None, argv: Sequence[str], mark: str | None, path: Path = USUAL) -> Verification | None:
    """Return the document of a verify of this script as it is, with these arguments, None where there is none."""
    from pydantic import ValidationError

    from trainadvisor.verify.verify_result import Verification

    try:
        if script is None or mark is None:
            return None
        document = Verification.model_validate_json(content(path, LARGEST))
    except (OSError, ValueError, ValidationError):
        return None
    same = (Path(document.target).name, document.script_mark, list(document.args)) == (
        Path(script).name,
        mark,
        list(argv),
    )
    return document if same and not document.module else None


def proven(document: Verification | None, code: str | None) -> Verified | None:
    """Return the first remedy that helped, of one finding if its code is given."""
    found = document.verified if document is not None else []
    return next((item for item in found if code in (None, item.code)), None)


def vain(document: Verification | None, change: str, arguments: dict[str, object]) -> Trial | None:
    """Return the trial in which a change by itself did not help, None where it was not tried or did."""
    alone = [trial for trial in (document.trials if document is not None else []) if len(trial.changes) == 1]
    same = [t for t in alone if (t.changes[0].change, t.changes[0].arguments) == (change, arguments)]
    return next((trial for trial in same if trial.verdict in VAIN), None)
