"""What is told of single calls: to a plan first, then to the shortcuts, then to every listener."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from trainadvisor.instrument import foreign_losses, foreign_optimizers, fused_losses, plan_events, quick, taps
from trainadvisor.instrument.running_events import running
from trainadvisor.instrument.shortcut_slot import slot

ERROR = ZeroDivisionError("ours")


class Taker:
    """A plan, or the shortcuts: takes events, or not, or fails; notes which it was asked."""

    def __init__(self, answer: Any, key: int = 0) -> None:
        self.answer, self.key, self.asked = answer, key, []
        self.module = lambda: None

    def __getattr__(self, name: str) -> Any:
        def event(*given: object) -> Any:
            self.asked.append(name)
            if name == "failed":
                assert given == (ERROR,)
                return False
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return event


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the events that a listener is told; nothing else listens."""
    heard: list[str] = []
    monkeypatch.setattr(taps, "listeners", [SimpleNamespace(on=lambda name, *_: heard.append(name))])
    monkeypatch.setattr(slot, "plan", None)
    monkeypatch.setattr(slot, "now", None)
    monkeypatch.setattr(running, "events", set())
    return heard


def _original(*args: object, **_: object) -> object:
    return ("gave", *args)


def _raises(*_: object, **__: object) -> object:
    raise KeyError


ONE = object()
LONG = {
    "zero_grad": (taps.zero_grad, ["zero_grad"]), "backward": (taps.backward, ["backward_begins", "backward_ends"]),
    "batch": (taps.batch, ["batch_begins", "batch_ends"]),
    "clip": (taps.after("clip_grad_norm_", plain=True), ["clip_grad_norm_"]),
    "save": (taps.both("save"), ["save_begins", "save_ends"]), "load": (taps.after("load"), ["load"]),
}  # fmt: skip


