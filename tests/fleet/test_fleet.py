"""Many runs at once: equal tables wherever the logs lie; one bad log or dead process harms no other."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from builders import build_log
from click.testing import CliRunner
from fleetkit import Here, table

from trainadvisor.cli import program
from trainadvisor.errors import UsageError
from trainadvisor.fleet import places
from trainadvisor.fleet.cache import Cache
from trainadvisor.fleet.differences import differences
from trainadvisor.fleet.entry import Entry, judged, options
from trainadvisor.fleet.fleet_result import Fleet, collected
from trainadvisor.fleet.fleet_survey import Survey
from trainadvisor.i18n.language import Words
from trainadvisor.report import fleet as fleet_forms
from trainadvisor.trials.engines.calls import Call
from trainadvisor.trials.engines.tasks import LocalTasks


def sweep(folder: Path) -> Path:
    """Write twelve runs of one script: those with a rate of 1 and more give NaN."""
    for number, rate in enumerate([0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0]):
        place = folder / f"run{number:02d}"
        place.mkdir(parents=True)
        loss = 2.0 - np.arange(200) / 200 if rate < 1 else np.where(np.arange(200) < 50, 2.0, np.nan)
        columns = {"loss": loss, "lr": rate, "seconds": 0.01}
        argv = ["--lr", str(rate), "--seed", str(number)]
        events = [{"record": "event", "kind": "nonfinite", "step": 50, "subject": "loss", "detail": {}}]
        build_log(place, columns=columns, script="train.py", argv=argv, events=events if rate >= 1 else (),
                  end={"seconds": 2.0})  # fmt: skip
    return folder


def test_a_folder_and_an_address_of_fsspec_give_the_same(tmp_path: Path) -> None:
    """Row by row."""
    sweep(tmp_path)
    memory = fsspec.filesystem("memory")
    for file in tmp_path.rglob("log.json"):
        memory.pipe(f"/fleet/{file.parent.name}/log.json", file.read_bytes())
    try:
        assert table(places.found([str(tmp_path)])) == table(places.found(["memory://fleet"]))
        assert len(table(places.found([f"{tmp_path}/run0*/log.json"]))) == 10
    finally:
        memory.rm("/fleet", recursive=True)


def test_a_path_that_leads_nowhere(tmp_path: Path) -> None:
    """It is said before anything is judged."""
    with pytest.raises(UsageError, match="there is no such file"):
        list(places.found([str(tmp_path / "nowhere")]))


def test_what_the_bad_runs_of_a_sweep_have_in_common(tmp_path: Path) -> None:
    """The rate parts them, and the seed, which is a name, is not told."""
    entries = list(Survey(Here(), Cache(None, "")).run(places.found([str(sweep(tmp_path))])))
    assert sum(entry.bad for entry in entries) == 6
    found = collected(entries).sweeps[0]
    assert (found.script, found.runs, found.bad) == ("train.py", 12, 6)
    assert found.differences[0].rule == "lr >= 1"
    assert found.differences[0].p < 0.05
    assert "seed" not in {item.setting for item in found.differences}


def test_settings_that_differ_by_chance_are_not_told() -> None:
    """Twenty settings of noise, corrected for their number."""
    noise = np.random.default_rng(0)
    entries = [
        Entry(f"run{n}", state="broken" if n % 2 else "healthy", script="train.py",
              settings={f"setting{k}": float(noise.normal()) for k in range(20)})
        for n in range(40)
    ]  # fmt: skip
    assert differences(entries) == []


def test_a_word_that_parts_the_runs() -> None:
    """An optimizer that every bad run has and no good one."""
    entries = [
        Entry(f"run{n}", state=state, script="a", settings={"optimizer": word})
        for state, word in (("broken", "SGD"), ("healthy", "Adam"))
        for n in range(5)
    ]
    assert [(item.setting, item.rule) for item in differences(entries)] == [("optimizer", "optimizer = SGD")]


def test_logs_are_judged_once(tmp_path: Path) -> None:
    """A second look takes every entry from the file, and tells the same."""
    found = list(places.found([str(sweep(tmp_path))]))
    cache = Cache(tmp_path / "kept.sqlite", "1")
    first, again = Survey(Here(), cache), Survey(Here(), cache)
    rows = [sorted((e.plain() for e in survey.run(found)), key=lambda row: row["address"]) for survey in (first, again)]
    assert rows[0] == rows[1]
    assert (first.known, again.known) == (0, 12)
    assert Survey(Here(), Cache(tmp_path / "kept.sqlite", "2")).known == 0


def test_hostile_logs_are_rows_of_the_table(tmp_path: Path) -> None:
    """Whatever a file holds, it is one row, and other files are left out."""
    for name, content in {"log.json": b"[{", "a.json": b"\x00" * 99, "b.csv": b"", "c.jsonl": b"{}\n" * 9}.items():
        (tmp_path / name).write_bytes(content)
    entries = [judged(tmp_path / name, name) for name in ("log.json", "a.json", "b.csv", "c.jsonl")]
    assert [entry.state for entry in entries] == ["unreadable", "no-log", "no-log", "no-log"]
    assert all(entry.error for entry in entries)


def test_the_same_log_twice(tmp_path: Path) -> None:
    """Copies are told together."""
    sweep(tmp_path / "a")
    target = tmp_path / "b" / "copy"
    target.mkdir(parents=True)
    (target / "log.json").write_bytes((tmp_path / "a" / "run00" / "log.json").read_bytes())
    result = collected(Survey(Here(), Cache(None, "")).run(places.found([str(tmp_path)])))
    assert [[Path(name).parent.name for name in group] for group in result.duplicates] == [["run00", "copy"]]


def answer_or_die(number: int) -> int:
    """Return the double; kill the own process at 3, and raise at 5."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if number == 5:
        message = "five"
        raise ValueError(message)
    return 2 * number


