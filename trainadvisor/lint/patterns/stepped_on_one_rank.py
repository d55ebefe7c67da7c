"""An optimizer or a schedule that steps in one process of several only: from then on their weights differ."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

ONE = re.compile(
    r"^(\w+\.)*(local_|global_)?rank\(?\)? == 0$|^0 == (\w+\.)*rank$|^not (\w+\.)*rank$|get_rank\(\) == 0$|"
    r"is_(main|master|local_main|rank_zero)\w*(\(\))?$|master_process$",
    re.IGNORECASE,
)


@pattern("seed", words=(("rank", "is_main", "master_process"), ("DistributedDataParallel", "fully_shard", "FSDP",
                                                               "FullyShardedDataParallel"), (".step(",)))  # fmt: skip
def replica_divergence(training: Training) -> Iterator[Match]:
    """Yield steps inside of an if that only one process enters."""
    for call in training.methods("step"):
        stepped = call.func.value  # type: ignore[attr-defined]
        if call not in training.steps and not training.is_schedule(stepped):
            continue
        inner: ast.AST = call
        for node in training.script.ancestors(call):
            if isinstance(node, ast.If) and inner in node.body and ONE.search(words_of(node.test)):
                yield Match(call, {"seed": ast.unparse(call)}, node)
                break
            inner = node
