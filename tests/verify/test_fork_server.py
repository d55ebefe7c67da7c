"""The process that forks trials, called in this one: what it returns, and what it tells the other side."""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from trainadvisor.trials import fork_server

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="trials are forked on Linux only")


@pytest.fixture
def sides() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return the ends of the test and of the server."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        yield ours, theirs


def test_a_child_goes_on_with_its_request(
    sides: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And tells nothing."""
    ours, theirs = sides
    monkeypatch.setattr(os, "fork", lambda: 0)
    ours.send(b'{"spec": "a.json"}')
    assert fork_server.serve(theirs) == {"spec": "a.json"}
    with pytest.raises(BlockingIOError):
        ours.recv(99, socket.MSG_DONTWAIT)


def test_the_server_tells_process_and_exit_code_of_each_child(
    sides: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the other side closes; then it returns nothing."""
    ours, theirs = sides
    fork, began = os.fork, []

    def forked() -> int:
        if not (child := fork()):
            os._exit(3 + len(began))
        began.append(child)
        if len(began) == 2:
            ours.shutdown(socket.SHUT_WR)
        return child

    def ended(child: int, _: int) -> tuple[int, int]:
        return wait(child, 0)

    wait = os.waitpid
    monkeypatch.setattr(os, "fork", forked)
    monkeypatch.setattr(os, "waitpid", ended)
    for _ in range(2):
        ours.send(b"{}")
    assert fork_server.serve(theirs) is None
    theirs.shutdown(socket.SHUT_WR)
    told = [json.loads(message) for message in iter(lambda: ours.recv(99), b"")]
    one, two = began
    assert told == [{"pid": one}, {"pid": one, "code": 3}, {"pid": two}, {"pid": two, "code": 4}]
