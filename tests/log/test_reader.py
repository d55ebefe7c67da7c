"""Reading logs: what they hold, and what is said about those that cannot be read."""

import gzip
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import HEADER, build_log, event, log_of, make_model, make_optimizer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainadvisor.errors import LogError
from trainadvisor.log.reader import read_log

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def lines(path: Path, *texts: str | bytes) -> Path:
    """Write raw lines."""
    path.write_bytes(b"\n".join(text if isinstance(text, bytes) else text.encode() for text in texts))
    return path


def header(**facts: Any) -> str:
    """Return the first line of a log."""
    return "[" + json.dumps({**HEADER, **facts})


def test_columns_hold_what_was_recorded(tmp_path: Path) -> None:
    """Columns align with the steps; words of non-finite numbers are read, absent ones are nan."""
    log = log_of(tmp_path, columns={"loss": [1.0, math.nan, math.inf], "lr": 0.1, "mode": ["train", "eval", None]})
    assert log.steps.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(log.column("loss"), [1.0, math.nan, math.inf])
    np.testing.assert_array_equal(log.column("mode_eval"), [0.0, 1.0, math.nan])
    assert np.isnan(log.column("clip_max")).all()
    assert log.lr.tolist() == [0.1, 0.1, 0.1]


def test_learning_rates_of_groups_are_padded(tmp_path: Path) -> None:
    """A group that comes later is nan before; the largest rate is known at every step."""
    log = log_of(tmp_path, columns={"lr": [[0.1], [0.1, 0.3]]})
    np.testing.assert_array_equal(log.lr_groups, [[0.1, math.nan], [0.1, 0.3]])
    assert log.lr.tolist() == [0.1, 0.3]


def test_absent_flags_are_false_only_in_our_own_logs(tmp_path: Path) -> None:
    """The recorder leaves out what is false; an imported log does not say."""
    own = log_of(tmp_path, steps=2)
    imported = log_of(tmp_path, steps=2, source="import:csv", name="b.json")
    assert own.column("stale").tolist() == [0.0, 0.0]
    assert np.isnan(imported.column("stale")).all()


def test_columns_cannot_be_changed_by_a_signal(tmp_path: Path) -> None:
    """Signals share columns, so writing into one raises."""
    with pytest.raises(ValueError, match="read-only"):
        log_of(tmp_path, columns={"loss": [1.0, 2.0]}).column("loss")[0] = 0.0


def test_later_facts_win(tmp_path: Path) -> None:
    """An event with the facts of an object updates those of the header, field by field."""
    log = log_of(tmp_path, optimizers=[make_optimizer(lr=0.1)], events=[event("optimizer", {"id": 0, "class": "Adam"})])
    assert [o["class"] for o in log.optimizers] == ["Adam"]
    assert log.optimizers[0]["groups"][0]["lr"] == 0.1


def test_events_are_sorted_to_where_they_belong(tmp_path: Path) -> None:
    """Tally, inputs and tables have places of their own, other events stay in order."""
    events = [
        event("tally", {"step": 1}),
        event("tally", {"step": 2}),
        event("inputs", {"model": 0, "phase": "train", "mean": 1.0}),
        event("table", {"id": 1, "rows": []}),
        event("nonfinite", subject="loss"),
    ]
    log = log_of(tmp_path, events=events)
    assert log.tally == {"step": 2}
    assert log.inputs[0, "train"]["mean"] == 1.0
    assert list(log.tables) == [1]
    assert [e["kind"] for e in log.events] == ["nonfinite"]


def test_gradient_none_and_nan_are_kept_apart(tmp_path: Path) -> None:
    """No gradient is nan, a gradient that is nan is infinite."""
    model = make_model(("a", "Linear", 2, 2))
    log = log_of(tmp_path, steps=1, models=[model], layers=[{"grad": [None, "nan"]}])
    np.testing.assert_array_equal(log.layers.column("grad"), [[math.nan, math.inf]])


