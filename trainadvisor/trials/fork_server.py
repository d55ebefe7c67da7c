"""A process that has imported torch and the recorder, and forks one child a trial.

`python -m trainadvisor.trials.fork_server DESCRIPTOR`: requests come through that socket, each a JSON object; answered
are the process of the trial, and later its exit code. In the child the module ends as `changed_script` does.
"""

import json
import os
import random
import select
import socket
import sys
import tempfile
from typing import Any

# Seconds between two looks for trials that have ended.
LOOK = 0.02
LONGEST = 1 << 20

Request = dict[str, Any]


def serve(connection: socket.socket) -> Request | None:
    """Fork a child a request until the other side closes; return the request in a child, None in the server."""
    running: set[int] = set()
    while True:
        if select.select([connection], [], [], LOOK if running else None)[0]:
            message = connection.recv(LONGEST)
            if not message:
                return None
            request: Request = json.loads(message)
            child = os.fork()
            if not child:
                return request
            running.add(child)
            _tell(connection, pid=child)
        for child in tuple(running):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                running.discard(child)
                _tell(connection, pid=child, code=os.waitstatus_to_exitcode(status))


def _tell(connection: socket.socket, **what: int | bool) -> None:
    connection.send(json.dumps(what).encode())


def _become(request: Request) -> None:
    """Be what a fresh process of that folder, environment and output would be."""
    import numpy as np

    os.setsid()
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["working"])
    for number, path in ((1, request["stdout"]), (2, request["stderr"])):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(file, number)
        os.close(file)
    sys.path[0] = request["working"]
    tempfile.tempdir = None
    random.seed()
    np.random.seed()  # noqa: NPY002 - the script's global generator


def _fit() -> bool:
    """Return whether a forked child may use torch: devices other than the processor do not outlive a fork."""
    import torch

    return not any((torch.version.cuda, torch.version.hip, getattr(torch.version, "xpu", None)))


def main(arguments: list[str]) -> int:
    """Serve requests; in a child run the trial that was asked for."""
    connection = socket.socket(fileno=int(arguments[0]))
    from trainadvisor.changes.applying import change_session  # noqa: F401 - what every trial imports
    from trainadvisor.record import recorder  # noqa: F401
    from trainadvisor.trials import changed_script

    fit = _fit()
    _tell(connection, fit=fit)
    request = serve(connection) if fit else None
    connection.close()
    if request is None:
        return 0
    _become(request)
    return changed_script.main([request["spec"]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
