"""A block taken apart by columns holds the records that parsing it as a whole would give, in their order."""

from __future__ import annotations

import json
import random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainadvisor.log.plain_steps import FEWEST, PlainSteps, split

VALUES = [None, True, "nan", "-inf", "", "a b", "a,b", '"', 0, -1, -0.0, 1e-7, 10**18, [], [1], [0.1, 2], {"a": 1}]


def step(number: int, draw: random.Random) -> dict[str, Any]:
    """Return a plain step, of which two values always change and one seldom does."""
    loss = round(1 / (1 + number), 4)
    return {
        "record": "step",
        "step": number,
        "opt": [0],
        "loss": loss,
        "lr": [0.1, loss],
        "batch": draw.choice([8, 8, 8, 5]),
    }


def block(seed: int, oddness: float) -> list[bytes]:
    """Return the lines of plain steps and some odd ones: other values, other fields, other order, other records."""
    draw = random.Random(seed)  # noqa: S311 - no secrets
    lines = []
    for number in range(draw.choice([FEWEST + 1, 150, 300])):
        record = step(number, draw)
        if draw.random() < oddness:
            record[draw.choice([*record, "wait"])] = draw.choice(VALUES)
        if draw.random() < oddness:
            record = dict(draw.sample(list(record.items()), len(record)))
        spaced = draw.random() < oddness / 3
        lines.append(json.dumps(record).encode() if spaced else orjson.dumps(record))
        if draw.random() < oddness:
            lines.append(orjson.dumps({"record": "layers", "step": number, "grad": [0.5] * draw.randrange(9)}))
    return lines


def joined(found: tuple[list[Any], PlainSteps]) -> list[Any]:
    """Return all records of a block that was taken apart."""
    others, plain = found
    return plain.with_others(others)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32), oddness=st.sampled_from([0.0, 0.02, 0.1, 0.4]))
def test_all_records_are_those_of_the_parsed_block(seed: int, oddness: float) -> None:
    """Few odd lines leave the others plain."""
    body = b",\n".join(block(seed, oddness))
    found = split(body)
    assert found or oddness >= 0.1
    if found:
        assert repr(joined(found)) == repr(orjson.loads(b"[" + body + b"]"))


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32),
    places=st.lists(st.tuples(st.floats(0, 0.999), st.sampled_from(b',\n[]{}":. 0e\\\xff')), min_size=1, max_size=4),
)
def test_a_changed_byte_is_never_read_as_something_else(seed: int, places: list[tuple[float, int]]) -> None:
    """What is no list in JSON is left to be parsed by lines."""
    body = bytearray(b",\n".join(block(seed, 0.02)))
    for share, byte in places:
        body[int(share * len(body))] = byte
    found = split(bytes(body))
    try:
        whole = orjson.loads(b"[" + body + b"]")
    except orjson.JSONDecodeError:
        assert found is None
        return
    if found:
        assert repr(joined(found)) == repr(whole)


def test_only_lines_that_differ_in_other_ways_are_parsed_one_by_one() -> None:
    """Plain steps come as columns, with the number of them before each other record."""
    draw = random.Random(0)  # noqa: S311 - no secrets
    lines = [orjson.dumps({**step(number, draw), "batch": 8}) for number in range(100)]
    lines.insert(40, b'{"record":"eval","step":40}')
    lines[70] = lines[70].replace(b'"batch":8', b'"batch":5')
    found = split(b",\n".join(lines))
    assert found
    others, plain = found
    assert [record["record"] for record in others] == ["eval", "step"]
    assert plain.before.tolist() == [40, 69]
    assert plain.columns["step"] == [*range(69), *range(70, 100)]
    assert plain.columns["batch"] == [8] * 99
    assert plain.columns["lr"][1] == [0.1, 0.5]


@pytest.mark.parametrize(
    "lines",
    [
        [b'{"record":"step","step":%d}' % number for number in range(FEWEST - 1)],
        [b'{"record":"layers","step":%d}' % number for number in range(99)],
        [b'{"record":"step","step":%d,"more":{"a":[%d]}}' % (number, number) for number in range(99)],
        [b'{"record":"step","step":0}'] * 99,
        [b'{"record":"step","step":%d' % number for number in range(99)],
    ],
    ids=["few", "layers", "nested", "all the same", "unclosed"],
)
def test_other_blocks_are_left_to_be_parsed(lines: list[bytes]) -> None:
    """Where there are few lines, none of steps, none that change, or no JSON."""
    assert split(b",\n".join(lines)) is None
