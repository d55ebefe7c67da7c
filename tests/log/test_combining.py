"""The logs of several processes, read together on the first one's path."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest

from trainadvisor.log import rank_logs
from trainadvisor.log.reader import RunLog, read_log
from trainadvisor.signals import Signals

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
STEPS = 12


def process(rank: int, size: int = 2, **more: Any) -> dict[str, Any]:
    """Return the header of a process's log."""
    created = (NOON + timedelta(seconds=rank)).isoformat()
    return {"record": "header", "format": 1, "rank": rank, "world_size": size, "created": created, **more}


def model(*parameters: dict[str, Any]) -> dict[str, Any]:
    """Return a model's fact."""
    named = [{"id": index, "name": f"p{index}", "count": 4, **fact} for index, fact in enumerate(parameters)]
    return {"id": 0, "name": "Net", "class": "Net", "layers": [], "parameters": named}


def steps(own: float = 0.1, **more: list[Any]) -> list[dict[str, Any]]:
    """Return step records."""
    return [
        {"record": "step", "step": i, "opt": [0], "loss": 1.0, "own": own, **{k: v[i] for k, v in more.items()}}
        for i in range(STEPS)
    ]


def weights(after: int, sums: list[int | None], **more: Any) -> dict[str, Any]:
    """Return an event with checksums."""
    detail = {"model": 0, "after": after, "sums": sums, **more}
    return {"record": "event", "kind": "weights", "step": after, "subject": "", "detail": detail}


def read(folder: Path, *logs: list[dict[str, Any]]) -> RunLog:
    """Write the logs of the processes and read the first one's."""
    for rank, records in enumerate(logs):
        rank_logs.path_of(folder / "log.json", rank).write_bytes(orjson.dumps(records))
    return read_log(folder / "log.json")


def compared(log: RunLog) -> list[tuple[int, int, int, str | None]]:
    """Return (step, parameters, different, first) of each comparison."""
    details = [(event["step"], event["detail"]) for event in log.events if event["kind"] == "replicas"]
    return [(step, detail["parameters"], detail["different"], detail["first"]) for step, detail in details]


def test_a_log_is_named_by_its_rank(tmp_path: Path) -> None:
    """The first process writes the log that was asked for."""
    assert rank_logs.path_of(tmp_path / "log.json", 0) == tmp_path / "log.json"
    assert rank_logs.path_of(tmp_path / "log.json", 12) == tmp_path / "log.rank12.json"
    assert rank_logs.path_of(tmp_path / "a.b.json.gz", 1) == tmp_path / "a.rank1.b.json.gz"


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({}, (0, 1)),
        ({"RANK": "1", "WORLD_SIZE": "2"}, (1, 2)),
        ({"SLURM_PROCID": "3", "SLURM_NTASKS": "4"}, (3, 4)),
        ({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "8"}, (1, 8)),
        ({"RANK": "1"}, (0, 1)),
        ({"RANK": "x", "WORLD_SIZE": "2"}, (0, 1)),
        ({"RANK": "2", "WORLD_SIZE": "2"}, (0, 1)),
    ],
)
def test_the_launcher_tells_rank_and_size(environment: dict[str, str], place: tuple[int, int]) -> None:
    """What makes no sense is taken for a single process."""
    assert rank_logs.of_environment(environment) == place


def test_copies_in_the_wrapper_are_compared_wherever_both_have_sums(tmp_path: Path) -> None:
    """A parameter that only one process has sums of, and a step that only one has sampled, are left out."""
    fact = {"models": [model({}, {}, {})]}
    one = [process(0, **fact), *steps(), weights(1, [1, 2, None], replicated=True)]
    other = [process(1, **fact), *steps(), weights(1, [1, 2, None], replicated=True)]
    one += [weights(2, [3, 4, None], replicated=True), weights(4, [5, 6, None], replicated=True)]
    other += [weights(2, [3, 9, None], replicated=True)]
    log = read(tmp_path, one, other)
    assert compared(log) == [(0, 2, 0, None), (1, 2, 1, "p1")]
    signals = Signals(log)
    assert (signals["replica_different_share"], signals["replica_onset"]) == (0.5, 1)


