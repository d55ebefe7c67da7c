"""Which parameters are in an optimizer, receive gradients and change."""

import math
from pathlib import Path
from typing import Any

import pytest
from builders import make_loss, make_model, make_optimizer, parameter, signals_of

GRAPH = {"parameters": [0, 1, 2, 3], "opaque": False}
ACTS = [{"name": name, "kind": "linear", "layer": name, "units": 4} for name in ("a", "b")]


def run(
    folder: Path, *, held: Any = (0, 1, 2, 3), graph: Any = GRAPH, changes: Any = None, samples: Any = (), **parts: Any
) -> Any:
    """Signals of a run of two layers: 40 + 10 and 20 + 2 elements."""
    model = make_model(("a", "Linear", 4, 10), ("b", "Linear", 10, 2))
    for number, facts in (changes or {}).items():
        model["parameters"][number].update(facts)
    optimizers = [make_optimizer(parameters=held)] if held is not None else []
    events = [{"kind": "table", "detail": {"id": 1, "model": 0, "rows": ACTS}}]
    layers = [{"step": i, "table": 1, "act_std": [1.0, 1.0], **sample} for i, sample in enumerate(samples)]
    base = {
        "columns": {"lr": [0.1] * 12},
        "models": [model],
        "optimizers": optimizers,
        "losses": [make_loss(graph=graph)],
    }
    return signals_of(folder, **{**base, "events": events, "layers": layers, **parts})


def test_everything_held(tmp_path: Path) -> None:
    """When the optimizer holds every parameter of the graph, nothing is outside."""
    signals = run(tmp_path)
    assert (signals["outside_share"], signals["outside_weights"], signals["outside_parameters"]) == (0.0, 0, None)


def test_head_outside(tmp_path: Path) -> None:
    """A head in no optimizer is named, with its part of the 72 elements."""
    signals = run(tmp_path, held=(0, 1))
    assert signals["outside_share"] == pytest.approx(22 / 72)
    assert (signals["outside_weights"], signals["outside_parameters"]) == (1, ["b.weight", "b.bias"])


@pytest.mark.parametrize("facts", [{"loaded": True}, {"earlier": True}])
def test_left_out_on_purpose(tmp_path: Path, facts: Any) -> None:
    """Loaded and earlier trained parameters may be left out."""
    assert run(tmp_path, held=(0, 1), changes={2: facts, 3: facts})["outside_weights"] == 0


def test_what_was_frozen_when_it_was_first_seen_counts_where_a_loss_reaches_it(tmp_path: Path) -> None:
    """As a discriminator, which is off while the generator learns: what the graph reaches is on."""
    off = {"trainable": False}
    assert run(tmp_path, held=(0, 1), changes={2: off, 3: off})["outside_weights"] == 1


def test_any_optimizer_counts(tmp_path: Path) -> None:
    """With two optimizers the union of what they hold is the measure."""
    optimizers = [make_optimizer(parameters=(0, 1)), make_optimizer("Adam", parameters=(2, 3), id=1)]
    assert run(tmp_path, optimizers=optimizers)["outside_weights"] == 0


def test_outside_of_the_graph(tmp_path: Path) -> None:
    """A target network that the loss does not depend on is nobody's business."""
    assert run(tmp_path, held=(0, 1), graph={"parameters": [0, 1], "opaque": False})["outside_weights"] == 0


def test_unknown_graph(tmp_path: Path) -> None:
    """Without a graph nothing is said about membership."""
    assert run(tmp_path, held=(0, 1), graph=None)["outside_share"] is None


def test_plain_list(tmp_path: Path) -> None:
    """Parameters in no module are counted, and absent when there are none."""
    loose = {
        "id": 7,
        "name": "(unregistered)",
        "class": None,
        "layers": [],
        "parameters": [parameter(90, "tensor 0 (4, 4)", [4, 4])],
    }
    model = make_model(("a", "Linear", 4, 10))
    losses = [make_loss(graph={"parameters": [0, 1, 90], "opaque": False})]
    assert run(tmp_path, models=[model, loose], losses=losses, held=(0, 1))["unregistered_tensors"] == 1
    assert run(tmp_path)["unregistered_tensors"] is None


