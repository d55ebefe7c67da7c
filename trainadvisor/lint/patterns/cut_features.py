"""Features that are cut to whole numbers on their way to a model."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import unwrapped
from trainadvisor.source.syntax import called, keyword, last_name
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

FEATURES = re.compile(
    r"^(x|feat|features?|inputs?)(_?(tr|train|te|test|val|valid|dev|all|data|scaled|norm|\d))*$", re.IGNORECASE
)
INTEGERS = re.compile(r"^(np\.|numpy\.|torch\.)?(int|int8|int16|int32|int64|long|int_)$")
FLOATS = re.compile(r"float")
SCALES = re.compile(r"scaler|standardi[sz]e|normali[sz]e|zscore|\.std\(|/ ?255|minmax", re.IGNORECASE)


@pattern("cut", "right", words=(("int", "long", "Long"), ("float", "Float"), ("tensor", "Tensor")))
def features_cut(training: Training) -> Iterator[Match]:
    """Yield casts of scaled features to integers that are made floats again at once."""
    if not SCALES.search(words_of(training.script.tree)):
        return
    for call in training.script.calls:
        inner = _cast(training, call)
        if inner is None or not FEATURES.match(last_name(inner)) or not _becomes_float(training, call):
            continue
        fix = (unwrapped(training.source, call, inner),) if called(call) in ("astype", "long", "int") else None
        yield Match(call, {"cut": words_of(call), "right": words_of(inner)}, fix=fix)


def _cast(training: Training, call: ast.Call) -> ast.expr | None:
    """Return what a call makes integers of: x.astype(int), x.long(), torch.LongTensor(x), torch.tensor(x, ...)."""
    if isinstance(call.func, ast.Attribute) and called(call) in ("long", "int") and not call.args:
        return call.func.value
    if isinstance(call.func, ast.Attribute) and called(call) in ("astype", "to", "type") and len(call.args) == 1:
        kind = call.args[0].value if isinstance(call.args[0], ast.Constant) else words_of(call.args[0])
        return call.func.value if INTEGERS.match(str(kind)) else None
    full = training.script.full(call.func)
    if full in ("torch.LongTensor", "torch.IntTensor") and len(call.args) == 1:
        return call.args[0]
    dtype = keyword(call, "dtype") if full in ("torch.tensor", "torch.as_tensor") else None
    return call.args[0] if dtype is not None and call.args and INTEGERS.match(words_of(dtype)) else None


def _becomes_float(training: Training, call: ast.Call) -> bool:
    """Return whether a cast is handed to what makes floats, with nothing in between."""
    parent = training.script.parents.get(call)
    if isinstance(parent, ast.Attribute):
        outer = training.script.parents.get(parent)
        converts = parent.attr == "float" or (
            parent.attr in ("to", "astype", "type") and FLOATS.search(words_of(outer or parent))
        )
        return isinstance(outer, ast.Call) and outer.func is parent and bool(converts)
    if not isinstance(parent, ast.Call) or call not in parent.args:
        return False
    full, dtype = training.script.full(parent.func), keyword(parent, "dtype")
    made = full in ("torch.FloatTensor", "torch.Tensor") or (
        dtype is not None and FLOATS.search(words_of(dtype)) is not None
    )
    return made and full.startswith("torch.")
