"""Sound trainings to make mistakes in, with what each reaches and what is reached there without learning."""

from __future__ import annotations

import ast
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lines import Tidy
from lint import Variant
from runs import NAMELESS, TREE, Ran, finite, run, seeded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEEDS = 3
# Longer trainings (in seconds of the processor), and those that hardly beat chance or their own noise, show too little
# for their time.
LONGEST_SOUND = 2
CLEAR = 5.0
LEAST_NOISE = 0.02
"""Share of the gain that counts as noise where all seeds happen to end alike."""


@dataclass(frozen=True)
class Source:
    """A sound training with its yardstick."""

    name: str
    text: str
    beside: Path
    metric: str
    sound: tuple[float, ...]
    chance: float

    @property
    def gain(self) -> float:
        """What the sound runs gain over chance, with its sign."""
        return statistics.fmean(self.sound) - self.chance

    @property
    def noise(self) -> float:
        """By how much sound runs differ."""
        return max(statistics.stdev(self.sound), LEAST_NOISE * abs(self.gain))

    @property
    def scaled(self) -> bool:
        """Whether the metric depends on the unit of the targets."""
        return not any(word in self.metric for word in NAMELESS)


def scripts(corpus: Path) -> Iterator[tuple[str, str, Path]]:
    """Yield name, text and folder of the sound scripts of a corpus and of the examples."""
    for path in sorted((corpus / "healthy").glob("*.py")):
        yield f"healthy/{path.stem}", path.read_text(encoding="utf-8"), path.parent
    for path in sorted((corpus / "cases").glob("*.py")):
        tree = Tidy().visit(Variant("fixed").visit(ast.parse(path.read_text(encoding="utf-8"))))
        yield f"cases/{path.stem}", ast.unparse(ast.fix_missing_locations(tree)), path.parent
    for path in sorted((TREE / "examples").glob("*.py")):
        yield f"examples/{path.stem}", path.read_text(encoding="utf-8"), path.parent


def source(work: Path, name: str, text: str, beside: Path) -> Source | str:
    """Return a source with its yardstick, or why it is none."""
    first = run(work, beside, seeded(text, 0), spending=LONGEST_SOUND)
    if not first.done or first.metric is None:
        return "too long" if first.seconds > 0.9 * LONGEST_SOUND else "prints no metric"
    others = [run(work, beside, seeded(text, number)) for number in range(1, SEEDS)]
    sound = finite([first.metric, *(ran.metric for ran in others)])
    without = [run(work, beside, seeded(text, 0), how) for how in ("still", "unpaired")]
    if len(sound) < SEEDS or not finite([ran.metric for ran in without if ran.done]):
        return "no yardstick"
    made = Source(name, text, beside, first.name, tuple(sound), _best(without, statistics.fmean(sound)))
    if abs(made.gain) < CLEAR * made.noise:
        return "too noisy"
    if (made.gain < 0) == any(word in made.metric for word in NAMELESS):
        return "no better than chance"
    return made


def _best(without: list[Ran], sound: float) -> float:
    """Return what comes nearest to the sound runs of what was reached without learning."""
    return min(finite([ran.metric for ran in without if ran.done]), key=lambda value: abs(value - sound))
