"""`trainadvisor mcp`: the commands as tools for coding agents."""

from __future__ import annotations

from pathlib import Path

import click

from trainadvisor.commands.common import lang_option


@click.command("mcp", short_help="Serve the commands as tools for coding agents, over standard input and output.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    show_default="this folder",
    help="The folder that everything has to lie in.",
)
@lang_option
def command(*, root: Path, lang: str | None) -> None:
    """Serve diagnose, explain, ask, preflight, run, verify, fix, compare and fleet over the model context protocol.

    Needs the extra mcp. Paths are bounded to --root; fix shows a change and writes it only when told so.
    """
    import os

    from trainadvisor.agents.server import serve
    from trainadvisor.commands.common import language

    os.environ["TRAINADVISOR_LANG"] = language(lang)  # the tools are commands of their own
    serve(root)
