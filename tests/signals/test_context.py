"""Which kind of training a log shows."""

from pathlib import Path
from typing import Any

import pytest
from builders import event, log_of, make_loss, make_model, make_optimizer, parameter

from trainadvisor.signals.context import contexts


def kinds(tmp_path: Path, **parts: Any) -> set[str]:
    """Return the contexts of a log."""
    return contexts(log_of(tmp_path, **parts))


def two_models() -> dict[str, Any]:
    """Return two models with an optimizer each."""
    models = [make_model(("a", "Linear", 2, 2)), make_model(("b", "Linear", 2, 2), id=1)]
    return {"models": models, "optimizers": [make_optimizer(id=0), make_optimizer(id=1, parameters=[100, 101])]}


def test_optimizers_that_take_turns_are_adversarial(tmp_path: Path) -> None:
    """Two optimizers of two models that step one after the other."""
    steps = [{"opt": [i % 2]} for i in range(20)]
    assert "adversarial" in kinds(tmp_path, steps=steps, **two_models())


def test_optimizers_that_step_together_are_not_adversarial(tmp_path: Path) -> None:
    """An encoder and a decoder with an optimizer each, stepped together."""
    assert "adversarial" not in kinds(tmp_path, steps=[{"opt": [0, 1]}] * 20, **two_models())


@pytest.mark.parametrize(
    ("parts", "opposed"), [(("generator", "discriminator"), True), (("G", "D"), True), (("encoder", "decoder"), False)]
)
def test_parts_of_one_model_are_opponents_by_their_names(
    parts: tuple[str, str], opposed: object, tmp_path: Path
) -> None:
    """A LightningModule holds both, and their optimizers take turns."""
    model = make_model(*((f"{part}.0", "Linear", 2, 2) for part in parts))
    first, second = ([p["id"] for p in model["parameters"] if p["name"].startswith(part)] for part in parts)
    optimizers = [make_optimizer(id=0, parameters=first), make_optimizer(id=1, parameters=second)]
    steps = [{"opt": [i % 2]} for i in range(20)]
    assert ("adversarial" in kinds(tmp_path, steps=steps, models=[model], optimizers=optimizers)) is opposed
    together = kinds(tmp_path, steps=[{"opt": [0, 1]}] * 20, models=[model], optimizers=optimizers)
    assert "adversarial" not in together


def test_a_dropped_pretraining_optimizer_is_not_adversarial(tmp_path: Path) -> None:
    """One optimizer over the same parameters after another."""
    optimizers = [make_optimizer(id=0), make_optimizer(id=1)]
    steps = [{"opt": [0]}] * 10 + [{"opt": [1]}] * 10
    assert "adversarial" not in kinds(tmp_path, steps=steps, models=two_models()["models"], optimizers=optimizers)


def test_names_of_reinforcement_learning(tmp_path: Path) -> None:
    """A policy network says what it is; an ordinary net does not."""
    assert "reinforcement" in kinds(tmp_path, models=[{**make_model(), "class": "PolicyNet"}])
    assert "reinforcement" not in kinds(tmp_path, models=[{**make_model(), "class": "ResNet"}])


def test_policies_that_prefer_or_imitate_are_not_reinforced(tmp_path: Path) -> None:
    """A policy that is to prefer answers, or to give those that it is shown, gets no return."""
    policy = [{**make_model(), "class": "Policy"}]
    assert "reinforcement" not in kinds(
        tmp_path, models=policy, steps=[{"step": 0, "loss": 0.7, "preference_margin": 0.1}]
    )
    imitating = make_loss(kind="cross_entropy", reduction="mean")
    assert "reinforcement" not in kinds(tmp_path, models=policy, losses=[imitating])
    assert "reinforcement" in kinds(tmp_path, models=policy, losses=[{**imitating, "reduction": "none"}])


@pytest.mark.parametrize("name", ["PPOActor", "actor_net", "Actor", "SoftActorCritic"])
def test_an_actor_acts(tmp_path: Path, name: str) -> None:
    """However its name is put together."""
    assert "reinforcement" in kinds(tmp_path, models=[{**make_model(), "class": name}])


