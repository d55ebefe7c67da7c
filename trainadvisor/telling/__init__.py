"""Telling: a judgement becomes a document in one language. Nothing is judged here, and no language is used below."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from trainadvisor import garbage
from trainadvisor.judge import result

if TYPE_CHECKING:
    from trainadvisor.configuration import Config
    from trainadvisor.judge.judgement import Judgement
    from trainadvisor.log.reader import RunLog

__all__ = ["diagnose", "told", "told_as", "told_in"]

Document = TypeVar("Document", bound=result.Diagnosis)


def told(judgement: "Judgement", lang: str = "en") -> result.Diagnosis:
    """Return a judgement as a document in one language."""
    return told_as(result.Diagnosis, judgement, lang)


def told_as(document: type[Document], judgement: "Judgement", lang: str) -> Document:
    """Return a judgement as a document of a kind, in one language."""
    from trainadvisor.telling.told_findings import counted_in_epochs, findings, unknown
    from trainadvisor.telling.told_run import notes, reasons, summary

    found = findings(judgement, lang)
    if found and (judgement.run.get("script") or any(finding.sites for finding in found)):
        # Imported here: what reads scripts takes a while, and logs of other tools have none.
        from trainadvisor.telling.told_lines import with_lines

        found = with_lines(found, judgement.run, judgement.rulebook, lang)
    if judgement.run.get("unit") == "epoch":
        found = [counted_in_epochs(finding, lang) for finding in found]
    diagnosis = document(
        lang=cast("result.Language", lang),
        state=judgement.state,
        summary=summary(judgement, found, lang),
        reasons=reasons(judgement, lang),
        run=dict(judgement.run),
        findings=found,
        clear=list(judgement.clear),
        unknown=[unknown(entry, lang) for entry in judgement.unknown],
        inapplicable=[unknown(entry, lang) for entry in judgement.inapplicable],
        notes=list(notes(judgement, lang)),
    )
    return diagnosis.telling(judgement)


def told_in(diagnosis: Document, lang: str) -> Document:
    """Return a diagnosis in another language, without judging its log again."""
    return told_as(type(diagnosis), diagnosis.judgement, lang)


def diagnose(
    log: "str | Path | RunLog",
    rules: Iterable[str | Path] = (),
    lang: str = "en",
    config: "Config | None" = None,
    ignore: Iterable[str] = (),
) -> result.Diagnosis:
    """Judge a log as `trainadvisor.judge.judged` does, and tell it in one language."""
    from trainadvisor.judge import judged

    with garbage.later():  # the first time, all rules and signals are made
        return told(judged(log, rules, config, ignore), lang)
