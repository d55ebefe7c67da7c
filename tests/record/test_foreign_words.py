"""Optimizers, rates, settings and metrics of frameworks, in the words of torch: by objects that look like theirs."""

from __future__ import annotations

import sys
import types
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from trainadvisor.instrument import foreign_clips, foreign_optimizers, foreign_rates, framework_settings, taps
from trainadvisor.instrument.foreign_metrics import is_metric

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("hyper", "words"),
    [
        ({"lr": 0.1}, {"lr": 0.1, "weight_decay": 0}),
        ({"lr": 0.1, "wd": 0.5}, {"lr": 0.1, "wd": 0.5, "weight_decay": 0.5}),
        ({"lr": 0.1, "mom": 0.9}, {"lr": 0.1, "mom": 0.9, "weight_decay": 0, "momentum": 0.9}),
        (
            {"lr": 0.1, "mom": 0.9, "sqr_mom": 0.99},
            {"lr": 0.1, "mom": 0.9, "sqr_mom": 0.99, "weight_decay": 0, "betas": [0.9, 0.99]},
        ),
        ({"sqr_mom": 0.99}, {"sqr_mom": 0.99, "weight_decay": 0}),
    ],
)
def test_the_settings_of_fastai_have_the_names_of_torch(hyper: dict[str, Any], words: dict[str, Any]) -> None:
    """A momentum is the first beta where squares are averaged too."""
    assert foreign_optimizers._in_words_of_torch(hyper) == words


def test_a_rate_of_numpy_is_a_plain_number() -> None:
    """As a schedule of fastai sets it."""
    np = pytest.importorskip("numpy")
    words = foreign_optimizers._in_words_of_torch({"lr": np.float64(0.5)})
    assert type(words["lr"]) is float
    assert words["lr"] == 0.5


def test_the_groups_of_fastai_are_its_lists_of_parameters() -> None:
    """Those of the optimizer inside of a wrapper, where it has one."""
    first, second = torch.zeros(1), torch.zeros(2)
    inner = SimpleNamespace(param_lists=[[first], [second]], hypers=[{"lr": 0.1}, {"lr": 0.2}])
    groups = foreign_optimizers._fastai_groups(inner)
    assert [(group["lr"], [id(p) for p in group["params"]]) for group in groups] == [
        (0.1, [id(first)]), (0.2, [id(second)]),
    ]  # fmt: skip
    assert foreign_optimizers._fastai_groups(SimpleNamespace(opt=inner)) == groups


def test_an_optimizer_of_keras_is_one_group() -> None:
    """With the settings that it has; a rate is a number or a variable with a value."""
    value = torch.zeros(2)
    plain = SimpleNamespace(_trainable_variables=[SimpleNamespace(value=value)], learning_rate=0.25, momentum=None)
    assert foreign_optimizers._keras_groups(plain) == [{"params": [value], "lr": 0.25}]
    adam = SimpleNamespace(learning_rate=SimpleNamespace(value=0.5), beta_1=0.9, beta_2=0.99, clipnorm=1.0)
    assert foreign_optimizers._keras_groups(adam) == [
        {"params": [], "lr": 0.5, "clipnorm": 1.0, "betas": [0.9, 0.99]}
    ]  # fmt: skip


class _Rate:
    def __init__(self, value: float) -> None:
        self.value, self.assigned = value, 0

    def __float__(self) -> float:
        return self.value

    def assign(self, value: float) -> None:
        self.value, self.assigned = value, self.assigned + 1


def test_rates_are_set_for_a_step_and_set_back() -> None:
    """Of each group of fastai, and of the one of Keras."""
    made = torch.optim.SGD([{"params": [torch.zeros(1)], "lr": 0.1}, {"params": [torch.zeros(1)], "lr": 0.2}])
    fastai = SimpleNamespace(hypers=[{"lr": 1.0}, {"lr": 2.0}])
    with foreign_rates.rates_of(fastai, made):
        assert fastai.hypers == [{"lr": 0.1}, {"lr": 0.2}]
    assert fastai.hypers == [{"lr": 1.0}, {"lr": 2.0}]
    keras = SimpleNamespace(_learning_rate=_Rate(1.0))
    one = torch.optim.SGD([torch.zeros(1)], lr=0.5)

    def step() -> None:
        with foreign_rates.rates_of(keras, one):
            assert keras._learning_rate.value == 0.5
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        step()
    assert (keras._learning_rate.value, keras._learning_rate.assigned) == (1.0, 2)


def test_a_rate_that_stays_is_not_assigned() -> None:
    """A variable of Keras may belong to a compiled step."""
    keras = SimpleNamespace(_learning_rate=_Rate(0.5))
    with foreign_rates.rates_of(keras, torch.optim.SGD([torch.zeros(1)], lr=0.5)):
        pass
    assert keras._learning_rate.assigned == 0


