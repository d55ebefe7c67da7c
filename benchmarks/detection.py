"""Time to detection: the number of optimizer steps after which each expected finding first appears.

usage: python benchmarks/detection.py CORPUS LOGS [--most 40] [--class wiring]

CORPUS holds cases.toml; LOGS holds the recorded logs NAME.buggy.json. Each log is cut after 1, 2, 3, ... steps, as if
the script were still running, and judged; nothing is trained.
"""

from __future__ import annotations

import argparse
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from trainadvisor.judge.assembly import judge_log
from trainadvisor.judge.rule_loading import load
from trainadvisor.log.reader import read_log

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trainadvisor.judge.judgement import Judged
    from trainadvisor.judge.rulebook import Rulebook


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("logs", type=Path)
    parser.add_argument("--most", type=int, default=40, help="give up after this many steps")
    parser.add_argument("--family", default="wiring", help="only codes of this family count as detection")
    options = parser.parse_args()
    book = load()
    print("| case | expected | first found | after steps |\n|---|---|---|---|")
    for case in tomllib.loads((options.corpus / "cases.toml").read_text(encoding="utf-8"))["case"]:
        wanted = {code for code in case["detect"] if code in book.rules and book.rules[code].family == options.family}
        log = options.logs / f"{case['name']}.buggy.json"
        if wanted & set(case["root"]) and log.exists():
            code, steps = detect(log, wanted, book, options.most)
            after = steps if code else f"> {options.most}"
            print(f"| {case['name']} | {', '.join(sorted(wanted))} | {code or '-'} | {after} |")


def detect(log: Path, wanted: set[str], book: Rulebook, most: int) -> tuple[str | None, int]:
    """Return the first wanted code that is found at warning or error, and after how many steps."""
    lines = log.read_bytes().splitlines()
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "log.json"
        for steps in range(1, most + 1):
            part.write_bytes(b"\n".join(cut(lines, steps)) + b"\n]\n")
            for finding in flat(judge_log(read_log(part), book).findings):
                if finding.code in wanted and finding.severity != "note":
                    return finding.code, steps
    return None, most


def cut(lines: list[bytes], steps: int) -> Iterator[bytes]:
    """Yield the lines of a log up to the end of a number of steps."""
    yield b"["
    waiting = b""
    for line in lines[1:-1]:
        record = orjson.loads(line.rstrip(b","))
        if record["record"] in {"step", "layers", "event", "eval", "end"} and record.get("step", steps) >= steps:
            break
        if waiting:
            yield waiting + b","
        waiting = line.rstrip(b",")
    yield waiting


def flat(findings: Iterable[Judged]) -> Iterator[Judged]:
    """Yield findings and what they explain, to any depth."""
    for finding in findings:
        yield finding
        yield from flat(finding.explains)


if __name__ == "__main__":
    main()
