"""One JSON document: transformers' trainer_state.json, a Keras history, skorch's history, any list of rows."""

import json
import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from trainadvisor.errors import LogError
from trainadvisor.importers.decode.tracked import flattened
from trainadvisor.importers.opening import document, text
from trainadvisor.importers.table import Row, Table

NAME = "JSON document"
RANK = 2
STATE = "transformers trainer_state.json"
START = re.compile(r'\s*(?:\{\s*["}]|\[\s*[\[{\]])')
# A history as Python prints it: a dictionary of lists.
PRINTED = re.compile(r"\s*\{\s*'[^'\n]{1,80}'\s*:\s*\[")
WRAPPED = re.compile(r"\b(?:np\.)?float\d*\(([^()]*)\)")
WORDS = {"nan": "NaN", "inf": "Infinity", "None": "null", "True": "true", "False": "false"}


def matches(head: bytes, path: Path) -> bool:
    """Return whether a text is one JSON value over several lines, or a single one."""
    del path
    start = text(head).lstrip("\ufeff")
    return START.match(start) is not None or PRINTED.match(start) is not None


def read(path: Path) -> Table:
    """Return the rows of whichever document it is."""
    try:
        found = json.loads(_as_json(document(path)))
    except (ValueError, RecursionError) as error:
        raise LogError(f"{path}: starts as JSON and is none ({error}); copy it again from where it was made") from error
    if isinstance(found, dict) and isinstance(found.get("log_history"), list):
        return _state(found)
    rows = list(_rows(found))
    if not rows:
        raise LogError(f"{path}: {_what(found)}")
    return Table(NAME, rows)


def _as_json(written: str) -> str:
    """Return the JSON of a dictionary that Python printed; what is JSON as it is."""
    if not PRINTED.match(written):
        return written
    plain = WRAPPED.sub(r"\1", written).replace("'", '"')
    return re.sub(r"\b(?:nan|inf|None|True|False)\b", lambda word: WORDS[word[0]], plain)


def _state(state: dict[str, Any]) -> Table:
    """Return the history of a Trainer; its last row sums up the training and is no point of it."""
    told = [row for row in state["log_history"] if isinstance(row, dict)]
    history = [row for row in told if "train_runtime" not in row]
    table = Table(STATE, history, planned_steps=_whole(state.get("max_steps")), hides_nan=True, may_be_empty=True)
    for row in told:
        table.clock.note(row.get("train_runtime"))
    names = (
        "logging_steps",
        "eval_steps",
        "save_steps",
        "max_steps",
        "num_train_epochs",
        "train_batch_size",
        "global_step",
    )
    table.config = {name: state[name] for name in names if isinstance(state.get(name), int | float)}
    every, taken = _whole(state.get("logging_steps")), _whole(state.get("global_step"))
    if not history and every and taken and every > taken:
        table.notes.append(
            f"logging_steps ({every}) is larger than the run ({taken} steps), so nothing was logged; set it to 1"
        )
    return table


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 1 else None


def _rows(found: Any) -> Iterator[Row]:
    """Yield the rows of a list of objects, or of an object of lists."""
    if isinstance(found, list):
        for place, row in enumerate(found):
            if isinstance(row, dict):
                plain = {name: value for name, value in row.items() if name != "batches"}
                yield {"step": place, **dict(flattened(plain))} if "epoch" not in row else dict(flattened(plain))
        return
    if not isinstance(found, dict):
        return
    lists = {name: held for name, held in found.items() if isinstance(held, list) and held and _is_plain(held[0])}
    if lists:
        for place, values in enumerate(zip_longest(*lists.values())):
            yield {"epoch": place, **dict(zip(lists, values, strict=True))}
        return
    for name in ("history", "metrics", "logs", "log"):
        yield from _rows(found.get(name)) if isinstance(found.get(name), dict | list) else ()


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, int | float)


def _what(found: Any) -> str:
    """Return what a document is, and the way on."""
    held = set(found) if isinstance(found, dict) else set()
    if "nbformat" in held:
        return "this is a notebook; export its script (jupyter nbconvert --to script) and `trainadvisor run` that"
    if "_runtime" in held or "_wandb" in held:
        return "this is a W&B summary: last values only; give the run-*.wandb beside it"
    if held & {"architectures", "model_type", "hidden_size", "torch_dtype"}:
        return "this is a model's configuration; give the log of its training (trainer_state.json, metrics.csv, ...)"
    return "this JSON holds no rows of a training; give a list of rows or a log (trainer_state.json, metrics.csv, ...)"