def test_layer_columns_have_steps_of_their_own(tmp_path: Path) -> None:
    """A sample may hold gradients only; activations follow their table."""
    model = make_model(("a", "Linear", 2, 2), ("b", "ReLU"))
    table = event("table", {"id": 3, "model": 0, "rows": [{"name": "b", "kind": "relu"}]})
    layers = [{"grad": [1, 1], "table": 3, "act_std": [0.5]}, {"grad": [2, 2]}]
    log = log_of(tmp_path, steps=2, models=[model], events=[table], layers=layers)
    assert log.layers.steps_of("grad").tolist() == [0, 1]
    assert log.layers.steps_of("act_std").tolist() == [0]
    assert log.layers.names("act_std") == ["b"]
    assert log.layers.column("weight").shape == (0, 2)


def test_phases_are_told_apart_by_their_optimizers(tmp_path: Path) -> None:
    """Pretraining and training are two phases; the last one with a quarter of the steps is judged."""
    steps = [{"opt": [0], "loss": 5.0}] * 30 + [{"opt": [1], "loss": 1.0}] * 10
    log = log_of(tmp_path, steps=steps, evals=[{"step": 30}, {"step": 40}])
    assert [(s.first, s.last, s.optimizers) for s in log.phases] == [(0, 29, (0,)), (30, 39, (1,))]
    assert log.column("loss").tolist() == [1.0] * 10
    assert [e["step"] for e in log.evals] == [40]
    assert log.all_steps_count == 40


def test_optimizers_that_take_turns_share_a_phase(tmp_path: Path) -> None:
    """Two optimizers used alternately share one phase."""
    log = log_of(tmp_path, steps=[{"opt": [i % 2]} for i in range(20)])
    assert [s.optimizers for s in log.phases] == [(0, 1)]


def test_a_short_last_phase_does_not_hide_the_training(tmp_path: Path) -> None:
    """A few steps with another optimizer at the end leave the longest phase the main one."""
    log = log_of(tmp_path, steps=[{"opt": [0]}] * 90 + [{"opt": [1]}] * 10)
    assert log.steps.tolist() == list(range(90))


def test_main_model_is_the_one_that_is_trained(tmp_path: Path) -> None:
    """A frozen teacher with more layers is not the main model."""
    teacher = make_model(("t1", "Linear", 99, 99), ("t2", "Linear", 99, 99), id=1)
    log = log_of(
        tmp_path,
        steps=1,
        models=[teacher, make_model(("a", "Linear", 2, 2))],
        optimizers=[make_optimizer(parameters=[0, 1])],
    )
    assert log.layers.model["id"] == 0


def test_a_log_still_being_written_is_read(tmp_path: Path) -> None:
    """Without a closing bracket and with a comma at the end nothing is lost."""
    log = read_log(lines(tmp_path / "l.json", header() + ",", '{"record":"step","step":0,"loss":1.0},', ""))
    assert log.column("loss").tolist() == [1.0]
    assert log.notes == []


def test_a_torn_last_line_is_dropped_with_a_note(tmp_path: Path) -> None:
    """A run killed in the middle of a write loses one record."""
    log = read_log(lines(tmp_path / "l.json", header() + ",", '{"record":"step","step":0},', '{"record":"st'))
    assert log.all_steps_count == 1
    assert "torn" in log.notes[0]


@pytest.mark.parametrize("cut", [1, 50, 300])
def test_any_cut_leaves_whole_lines(tmp_path: Path, cut: int) -> None:
    """However many bytes are missing at the end, the rest is read."""
    path = build_log(tmp_path, steps=20)
    path.write_bytes(path.read_bytes()[:-cut])
    assert read_log(path).all_steps_count <= 20


def test_one_line_and_pretty_printed_arrays(tmp_path: Path) -> None:
    """A log that another program wrote on a single line is the same log."""
    path = build_log(tmp_path, steps=3)
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert read_log(path).all_steps_count == 3


