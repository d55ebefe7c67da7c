"""What a notebook asks for beside the card: a table, a page, pictures of curves, and a view that renews itself."""

from __future__ import annotations

import sys
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor import clocks
from trainadvisor.background import Background
from trainadvisor.errors import LogError, UsageError, did_you_mean
from trainadvisor.hidden_thread import listed
from trainadvisor.monitor.follow_log import Follower
from trainadvisor.report.html.notebook_card import Pictures, bundle
from trainadvisor.report.text.layout import clean

if TYPE_CHECKING:
    import pandas as pd

    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.log.reader import RunLog
    from trainadvisor.watching import Watcher

Line = dict[str, Any]

OVERVIEW = {"loss": "line.loss", "val.loss": "line.val", "grad_norm": "chart.grad", "lr.0": "line.lr"}
OF_LAYER = {"grad": "heat.grad", "update": "heat.update", "act_std": "heat.activation", "act_dead": "heat.dead"}
POINTS = 240
# Seconds between two renewals of a live view.
EVERY = 1.0


def frame(diagnosis: Diagnosis) -> pd.DataFrame:
    """Return one row a finding, consequences after what explains them."""
    if find_spec("pandas") is None:
        message = "to_frame(): pandas is not installed; install it with `pip install pandas`, or use .findings"
        raise UsageError(message)
    import pandas as pd

    from trainadvisor.report.machine.gate_entries import Entry

    names = ("code", "family", "kind", "severity", "confidence", "title", "sentence", "onset")
    rows = [
        {name: getattr(finding, name) for name in names}
        | {"explained_by": root.code if root else None, **_fix(finding.remedies)}
        for finding, root in Entry(diagnosis).findings()
    ]
    return pd.DataFrame(rows, columns=[*names, "explained_by", "fix", "fix_code"])


def _fix(remedies: list[Any]) -> dict[str, str | None]:
    first = remedies[0] if remedies else None
    return {"fix": first.text if first else None, "fix_code": first.code if first else None}


def write(diagnosis: Diagnosis, path: str | Path) -> Path:
    """Write the report in the form of the file's ending; a web page has the curves when the log is still there."""
    from trainadvisor.page_material import single
    from trainadvisor.report import files

    path = Path(path)
    files.check(path)
    log = _log(diagnosis) if path.suffix == ".html" and _path(diagnosis).exists() else None
    files.write(diagnosis, path, diagnosis.lang, single(diagnosis, log))
    return path


def pictures(diagnosis: Diagnosis, layer: str | None = None) -> Pictures:
    """Return the curves of the run, or those of one layer, as still pictures."""
    from trainadvisor.log.curves.step_series import series

    log, lang = _log(diagnosis), diagnosis.lang
    if layer is None:
        found = series(log, POINTS)
        return Pictures(log.path.name, {key: found[name] for name, key in OVERVIEW.items() if name in found}, lang)
    lines = _of_layer(log, layer)
    return Pictures(layer, {key: lines[name] for name, key in OF_LAYER.items() if name in lines}, lang)


def _of_layer(log: RunLog, layer: str) -> dict[str, Line]:
    from trainadvisor.log.curves.layer_rows import history, layer_names

    names = layer_names(log)
    if layer not in names:
        some = ", ".join(names[:6]) + (" ..." if len(names) > 6 else "")  # noqa: PLR2004 - one line of names
        hint = did_you_mean(layer, names) or f"; it has {some}"
        message = f"show(layer={layer!r}): the log has no such layer{hint}"
        raise UsageError(message)
    return history(log, layer, POINTS)


def _path(diagnosis: Diagnosis) -> Path:
    return Path(str(diagnosis.run.get("log") or "log.json"))


def _log(diagnosis: Diagnosis) -> RunLog:
    from trainadvisor.importers.foreign_logs import read_log

    path = _path(diagnosis)
    if not path.exists():
        message = f"{path}: the log of this diagnosis is gone, and curves are drawn from it; record or restore the log"
        raise LogError(message)
    return read_log(path)


def live(watcher: Watcher, lang: str) -> None:
    """Show the run below the cell, renewed while it trains; outside a notebook there is no such place."""
    if find_spec("IPython") is None or "IPython" not in sys.modules:
        message = "live(): this is no notebook; in a terminal use `trainadvisor follow`"
        raise UsageError(message)
    from IPython.display import HTML, display

    first = HTML(_text([f"trainadvisor: {watcher.log}"]))  # type: ignore[no-untyped-call]
    handle = display(first, display_id=True)  # type: ignore[no-untyped-call]
    if handle is not None:
        view = _View(watcher, lang, handle)
        watcher.subscribe(view.go_on)
        view.go_on()


def _text(lines: list[str]) -> str:
    return f'<pre style="line-height:1.3">{escape(chr(10).join(map(clean, lines)))}</pre>'


class _View(Follower):
    """Follows the log of a watcher and puts what `trainadvisor follow` would draw into one output of a notebook."""

    def __init__(self, watcher: Watcher, lang: str, handle: Any) -> None:
        from trainadvisor import configuration

        super().__init__(watcher.log, lang, configuration.load(), patience=0.0, stream=sys.stderr, redraw=True)
        self._rules.prepare()  # now, as for alerts: see Watcher._judge_beside
        self._watcher, self._handle = watcher, handle
        self._before = ""
        self._thread = Background(self.run, "trainadvisor-notebook", thread=listed)

    def go_on(self, _record: object = None) -> None:
        """Begin, or come back after a fork; with every record, because the thread does not do so by itself."""
        if self._thread.away:
            self._thread.call()

    def run(self) -> None:
        """Renew the output until the recording ends, then leave the card of the diagnosis there."""
        while self._watcher.recording and not self._over():
            if self._thread.wait_until(clocks.monotonic() + EVERY):
                return
        self._over()
        self._judge.look(final=True)
        if self._judge.diagnosis is not None:
            self._handle.update(bundle(self._judge.diagnosis), raw=True)

    def _show(self, now: float) -> None:
        self._view.script = None  # it would be that of the kernel
        super()._show(now)

    def _draw(self, lines: list[str]) -> None:
        from IPython.display import HTML

        text = _text(lines)
        if text != self._before:
            self._before = text
            self._handle.update(HTML(text))  # type: ignore[no-untyped-call]