def test_strange_tensors(tmp_path: Path) -> None:
    """Tensors of the optimizer that no model has, by number or already unknown to the recorder."""
    assert run(tmp_path, held=(0, 1, 50))["strange_held_tensors"] == 1
    assert (
        run(tmp_path, optimizers=[{**make_optimizer(parameters=(0, 1, 2, 3)), "unknown_parameters": 2}])[
            "strange_held_tensors"
        ]
        == 2
    )
    assert run(tmp_path)["strange_held_tensors"] is None


def test_pretrained_share(tmp_path: Path) -> None:
    """The share of elements that were loaded or trained before."""
    assert run(tmp_path, changes={0: {"loaded": True}, 1: {"earlier": True}})["pretrained_share"] == pytest.approx(
        50 / 72
    )


MOVING = {"grad": [1.0, 1.0, 1.0, 1.0], "update": [1e-3, 1e-3, 1e-3, 1e-3], "weight": [1.0, 1.0, 1.0, 1.0]}


def test_moving_weights(tmp_path: Path) -> None:
    """In a healthy run nothing is frozen and nothing lacks a gradient."""
    signals = run(tmp_path, samples=[MOVING] * 6)
    assert [signals[name] for name in ("frozen_share", "zero_gradient_share", "detached_share")] == [0.0, 0.0, None]


def test_frozen_weight(tmp_path: Path) -> None:
    """A weight with a gradient whose bits never change is frozen; biases are not judged."""
    signals = run(tmp_path, samples=[{**MOVING, "update": [1e-3, 1e-3, 0.0, 0.0]}] * 3)
    assert signals["frozen_share"] == pytest.approx(20 / 60)
    assert signals["frozen_parameters"] == ["b.weight"]


def test_two_samples_are_too_few(tmp_path: Path) -> None:
    """Three samples are needed."""
    assert run(tmp_path, samples=[{**MOVING, "update": [0.0] * 4}] * 2)["frozen_share"] is None


def test_one_change_is_enough(tmp_path: Path) -> None:
    """A weight that changed once is not frozen."""
    assert run(tmp_path, samples=[{**MOVING, "update": [0.0] * 4}] * 5 + [MOVING])["frozen_share"] == 0.0


def test_a_weight_that_moved_between_the_samples_is_not_frozen(tmp_path: Path) -> None:
    """As with LBFGS, whose first steps show only in the norms, and which moves nothing once it has converged."""
    resting = {**MOVING, "update": [0.0] * 4}
    moved = [{**resting, "weight": [size] * 4} for size in (1.0, 1.5, 1.6)]
    assert run(tmp_path, samples=[*moved, resting, resting])["frozen_share"] == 0.0
    assert run(tmp_path, samples=[resting] * 5)["frozen_share"] == 1.0


@pytest.mark.parametrize(
    ("losses", "frozen"),
    [
        ([3.0, 0.5, *[0.1] * 10], 0.0),
        ([0.1] * 12, 1.0),
        ([3.0, 0.5, *[0.1, 0.2] * 5], 1.0),
    ],
    ids=["came to rest", "never moved", "other batches"],
)
def test_weights_that_rest_since_the_first_sample(tmp_path: Path, losses: list[float], frozen: float) -> None:
    """As with LBFGS that converged before it: the loss moved, and stands to the last bit since."""
    layers = [{"step": step, "table": 1, "act_std": [1.0, 1.0], **MOVING, "update": [0.0] * 4} for step in range(3, 9)]
    columns = {"lr": [0.1] * 12, "loss": losses}
    assert run(tmp_path, columns=columns, layers=layers)["frozen_share"] == frozen


def test_warmup_from_zero(tmp_path: Path) -> None:
    """Samples at a learning rate of zero do not count."""
    samples = [{**MOVING, "update": [0.0] * 4}] * 3 + [MOVING] * 3
    assert run(tmp_path, samples=samples, columns={"lr": [0.0] * 3 + [0.1] * 9})["frozen_share"] == 0.0


def test_batches_before_the_first_step_of_an_optimizer(tmp_path: Path) -> None:
    """They have no rate, and nothing moves in them: three samples of them tell nothing of the steps behind."""
    resting = [{**MOVING, "update": [0.0] * 4}] * 3
    assert run(tmp_path, samples=resting, columns={"lr": [math.nan] * 3 + [0.1] * 9})["frozen_share"] is None
    assert run(tmp_path, samples=resting, columns={"lr": [0.1] * 12})["frozen_share"] == 1.0


