"""`trainadvisor fleet --follow`: the table again and again, and its figures for Prometheus."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trainadvisor.commands.outputs import Output
    from trainadvisor.fleet.watch import Watch

CLEAR = "\x1b[H\x1b[2J"


def followed(
    watch: Watch, outputs: Iterable[Output], lang: str, every: float, port: int | None, host: str
) -> None:  # fmt: skip
    """Look until Ctrl-C; on a terminal the table is redrawn, elsewhere it is printed where it changed."""
    from trainadvisor.fleet.exporter import Exporter

    exporter = Exporter(port, host) if port is not None else None
    if exporter is not None:
        sys.stderr.write(f"trainadvisor: http://{host}:{exporter.port}/metrics\n")
    shown: dict[str, str] = {}
    try:
        while True:
            began = time.monotonic()
            result = watch.look()
            if exporter is not None:
                exporter.take(result)
            for output in outputs:
                _show(output, result, lang, shown)
            time.sleep(max(1.0, every - (time.monotonic() - began)))
    except KeyboardInterrupt:
        return
    finally:
        if exporter is not None:
            exporter.close()


def _show(output: Output, result: object, lang: str, shown: dict[str, str]) -> None:
    from trainadvisor.commands.outputs import put
    from trainadvisor.report import fleet

    text = fleet.render(output.form, result, lang)  # type: ignore[arg-type]
    if shown.get(output.form) == text:
        return
    shown[output.form] = text
    redraw = output.file is None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    put(CLEAR + text if redraw else text, output.file)
