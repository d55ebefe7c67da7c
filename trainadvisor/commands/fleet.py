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
@click.option("--days", type=click.FloatRange(min=0), default=7.0, show_default=True, help="Days that count as lately.")
@click.option("--follow", is_flag=True, help="Look again and again, at running trainings too, until Ctrl-C.")
@click.option("--every", type=click.FloatRange(min=1), default=30.0, show_default=True, help="Seconds between looks.")
@click.option("--metrics-port", type=click.IntRange(0, 65535), help="Follow, and serve what is seen to Prometheus.")
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="Address that Prometheus may ask.")
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
    days: float,
    follow: bool,
    every: float,
    metrics_port: int | None,
    metrics_host: str,
    lang: str | None,
) -> None:
    """Judge every run below some folders, globs and fsspec addresses, whoever wrote the logs.

    The table holds state, first cause, metric and cost of each; below it stand what the causes have cost, what the bad
    runs of a sweep have in common, what got worse lately, and logs that are there twice. A log that was judged before
    is not judged again, so a stopped command goes on where it was.
    """
    from trainadvisor import configuration
    from trainadvisor.commands.common import language
    from trainadvisor.commands.fleet_following import followed
    from trainadvisor.commands.outputs import parse, put
    from trainadvisor.fleet import places
    from trainadvisor.fleet.cache import Cache, default_file, judge_version
    from trainadvisor.fleet.fleet_result import collected
    from trainadvisor.fleet.fleet_survey import Survey
    from trainadvisor.fleet.watch import Watch
    from trainadvisor.i18n.language import Words
    from trainadvisor.report import fleet
    from trainadvisor.status_line import status
    from trainadvisor.trials.engines.tasks import tasks

    outputs, settings, chosen = parse(forms, fleet.FORMS), configuration.load(), language(lang)
    cache = Cache(None if no_cache else kept or default_file(), judge_version(settings.rules))
    pool, sent = tasks(engine, jobs, limit), engine == "ray"
    try:
        if follow or metrics_port is not None:
            watch = Watch(list(paths), pool, cache, settings, sent=sent, days=days)
            followed(watch, outputs, chosen, every, metrics_port, metrics_host)
            return
        progress = _Progress(Words(chosen))
        with status(progress.told):
            found = list(places.found(list(paths)))
            progress.total = len(found)
            survey = Survey(pool, cache, settings, sent=sent)
            result = collected(list(survey.run(found, progress)), survey.known, days)
    finally:
        pool.close()
        cache.close()
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
