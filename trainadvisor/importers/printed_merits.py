"""The figures of merit in a line that a running script prints (accuracy, F1, return), and of which data they are."""

import math
import re
from collections.abc import Iterator
from itertools import pairwise

from trainadvisor.importers.decode.chinese_names import in_english
from trainadvisor.importers.decode.printed_figures import FIGURE, figures, means
from trainadvisor.importers.decode.printed_places import is_unfinished
from trainadvisor.importers.field_values import as_float, number
from trainadvisor.importers.metric_names import HELD_OUT, REWARD, TRAIN, direction, words_of

LONGEST_NAME = 40
# What is no result of this evaluation: the best so far, how it changed, and what others reach.
OTHER = frozenset({
    "best", "max", "min", "target", "threshold", "baseline", "chance", "random", "majority", "std", "previous", "old",
    "required", "expected", "goal", "drop", "gap", "delta", "diff", "change", "gain", "improvement", "patience",
})  # fmt: skip
# A word for data: what follows in the line is of them.
DATA = re.compile(
    r"(?<![a-z])(train(?:ing)?|trn|val(?:id(?:ation)?)?|test(?:ing)?|eval(?:uation)?|dev)(?![a-z])", re.IGNORECASE
)
# So many right of so many, as in "Accuracy: 9901/10000 (99%)".
COUNTED = re.compile(r"(?<=[:=\s(])(\d+)\s?/\s?(\d+)(?![\d/])")
# A name and its number without a sign between them.
MERIT = r"(?:acc(?:uracy)?|f1|auc|iou|dice|reward|return|r2|bleu|mae|rmse|perplexity|ppl)"
BARE = re.compile(rf"\b((?:[a-z]+[ _])?{MERIT})\s+({FIGURE})", re.IGNORECASE)
# Of what it is stands between: the accuracy of the network on the test images.
OF = re.compile(
    rf"\b(?P<merit>{MERIT}) (?:of|on|for)\b[^:=|]{{0,60}}\b(?P<data>train|val|test)[a-z]*\b[^:=|,]{{0,20}}[:=]"
    rf"\s*(?P<figure>{FIGURE})",
    re.IGNORECASE,
)

Merits = dict[str, float]


def merits(line: str) -> dict[str, Merits]:
    """Return the figures of merit of a line by name: "held_out", else "unsaid" where it does not say of which data.

    What stands unsaid beside a figure of held-out data is of the training.
    """
    line = OF.sub(r"\g<data> \g<merit>: \g<figure>", in_english(line))
    found: dict[str, Merits] = {"held_out": {}, "unsaid": {}}
    for data, part in () if is_unfinished(line) else _parts(COUNTED.sub(_share, line)):
        for name, value in _figures(part):
            said = set(words_of(name)) & (HELD_OUT | REWARD)
            if said or data not in TRAIN:
                found["held_out" if said or data else "unsaid"][f"{data} {name}" if data and not said else name] = value
    return next(({data: values} for data, values in found.items() if values), {})


def _parts(line: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a line, each with the word for the data that it begins with, but that of the best so far."""
    heads = list(DATA.finditer(line))
    places = [0, *(head.start() for head in heads), len(line)]
    for (start, end), word in zip(pairwise(places), ["", *(head[1].lower() for head in heads)], strict=True):
        before = words_of(line[max(start - LONGEST_NAME, 0) : start])[-1:]
        if OTHER.isdisjoint(before):
            yield word, line[start:end]


def _figures(part: str) -> Iterator[tuple[str, float]]:
    row = figures(means(part)) | {name: as_float(value) for name, value in BARE.findall(part)}
    for name, value in row.items():
        known = number(value)
        if known is not None and math.isfinite(known) and _is_merit(name):
            yield name, known


def _is_merit(name: str) -> bool:
    words = set(words_of(name))
    return len(name) <= LONGEST_NAME and direction(name) is not None and not words & (OTHER | TRAIN)


def _share(counted: re.Match[str]) -> str:
    right, of = int(counted[1]), int(counted[2])
    return f"{right / of:.6f}" if of and right <= of else counted[0]
