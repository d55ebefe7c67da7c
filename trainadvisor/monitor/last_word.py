"""The message at the end of a run: its verdict, where it ran, and where the report is."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainadvisor.redaction import redact
from trainadvisor.vocabulary import State

if TYPE_CHECKING:
    from trainadvisor.i18n.language import Words
    from trainadvisor.judge.result import Diagnosis

ALWAYS, FAIL = "always", "fail"


@dataclass(frozen=True)
class LastWord:
    """What is said of a run that is over."""

    state: str
    summary: str
    script: str
    # The exit code of the script.
    code: int
    steps: int
    log: str = ""
    report: str = ""
    host: str = ""

    @property
    def failed(self) -> bool:
        """Return whether somebody has to look: a broken training, or a script that ended with an error."""
        return self.state == State.BROKEN or self.code != 0

    def text(self, words: Words) -> str:
        """Return the message."""
        lines = [
            words("last.title", state=words(f"state.{self.state}"), script=self.script, host=self.host),
            self.summary,
        ]
        lines += [words("last.code", code=self.code)] if self.code else []
        lines += [words("run.report", path=self.report)] if self.report else []
        lines += [words("last.log", path=self.log)] if self.log else []
        return "\n".join(lines)


def last_word(
    diagnosis: Diagnosis | None, nothing: str, script: str, code: int, steps: int, log: str, report: str
) -> LastWord:
    """Return the message about a run, without secrets; without a diagnosis it says why there is none."""
    state, summary = (diagnosis.state, diagnosis.summary) if diagnosis is not None else (State.CANNOT_TELL, nothing)
    return LastWord(
        str(state), redact(summary), redact(script), code, steps, redact(log), redact(report), socket.gethostname()
    )