def test_without_a_wrapper_copies_are_what_began_as_equal_random_numbers(tmp_path: Path) -> None:
    """Constants prove nothing, and parts that differed from the start are parts by design."""
    fact = {"models": [model({}, {}, {})]}
    start = {"replicated": False, "varied": [True, False, True]}
    one = [process(0, **fact), *steps(), weights(0, [1, 0, 5], **start), weights(3, [2, 3, 7])]
    other = [process(1, **fact), *steps(), weights(0, [1, 0, 6], **start), weights(3, [9, 4, 8])]
    assert compared(read(tmp_path, one, other)) == [(2, 1, 1, "p0")]


def test_copies_that_agree_again_are_no_finding(tmp_path: Path) -> None:
    """Local steps between two averages."""
    fact = {"models": [model({})]}
    sums = {"replicated": True}
    one = [process(0, **fact), *steps(), weights(1, [1], **sums), weights(2, [3], **sums)]
    other = [process(1, **fact), *steps(), weights(1, [2], **sums), weights(2, [3], **sums)]
    assert Signals(read(tmp_path, one, other))["replica_different_share"] == 0.0


@pytest.mark.parametrize(("slow", "ratio"), [(0.1, 1.0), (0.3, 1.5)])
def test_the_slowest_process_is_told_by_its_own_time(tmp_path: Path, slow: float, ratio: float) -> None:
    """Over the median of all; equal processes make no difference."""
    signals = Signals(read(tmp_path, [process(0), *steps(0.1)], [process(1), *steps(slow)]))
    assert signals["rank_step_ratio"] == pytest.approx(ratio)
    assert signals["slowest_rank"] == int(slow > 0.1)


def test_norms_of_parts_are_joined(tmp_path: Path) -> None:
    """Squares add up; a parameter held by one process only, and one that is no part, keep their own."""
    fact = {"models": [model({"parts": 2}, {"parts": 2}, {})]}
    logs = []
    for rank, (grad, weight) in enumerate([([3.0, 5.0, 7.0], [6.0, 2.0, 1.0]), ([4.0, None, 7.0], [8.0, None, 1.0])]):
        update = [0.5, 0.25 if weight[1] else None, 0.1]
        row = {"record": "layers", "step": 0, "model": 0, "grad": grad, "weight": weight, "update": update}
        logs.append([process(rank, **fact), *steps(grad_norm=[3.0 + rank] + [None] * (STEPS - 1)), row])
    log = read(tmp_path, *logs)
    assert log.layers.column("grad").tolist() == [[5.0, 5.0, 7.0]]
    assert log.layers.column("weight").tolist() == [[10.0, 2.0, 1.0]]
    assert log.layers.column("update")[0] == pytest.approx([0.5, 0.25, 0.1])
    assert np.isnan(log.column("grad_norm")).all()  # one of the parameters is no part: the squares would count twice


def test_the_norm_of_evenly_split_parameters_is_that_of_the_whole(tmp_path: Path) -> None:
    """At steps that both have sampled; each part twice where four processes hold two copies."""
    fact = {"models": [model({"parts": 2})]}
    norms = [[3.0, 3.0, *[None] * (STEPS - 2)], [4.0, None, *[None] * (STEPS - 2)]]
    both = [[process(rank, **fact), *steps(grad_norm=norms[rank])] for rank in range(2)]
    assert read(tmp_path, *both).column("grad_norm")[:2] == pytest.approx([5.0, np.nan], nan_ok=True)
    four = [[process(rank, 4, **fact), *steps(grad_norm=norms[rank % 2])] for rank in range(4)]
    assert read(tmp_path, *four).column("grad_norm")[0] == 5.0


def test_parts_of_a_training_that_has_just_begun_have_no_norms(tmp_path: Path) -> None:
    """The first look at a run may come before its first step is written."""
    fact = {"models": [model({"parts": 2})]}
    log = read(tmp_path, *([process(rank, **fact)] for rank in range(2)))
    assert log.models
    assert log.column("grad_norm").size == 0


@pytest.mark.parametrize(
    "header",
    [
        process(1, 4),
        process(2),
        process(1, job="another"),
        {**process(1), "created": (NOON + timedelta(days=1)).isoformat()},
    ],
)
def test_a_log_left_from_another_run_is_not_taken(tmp_path: Path, header: dict[str, Any]) -> None:
    """Another number of processes, another rank, another job, another day; that it is missing is said."""
    log = read(tmp_path, [process(0), *steps()], [header, *steps()])
    assert log.processes == 1
    assert log.notes == ["the logs of the other 1 processes are not beside this one: it is judged alone"]


