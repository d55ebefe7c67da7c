"""What a question comes to that compares training and validation data: which of the two is better."""

from __future__ import annotations

from itertools import pairwise

OVERFIT = "=overfit"
TRAIN, HELD = "=training", "=validation"
COMPARING = {"=above": True, "=high": True, "=better": True, "=below": False, "=low": False, "=worse": False}
GRADED = ("=better", "=worse")
NEARLY_ALL, ALL = 90, 100  # per cent of right answers
APART = 0.8  # the smaller of two figures, relative to the larger, below which they differ
SCORE = 10  # per cent of right answers, more than a loss mostly is
COUNTED = frozenset({"=epoch", "step", "hour", "day", "iteration"})  # a number of them is no figure of a loss


def compared(tokens: list[str], told: list[list[str]]) -> list[str]:
    """Return tokens where a comparison of training and validation data is what it comes to, whoever is named first."""
    if "=nan" in tokens:  # the losses before it say nothing
        tokens = [word for word in tokens if word not in ("=chance", "=normal")]
    loss = "=loss" in tokens
    if loss and _part(told):
        return [*tokens, OVERFIT]
    larger = None if "=reward" in tokens else _larger(tokens, told, loss=loss)
    if larger is None and {TRAIN, HELD, "=gap"} <= {*tokens}:
        return [*tokens, OVERFIT]
    if larger is None:
        return [word for word in tokens if word != OVERFIT] if _even(tokens) else tokens
    rest = [token for token in tokens if token not in COMPARING]
    return [*rest, OVERFIT if (larger == HELD) == loss else "=ahead"]


def _even(tokens: list[str]) -> bool:
    """Return whether who asks for overfitting or underfitting gives two figures, which are about the same."""
    figures = _figure_after(TRAIN, tokens), _figure_after(HELD, tokens)
    return {OVERFIT, "=underfit"} <= {*tokens} and None not in figures


def _larger(tokens: list[str], told: list[list[str]], *, loss: bool) -> str | None:
    """Return on which data the loss or the metric is said to be larger, None where they are not compared."""
    train, held = _figure_after(TRAIN, tokens), _figure_after(HELD, tokens)
    if train is not None and held is not None and (loss or "=accuracy" in tokens or min(train, held) > SCORE):
        low, high = sorted((train, held))
        apart = low < high * APART or (not loss and low > SCORE and high <= ALL and high - low >= SCORE)
        return (HELD if held > train else TRAIN) if apart else None
    levels = {side: up for clause in told if (side := _side(clause)) and (up := _level(clause, loss)) is not None}
    if len(set(levels.values())) > 1:
        return max(levels, key=lambda side: levels[side])
    if len(told) > 1 and levels:
        return None
    sides, ups = [token for token in tokens if token in (TRAIN, HELD)], _levels(tokens, loss)
    if len(set(sides)) == 1 or not sides or len(ups) != 1:
        return None
    return sides[0] if ups.pop() else (HELD if sides[0] == TRAIN else TRAIN)


def _part(told: list[list[str]]) -> bool:
    """Return whether the loss is said to rise on held-out data and to fall, or training to improve, on the others."""
    moves = {(_side(clause), token) for clause in told for token in clause}
    return (HELD, "=rise") in moves and bool({(TRAIN, "=fall"), (TRAIN, "=improve")} & moves)


def _side(clause: list[str]) -> str | None:
    """Return which data a clause is about, None where that is both or neither."""
    sides = {token for token in clause if token in (TRAIN, HELD)}
    return sides.pop() if len(sides) == 1 else None


def _level(clause: list[str], loss: bool) -> bool | None:  # noqa: FBT001 - one of two kinds of figure
    """Return whether a clause calls something high or low, None where it does neither or both."""
    ups = _levels(clause, loss) or ({False} if not loss and {"=stuck", "=poor"} & {*clause} else set())
    ups = ups or ({True} if not loss and "=improve" in clause else set())
    ups = ups or {True for token in clause if token.isdigit() and NEARLY_ALL <= int(token) <= ALL}
    return ups.pop() if len(ups) == 1 else None


def _levels(tokens: list[str], loss: bool) -> set[bool]:  # noqa: FBT001 - one of two kinds of figure
    """Return whether something is said to be larger, smaller, or both; a better loss is a smaller one."""
    return {
        COMPARING[token] if token not in GRADED else COMPARING[token] != loss for token in tokens if token in COMPARING
    }


def _figure_after(name: str, tokens: list[str]) -> float | None:
    """Return the first number after a token, before the other kind of data is named."""
    rest = tokens[tokens.index(name) + 1 :] if name in tokens else []
    for token, after in pairwise([*rest, ""]):
        if token in ("=training", "=validation"):
            return None
        if token[0].isdigit() and after not in COUNTED:
            return float(token)
    return None