@pytest.mark.parametrize("name", ["Factors", "FeatureExtractor", "factorization_machine"])
def test_extractors_and_factors_are_no_actors(tmp_path: Path, name: str) -> None:
    """The word stands in them by chance."""
    assert "reinforcement" not in kinds(tmp_path, models=[{**make_model(), "class": name}])


def test_the_critic_of_a_generator_judges_no_action(tmp_path: Path) -> None:
    """Beside a generator a critic is an opponent; beside an actor, or alone, it values actions."""

    def found(*names: str) -> set[str]:
        return kinds(tmp_path, models=[{**make_model(), "id": k, "class": name} for k, name in enumerate(names)])

    assert "reinforcement" not in found("Generator", "Critic")
    assert "reinforcement" in found("Actor", "Critic")
    assert "reinforcement" in found("Critic")


@pytest.mark.parametrize(("mixed", "is_policy"), [(1.0, True), (0.0, False)])
def test_advantages_in_the_loss_are_reinforcement_learning(tmp_path: Path, mixed: float, *, is_policy: bool) -> None:
    """Factors of log-probabilities that have both signs tell a policy from weighted examples, whatever its name is."""
    assert ("reinforcement" in kinds(tmp_path, steps=[{"step": 0, "loss": 1.0, "factor_mixed": mixed}])) is is_policy


def test_pairwise_losses_are_contrastive(tmp_path: Path) -> None:
    """A triplet loss compares; cross-entropy over ten classes does not."""
    assert "contrastive" in kinds(tmp_path, losses=[make_loss("triplet_margin_loss")])
    assert "contrastive" not in kinds(
        tmp_path, losses=[make_loss("cross_entropy", {"shape": [64, 10]}, {"classes": 10})]
    )