def test_a_killed_worker_takes_only_its_own_call() -> None:
    """It is replaced, the call is tried once more and given up, and every other answer is there."""
    answers = {a.key: a for a in LocalTasks(2).run(answer_or_die, (Call(n, (n,)) for n in range(8)))}
    assert {key: a.value for key, a in answers.items() if not a.lost} == {n: 2 * n for n in range(8) if n not in (3, 5)}
    assert "killed" in answers[3].lost
    assert answers[5].lost == "ValueError: five"


def test_the_command(tmp_path: Path) -> None:
    """A table on the terminal, and the other forms in files."""
    sweep(tmp_path)
    forms = {"json": "fleet.json", "markdown": "fleet.md", "html": "fleet.html"}
    options_ = [word for form, name in forms.items() for word in ("--format", f"{form}={tmp_path / name}")]
    told = CliRunner().invoke(program, ["fleet", str(tmp_path), "--jobs", "1", "--no-cache", *options_])
    assert told.exit_code == 0, told.output
    assert told.output.startswith("12 runs: 6 BROKEN")
    assert "all 6 bad runs have lr >= 1" in told.output
    document = json.loads((tmp_path / "fleet.json").read_text(encoding="utf-8"))
    assert document["schema"] == "trainadvisor/fleet/1"
    assert len(document["runs"]) == 12
    assert (tmp_path / "fleet.html").read_text(encoding="utf-8").count("<tr>") == 13
    assert (tmp_path / "fleet.md").read_text(encoding="utf-8").count("log.json |") == 12


def test_options_of_a_command_line() -> None:
    """Numbers, words and switches, in both ways of writing."""
    assert options(["--lr", "0.1", "--name=a", "--fast", "-b", "32", "data"]) == {
        "lr": 0.1, "name": "a", "fast": "true", "b": 32.0,
    }  # fmt: skip
    assert options([]) == {}


@pytest.mark.parametrize(
    ("fields", "metric", "cost"),
    [
        (
            {"metric": "val_loss", "value": 0.123456, "seconds": 5.0, "devices": 2},
            "val_loss 0.1235",
            "10 s",
        ),
        ({"metric": "val_loss_best"}, "", "0 s"),
        ({"value": 1.0, "seconds": 360.0}, "", "0.10 h"),
    ],
)
def test_a_row_of_the_table(fields: dict[str, Any], metric: str, cost: str) -> None:
    """A metric has a name and a value; hours begin at a tenth."""
    row = fleet_forms._row(Entry("a.json", state="healthy", steps=7, **fields), Words("en"))
    assert row[2:] == (metric, cost, "7", "a.json")


@pytest.mark.parametrize(
    ("others", "told"),
    [(0, ""), (1, "1 file is no log of a training and was left out"), (3, "3 files are no logs of trainings")],
)
def test_files_that_are_no_logs_are_counted(others: int, told: str) -> None:
    """Nothing is said where there are none."""
    text = fleet_forms.render("text", Fleet([], {}, [], [], [], others=others), "en")
    assert told in text
    assert ("no log" in text) is bool(told)


@pytest.mark.parametrize("running", [True, False])
def test_a_run_that_goes_on_says_so(*, running: bool) -> None:
    """Behind its state, and no other run does."""
    words = Words("en")
    row = fleet_forms._row(Entry("a.json", state="healthy", running=running), words)
    assert row[0] == (words("fleet.still", state=words("state.healthy")) if running else words("state.healthy"))
    assert words("fleet.still", state="x") != "x"