def test_step_lost_to_rounding(tmp_path: Path) -> None:
    """A gradient too small for the last bit of the weight is a vanishing gradient, not a frozen weight."""
    assert run(tmp_path, samples=[{**MOVING, "grad": [1e-9] * 4, "update": [0.0] * 4}] * 5)["frozen_share"] == 0.0


@pytest.mark.parametrize(("part", "share"), [(0.75, 0.0), (1.5, 1.0)])
def test_a_step_is_lost_below_a_millionth_of_the_weight(tmp_path: Path, part: float, share: float) -> None:
    """The rate is a tenth: a gradient of 1e-5 of the weight's norm is just that."""
    gradients = [1e-5 * part * norm for norm in MOVING["weight"]]
    samples = [{**MOVING, "grad": gradients, "update": [0.0] * 4}] * 5
    assert run(tmp_path, samples=samples)["frozen_share"] == share


def test_an_empty_parameter_counts_as_one_element(tmp_path: Path) -> None:
    """Nothing is divided by nothing."""
    assert run(tmp_path, held=(), changes={n: {"count": 0} for n in range(4)})["outside_share"] == 1.0
    assert run(tmp_path, held=(0, 1), changes={2: {"count": 0}, 3: {"count": 0}})["outside_share"] == 2 / 52


def test_nonfinite_updates_are_not_frozen(tmp_path: Path) -> None:
    """After a NaN the change is unknown, not zero."""
    assert run(tmp_path, samples=[{**MOVING, "update": ["nan"] * 4}] * 5)["frozen_share"] == 0.0


def test_zero_gradient(tmp_path: Path) -> None:
    """A gradient of exactly zero in five samples is reported, also when weight decay moves the weight."""
    signals = run(tmp_path, samples=[{**MOVING, "grad": [0.0, 0.0, 1.0, 1.0]}] * 5)
    assert signals["zero_gradient_share"] == pytest.approx(40 / 60)
    assert (signals["zero_gradient_parameters"], signals["detached_share"]) == (["a.weight"], None)
    assert signals["frozen_share"] == 0.0


def test_gradients_that_were_lost_on_the_way_are_no_missing_ones(tmp_path: Path) -> None:
    """A first step that was too large leaves all gradients at zero in the samples behind it."""
    samples = [{**MOVING, "grad": [0.0] * 4}] * 5
    assert run(tmp_path, samples=samples)["zero_gradient_share"] == 1.0
    assert run(tmp_path, samples=samples, columns={"grad_norm": [0.4] + [0.0] * 4})["zero_gradient_share"] == 0.0


def test_detached_layer(tmp_path: Path) -> None:
    """No gradient at all, although the layer ran and its weights stand still: the layer is detached."""
    sample = {**MOVING, "grad": [None, None, 1.0, 1.0], "update": [0.0, 0.0, 1e-3, 1e-3]}
    assert run(tmp_path, samples=[sample] * 5)["detached_share"] == pytest.approx(40 / 60)


def test_a_layer_around_one_that_ran_is_used(tmp_path: Path) -> None:
    """The weights of an adapter have no module of their own: the layer that it wraps tells that it ran."""
    sample = {**MOVING, "grad": [None, None, 1.0, 1.0], "update": [0.0, 0.0, 1e-3, 1e-3], "act_std": [1.0]}
    wrapped = {**ACTS[0], "name": "a.base", "layer": "a.base"}
    beside = {**ACTS[0], "name": "ab.base", "layer": "ab.base"}
    for row, share in ((wrapped, 40 / 60), (beside, 0.0)):
        events = [{"kind": "table", "detail": {"id": 1, "model": 0, "rows": [row]}}]
        assert run(tmp_path, samples=[sample] * 5, events=events)["zero_gradient_share"] == pytest.approx(share)


def test_unused_module(tmp_path: Path) -> None:
    """A layer that never ran rightly has no gradient."""
    sample = {**MOVING, "grad": [None, None, 1.0, 1.0], "update": [0.0, 0.0, 1e-3, 1e-3], "act_std": [1.0]}
    events = [{"kind": "table", "detail": {"id": 1, "model": 0, "rows": ACTS[1:]}}]
    assert run(tmp_path, samples=[sample] * 5, events=events)["zero_gradient_share"] == 0.0


