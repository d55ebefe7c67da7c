"""The objects of a training (models, optimizers, ...) with the fields that readers rely on."""

from collections.abc import Callable, Iterable
from typing import Any

from trainadvisor.log.cleaning import dicts, number, whole, words
from trainadvisor.log.records import FACTS

Fact = dict[str, Any]


def merge(collected: Iterable[tuple[str, Any]]) -> dict[str, list[Fact]]:
    """Return validated descriptions by list name, each id once: a later record of the same object wins."""
    merged: dict[str, dict[int, Fact]] = {plural: {} for plural in FACTS.values()}
    for plural, value in collected:
        if isinstance(value, dict) and whole(value.get("id")) is not None:
            known = merged[plural].get(value["id"], {})
            merged[plural][value["id"]] = {**known, **VALIDATORS[plural]({**known, **value})}
    return {plural: list(facts.values()) for plural, facts in merged.items()}


def former_models(collected: Iterable[tuple[str, Any]]) -> list[Fact]:
    """Return what was told of models before a later record of the same one gave them other parameters."""
    known: dict[int, Fact] = {}
    former = []
    for plural, value in collected:
        if plural == FACTS["model"] and isinstance(value, dict) and whole(value.get("id")) is not None:
            before = known.get(value["id"], {})
            known[value["id"]] = {**before, **_model({**before, **value})}
            if before and len(before["parameters"]) != len(known[value["id"]]["parameters"]):
                former.append(before)
    return former


def valid_site(value: Any) -> Fact | None:
    """Return a location in the user's code, or None when the file is unknown."""
    if not isinstance(value, dict) or not isinstance(value.get("file"), str):
        return None
    code = value.get("code")
    return {"file": value["file"], "line": whole(value.get("line")), "code": code if isinstance(code, str) else None}


def _text(value: Any, default: str = "") -> str:
    return value if isinstance(value, str) else default


def _wholes(value: Any) -> list[int]:
    return [item for item in value if whole(item) is not None] if isinstance(value, list) else []


def _object(value: Any) -> Fact:
    return value if isinstance(value, dict) else {}


def _model(value: Fact) -> Fact:
    layers = [_layer(item) for item in dicts(value.get("layers")) if isinstance(item.get("name"), str)]
    parameters = [_parameter(item) for item in dicts(value.get("parameters")) if whole(item.get("id")) is not None]
    return {
        **value,
        "name": _text(value.get("name"), "model"),
        "site": valid_site(value.get("site")),
        "layers": layers,
        "parameters": parameters,
    }


def _layer(value: Fact) -> Fact:
    return {
        **value,
        "kind": _text(value.get("kind")),
        "site": valid_site(value.get("site")),
        "facts": _object(value.get("facts")),
        "parameters": _wholes(value.get("parameters")),
    }


def _parameter(value: Fact) -> Fact:
    name = _text(value.get("name"), f"parameter {value['id']}")
    return {
        **value,
        "name": name,
        "shape": _wholes(value.get("shape")),
        "count": whole(value.get("count")) or 0,
        "trainable": value.get("trainable") is not False,
        "layer": _text(value.get("layer"), name.rpartition(".")[0]),
        "role": _text(value.get("role"), "other"),
        "fan_in": number(value.get("fan_in")),
        "init_std": number(value.get("init_std")),
        "init_rms": number(value.get("init_rms")),
    }


def _optimizer(value: Fact) -> Fact:
    groups = [{**group, "parameters": _wholes(group.get("parameters"))} for group in dicts(value.get("groups"))]
    return {**value, "class": _text(value.get("class"), "?"), "site": valid_site(value.get("site")), "groups": groups}


def _loss(value: Fact) -> Fact:
    graph = value.get("graph")
    if isinstance(graph, dict):
        graph = {**graph, "ops": words(graph.get("ops")), "parameters": _wholes(graph.get("parameters"))}
    return {
        **value,
        "name": _text(value.get("name"), "loss"),
        "kind": _text(value.get("kind"), "custom"),
        "site": valid_site(value.get("site")),
        "prediction": _object(value.get("prediction")),
        "target": _object(value.get("target")),
        "graph": graph if isinstance(graph, dict) else None,
    }


def _loader(value: Fact) -> Fact:
    return {**value, "site": valid_site(value.get("site")), "role": _text(value.get("role"), "unknown")}


def _scheduler(value: Fact) -> Fact:
    return {
        **value,
        "class": _text(value.get("class"), "?"),
        "site": valid_site(value.get("site")),
        "facts": _object(value.get("facts")),
    }


VALIDATORS: dict[str, Callable[[Fact], Fact]] = {
    "models": _model,
    "optimizers": _optimizer,
    "losses": _loss,
    "loaders": _loader,
    "schedulers": _scheduler,
}
