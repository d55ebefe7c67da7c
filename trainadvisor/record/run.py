"""Runs an unmodified script, as `python` would, while the recorder listens."""

import builtins
import os
import runpy
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trainadvisor.errors import UsageError
from trainadvisor.log.writer import LogWriter
from trainadvisor.record.recorder import Recorder, Subscriber
from trainadvisor.record.sites import describe

_OWN = str(Path(__file__).resolve().parents[1]) + os.sep
_INTERRUPTED = 130


class Run:
    """A script under the recorder."""

    def __init__(self, target: str, args: list[str], *, module: bool, log: Path, every: int = 10) -> None:
        """Check that script and log can be opened; raise UsageError or LogError when not."""
        self.target, self.args, self.module, self.log = target, args, module, log
        if not module and not Path(target).is_file():
            raise UsageError(f"{target}: no such script; give the path of a Python file, or -m and a module's name")
        self.writer = LogWriter(log)
        header = {"script": target, "argv": args, "module": module}
        self.recorder = Recorder([self.writer], discover=True, every=every, header=header)
        self.error: BaseException | None = None

    def subscribe(self, subscriber: Subscriber) -> None:
        """Hand every record to the subscriber too."""
        self.recorder.subscribers.append(subscriber)

    def execute(self) -> int:
        """Run the script to its end; return its exit code. Its output, arguments and `__main__` are its own."""
        self.recorder.start()
        reason, code = "finished", 0
        with self._flush_at_exit():
            try:
                self._execute_module() if self.module else self._execute_file()
            except SystemExit as end:
                code = _exit_code(end)
            except KeyboardInterrupt as error:
                reason, code, self.error = "interrupted", _INTERRUPTED, error
            except BaseException as error:  # noqa: BLE001 - reported below, as the interpreter would
                reason, code, self.error = "exception", 1, error
        if self.error is not None:
            self._report(self.error)
        self.recorder.stop(reason)
        self.writer.close()
        return code

    def _execute_file(self) -> None:
        path = Path(self.target)
        sys.argv = [self.target, *self.args]
        sys.path[0] = str(path.resolve().parent)
        main = types.ModuleType("__main__")
        main.__dict__.update(__file__=self.target, __builtins__=builtins, __cached__=None)
        sys.modules["__main__"] = main
        # Kept for good: the script's own exit handlers and threads may still look at their globals.
        self._main = main
        exec(compile(path.read_bytes(), self.target, "exec"), main.__dict__)  # noqa: S102 - running the user's script is the job

    def _execute_module(self) -> None:
        sys.argv = [self.target, *self.args]
        sys.path[0] = str(Path.cwd())
        runpy.run_module(self.target, run_name="__main__", alter_sys=True)

    @contextmanager
    def _flush_at_exit(self) -> Iterator[None]:
        """Keep the log when the script leaves through `os._exit`."""
        leave, process = os._exit, os.getpid()

        def flush_and_leave(status: int) -> Any:  # noqa: ANN401 - never returns
            if os.getpid() == process:
                self.recorder.guard("exit", self.recorder.stop, "exit")
                self.writer.close()
            leave(status)

        os._exit = flush_and_leave  # type: ignore[assignment]
        try:
            yield
        finally:
            os._exit = leave

    def _report(self, error: BaseException) -> None:
        """Show the traceback without our frames, through the script's own hook, and keep it in the log."""
        strip(error)
        last = traceback.extract_tb(error.__traceback__)[-1:]
        place = next(((frame.filename, frame.lineno or 0) for frame in _user_frames(error)), None)
        detail = {"type": type(error).__name__, "message": str(error)[:500], "site": describe(place), "at": last[0].name if last else None}
        self.recorder.guard("exception", self.recorder.event, "exception", type(error).__name__, detail)
        _flush(sys.stdout)
        hook: Callable[..., object] = sys.excepthook
        hook(type(error), error, error.__traceback__)


def _user_frames(error: BaseException) -> list[traceback.FrameSummary]:
    from trainadvisor.record.sites import _rank

    return [frame for frame in reversed(traceback.extract_tb(error.__traceback__)) if _rank(frame.filename) == 2]


def strip(error: BaseException | None, seen: set[int] | None = None) -> None:
    """Take our own frames out of the tracebacks of an exception and of those it came from."""
    seen = seen or set()
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    error.__traceback__ = _without_ours(error.__traceback__)
    strip(error.__cause__, seen)
    strip(error.__context__, seen)


def _without_ours(trace: types.TracebackType | None) -> types.TracebackType | None:
    kept = []
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(_OWN):
            kept.append(trace)
        trace = trace.tb_next
    following: types.TracebackType | None = None
    for trace in reversed(kept):
        following = types.TracebackType(following, trace.tb_frame, trace.tb_lasti, trace.tb_lineno)
    return following


def _exit_code(end: SystemExit) -> int:
    """Return what the interpreter would exit with; a message is printed to stderr, as it does."""
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code
    _flush(sys.stdout)
    print(end.code, file=sys.stderr)
    return 1


def _flush(stream: Any) -> None:  # noqa: ANN401 - the script may have exchanged it
    try:
        stream.flush()
    except (OSError, ValueError, AttributeError):
        pass
