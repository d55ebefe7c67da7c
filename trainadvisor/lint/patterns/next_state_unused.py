"""Targets that add the value of the state in which an action was taken, while the next state is never read."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.episode_ends import END
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.terminal_not_masked import (
    REWARD,
    batches,
    belongs,
    closure,
    is_asked,
    is_used,
    sides_of_target,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

NEXT = re.compile(
    r"(^|_)(next|nxt|new|future)|(next|nxt|prime|2|_p|_|tp1|t1)$|^(s|n|ns|obs|o)_?(n|p|2|1)$", re.IGNORECASE
)


@pattern("target", "next", "state", words=(("gamma", "GAMMA", "discount", "0.9"), ("next", "nxt", "new_", "2", "_")))
def next_state_unused(training: Training) -> Iterator[Match]:
    """Yield sums of a reward and a discounted value of a state whose next state nothing reads."""
    for batch in batches(training):
        named = [name for name in batch.names if NEXT.search(name) and not END.fullmatch(name) and name.strip("_")]
        unread = [name for name in named if not REWARD.fullmatch(name) and not is_used(batch, name)]
        if len(unread) != 1:
            continue
        for node in (n for s in batch.region for n in ast.walk(s)):
            sides = sides_of_target(node)
            if sides is None or not belongs(training, node, batch):
                continue
            reward, value = (closure(batch, side) for side in sides)
            states = (value & set(batch.names)) - reward - {unread[0], "self"}
            states = {name for name in states if not END.fullmatch(name)}
            earned = any(map(REWARD.fullmatch, reward & set(batch.names)))
            if earned and len(states) == 1 and is_asked(batch, sides[1], states):
                values = {"target": ast.unparse(node), "next": unread[0], "state": next(iter(states))}
                yield Match(node, values, batch.head)
