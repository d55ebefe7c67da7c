"""Trials as forks of one prepared process, which saves each of them the import of torch."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from trainadvisor.trials.fork_server import LONGEST

if TYPE_CHECKING:
    from pathlib import Path

MODULE = "trainadvisor.trials.fork_server"
# Seconds that the prepared process has to import torch.
PATIENCE = 120.0
POLL = 0.02
# A script that sets variables may set those that torch reads when it is imported.
SETS_VARIABLES = re.compile(r"\benviron\b|\bputenv\b|\bunsetenv\b")


def suits(script: Path | None) -> bool:
    """Return whether trials of a script may be forks: on Linux, of a file that leaves the environment alone."""
    if sys.platform != "linux" or script is None:
        return False
    try:
        return SETS_VARIABLES.search(script.read_text(encoding="utf-8", errors="replace")) is None
    except OSError:
        return False


class ForkedTrial:
    """A child of the prepared process, as much like a `subprocess.Popen` as trials need."""

    def __init__(self, server: ForkServer, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._server = server

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        if self.returncode is None:
            self.returncode = self._server.code_of(self.pid)
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Return the exit code; raise subprocess.TimeoutExpired where it takes longer than some seconds."""
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("a trial", timeout)
            time.sleep(POLL)
        return code


class ForkServer:
    """The prepared process; it starts with the first trial, and ends with `close` or with this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self._codes: dict[int, int] = {}
        self._usable = True

    def start(self, spec: str, working: Path, environment: dict[str, str], out: Path, err: Path) -> ForkedTrial | None:
        """Start a trial; None where none can be forked here."""
        request = {"spec": spec, "working": str(working), "environment": environment}
        message = json.dumps({**request, "stdout": str(out), "stderr": str(err)}).encode()
        with self._lock:
            if not self._usable:
                return None
            try:
                connection = self._connected()
                connection.send(message)
                return ForkedTrial(self, self._next("pid", connection))
            except (OSError, ValueError):
                self._usable = False
                return None

    def code_of(self, pid: int) -> int | None:
        """Return the exit code of a trial, None while it runs; that of a kill where nobody is left to tell."""
        with self._lock:
            with suppress(BlockingIOError):
                while self._connection is not None:
                    self._take(self._connection, timeout=0)
            if pid not in self._codes and self._connection is None and not _runs(pid):
                self._codes[pid] = -signal.SIGKILL
            return self._codes.get(pid)

    def close(self) -> None:
        """End the prepared process."""
        with self._lock:
            self._usable = False
            self._leave()

    def _connected(self) -> socket.socket:
        if self._connection is not None:
            return self._connection
        own, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self.process = subprocess.Popen(  # noqa: S603 - this program itself
                [sys.executable, "-m", MODULE, str(other.fileno())], pass_fds=[other.fileno()], start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        self._connection = own
        if not self._next("fit", own):
            self._leave()
            raise OSError("a device does not outlive a fork")
        return own

    def _next(self, name: str, connection: socket.socket) -> int:
        """Return the next answer with a name and without an exit code; keep the codes that come before it."""
        while True:
            told = self._take(connection, timeout=PATIENCE)
            if name in told and "code" not in told:
                return int(told[name])

    def _take(self, connection: socket.socket, timeout: float) -> dict[str, Any]:
        connection.settimeout(timeout)
        try:
            message = connection.recv(LONGEST)
        except BlockingIOError:
            raise
        except OSError:
            message = b""
        if not message:
            self._usable = False
            self._leave()
            raise BlockingIOError
        told: dict[str, Any] = json.loads(message)
        if "code" in told:
            self._codes[told["pid"]] = told["code"]
        return told

    def _leave(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self.process is not None:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(1.0)
            self.process = None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
