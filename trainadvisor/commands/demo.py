"""`trainadvisor demo`: a broken training, its diagnosis, the remedy, and the training that works."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from trainadvisor.commands.common import lang_option


@click.command("demo")
@click.argument("code", required=False)
@click.option("--list", "listed", is_flag=True, help="List the demos.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="For scripts and logs; default: trainadvisor-runs/demo-CODE."
)
@lang_option
def command(*, code: str | None, listed: bool, folder: Path | None, lang: str | None) -> None:
    """Train a small broken network, diagnose it, apply the first remedy, and train again.

    CODE chooses what is broken; every demo takes less than half a minute on a CPU and leaves its scripts and logs.
    """
    from trainadvisor.commands.common import language
    from trainadvisor.demos.scenarios import DEFAULT
    from trainadvisor.demos.walkthrough import list_demos, run_demo
    from trainadvisor.report.text.terminal import emit

    chosen = language(lang)
    if not listed:
        place = folder or Path("trainadvisor-runs") / f"demo-{code or DEFAULT}"
        sys.exit(run_demo(code, chosen, place))
    rows = list_demos(chosen)
    column = max(len(name) for name, _ in rows) + 2
    for name, what in rows:
        emit(f"{name:<{column}}{what}")
