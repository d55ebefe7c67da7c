"""A change as a diff of the user's own lines, where those were recorded or can be found in the script."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.judge.argument_edit import diff, rewrite
from trainadvisor.judge.object_sites import main_object, main_optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trainadvisor.log.reader import RunLog
    from trainadvisor.verify.plan import Change

ARGUMENTS = {
    "weight-decay": ("optimizer", "weight_decay", "value"),
    "eps": ("optimizer", "eps", "value"),
    "batch-size": ("loader", "batch_size", "value"),
    "shuffle": ("loader", "shuffle", "shuffle"),
    "workers": ("loader", "num_workers", "num_workers"),
    "pin-memory": ("loader", "pin_memory", "pin_memory"),
}
"""Changes of one argument: of which object, which argument, and where its value stands."""
MODULES = {"relu": "ReLU", "leaky_relu": "LeakyReLU", "gelu": "GELU", "silu": "SiLU", "tanh": "Tanh", "elu": "ELU"}
INITIALISERS = {"he": "kaiming_normal_", "xavier": "xavier_uniform_", "orthogonal": "orthogonal_"}
DIGITS = 3


@dataclass(frozen=True)
class Patch:
    """One line replaced, or lines put before one; `line` counts from 1."""

    file: str
    line: int
    old: str
    new: tuple[str, ...]

    def diff(self) -> str:
        """Return it as a diff; lines that are put before another one have no counterpart."""
        if self.new[-1:] == (self.old,):
            return "\n".join([*(f"+ {line}" for line in self.new[:-1]), f"  {self.old}"])
        return diff(self.old, "\n+ ".join(self.new))

    @property
    def where(self) -> str:
        """Return its place."""
        return f"{self.file}:{self.line}"


def patches(change: Change, log: RunLog, source: str | None, script: str) -> list[Patch]:
    """Return the lines that make a change lasting; none where no literal line is known."""
    if change.change in ARGUMENTS:
        return list(_argument(change, log))
    maker = MAKERS.get(change.change)
    return list(maker(change, log, Source(source, script) if source else None)) if maker else []


def apply(found: list[Patch], source: str, script: str) -> str | None:
    """Return the script with all patches made; None when a line is not as it was, or lies in another file."""
    lines = source.split("\n")
    for patch in sorted(found, key=lambda p: p.line, reverse=True):
        if Path(patch.file).name != Path(script).name or not 0 < patch.line <= len(lines):
            return None
        line = lines[patch.line - 1]
        if line.strip() != patch.old:
            return None
        indent = line[: len(line) - len(line.lstrip())]
        lines[patch.line - 1 : patch.line] = [indent + new if new else new for new in patch.new]
    text = "\n".join(lines)
    try:
        ast.parse(text)
    except SyntaxError:
        return None
    return text


class Source:
    """The script's text, with the calls in it."""

    def __init__(self, text: str, file: str) -> None:
        """Parse it; a script that cannot be parsed has no calls."""
        self.file = Path(file).name if Path(file).is_absolute() else file
        self.lines = text.split("\n")
        try:
            self._tree: ast.Module = ast.parse(text)
        except SyntaxError:
            self._tree = ast.Module([], [])

    def statements(self, wanted: Callable[[ast.Call], bool]) -> Iterator[int]:
        """Yield the lines of statements that are one wanted call and stand on one line."""
        for node in ast.walk(self._tree):
            if not isinstance(node, ast.Expr) or node.lineno != node.end_lineno:
                continue
            if isinstance(node.value, ast.Call) and wanted(node.value):
                yield node.lineno

    def before(self, line: int, *new: str) -> Patch:
        """Return a patch that puts lines before one."""
        old = self.lines[line - 1].strip()
        return Patch(self.file, line, old, (*new, old))

    def behind(self, line: int, *new: str) -> Patch:
        """Return a patch that puts lines behind one."""
        old = self.lines[line - 1].strip()
        return Patch(self.file, line, old, (old, *new))


def _site(made: dict[str, Any] | None) -> tuple[str, int, str] | None:
    site = (made or {}).get("site") or {}
    known = site.get("file") and site.get("line") and site.get("code")
    return (site["file"], site["line"], site["code"]) if known else None


def _rewritten(made: dict[str, Any] | None, argument: str, value: str) -> Iterator[Patch]:
    site = _site(made)
    new = rewrite(site[2], argument, value, str((made or {}).get("class") or "")) if site else None
    if site and new:
        yield Patch(site[0], site[1], site[2], (new,))


def _argument(change: Change, log: RunLog) -> Iterator[Patch]:
    kind, argument, key = ARGUMENTS[change.change]
    made, value = main_object(log, kind), change.arguments.get(key)
    factor = change.arguments.get("factor")
    if value is None and isinstance(factor, (int, float)) and change.change == "batch-size":
        value = max(1, round(float((made or {}).get("batch_size") or 0) * factor)) if made else None
    if value is not None:
        yield from _rewritten(made, argument, _literal(value))


def _literal(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) >= 1 else f"{value:.{DIGITS}g}"
    return repr(value)


def _lr(change: Change, log: RunLog, _: Source | None) -> Iterator[Patch]:
    made = main_optimizer(log)
    groups = (made or {}).get("groups") or []
    present = groups[0].get("lr") if len(groups) == 1 else None
    value, factor = change.arguments.get("value"), change.arguments.get("factor")
    if value is None and isinstance(factor, (int, float)) and isinstance(present, (int, float)):
        value = present * factor
    if value is not None and len(groups) == 1:
        yield from _rewritten(made, "lr", f"{value:.{DIGITS}g}")


