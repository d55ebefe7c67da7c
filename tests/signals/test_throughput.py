"""Where the seconds and the memory go."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import event, make_model, signals_of

RNG = np.random.default_rng(5)


def of(folder: Path, **parts: Any) -> Any:
    """Signals of a run."""
    return signals_of(folder, **parts)


def test_waiting(tmp_path: Path) -> None:
    """Medians of step and wait; the first three steps are left out."""
    columns = {"seconds": [9.0] * 3 + [0.04] * 100, "wait": [8.0] * 3 + [0.03] * 100}
    signals = of(tmp_path, columns=columns)
    assert (signals["step_seconds"], signals["wait_seconds"], signals["wait_share"]) == (0.04, 0.03, 0.75)
    assert signals["wait_lost"] == pytest.approx(3.0)
    assert signals["wait_ceiling"] == pytest.approx(4.0)
    assert signals["stepping_seconds"] == pytest.approx(4.0)


def test_few_steps(tmp_path: Path) -> None:
    """Below twenty timed steps nothing is said."""
    signals = of(tmp_path, columns={"seconds": [0.04] * 20, "wait": [0.03] * 20})
    assert [signals[name] for name in ("step_seconds", "wait_share", "slow_steps", "wait_lost")] == [None] * 4


def test_loader_and_cores(tmp_path: Path) -> None:
    """Workers of the training loader, cores of the machine."""
    signals = of(tmp_path, steps=2, loaders=[{"id": 0, "role": "train", "workers": 3}], cores=8)
    assert (signals["loader_workers"], signals["cores"]) == (3, 8)


def stalled(every: int, count: int = 180, stall: float = 0.03) -> list[float]:
    """Steps of a millisecond with periodic stalls."""
    return [0.001 + (stall if i and i % every == 0 else 0.0) for i in range(count)]


@pytest.mark.parametrize(("more", "count"), [(40, 0), (1, 11)])
def test_steps_that_do_more_are_not_slow(tmp_path: Path, more: int, count: int) -> None:
    """A step that begins with forty passes of single examples takes its time for them."""
    passes = [more if i and i % 15 == 0 else 1 for i in range(180)]
    assert of(tmp_path, columns={"seconds": stalled(15), "micro": passes})["slow_steps"] == count


def test_clockwork(tmp_path: Path) -> None:
    """A stall every fifteenth step: number, length, share, period and regularity."""
    signals = of(tmp_path, columns={"seconds": stalled(15)})
    assert (signals["slow_steps"], signals["slow_step_period"], signals["slow_step_onset"]) == (11, 15, 15)
    assert signals["slow_step_seconds"] == pytest.approx(0.031)
    assert signals["slow_step_share"] == pytest.approx(0.33 / (0.33 + 0.177), abs=0.01)
    assert signals["slow_step_regularity"] == 1.0


def test_clockwork_at_epoch_ends(tmp_path: Path) -> None:
    """Stalls that fall on the first step of an epoch are left out; the others still show the rhythm."""
    columns = {"seconds": stalled(15), "epoch": [i // 30 for i in range(180)]}
    signals = of(tmp_path, columns=columns)
    assert (signals["slow_steps"], signals["slow_step_regularity"]) == (6, 1.0)


def test_random_stalls(tmp_path: Path) -> None:
    """Stalls at random have no rhythm."""
    seconds = np.full(400, 0.001)
    seconds[RNG.choice(np.arange(5, 400), 15, replace=False)] = 0.04
    signals = of(tmp_path, columns={"seconds": seconds.tolist()})
    assert signals["slow_steps"] == 15
    assert signals["slow_step_regularity"] < 0.6


def test_steps_without_a_record_waited_too(tmp_path: Path) -> None:
    """Of one step in four there is a record."""
    steps = [{"step": step, "seconds": 0.02, "wait": 0.01} for step in range(0, 400, 4)]
    signals = of(tmp_path, steps=steps)
    assert signals["wait_lost"] == pytest.approx(97 * 0.01 * 397 / 100)
    assert signals["wait_share"] == 0.5


def test_evaluations_are_no_stalls(tmp_path: Path) -> None:
    """The step behind an evaluation holds its time."""
    evals = [{"step": step} for step in (30, 60, 90, 120, 150)]
    signals = of(tmp_path, columns={"seconds": stalled(30)}, evals=evals)
    assert (signals["slow_steps"], signals["slow_step_regularity"], signals["slow_step_period"]) == (0, None, None)


def test_checkpoints(tmp_path: Path) -> None:
    """Writing times of checkpoints against the time of all steps."""
    events = [event("checkpoint", {"seconds": seconds}) for seconds in (0.1, 0.2, 0.3)]
    signals = of(tmp_path, columns={"seconds": [0.01] * 100}, events=events)
    assert (signals["checkpoints"], signals["checkpoint_seconds"]) == (3, 0.2)
    assert signals["checkpoint_share"] == pytest.approx(0.6 / 0.97)
    slow_start = of(tmp_path, columns={"seconds": [6.0, *[0.01] * 99]}, events=events)
    assert slow_start["checkpoint_share"] == pytest.approx(0.6 / 0.97)
    every_fourth = [{"step": step, "seconds": 0.01} for step in range(0, 400, 4)]
    assert of(tmp_path, steps=every_fourth, events=events)["checkpoint_share"] == pytest.approx(0.6 / 3.85)


def test_steady_growth(tmp_path: Path) -> None:
    """Half a megabyte a step: growth over the last four fifths, without a pause, as fast at the end."""
    signals = of(tmp_path, columns={"memory": [100 + 0.5 * i for i in range(200)]})
    assert signals["memory_growth"] == pytest.approx(72.0)
    assert (signals["memory_rising_share"], signals["memory_late_ratio"]) == (1.0, pytest.approx(0.8))
    assert signals["memory_per_step"] == pytest.approx(453, abs=1)


def test_filling_cache(tmp_path: Path) -> None:
    """A cache grows at first and not later."""
    signals = of(tmp_path, columns={"memory": [min(100 + i, 180) for i in range(300)]})
    assert (signals["memory_growth"], signals["memory_late_ratio"]) == (pytest.approx(8, abs=9), 0.0)


def test_standstill(tmp_path: Path) -> None:
    """The longest step, or a longer silence reported by the recorder."""
    assert of(tmp_path, columns={"seconds": [1.0, 40.0, 1.0]})["standstill_seconds"] == 40.0
    assert (
        of(tmp_path, columns={"seconds": [1.0]}, events=[event("stall", {"seconds": 4000})])["standstill_seconds"]
        == 4000.0
    )


def test_device(tmp_path: Path) -> None:
    """Use, memory and precision of an accelerator."""
    detail = {"busy": 0.4, "memory_total": 80000, "capability": 9.0, "matmul_precision": "highest", "sync_share": 0.2}
    parts = {"columns": {"memory": [4000.0] * 4}, "device": "cuda", "models": [make_model(("a", "Linear", 4, 4))]}
    signals = of(tmp_path, events=[event("device", detail)], **parts)
    assert (signals["device"], signals["device_busy_share"], signals["device_memory_share"]) == ("cuda", 0.4, 0.05)
    assert (signals["tensor_cores"], signals["full_precision_matmul"], signals["sync_share"]) == (True, True, 0.2)
    autocast = of(tmp_path, events=[event("device", detail), event("amp", {"dtype": "bfloat16"})], **parts)
    assert autocast["full_precision_matmul"] is False


def test_processor_has_no_device_facts(tmp_path: Path) -> None:
    """On the processor they are absent."""
    signals = of(tmp_path, steps=3)
    assert [signals[name] for name in ("device_busy_share", "tensor_cores", "full_precision_matmul", "sync_share")] == [
        None
    ] * 4


def test_replicas(tmp_path: Path) -> None:
    """The last comparison counts for the share, the first bad one for the onset."""
    events = [
        event("replicas", {"parameters": 10, "different": n, "first": "fc.weight" if n else None}, step=s)
        for s, n in ((0, 0), (100, 2), (200, 5))
    ]
    signals = of(tmp_path, steps=3, events=events, world_size=4)
    assert (signals["replica_different_share"], signals["replica_onset"], signals["replica_first_different"]) == (
        0.5,
        100,
        "fc.weight",
    )
    assert signals["world_size"] == 4


def test_ranks(tmp_path: Path) -> None:
    """The slowest process against the median."""
    signals = of(tmp_path, steps=3, events=[event("ranks", {"step_seconds": [1.0, 1.0, 1.5, 1.0]})])
    assert (signals["rank_step_ratio"], signals["slowest_rank"]) == (1.5, 2)


def test_twenty_timed_steps_are_enough(tmp_path: Path) -> None:
    """Three of warm-up beside them; a wait that is not known leaves the step's time alone."""
    columns = {"seconds": [0.04] * 23, "wait": [None] * 3 + [0.02] * 20}
    signals = of(tmp_path, columns=columns)
    assert (signals["step_seconds"], signals["wait_seconds"], signals["slow_steps"]) == (0.04, 0.02, 0)
    columns["wait"] = [None] * 4 + [0.02] * 19
    assert (of(tmp_path, columns=columns)["step_seconds"], of(tmp_path, columns=columns)["wait_share"]) == (0.04, None)
    assert of(tmp_path, columns={"seconds": [0.04] * 22})["step_seconds"] is None