@pytest.mark.parametrize(("ops", "largest", "expected"), [
    (["NllLossBackward0", "LogSoftmaxBackward0", "DivBackward0", "CatBackward0", "MmBackward0"], 0.0, True),
    (["NllLossBackward0", "LogSoftmaxBackward0", "DivBackward0", "CatBackward0", "MmBackward0"], 3.0, False),
    (["NllLossBackward0", "LogSoftmaxBackward0", "AddmmBackward0", "ReluBackward0", "TBackward0", "CatBackward0"], 0.0,
     False),
])  # fmt: skip
def test_a_partner_before_its_others_is_contrastive(
    tmp_path: Path,
    ops: list[str],
    largest: float,
    expected: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """Label 0 of logits that were joined is the partner; of other labels, or of a layer's outputs, it is a class."""
    loss = make_loss("cross_entropy", {"shape": [128, 1025]}, {"shape": [128], "classes": 1025, "max": largest})
    loss["graph"] = {"ops": ops}
    assert ("contrastive" in kinds(tmp_path, losses=[loss])) is expected


def test_labels_that_are_places_in_the_batch_are_contrastive(tmp_path: Path) -> None:
    """InfoNCE is cross-entropy whose labels are 0..n-1 in every batch."""
    target = {"classes": 64, "batch_entropy": 4.1589}
    assert "contrastive" in kinds(tmp_path, losses=[make_loss("cross_entropy", {"shape": [64, 64]}, target)])


def test_negative_losses_without_a_known_kind_are_likelihoods(tmp_path: Path) -> None:
    """A flow goes below zero; a negative cross-entropy is a fault and no likelihood."""
    assert "likelihood" in kinds(tmp_path, columns={"loss": [1.0, -1.0]}, losses=[make_loss("custom")])
    assert "likelihood" not in kinds(tmp_path, columns={"loss": [1.0, -1.0]}, losses=[make_loss("nll_loss")])


def test_loaded_weights_mean_finetuning(tmp_path: Path) -> None:
    """A model with a loaded state."""
    assert "finetuning" in kinds(tmp_path, models=[make_model(("a", "Linear", 2, 2), loaded=True)])
    assert "finetuning" not in kinds(tmp_path, models=[make_model(("a", "Linear", 2, 2))])


def test_accumulation(tmp_path: Path) -> None:
    """Four backward passes a step."""
    assert "accumulation" in kinds(tmp_path, columns={"micro": [4] * 5})
    assert "accumulation" in kinds(tmp_path, events=[event("tally", {"accumulation": 2})])
    assert "accumulation" not in kinds(tmp_path, columns={"micro": [1] * 5})


def test_losses_without_targets(tmp_path: Path) -> None:
    """No supervision is claimed only for logs of this recorder; an imported log does not say."""
    assert "no-supervision" in kinds(tmp_path, steps=1)
    assert "no-supervision" not in kinds(tmp_path, steps=1, losses=[make_loss(target={"shape": [4]})])
    assert "no-supervision" not in kinds(tmp_path, steps=1, source="import:csv")


def test_tiny_validation(tmp_path: Path) -> None:
    """Forty examples are few, a thousand are not, none are unknown."""
    assert "tiny-validation" in kinds(tmp_path, steps=1, evals=[{"step": 1, "examples": 40}])
    assert "tiny-validation" not in kinds(tmp_path, steps=1, evals=[{"step": 1, "examples": 1000}])
    assert "tiny-validation" not in kinds(tmp_path, steps=1)


def test_regression_and_classification(tmp_path: Path) -> None:
    """The kind of the loss tells; both kinds at once are neither."""
    assert "regression" in kinds(tmp_path, losses=[make_loss("mse_loss")])
    assert "classification" in kinds(tmp_path, losses=[make_loss("cross_entropy")])
    both = kinds(tmp_path, losses=[make_loss("mse_loss"), {**make_loss("cross_entropy"), "id": 1}])
    assert not both & {"regression", "classification"}


def test_classes_that_are_the_vocabulary_make_a_language_model(tmp_path: Path) -> None:
    """The embedding has as many rows as there are classes."""
    model = make_model(parameters=[parameter(0, "emb.weight", [65, 32], role="embedding")])
    loss = make_loss("cross_entropy", {"shape": [256, 65]}, {"classes": 65})
    other = make_loss("cross_entropy", {"shape": [256, 10]}, {"classes": 10})
    assert "language-model" in kinds(tmp_path, models=[model], losses=[loss])
    assert "language-model" not in kinds(tmp_path, models=[model], losses=[other])


def test_targets_that_are_the_inputs_make_an_autoencoder(tmp_path: Path) -> None:
    """Same shape and same spread."""
    inputs = event("inputs", {"model": 0, "phase": "train", "shape": [64, 784], "std": 0.3})
    loss = make_loss("mse_loss", target={"shape": [64, 784], "std": 0.301})
    other = make_loss("mse_loss", target={"shape": [64, 784], "std": 0.9})
    assert "autoencoder" in kinds(tmp_path, events=[inputs], losses=[loss])
    assert "autoencoder" not in kinds(tmp_path, events=[inputs], losses=[other])


def test_wrong_typed_facts_are_no_context(tmp_path: Path) -> None:
    """A hostile log leaves a note, not an exception."""
    loss = make_loss("cross_entropy", {"shape": [[], []]}, {"classes": "x", "batch_entropy": 0})
    assert "contrastive" not in kinds(tmp_path, losses=[loss])


def test_a_loss_below_zero_is_a_likelihood(tmp_path: Path) -> None:
    """One that only reaches zero, or is lost, is not; neither is one that cannot go below it."""
    assert "likelihood" in kinds(tmp_path, columns={"loss": [1.0, -0.1, "nan"]})
    assert "likelihood" not in kinds(tmp_path, columns={"loss": [1.0, 0.0, "-inf"]})
    classes = [make_loss()]
    assert "likelihood" not in kinds(tmp_path, columns={"loss": [1.0, -0.1], "loss_id": 0}, losses=classes)


@pytest.mark.parametrize(
    ("target", "others", "is_pair"),
    [
        ({"live": True, "shape": [64, 24]}, [], True),
        ({"live": False, "shape": [64, 24]}, [], False),
        ({"live": True, "shape": [64]}, [], False),
        ({"live": True, "shape": [64, 24]}, [make_loss("mse_loss", id=1)], False),
    ],
)
def test_two_answers_that_are_pulled_together_are_contrastive(
    tmp_path: Path, target: dict[str, Any], others: list[dict[str, Any]], *, is_pair: bool
) -> None:
    """Vectors that both have a gradient, and nothing given beside them; a bootstrapped value is one number."""
    losses = [make_loss("mse_loss", None, target), *others]
    assert ("contrastive" in kinds(tmp_path, losses=losses)) is is_pair
