"""Learns from questions with known answers what each piece of one speaks for: words that tell answers apart count."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

ROUNDS = 4  # how often each question is looked at; more gains nothing
STEP, MARGIN = 0.5, 1.0  # how far one question moves the weights at most, and how clearly it shall be answered
ORDER = 7919  # a prime: the questions are taken so many apart, as those of one answer stand together
OFTEN = 2  # what a single question holds tells nothing of others
LEAST, UNIT = 0.02, 100  # weights smaller than this are left out; they are kept as whole hundredths
Weights = dict[str, list[list[int]]]  # of each piece: the numbers of answers, and what it speaks for each


def learn(questions: Sequence[Mapping[str, float]], names: Sequence[str]) -> Weights:
    """Return what the pieces of questions speak for: passive-aggressive updates, averaged over all steps."""
    import numpy as np

    answers = {name: number for number, name in enumerate(order(names))}
    counts = Counter(piece for held in questions for piece in held)
    rows = {piece: row for row, piece in enumerate(piece for piece, count in counts.items() if count >= OFTEN)}
    weights = np.zeros((len(rows), len(answers)), np.float32)
    total = np.zeros_like(weights)
    read = [_read(held, rows) for held in questions]
    steps = ROUNDS * len(questions)
    for step in range(steps):
        number = step * ORDER % len(questions)
        places, values = read[number]
        scores, right = values @ weights[places], answers[names[number]]
        reached, scores[right] = scores[right], -np.inf
        wrong = int(scores.argmax())
        missing = MARGIN - reached + scores[wrong]
        if missing > 0:
            change = min(STEP, missing / 2) * values
            for table, part in ((weights, 1.0), (total, 1.0 - step / steps)):
                table[places, right] += part * change
                table[places, wrong] -= part * change
    return {piece: _kept(total[row]) for piece, row in rows.items()}


def spoken_for(question: Mapping[str, float], weights: Weights, answers: Sequence[str]) -> dict[str, float]:
    """Return what a question's pieces speak for each answer, around 1 where they are clear."""
    scores = [0.0] * len(answers)
    for piece, value in question.items():
        for number, weight in zip(*weights.get(piece, ((), ())), strict=True):
            scores[number] += value * weight / UNIT
    return dict(zip(answers, scores, strict=True))


def order(names: Iterable[str]) -> list[str]:
    """Return the answers in the order of their numbers."""
    return list(dict.fromkeys(names))


def _read(held: Mapping[str, float], rows: Mapping[str, int]) -> tuple[list[int], NDArray[np.float32]]:
    import numpy as np

    known = [(rows[piece], value) for piece, value in held.items() if piece in rows]
    return [row for row, _ in known], np.array([value for _, value in known], np.float32)


def _kept(weights: NDArray[np.float32]) -> list[list[int]]:
    numbers = (abs(weights) >= LEAST).nonzero()[0]
    return [numbers.tolist(), (weights[numbers] * UNIT).round().astype(int).tolist()]
