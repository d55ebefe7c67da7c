"""`watch`: what it accepts, what it finds by itself, and how it ends."""

from __future__ import annotations

import gc
import warnings
from typing import TYPE_CHECKING, Any

import forkedpython
import orjson
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from trainadvisor import watch
from trainadvisor.errors import LogError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

UNCLOSED = """
import torch, torch.nn as nn, torch.nn.functional as F, trainadvisor
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
trainadvisor.watch(model, optimizer, log="log.json")
for step in range(5):
    x = torch.randn(8, 4)
    optimizer.zero_grad()
    F.cross_entropy(model(x), x[:, :3].argmax(1)).backward()
    optimizer.step()
"""


def _steps(model: nn.Module, optimizer: torch.optim.Optimizer, count: int = 5) -> None:
    for _ in range(count):
        x = torch.randn(8, 4)
        optimizer.zero_grad()
        F.cross_entropy(model(x), x[:, :3].argmax(1)).backward()
        optimizer.step()


def _pair() -> tuple[nn.Module, torch.optim.Optimizer]:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    return model, torch.optim.SGD(model.parameters(), 0.1)


def _log(path: Path) -> list[Any]:
    return orjson.loads(path.read_bytes())


def _kinds(path: Path) -> list[str]:
    return [record["record"] for record in _log(path)]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((nn.ReLU(),), "the model has no parameters"),
        (("model",), "str is no torch.nn.Module"),
        ((nn.Linear(1, 1), "adam"), "str is no torch.optim.Optimizer"),
    ],
)
def test_what_cannot_be_watched_is_refused_in_one_line(
    tmp_path: Path, arguments: tuple[Any, ...], complaint: str
) -> None:
    """In one line with what to pass instead, and no log is made."""
    with pytest.raises(UsageError, match=complaint) as raised:
        watch(*arguments if not isinstance(arguments[0], str) else ([arguments[0]],), log=tmp_path / "log.json")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "log.json").exists()


