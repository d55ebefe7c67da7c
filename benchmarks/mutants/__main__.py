"""How many changes of a single place in the package the tests notice.

python benchmarks/mutants [--mutants 60] [--seed 1] [--slow 10] [--work DIR] [--only PART] [--rooms ROOM...]
                          [--tests PATH...] [--again]
A random sample of mutants, each put into a copy of the tree and run against the tests that run the mutated line,
the quickest first, up to the first that fails. What was found is kept in the work folder: a run that was broken off
goes on. `--slow` of the sample come from the rooms that need torch (record, instrument). Numbers that nobody could
call wrong are left out by their kind, with the reason, in equivalent.toml; any other mutant that changes nothing
anybody could see stands there by the text of its line.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
import random
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from callers import HERE, copied, measured, run_tests
from mutations import Mutant, functions, mutants, statement

if TYPE_CHECKING:
    from collections.abc import Collection

MARK = ("<!-- mutants -->", "<!-- /mutants -->")
JUDGING = (
    "log", "signals", "judge", "gate", "verify", "trials", "preflight", "report", "importers", "monitor", "mending",
    "changes",
)  # fmt: skip
MODULES = (
    "compare", "toml", "configuration", "settings", "requirements", "redaction", "descriptors",
    "regular", "characters",
)  # fmt: skip
SLOW = ("record", "instrument")
LEFT_OUT = ("test_wheel", "test_examples", "test_readme", "test_demo", "test_notebook", "test_start",
            "test_html_browser", "test_ray", "test_names", "test_action", "test_corpus")  # fmt: skip
"""Test files of whole programs and documents: minutes each, and what they notice is not what they are about."""
CHILDREN = {
    "record/run_script": ("tests/faults/test_endings", "tests/record/test_run"),
    "trials/": ("tests/verify/test_untouched", "tests/verify/test_session"),
    "log/disk": ("tests/faults/test_disk",),
}
"""Tests of what runs in processes that they start, where no call is seen."""
TESTS_SECONDS = 120.0
"""How much of the tests that call a function is run, by what they took when they were measured."""


def main() -> None:
    """Draw, run and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slow", type=int, default=10, help="how many of them from record and instrument")
    parser.add_argument("--work", type=Path, default=Path("/tmp/trainadvisor-mutants"))  # noqa: S108
    parser.add_argument("--only", default="", help="only mutants of paths that contain this")
    parser.add_argument("--rooms", nargs="*", default=[], help="of the rooms without torch only these")
    parser.add_argument("--tests", nargs="*", default=["tests"], help="only tests of paths that begin so")
    parser.add_argument("--again", action="store_true", help="only what survived before, with the tests of today")
    parser.add_argument("--seconds", type=float, default=TESTS_SECONDS, help="how much of its tests a mutant gets")
    parser.add_argument(
        "--quick", action="store_true", help="do not run again, in a process of its own, what survives in a fork"
    )
    parser.add_argument("--results", type=Path, help="a Markdown file whose section on mutants is rewritten")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    tree = copied(options.work)
    files = [name for name in test_files(tree) if name.startswith(tuple(options.tests))]
    tests = measured(tree, files, options.work)
    found = results(sample(tree, options), tests, tree, options)
    told = document(found, options)
    print(told)
    if options.results:
        page = options.results.read_text(encoding="utf-8")
        before, _, rest = page.partition(MARK[0])
        after = rest.partition(MARK[1])[2]
        options.results.write_text(f"{before.rstrip()}\n\n{MARK[0]}\n{told}\n{MARK[1]}\n{after.lstrip()}", "utf-8")


def test_files(tree: Path) -> list[str]:
    """Return the files of tests, without those of whole programs."""
    files = (path for path in sorted((tree / "tests").rglob("test_*.py")) if path.stem not in LEFT_OUT)
    return [path.relative_to(tree).as_posix() for path in files]


