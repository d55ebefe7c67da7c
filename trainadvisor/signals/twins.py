"""Models of the architecture of the trained one that are never trained: target networks and references."""

from typing import Any

from trainadvisor.log.cleaning import number, whole
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.kinds import reinforcement
from trainadvisor.signals.trained_parameters import fresh

TWINS = {
    "needs": "a model of the trained one's shape that no optimizer holds, called in the steps",
    "zh": "与被训练模型形状相同、不属于任何优化器、却在各步中被调用的模型",
}


# Share by which the sizes of two weights differ that are no copies. Rounding to bfloat16 changes the size of a matrix
# by 0.0008 at most (480 matrices of 64 and more numbers); of nets that were trained for 30 to 300 steps, at least one
# matrix differs from fresh ones by 0.037 and more (24 nets, two optimizers; a language model: 0.83).
OTHER = 0.02
# Standard deviations by which two fresh matrices may differ in size, and steps that have trained a model.
_SCATTER, _TRAINED = 3.0, 20


def _shapes(model: dict[str, Any]) -> list[Any]:
    return [parameter["shape"] for parameter in model["parameters"]]


def _original(log: RunLog, twin: dict[str, Any]) -> dict[str, Any] | None:
    """Return the trained model that a model has the shape of."""
    held = {p for optimizer in log.optimizers for group in optimizer["groups"] for p in group["parameters"]}
    trained = [model for model in log.models if held.intersection(p["id"] for p in model["parameters"])]
    return next((model for model in trained if _shapes(model) == _shapes(twin) and model["id"] != twin["id"]), None)


def _twin(log: RunLog) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return what was seen last of the twin that was called most, with the trained model."""
    models = {model["id"]: model for model in log.models}
    seen = {event["detail"].get("twin"): event["detail"] for event in log.events if event["kind"] == "twin"}
    pairs = [
        (detail, original)
        for key, detail in seen.items()
        if key in models and (original := _original(log, models[key])) is not None
    ]
    return max(pairs, key=lambda pair: number(pair[0].get("called")) or 0.0, default=None)


def _rms(model: dict[str, Any]) -> list[float]:
    """Return the sizes at the start of the matrices of a model."""
    sizes = (number(p.get("init_rms")) for p in model["parameters"] if len(p["shape"]) > 1)
    return [size for size in sizes if size is not None]


def _figure(log: RunLog, name: str) -> float | None:
    found = _twin(log)
    return None if found is None else number(found[0].get(name))


@signal(unit="steps", **TWINS)
def twin_steps(log: RunLog) -> int | None:
    """Steps from the first to the last call of the twin; 0 where it came later: it is a copy of what was learned."""
    first, last = _figure(log, "first"), _figure(log, "last")
    if first is None or last is None:
        return None
    return int(last) + 1 if first <= 1 else 0


@signal(unit="share", **TWINS)
def twin_call_share(log: RunLog) -> float | None:
    """Share of all steps in which the twin of the trained model was called."""
    called = _figure(log, "called")
    return None if called is None or not log.all_steps_count else min(called / log.all_steps_count, 1.0)


@signal(unit="share", **TWINS)
def twin_other_input_share(log: RunLog) -> float | None:
    """Share of early steps in which the trained model got an input that its twin did not get: it learns from others."""
    looked, others = _figure(log, "looked"), _figure(log, "others")
    return others / looked if looked and others is not None else None


@signal(unit="truth", **TWINS)
def twin_changed(log: RunLog) -> bool | None:
    """Whether the weights of the twin ever differed from those it had at its first call."""
    found = _twin(log)
    return None if found is None else bool(found[0].get("changed"))


@signal(unit="truth", **TWINS)
def twin_is_random(log: RunLog) -> bool | None:
    """Whether the twin of a model that was loaded, or trained before, has random weights of its own: it is no copy.

    Nothing was loaded into it, and its weights began at other sizes than those of a loaded model, or at the sizes with
    which a model began that an earlier part of the run has trained.
    """
    found = _twin(log)
    twin = next((model for model in log.models if found and model["id"] == found[0].get("twin")), None)
    if found is None or twin is None:
        return None
    if _began_anew(found[0], twin, found[1]):
        return True
    loaded = [any(p.get("loaded") for p in model["parameters"]) for model in (twin, found[1])]
    sizes = list(zip(_rms(twin), _rms(found[1]), strict=False))
    return loaded == [False, True] and any(abs(a - b) > OTHER * max(a, b) for a, b in sizes)


def _began_anew(detail: dict[str, Any], twin: dict[str, Any], original: dict[str, Any]) -> bool:
    """Return whether a twin came into a run that had trained its original, equal to nothing, with fresh weights.

    A matrix of n random numbers has the size of another one within some 1 / sqrt(n).
    """
    first, then = number(detail.get("first")), detail.get("then")
    if first is None or first <= _TRAINED or then is None or whole(original["id"]) in then:
        return False
    pairs = [(a, b) for a, b in zip(twin["parameters"], original["parameters"], strict=True) if len(a["shape"]) > 1]
    sizes = [(number(a.get("init_rms")), number(b.get("init_rms")), number(a.get("count"))) for a, b in pairs]
    known = [(a, b, n) for a, b, n in sizes if a and b and n]
    scratch = all(fresh(p) for model in (twin, original) for p in model["parameters"])
    return scratch and bool(known) and all(abs(a - b) <= _SCATTER * b / n**0.5 for a, b, n in known)


@signal(unit="truth", **TWINS)
def twin_is_target(log: RunLog) -> bool | None:
    """Whether the twin began as a copy of a model that starts from random weights, or serves reinforcement learning.

    A teacher has weights of its own, and the reference of a fine-tuning is the copy of a model that was loaded.
    """
    found = _twin(log)
    if found is None:
        return None
    detail, original = found
    copied = whole(original["id"]) in (detail.get("alike") or [])
    from_scratch = any(fresh(fact) for fact in original["parameters"])
    return from_scratch and (copied or reinforcement(log))


@signal(unit="", **TWINS)
def twin_name(log: RunLog) -> str | None:
    """Name of the model that has the shape of the trained one."""
    found = _twin(log)
    return None if found is None else next(m["name"] for m in log.models if m["id"] == found[0].get("twin"))
