"""Dumps of PyTorch's flight recorder: who waits for whom, and nothing of a hostile pickle is run."""

import io
import json
import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from builders import build_log

from trainadvisor.errors import LogError
from trainadvisor.importers import flight_recorder
from trainadvisor.importers.foreign_logs import read_log
from trainadvisor.telling import diagnose

HANGING = """
import sys, time
from datetime import timedelta
import torch
import torch.distributed as dist
from torch._C import _distributed_c10d as recorder

rank, folder = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", timeout=timedelta(seconds=4))
for step in range(3):
    dist.all_reduce(torch.ones(64, 32))
try:
    if rank == 0:
        dist.all_gather([torch.zeros(4) for _ in range(2)], torch.ones(4))
    else:
        time.sleep(6)
except RuntimeError:
    pass
open(f"{folder}/pickles/nccl_trace_rank_{rank}", "wb").write(recorder._dump_fr_trace(True, True, False))
told = recorder._dump_fr_trace_json(True, False)
open(f"{folder}/json/fr_trace_{rank}.json", "wb").write(told if isinstance(told, bytes) else told.encode())
"""


def call(number: int, op: str = "all_reduce", *, pending: bool = False, **more: Any) -> dict[str, Any]:
    """Return an entry of a dump."""
    frames = [{"filename": "/env/site-packages/torch/d.py", "line": 9}, {"filename": "/me/train.py", "line": number}]
    return {"process_group": ("0", "default_pg"), "collective_seq_id": number, "profiling_name": f"nccl:{op}",
            "is_p2p": False, "state": "started" if pending else "completed", "retired": not pending, "frames": frames,
            "input_sizes": [[4]], **more}  # fmt: skip


def told(folder: Path, *ranks: list[dict[str, Any]], size: int | None = None) -> str | None:
    """Write a dump a rank, with entries, and return what they tell."""
    config = {"0": {"ranks": str(list(range(size or len(ranks))))}}
    for rank, entries in enumerate(ranks):
        dump = {"version": "2.10", "pg_config": config, "entries": entries}
        (folder / f"nccl_trace_rank_{rank}").write_bytes(pickle.dumps(dump, protocol=2))
    found = flight_recorder.stalled(folder)
    return None if found is None else found["message"]


