"""Fills the templates of the pages: everything is escaped, and a name that is not given is an error."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import Markup

from trainadvisor.report.html.languages import HTML_LANG, LONGEST, prose
from trainadvisor.report.text.healthy import number
from trainadvisor.report.text.layout import clean

if TYPE_CHECKING:
    from jinja2.bccache import Bucket

    from trainadvisor.report.html.languages import Languages

FOLDER = Path(__file__).with_name("templates")
LINE_BREAK = re.compile(r"\n *")


class _Unfolded(Extension):
    """Leaves out the line breaks and the indentation of a template, which are for those who read it."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 - Jinja's
        """Return the template in one line."""
        return LINE_BREAK.sub("", source)


class _Compiled(FileSystemBytecodeCache):
    """Keeps compiled templates beside them, as Python does with modules; where it may not write, nothing is kept."""

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write a compiled template."""
        with suppress(OSError):
            Path(self.directory).mkdir(exist_ok=True)
            super().dump_bytecode(bucket)


def fill(name: str, langs: Languages, /, **values: Any) -> Markup:
    """Return a template as markup; it may say any text of the interface in the languages of the page."""
    return Markup(_environment().get_template(name).render(langs=langs, say=langs.say, **values))  # noqa: S704 - escaped


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        extensions=[_Unfolded],
        auto_reload=False,
        bytecode_cache=None if sys.dont_write_bytecode else _Compiled(str(FOLDER / "__pycache__")),
    )
    environment.filters["prose"] = prose
    environment.globals.update(html_lang=HTML_LANG, number=number, newline=Markup("\n"))
    return environment


def _shown(value: Any) -> Any:
    """Return what stands for a value: nothing for None, and text without what a reader cannot see."""
    if value is None:
        return ""
    return value if hasattr(value, "__html__") else clean(value, LONGEST)