def test_moving_average_copy(tmp_path: Path) -> None:
    """A copy without gradients that changes all the same is updated by hand."""
    sample = {**MOVING, "grad": [None, None, 1.0, 1.0]}
    assert run(tmp_path, samples=[sample] * 5)["zero_gradient_share"] == 0.0


def test_loaded_encoder_without_gradient(tmp_path: Path) -> None:
    """A loaded part that is kept out of the graph is left alone."""
    sample = {**MOVING, "grad": [None, None, 1.0, 1.0], "update": [0.0, 0.0, 1e-3, 1e-3]}
    assert run(tmp_path, samples=[sample] * 5, changes={0: {"loaded": True}})["zero_gradient_share"] == 0.0


def test_optimizer_of_an_earlier_phase(tmp_path: Path) -> None:
    """Weights that only a dropped optimizer held may stand still in the main phase."""
    optimizers = [make_optimizer(parameters=(0, 1)), make_optimizer(parameters=(2, 3), id=1)]
    steps = [{"lr": [0.1], "opt": [0]}] * 6 + [{"lr": [0.1], "opt": [1]}] * 20
    samples = [{**MOVING, "step": 10 + i, "update": [0.0, 0.0, 1e-3, 1e-3]} for i in range(6)]
    changes = {0: {"earlier": True}, 1: {"earlier": True}}
    signals = run(tmp_path, steps=steps, columns={}, optimizers=optimizers, samples=samples, changes=changes)
    assert (signals["frozen_share"], signals["frozen_parameters"]) == (0.0, None)


def test_layer_not_seen_to_run(tmp_path: Path) -> None:
    """Without activations nobody knows whether a layer ran, so a missing gradient proves nothing."""
    sample = {"grad": [None, None, 1.0, 1.0], "update": [0.0, 0.0, 1e-3, 1e-3], "weight": [1.0] * 4}
    assert run(tmp_path, samples=[sample] * 5, events=[])["zero_gradient_share"] == 0.0


def test_optimizer_without_any_gradient(tmp_path: Path) -> None:
    """When the optimizer finds no gradient at all, loaded parameters that receive one count as well."""
    tally = [{"kind": "tally", "detail": {"step": 20, "step_without_grad": 20}}]
    signals = run(tmp_path, held=(0, 1), changes={2: {"loaded": True}, 3: {"loaded": True}}, events=tally)
    assert signals["outside_parameters"] == ["b.weight", "b.bias"]


def two_optimizers(folder: Path, steps: int, held: Any = (2, 3), **changes: Any) -> Any:
    """Signals of a run in which the first of two optimizers steps and the second never does."""
    optimizers = [make_optimizer(parameters=(0, 1)), make_optimizer("Adam", parameters=held, id=1)]
    columns = {"lr": [0.1] * steps, "opt": [[0]] * steps}
    return run(folder, optimizers=optimizers, columns=columns, **changes)


def test_an_optimizer_that_never_steps(tmp_path: Path) -> None:
    """The weights that only it holds are frozen: 20 of the 60 elements of both matrices."""
    signals = two_optimizers(tmp_path, 50)
    assert signals["frozen_share"] == pytest.approx(20 / 60)
    assert [name.split(".", 1)[1] for name in signals["frozen_parameters"]] == ["b.weight"]


def test_an_optimizer_may_wait_for_its_turn(tmp_path: Path) -> None:
    """Before 50 steps, with weights that the other one holds too, or that were loaded, nothing is said."""
    assert not two_optimizers(tmp_path, 49)["frozen_share"]
    assert not two_optimizers(tmp_path, 50, held=(0, 1))["frozen_share"]
    assert not two_optimizers(tmp_path, 50, changes={2: {"loaded": True}})["frozen_share"]


def test_a_table_that_is_read_around_its_layer(tmp_path: Path) -> None:
    """A held, fresh matrix whose layer never runs and that gets no gradient does not train; a loaded one may rest."""
    sample = {**MOVING, "grad": [None, None, 1.0, 1.0], "update": [0.0, 0.0, 1e-3, 1e-3], "act_std": [1.0]}
    events = [{"kind": "table", "detail": {"id": 1, "model": 0, "rows": ACTS[1:]}}]
    assert run(tmp_path, samples=[sample] * 5, events=events)["random_frozen_share"] == pytest.approx(40 / 60)
    loaded = run(tmp_path, samples=[sample] * 5, events=events, changes={0: {"loaded": True}})
    assert loaded["random_frozen_share"] == 0.0
    assert run(tmp_path, samples=[sample] * 4, events=events)["random_frozen_share"] == 0.0