def port() -> int:
    """Return a port that is free."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def test_dumps_of_a_training_that_hangs(tmp_path: Path) -> None:
    """Of two real processes, as pickles and as JSON: the rank that never came, and the line where the other waits."""
    for name in ("pickles", "json"):
        (tmp_path / name).mkdir()
    script = tmp_path / "train.py"
    script.write_text(HANGING, encoding="utf-8")
    env = {**os.environ, "OMP_NUM_THREADS": "1", "TORCH_FR_BUFFER_SIZE": "100", "WORLD_SIZE": "2",
           "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port())}  # fmt: skip
    words = [[sys.executable, str(script), str(rank), str(tmp_path)] for rank in range(2)]
    running = [subprocess.Popen(word, env={**env, "RANK": str(rank)}) for rank, word in enumerate(words)]
    assert [process.wait(120) for process in running] == [0, 0]
    for name, file in (("pickles", "nccl_trace_rank_1"), ("json", "fr_trace_0.json")):
        for place in (tmp_path / name, tmp_path / name / file):
            finding = diagnose(place).findings[0]
            assert (finding.code, finding.branch) == ("collective-stalled", "behind")
            assert "Rank 1 never reached all_gather number 4, in which rank 0 waits" in finding.sentence
        assert "all_reduce 3" in finding.sentence
    line = HANGING.splitlines().index("        dist.all_gather([torch.zeros(4) for _ in range(2)], torch.ones(4))") + 1
    assert diagnose(tmp_path / "pickles").findings[0].where.endswith(f"train.py:{line}")


def test_a_rank_that_never_came(tmp_path: Path) -> None:
    """All others wait in the first call that it has not made, and its own last line is told."""
    waiting = [call(1), call(2), call(3, "broadcast", pending=True), call(4, pending=True)]
    assert told(tmp_path, waiting, [call(1), call(2)], waiting) == (
        "ranks 0, 2 in broadcast 3 of group 0; never came: rank 1, last in all_reduce 2 (train.py:2)"
    )
    assert flight_recorder.stalled(tmp_path)["site"] == {"file": "/me/train.py", "line": 3, "code": None}


def test_ranks_that_call_different_things(tmp_path: Path) -> None:
    """Another operation, or the same with another shape."""
    assert told(tmp_path, [call(7, pending=True)], [call(7, "broadcast", pending=True)]) == (
        "ranks 0, 1 in all_reduce 7 of group 0; rank 1 makes another call: broadcast [[4]] (train.py:7)"
    )
    wide = call(7, pending=True, input_sizes=[[8]])
    assert "another call: all_reduce [[8]]" in str(told(tmp_path, [call(7, pending=True)], [wide]))


def test_a_rank_without_a_dump(tmp_path: Path) -> None:
    """Its number is known from the group."""
    assert told(tmp_path, [call(7, pending=True)], [call(7, pending=True)], size=4) == (
        "ranks 0, 1 in all_reduce 7 of group 0; left no dump: ranks 2, 3"
    )


def test_every_rank_is_there(tmp_path: Path) -> None:
    """Nobody is blamed."""
    ends = "ranks 0, 1 in all_reduce 7 of group 0; every rank is there"
    assert told(tmp_path, [call(7, pending=True)], [call(7, pending=True)]) == ends


@pytest.mark.parametrize(("here", "gone"), [("a", "b"), ("b", "a")])
def test_of_several_groups_the_one_that_blames_is_told(tmp_path: Path, here: str, gone: str) -> None:
    """A rank without a dump says more than that every rank is there, whatever the groups are called."""
    config = {here: {"ranks": "[0, 1]"}, gone: {"ranks": "[0, 1, 2]"}}
    entries = [call(7, pending=True, process_group=(group, "pg")) for group in "ab"]
    for rank in range(2):
        dump = {"version": "2.10", "pg_config": config, "entries": entries}
        (tmp_path / f"nccl_trace_rank_{rank}").write_bytes(pickle.dumps(dump, protocol=2))
    found = flight_recorder.stalled(tmp_path)
    assert found is not None
    assert found["message"] == f"ranks 0, 1 in all_reduce 7 of group {gone}; left no dump: rank 2"


def test_an_operation_of_gloo_that_failed(tmp_path: Path) -> None:
    """It is retired like those that ended, but a rank that has not made it shows that it never could end."""
    sound, failed = call(1, state="scheduled"), call(2, state="scheduled")
    assert told(tmp_path, [sound, failed], [sound]) == (
        "rank 0 in all_reduce 2 of group 0; never came: rank 1, last in all_reduce 1 (train.py:1)"
    )
    assert told(tmp_path, [sound, failed], [sound, failed]) is None


def test_nothing_is_waited_for(tmp_path: Path) -> None:
    """Neither after the last call, nor where a message between two ranks is under way."""
    assert told(tmp_path, [call(7)], [call(7), call(8, pending=True, is_p2p=True)]) is None
    with pytest.raises(LogError, match="no collective operation is waited for"):
        read_log(tmp_path)


def test_dumps_beside_a_log_of_ours(tmp_path: Path) -> None:
    """They explain a run that did not end by itself, and say nothing of one that did."""
    log = build_log(tmp_path, steps=50)
    assert told(tmp_path, [call(1), call(2, pending=True)], [call(1)]) is not None
    assert "collective-stalled" not in {item.code for item in diagnose(log).walk()}
    text = log.read_text(encoding="utf-8")
    log.write_text(text[: text.index('{"record": "end"')] if '{"record": "end"' in text else text[: text.rindex("{")])
    assert diagnose(log).findings[0].code == "collective-stalled"
    for dump in tmp_path.glob("nccl_trace_rank_*"):
        os.utime(dump, (0, 0))
    assert diagnose(log).findings == []  # they were left by a run before


class Evil:
    """Would make a file where it is loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def test_hostile_dumps(tmp_path: Path) -> None:
    """A pickle that calls, names a class, or asks for memory that its size does not explain is not loaded."""
    mark = tmp_path / "mark"
    bombs = {
        "calls": pickle.dumps({"pg_config": {}, "entries": [Evil(mark)]}),
        "class": b"\x80\x02cbuiltins\neval\n.",
        "memo": b"\x80\x02}r\xff\xff\xff\x7f.",
        "torn": pickle.dumps({"pg_config": {}, "entries": []})[:-5],
        "empty": b"",
        "deep": b"{" + b'"a":{' * 100_000,
        "kind": b'{"pg_config": {}, "entries": {}}',
    }
    for name, content in bombs.items():
        assert flight_recorder.loaded(content) is None, name
        (tmp_path / f"nccl_trace_rank_{len(name)}").write_bytes(content)
    assert flight_recorder.dumps_in(tmp_path) == {}
    assert not mark.exists()


@pytest.mark.parametrize(
    "entries",
    [[None], ["a"], [{}], [{"process_group": 3}], [{"process_group": ["0"], "collective_seq_id": "x"}],
     [{"process_group": [], "collective_seq_id": 1}], [{"process_group": [None], "collective_seq_id": 1, "frames": 7}]],
)  # fmt: skip
def test_entries_of_another_kind(tmp_path: Path, entries: list[Any]) -> None:
    """They are passed over, whatever they are."""
    for config in ({}, [], {"0": 3}, {"0": {"ranks": None}}):
        (tmp_path / "trace_0.json").write_text(json.dumps({"pg_config": config, "entries": entries}), encoding="utf-8")
        found = flight_recorder.stalled(tmp_path)
        assert found is None or found["message"] == "rank 0 in None 1 of group None; every rank is there"


@pytest.mark.parametrize("thing", [os.system, Path, json.JSONDecodeError])
def test_a_pickle_names_nothing(thing: Any) -> None:
    """Functions and classes are refused by their names, builtin containers are read."""
    assert flight_recorder._Plain(io.BytesIO(pickle.dumps({"entries": [1]}))).load() == {"entries": [1]}
    with pytest.raises(pickle.UnpicklingError, match=f"a dump does not name .*{thing.__name__}"):
        flight_recorder._Plain(io.BytesIO(pickle.dumps([thing]))).load()
