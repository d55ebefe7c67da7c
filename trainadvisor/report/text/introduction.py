"""The first block of `trainadvisor run`: what was found in the training, and what is recorded of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainadvisor.report.text.layout import clean

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.i18n.language import Words
    from trainadvisor.judge.result import Remedy

Fact = dict[str, Any]


def introduction(header: Fact, later: dict[str, list[Fact]], words: Words, log: Path) -> list[str]:
    """Return the lines of the block; `later` holds facts that came after the header, by kind."""
    model, loss = _models(_all(header, later, "model"), words), _losses(_all(header, later, "loss"), words)
    optimizer = _optimizers(_all(header, later, "optimizer"))
    loader = _loader(_all(header, later, "loader"), words)
    lines = [words("run.watching", target=clean(str(header.get("script"))))]
    lines.append(f"  {words('run.found'):<9} " + " | ".join(filter(None, [model, optimizer, loss])))
    if loader:
        lines.append(f"  {'':<9} {loader}")
    every = header.get("recorder", {}).get("layers_every", 10)
    lines.append(f"  {words('run.records'):<9} {words('run.cadence', gradients=max(1, every // 2), layers=every)}")
    lines.append(f"  {words('run.log'):<9} {log}")
    return lines


def _all(header: Fact, later: dict[str, list[Fact]], kind: str) -> list[Fact]:
    plural = {"loss": "losses"}.get(kind, f"{kind}s")
    facts = {fact["id"]: fact for fact in [*header.get(plural, []), *later.get(kind, [])]}
    return list(facts.values())


def _models(models: list[Fact], words: Words) -> str:
    shown = [m for m in models if m.get("parameters")][-2:]
    told = (words("run.tensors", name=clean(m["name"]), count=len(m["parameters"]), size=_count(m)) for m in shown)
    return " + ".join(told)


def _count(model: Fact) -> str:
    total = sum(p["count"] for p in model["parameters"])
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if total >= size:
            return f"{total / size:.3g} {unit}"
    return str(total)


def _optimizers(optimizers: list[Fact]) -> str:
    described = []
    for optimizer in optimizers[-2:]:
        group = (optimizer.get("groups") or [{}])[0]
        given = [key for key in ("lr", "momentum", "weight_decay") if isinstance(group.get(key), int | float)]
        extra = "".join(f" {key} {group[key]:g}" for key in given if group[key])
        described.append(f"{optimizer['class']}{extra}")
    return " + ".join(described)


def _losses(losses: list[Fact], words: Words) -> str:
    trained = [loss for loss in losses if loss.get("phase") in {"train", "both"}]
    if not trained:
        return ""
    classes = (trained[0].get("target") or {}).get("classes")
    return str(trained[0]["kind"]) + (words("comma") + words("run.classes", count=classes) if classes else "")


def _loader(loaders: list[Fact], words: Words) -> str:
    fact = next((f for f in loaders if f.get("role") == "train"), None)
    if fact is None:
        return ""
    shuffle = "?" if fact.get("shuffle") is None else words("run.on" if fact["shuffle"] else "run.off")
    return words("run.loader", batch=fact["batch_size"], workers=fact["workers"], shuffle=shuffle)


def first_change(remedy: Remedy) -> str:
    """Return the line of a fix that changes something: the first of an edit, or the first of a snippet to run."""
    code = remedy.edits[0].new if remedy.edits else remedy.code or remedy.text
    lines = [line.strip() for line in code.splitlines() if line.strip()]
    spoken = [line for line in lines if not line.startswith(("#", "import ", "from "))]
    changing = [line for line in spoken if not line.endswith(":")]  # not the head of the loop around it
    return next(iter([*changing, *spoken, *lines]), "")