def test_a_log_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """And the others are compared."""
    (tmp_path / "log.rank1.json").write_text("no log")
    log = read(tmp_path, [process(0), *steps()])
    assert log.processes == 1
    assert [note for note in log.notes if "log.rank1.json: is not a trainadvisor log" in note]


def test_a_single_process_looks_for_no_other(tmp_path: Path) -> None:
    """What lies beside it is another run's."""
    log = read(tmp_path, [process(0, 1), *steps()], [process(1), *steps()])
    assert (log.processes, log.notes) == (1, [])


def test_the_end_of_the_others_is_waited_for_a_while(tmp_path: Path) -> None:
    """No longer than allowed where one never ends."""
    ended, running = tmp_path / "a.json", tmp_path / "b.json"
    ended.write_bytes(b'[\n{"record":"header"},\n{"record":"end","reason":"finished"}\n]\n')
    running.write_bytes(b'[\n{"record":"header"}\n]\n')
    assert rank_logs.await_ends([ended], 0.0) is True
    assert rank_logs.await_ends([ended, running, tmp_path / "none.json"], 0.0) is False


def test_some_of_the_processes_are_compared_where_others_are_missing(tmp_path: Path) -> None:
    """That is said; times are told only of all of them."""
    fact = {"models": [model({})]}
    logs = [[process(rank, 3, **fact), *steps(), weights(1, [1 + rank], replicated=True)] for rank in range(2)]
    log = read(tmp_path, *logs)
    assert (log.processes, compared(log)) == (2, [(0, 1, 1, "p0")])
    assert log.notes == ["2 of 3 processes are compared; the logs of the others were not read"]
    assert [event for event in log.events if event["kind"] == "ranks"] == []


def test_the_log_of_a_later_process_is_read_alone(tmp_path: Path) -> None:
    """By its rank or by its name; nothing is compared."""
    read(tmp_path, [process(0), *steps()], [process(1), *steps()])
    assert read_log(tmp_path / "log.rank1.json").processes == 1
    (tmp_path / "other.rank1.json").write_bytes(orjson.dumps([process(0), *steps()]))
    assert read_log(tmp_path / "other.rank1.json").processes == 1
    assert read_log(tmp_path / "log.json").processes == 2


@pytest.mark.parametrize(("seconds", "taken"), [(599.0, 2), (600.0, 1), (-599.0, 2), (-600.0, 1)])
def test_the_processes_of_a_launch_begin_within_ten_minutes(tmp_path: Path, seconds: float, taken: int) -> None:
    """Either may be the first; where no time is told the rest decides."""
    created = (NOON + timedelta(seconds=seconds)).isoformat()
    assert read(tmp_path, [process(0), *steps()], [{**process(1), "created": created}, *steps()]).processes == taken
    for odd in (None, "today"):
        assert read(tmp_path, [process(0), *steps()], [{**process(1), "created": odd}, *steps()]).processes == 2


def test_checksums_of_another_shape_are_not_compared(tmp_path: Path) -> None:
    """The next ones are."""
    fact = {"models": [model({}, {})]}
    sums = {"replicated": True}
    one = [process(0, **fact), *steps(), weights(1, [1, 2], **sums), weights(2, [1, 2], **sums)]
    other = [process(1, **fact), *steps(), weights(1, [1], **sums), weights(2, [1, 3], **sums)]
    assert compared(read(tmp_path, one, other)) == [(1, 2, 1, "p1")]


def test_one_process_outside_the_wrapper_makes_copies_unknown(tmp_path: Path) -> None:
    """Unless they began as equal random numbers."""
    fact = {"models": [model({})]}
    one = [process(0, **fact), *steps(), weights(1, [1], replicated=True)]
    other = [process(1, **fact), *steps(), weights(1, [2], replicated=False)]
    assert compared(read(tmp_path, one, other)) == []


def test_weights_before_the_first_step_are_no_comparison(tmp_path: Path) -> None:
    """They tell which rows are copies."""
    fact = {"models": [model({}, {})]}
    start = {"varied": [True]}
    logs = [
        [process(rank, **fact), *steps(), weights(0, [1, 1], **start), weights(5, [2 + rank, 3 + rank])]
        for rank in range(2)
    ]
    assert compared(read(tmp_path, *logs)) == [(4, 1, 1, "p0")]


def test_a_parameter_beyond_the_recorded_ones_has_no_name(tmp_path: Path) -> None:
    """Nor has one of another model."""
    logs = [
        [process(rank, models=[model({})]), *steps(), weights(1, [1, 2 + rank], replicated=True)] for rank in range(2)
    ]
    assert compared(read(tmp_path, *logs)) == [(0, 2, 1, None)]


