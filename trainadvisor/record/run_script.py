"""Runs an unmodified script, as `python` would, while the recorder listens."""

import builtins
import importlib.machinery
import os
import runpy
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.errors import UsageError
from trainadvisor.instrument import import_hook
from trainadvisor.instrument.hidden_frame import drop_own_frames
from trainadvisor.instrument.look_alikes import looking_as
from trainadvisor.instrument.patching import exchange
from trainadvisor.interruptions import kept_from_ending
from trainadvisor.log.records import Record, opening
from trainadvisor.log.writer import LogWriter
from trainadvisor.record import failures
from trainadvisor.record.printed_figures import PrintedFigures, Read
from trainadvisor.record.sampling import DEFAULT_SHARE
from trainadvisor.script_mark import mark_of_file
from trainadvisor.voice import Voice

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder

Subscriber = Callable[[Record], None]
# Gives the faults that stand in the script, by their codes.
Written = Callable[[], Iterable[tuple[str, Record]]]

_INTERRUPTED = 130


class Cut(BaseException):
    """Ends a script where a trial was to end; no handler of the script should take it for an error."""


class Run:
    """A script under the recorder, which starts to listen when the script imports torch."""

    def __init__(
        self,
        target: str,
        args: list[str],
        *,
        module: bool,
        log: Path,
        every: int = 10,
        overhead: float = DEFAULT_SHARE,
        written: Written = tuple,
        read: Read | None = None,
    ) -> None:
        """Check that script and log can be opened; raise UsageError or LogError when not."""
        self.target, self.args, self.module, self.log = target, args, module, log
        if not module and not Path(target).is_file():
            raise UsageError(f"{target}: no such script; give the path of a Python file, or -m and a module's name")
        # Where our texts go, whatever the script does to its standard error.
        self.voice = Voice()
        self.writer = LogWriter(log, voice=self.voice, header=opening(target, args))
        self.error: BaseException | None = None
        # Whether it was we who interrupted the script.
        self.stopped = False
        self.pid = os.getpid()
        # What the log calls the script and its arguments: a scratch copy goes by the name of its original.
        self.shown = (target, args)
        # Taken now: where torch was imported before, recording starts before the script is the one of `sys.argv`.
        self._mark = None if module else mark_of_file(target)
        self._every, self._overhead, self._written = every, overhead, written
        self._subscribers: list[Subscriber] = [self.writer]
        self._recorder: Recorder | None = None
        self._printed = PrintedFigures(read) if read is not None else None

    @property
    def steps(self) -> int:
        """Return how many steps have been recorded."""
        return self._recorder.step_number if self._recorder is not None else 0

    @property
    def crashed(self) -> bool:
        """Return whether an error ended the script; an interrupt is none."""
        return isinstance(self.error, Exception)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the time of the block, inside of a subscriber, out of what is recorded of the training."""
        with self._recorder.held() if self._recorder is not None else nullcontext():
            yield

    def subscribe(self, subscriber: Subscriber) -> None:
        """Hand every record to the subscriber too."""
        self._subscribers.append(subscriber)

    def execute(self) -> int:
        """Run the script to its end; return its exit code. Its output, arguments and `__main__` are its own."""
        reason, code = "finished", 0
        stop_waiting = import_hook.when_torch_is_imported(self._start)
        with ExitStack() as ending:
            with self._flush_at_exit(), self._printed.lines.heard() if self._printed else nullcontext():
                try:
                    self._execute_module() if self.module else self._execute_file()
                except SystemExit as end:
                    code = _exit_code(end)
                except Cut:
                    reason = "cut"
                except KeyboardInterrupt as error:
                    reason, code, self.error = "interrupted", _INTERRUPTED, error
                except BaseException as error:  # noqa: BLE001 - reported below, as the interpreter would
                    reason, code, self.error = "exception", 1, error
                finally:
                    ending.enter_context(kept_from_ending())
            stop_waiting()
            if self.error is not None:
                code = self._report(self.error, code)
            with harmless():
                self._stop(reason)
        return code

    def _start(self) -> None:
        from trainadvisor.record.recorder import Recorder

        header = {"script": self.shown[0], "argv": self.shown[1], "module": self.module}
        header |= {} if self.module else {"script_mark": self._mark}
        self._recorder = Recorder(
            self._subscribers, discover=True, every=self._every, overhead=self._overhead, header=header
        )
        self._recorder.start()
        self._recorder.note_written(self._written)
        if self._printed is not None:
            self._printed.begin(self._recorder)

    def _stop(self, reason: str) -> None:
        if self._recorder is not None:
            if self._printed is not None:
                self._printed.end()
            self._recorder.stop(reason)
        elif os.getpid() == self.pid:
            self.writer(opening(*self.shown))
            if self.error is not None:
                self.writer({"record": "event", "kind": "exception", "step": 0, **_told(self.error)})
            self.writer({"record": "end", "reason": reason, "steps": 0})
        self.writer.close()

    def _execute_file(self) -> None:
        path = Path(os.path.abspath(self.target))  # noqa: PTH100 - as python: absolute, links kept
        names = self._fresh_main()
        loader = importlib.machinery.SourceFileLoader("__main__", str(path))
        names.update(__file__=str(path), __cached__=None, __loader__=loader)
        if not sys.flags.safe_path:
            sys.path[0] = str(path.resolve().parent)
        code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        exec(code, names)  # noqa: S102 - running the user's script is the job

    def _execute_module(self) -> None:
        self._fresh_main()
        if not sys.flags.safe_path:
            sys.path[0] = str(Path.cwd())
        # what `python -m` itself calls
        runpy._run_module_as_main(self.target)  # type: ignore[attr-defined]

    def _fresh_main(self) -> dict[str, Any]:
        """Put an empty `__main__` in place, which stays for the script's exit handlers and threads; return its names.

        Nothing else holds the module: its objects are let go at the end in the order in which Python does it.
        """
        sys.argv = [self.target, *self.args]
        main = types.ModuleType("__main__")
        main.__dict__.update(__builtins__=builtins, __annotations__={})
        sys.modules["__main__"] = main
        return main.__dict__

    @contextmanager
    def _flush_at_exit(self) -> Iterator[None]:
        """Keep the log when the script leaves through `os._exit`."""
        leave, running = os._exit, True

        def flush_and_leave(status: int) -> Any:
            if running and os.getpid() == self.pid:
                with harmless():
                    self._stop("exit")
            leave(status)

        restore = exchange(os, "_exit", looking_as(leave, flush_and_leave))
        try:
            yield
        finally:
            running = False
            restore()

    def _report(self, error: BaseException, code: int) -> int:
        """Show the traceback without our frames, through the script's own hook, and keep it in the log."""
        drop_own_frames(error)
        if self._recorder is not None:
            event = self._recorder.event
            self._recorder.guard("exception", lambda: event("exception", **_told(error)))
        _flush(sys.stdout)
        try:
            sys.excepthook(type(error), error, error.__traceback__)
        except SystemExit as end:
            return _exit_code(end)
        except BaseException as own:  # noqa: BLE001 - as the interpreter: both are shown
            _to_stderr("Error in sys.excepthook:\n")
            drop_own_frames(own)
            sys.__excepthook__(type(own), own, own.__traceback__)
            _to_stderr("\nOriginal exception was:\n")
            sys.__excepthook__(type(error), error, error.__traceback__)
        return code


def _told(error: BaseException) -> dict[str, Any]:
    detail = failures.describe(error)
    return {"subject": detail["type"], "detail": detail}


def _exit_code(end: SystemExit) -> int:
    """Return what the interpreter would exit with; a message is printed to stderr, as it does."""
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code
    _flush(sys.stdout)
    if sys.stderr is None:
        _to_stderr(str(end.code))
    else:
        with suppress(Exception):
            sys.stderr.write(str(end.code))
    _to_stderr("\n")
    return 1


def _to_stderr(text: str) -> None:
    """Write where the interpreter would: to the script's standard error, where that fails to the file itself."""
    try:
        sys.stderr.write(text)
    except Exception:  # noqa: BLE001 - closed, None, or an object of the script's
        with suppress(OSError):
            os.write(2, text.encode(errors="backslashreplace"))


def _flush(stream: Any) -> None:
    with suppress(Exception):  # it may be an object of the script's
        stream.flush()


@contextmanager
def harmless() -> Iterator[None]:
    """Let nothing that fails in an ending of ours change how the script ends; an exit that it asks for is its own."""
    try:
        yield
    except SystemExit:
        raise
    except BaseException:  # noqa: BLE001, S110 - the script is over; there is nobody to tell
        pass
