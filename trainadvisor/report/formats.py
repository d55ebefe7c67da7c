"""Every shape of a diagnosis by name and by file ending, and what makes it."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from trainadvisor.report import forms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.judge.rulebook import Rulebook
    from trainadvisor.report.html.web_page import Material
    from trainadvisor.report.machine.gate_entries import Entry

# Forms that are made elsewhere: for people at a terminal, and in a browser.
PEOPLE = {"html": ".html", "text": ".txt"}
# The forms that a module of `forms/` makes; it is imported when it is asked for.
FORMS = tuple(sorted(module.name for module in pkgutil.iter_modules(forms.__path__)))
CHECK = ("text", *FORMS)
DIAGNOSE = ("text", "html", *FORMS)


@cache
def endings() -> dict[str, str]:
    """Return the form that each ending of a file stands for."""
    own = {getattr(_module(form), "ENDING", None): form for form in FORMS}
    return {ending: form for form, ending in PEOPLE.items()} | {end: form for end, form in own.items() if end}


def _module(form: str) -> ModuleType:
    return import_module(f"{forms.__name__}.{form}")


def render_all(form: str, entries: Sequence[Entry], lang: str, book: Rulebook | None = None) -> str:
    """Return several runs in one of `FORMS`."""
    text: str = _module(form).render_all(entries, lang, book)
    return text


def render(
    form: str,
    diagnosis: Diagnosis,
    lang: str = "en",
    *,
    entry: Entry | None = None,
    book: Rulebook | None = None,
    material: Material | None = None,
) -> str:
    """Return one run in any of `DIAGNOSE`; `entry` holds what a gate said, `material` what a web page shows besides."""
    if form == "html":
        from trainadvisor.report.html import web_page

        return web_page.render(diagnosis, lang, material)
    if form == "text":
        from trainadvisor.report.text import full_report

        return full_report.render(diagnosis, lang, verbose=True)
    from trainadvisor.report.machine.gate_entries import Entry

    return render_all(form, [entry or Entry(diagnosis)], lang, book)