def test_a_cadence_below_one_and_a_bad_path_are_refused(tmp_path: Path) -> None:
    """Before anything is recorded."""
    with pytest.raises(UsageError, match="every=0"):
        watch(nn.Linear(1, 1), log=tmp_path / "log.json", every=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(LogError, match="cannot write the log"):
        watch(nn.Linear(1, 1), log=tmp_path / "file" / "log.json")


def test_only_the_watched_model_is_recorded(tmp_path: Path) -> None:
    """Another training in between leaves no trace."""
    model, optimizer = _pair()
    with watch(model, optimizer, log=tmp_path / "log.json"):
        _steps(model, optimizer)
        _steps(*_pair())
        _steps(model, optimizer)
    steps = [record for record in _log(tmp_path / "log.json") if record["record"] == "step"]
    assert [step["opt"] for step in steps] == [[0]] * 10
    assert len(_log(tmp_path / "log.json")[0]["models"]) == 1


def test_a_watched_model_inside_another_module_is_seen(tmp_path: Path) -> None:
    """The wrapper is not known, the model in it is."""
    model, optimizer = _pair()
    wrapper = nn.Sequential(model, nn.Identity())
    with watch(model, optimizer, log=tmp_path / "log.json", every=1):
        _steps(wrapper, optimizer)
    records = _log(tmp_path / "log.json")
    assert any("act_mean" in record for record in records if record["record"] == "layers")


def test_the_optimizer_is_found_when_it_is_not_given(tmp_path: Path) -> None:
    """Accumulation is then still one step."""
    model, optimizer = _pair()
    with watch(model, log=tmp_path / "log.json"):
        for _ in range(3):
            for _ in range(4):
                F.cross_entropy(model(torch.randn(8, 4)), torch.zeros(8, dtype=torch.long)).backward()
            optimizer.step()
            optimizer.zero_grad()
    steps = [record for record in _log(tmp_path / "log.json") if record["record"] == "step"]
    assert [step["micro"] for step in steps] == [4, 4, 4]


def test_watching_again_replaces(tmp_path: Path) -> None:
    """The same model with another log, and another model with the same log."""
    model, optimizer = _pair()
    first = watch(model, optimizer, log=tmp_path / "a.json")
    _steps(model, optimizer)
    second = watch(model, optimizer, log=tmp_path / "b.json")
    _steps(model, optimizer)
    other, its = _pair()
    third = watch(other, its, log=tmp_path / "b.json")
    _steps(other, its, 7)
    third.close()
    first.close()
    second.close()
    assert _log(tmp_path / "a.json")[-1] | {"seconds": 0} == {
        "record": "end",
        "reason": "replaced",
        "steps": 5,
        "seconds": 0,
    }
    assert _kinds(tmp_path / "b.json").count("step") == 7


def test_watchers_of_dropped_models_end_with_the_next_one(tmp_path: Path) -> None:
    """A loop over folds that never closes."""
    for fold in range(3):
        model, optimizer = _pair()
        watch(model, optimizer, log=tmp_path / f"{fold}.json")
        _steps(model, optimizer)
        del model, optimizer
        gc.collect()
    watch(*_pair(), log=tmp_path / "last.json").close()
    assert [_log(tmp_path / f"{fold}.json")[-1]["steps"] for fold in range(3)] == [5, 5, 5]


def test_given_losses_and_validations_are_recorded(tmp_path: Path) -> None:
    """What the user says counts, where nothing else was seen."""
    model, optimizer = _pair()
    with watch(model, optimizer, log=tmp_path / "log.json") as advisor:
        _steps(model, optimizer)
        advisor.step(torch.tensor(9.0))
        advisor.validation(loss=0.5, accuracy=torch.tensor(0.75))
    records = _log(tmp_path / "log.json")
    (evaluation,) = [record for record in records if record["record"] == "eval"]
    assert (evaluation["loss"], evaluation["metrics"], evaluation["step"]) == (0.5, {"accuracy": 0.75}, 5)
    assert all(step["loss"] < 9 for step in records if step["record"] == "step")


def test_an_exception_goes_its_way_and_is_in_the_log(tmp_path: Path) -> None:
    """With the line of the user that raised it."""
    model, optimizer = _pair()

    def train() -> None:
        with watch(model, optimizer, log=tmp_path / "log.json"):
            _steps(model, optimizer)
            model(torch.randn(8, 5))

    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        train()
    records = _log(tmp_path / "log.json")
    (event,) = [record["detail"] for record in records if record.get("kind") == "exception"]
    assert (event["type"], event["site"]["code"]) == ("RuntimeError", "model(torch.randn(8, 5))")
    assert (event["layer"], event["layer_form"]) == ("0", "Linear(4, 8)")
    assert records[-1]["reason"] == "exception"


def test_switched_off_it_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TRAINADVISOR=0: no log, no taps, and a diagnosis that says why there is none."""
    monkeypatch.setenv("TRAINADVISOR", "0")
    code = F.cross_entropy.__code__
    model, optimizer = _pair()
    with watch(model, optimizer, log=tmp_path / "log.json") as advisor:
        _steps(model, optimizer)
        assert F.cross_entropy.__code__ is code
        advisor.step(1.0)
        advisor.validation(loss=1.0)
        with pytest.raises(UsageError, match="TRAINADVISOR=0"):
            advisor.diagnose()
    assert not (tmp_path / "log.json").exists()


def test_a_training_can_be_judged_while_it_runs(tmp_path: Path) -> None:
    """And after its end."""
    model, optimizer = _pair()
    advisor = watch(model, optimizer, log=tmp_path / "log.json")
    _steps(model, optimizer, 30)
    assert advisor.diagnose().state in {"healthy", "needs-attention", "cannot-tell"}
    advisor.close()
    assert advisor.diagnose().state in {"healthy", "needs-attention", "cannot-tell"}


@pytest.mark.parametrize(("ending", "reason", "code"), [("", "finished", 0), ("raise ValueError", "exception", 1)])
def test_a_script_that_never_closes_has_a_complete_log(tmp_path: Path, ending: str, reason: str, code: int) -> None:
    """Also when it ends by an exception that nobody catches."""
    (tmp_path / "train.py").write_text(UNCLOSED + ending)
    done = forkedpython.run(["train.py"], tmp_path)
    records = _log(tmp_path / "log.json")
    assert (done.returncode, records[-1]["reason"], records[-1]["steps"]) == (code, reason, 5)
    assert [r["detail"]["type"] for r in records if r.get("kind") == "exception"] == ["ValueError"] * code


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """After the last watcher torch's functions and modules are what they were."""
    before = (F.cross_entropy.__code__, nn.Module.__call__, torch.autograd.backward.__code__)
    model, optimizer = _pair()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, other = watch(model, optimizer, log=tmp_path / "1.json"), watch(*_pair(), log=tmp_path / "2.json")
        one.close()
        assert nn.Module.__call__ is not before[1]
        other.close()
    assert (F.cross_entropy.__code__, nn.Module.__call__, torch.autograd.backward.__code__) == before


def test_a_model_compiled_after_it_was_watched_is_the_same_model(tmp_path: Path) -> None:
    """The compiled wrapper is called instead."""
    model, optimizer = _pair()
    with watch(model, optimizer, log=tmp_path / "log.json"):
        _steps(torch.compile(model, backend="eager"), optimizer)
    records = _log(tmp_path / "log.json")
    assert [record["opt"] for record in records if record["record"] == "step"] == [[0]] * 5
    assert len({model["id"] for model in records[0]["models"]}) == 1