@pytest.mark.parametrize(
    ("optimizer", "can"),
    [
        (SimpleNamespace(hypers=[]), True),
        (SimpleNamespace(_learning_rate=_Rate(1.0)), True),
        (SimpleNamespace(_learning_rate=0.1), False),
        (SimpleNamespace(), False),
    ],
)
def test_a_rate_can_be_set_where_no_schedule_makes_it(optimizer: Any, *, can: bool) -> None:
    """A schedule has nothing to assign."""
    assert foreign_rates.can_be_set(optimizer) is can


def test_the_steps_of_imported_frameworks_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of another version, without the class, is passed over."""
    kind = type("Optimizer", (), {"step": lambda _: None})
    for name in foreign_rates._STEPS:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "keras.src.optimizers.base_optimizer", types.ModuleType("keras"))
    assert list(foreign_rates.step_functions()) == []
    monkeypatch.setitem(sys.modules, "fastai.optimizer", SimpleNamespace(Optimizer=kind))
    assert list(foreign_rates.step_functions()) == [kind.step]


@pytest.fixture
def clips(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what is told."""
    told: list[Any] = []
    monkeypatch.setattr(taps, "tell", lambda *given: told.append(given))
    return told


def _clip(gradients: list[torch.Tensor], clip_norm: object) -> str:
    for each in gradients:
        foreign_clips.keras_norm(lambda one: one.norm(), (each,), {})
    return f"clipped to {clip_norm}"


def test_a_clipping_of_keras_is_told_with_its_limit_and_the_norm_before(clips: list[Any]) -> None:
    """The limit by its place or name; the first norm that was asked for in it."""
    given = torch.full((4,), 2.0)
    assert foreign_clips.keras_clip(_clip, ([given, given * 2], 3), {}) == "clipped to 3"
    assert clips == [("clip_grad_norm_", ((), 3.0), {}, torch.tensor(4.0))]
    clips.clear()
    foreign_clips.keras_clip(_clip, ([given],), {"clip_norm": 0.5})
    assert clips == [("clip_grad_norm_", ((), 0.5), {}, torch.tensor(4.0))]


@pytest.mark.parametrize(
    ("gradients", "limit"), [([], 1.0), ([torch.ones(1)], torch.ones(())), ([torch.ones(1)], None)]
)
def test_a_clipping_of_which_something_is_not_known_is_not_told(
    clips: list[Any], gradients: list[torch.Tensor], limit: object
) -> None:
    """No norm was asked for, or the limit is no number."""
    foreign_clips.keras_clip(_clip, (gradients, limit), {})
    assert clips == []


def test_a_norm_outside_of_a_clipping_is_nobodys(clips: list[Any]) -> None:
    """Nor one of a clipping that has raised."""
    assert foreign_clips.keras_norm(lambda: 5.0, (), {}) == 5.0
    with pytest.raises(TypeError):
        foreign_clips.keras_clip(lambda: None, (1,), {})
    assert foreign_clips._norms == []
    assert clips == []


def test_a_metric_is_known_by_where_its_classes_come_from() -> None:
    """Also the script's own class of one; a package that only begins so is another."""
    theirs = type("Metric", (), {"__module__": "torchmetrics.metric"})
    assert is_metric(theirs())
    assert is_metric(type("Mine", (theirs,), {"__module__": "__main__"})())
    assert not is_metric(type("Other", (), {"__module__": "torchmetrics_like"})())


def test_the_settings_of_a_framework_are_found_by_line(tmp_path: Path) -> None:
    """The call itself, then what it is given by name; nothing of other calls, of stars, or of what is no Python."""
    script = tmp_path / "train.py"
    script.write_text("a = Trainer(\n    model,\n    max_steps=3,\n    **more,\n)\nOther(lr=1)\nx.fit(lr=2)\n")
    assert list(framework_settings.settings_in(str(script), {"Trainer", "fit"})) == [
        ("Trainer", None, 1), ("Trainer", "max_steps", 3), ("fit", None, 7), ("fit", "lr", 7),
    ]  # fmt: skip
    broken = tmp_path / "broken.py"
    broken.write_text("Trainer(\n")
    assert list(framework_settings.settings_in(str(broken), {"Trainer"})) == []


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("Trainer(model,\n  eval_dataset=held,\n)\n", 2),
        ("trainer.fit(model,\n\n  val_dataloaders=held)\n", 3),
        ("Trainer(model,\n  eval_dataset=held)\ntrainer.fit(validation_data=held)\n", 9),
        ("Trainer(model)\nOther(eval_dataset=held)\n", 9),
    ],
)
def test_the_held_out_data_are_where_the_only_line_hands_them_over(tmp_path: Path, source: str, line: int) -> None:
    """Else the place stays."""
    script = tmp_path / "train.py"
    script.write_text(source)
    assert framework_settings.held_out_line((str(script), 9)) == (str(script), line)


def test_no_place_stays_none() -> None:
    """There is no file to look into."""
    assert framework_settings.held_out_line(None) is None