def _optimizer(change: Change, log: RunLog, _: Source | None) -> Iterator[Patch]:
    """Swap the class; its first argument stays, with the new learning rate."""
    made, to = main_optimizer(log), change.arguments.get("to")
    site, old = _site(made), str((made or {}).get("class"))
    call = _call(site[2], old) if site else None
    if site is None or call is None or not call.args or not isinstance(to, str):
        return
    told = ast.get_source_segment(site[2], call) or ""
    maker = (ast.get_source_segment(site[2], call.func) or "").removesuffix(old) + to
    kept = [f"{k}={change.arguments[k]:g}" for k in ("lr", "weight_decay") if k in change.arguments]
    given = ", ".join([ast.get_source_segment(site[2], call.args[0]) or "", *kept])
    if told and told in site[2]:
        yield Patch(site[0], site[1], site[2], (site[2].replace(told, f"{maker}({given})", 1),))


def _call(code: str, name: str) -> ast.Call | None:
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return None
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return next((c for c in calls if _name(c) == name), None)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _betas(change: Change, log: RunLog, _: Source | None) -> Iterator[Patch]:
    made = main_optimizer(log)
    betas = ((made or {}).get("groups") or [{}])[0].get("betas") or [0.9, 0.999]
    if (beta2 := change.arguments.get("beta2")) is not None:
        yield from _rewritten(made, "betas", f"({betas[0]:g}, {beta2:g})")


def _layers(log: RunLog, kinds: set[str]) -> list[dict[str, Any]]:
    layers = (log.model or {}).get("layers", [])
    chosen = {(_site(layer) or ("", 0, ""))[:2]: layer for layer in layers if layer.get("kind") in kinds}
    return [layer for site, layer in chosen.items() if site[1]]


def _dropout(change: Change, log: RunLog, _: Source | None) -> Iterator[Patch]:
    p = change.arguments.get("p")
    for layer in _layers(log, {"Dropout", "Dropout1d", "Dropout2d"}) if p is not None else []:
        yield from _rewritten({**layer, "class": layer["kind"]}, "p", f"{p:g}")


def _momentum(change: Change, log: RunLog, _: Source | None) -> Iterator[Patch]:
    value = change.arguments.get("value")
    for layer in _layers(log, {"BatchNorm1d", "BatchNorm2d", "BatchNorm3d"}) if value is not None else []:
        yield from _rewritten({**layer, "class": layer["kind"]}, "momentum", f"{value:g}")


def _activation(change: Change, log: RunLog, _: Source | None) -> Iterator[Patch]:
    to = MODULES.get(str(change.arguments.get("to")))
    for layer in _layers(log, {"Sigmoid", "Tanh", "ReLU"}) if to else []:
        site = _site(layer)
        if site and f"{layer['kind']}()" in site[2]:
            yield Patch(site[0], site[1], site[2], (site[2].replace(f"{layer['kind']}()", f"{to}()"),))


def _reduction(change: Change, log: RunLog, _: Source | None) -> Iterator[Patch]:
    if (reduction := change.arguments.get("reduction")) is not None:
        yield from _rewritten(main_object(log, "loss"), "reduction", repr(reduction))


def _clip(change: Change, log: RunLog, source: Source | None) -> Iterator[Patch]:
    """Put the call before the only step of an optimizer, for the model that its line names."""
    norm, model = change.arguments.get("max_norm", 1.0), _model_name(log)
    steps = list(source.statements(lambda call: _name(call) == "step" and not call.args)) if source else []
    optimizers = [line for line in steps if "sched" not in (source.lines[line - 1] if source else "")]
    if source and model and len(optimizers) == 1 and isinstance(norm, (int, float)):
        yield source.before(optimizers[0], f"torch.nn.utils.clip_grad_norm_({model}.parameters(), {norm:g})")


def _zero_grad(_: Change, log: RunLog, source: Source | None) -> Iterator[Patch]:
    optimizer = _assigned(_site(main_optimizer(log)))
    lines = list(source.statements(lambda call: _name(call) == "backward")) if source else []
    if source and optimizer and len(lines) == 1:
        yield source.before(lines[0], f"{optimizer}.zero_grad(set_to_none=True)")


def _init(change: Change, log: RunLog, source: Source | None) -> Iterator[Patch]:
    """Put the initialisation before the line that makes the optimizer."""
    site, model = _site(main_optimizer(log)), _model_name(log)
    function = INITIALISERS.get(str(change.arguments.get("to")))
    if not site or not model or not function or not source or Path(site[0]).name != Path(source.file).name:
        return
    if source.lines[site[1] - 1].strip() == site[2]:
        nonlinearity = ', nonlinearity="relu"' if function == "kaiming_normal_" else ""
        yield source.before(
            site[1],
            f"for layer in {model}.modules():",
            "    if isinstance(layer, (torch.nn.Linear, torch.nn.Conv2d)):",
            f"        torch.nn.init.{function}(layer.weight{nonlinearity})",
        )


def _model_name(log: RunLog) -> str | None:
    """Return the variable that holds the model, as the line of the optimizer or of the model names it."""
    return _assigned(_site(log.model))


def _assigned(site: tuple[str, int, str] | None) -> str | None:
    try:
        tree = ast.parse(site[2]) if site else ast.Module([], [])
    except SyntaxError:
        return None
    first = tree.body[0] if tree.body else None
    target = first.targets[0] if isinstance(first, ast.Assign) and len(first.targets) == 1 else None
    return target.id if isinstance(target, ast.Name) else None


MAKERS: dict[str, Callable[[Change, RunLog, Source | None], Iterator[Patch]]] = {
    "lr": _lr,
    "optimizer": _optimizer,
    "betas": _betas,
    "dropout": _dropout,
    "bn-momentum": _momentum,
    "activation": _activation,
    "loss-function": _reduction,
    "clip": _clip,
    "add-zero-grad": _zero_grad,
    "init": _init,
}
