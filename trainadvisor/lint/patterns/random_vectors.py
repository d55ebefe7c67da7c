"""Embeddings that are made of random vectors and frozen by the default of from_pretrained."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import with_argument
from trainadvisor.source.syntax import constant, is_open, keyword
from trainadvisor.source.training import words_of
from trainadvisor.source.uses import is_draw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

OWNERS = ("torch.nn.Embedding", "torch.nn.EmbeddingBag")
# What makes a tensor of numbers without changing them.
WRAPS = frozenset({"torch.tensor", "torch.from_numpy", "torch.FloatTensor", "torch.Tensor", "torch.as_tensor"})
METHODS = frozenset({"float", "astype", "to", "mul", "mul_", "normal_", "uniform_", "type", "cuda"})
FILLS = frozenset({"normal_", "uniform_"})
BLANKS = frozenset({"torch.empty", "torch.zeros", "numpy.zeros"})


@pattern(
    "vectors", "right", words=(("from_pretrained(",), ("Embedding",), ("rand", "normal", "uniform", "zeros", "empty"))
)
def random_vectors_frozen(training: Training) -> Iterator[Match]:
    """Yield embeddings of vectors that were only drawn, without freeze=False and with nothing that thaws them."""
    for call in training.script.calls_by_name.get("from_pretrained", []):
        full = training.script.full(call.func)
        vectors = keyword(call, "embeddings", 0)
        if not full.startswith(OWNERS) or vectors is None or is_open(call) or keyword(call, "freeze", 1) is not None:
            continue
        if _is_drawn(training, vectors) and not _thaws(training):
            fix = with_argument(training.source, call, "freeze", "False")
            right = f"{words_of(call)[:-1]}, freeze=False)"
            yield Match(call, {"vectors": words_of(vectors), "right": right}, fix=(fix,) if fix is not None else None)


def _is_drawn(training: Training, vectors: ast.expr) -> bool:
    """Return whether vectors are random numbers, scaled or wrapped, that nothing is written into."""
    if isinstance(vectors, ast.Name):
        value = None if _is_written(training, vectors.id) else training.values.single(vectors)
        return value is not None and not isinstance(value, ast.Name) and _is_drawn(training, value)
    if isinstance(vectors, ast.BinOp):
        sides = (vectors.left, vectors.right)
        return any(_is_drawn(training, s) for s in sides) and any(isinstance(constant(s), (int, float)) for s in sides)
    if not isinstance(vectors, ast.Call) or is_draw(training, vectors):
        return isinstance(vectors, ast.Call)
    inner = _wrapped(training, vectors)
    return inner is not None and (_is_filled(training, vectors) or _is_drawn(training, inner))


def _wrapped(training: Training, call: ast.Call) -> ast.expr | None:
    """Return what a call makes a tensor of, or changes the type or size of."""
    if training.script.full(call.func) in WRAPS:
        return call.args[0] if call.args else None
    return call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr in METHODS else None


def _is_filled(training: Training, call: ast.Call) -> bool:
    """Return whether a call fills a new tensor: torch.empty(100, 16).normal_()."""
    blank = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr in FILLS else None
    return isinstance(blank, ast.Call) and training.script.full(blank.func) in BLANKS


def _is_written(training: Training, name: str) -> bool:
    """Return whether rows are written into what a name holds."""
    parts = (n for n in training.script.of_type(ast.Subscript) if isinstance(n.ctx, ast.Store))
    copies = (c.func for c in training.methods("copy_"))
    return any(words_of(n.value).split("[")[0] == name for n in parts) or any(
        words_of(func).startswith((f"{name}[", f"{name}.")) for func in copies
    )


def _thaws(training: Training) -> bool:
    """Return whether the script switches gradients on somewhere, or loads weights."""
    loads = training.methods("load_state_dict") or training.methods("requires_grad_")
    return bool(loads) or any(
        isinstance(n.ctx, ast.Store) and n.attr == "requires_grad" for n in training.script.of_type(ast.Attribute)
    )
