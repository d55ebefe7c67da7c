"""At which step each probe wants to see everything again, by what it has seen."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from probekit import ByHand

from trainadvisor.record import plain_steps
from trainadvisor.record.call_counts import CallCounts
from trainadvisor.record.plain_steps import PlainSteps
from trainadvisor.record.probe_discovery import probe_classes

NOW, NEVER = 500, math.inf
Made = dict[str, Any]
PROBES = {kind.__name__: kind for kind in probe_classes()}


def _routine(step: int = NOW, **parts: Any) -> Any:
    return SimpleNamespace(**{"step": step, "models": {0: 2}, "kinds": {"cross_entropy"}, "stepped": {0}} | parts)


def _context(**parts: Any) -> Any:
    return SimpleNamespace(**{"scale": SimpleNamespace(reading=None), "counts": CallCounts()} | parts)


SCALED = _context(counts=CallCounts({"scaler_steps": 1}))
SCALES = _context(scale=SimpleNamespace(reading=1))
LOOKED, NO_LOOKS = SimpleNamespace(looks=1), SimpleNamespace(looks=0)
FEW, MANY = SimpleNamespace(taken=5), SimpleNamespace(taken=5000)


def _counted(batches: int, told: int) -> Any:
    return SimpleNamespace(batches=batches, told=told)


RESTING: list[tuple[str, Made, Any, float]] = [
    ("WeightUpdateProbe", {"_taken": {}}, _routine(), NEVER),
    ("WeightUpdateProbe", {"_taken": {0: 1}}, _routine(), NOW),
    ("MixedPrecisionProbe", {"_context": _context()}, _routine(), NEVER),
    ("MixedPrecisionProbe", {"_context": SCALED}, _routine(), NOW),
    ("MixedPrecisionProbe", {"_context": SCALES}, _routine(), NOW),
    ("LossAxesProbe", {}, _routine(1), 1),
    ("LossAxesProbe", {}, _routine(2), NEVER),
    ("MixedReductionsProbe", {}, _routine(1), 1),
    ("MixedReductionsProbe", {}, _routine(2), NEVER),
    ("LossShapesProbe", {}, _routine(5), 5),
    ("LossShapesProbe", {}, _routine(6), NEVER),
    ("LossScalingProbe", {"_found": None}, _routine(2), 2),
    ("LossScalingProbe", {"_found": None}, _routine(3), NEVER),
    ("LossScalingProbe", {"_found": (8, None)}, _routine(3), 3),
    ("ResumptionProbe", {"_loaded": False}, _routine(), NEVER),
    ("ResumptionProbe", {"_loaded": True}, _routine(), NOW),
    ("ClipOrderProbe", {"_waiting": []}, _routine(), NEVER),
    ("ClipOrderProbe", {"_waiting": [1]}, _routine(), NOW),
    ("BrokenPassesProbe", {"_of_loader": {}}, _routine(), NEVER),
    ("BrokenPassesProbe", {"_of_loader": {1: None}}, _routine(), NEVER),
    ("BrokenPassesProbe", {"_of_loader": {1: None, 2: object()}}, _routine(), NOW),
    ("ModelArgumentProbe", {"_calls": 15, "_looks": 99, "_input": None}, _routine(), NOW),
    ("ModelArgumentProbe", {"_calls": 16, "_looks": 16, "_input": None}, _routine(), NEVER),
    ("ModelArgumentProbe", {"_calls": 0, "_looks": 100, "_input": None}, _routine(), NEVER),
    ("ModelArgumentProbe", {"_calls": 0, "_looks": 0, "_input": None}, _routine(models={0: 1}), NEVER),
    ("ModelArgumentProbe", {"_calls": 0, "_looks": 0, "_input": None}, _routine(models={0: 1, 1: 2}), NOW),
    ("ModelArgumentProbe", {"_calls": 16, "_looks": 16, "_input": 1}, _routine(), NOW),
    ("CtcAlignmentProbe", {"_found": SimpleNamespace(batches=15)}, _routine(kinds={"ctc_loss"}), NOW),
    ("CtcAlignmentProbe", {"_found": SimpleNamespace(batches=16)}, _routine(kinds={"ctc_loss"}), NEVER),
    ("CtcAlignmentProbe", {"_found": SimpleNamespace(batches=0)}, _routine(), NEVER),
    ("FrameworkProbe", {"_looks": 2}, _routine(), NOW),
    ("FrameworkProbe", {"_looks": 3}, _routine(), NEVER),
    ("ParameterCoverageProbe", {}, _routine(3), 5),
    ("ParameterCoverageProbe", {}, _routine(5), 5),
    ("ParameterCoverageProbe", {}, _routine(501), 1000),
    ("ParameterCoverageProbe", {}, _routine(1001), NEVER),
    ("EvaluatedCopyProbe", {"_seen": {0: 1}, "_optimizers": {0}}, _routine(), NEVER),
    ("EvaluatedCopyProbe", {"_seen": {}, "_optimizers": {0}}, _routine(), NOW),
    ("EvaluatedCopyProbe", {"_seen": {0: 1}, "_optimizers": set()}, _routine(), NOW),
    ("OptimizerRenewalProbe", {"_line_of": {0: 1}}, _routine(), NEVER),
    ("OptimizerRenewalProbe", {"_line_of": {}}, _routine(), NOW),
    ("OptimizerModesProbe", {}, _routine(), NEVER),
    ("IdleTwinProbe", {"_next": 900}, _routine(23), 23),
    ("IdleTwinProbe", {"_next": 900}, _routine(24), 899),
    ("LossTermsProbe", {"_open": [], "_calls": []}, _routine(59), 59),
    ("LossTermsProbe", {"_open": [], "_calls": []}, _routine(60), 100),
    ("LossTermsProbe", {"_open": [], "_calls": []}, _routine(100), 100),
    ("LossTermsProbe", {"_open": [], "_calls": []}, _routine(201), NEVER),
    ("LossTermsProbe", {"_open": [1], "_calls": []}, _routine(), NOW),
    ("LossTermsProbe", {"_open": [], "_calls": [1]}, _routine(), NOW),
    ("SelfReferenceProbe", {"_start": 100, "_answers": {True: [], False: []}}, _routine(112), 112),
    ("SelfReferenceProbe", {"_start": 100, "_answers": {True: [], False: []}}, _routine(113), NEVER),
    ("SelfReferenceProbe", {"_start": 100, "_answers": {True: [1], False: []}}, _routine(113), 113),
    ("SharedRowsProbe", {"_trained": {}, "_partial": set(), "_open": None}, _routine(), NOW),
    ("SharedRowsProbe", {"_trained": {0: FEW}, "_partial": set(), "_open": None}, _routine(), NOW),
    ("SharedRowsProbe", {"_trained": {0: MANY}, "_partial": set(), "_open": None}, _routine(), NEVER),
    ("SharedRowsProbe", {"_trained": {0: FEW}, "_partial": {0}, "_open": None}, _routine(), NEVER),
    ("SharedRowsProbe", {"_trained": {0: MANY}, "_partial": set(), "_open": (0, 1)}, _routine(), NOW),
    ("SharedRowsProbe", {"_trained": {0: MANY}, "_partial": set(), "_open": None}, _routine(models={0: 1, 1: 1}), NOW),
    ("CodebooksProbe", {"_given_indices": False, "_found": {}}, _routine(3), 3),
    ("CodebooksProbe", {"_given_indices": False, "_found": {}}, _routine(4), NEVER),
    ("CodebooksProbe", {"_given_indices": False, "_found": {1: 1}}, _routine(4), 4),
    ("CodebooksProbe", {"_given_indices": True, "_found": {1: 1}}, _routine(3), NEVER),
    ("LabelCountProbe", {"_counted": {"training": _counted(63, 63), "evaluation": _counted(0, 0)}}, _routine(), NOW),
    ("LabelCountProbe", {"_counted": {"training": _counted(64, 64), "evaluation": _counted(0, 0)}}, _routine(), NEVER),
    ("LabelCountProbe", {"_counted": {"training": _counted(0, 0)}}, _routine(kinds={"mse_loss"}), NEVER),
    ("LabelCountProbe", {"_counted": {"training": _counted(64, 64), "evaluation": _counted(8, 4)}}, _routine(), NOW),
    ("LabelCountProbe", {"_counted": {"training": _counted(64, 64), "evaluation": _counted(7, 4)}}, _routine(), NEVER),
    ("TargetsInInputsProbe", {"_calls": 7, "_looks": 9, "_given": []}, _routine(), NOW),
    ("TargetsInInputsProbe", {"_calls": 7, "_looks": 9, "_given": []}, _routine(kinds={"mse_loss"}), NOW),
    ("TargetsInInputsProbe", {"_calls": 8, "_looks": 9, "_given": []}, _routine(), NEVER),
    ("TargetsInInputsProbe", {"_calls": 8, "_looks": 9, "_given": [1]}, _routine(), NOW),
    ("TargetsInInputsProbe", {"_calls": 0, "_looks": 0, "_given": []}, _routine(kinds={"ctc_loss"}), NEVER),
    ("EvalDropoutProbe", {"_dropping": False, "_open": None, "_before": None}, _routine(), NEVER),
    ("EvalDropoutProbe", {"_dropping": True, "_open": None, "_before": None}, _routine(), NOW),
    ("EvalDropoutProbe", {"_dropping": False, "_open": 1, "_before": None}, _routine(), NOW),
    ("EvalDropoutProbe", {"_dropping": False, "_open": None, "_before": 1}, _routine(), NOW),
    *(
        (name, {"_looks": looks, kept: [], **found(seen)}, _routine(), until)
        for name, kept, found in (
            ("PackedRowsProbe", "_named", lambda seen: {"_found": SimpleNamespace(looks=seen)}),
            ("MaskSidesProbe", "_given", lambda seen: {"_masks": [1] * seen}),
            ("PooledPaddingProbe", "_none", lambda seen: {"_found": SimpleNamespace(looks=seen)}),
        )
        for looks, seen, until in ((1, 0, NOW), (2, 0, NEVER), (2, 1, NOW), (7, 1, NOW), (8, 1, NEVER))
    ),
    ("PackedRowsProbe", {"_looks": 8, "_found": LOOKED, "_named": [1]}, _routine(), NOW),
    ("MaskSidesProbe", {"_looks": 8, "_masks": [], "_given": [1]}, _routine(), NOW),
    ("LabelAlignmentProbe", {"_calls": 7, "_without": 0, "_given": []}, _routine(), NOW),
    ("LabelAlignmentProbe", {"_calls": 8, "_without": 0, "_given": []}, _routine(), NEVER),
    ("LabelAlignmentProbe", {"_calls": 8, "_without": 0, "_given": [1]}, _routine(), NOW),
    ("LabelAlignmentProbe", {"_calls": 4, "_without": 4, "_given": []}, _routine(), NEVER),
    ("LabelAlignmentProbe", {"_calls": 3, "_without": 3, "_given": []}, _routine(), NOW),
    ("LabelAlignmentProbe", {"_calls": 0, "_without": 0, "_given": []}, _routine(kinds={"mse_loss"}), NEVER),
]  # fmt: skip


@pytest.mark.parametrize(("name", "made", "routine", "until"), RESTING)
def test_a_probe_rests_until_it_has_something_to_see(name: str, made: Made, routine: Any, until: float) -> None:
    """The step of now where it cannot rest."""
    kind = PROBES[name]
    probe = object.__new__(kind)
    vars(probe).update(made)
    assert probe.rests_until(routine) == until


class Sleeper:
    """A probe that rests as a test wants, or fails."""

    until: Any = math.inf

    def rests_until(self, routine: Any) -> float:
        if isinstance(self.until, Exception):
            raise self.until
        return float(routine.step if self.until == "now" else self.until)

    def on_made(self) -> None:
        """Take an event that only some take."""


class Early(Sleeper):
    """Another one."""


def _plain(*probes: Any, step: int = 10) -> tuple[PlainSteps, Any, list[frozenset[str]]]:
    rested: list[frozenset[str]] = []
    context = ByHand(
        guard=lambda _, function, *args: None if isinstance(probes[0].until, Exception) else function(*args),
        losses=SimpleNamespace(train_kinds=lambda: {"mse_loss"}), objects=SimpleNamespace(optimizers={}),
    )  # fmt: skip
    context.step.number = step
    return PlainSteps(context, SimpleNamespace(rest=rested.append), probes), context, rested  # type: ignore[arg-type]


def test_probes_are_asked_again_where_the_first_of_them_wants_to_see() -> None:
    """Or after something that is not plain."""
    late, early = Sleeper(), Early()
    late.until, early.until = 90, 40
    plain, context, rested = _plain(late, early)
    assert plain.covers("zero_grad", ())
    assert (plain.until, rested) == (40, [frozenset({"Sleeper", "Early"})])
    context.step.number = 39
    assert plain.covers("zero_grad", ())
    assert len(rested) == 1
    context.step.number = 40
    early.until = 40
    assert plain.covers("zero_grad", ())
    assert (plain.until, rested[-1]) == (41, frozenset({"Sleeper"}))
    assert not plain.covers("sampled", ())
    assert plain.covers("zero_grad", ())
    assert len(rested) == 3


def test_one_that_does_not_rest_is_asked_ever_more_seldom() -> None:
    """Each time twice as many steps later; one that fails does not rest either."""
    awake = Sleeper()
    awake.until = "now"
    plain, context, rested = _plain(awake, step=0)
    gaps = []
    for _ in range(9):
        plain.covers("zero_grad", ())
        gaps.append(plain.until - context.step.number)
        context.step.number = int(plain.until)
    assert gaps == [min(plain_steps._AGAIN, 2**times) for times in range(9)]
    assert set(rested) == {frozenset()}
    awake.until = math.inf
    plain.covers("zero_grad", ())
    assert plain.until == math.inf
    broken = Sleeper()
    broken.until = ValueError()
    plain, _, rested = _plain(broken)
    plain.covers("zero_grad", ())
    assert rested == [frozenset()]


def test_a_loss_is_plain_where_it_is_trained_on() -> None:
    """Of a known kind, with gradients."""
    plain, _, _ = _plain(Sleeper())
    plain.routine.kinds = {"mse_loss"}
    result = torch.zeros((), requires_grad=True)
    assert plain.covers("loss", ("mse_loss", (), {}, result))
    plain.routine.kinds = {"mse_loss"}
    assert not plain.covers("loss", ("l1_loss", (), {}, result))
    assert not plain.covers("loss", ("mse_loss", (), {}, torch.zeros(())))
    with torch.no_grad():
        assert not plain.covers("loss", ("mse_loss", (), {}, result))


def test_a_step_is_plain_from_the_second_of_its_optimizer_on() -> None:
    """Without a closure; one that is unknown never is."""
    plain, context, _ = _plain(Sleeper())
    optimizer, other = object(), object()
    context.objects.optimizers = {id(optimizer): {"id": 3}}
    assert [plain.covers("step_begins", (optimizer, None)) for _ in range(2)] == [False, True]
    assert plain.routine.stepped == {3}
    assert not plain.covers("step_begins", (optimizer, object()))
    assert not plain.covers("step_begins", (other, None))
    assert plain.covers("step_ends", (optimizer,))


def test_a_forward_is_plain_from_the_second_with_as_many_arguments_on() -> None:
    """In training, of a living model, by its own entrance."""
    plain, _, _ = _plain(Sleeper())

    def call(args: int = 1, kwargs: int = 0, *, grad: bool = True, training: bool = True, **model: Any) -> Any:
        known = SimpleNamespace(**{"number": 0, "lazy": False, "alive": [1], "enters_by": lambda _: True} | model)
        return SimpleNamespace(
            args=(0,) * args, kwargs=dict.fromkeys(range(kwargs)), grad=grad, training=training, model=known, module=0
        )

    assert [plain.covers("forward_begins", (call(),)) for _ in range(2)] == [False, True]
    assert [plain.covers("forward_begins", (call(1, 1),)) for _ in range(2)] == [False, True]
    assert plain.routine.models == {0: 2}
    for odd in (
        call(1, 1, grad=False), call(1, 1, training=False), call(1, 1, lazy=True), call(1, 1, alive=[]),
        call(1, 1, enters_by=lambda _: False),
    ):  # fmt: skip
        assert not plain.covers("forward_begins", (odd,))
    assert plain.routine.models == {0: 2}