def sample(tree: Path, options: argparse.Namespace) -> list[Mutant]:
    """Return mutants of lines drawn by chance, at most one a line."""
    chance = random.Random(options.seed)  # noqa: S311 - a sample is no secret
    modules = [f"trainadvisor/{name}.py" for name in MODULES]
    judging = [f"trainadvisor/{room}/" for room in options.rooms or JUDGING] + ([] if options.rooms else modules)
    slow = [f"trainadvisor/{room}/" for room in SLOW]
    return [
        *_drawn(tree, judging, options.mutants - options.slow, chance, options.only),
        *_drawn(tree, slow, options.slow, chance, options.only),
    ]


def _drawn(tree: Path, rooms: list[str], count: int, chance: random.Random, only: str) -> list[Mutant]:
    lines: dict[tuple[str, int], list[Mutant]] = {}
    kinds = tomllib.loads((HERE / "equivalent.toml").read_text(encoding="utf-8"))["kinds"]
    for path in sorted((tree / "trainadvisor").rglob("*.py")):
        name = path.relative_to(tree).as_posix()
        if name.startswith(tuple(rooms)) and only in name:
            source = path.read_text(encoding="utf-8")
            text = source.splitlines()
            for mutant in mutants(name, source):
                if not of_a_kind(mutant, text[mutant.line - 1].strip(), kinds):
                    lines.setdefault((name, mutant.line), []).append(mutant)
    drawn = chance.sample(sorted(lines), min(count, len(lines)))
    return [chance.choice(lines[line]) for line in drawn]


def of_a_kind(mutant: Mutant, line: str, kinds: list[dict[str, str]]) -> bool:
    """Return whether a mutant exchanges what is named, or a number of which any near one serves as well."""
    number = r"-?[\d.e+-]+ -> (?!0$)-?[\d.e+-]+"
    return any(
        re.fullmatch(kind.get("told", number), mutant.told)
        and re.search(kind["path"], mutant.path)
        and re.search(kind["line"], line)
        for kind in kinds
    )


