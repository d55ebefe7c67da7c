"""The names and numbers of a printed line."""

import math
import re
from functools import lru_cache
from typing import Any

from trainadvisor.importers.field_values import as_float
from trainadvisor.importers.metric_names import meaning
from trainadvisor.importers.table import Row

FIGURE = r"[-+]?(?:\d+(?:,\d{3})*(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|nan|inf)(?!\w|\.\w)"
# A number as libraries print it: tensor(0.5), np.float32(0.5).
WRAPPED = r"(?:(?:tensor|(?:np\.|numpy\.)?float\d*)\()?"
# Possessive, so that a long line without numbers takes time in proportion to its length.
NAME_BEFORE = r"""(?<![\w./@-])['"]?([A-Za-z_][\w./@-]*+(?:[ ](?!\d)[A-Za-z_][\w./@-]*+){0,3}+)['"]?"""
PAIR = re.compile(
    NAME_BEFORE + r"""(?:\s*\([^()]{0,20}\))?\s*[:=]\s*['"]?""" + WRAPPED + "(" + FIGURE + ")", re.IGNORECASE
)
# The letters ahead are those that a name begins with: where another stands, nothing else is tried.
BESIDE = re.compile(
    r"\b(?=[tvelnfa])((?:(?:train|val|valid|validation|eval|test)[ _]?)?(?:loss|norm|lr)|num_updates|f1-score|Acc@[15])"
    r"(?:\s\([a-z ]{1,20}\))?\s+" + WRAPPED + "(" + FIGURE + ")",
    re.IGNORECASE,
)
FIELD = re.compile(r"\|\s*([A-Za-z_][\w./]*)\s+(" + FIGURE + r")\s*(?=\||$)", re.IGNORECASE)
LISTED = re.compile(r"([A-Za-z_][\w./ -]{0,40}?)\s*[:=]?\s*\[([-+\d.eE, nainf]+)\]")
# darknet: the step, the loss of the batch, its running average and the rate, their names after them or none.
DARKNET = re.compile(rf"\s*(\d+): ({FIGURE}), ({FIGURE}) avg(?: loss)?, ({FIGURE}) rate", re.IGNORECASE)
# CycleGAN and pix2pix: what follows their clock are losses, whose names do not say so: D_A, G_GAN, cycle_B.
PLAYERS = re.compile(r"\(epoch: \d+, iters: \d+, time: [\d.]+(?:, data: [\d.]+)?\)[ ,]*")
# What a program says of a loss that it stops at.
SAID_NAN = re.compile(
    r"\bloss (?:is|became|was) (?:infinite or )?(?:nan|inf)|\bnan loss\b|\binvalid loss, terminating"
    r"|diverged with loss = nan|your loss is probably exploding",
    re.IGNORECASE,
)
# A value with the mean of all so far.
WITH_MEAN = re.compile(rf"{FIGURE}\s*\(\s*({FIGURE})\)", re.IGNORECASE)
OWNER = re.compile(r"(\w)'s (?=\w)")


def figures(line: str) -> Row:
    """Return the names and numbers of a line."""
    if ", iters: " in line and (clock := PLAYERS.search(line)):
        return {f"loss_{name}": as_float(value) for name, value in PAIR.findall(line[clock.end() :])}
    row: Row = {}
    line = OWNER.sub(r"\1_", line) if "'s " in line else line
    for pattern in (BESIDE, FIELD, PAIR):
        for name, value in pattern.findall(line):
            row[_named(name)] = as_float(value.replace(",", "") if "," in value else value)
    for name, values in LISTED.findall(line) if "[" in line else ():
        _take_list(row, _named(name), [as_float(value.strip()) for value in values.split(",")])
    if not row and " avg" in line and (found := DARKNET.match(line)):
        row = {"step": int(found[1]), "loss": as_float(found[3]), "lr": as_float(found[4])}
    if "lm loss value" in row:
        row["lm loss"] = row.pop("lm loss value")
    if "consumed samples" in row and _is_broken(row):
        row["lm loss"] = math.nan
    return row


def means(line: str) -> str:
    """Return a line with the mean in place of each value that has one beside it."""
    return WITH_MEAN.sub(r"\1", line) if "(" in line else line


def _take_list(row: Row, name: str, values: list[Any]) -> None:
    """Take the mean of a list of figures of merit, one a class, and the first of a list of rates, one a group."""
    known = [value for value in values if isinstance(value, float)]
    role = meaning(name).role
    if known and len(known) == len(values) and role in ("metric", "train_metric", "lr"):
        row.setdefault(name, known[0] if role == "lr" else sum(known) / len(known))


def _is_broken(row: Row) -> bool:
    """Return whether Megatron left out the loss, which it prints if it is at least 0, beside a gradient that is NaN."""
    norm = row.get("grad norm")
    return norm is not None and math.isnan(norm) and not any(meaning(name).role == "loss" for name in row)


@lru_cache(maxsize=4096)
def _named(name: str) -> str:
    """Return the name without the words before it that only lead to it."""
    words = name.strip().split(" ")
    while len(words) > 1 and words[0].lower() in {"info", "and", "with", "at", "the", "step", "epoch", "iter"}:
        words = words[1:]
    return " ".join(words[1:] if len(words) > 1 and words[0] == "s." else words)
