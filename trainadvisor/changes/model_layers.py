"""Layers added, removed or replaced before the model's first call."""

from typing import Any, Literal

from trainadvisor.changes.applying.change_application import ChangeApplication, Refusal
from trainadvisor.changes.applying.late_torch import F, nn, torch
from trainadvisor.changes.applying.model_anatomy import (
    Rehearsal,
    adopt,
    exchange,
    first_tensor,
    names_of,
    put_behind,
    rehearse,
    replace,
    same_values,
)
from trainadvisor.changes.declaration import change
from trainadvisor.changes.line_edits import SwapLayers


@change(
    "add-nonlinearity",
    zh="在彼此直接相连的线性层之间插入激活函数；只有一层线性层时，在其旁并联一个两层隐藏网络。",
    limits="Which layers follow each other is seen in the model's first call; layers in plain lists are not seen.",
    limits_zh="层的先后由模型的第一次调用得知；普通列表中的层不可见。",
    rules_out=("a missing non-linearity", "缺少非线性"),
)
def add_nonlinearity(
    application: ChangeApplication, *, to: Literal["relu", "gelu", "tanh", "leaky_relu"] | None = None, width: int = 64
) -> None:
    """Put an activation between consecutive linear layers; next to a single one, add two hidden layers.

    The default is ReLU, or tanh after a layer that is used several times per call: a recurrent state must be bounded.
    """

    def insert(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen = rehearse(application.session, model, args, kwargs)
        bent = seen.has_inner_nonlinearity()
        layers = seen.direct() if bent else seen.hidden
        if not layers and len(seen.weighted) == 1 and not bent and isinstance(seen.weighted[0], nn.Linear):
            with application.session.aside():
                _beside(application, model, seen.weighted[0], width, to or "relu")
            application.done(f"two hidden layers of {width} {to or 'relu'} units beside the only layer")
            return
        if not layers:
            raise Refusal("no two weight layers follow each other without a non-linearity")
        chosen = [to or ("tanh" if seen.times(layer) > 1 else "relu") for layer in layers]
        for layer, kind in zip(layers, chosen, strict=True):
            put_behind(application.session, model, layer, "_activation", _activation(kind))
        application.done(f"{' and '.join(dict.fromkeys(chosen))} behind {names_of(model, layers)}")

    application.when("model", insert)


def _beside(application: ChangeApplication, model: Any, layer: Any, width: int, to: str) -> None:
    hidden = nn.Sequential(
        nn.Linear(layer.in_features, width), _activation(to), nn.Linear(width, width), _activation(to),
        nn.Linear(width, layer.out_features),
    ).to(layer.weight)  # fmt: skip
    layer.add_module("_hidden", hidden)

    def hook(_: Any, given: tuple[Any, ...], result: Any) -> Any:
        return result + hidden(given[0])

    layer.register_forward_hook(hook)
    adopt(application.session, model, list(hidden.parameters()))


_MODULES = {"relu": "ReLU", "gelu": "GELU", "tanh": "Tanh", "leaky_relu": "LeakyReLU"}


def _activation(to: str) -> Any:
    return getattr(nn, _MODULES[to])()


@change(
    "activation",
    zh="把隐藏层的激活（模块与函数）换成另一种；to 为 lstm 或 gru 时替换 nn.RNN。",
    limits="Gates written by hand with sigmoid are exchanged too; the output's own activation stays.",
    limits_zh="手写门控中的 sigmoid 也会被替换；输出层自身的激活不变。",
    edits=(SwapLayers(frozenset({"Sigmoid", "Tanh", "ReLU"}), _MODULES),),
    rules_out=("the activation functions", "激活函数"),
)
def activation(
    application: ChangeApplication, *, to: Literal["relu", "gelu", "tanh", "leaky_relu", "lstm", "gru"] = "relu"
) -> None:
    """Replace the hidden activations, both modules and functions; `lstm` and `gru` replace nn.RNN layers."""

    def swap(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if to in ("lstm", "gru"):
            _swap_recurrent(application, model, to)
            return
        seen = rehearse(application.session, model, args, kwargs)
        old = [module for module in seen.activations if type(module) is not type(_activation(to))]
        kinds = sorted({type(module).__name__ for module in old})
        for module in old:
            replace(model, module, _activation(to))
        called = _swap_functions(application, model, args, kwargs, to)
        if not old and not called:
            raise Refusal(f"the model has no hidden activation but {to}")
        application.done(f"{', '.join([*kinds, *called])} -> {to} ({len(old)} modules, {len(called)} kinds of calls)")

    application.when("model", swap)


_CALLED = ("sigmoid", "tanh", "relu")


def _swap_functions(
    application: ChangeApplication, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any], to: str
) -> list[str]:
    """Replace torch.relu and similar functions inside the model's calls; return those found in a rehearsal."""
    session, running = application.session, {"inside": False, "count": 0, "last": -1}
    found: list[Any] = []

    def watch(owner: Any, kind: str) -> None:
        original = getattr(owner, kind)

        def call(given: Any, *rest: Any, **options: Any) -> Any:
            if not running["inside"]:
                return original(given, *rest, **options)
            place, running["count"] = running["count"], running["count"] + 1
            if running["last"] == -1:
                result = original(given, *rest, **options)
                found.append((kind, result))
                return result
            return original(given, *rest, **options) if place == running["last"] else getattr(F, to)(given)

        setattr(owner, kind, call)
        session.undo_with(lambda: setattr(owner, kind, original))

    for kind in _CALLED:
        if kind != to:
            watch(torch, kind)
            watch(torch.Tensor, kind)
    running["inside"] = True
    seen: Rehearsal = rehearse(session, model, args, kwargs)
    running["inside"] = False
    final = next(
        (i for i, (_, result) in enumerate(found) if same_values(result, first_tensor(seen.output))), len(found)
    )
    running["last"] = final

    def around(call: Any, given: tuple[Any, ...], options: dict[str, Any]) -> Any:
        running["inside"], running["count"] = given[0] is model, 0
        try:
            return call(*given, **options)
        finally:
            running["inside"] = False

    application.around("forward", around)
    return sorted({f"torch.{kind}" for place, (kind, _) in enumerate(found) if place != final})


def _swap_recurrent(application: ChangeApplication, model: Any, to: str) -> None:
    old = [module for module in model.modules() if type(module) is nn.RNN]
    if not old:
        raise Refusal("the model has no nn.RNN layer")
    for layer in old:
        with application.session.aside():
            kind = nn.LSTM if to == "lstm" else nn.GRU
            new: Any = kind(
                layer.input_size, layer.hidden_size, layer.num_layers, bias=layer.bias, batch_first=layer.batch_first,
                dropout=layer.dropout, bidirectional=layer.bidirectional,
            ).to(str(layer.weight_ih_l0.device))  # fmt: skip
        if to == "lstm":  # the script expects a single state
            new.register_forward_hook(lambda _, __, result: (result[0], result[1][0]))
        replace(model, layer, new)
        fresh = dict(zip(map(id, layer.parameters()), new.parameters(), strict=False))
        exchange(application.session, fresh)
        adopt(application.session, model, list(new.parameters()))
    application.done(f"{len(old)} nn.RNN -> {to.upper()}")


@change(
    "residual",
    zh="给输入与输出同宽的隐藏线性层加上恒等捷径。",
    limits="Only for linear layers whose input is as wide as their output; the activation stays behind the sum.",
    limits_zh="仅适用于输入与输出同宽的线性层；激活位于求和之后。",
)
def residual(application: ChangeApplication) -> None:
    """Add the input of each hidden linear layer to its output, where both have the same width."""

    def insert(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        hidden = rehearse(application.session, model, args, kwargs).hidden
        layers = [m for m in hidden if isinstance(m, nn.Linear) and m.in_features == m.out_features]
        if not layers:
            raise Refusal("no hidden linear layer is as wide as its input")
        for layer in layers:
            layer.register_forward_hook(lambda _, given, result: result + given[0])
        application.done(f"shortcuts around {names_of(model, layers)}")

    application.when("model", insert)
