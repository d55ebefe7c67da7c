"""The figures of merit in a line that a running script prints (accuracy, F1, return), and of which data they are."""

import math
import re
from collections.abc import Iterator
from itertools import pairwise

from trainadvisor.importers.decode.chinese_names import in_english
from trainadvisor.importers.decode.printed_figures import FIGURE, figures, means
from trainadvisor.importers.decode.printed_places import is_unfinished
from trainadvisor.importers.field_values import as_float, number
from trainadvisor.importers.metric_names import HELD_OUT, REWARD, TRAIN, direction, meaning, words_of

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
# The words of a name before the one for the data.
LEADING = re.compile(r"(?:(?<![\w.])[A-Za-z][\w-]*\s+){0,3}(?:(?<![\w.])[A-Za-z][\w-]*[_/-])?$")
LOSS = re.compile(r"(?<![a-z])loss(?![a-z])", re.IGNORECASE)
# So many right of so many, as in "Accuracy: 9901/10000 (99%)".
COUNTED = re.compile(r"(?<=[:=\s(])(\d+)\s?/\s?(\d+)(?![\d/])")
# A name and its number without a sign between them.
MERIT = r"(?:acc(?:uracy)?|f1|auc|m?iou|dice|reward|return|r2|bleu|mae|rmse|perplexity|ppl)"
BARE = re.compile(rf"\b((?:[a-z]+[ _])?{MERIT})\s+({FIGURE})", re.IGNORECASE)
# Of what it is stands between: the accuracy of the network on the test images.
OF = re.compile(
    rf"\b(?:(?:train|val|test)[a-z]*[ ])?(?P<merit>{MERIT}) (?:of|on|for)\b[^:=|]{{0,60}}"
    rf"\b(?P<data>train|val|test)[a-z]*\b[^:=|,]{{0,20}}[:=]\s*(?P<figure>{FIGURE})",
    re.IGNORECASE,
)
# It stands in brackets behind: Accuracy (val): 0.9.
BEHIND = re.compile(
    rf"\b((?:mean )?{MERIT}(?:[ -]score)?) ?[(\[](train|val|test|eval|dev)[a-z]*(?: set)?[)\]]\s*[:=]?\s*(?={FIGURE})",
    re.IGNORECASE,
)

Merits = dict[str, float]


def merits(line: str) -> dict[str, Merits]:
    """Return the figures of merit of a line by name: "held_out", else "unsaid" where it does not say of which data.

    What stands unsaid beside a figure of held-out data, or beside a loss, is of the training.
    """
    line = BEHIND.sub(r"\2 \1: ", OF.sub(r"\g<data> \g<merit>: \g<figure>", in_english(line)))
    found: dict[str, Merits] = {"held_out": {}, "unsaid": {}}
    for data, part in () if is_unfinished(line) else _parts(COUNTED.sub(_share, line)):
        for name, value in _figures(part):
            said = set(words_of(name)) & (HELD_OUT | REWARD)
            if said or data not in TRAIN:
                found["held_out" if said or data else "unsaid"].setdefault(
                    name if said else f"{data} {name}".strip(), value
                )
    if LOSS.search(line):
        del found["unsaid"]
    return next(({data: values} for data, values in found.items() if values), {})


def _parts(line: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a line, each with the word for the data that it begins with or that its first name holds."""
    heads = [(_start(line, head.start()), head[1].lower()) for head in DATA.finditer(line)]
    places = [0, *(start for start, _ in heads), len(line)]
    for (start, end), word in zip(pairwise(places), ["", *(word for _, word in heads)], strict=True):
        yield word, line[start:end]


def _start(line: str, place: int) -> int:
    """Return where the name begins in the middle of which a word stands, as in "best student val acc"."""
    before = LEADING.search(line, max(place - LONGEST_NAME, 0), place)
    return before.start() if before else place


def _figures(part: str) -> Iterator[tuple[str, float]]:
    row = figures(means(part)) | {name: as_float(value) for name, value in BARE.findall(part)}
    for name, value in row.items():
        known = number(value)
        if known is not None and math.isfinite(known) and _is_merit(name):
            yield name, known


def _is_merit(name: str) -> bool:
    words = set(words_of(name))
    other = words & (OTHER | TRAIN) or meaning(name).role == "figure"  # as the rewards of a preference loss
    return len(name) <= LONGEST_NAME and direction(name) is not None and not other


def _share(counted: re.Match[str]) -> str:
    right, of = int(counted[1]), int(counted[2])
    return f"{right / of:.6f}" if of and right <= of else counted[0]