def test_compressed_logs(tmp_path: Path) -> None:
    """Endings .gz and .zst are unpacked while reading."""
    zstandard = pytest.importorskip("zstandard")
    raw = build_log(tmp_path, steps=3).read_bytes()
    (tmp_path / "l.json.gz").write_bytes(gzip.compress(raw))
    (tmp_path / "l.json.zst").write_bytes(zstandard.compress(raw))
    assert read_log(tmp_path / "l.json.gz").all_steps_count == 3
    assert read_log(tmp_path / "l.json.zst").all_steps_count == 3


def test_a_compressed_log_cut_short_is_read_to_the_cut(tmp_path: Path) -> None:
    """A torn .gz gives what could be unpacked."""
    packed = gzip.compress(build_log(tmp_path, steps=5000).read_bytes())
    (tmp_path / "l.json.gz").write_bytes(packed[: len(packed) // 2])
    log = read_log(tmp_path / "l.json.gz")
    assert 0 < log.all_steps_count < 5000
    assert "torn" in log.notes[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n\n", "no records"),
        (b"\x00\x01\xfe\xff" * 40, "not JSON"),
        (b"loss,step\na,b\n", "not JSON"),
        (b"loss,step\n1,2\n", "no header"),
        (b'[{"record":"step","step":0}]', "no header"),
        (b"[1, 2]", "no header"),
        (b'[{"record":"header","format":2}]', "written by a newer trainadvisor .format 2.; upgrade"),
        (b'[{"record":"header","format":"x"}]', "no format number"),
    ],
)
def test_what_is_no_log_is_said_in_one_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    """The error names the file and what is wrong."""
    (tmp_path / "l.json").write_bytes(content)
    with pytest.raises(LogError, match=message) as caught:
        read_log(tmp_path / "l.json")
    assert str(caught.value).startswith(f"{tmp_path / 'l.json'}: ")
    assert "\n" not in str(caught.value)


def test_missing_file_and_directory(tmp_path: Path) -> None:
    """A path that is no file is named as what it is."""
    with pytest.raises(LogError, match="no such file"):
        read_log(tmp_path / "none.json")
    with pytest.raises(LogError, match="is a directory"):
        read_log(tmp_path)


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_wrong_ending(tmp_path: Path, ending: str) -> None:
    """A plain log that is called .gz is an error, not a crash."""
    path = build_log(tmp_path, steps=1, name="l.json" + ending)
    with pytest.raises(LogError):
        read_log(path)


def test_an_endless_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line beyond the limit is an error, not a full memory."""
    monkeypatch.setattr("trainadvisor.log.stream.LONGEST_LINE", 1000)
    with pytest.raises(LogError, match="longer than"):
        read_log(lines(tmp_path / "l.json", header() + ",", "x" * 3_000_000))


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file that unpacks without end is stopped."""
    monkeypatch.setattr("trainadvisor.log.stream.LARGEST_UNPACKED", 1 << 20)
    (tmp_path / "l.json.gz").write_bytes(gzip.compress(header().encode() + b",\n" + b"\n" * (4 << 20)))
    with pytest.raises(LogError, match="unpacks to more than"):
        read_log(tmp_path / "l.json.gz")


def test_names_are_made_safe(tmp_path: Path) -> None:
    """Escape sequences and 10,000 characters never get through."""
    model = make_model(("a\x1b[31m\u202eb\n", "Linear"), ("x" * 10_000, "Linear"), name="\x9bnet")
    log = log_of(tmp_path, models=[model], script="\x1b]0;evil\x07train.py")
    names = [layer["name"] for layer in log.models[0]["layers"]]
    assert names[0] == "a\ufffd[31m\ufffdb "
    assert len(names[1]) == 200
    assert log.models[0]["name"] == "\ufffdnet"
    assert "\x1b" not in log.header["script"]


@pytest.mark.parametrize(
    "hidden", list("\u00ad\u061c\u115f\u200b\u200d\u200f\u2060\u2064\u2066\u3164\ufe0f\ufeff\U000e0041")
)
def test_what_hides_in_a_name_is_not_kept(tmp_path: Path, hidden: str) -> None:
    """Marks without width are left out, those that turn the direction are replaced; wide letters stay."""
    log = log_of(tmp_path, models=[make_model((f"层{hidden}é", "Linear"))], script=f"tr{hidden}ain.py")
    mark = "\ufffd" if hidden in "\u061c\u200f\u2066" else ""
    assert log.models[0]["layers"][0]["name"] == f"层{mark}é"
    assert log.header["script"] == f"tr{mark}ain.py"


def test_unknown_records_are_skipped_without_a_note(tmp_path: Path) -> None:
    """The format can grow."""
    log = read_log(
        lines(tmp_path / "l.json", header() + ",", '{"record":"new","x":1},', '{"record":"step","step":0,"y":1.5}', "]")
    )
    assert log.all_steps_count == 1
    assert log.notes == []


def test_wrong_typed_records_are_counted(tmp_path: Path) -> None:
    """Steps without a number, layers without a step and things that are not records are left out and counted."""
    bad = [
        '{"record":"step","step":"x"},',
        '{"record":"layers","step":[]},',
        "17,",
        '{"record":"eval"},',
        '{"record":"step","step":0}',
    ]
    log = read_log(lines(tmp_path / "l.json", header() + ",", *bad, "]"))
    assert log.all_steps_count == 1
    assert log.notes == ["4 records could not be read and were left out"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.just("nan"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "step",
        "loss",
        "lr",
        "opt",
        "grad",
        "act_std",
        "table",
        "model",
        "kind",
        "detail",
        "id",
        "rows",
        "losses",
        "metrics",
        "mode",
        "epoch",
    ]
)
RECORDS = st.builds(
    lambda kind, fields: {**fields, "record": kind},
    st.sampled_from(["step", "layers", "eval", "event", "end", "x", 3]),
    st.dictionaries(
        FIELDS, JSON | st.just(1) | st.sampled_from(["tally", "model", "optimizer", "inputs", "table"]), max_size=6
    ),
)


@FEW
@given(
    st.lists(RECORDS, max_size=8),
    st.dictionaries(st.sampled_from(["models", "optimizers", "losses", "loaders", "source"]), JSON),
)
def test_hostile_records_raise_nothing_but_log_errors(
    tmp_path: Path, records: list[Any], facts: dict[str, Any]
) -> None:
    """Whatever the fields hold, the log is read and its series can be used."""
    text = "[" + ",\n".join(json.dumps(r) for r in [{**HEADER, **facts}, *records]) + "]"
    path = lines(tmp_path / "l.json", text)
    try:
        log = read_log(path)
    except LogError:
        return
    assert len(log.steps) == len(log.column("loss")) == len(log.lr)
    assert log.layers.column("grad").ndim == 2
    assert log.layers.column("act_std").ndim == 2
    assert isinstance(log.evals, list)


@FEW
@given(st.binary(max_size=300))
def test_any_bytes_raise_nothing_but_log_errors(tmp_path: Path, content: bytes) -> None:
    """A file of any content after a valid header is read or refused."""
    (tmp_path / "l.json").write_bytes(header().encode() + b",\n" + content)
    try:
        read_log(tmp_path / "l.json")
    except LogError:
        return


def test_samples_beyond_the_bound_are_thinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded: every second sample is let go, first and last are kept."""
    monkeypatch.setattr("trainadvisor.log.layer_samples.MOST_NUMBERS", 100)
    log = log_of(tmp_path, steps=200, models=[make_model(("a", "Linear", 2, 2))], layers=[{"grad": [1, 1]}] * 200)
    steps = log.layers.steps_of("grad").tolist()
    assert steps[0] == 0
    assert steps[-1] == 199
    assert len(steps) <= 100
    assert "layer samples" in log.notes[0]
