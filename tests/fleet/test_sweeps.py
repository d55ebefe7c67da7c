"""Sweeps of Optuna, Ray Tune and W&B: each trial is a run of its own, with the parameters of the sweep."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fleetkit import Here, table

from trainadvisor.fleet import places, studies
from trainadvisor.fleet.cache import Cache
from trainadvisor.fleet.fleet_result import collected
from trainadvisor.fleet.fleet_survey import Survey
from trainadvisor.fleet.trial_folders import group_of, parameters, tune_trials, wandb_sweeps

RATES = [0.001, 0.01, 0.03, 0.1, 0.2, 0.3, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
CHOICES = {"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam"]}}
FLOATS = {"name": "FloatDistribution", "attributes": {"low": 0.0, "high": 9.0, "log": False, "step": None}}
SCHEMA = """
CREATE TABLE studies (study_id INTEGER, study_name TEXT);
CREATE TABLE trials (trial_id INTEGER, number INTEGER, study_id INTEGER, state TEXT, datetime_start, datetime_complete);
CREATE TABLE trial_params (trial_id INTEGER, param_name TEXT, param_value FLOAT, distribution_json TEXT);
CREATE TABLE trial_values (trial_id INTEGER, objective INTEGER, value FLOAT);
CREATE TABLE trial_intermediate_values (trial_id INTEGER, step INTEGER, intermediate_value FLOAT);
INSERT INTO studies VALUES (1, 'rates');
"""
BEGAN, ENDED = "2026-11-01 10:00:00", "2026-11-01 10:30:00"


def database(file: Path) -> Path:
    """Write a study as Optuna's tables hold it: rates of 1 and more failed, and one trial waits."""
    with sqlite3.connect(file) as made:
        made.executescript(SCHEMA)
        for number, rate in enumerate(RATES):
            state = "FAIL" if rate > 1 else "COMPLETE"
            made.execute("INSERT INTO trials VALUES (?, ?, 1, ?, ?, ?)", (number + 9, number, state, BEGAN, ENDED))
            params = [("lr", rate, json.dumps(FLOATS)), ("optimizer", number % 2, json.dumps(CHOICES))]
            rows = [(number + 9, *param) for param in params]
            made.executemany("INSERT INTO trial_params VALUES (?, ?, ?, ?)", rows)
            if rate < 1:
                made.execute("INSERT INTO trial_values VALUES (?, 0, ?)", (number + 9, rate))
        made.execute("INSERT INTO trials VALUES (99, 12, 1, 'WAITING', NULL, NULL)")
    made.close()
    return file


def journal(file: Path) -> Path:
    """Write the same study as a journal, whose last line is still being written."""
    lines: list[dict[str, Any]] = [{"op_code": 0, "study_name": "rates", "directions": [1]}]
    for number, rate in enumerate(RATES):
        about = {"worker_id": "w", "trial_id": number}
        lines += [
            {"op_code": 4, "study_id": 0, "datetime_start": BEGAN},
            {"op_code": 5, **about, "param_name": "lr", "param_value_internal": rate,
             "distribution": json.dumps(FLOATS)},
            {"op_code": 5, **about, "param_name": "optimizer", "param_value_internal": number % 2,
             "distribution": json.dumps(CHOICES)},
            {"op_code": 6, **about, "state": 3 if rate > 1 else 1, "values": None if rate > 1 else [rate],
             "datetime_complete": ENDED},
        ]  # fmt: skip
    lines.append({"op_code": 4, "study_id": 0, "datetime_start": None})
    lines.append({"op_code": 6, "trial_id": len(RATES), "state": 4, "values": None})
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    file.write_text(text + '{"op_code":4,"st', encoding="utf-8")
    return file


@pytest.mark.parametrize("write", [database, journal])
def test_a_study_of_optuna(tmp_path: Path, write: Any) -> None:
    """A row a trial that has begun, with parameters, value and time, and what parts failed ones from the others."""
    file = write(tmp_path / ("study.db" if write is database else "journal.log"))
    found = studies.trials(file, "study")
    assert found is not None
    assert [entry.address for entry in found] == [f"study#{n}" for n in range(12)]
    assert [entry.bad for entry in found] == [False] * 6 + [True] * 6
    assert found[1].settings == {"lr": 0.01, "optimizer": "adam"}
    assert (found[1].metric, found[1].value, found[1].seconds, found[1].group) == ("value", 0.01, 1800.0, "rates")
    result = collected(Survey(Here(), Cache(None, "")).run(places.found([str(tmp_path)])))
    assert [(sweep.script, sweep.bad, sweep.differences[0].rule) for sweep in result.sweeps] == [
        ("rates", 6, "lr >= 2"),
    ]  # fmt: skip


