"""Gradients that are averaged over processes whose weights start apart: each has its own seed, nothing is broadcast."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

RANK = re.compile(r"(^|[^a-z])rank(?![a-z])|get_rank", re.IGNORECASE)
# Whatever may give the processes the same weights.
EQUALIZED = re.compile(
    r"broadcast|DataParallel|DDP|FSDP|fully_shard|load_state_dict|torch\.load|from_pretrained|accelerat|deepspeed|"
    r"horovod|_sync_",
    re.IGNORECASE,
)
SEEDS = frozenset({"manual_seed", "seed_everything", "set_seed"})


@pattern("seed", words=(("all_reduce",), (".grad",), (*SEEDS,), ("rank",)))
def replica_divergence(training: Training) -> Iterator[Match]:
    """Yield the only seeds of a script, made of the rank, where gradients are averaged by hand."""
    script = training.script
    averaged = any(called(call) == "all_reduce" and _are_gradients(training, call) for call in script.calls)
    seeds = [call for call in script.calls if _sets_seed(training, call) and call.args]
    if not averaged or EQUALIZED.search(words_of(script.tree)):
        return
    if seeds and all(RANK.search(words_of(call.args[0])) for call in seeds):
        yield Match(seeds[0], {"seed": ast.unparse(seeds[0])})


def _sets_seed(training: Training, call: ast.Call) -> bool:
    """Return whether a call seeds all of torch, and not a generator."""
    return called(call) in SEEDS and training.script.full(call.func).startswith(
        ("torch.manual", "torch.random", *SEEDS)
    )


def _are_gradients(training: Training, call: ast.Call) -> bool:
    """Return whether a collective is given a gradient, or what a name was made of from gradients."""
    given = call.args[0] if call.args else None
    if given is None:
        return False
    made = [o.expr for o in training.values.origins(given) if o is not None]
    return any("grad" in words_of(node) for node in (given, *made))