def test_the_time_of_a_process_needs_ten_steps_behind_two(tmp_path: Path) -> None:
    """Those at its start are not timed."""

    def timed(seconds: list[float | None]) -> list[dict[str, Any]]:
        more: list[float | None] = [None] * (STEPS - len(seconds))
        return [{**step, "own": own} for step, own in zip(steps(), [*seconds, *more], strict=True)]

    def told(seconds: list[float | None]) -> list[Any]:
        log = read(tmp_path, [process(0), *timed(seconds)], [process(1), *timed(seconds)])
        return [event["detail"]["step_seconds"] for event in log.events if event["kind"] == "ranks"]

    assert told([9.0, 9.0, *[0.5] * 10]) == [[0.5, 0.5]]
    assert told([9.0, 9.0, *[0.5] * 9]) == []


def test_parts_of_a_process_that_is_missing_leave_the_norms_unknown(tmp_path: Path) -> None:
    """Of the layers as of the whole; what is no part stays."""
    row = {"record": "layers", "step": 0, "model": 0, "grad": [3.0], "weight": [6.0], "update": [0.5]}
    for fact, known in (({"parts": 2}, False), ({}, True)):
        log = read(tmp_path, [process(0, models=[model(fact)]), *steps(grad_norm=[3.0] * STEPS), row])
        assert np.isfinite(log.column("grad_norm")).all() == known
        assert log.layers.column("grad").tolist() == ([[3.0]] if known else [])


def test_layers_are_joined_at_the_steps_that_all_have_sampled(tmp_path: Path) -> None:
    """A row of another length is left out."""
    fact = {"models": [model({"parts": 2})]}

    def rows(*sampled: tuple[int, list[float]]) -> list[dict[str, Any]]:
        return [
            {"record": "layers", "step": step, "model": 0, "grad": grad, "weight": [6.0], "update": [0.5]}
            for step, grad in sampled
        ]

    one = [process(0, **fact), *steps(), *rows((0, [3.0]), (2, [6.0]), (4, [3.0]))]
    other = [process(1, **fact), *steps(), *rows((2, [8.0]), (3, [4.0]), (4, [4.0]))]
    log = read(tmp_path, one, other)
    assert log.layers.steps_of("grad").tolist() == [2, 4]
    assert log.layers.column("grad").tolist() == [[10.0], [5.0]]


def test_an_end_in_the_last_bytes_is_seen_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long log too; one that cannot be read has not ended, and nothing is slept where all have."""
    monkeypatch.setattr(rank_logs.clocks, "sleep", lambda _: pytest.fail("slept"))
    ended = tmp_path / "a.json"
    ended.write_bytes(b" " * 10_000 + b'{"record":"end","reason":"finished"}\n]\n')
    assert rank_logs.await_ends([ended, ended], 9.0) is True
    assert rank_logs._has_ended(tmp_path / "none.json") is False
    ended.write_bytes(b'{"record":"end"' + b" " * 10_000)
    assert rank_logs._has_ended(ended) is False


def test_the_processes_of_one_launch_share_a_name() -> None:
    """Made of what the launcher has set, in one order; empty without a launcher."""
    known = {"MASTER_PORT": "29500", "TORCHELASTIC_RUN_ID": "a", "SLURM_JOB_ID": "", "RANK": "3"}
    assert (rank_logs.job(known), rank_logs.job({"RANK": "0"})) == ("a/29500", "")


def raised(message: str) -> dict[str, Any]:
    """Return the event of an exception."""
    return {
        "record": "event",
        "kind": "exception",
        "step": 9,
        "subject": "E",
        "detail": {"type": "E", "message": message},
    }


def failures(log: RunLog) -> list[str]:
    """Return the messages of what ended a run."""
    return [event["detail"]["message"] for event in log.events if event["kind"] == "exception"]


def test_a_run_has_failed_in_which_another_process_failed(tmp_path: Path) -> None:
    """Also where the first one came to its end; its own failure comes first, and without any there is none."""
    sound, failed = [process(0), *steps()], [process(1), *steps(), raised("peer is gone")]
    assert failures(read(tmp_path, sound, failed)) == ["peer is gone"]
    assert failures(read(tmp_path, [*sound, raised("mine")], failed)) == ["mine"]
    assert failures(read(tmp_path, sound, [process(1), *steps()])) == []
