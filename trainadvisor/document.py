"""The diagnosis that the public interface returns: a document that knows how to show and save itself."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Self

from trainadvisor import telling
from trainadvisor.judge import result

if TYPE_CHECKING:
    from pandas import DataFrame

    from trainadvisor.configuration import Config
    from trainadvisor.log.reader import RunLog
    from trainadvisor.report.html.notebook_card import Pictures


class Diagnosis(result.Diagnosis):
    """The verdict on one log: `findings` is ordered, the first is the first-ranked root cause."""

    def told(self, lang: str) -> Self:
        """Return the same verdict in another language, without judging again."""
        return telling.told_in(self, lang)

    def __str__(self) -> str:
        """Return the report as text."""
        return self._repr_mimebundle_()["text/plain"]

    def _repr_html_(self) -> str:
        """Return the card that a notebook shows."""
        return self._repr_mimebundle_()["text/html"]

    def _repr_markdown_(self) -> str:
        """Return what a notebook shows where it shows no HTML."""
        return self._repr_mimebundle_()["text/markdown"]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """Return every form at once; notebooks look for these methods on the object itself."""
        del include, exclude
        from trainadvisor.report.html.notebook_card import bundle

        return bundle(self)

    def report(self, path: "str | Path") -> "Path":
        """Write the report to a .html, .txt, .md, .json, .jsonl, .xml (JUnit) or .sarif file and return its path."""
        from trainadvisor import notebook

        return notebook.write(self, path)

    def show(self, layer: str | None = None) -> "Pictures":
        """Return the curves of the run, or of one layer, as still pictures; they are read from the log."""
        from trainadvisor import notebook

        return notebook.pictures(self, layer)

    def to_frame(self) -> "DataFrame":
        """Return the findings as a table, one row each; needs pandas."""
        from trainadvisor import notebook

        return notebook.frame(self)


def diagnose(
    log: "str | Path | RunLog",
    rules: Iterable[str | Path] = (),
    lang: str = "en",
    config: "Config | None" = None,
    ignore: Iterable[str] = (),
) -> Diagnosis:
    """Judge a log, given by its path or already read, and return the diagnosis in one language.

    `rules` are further folders of rules; `config` gives folders, thresholds and switched-off rules of a project;
    `ignore` holds codes that are left out.
    """
    from trainadvisor.judge import judged

    return telling.told_as(Diagnosis, judged(log, rules, config, ignore), lang)
