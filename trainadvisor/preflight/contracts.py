"""The active tests of a preflight: what came out of each, as a check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.changes.contracts import all_contracts
from trainadvisor.changes.contracts.contract import FAILED, PASSED
from trainadvisor.preflight.preflight_result import Check
from trainadvisor.vocabulary import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from trainadvisor.changes.contracts.contract import Contract
    from trainadvisor.judge.rulebook import Rulebook
    from trainadvisor.log.reader import RunLog


def checks(log: RunLog, lang: str, book: Rulebook) -> Iterator[Check]:
    """Yield a check for each test that the log tells of."""
    codes = {rule.contract: [rule.code] for rule in book.rules.values() if rule.contract}
    told = {event["subject"]: event["detail"] for event in log.events if event["kind"] == "contract"}
    for entry in all_contracts():
        if entry.name in told:
            yield _check(entry, told[entry.name], lang, codes.get(entry.name, []))


def _check(entry: Contract, detail: dict[str, Any], lang: str, codes: list[str]) -> Check:
    sentence, state = entry.sentence(detail, lang), detail.get("state")
    figures = {name: value for name, value in (detail.get("figures") or {}).items() if _is_figure(value)}
    if state not in (PASSED, FAILED):
        return Check(name=entry.name, state="not-judged", sentence=sentence)
    if state == PASSED or entry.severity == Severity.NOTE:
        level = Severity.NOTE if state == FAILED else None
        return Check(name=entry.name, state="passed", severity=level, sentence=sentence, figures=figures)
    return Check(name=entry.name, state="failed", severity=Severity(entry.severity), sentence=sentence,
                 figures=figures, findings=codes)  # fmt: skip


def _is_figure(value: object) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))


def listed(lang: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each test and what is done in it."""
    for entry in all_contracts():
        yield entry.name, entry.what[lang == "zh"]