def test_a_wait_is_at_most_the_whole_step(tmp_path: Path) -> None:
    """The ceiling is then a factor of a hundred; steps of no time have no share."""
    signals = of(tmp_path, columns={"seconds": [0.04] * 30, "wait": [0.05] * 30})
    assert (signals["wait_share"], signals["wait_ceiling"]) == (1.0, 100.0)
    assert of(tmp_path, columns={"seconds": [0.0] * 30, "wait": [0.05] * 30})["wait_share"] is None


def test_a_step_is_slow_beyond_five_times_and_ten_milliseconds(tmp_path: Path) -> None:
    """Both at once."""
    for usual, slow, count in ((0.002, 0.0115, 0), (0.002, 0.0125, 1), (0.25, 1.25, 0), (0.25, 1.375, 1)):
        seconds = [usual] * 40
        seconds[30] = slow
        assert of(tmp_path, columns={"seconds": seconds})["slow_steps"] == count


def test_the_last_loader_of_the_training_counts(tmp_path: Path) -> None:
    """Loaders of validation do not."""
    loaders = [
        {"id": 0, "role": "train", "workers": 1},
        {"id": 1, "role": "train", "workers": 4},
        {"id": 2, "role": "eval", "workers": 7},
    ]
    assert of(tmp_path, steps=2, loaders=loaders)["loader_workers"] == 4
    assert of(tmp_path, steps=2, loaders=loaders[2:])["loader_workers"] is None
    assert of(tmp_path, steps=2, cores="many")["cores"] is None