@pytest.mark.parametrize(
    ("std", "site", "share"),
    [
        (3**-0.5 / 2, None, 40 / 60),
        (0.5**0.5, None, 40 / 60),
        (0.4, None, 0.0),
        (None, None, 0.0),
        (0.4, {"file": "train.py", "line": 3}, 40 / 60),
    ],
)
def test_what_is_off_in_a_model_made_before_the_recorder(
    tmp_path: Path, std: float, site: object, share: float
) -> None:
    """Its matrix of 10 by 4 counts as random where it has the spread of torch's or He's initialization alone."""
    model = make_model(("a", "Linear", 4, 10), ("b", "Linear", 10, 2))
    model["site"] = site
    model["parameters"][0] |= {"trainable": False, "init_std": std, "count": 4000}
    model["parameters"][2] |= {"count": 2000}
    assert run(tmp_path, models=[model])["random_frozen_share"] == pytest.approx(share)


@pytest.mark.parametrize(("earlier", "share"), [((0, 1, 2, 3), 0.0), ((2, 3), 40 / 60)])
def test_what_an_earlier_training_has_trained_is_random_no_more(
    tmp_path: Path, earlier: tuple[int, ...], share: float
) -> None:
    """A base that was pretrained in the same process and is frozen now; one that never was trained is told."""
    signals = run(
        tmp_path,
        columns={"lr": [0.1] * 12, "opt": [[0]] * 5 + [[1]] * 7},
        changes={0: {"trainable": False, "init_std": 3**-0.5 / 2, "count": 4000}, 2: {"count": 2000}},
        optimizers=[make_optimizer(parameters=earlier), make_optimizer(parameters=(2, 3), id=1)],
    )
    assert signals["random_frozen_share"] == pytest.approx(share)


LOADED, OFF = {"loaded": True}, {"trainable": False}
ADAPTED = {0: LOADED, 1: LOADED, 2: OFF, 3: OFF}


@pytest.mark.parametrize(
    ("changes", "outputs", "random"),
    [
        ({}, 2, True),
        ({2: {}, 3: {}}, 2, False),  # it trains
        ({2: OFF | LOADED, 3: OFF | LOADED}, 2, False),  # it was loaded too
        ({2: OFF | {"earlier": True}}, 2, False),  # it was trained before
        ({0: {}, 1: {}}, 2, False),  # nothing was loaded
        ({0: LOADED | OFF, 1: LOADED | OFF}, 2, False),  # nothing trains
        ({}, 5, False),  # it does not give the answers: a pooler that stands last
        ({0: {}, 1: {}, 2: {"loaded": True}, 3: {"loaded": True}}, 2, False),  # a new body below a loaded head
    ],
)
def test_a_head_that_is_off_at_random_values(tmp_path: Path, changes: Any, outputs: int, random: object) -> None:
    """Only behind loaded layers, while others train, and where it gives the answers."""
    losses = [make_loss(graph=GRAPH, prediction={"shape": [32, outputs], "batches": 9})]
    assert run(tmp_path, changes=ADAPTED | changes, losses=losses)["random_head"] is random


@pytest.mark.parametrize(("held", "known"), [((0, 1, 2, 3), 1), ((0, 1, 4, 5), None)])
def test_an_optimizer_that_is_older_than_the_adapters(tmp_path: Path, held: Any, known: int | None) -> None:
    """It holds the weights of the base and neither matrix of the pair."""
    model = make_model(("a", "Linear", 4, 10), ("b", "Linear", 10, 2))
    for number, (name, shape, rms) in enumerate([("a.lora_A", [2, 4], 0.2), ("a.lora_B", [10, 2], 0.0)], 4):
        facts = {"id": number, "name": name, "shape": shape, "init_rms": rms, "owner": "Net"}
        model["parameters"].append({**model["parameters"][0], **facts})
    graph = {"parameters": [0, 1, 2, 3, 4, 5], "opaque": False}
    losses, optimizers = [make_loss(graph=graph)], [make_optimizer(parameters=held)]
    assert run(tmp_path, models=[model], losses=losses, optimizers=optimizers)["adapters_outside"] == known
