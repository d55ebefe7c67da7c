"""What a web page shows besides the diagnosis: curves of the log, the other language, texts of the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trainadvisor.configuration import Config
    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.judge.rulebook import Rule, Rulebook
    from trainadvisor.log.reader import RunLog
    from trainadvisor.report.html.web_page import Material

LANGUAGES = ("en", "zh")


def material(log: RunLog, diagnosis: Diagnosis, lang: str, settings: Config, folders: Iterable[str] = ()) -> Material:
    """Tell the diagnosis in the other language too, and collect what can be drawn and explained."""
    from trainadvisor.judge.rule_loading import load
    from trainadvisor.log.curves import curves
    from trainadvisor.report.html.web_page import Material
    from trainadvisor.telling import told_in

    folders = list(folders)
    others = {other: told_in(diagnosis, other) for other in LANGUAGES if other != lang}
    book = load([*settings.rules, *folders]).configured(settings)
    return Material(others, curves(_judged(log, diagnosis)), _texts(book, diagnosis), _others(log, diagnosis))


def single(diagnosis: Diagnosis, log: RunLog | None) -> Material:
    """Collect what a page in one language shows of a diagnosis made in Python; without its log there are no curves."""
    from trainadvisor import configuration
    from trainadvisor.judge.rule_loading import load
    from trainadvisor.log.curves import curves
    from trainadvisor.report.html.web_page import Material

    settings = configuration.load()
    texts = _texts(load(settings.rules).configured(settings), diagnosis)
    if log is None:
        return Material(rules=texts)
    return Material({}, curves(_judged(log, diagnosis)), texts, _others(log, diagnosis))


def _judged(log: RunLog, diagnosis: Diagnosis) -> RunLog:
    """Return the log as the training shows it that the diagnosis is about, of several in one process."""
    from trainadvisor.log.training_views import trainings

    place, views = diagnosis.run.get("phase"), trainings(log)
    return views[place - 1] if isinstance(place, int) and 0 < place <= len(views) else log


def _others(log: RunLog, diagnosis: Diagnosis) -> dict[int, dict[str, Any]]:
    """Return the curves of the other trainings of the process, by their place."""
    from trainadvisor.log.curves import curves
    from trainadvisor.log.training_views import trainings

    judged = diagnosis.run.get("phase")
    if judged is None:
        return {}
    return {place: curves(view) for place, view in enumerate(trainings(log), 1) if place != judged}


def _texts(book: Rulebook, diagnosis: Diagnosis) -> dict[str, dict[str, Any]]:
    """Return the title of every rule, and what is found explained in full."""
    found = {finding.code for finding in diagnosis.walk()}
    return {code: _text(rule, full=code in found) for code, rule in book.rules.items()}


def _text(rule: Rule, *, full: bool) -> dict[str, Any]:
    from trainadvisor.report.text.unfilled import explanation

    titles = {lang: rule.title(lang) for lang in LANGUAGES}
    docs = {lang: explanation(rule, lang) for lang in LANGUAGES} if full else {}
    return {"title": titles, "doc": docs}