def test_two_slow_steps_are_no_rhythm_and_three_are(tmp_path: Path) -> None:
    """A rhythm has at least five steps, and four beats in the run."""
    for places, period in (((40, 80), None), ((40, 80, 120), 40), ((4, 8, 12), 8), ((50, 100, 150), None)):
        seconds = [0.001] * 199
        for place in places:
            seconds[place] = 0.1
        assert of(tmp_path, columns={"seconds": seconds})["slow_step_period"] == period


def test_regularity_is_the_smaller_share_of_lost_time_and_of_slow_beats(tmp_path: Path) -> None:
    """A beat that was not slow, and one slow step off the beat."""
    seconds = [0.001] * 200
    for place in (20, 40, 60, 80, 120, 140, 160, 180):
        seconds[place] = 0.1
    signals = of(tmp_path, columns={"seconds": seconds})
    assert (signals["slow_step_period"], signals["slow_step_regularity"]) == (20, pytest.approx(8 / 9))
    seconds[100], seconds[107] = 0.1, 0.3
    assert of(tmp_path, columns={"seconds": seconds})["slow_step_regularity"] == pytest.approx(9 / 12)


def test_of_rhythms_that_fit_equally_the_shortest_is_told(tmp_path: Path) -> None:
    """Every second beat fits as well."""
    seconds = [0.001] * 200
    seconds[10::10] = [0.1] * 19
    assert of(tmp_path, columns={"seconds": seconds})["slow_step_period"] == 10


def test_checkpoints_without_a_time_are_left_out(tmp_path: Path) -> None:
    """Without any there is a number and no time."""
    events = [event("checkpoint", {"seconds": 0.5}), event("checkpoint"), event("other", {"seconds": 9})]
    signals = of(tmp_path, columns={"seconds": [0.5] * 10}, events=events)
    share = pytest.approx(1 / 7)
    assert (signals["checkpoints"], signals["checkpoint_seconds"], signals["checkpoint_share"]) == (1, 0.5, share)
    signals = of(tmp_path, steps=3)
    assert (signals["checkpoints"], signals["checkpoint_seconds"], signals["checkpoint_share"]) == (0, None, None)


def test_memory_counts_behind_the_first_fifth(tmp_path: Path) -> None:
    """Ten values are enough, each a tenth: seven of nine moves are a rise."""
    signals = of(tmp_path, columns={"memory": [900.0] * 3 + [100.0, 110, 120, 120, 130, 140, 140, 150, 160, 170]})
    assert (signals["memory_growth"], signals["memory_rising_share"]) == (70.0, pytest.approx(7 / 9))
    assert signals["memory_late_ratio"] == pytest.approx((170 - 140) / (140 - 100))
    assert signals["memory_per_step"] == pytest.approx(70 * 1000 / 9)
    assert of(tmp_path, columns={"memory": [100.0 + i for i in range(11)]})["memory_growth"] is None


def test_a_memory_that_did_not_grow_at_first_has_a_large_late_ratio(tmp_path: Path) -> None:
    """Nothing is divided by zero."""
    assert of(tmp_path, columns={"memory": [100.0] * 70 + [101.0] * 30})["memory_late_ratio"] == 1000.0


def test_standstills_of_unknown_length_are_left_out(tmp_path: Path) -> None:
    """Without any time nothing is said."""
    columns = {"seconds": [None, 2.0]}
    assert (
        of(tmp_path, columns=columns, events=[event("stall"), event("x", {"seconds": 9})])["standstill_seconds"] == 2.0
    )
    assert of(tmp_path, steps=2)["standstill_seconds"] is None


def test_synchronisations_are_told_for_each_step(tmp_path: Path) -> None:
    """Counted in the tally."""
    assert of(tmp_path, steps=3, events=[event("tally", {"host_syncs": 12, "step": 4})])["syncs_per_step"] == 3.0
    assert of(tmp_path, steps=3, events=[event("tally", {"host_syncs": 12, "step": 0})])["syncs_per_step"] is None
    assert of(tmp_path, steps=3, events=[event("tally", {"step": 4})])["syncs_per_step"] is None
