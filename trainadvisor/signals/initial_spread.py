"""Whether weights have the spread of an initialization, where nobody saw them being made."""

import math
from typing import Any

# Relative distance of a spread from that of an initialization: training moves it by more.
DRAWN = 0.03


def drawn(fact: dict[str, Any]) -> bool:
    """Return whether a weight has the spread of a usual initialization: uniform as in torch, He, Glorot, or a normal.

    Sources: PyTorch documentation, torch.nn.Linear, torch.nn.Embedding and torch.nn.init; 0.02: BERT, GPT-2.
    """
    std, shape, fan_in = fact.get("init_std"), fact["shape"], fact.get("fan_in")
    if std is None or not fan_in or len(shape) <= 1:
        return False
    fan_out = shape[0] * math.prod(shape[2:])
    usual = [(3 * fan_in) ** -0.5, (2 / fan_in) ** 0.5, (2 / (fan_in + fan_out)) ** 0.5, 1.0, 0.02]
    # of a few numbers the standard deviation is known to 1 / sqrt(2 n)
    near = max(DRAWN, 3 / (2 * max(fact["count"], 1)) ** 0.5)
    return any(abs(std / value - 1) < near for value in usual)
