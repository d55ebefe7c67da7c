"""Where in a training a printed line stands: its step, its epoch, and whether it tells of held-out data."""

import re
from collections.abc import Iterator

from trainadvisor.importers.table import Row

STEP = re.compile(
    r"\b(?:global[ _])?(?:step|iteration|iter|it|episode)s?\b\s*[:=#]?\s*\[?\s*(\d+)(?:\s*/\s*(\d+))?", re.IGNORECASE
)
EPOCH = re.compile(
    r"\b(?:epoch|pass)\b(?:\((?:train|val|valid|test)\))?\s*[:=#]?\s*\[?\s*(\d+)\]?(?:\s*/\s*(\d+))?", re.IGNORECASE
)
GLOBAL = re.compile(r"\bglobal[ _]steps?\b\s*[:=#]?\s*(\d+)()", re.IGNORECASE)
BATCH = re.compile(r"\bbatch\b\s*[:=#]?\s*\[?\s*(\d+)\s*/\s*(\d+)", re.IGNORECASE)
# Epoch and batch without their names: "[0/25][100/1583]".
TWO = re.compile(r"^\W*\[\s*(\d+)/\d+\]\s*\[\s*(\d+)/\d+\]")
OF = re.compile(r"\[\s*(\d+)\s*/\s*(\d+)\s*(?:\(\d+%\))?\]")
# The count of tqdm: its bar, then "12/100 [".
COUNT = re.compile(r"\|\s*(\d+)/(\d+)\s*\[\d")
BAR = re.compile(r"^\s*(\d+)/(\d+)\s.{0,60}?(?:\[|━|\d+s)")
# The step that begins a line: "s:12 ", "[12]\t" of boosted trees, "logging_writer.py:48] [12] " of JAX.
SHORT = re.compile(r"\s*(?:s:(\d+)\s|\[(\d+)\]\s|[^\]\n]{0,200}:\d+\]\s\[(\d+)\]\s)")
# What loggers put before what is said: a time, a level, the place in the source.
PREFIX = r"^(?:\W*+(?:\d[\w:.,/+-]*+|(?:INFO|DEBUG|WARNING)(?::[\w.]++(?=:))?|root|[\w.]++:\d++)(?!\w))*+[\W_]*+"
# A line about held-out data: by its first word, by a field of fairseq's, by Megatron's words, by mmengine's.
HELD_OUT = re.compile(
    PREFIX
    + r"(?:test|valid|validation|val|eval|evaluation|dev)\b(?!\w*[_ /.-]*(?:loss\b(?! at iter)|acc|cost|perplexity))"
    r"|\|\s*(?:valid|test)(?: on '[^']{0,40}' subset)?\s*\||^\s*\*\s*Acc@1|\bEpoch\((?:val|test)\)|\bcur metric\b",
    re.IGNORECASE,
)
# One of these stands in every line about held-out data; looking for them is cheap.
WORDS = ("val", "test", "dev", "metric", "acc@1")
# A word that heads a part of a line: "[valid] loss=...", "Val: loss 0.5", "| val - loss 0.5".
HEAD = re.compile(
    r"(?:^|[\s|,;(])(?:\[(train|valid|val|test|dev|eval)\]|(train|valid|val|test|dev|eval)\w{0,9}\s?[:|-])\s+(?=[a-z])",
    re.IGNORECASE,
)


def place(line: str) -> tuple[Row, int | None]:
    """Return step and epoch that a line names, and the total of the steps."""
    found: Row = {}
    if two := TWO.match(line):
        return {"epoch": int(two[1]), "step": int(two[2])}, None
    low = line.lower()  # a word is looked for much faster than a pattern
    epoch = EPOCH.search(line) if "epoch" in low or "pass" in low else None
    step = COUNT.search(line) or (GLOBAL.search(line) if "global" in low else None) or STEP.search(line)
    step = step or (BATCH.search(line) if "batch" in low else None)
    if epoch is not None:
        found["epoch"] = int(epoch.group(1))
    short = SHORT.match(line) or OF.search(line, epoch.end(1) if epoch else 0)
    step = step or (None if is_held_out(line) else short)
    if step is None:
        return found, None
    total = step.group(2) if step is not short and epoch is None else None
    return {**found, "step": int(next(filter(None, step.groups())))}, int(total) if total else None


def is_held_out(line: str) -> bool:
    """Return whether a line tells of held-out data."""
    low = line.lower()
    return any(word in low for word in WORDS) and HELD_OUT.search(line) is not None


def is_unfinished(line: str) -> bool:
    """Return whether a line is a progress bar before its end, whose figures are those of a part of an epoch."""
    bar = BAR.match(line)
    return bar is not None and bar.group(1) != bar.group(2)


def is_of_many(line: str) -> bool:
    """Return whether a line about held-out data is one of several about one evaluation, the last of which holds."""
    return OF.search(line) is not None or line.lstrip().startswith("*")


def sections(line: str) -> Iterator[tuple[bool, str]]:
    """Yield the parts of a line that begin with a word for the data, each with whether these are held out."""
    low = line.lower()
    heads = list(HEAD.finditer(line)) if any(word in low for word in WORDS) else []
    if not any(_is_held_out(head) for head in heads):
        yield is_held_out(line), line
        return
    yield False, line[: heads[0].start()]
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        yield _is_held_out(head), line[head.end() : following.start() if following else None]


def _is_held_out(head: re.Match[str]) -> bool:
    return (head[1] or head[2]).lower() != "train"
