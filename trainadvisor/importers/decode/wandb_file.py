"""What a W&B run file (run-*.wandb) holds: history rows, configuration, exit code."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from trainadvisor.importers.decode.leveldb_log import LogRecords
from trainadvisor.importers.decode.protobuf import MalformedError, fields, floating, signed, text

MAGIC = b":W&B"
PREAMBLE = 7
HISTORY, CONFIG, RUN, EXIT, HEADER = 2, 5, 17, 18, 21
RUN_CONFIG, RUN_PROJECT, RUN_NAME, RUN_ID = 4, 3, 8, 1
ITEM, HISTORY_STEP = 1, 2
KEY, NESTED_KEY, NONE, BOOLEAN, INTEGER, NUMBER, TEXT, JSON, VALUE_JSON = 1, 2, 3, 4, 5, 6, 7, 8, 16
EXIT_CODE = 1

Row = dict[str, Any]


@dataclass
class WandbRun:
    """Iterates over the history rows of a run file; the other facts are known once it was read."""

    file: BinaryIO
    config: Row = field(default_factory=dict)
    version: str = ""
    name: str = ""
    exit_code: int | None = None
    wrong: int = 0
    torn: bool = False

    def __iter__(self) -> Iterator[Row]:
        log = LogRecords(self.file, PREAMBLE)
        for record in log:
            try:
                rows = self._take(record)
            except MalformedError:
                self.wrong += 1
                continue
            yield from rows
        self.wrong += log.wrong
        self.torn = log.torn

    def _take(self, record: bytes) -> list[Row]:
        """Take the facts of one record and return the history rows in it."""
        rows = []
        for number, value in fields(record):
            if not isinstance(value, bytes):
                continue
            if number == HISTORY:
                rows.append(_history(value))
            elif number == CONFIG:
                self.config.update(_items(value))
            elif number == RUN:
                self._take_run(value)
            elif number == EXIT:
                self.exit_code = next((signed(v) for n, v in fields(value) if n == EXIT_CODE and isinstance(v, int)), 0)
            elif number == HEADER:
                self._take_header(value)
        return rows

    def _take_run(self, message: bytes) -> None:
        for number, value in fields(message):
            if number == RUN_CONFIG and isinstance(value, bytes):
                self.config.update(_items(value))
            elif number == RUN_NAME or (number == RUN_ID and not self.name):
                self.name = text(value)

    def _take_header(self, message: bytes) -> None:
        for number, value in fields(message):
            if number == 1 and isinstance(value, bytes):
                self.version = next((text(inner) for place, inner in fields(value) if place == 1), "").split("+")[0]


def _history(message: bytes) -> Row:
    row = _items(message)
    for number, value in fields(message):
        if number == HISTORY_STEP and isinstance(value, bytes):
            step = next((signed(inner) for place, inner in fields(value) if place == 1 and isinstance(inner, int)), 0)
            row.setdefault("_step", step)
    return row


def _items(message: bytes) -> Row:
    """Return the items of a history or configuration record; nested keys are joined by dots."""
    row: Row = {}
    for number, value in fields(message):
        if number == ITEM and isinstance(value, bytes):
            key, held = _item(value)
            if key:
                row[key] = held
    return row


def _item(message: bytes) -> tuple[str, Any]:
    key, nested, held = "", [], None
    for number, value in fields(message):
        if number == KEY:
            key = text(value)
        elif number == NESTED_KEY:
            nested.append(text(value))
        else:
            held = _held(number, value)
    return ".".join(nested) or key, held


def _held(number: int, value: int | bytes) -> Any:
    """Return the value of an item: written as JSON, since 0.31 also by type."""
    if number in (VALUE_JSON, JSON):
        return _parsed(text(value))
    if isinstance(value, int) and number in (BOOLEAN, INTEGER):
        # the integer is a sint64, which is zigzag-coded
        return bool(value) if number == BOOLEAN else (value >> 1) ^ -(value & 1)
    if number == NUMBER:
        return floating(value)
    return text(value) if number == TEXT else None


def _parsed(words: str) -> Any:
    try:
        return json.loads(words)
    except (ValueError, RecursionError):
        return words
