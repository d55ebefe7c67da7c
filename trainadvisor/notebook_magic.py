"""`%load_ext trainadvisor` and `%%trainadvisor`: a cell of a notebook is recorded, and its card is shown below it."""

from typing import Any


def load_ipython_extension(shell: Any) -> None:
    """Give the shell the magic, as `%load_ext trainadvisor` asks for."""

    def record_cell(line: str, cell: str) -> None:
        """Record what trains in this cell, into the log of that name, and show what was found."""
        _record(shell, line.strip() or "log.json", cell)

    shell.register_magic_function(record_cell, magic_kind="cell", magic_name="trainadvisor")


def _record(shell: Any, log: str, cell: str) -> None:
    from IPython.display import display

    from trainadvisor.record.watched_recording import watchers
    from trainadvisor.watching import autolog

    running = any(watcher.discovers for watcher in watchers)
    watcher = autolog(log)
    recorded = watcher.recording
    result = shell.run_cell(cell)
    error = result.error_before_exec or result.error_in_exec
    if isinstance(error, Exception):
        watcher.note_failure(error)
    if not running:  # else a call of autolog() goes on to the end of the notebook
        watcher.close()
    if recorded:
        display(watcher.diagnose())  # type: ignore[no-untyped-call]
    result.raise_error()
