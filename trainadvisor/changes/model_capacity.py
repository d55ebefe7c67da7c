"""The width of the model."""

from typing import Any

from trainadvisor.changes.applying.change_application import ChangeApplication, Refusal
from trainadvisor.changes.applying.late_torch import nn, private_torch
from trainadvisor.changes.applying.model_anatomy import Rehearsal, exchange, rehearse
from trainadvisor.changes.declaration import change
from trainadvisor.interruptions import from_handler


@change(
    "capacity",
    zh="把隐藏层宽度乘以 factor（模型的输入与输出不变），新权重用 PyTorch 默认初始化。",
    limits="For linear, convolution, norm, embedding and recurrent layers in a row; where the model does not run with "
    "other widths (they are written into forward(), attention), it is refused.",
    limits_zh="适用于依次相接的线性、卷积、归一化、嵌入与循环层；加宽后模型无法运行时（写死宽度、注意力等）不予应用。",
    may_end_early=True,
)
def capacity(application: ChangeApplication, *, factor: float = 2.0) -> None:
    """Multiply the width of the hidden layers; the model's inputs and outputs stay as they are."""

    def widen(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        seen = rehearse(application.session, model, args, kwargs)
        layers = _resizable(seen)
        if len(layers) < 2:
            raise Refusal("the model has no hidden layer to widen")
        before = sum(p.numel() for p in model.parameters())
        old = dict(model.named_parameters())
        kept = [(layer, dict(vars(layer)), *private_torch.copied_tensors(layer)) for layer in layers]
        try:
            with application.session.aside():
                for place, layer in enumerate(layers):
                    _resize(layer, factor, first=place == 0, last=layer is seen.weighted[-1])
            after = rehearse(application.session, model, args, kwargs)
            if _shape(after) != _shape(seen):
                raise Refusal("the output would have another shape")  # noqa: TRY301 - undone below, like an error
        except Exception as error:
            for layer, attributes, parameters, buffers in kept:
                vars(layer).update(attributes)
                private_torch.put_tensors(layer, parameters, buffers)
            if from_handler(error):
                raise
            raise Refusal(f"the model does not run with other widths ({error})") from error
        exchange(
            application.session, {id(old[n]): p for n, p in model.named_parameters() if n in old and old[n] is not p}
        )
        now = sum(p.numel() for p in model.parameters())
        application.done(f"{before:,} -> {now:,} weights: {len(layers) - 1} hidden widths times {factor:.3g}")

    application.when("model", widen)


def _shape(seen: Rehearsal) -> Any:
    return getattr(seen.output, "shape", None)


def _resizable(seen: Rehearsal) -> list[Any]:
    kinds = (
        nn.Linear, private_torch.CONV, private_torch.BATCH_NORM, nn.LayerNorm, nn.GroupNorm, nn.RNNBase,
        nn.Embedding,
    )  # fmt: skip
    return list({id(v.module): v.module for v in seen.visits if isinstance(v.module, kinds)}.values())


def _resize(layer: Any, factor: float, *, first: bool, last: bool) -> None:
    """Reinitialize a layer in place with other widths."""

    def wide(width: int, *, fixed: bool) -> int:
        return width if fixed else max(1, round(width * factor))

    like = next(layer.parameters(), None)
    where = {} if like is None else {"device": like.device, "dtype": like.dtype}
    training, hooks = layer.training, private_torch.hooks(layer)
    if isinstance(layer, nn.Linear):
        widths = wide(layer.in_features, fixed=first), wide(layer.out_features, fixed=last)
        nn.Linear.__init__(layer, *widths, bias=layer.bias is not None, **where)
    elif isinstance(layer, private_torch.CONV):
        _resize_convolution(layer, wide(layer.in_channels, fixed=first), wide(layer.out_channels, fixed=last), where)
    elif isinstance(layer, private_torch.BATCH_NORM):
        type(layer).__init__(
            layer, wide(layer.num_features, fixed=first), layer.eps, layer.momentum, layer.affine,
            layer.track_running_stats, **where,
        )  # fmt: skip
    elif isinstance(layer, nn.LayerNorm):
        shape = [*layer.normalized_shape[:-1], wide(layer.normalized_shape[-1], fixed=first)]
        nn.LayerNorm.__init__(layer, shape, layer.eps, layer.elementwise_affine, **where)
    elif isinstance(layer, nn.GroupNorm):
        channels = wide(layer.num_channels, fixed=first)
        nn.GroupNorm.__init__(layer, layer.num_groups, channels, layer.eps, layer.affine, **where)
    elif isinstance(layer, nn.Embedding):
        wider = wide(layer.embedding_dim, fixed=False)
        nn.Embedding.__init__(layer, layer.num_embeddings, wider, layer.padding_idx, **where)
    else:
        _resize_recurrent(layer, wide(layer.input_size, fixed=first), wide(layer.hidden_size, fixed=False), where)
    layer.train(training)
    private_torch.put_hooks(layer, hooks)


def _resize_convolution(layer: Any, given: int, made: int, where: dict[str, Any]) -> None:
    if layer.groups != 1:
        raise Refusal("grouped convolutions are not widened")
    type(layer).__init__(
        layer, given, made, layer.kernel_size, stride=layer.stride, padding=layer.padding, dilation=layer.dilation,
        bias=layer.bias is not None, padding_mode=layer.padding_mode, **where,
    )  # fmt: skip


def _resize_recurrent(layer: Any, given: int, made: int, where: dict[str, Any]) -> None:
    options = {"nonlinearity": layer.nonlinearity} if type(layer) is nn.RNN else {}
    type(layer).__init__(
        layer, given, made, layer.num_layers, bias=layer.bias, batch_first=layer.batch_first, dropout=layer.dropout,
        bidirectional=layer.bidirectional, **options, **where,
    )  # fmt: skip