@pytest.mark.parametrize("name", LONG)
def test_a_call_is_told_to_every_listener(name: str, told: list[str]) -> None:
    """With what it gave; inside of itself it is not told again, nor is anything while torch.compile traces."""
    around, events = LONG[name]
    assert around(_original, (ONE,), {}) == ("gave", ONE)
    assert told == events
    told.clear()

    def inner(*args: object) -> object:
        return around(_original, args, {})

    around(inner, (ONE,), {})
    assert told == events
    assert running.events == set()


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("module", ["compiling", "in_backward"])
def test_a_call_that_torch_compiles_is_not_told(
    name: str, module: str, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is one of both kinds inside of a backward."""
    if module == "compiling":
        monkeypatch.setattr(taps, "is_compiling", lambda: True)
    else:
        monkeypatch.setattr(taps.tracing, "in_backward", lambda: True)
    for now in (None, Taker(answer=True)):
        monkeypatch.setattr(slot, "now", now)
        told.clear()
        assert LONG[name][0](_original, (ONE,), {}) == ("gave", ONE)
        expected = module == "in_backward" and name in {"zero_grad", "clip", "load"}
        assert told == (LONG[name][1] if expected and (now is None or name == "load") else [])


@pytest.mark.parametrize("name", LONG)
def test_a_call_that_raises_is_not_told_as_done(name: str, told: list[str]) -> None:
    """Of a backward it is told that it has failed."""
    with pytest.raises(KeyError):
        LONG[name][0](_raises, (ONE,), {})
    assert told == [event for event in LONG[name][1] if event.endswith("_begins")] + ["backward_fails"] * (
        name == "backward"
    )
    assert running.events == set()


SHORT = {name: LONG[name][1] for name in ("zero_grad", "backward", "batch", "clip")}


@pytest.mark.parametrize("name", SHORT)
def test_the_shortcuts_are_asked_first(name: str, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What they take nobody else is told; what they leave or fail at goes the long way."""
    around, events = LONG[name]
    for answer in (True, False, ERROR):
        told.clear()
        now = Taker(answer)
        monkeypatch.setattr(slot, "now", now)
        assert around(_original, (ONE,), {}) == ("gave", ONE)
        assert told == ([] if answer is True else events)
        asked = SHORT[name] if answer is True else SHORT[name][:1]
        assert now.asked == asked + ["failed"] * isinstance(answer, Exception)


@pytest.mark.parametrize("name", ["backward", "batch"])
def test_an_end_that_the_shortcuts_leave_is_told(name: str, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its beginning was theirs."""
    for later in (False, ERROR):
        told.clear()
        now = Taker(answer=True)
        monkeypatch.setattr(slot, "now", now)

        def original(*_: object, now: Any = now, later: Any = later) -> object:
            now.answer = later
            return 5

        assert LONG[name][0](original, (ONE,), {}) == 5
        assert told == [LONG[name][1][1]]


def test_a_backward_with_more_than_its_tensor_goes_the_long_way(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shortcuts are not asked; one that fails behind them is told."""
    now = Taker(answer=True)
    monkeypatch.setattr(slot, "now", now)
    taps.backward(_original, (ONE,), {"retain_graph": True})
    assert (told, now.asked) == (LONG["backward"][1], [])
    told.clear()
    with pytest.raises(KeyError):
        taps.backward(_raises, (ONE,), {})
    assert told == ["backward_fails"]


def test_steps_are_told_where_no_shortcut_takes_them(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Their beginning and end."""
    for answer in (True, False):
        told.clear()
        monkeypatch.setattr(slot, "now", Taker(answer))
        taps.step_begins(ONE, False)  # type: ignore[arg-type] # noqa: FBT003
        taps.step_ends(ONE)  # type: ignore[arg-type]
        assert told == ([] if answer else ["step_begins", "step_ends"])


def test_a_plan_comes_before_the_shortcuts(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a clipping; what either takes is not told."""
    for plan_takes, now_takes in ((True, False), (False, True), (False, False)):
        told.clear()
        plan, now = Taker(plan_takes), Taker(now_takes)
        monkeypatch.setattr(slot, "plan", plan)
        monkeypatch.setattr(slot, "now", now)
        LONG["clip"][0](_original, (ONE,), {})
        assert (len(plan.asked), len(now.asked)) == (1, int(not plan_takes))
        assert told == ([] if plan_takes or now_takes else ["clip_grad_norm_"])


def test_a_listener_that_is_interrupted_leaves_gradients_as_they_were(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever switched them off."""

    def interrupted(*_: object) -> None:
        torch.set_grad_enabled(False)
        raise KeyboardInterrupt

    monkeypatch.setattr(taps, "listeners", [SimpleNamespace(on=interrupted)])
    with pytest.raises(KeyboardInterrupt):
        taps.tell("event")
    assert torch.is_grad_enabled()
    assert told == []


class _Intercepting(torch.Tensor):
    @classmethod
    def __torch_dispatch__(cls, function: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        return function(*args, **(kwargs or {}))


class _Own(torch.Tensor):
    """As fastai's."""


@pytest.mark.parametrize(
    ("result", "values"),
    [
        (torch.zeros(()), True),
        (torch.zeros(2).as_subclass(_Own), True),
        (torch.zeros((), device="meta"), False),
        (torch.zeros(()).as_subclass(_Intercepting), False),
        (3.0, False),
        (None, False),
    ],
)
def test_a_result_has_numbers_of_its_own(result: object, told: list[str], *, values: bool) -> None:
    """Only then a loss is told; not of fake tensors, nor inside of a backward."""
    assert taps.has_values(result) is values
    taps.loss_made("mse_loss", (), {}, result)
    assert told == (["loss"] if values else [])


def test_a_loss_inside_of_another_is_not_told(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is one that the shortcuts have taken, one of fake tensors, or one inside of a backward."""
    result = torch.zeros(())
    loss = taps.loss("mse_loss")
    assert loss(lambda *_: loss(lambda *_: result, (), {}), (), {}) is result
    assert told == ["loss"]
    told.clear()
    for answer in (True, False, ERROR):
        monkeypatch.setattr(slot, "now", Taker(answer))
        assert loss(lambda *_: result, (), {}) is result
    assert told == ["loss", "loss"]
    told.clear()
    monkeypatch.setattr(slot, "now", None)
    for name in ("now", "in_backward"):
        with monkeypatch.context() as patch:
            patch.setattr(taps.tracing, name, lambda: True)
            assert loss(lambda *_: result, (), {}) is result
    with monkeypatch.context() as patch:
        patch.setattr(taps, "is_compiling", lambda: True)
        assert loss(lambda *_: result, (), {}) is result
    with pytest.raises(KeyError):
        loss(_raises, (), {})
    assert (told, running.events) == ([], set())


def _quick(made: Any) -> tuple[Any, list[str]]:
    """Return what runs a function by a plan, and how it was run."""
    ways: list[str] = []

    def original(*_: object, **__: object) -> object:
        ways.append("original")
        return torch.zeros(())

    def usual(*_: object) -> object:
        ways.append("usual")
        return torch.zeros(())

    return made(SimpleNamespace(original=original, run=usual, usual=[None], given=lambda kwargs: kwargs)), ways


QUICK = {
    "loss": (quick.loss("mse_loss"), ["loss_begins", "loss"], "loss"),
    "backward": (quick._backward, ["backward_begins", "backward_ends"], "backward_ends"),
    "batch": (quick._batch, ["batch_begins", "batch_ends"], "batch_ends"),
    "zero_grad": (quick._zero_grad, ["zero_grad"], "zero_grad"),
}  # fmt: skip


@pytest.mark.parametrize("name", QUICK)
def test_a_plan_takes_its_calls_before_all_others(name: str, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one the usual way is gone; what it leaves or fails at is told."""
    made, events, last = QUICK[name]
    run, ways = _quick(made)
    run((ONE,), {})
    assert ways == ["usual"]
    for answer in (True, False, ERROR):
        plan = Taker(answer, key=id(ONE))
        monkeypatch.setattr(slot, "plan", plan)
        ways.clear()
        run((ONE,), {})
        itself = answer is True or name == "zero_grad"
        assert (ways, told) == (["original" if itself else "usual"], [last] * (itself and answer is not True))
        assert plan.asked == (events if answer is True else [*events[:1], *["failed"] * (answer is ERROR)])
        told.clear()


@pytest.mark.parametrize("name", ["loss", "backward", "batch"])
def test_an_end_that_a_plan_leaves_is_told(name: str, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its beginning was the plan's."""
    made, events, last = QUICK[name]
    for later in (False, ERROR):
        plan = Taker(answer=True)
        monkeypatch.setattr(slot, "plan", plan)

        def original(*_: object, plan: Any = plan, later: Any = later) -> object:
            plan.answer = later
            return torch.zeros(())

        made(SimpleNamespace(original=original, run=None, usual=[], given=lambda kwargs: kwargs))((ONE,), {})
        assert told == [last]
        assert plan.asked[:2] == events
        told.clear()


def test_a_call_by_a_plan_that_raises_is_told_so(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The loss may be called again, the backward has failed, the batch was none."""
    for name, asked, said in (("loss", ["loss_begins", "loss_failed"], []),
                              ("backward", ["backward_begins"], ["backward_fails"]),
                              ("batch", ["batch_begins"], [])):  # fmt: skip
        plan = Taker(answer=True)
        monkeypatch.setattr(slot, "plan", plan)
        run = QUICK[name][0](SimpleNamespace(original=_raises, run=None, usual=[], given=dict))
        with pytest.raises(KeyError):
            run((ONE,), {})
        assert (plan.asked, told, running.events) == (asked, said, set())
        told.clear()


def test_a_loss_that_is_nobodys_is_only_run(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As one inside of the loss of the step."""
    monkeypatch.setattr(slot, "plan", Taker(None))
    run, ways = _quick(quick.loss("mse_loss"))
    run((ONE,), {})
    assert (ways, told) == (["original"], [])


def test_a_plan_is_left_where_another_clears_gradients(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """By its key or its module it is its own."""
    run, ways = _quick(quick._zero_grad)
    for answer in (True, ERROR):
        plan = Taker(answer)
        monkeypatch.setattr(slot, "plan", plan)
        run((ONE,), {})
        assert plan.asked == ["leave", *["failed"] * (answer is ERROR)]
    assert ways == ["usual", "usual"]
    plan = Taker(answer=True)
    plan.module = lambda: ONE
    monkeypatch.setattr(slot, "plan", plan)
    run((ONE,), {})
    assert (plan.asked, ways[2:], told) == (["zero_grad"], ["original"], [])


def test_a_plan_sees_a_backward_without_arguments_and_one_batch_at_a_time(
    told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others go the usual way."""
    plan = Taker(answer=True)
    monkeypatch.setattr(slot, "plan", plan)
    run, ways = _quick(quick._backward)
    run((ONE,), {"retain_graph": True})
    run((ONE,), {"retain_graph": None})
    assert (ways, plan.asked) == (["usual", "original"], ["backward_begins", "backward_ends"])
    run, ways = _quick(quick._batch)
    running.events.add("batch")
    run((ONE,), {})
    running.events.discard("batch")
    assert (ways, plan.asked[2:], told) == (["usual"], [], [])


def test_a_dropout_is_looked_at_in_eval_mode_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not while torch.compile traces."""
    for evaluates, compiling, way in ((False, False, "original"), (True, False, "usual"), (True, True, "original")):
        monkeypatch.setattr(quick, "evaluates", lambda evaluates=evaluates: evaluates)
        monkeypatch.setattr(quick, "is_compiling", lambda compiling=compiling: compiling)
        run, ways = _quick(quick.dropout)
        run((ONE,), {})
        assert ways == [way]


@pytest.mark.parametrize(
    ("plan", "now", "taker"),
    [
        (None, None, None),
        (None, True, "now"),
        (None, False, None),
        (None, ERROR, None),
        (True, True, "plan"),
        (None.__class__, True, "passed"),
        (False, True, "now"),
        (ERROR, True, "now"),
    ],
)
def test_a_forward_is_the_plans_or_the_shortcuts(
    plan: Any, now: Any, taker: str | None, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or nobody's, as a loss that is a module; else it goes the long way."""
    answer = None if plan is type(None) else plan
    takers: dict[Any, Any] = {None: None, "passed": plan_events.PASSED}
    for name, given in (("plan", plan), ("now", now)):
        takers[name] = None if given is None else Taker(answer if name == "plan" else given)
        monkeypatch.setattr(slot, name, takers[name])
    assert plan_events.taker(nn.Identity(), (), {}) is takers[taker]
    assert told == []


@pytest.mark.parametrize(
    ("args", "kwargs", "closure"),
    [
        ((ONE,), {}, ()), ((ONE, None), {}, (False,)), ((ONE, len), {}, (True,)),
        ((ONE,), {"closure": len}, (True,)), ((ONE,), {"closure": None}, (False,)),
    ],
)  # fmt: skip
def test_a_plan_is_told_whether_a_step_has_a_closure(
    args: Any, kwargs: Any, closure: Any, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its place or name; a mistake of it ends there."""
    given: list[Any] = []
    plan = SimpleNamespace(step_begins=lambda *told: given.append(told) or True)
    monkeypatch.setattr(slot, "plan", plan)
    assert plan_events.step_begins("o", args, kwargs) is True  # type: ignore[arg-type]
    assert given == [("o", *closure)]
    monkeypatch.setattr(slot, "plan", Taker(ERROR))
    assert plan_events.step_begins("o", args, kwargs) is False  # type: ignore[arg-type]
    assert plan_events.step_ends("o") is False  # type: ignore[arg-type]
    monkeypatch.setattr(slot, "plan", Taker(answer=True))
    assert plan_events.step_ends("o") is True  # type: ignore[arg-type]
    assert told == []


def _keras(**parts: Any) -> Any:
    function = SimpleNamespace(__module__="keras.src.losses.losses", __name__="mean_squared_error")
    return SimpleNamespace(**{"fn": function, "_fn_kwargs": {}, "reduction": "sum_over_batch_size"} | parts)


def _named(name: str) -> Any:
    return SimpleNamespace(__module__="keras.src.losses.losses", __name__=name)


SHORT_TARGET, SCORES = torch.tensor([1.0, 0.0]), torch.tensor([[0.25], [0.75]])


def test_a_loss_of_keras_is_told_in_the_words_of_torch() -> None:
    """Both of one rank and type, with the name that the script knows."""
    told = foreign_losses._of_keras(_keras(), SHORT_TARGET.double(), SCORES)
    assert told is not None
    assert (told.kind, told.settings["told_as"]) == ("mse_loss", "MeanSquaredError")
    assert told.target.tolist() == [[1.0], [0.0]]
    assert told.target.dtype == torch.float32
    assert told.prediction is SCORES
    assert "delta" not in told.settings
    told = foreign_losses._of_keras(_keras(reduction="mean"), SCORES, SHORT_TARGET)
    assert told is not None
    assert told.target.tolist() == [0.25, 0.75]


@pytest.mark.parametrize(
    ("loss", "extra"),
    [
        (_keras(reduction="sum"), {}),
        (_keras(reduction=None), {}),
        (_keras(fn=_named("poisson")), {}),
        (_keras(fn=SimpleNamespace(__module__="__main__", __name__="mean_squared_error")), {}),
        (_keras(_fn_kwargs={"label_smoothing": 0.1}), {}),
        (_keras(_fn_kwargs={"ignore_class": 3}), {}),
        (_keras(), {"sample_weight": torch.ones(2)}),
        (SimpleNamespace(reduction="mean"), {}),
    ],
)
def test_a_loss_of_keras_without_a_twin_is_told_as_it_comes(loss: Any, extra: dict[str, Any]) -> None:
    """Sums, weights, masks, smoothing, others' functions."""
    assert foreign_losses._of_keras(loss, SCORES, SCORES, **extra) is None
    assert foreign_losses._of_keras(_keras(), [1.0], SCORES) is None
    masked = SCORES.clone()
    masked._keras_mask = torch.ones(2)  # type: ignore[attr-defined]
    assert foreign_losses._of_keras(_keras(), SCORES, masked) is None


@pytest.mark.parametrize(
    ("name", "settings", "kind", "more"),
    [
        ("huber", {}, "huber_loss", {"delta": 1.0}),
        ("huber", {"delta": 0.5}, "huber_loss", {"delta": 0.5}),
        ("binary_crossentropy", {}, "binary_cross_entropy", {"probabilities": True}),
        ("binary_crossentropy", {"from_logits": True}, "binary_cross_entropy_with_logits", {"probabilities": False}),
        ("mean_absolute_error", {"from_logits": True}, "l1_loss", {}),
    ],
)
def test_the_settings_of_a_loss_of_keras_go_with_it(name: str, settings: Any, kind: str, more: dict[str, Any]) -> None:
    """Where they move it."""
    told = foreign_losses._of_keras(_keras(fn=_named(name), _fn_kwargs=settings), SCORES, SCORES)
    assert told is not None
    assert told.kind == kind
    assert {key: value for key, value in told.settings.items() if key not in {"told_as", "place"}} == more


def test_classes_of_keras_move_to_the_second_place() -> None:
    """Of labels with or without an axis of their own, and of shares; a vector is no table of scores."""
    scores = torch.arange(24.0).reshape(2, 3, 4)
    sparse, shares = _keras(fn=_named("sparse_categorical_crossentropy")), _keras(fn=_named("categorical_crossentropy"))
    labels = torch.ones(2, 3)
    for given in (labels, labels[..., None]):
        told = foreign_losses._of_keras(sparse, given, scores)
        assert told is not None
        assert (told.prediction.shape, told.target.shape, told.target.dtype) == ((2, 4, 3), (2, 3), torch.long)
        assert told.settings["probabilities"] is True
    told = foreign_losses._of_keras(shares, scores.double(), scores)
    assert told is not None
    assert (told.prediction.shape, told.target.shape, told.target.dtype) == ((2, 4, 3), (2, 4, 3), torch.float32)
    first = foreign_losses._of_keras(
        _keras(fn=_named("categorical_crossentropy"), _fn_kwargs={"axis": 0}), scores, scores
    )
    assert first is not None
    assert (first.prediction.shape, first.target.shape) == ((3, 2, 4), (3, 2, 4))
    assert foreign_losses._of_keras(sparse, labels[0], scores[0, 0]) is None


def test_a_loss_of_timm_is_told_with_its_smoothing() -> None:
    """Of a table of scores."""
    told = foreign_losses._of_timm(SimpleNamespace(smoothing=0.1), torch.ones(2, 3), torch.zeros(2))
    assert told is not None
    assert (told.kind, told.settings["label_smoothing"]) == ("cross_entropy", 0.1)
    assert told.settings["told_as"] == "SimpleNamespace"
    plain = foreign_losses._of_timm(object(), torch.ones(2, 3), torch.zeros(2))
    assert plain is not None
    assert plain.settings["label_smoothing"] == 0.0
    assert foreign_losses._of_timm(object(), torch.ones(2, 3, 4), torch.zeros(2)) is None


def test_a_loss_of_a_framework_is_one_loss(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of torch inside of it are not told; the shortcuts are asked first, and a plan before them."""
    inner = taps.loss("mse_loss")

    def original(*_: object) -> Any:
        return inner(lambda *_: torch.zeros(()), (), {})

    call = (original, (_keras(), SCORES, SCORES), {})
    foreign_losses.keras_loss(*call)
    assert told == ["loss"]
    for answer in (True, False, ERROR):
        told.clear()
        monkeypatch.setattr(slot, "now", Taker(answer))
        foreign_losses.keras_loss(*call)
        assert told == ([] if answer is True else ["loss"])
    monkeypatch.setattr(slot, "now", None)
    told.clear()
    for answer, said in ((True, []), (False, ["loss"])):
        plan = Taker(answer)
        monkeypatch.setattr(slot, "plan", plan)
        foreign_losses.keras_loss(lambda *_: torch.zeros(()), *call[1:])
        assert told == said
        assert plan.asked == (["told_loss_begins", "loss"] if answer else ["told_loss_begins"])
    monkeypatch.setattr(slot, "plan", None)
    told.clear()
    running.events.add("loss")
    foreign_losses.keras_loss(lambda *_: torch.zeros(()), *call[1:])
    running.events.discard("loss")
    foreign_losses.keras_loss(lambda *_: torch.zeros((), device="meta"), *call[1:])
    for name in ("now", "in_backward"):
        with monkeypatch.context() as patch:
            patch.setattr(foreign_losses.tracing, name, lambda: True)
            foreign_losses.keras_loss(lambda *_: torch.zeros(()), *call[1:])
    assert told == []


def test_a_loss_that_a_plan_has_begun_may_fail_or_be_left(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be called again, and is told after all."""
    plan = Taker(answer=True)
    monkeypatch.setattr(slot, "plan", plan)
    with pytest.raises(KeyError):
        foreign_losses.keras_loss(_raises, (_keras(), SCORES, SCORES), {})
    assert plan.asked == ["told_loss_begins", "loss_failed"]

    def original(*_: object) -> object:
        plan.answer = False
        return torch.zeros(())

    plan.answer = True
    foreign_losses.keras_loss(original, (_keras(), SCORES, SCORES), {})
    assert told == ["loss"]


def _trainer(**parts: Any) -> Any:
    model = SimpleNamespace(training=True)
    arguments = SimpleNamespace(loss_type="nll")
    return SimpleNamespace(
        **{"compute_loss_func": None, "label_smoother": None, "aux_loss_enabled": False, "args": arguments,
           "model": model, "current_gradient_accumulation_steps": 1} | parts
    )  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "plain"),
    [
        ({}, True),
        ({"current_gradient_accumulation_steps": None}, True),
        ({"current_gradient_accumulation_steps": 2}, False),
        ({"current_gradient_accumulation_steps": 2, "model": SimpleNamespace(training=False)}, True),
        ({"compute_loss_func": len}, False),
        ({"label_smoother": len}, False),
        ({"aux_loss_enabled": True}, False),
        ({"args": SimpleNamespace(loss_type="dft")}, False),
    ],
)
def test_the_loss_of_a_trainer_is_plain_where_it_is_the_mean_over_one_batch(
    parts: dict[str, Any], told: list[str], *, plain: bool
) -> None:
    """Without another function, smoothing or part; then it is told with labels and scores."""
    hidden, weight = torch.ones(3, 2), torch.ones(5, 2)
    inputs = {"labels": torch.tensor([[9, 1, 2, -100]])}

    def compute(*_: object) -> object:
        head = {"hidden": hidden, "weight": weight, "targets": torch.tensor([1, 2, 0])}
        return fused_losses.fused_head(lambda **_: torch.tensor(3.0), (), head)

    assert fused_losses.fused_loss(compute, (_trainer(**parts), None, inputs), {}) == 3.0
    assert told == (["loss"] if plain else [])


def _head(**parts: Any) -> Any:
    found = {"hidden": torch.eye(4), "weight": torch.eye(4) * 2, "bias": None, "targets": torch.arange(4)}
    return fused_losses._Head(**found | parts)


def test_the_labels_of_a_fused_head_are_shifted_by_one() -> None:
    """Those that the trainer has shifted come first; labels of another number are the head's own."""
    labels = torch.tensor([[0, 1, -100, 2, 3]])
    assert fused_losses._labels({"labels": labels}, _head()).tolist() == [1, -100, 2, 3]
    assert fused_losses._labels({"labels": labels, "shift_labels": labels[:, :4]}, _head()).tolist() == [0, 1, -100, 2]
    assert fused_losses._labels({"labels": labels[:, :3]}, _head()).tolist() == [0, 1, 2, 3]


def test_scores_of_a_fused_head_are_of_positions_at_even_distances(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as fit, sixteen at least; with the bias where there is one."""
    head = _head(targets=torch.arange(40), hidden=torch.eye(40)[:, :4])
    inputs = {"labels": torch.arange(41)[None]}
    assert fused_losses._looked_at(head, inputs)[1] == 1
    monkeypatch.setattr(fused_losses, "_MOST_SCORES", 80)
    labels, every = fused_losses._looked_at(head, inputs)
    assert (labels.tolist(), every) == (list(range(1, 41, 2)), 2)
    monkeypatch.setattr(fused_losses, "_MOST_SCORES", 4)
    assert fused_losses._looked_at(head, inputs)[1] == 3
    assert fused_losses._scores(_head(), 2).tolist() == [[2, 0, 0, 0], [0, 0, 2, 0]]
    assert fused_losses._scores(_head(bias=torch.ones(4)), 3).tolist() == [[3, 1, 1, 1], [1, 1, 1, 3]]


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ({}, True),
        ({"temperature": 1.0, "logit_scale": 1.0, "final_logit_softcapping": None}, True),
        ({"temperature": 2.0}, False),
        ({"logit_scale": 0.5}, False),
        ({"final_logit_softcapping": 30.0}, False),
    ],
)
def test_a_fused_head_that_scales_is_another_loss(given: dict[str, Any], *, plain: bool) -> None:
    """By any of its settings."""
    assert fused_losses._is_unscaled(given) is plain


class _Foreign:
    """An optimizer of Keras."""

    def __init__(self, rate: Any = 0.5, variables: int = 1) -> None:
        self._trainable_variables = [SimpleNamespace(value=torch.zeros(1))] * variables
        self.learning_rate = rate


@pytest.mark.parametrize(
    ("rate", "planned"),
    [
        (0.25, 0.25),
        (SimpleNamespace(value=0.25), 0.25),
        (torch.tensor(0.25), 0.25),
        (SimpleNamespace(value=nn.Parameter(torch.tensor(0.25))), 0.25),
        (torch.tensor(0.25, device="meta"), None),
        (1, None),
    ],
)
def test_a_planned_step_of_keras_has_its_rate_as_it_is_now(rate: Any, planned: float | None) -> None:
    """A number, or one that the host holds."""
    optimizer, groups = _Foreign(), foreign_optimizers._keras_groups
    assert foreign_optimizers._planned(optimizer, groups) is None
    made = foreign_optimizers.stand_in(optimizer, groups)
    optimizer.learning_rate = rate
    found = foreign_optimizers._planned(optimizer, groups)
    assert (found is made) == (planned is not None)
    assert made.param_groups[0]["lr"] == (0.5 if planned is None else planned)
    assert foreign_optimizers._planned(optimizer, foreign_optimizers._fastai_groups) is None
    optimizer._trainable_variables = []
    assert foreign_optimizers._planned(optimizer, groups) is None


def test_a_step_of_a_foreign_optimizer_is_told_around_it(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, also of a wrapper; a plan takes what it expects, and is left by any other."""
    optimizer, groups = _Foreign(), foreign_optimizers._keras_groups
    step = foreign_optimizers._stepping(groups)
    assert step(lambda *_: step(lambda *_: 5, (_Foreign(),), {}), (optimizer,), {}) == 5
    assert told == ["made", "step_begins", "step_ends"]
    made = foreign_optimizers.stand_in(optimizer, groups)
    for answer in (True, False):
        told.clear()
        plan = Taker(answer, key=id(made))
        monkeypatch.setattr(slot, "plan", plan)
        assert step(lambda *_: 5, (optimizer,), {}) == 5
        assert told == ([] if answer else ["step_begins", "step_ends"])
        assert plan.asked == (["step_begins", "step_ends"] if answer else ["step_begins", "leave", "step_ends"])
    other = _Foreign()
    plan = Taker(answer=True)
    monkeypatch.setattr(slot, "plan", plan)
    foreign_optimizers._step_begins(other, groups)
    assert plan.asked == ["leave"]
    with pytest.raises(KeyError):
        step(_raises, (optimizer,), {})
    assert foreign_optimizers._running == []


def test_cleared_gradients_of_a_foreign_optimizer_are_told(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan takes those of its own."""
    optimizer, groups = _Foreign(), foreign_optimizers._keras_groups
    zero = foreign_optimizers._zeroing(groups)
    assert zero(lambda *_: 5, (optimizer,), {}) == 5
    assert told == ["made", "zero_grad"]
    made = foreign_optimizers.stand_in(optimizer, groups)
    for key, answer, asked in (
        (id(made), True, ["zero_grad"]),
        (id(made), False, ["zero_grad", "leave"]),
        (0, True, ["leave"]),
    ):
        told.clear()
        plan = Taker(answer, key=key)
        monkeypatch.setattr(slot, "plan", plan)
        zero(lambda *_: 5, (optimizer,), {})
        assert (plan.asked, told) == (asked, [] if asked == ["zero_grad"] else ["zero_grad"])


@pytest.mark.parametrize(
    ("callbacks", "name"),
    [
        (["adam_step"], "Adam"),
        (["weight_decay", "adam_step"], "AdamW"),
        (["weight_decay", "sgd_step"], "SGD"),
        (["momentum_step"], "SGD"),
        (["adam_step", "other"], "Mine"),
        ([], "Mine"),
    ],
)
def test_an_optimizer_of_fastai_is_named_by_its_last_callback(callbacks: list[str], name: str) -> None:
    """As torch names the class."""
    mine = type("Mine", (), {"cbs": [SimpleNamespace(__name__=one) for one in callbacks]})()
    assert foreign_optimizers._class_of(mine) == name
    assert foreign_optimizers._class_of(type("Mine", (), {})()) == "Mine"


@pytest.mark.parametrize(
    ("around", "result", "args", "event"),
    [
        (foreign_optimizers._evaluated, {"eval_loss": 1.0}, (), [("reported_evaluation", {"eval_loss": 1.0})]),
        (foreign_optimizers._evaluated, 3.0, (), []),
        (
            foreign_optimizers._logged, None, (object(), {"reward": 1.0, "frac_reward_zero_std": 0.5, "x": 2}),
            [("reported_rewards", {"reward": 1.0, "groups_without_spread": 0.5})],
        ),
        (foreign_optimizers._logged, None, (object(), {"reward": 1.0}), [("reported_rewards", {"reward": 1.0})]),
        (foreign_optimizers._logged, None, (object(), {"loss": 1.0}), []),
        (foreign_optimizers._logged, None, (object(),), []),
        (foreign_optimizers._loaded, SimpleNamespace(missing_keys=["a"]), (0,), []),
        (foreign_optimizers._epoch(lambda one: one + 1), None, (3,), [("epoch_begins", 4)]),
    ],
)  # fmt: skip
def test_what_a_trainer_reports_is_told(
    around: Any, result: Any, args: Any, event: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is what is looked for; the trainer gets what it would."""
    heard: list[Any] = []
    monkeypatch.setattr(taps, "tell", lambda *given: heard.append(given))
    assert around(lambda *_: result, args, {}) is result
    assert heard == event


def test_loaded_weights_are_told_with_what_was_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of a tuple, and of one that does not say."""
    heard: list[Any] = []
    monkeypatch.setattr(taps, "tell", lambda *given: heard.append(given))
    net, said = nn.Identity(), SimpleNamespace(missing_keys=["a", "b"])
    for result in (said, (said, 1), object()):
        assert foreign_optimizers._loaded(lambda *_, result=result, **__: result, ("path",), {"model": net}) is result
    names = [frozenset({"a", "b"}), frozenset({"a", "b"}), frozenset()]
    assert heard == [("weights_loaded", net, missing) for missing in names]