def results(
    drawn: list[Mutant], tests: dict[str, Any], tree: Path, options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Return what became of each mutant; what is kept from before is not run again."""
    part = "-".join([options.only, *options.rooms]).replace("/", "-")
    kept = options.work / f"seed-{options.seed}-{options.mutants}-{options.slow}{part}.json"
    known = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    wanted = [one for one in drawn if one.name not in known or (options.again and not known[one.name]["killed"])]
    quick = in_forks(
        wanted, {one.name: choice(one, tests, tree, options.seconds) for one in wanted}, tests, tree, options
    )
    for number, mutant in enumerate(wanted, 1):
        told = quick.get(mutant.name, {"how": "unsure", "by": ""})
        line = (tree / mutant.path).read_text(encoding="utf-8").splitlines()[mutant.line - 1].strip()
        known[mutant.name] = {"killed": told["how"] == "killed", "line": line, **told}
        if not known[mutant.name]["killed"] and not options.quick:
            known[mutant.name] = outcome(mutant, tests, tree, options)
        if known[mutant.name]["how"] == "survived" and mistyped(mutant, tree, options.work):
            known[mutant.name]["how"] = "mistyped"
        kept.write_text(json.dumps(known, indent=1), encoding="utf-8")
        print(f"{number}/{len(wanted)} {known[mutant.name]['how']:8} {mutant.name}", flush=True)
    return [{"name": one.name, **known[one.name]} for one in drawn]


def in_forks(
    wanted: list[Mutant],
    chosen: dict[str, list[str]],
    tests: dict[str, Any],
    tree: Path,
    options: argparse.Namespace,
) -> dict[str, dict[str, str]]:
    """Return what forks of one process that has collected the tests tell of mutants."""
    jobs = [
        {
            "name": one.name,
            "mutant": dataclasses.asdict(one),
            "tests": chosen[one.name],
            "limit": 20 + 4 * sum(tests[name]["seconds"] for name in chosen[one.name]),
        }
        for one in wanted
    ]
    (options.work / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
    told = options.work / "forked.jsonl"
    told.unlink(missing_ok=True)
    files = sorted({name.partition("::")[0] for names in chosen.values() for name in names})
    if files:
        places = {"MUTANTS_JOBS": str(options.work / "jobs.json"), "MUTANTS_FORKED": str(told)}
        arguments = ["-p", "forked", f"--basetemp={options.work / 'made'}", *files]
        run_tests(tree, arguments, 120 + sum(job["limit"] for job in jobs), **places)
    lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
    return {entry.pop("name"): entry for entry in map(json.loads, lines)}


def outcome(mutant: Mutant, tests: dict[str, Any], tree: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Put a mutant into the copy, run the tests that can notice it, and take it out again."""
    path = tree / mutant.path
    source = path.read_text(encoding="utf-8")
    chosen, work = choice(mutant, tests, tree, options.seconds), options.work
    seconds = sum(tests[name]["seconds"] for name in chosen)
    (work / "chosen.json").write_text(json.dumps(chosen), encoding="utf-8")
    line = source.splitlines()[mutant.line - 1].strip()
    files = sorted({name.partition("::")[0] for name in chosen})
    path.write_text(mutant.applied(source), encoding="utf-8")
    limit = 60 + 4 * seconds

    def ended() -> int | None:
        return run_tests(tree, ["-x", *files], limit, MUTANTS_TESTS=str(work / "chosen.json")) if files else 0

    try:
        code = ended()
    finally:
        path.write_text(source, encoding="utf-8")
    how = {0: "survived", 5: "survived", None: "too slow"}.get(code, "killed")
    if code is None and ended() is None:  # so are the tests without it, as on a machine that has more to do
        how = "unsure"
    return {"killed": how in {"killed", "too slow"}, "how": how, "tests": len(chosen), "line": line}


def mistyped(mutant: Mutant, tree: Path, work: Path) -> bool:
    """Return whether the type checker refuses a mutant, of a tree that it does not refuse."""
    path = tree / mutant.path
    source = path.read_text(encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(work / "types")]

    def refused() -> bool:
        return bool(subprocess.run(command, cwd=tree, check=False, capture_output=True).returncode)

    path.write_text(mutant.applied(source), encoding="utf-8")
    try:
        found = refused()
    finally:
        path.write_text(source, encoding="utf-8")
    return found and not refused()


def choice(mutant: Mutant, tests: dict[str, Any], tree: Path, seconds: float) -> list[str]:
    """Return the tests that run the changed lines, the quickest first, as time allows.

    Where no line can be seen running (a constant, a default, what runs in a process that a test starts) those that run
    what names it, or call the function, or anything of its module.
    """
    source = (tree / mutant.path).read_text(encoding="utf-8")
    lines, function = statement(source, mutant)
    near = _running(mutant.path, source, lines, tests) if mutant.function else []
    if not near and function:
        near = [name for name, test in tests.items() if f"{mutant.path}:{function}" in test["runs"]]
    if not near and not mutant.function:
        near = _naming(mutant, source, lines, tree, tests)
    if not near:
        near = [name for name, test in tests.items() if any(f.startswith(f"{mutant.path}:") for f in test["runs"])]
    started = tuple(file for part, files in CHILDREN.items() if part in mutant.path for file in files)
    beside = [name for name in tests if started and name.startswith(started)]
    chosen, spent = [], 0.0
    for name in dict.fromkeys([*_ordered(near, mutant, tree, tests), *_ordered(beside, mutant, tree, tests)]):
        if not chosen or spent + tests[name]["seconds"] <= seconds:
            chosen.append(name)
            spent += tests[name]["seconds"]
    return chosen


def _running(path: str, source: str, lines: Collection[int], tests: dict[str, Any]) -> list[str]:
    """Return the tests that run any of some lines."""
    places = functions(source)
    bits: dict[str, int] = {}
    for line in lines:
        if place := places.get(line):
            bits[f"{path}:{place[0]}"] = bits.get(f"{path}:{place[0]}", 0) | 1 << place[1]
    return [
        name
        for name, test in tests.items()
        if any(int(test["runs"].get(function, "0"), 16) & wanted for function, wanted in bits.items())
    ]


def _naming(mutant: Mutant, source: str, lines: range, tree: Path, tests: dict[str, Any]) -> list[str]:
    """Return the tests that run a line which names the constant that a mutant changes."""
    named = re.match(r"(\w+)\b[^=(]*=", source.splitlines()[lines[0] - 1]) if lines else None
    if not named:
        return []
    word = re.compile(rf"\b{named[1]}\b")
    own: list[str] = []
    others: list[str] = []
    for path in sorted((tree / "trainadvisor").rglob("*.py")):
        text, name = path.read_text(encoding="utf-8"), path.relative_to(tree).as_posix()
        at = [number for number, line in enumerate(text.splitlines(), 1) if word.search(line)]
        (own if name == mutant.path else others).extend(_running(name, text, at, tests))
    return own or others


def _ordered(names: list[str], mutant: Mutant, tree: Path, tests: dict[str, Any]) -> list[str]:
    """Return tests, first those of files that name the module, then those of its room, the quickest of each first.

    A file also names a module by what only that is called, an event or a finding: two words or more with a hyphen.
    """
    room, stem = mutant.path.split("/")[1].removesuffix(".py"), Path(mutant.path).stem
    told = re.findall(r'"([a-z]+(?:-[a-z]+)+)"', (tree / mutant.path).read_text(encoding="utf-8"))
    word = re.compile(rf"\b(?:{'|'.join(dict.fromkeys([stem, *told]))})\b")
    files = {name.partition("::")[0] for name in names}
    naming = {file for file in files if word.search((tree / file).read_text(encoding="utf-8"))}

    def place(name: str) -> tuple[bool, bool, float, str]:
        file = name.partition("::")[0]
        return file not in naming, room not in file, tests[name]["seconds"], name

    return sorted(names, key=place)


def document(found: list[dict[str, Any]], options: argparse.Namespace) -> str:
    """Return the section as Markdown."""
    reasons = tomllib.loads((HERE / "equivalent.toml").read_text(encoding="utf-8")).get("same", {})
    survived = [entry for entry in found if not entry["killed"]]
    same = [entry for entry in survived if entry["line"] in reasons]
    typed = [entry for entry in survived if entry not in same and entry["how"] == "mistyped"]
    left = [entry for entry in survived if entry not in same and entry not in typed]
    counted = len(found) - len(same)
    share = (len(left) / counted, (len(left) + len(typed)) / counted) if counted else (0.0, 0.0)
    command = f"make mutants MUTANTS={options.mutants} SEED={options.seed}"
    rooms = f"rooms {', '.join(options.rooms)}" if options.rooms else "rooms that judge"
    head = (
        f"{dt.datetime.now(dt.UTC).date()}, `{command}`: {len(found)} changes of one place each in the "
        f"{rooms}, {options.slow} of them in those that need torch (record, instrument), drawn by line "
        f"(numbers of the kinds in equivalent.toml left out); each is run "
        f"against the tests that run the changed line. {counted - len(left) - len(typed)} of {counted} were noticed "
        f"by tests, {len(typed)} more by the type checker of `make lint` alone, {len(left)} survived ({share[0]:.0%}; "
        f"of tests alone {share[1]:.0%}), {len(same)} more change nothing that anybody could see."
    )
    told = ["## Mutants", "", head, "", *(f"* `{entry['name']}`" for entry in left)]
    told += [f"* `{entry['name']}` is refused by the type checker" for entry in typed]
    told += [f"* `{entry['name']}` changes nothing: {reasons[entry['line']]}" for entry in same]
    return "\n".join(told).rstrip()


if __name__ == "__main__":
    main()
