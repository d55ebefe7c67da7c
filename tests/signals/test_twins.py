"""Signals of models that have the shape of the trained one and are not trained."""

from pathlib import Path
from typing import Any

from builders import event, signals_of


def _model(number: int, *, loaded: bool = False, size: int = 4, name: str = "Net") -> dict[str, Any]:
    parameter = {"id": number, "name": "w", "shape": [size, 2], "count": size * 2, "loaded": loaded}
    return {"id": number, "name": name, "layers": [], "parameters": [parameter]}


def _seen(tmp_path: Path, *models: dict[str, Any], **more: Any) -> Any:
    detail = {"twin": 1, "first": 0, "last": 9, "called": 8, "looked": 4, "others": 3, "alike": [0], "changed": False}
    return signals_of(
        tmp_path,
        steps=10,
        models=list(models),
        optimizers=[{"id": 0, "class": "Adam", "groups": [{"parameters": [0]}]}],
        events=[event("twin", {**detail, "called": 1}), event("twin", detail | more)],
    )


def test_what_was_told_last_of_a_twin(tmp_path: Path) -> None:
    """It was called in eight of ten steps, in three of four with other inputs."""
    seen = _seen(tmp_path, _model(0), _model(1, name="Target"))
    assert (seen["twin_steps"], seen["twin_call_share"], seen["twin_other_input_share"]) == (10, 0.8, 0.75)
    assert (seen["twin_changed"], seen["twin_is_target"], seen["twin_name"]) == (False, True, "Target")


def test_a_copy_of_what_was_learned_or_loaded_is_no_target(tmp_path: Path) -> None:
    """One that is first called late, one of a loaded model, and one that has weights of its own."""
    assert _seen(tmp_path, _model(0), _model(1), first=5)["twin_steps"] == 0
    assert _seen(tmp_path, _model(0, loaded=True), _model(1))["twin_is_target"] is False
    assert _seen(tmp_path, _model(0), _model(1), alike=[])["twin_is_target"] is False


def test_in_reinforcement_learning_no_copy_is_needed(tmp_path: Path) -> None:
    """A target that was never a copy is one by its name."""
    assert _seen(tmp_path, _model(0, name="QNetwork"), _model(1), alike=[])["twin_is_target"] is True


def test_a_model_of_another_shape_is_no_twin(tmp_path: Path) -> None:
    """Nothing is known of a twin then."""
    assert _seen(tmp_path, _model(0), _model(1, size=5))["twin_steps"] is None


def test_a_reference_of_random_weights_is_told_from_a_copy(tmp_path: Path) -> None:
    """A model was loaded, its twin was not: with weights of the same sizes it was copied, with others it was not."""
    policy = _sized(_model(0, loaded=True), 0.12)
    assert _seen(tmp_path, policy, _sized(_model(1), 0.02))["twin_is_random"] is True
    assert _seen(tmp_path, policy, _sized(_model(1), 0.1205))["twin_is_random"] is False
    assert _seen(tmp_path, policy, _sized(_model(1, loaded=True), 0.02))["twin_is_random"] is False
    assert _seen(tmp_path, _sized(_model(0), 0.12), _sized(_model(1), 0.02))["twin_is_random"] is False


def test_a_reference_that_came_after_a_first_training_is_random_where_its_sizes_are_those_of_the_start(
    tmp_path: Path,
) -> None:
    """A copy of what was learned, an earlier copy with sizes of its own, and a loaded one are not."""
    policy, fresh = _sized(_model(0), 0.12), _sized(_model(1), 0.13)
    late = {"first": 150, "alike": [], "then": []}
    assert _seen(tmp_path, policy, fresh, **late)["twin_is_random"] is True
    assert _seen(tmp_path, policy, fresh, **late | {"then": [0]})["twin_is_random"] is False
    assert _seen(tmp_path, policy, fresh, **late | {"first": 21})["twin_is_random"] is True
    assert _seen(tmp_path, policy, fresh, **late | {"first": 20})["twin_is_random"] is False
    assert _seen(tmp_path, policy, _sized(_model(1), 0.4), **late)["twin_is_random"] is False
    assert _seen(tmp_path, policy, _sized(_model(1, loaded=True), 0.13), **late)["twin_is_random"] is False


def _sized(model: dict[str, Any], size: float) -> dict[str, Any]:
    return model | {"parameters": [parameter | {"init_rms": size} for parameter in model["parameters"]]}
