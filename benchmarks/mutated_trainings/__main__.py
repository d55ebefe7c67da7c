"""Mutated trainings: how faults are told that nobody thought up.

python benchmarks/mutated_trainings CORPUS [--mutants 80] [--seed 1] [--work DIR] [--only NAME] [--results FILE]
Sound trainings (of a corpus and of the examples) get one mistake each, in one place of their syntax tree outside of
their own evaluation, as users err: a statement dropped, arguments swapped, another axis, operator, number or variable.
A training is faulty where the metric that it prints keeps less than 70 % of what sound runs gain over chance, far
outside of the noise of seeds; harmless where the metric is alike. Chance is the better of the metrics without steps
and with shuffled targets. Every run is kept in the work folder, so that one that was broken off goes on, and a
later one only judges again.
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1])]

from effects import HEALTHY, Row, effect, open_still, said, table  # noqa: E402 - found by the path above
from forks import warmed  # noqa: E402 - found by the path above
from mistakes import Mistake, mistakes  # noqa: E402 - found by the path above
from runs import run, seeded  # noqa: E402 - found by the path above
from sources import SEEDS, Source, scripts, source  # noqa: E402 - found by the path above

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = ("<!-- mutated-trainings -->", "<!-- /mutated-trainings -->")
# A mistake that does not run costs little, but a script may have few that do.
MOST_TRIES = 8
OF_EACH = 4


def drawn(found: list[Mistake], seed: str) -> list[Mistake]:
    """Return mistakes in a random order in which every kind comes as often."""
    chance = random.Random(seed)  # noqa: S311 - a sample, no secret
    kinds: dict[str, list[Mistake]] = {}
    for mistake in found:
        kinds.setdefault(mistake.kind, []).append(mistake)
    for of_kind in kinds.values():
        chance.shuffle(of_kind)
    order = []
    while kinds:
        kind = chance.choice(sorted(kinds))
        order.append(kinds[kind].pop())
        if not kinds[kind]:
            del kinds[kind]
    return order


def row(work: Path, sound: Source, mistake: Mistake, *, judgeable: bool) -> Row | None:
    """Run a training with a mistake, and under other seeds where one does not tell; None where it fails."""
    text = mistake.text()
    ran = run(work, sound.beside, seeded(text, 0), "recorded")
    if not ran.done or ran.metric is None or ran.log is None:
        return None
    metrics = [ran.metric]
    for number in range(1, SEEDS):
        if not open_still(sound, metrics):
            break
        again = run(work, sound.beside, seeded(text, number))
        if not again.done or again.metric is None:
            return None
        metrics.append(again.metric)
    kind, closed = effect(sound, metrics)
    state, alarms = said(ran.log)
    return Row(sound.name, mistake, kind, closed, state, alarms, judgeable, ran.log)


def of_source(work: Path, sound: Source, seed: int, wanted: int) -> Iterator[Row]:
    """Yield as many trainings with a mistake as are wanted, or as many as run."""
    log = run(work, sound.beside, seeded(sound.text, 0), "recorded").log
    if log is None:
        return
    judgeable = said(log)[0] == HEALTHY
    found = drawn(mistakes(sound.text, scaled=sound.scaled), f"{seed} {sound.name}")
    for mistake in found[: wanted * MOST_TRIES]:
        made = row(work, sound, mistake, judgeable=judgeable)
        if made is not None:
            yield made
            wanted -= 1
            if not wanted:
                return


def measured(work: Path, corpus: Path, only: str, wanted: int, seed: int) -> Iterator[Row]:
    """Yield the rows, some of each training, the trainings in a random order."""
    found = [script for script in scripts(corpus) if only in script[0]]
    random.Random(seed).shuffle(found)  # noqa: S311 - a sample, no secret
    for name, text, beside in found:
        made = source(work, name, text, beside)
        if isinstance(made, str):
            print(f"{name}: {made}", file=sys.stderr, flush=True)
            continue
        for number, held in enumerate(of_source(work, made, seed, OF_EACH)):
            yield held
            print(f"{number} {held.effect} {held.line()} {held.log}", file=sys.stderr, flush=True)
            wanted -= 1
            if not wanted:
                return


def main() -> None:
    """Measure, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--mutants", type=int, default=80)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("/tmp/trainadvisor-mutated"), help="where runs are kept")  # noqa: S108
    parser.add_argument("--only", default="", help="part of the name of the trainings")
    parser.add_argument("--results", type=Path, help="a Markdown file whose section is rewritten")
    given = parser.parse_args()
    warmed()
    rows = list(measured(given.work.resolve(), given.corpus.resolve(), given.only, given.mutants, given.seed))
    command = f"python benchmarks/mutated_trainings CORPUS --mutants {given.mutants} --seed {given.seed}"
    text = table(rows, command)
    print(text)
    if given.results:
        held = given.results.read_text(encoding="utf-8")
        head, _, rest = held.partition(MARK[0])
        given.results.write_text(f"{head}{MARK[0]}\n{text}\n{MARK[1]}{rest.partition(MARK[1])[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