def test_a_study_that_optuna_wrote(tmp_path: Path) -> None:
    """The real thing, in both storages."""
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "journal.log"))
    for storage in (f"sqlite:///{tmp_path / 'study.db'}", optuna.storages.JournalStorage(backend)):
        study = optuna.create_study(study_name="widths", storage=storage)
        for width in (8, 16):
            study.enqueue_trial({"width": width, "optimizer": "adam"})
        study.optimize(lambda trial: trial.suggest_int("width", 8, 64) if trial.suggest_categorical(
            "optimizer", ["sgd", "adam"]) == "adam" else 0.0, n_trials=2)  # fmt: skip
    for name in ("study.db", "journal.log"):
        found = studies.trials(tmp_path / name, name)
        assert found is not None
        assert [(e.value, e.settings, e.end) for e in found] == [
            (float(width), {"width": float(width), "optimizer": "adam"}, "complete") for width in (8, 16)
        ]


@pytest.mark.parametrize("content", [b"", b"no study\n", b'{"op_code":7,"trial_id":3}\n', b"SQLite format 3\0" * 9])
def test_what_is_no_study(tmp_path: Path, content: bytes) -> None:
    """It is left to the readers of logs, whatever it is called."""
    for name in ("a.db", "b.log", "c.csv"):
        (tmp_path / name).write_bytes(content)
        assert studies.trials(tmp_path / name, name) is None


def tune(folder: Path) -> Path:
    """Write an experiment of Ray Tune as its loggers do: rates of 1 and more diverge."""
    for number, rate in enumerate(RATES):
        trial = folder / "mytune" / f"f_{number}_lr={rate}"
        trial.mkdir(parents=True)
        (trial / "params.json").write_text(json.dumps({"lr": rate, "model": {"width": 32}}), encoding="utf-8")
        rows = [
            {
                "loss": 2.0 / (n + 1) if rate < 1 else 2.0 * 1.3**n,
                "val_loss": 2.1 / (n + 1),
                "training_iteration": n + 1,
                "timestamp": 1795892677 + 9 * n,
                "time_this_iter_s": 8.0,
                "time_total_s": 8.0 * (n + 1),
            }
            for n in range(30)
        ]
        (trial / "result.json").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        heads = ",".join(rows[0])
        lines = [",".join(map(str, row.values())) for row in rows]
        (trial / "progress.csv").write_text("\n".join([heads, *lines]) + "\n", encoding="utf-8")
        (trial / "events.out.tfevents.1.host").write_bytes(b"")
    return folder


def test_an_experiment_of_ray_tune(tmp_path: Path) -> None:
    """A trial is one run, whatever it wrote, with the parameters that parted good from bad."""
    result = collected(Survey(Here(), Cache(None, "")).run(places.found([str(tune(tmp_path))])))
    assert len(result.runs) == 12
    assert {Path(entry.address).name for entry in result.runs} == {"result.json"}
    assert {entry.settings["model/width"] for entry in result.runs} == {32}
    assert {entry.seconds for entry in result.runs} == {240.0}
    (sweep,) = result.sweeps
    assert (sweep.script, sweep.runs, sweep.bad, sweep.differences[0].rule) == ("mytune", 12, 6, "lr >= 2")


def test_an_experiment_at_an_address(tmp_path: Path) -> None:
    """Its parameters are read there, and every row is the same; so is one that comes from the cache."""
    tune(tmp_path)
    memory = fsspec.filesystem("memory")
    for file in tmp_path.rglob("*"):
        if file.is_file():
            memory.pipe(f"/sweep/{file.relative_to(tmp_path).as_posix()}", file.read_bytes())
    cache = Cache(tmp_path / "kept.sqlite", "1")
    try:
        there = table(places.found(["memory://sweep"]), cache)
        assert there == table(places.found([str(tmp_path / "mytune")]))
        assert there == table(places.found(["memory://sweep"]), cache)
        assert there[0]["settings"] == {"lr": 0.001, "model/width": 32}
    finally:
        memory.rm("/sweep", recursive=True)


def test_runs_of_w_and_b() -> None:
    """They belong to the sweep that an agent ran them for, else to their folder."""
    run, other = "a/wandb/run-2026-ab12/run-ab12.wandb", "a/wandb/offline-run-2026-cd34/run-cd34.wandb"
    sweeps = wandb_sweeps(["a/wandb/sweep-xyz/config-ab12.yaml", run, other])
    assert [group_of(name, sweeps, {}) for name in (run, other)] == ["W&B sweep xyz", "a/wandb"]
    assert group_of("a/log.json", sweeps, {}) == ""


def test_parameters_and_folders_that_are_none() -> None:
    """Whatever lies beside a log is read as words and numbers, or not at all."""
    assert parameters(b'{"a": [1], "b": {"c": 1.5, "d": {"e": "f"}}, "g": null}') == {"b/c": 1.5, "b/d/e": "f"}
    assert parameters(b"[" * 100_000) == parameters(b"[1]") == parameters(b"\xff") == {}
    assert tune_trials(["a/params.json", "b/result.json", "c/params.json", "c/progress.csv"]) == {
        "c": "c/progress.csv",
    }  # fmt: skip
