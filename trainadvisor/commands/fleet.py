"""`trainadvisor fleet PATH...`: every run of a folder, a sweep or a bucket, judged at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainadvisor.commands.common import lang_option

if TYPE_CHECKING:
    from trainadvisor.i18n.language import Words

FORMS = "text, json, markdown, html"


@click.command("fleet", short_help="Judge many runs at once: folders, globs, addresses such as s3://...")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--format", "forms", multiple=True, metavar="NAME[=FILE]", help=f"{FORMS}; may be repeated.")
@click.option("--jobs", type=click.IntRange(1), help="Processes side by side; default: one a core.")
@click.option("--engine", default="local", show_default=True, help="local, or ray: the nodes of a Ray cluster.")
@click.option("--limit", type=click.FloatRange(min=1), default=300.0, show_default=True, help="Seconds for one log.")
@click.option("--cache", "kept", type=click.Path(path_type=Path, dir_okay=False), help="Where judgements are kept.")
@click.option("--no-cache", is_flag=True, help="Judge everything anew, and keep nothing.")
@lang_option
def command(
    *,
    paths: tuple[str, ...],
    forms: tuple[str, ...],
    jobs: int | None,
    engine: str,
    limit: float,
    kept: Path | None,
    no_cache: bool,
    lang: str | None,
) -> None:
    """Judge every run below some folders, globs and fsspec addresses, whoever wrote the logs.

    The table holds state, first cause, metric and cost of each; below it stand what the causes have cost, what the bad
    runs of a sweep have in common, and logs that are there twice. A log that was judged before is not judged again, so
    a stopped command goes on where it was.
    """
    from trainadvisor import configuration
    from trainadvisor.commands.common import language
    from trainadvisor.commands.outputs import parse, put
    from trainadvisor.fleet import places
    from trainadvisor.fleet.cache import Cache, default_file, judge_version
    from trainadvisor.fleet.fleet_result import collected
    from trainadvisor.fleet.fleet_survey import Survey
    from trainadvisor.i18n.language import Words
    from trainadvisor.report import fleet
    from trainadvisor.status_line import status
    from trainadvisor.trials.engines.tasks import tasks

    outputs = parse(forms, fleet.FORMS)
    settings = configuration.load()
    chosen = language(lang)
    progress = _Progress(Words(chosen))
    with status(progress.told):
        found = list(places.found(list(paths)))
        progress.total = len(found)
        cache = Cache(None if no_cache else kept or default_file(), judge_version(settings.rules))
        pool = tasks(engine, jobs, limit)
        survey = Survey(pool, cache, settings, sent=engine == "ray")
        try:
            entries = list(survey.run(found, progress))
        finally:
            pool.close()
            cache.close()
    result = collected(entries, survey.known)
    for output in outputs:
        put(fleet.render(output.form, result, chosen), output.file)


class _Progress:
    """How far it is, and how long the rest takes at this pace."""

    def __init__(self, words: Words) -> None:
        self._words, self._count = words, 0
        self.total = 0

    def __call__(self, count: int) -> None:
        self._count = count

    def told(self, seconds: float) -> str:
        """Return what the line on a terminal says."""
        if not self.total:
            return "  " + self._words("status.searching", seconds=int(seconds))
        so_far = {"count": self._count, "total": self._words.count("runs", self.total), "seconds": int(seconds)}
        if not self._count:
            return "  " + self._words("status.fleet", **so_far)
        left = round(seconds * (self.total - self._count) / self._count)
        return "  " + self._words("status.fleet.left", **so_far, left=left)
