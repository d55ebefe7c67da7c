"""Runs Python as forks of one process that has imported torch, which takes seconds of every process of its own.

For tests of what a script does with torch; what is tested of the start of a process starts one anew.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import gc
import importlib
import json
import os
import random
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

_LONGEST = 1 << 20
_SECONDS = 240
_IMPORTED = ("numpy", "pydantic", "click", "orjson", "torch", "torch._dynamo", "torch.utils.data")


def run(
    arguments: list[str], folder: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run what `python ARGUMENTS` would: a script or `-m MODULE`, with arguments of its own."""
    setting = {"arguments": arguments, "folder": str(folder), "environment": {**os.environ, **(environment or {})}}
    connection = _server()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        socket.send_fds(connection, [json.dumps(setting).encode()], [out.fileno(), err.fileno()])
        pid = int(connection.recv(_LONGEST))
        connection.settimeout(_SECONDS)
        try:
            code = int(connection.recv(_LONGEST))
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            connection.settimeout(None)
            code = int(connection.recv(_LONGEST))
        printed = [_all_of(file) for file in (out, err)]
    return subprocess.CompletedProcess([sys.executable, *arguments], code, *printed)


def _all_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


@functools.cache
def _server() -> socket.socket:
    """Start the process that forks; it ends with this one."""
    own, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with other:
        code = f"import {__name__} as tests; tests._serve({other.fileno()})"
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent)}
        process = subprocess.Popen(
            [sys.executable, "-c", code], env=environment, pass_fds=[other.fileno()], stdin=subprocess.DEVNULL
        )

    def end() -> None:
        own.close()
        process.wait()

    atexit.register(end)
    return own


def _serve(number: int) -> None:
    """Fork a child for each setting that comes; in the child be what was asked for."""
    for name in _IMPORTED:
        importlib.import_module(name)
    _keep_for_ever()
    connection = socket.socket(fileno=number)
    while (received := socket.recv_fds(connection, _LONGEST, 2))[0]:
        message, files = received[:2]
        child = os.fork()
        if not child:
            connection.close()
            _become(json.loads(message), files)
            return
        for file in files:
            os.close(file)
        connection.send(str(child).encode())
        connection.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def _keep_for_ever() -> None:
    """Have no child look through all that was imported, nor let it go at its end: that takes a second."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object([dict(vars(module)) for module in sys.modules.values()]))
    gc.collect()
    gc.freeze()


def _become(setting: dict[str, Any], files: list[int]) -> None:
    import numpy as np

    for number, file in enumerate(files, 1):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(setting["environment"])
    os.chdir(setting["folder"])
    del sys.modules[__name__]
    sys.path.remove(str(Path(__file__).parent))
    tempfile.tempdir = None
    random.seed()
    np.random.seed()  # noqa: NPY002 - the script's global generator
    first, *rest = setting["arguments"]
    sys.orig_argv = [sys.executable, *setting["arguments"]]
    if first == "-m":
        sys.argv, sys.path[0] = rest, setting["folder"]
        runpy._run_module_as_main(rest[0])  # type: ignore[attr-defined] # what `python -m` itself calls
    else:
        sys.argv, sys.path[0] = [first, *rest], str(Path(first).resolve().parent)
        _execute(first)


def _execute(path: str) -> None:
    names = vars(sys.modules["__main__"])
    del names["tests"]
    names["__file__"] = os.path.abspath(path)  # noqa: PTH100 - as python: links kept
    code = compile(Path(path).read_bytes(), names["__file__"], "exec", dont_inherit=True)
    try:
        exec(code, names)  # noqa: S102 - scripts of tests
    except Exception as error:  # noqa: BLE001 - shown as by the interpreter, without our frames
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(1)
