"""Which dimension recurrent and attention layers take for time, and which for the batch."""

from typing import Any

from trainadvisor.changes.applying.change_application import ChangeApplication, Refusal
from trainadvisor.changes.applying.late_torch import nn
from trainadvisor.changes.declaration import change


@change(
    "batch-first",
    zh="为循环层和注意力层设置 batch_first=True；若已全部如此，则设为 False。",
    limits="For torch's own RNN, LSTM, GRU and MultiheadAttention, also inside of its Transformer layers; a script "
    "that exchanges dimensions by itself needs no other setting.",
    limits_zh="适用于 torch 自带的 RNN、LSTM、GRU 和 MultiheadAttention，包括其 Transformer 层之内的；自行交换维度的"
    "脚本不需要别的设置。",
    rules_out=("an axis taken for another", "维度弄混"),
)
def batch_first(application: ChangeApplication) -> None:
    """Set batch_first=True for recurrent and attention layers; where all have it, set it to False."""

    def turn(model: Any, *_: object) -> None:
        layers = [layer for layer in model.modules() if isinstance(layer, nn.RNNBase | nn.MultiheadAttention)]
        if not layers:
            raise Refusal("the model has no recurrent or attention layer of torch")
        wanted = not all(layer.batch_first for layer in layers)
        for layer in layers:
            layer.batch_first = wanted
        application.done(f"batch_first={wanted} for {len(layers)} layers")

    application.when("model", turn)
