"""How `trainadvisor lint` does on a corpus: faults named, and sound scripts left alone.

usage: lint.py [CORPUS] [--snippets FOLDER] [--torch N] [--verbose]
CORPUS holds cases.toml and cases/*.py, each a script with a faulty and a sound variant chosen by its argument, and
healthy/*.py. A variant is what is left of the script when the argument is known. FOLDER holds faulty/*.py and
healthy/*.py. With --torch the first N files of the installed torch package are read, and what is found there is listed.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import sys
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.judge.rule_loading import load
from trainadvisor.lint.pattern_catalogue import matches
from trainadvisor.source.reading import SourceError, parse, read

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).parent
STATIC = frozenset({
    "so46181692_no_activation", "so36127436_zero_init", "so40192728_log_zero_nan", "so33969059_softmax_regression",
    "so55328966_raw_pixels_sigmoid_outputs", "byol93_zero_grad_before_step", "hvpnet5_head_not_in_optimizer",
    "tennis7_missing_zero_grad", "missing_zero_grad", "optimizer_before_head", "params_in_list",
    "tied_weights_recreated", "nll_raw_logits", "missing_nonlinearity", "deep_sigmoid", "anderson1_lstm_batch_first",
    "pytorch26338_functional_dropout", "vgrnn4_clip_after_step", "image2reverb37_generator_detached",
    "deepsensor47_optimizer_recreated", "shrinkbench7_val_is_train", "dpo_reference_is_policy",
})  # fmt: skip
"""Faults with a static form: some line of the source is wrong whatever its inputs are."""


def _value(expression: ast.expr, names: Mapping[str, object]) -> Any:
    return eval(ast.unparse(expression), dict(names))  # noqa: S307 - a line of the corpus, which is our own


class Variant(ast.NodeTransformer):
    """What is left of a script when its argument is known: conditions on it are decided."""

    def __init__(self, argument: str) -> None:
        """Take the argument of the command line."""
        self.known: dict[str, Any] = {}
        self.world = {"sys": type("sys", (), {"argv": ["script.py", argument]}), "len": len}

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        """Remember the names that hold the argument."""
        if "argv" in ast.unparse(node.value) and isinstance(node.targets[0], ast.Name):
            self.known[node.targets[0].id] = _value(node.value, self.world)
            return node
        return self.generic_visit(node)

    def _decided(self, test: ast.expr) -> bool | None:
        names = {inner.id for inner in ast.walk(test) if isinstance(inner, ast.Name)}
        if "argv" in ast.unparse(test):
            return bool(_value(test, self.world))
        if not names or not names <= set(self.known):
            return None
        return bool(_value(test, self.known))

    def visit_If(self, node: ast.If) -> Any:
        """Keep the branch that runs."""
        held = self._decided(node.test)
        self.generic_visit(node)
        return node if held is None else (node.body if held else node.orelse) or ast.Pass()

    def visit_Compare(self, node: ast.Compare) -> Any:
        """Write what a comparison comes to, such as that of a keyword."""
        held = self._decided(node)
        return node if held is None else ast.Constant(held)

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        """Keep the value that holds."""
        held = self._decided(node.test)
        self.generic_visit(node)
        return node if held is None else node.body if held else node.orelse


def variant(path: Path, argument: str) -> str:
    """Return the text of a script as it runs with an argument."""
    return ast.unparse(ast.fix_missing_locations(Variant(argument).visit(ast.parse(path.read_text(encoding="utf-8")))))


def found(text: str, name: str) -> list[tuple[str, int]]:
    """Return code and line of what is found in a text."""
    return [(code, match.line) for code, match in matches(parse(text, name))]


def corpus(folder: Path, *, verbose: bool) -> list[str]:
    """Score the cases and the sound scripts of a corpus; return what was alarmed wrongly."""
    book = load()
    named, static, alarms, stray = [], [], [], []
    for case in tomllib.loads((folder / "cases.toml").read_text(encoding="utf-8"))["case"]:
        path = folder / "cases" / f"{case['name']}.py"
        faulty, sound = found(variant(path, "buggy"), path.name), found(variant(path, "fixed"), path.name)
        codes = {code for code, _ in faulty} | {
            c for code, _ in faulty if code in book.rules for c in book.get(code).explains
        }
        right = bool(codes & {*case["detect"], *case["root"], case.get("missing_code", "")})
        static += [case["name"]] if case["name"] in STATIC else []
        named += [case["name"]] if right else []
        alarms += [f"{path.name} fixed: {code} line {line}" for code, line in sound]
        stray += [f"{path.name} buggy: {code} line {line}" for code, line in faulty if not right]
        if verbose:
            print(f"{'named' if right else '-':6} {case['name']:40} {', '.join(c for c, _ in faulty)}")
    for path in sorted((folder / "healthy").glob("*.py")):
        alarms += [
            f"{path.name} healthy: {code} line {line}"
            for code, line in found(path.read_text(encoding="utf-8"), path.name)
        ]
    hit = [name for name in named if name in static]
    print(f"faults with a static form named: {len(hit)} of {len(static)}; others: {len(named) - len(hit)}")
    print(*(f"  elsewhere: {line}" for line in stray), sep="\n")
    print("  not named:", ", ".join(name for name in static if name not in named))
    return alarms


def snippets(folder: Path, *, verbose: bool) -> list[str]:
    """Score a folder of public snippets."""
    for kind in ("faulty", "healthy"):
        paths, hits, broken = sorted((folder / kind).glob("*.py")), 0, 0
        for path in paths:
            try:
                seen = [(code, match.line) for code, match in matches(read(path))]
            except SourceError:
                broken += 1
                continue
            hits += bool(seen)
            if verbose or (seen and kind == "healthy"):
                print(f"  {kind} {path.name}: {', '.join(f'{code} ({line})' for code, line in seen) or '-'}")
        print(f"{kind}: {hits} of {len(paths)} flagged, {broken} cannot be parsed")
    return []


def torch_package(count: int) -> list[str]:
    """Read files of the installed torch package; return what is found there."""
    spec = importlib.util.find_spec("torch")
    paths = sorted(Path(str(spec.origin)).parent.rglob("*.py"))[:count] if spec else []
    started, seen = time.perf_counter(), []
    for path in paths:
        try:
            seen += [f"{path}:{match.line}: {code}" for code, match in matches(read(path))]
        except SourceError as error:
            print(f"  not read: {error}")
    print(f"torch: {len(paths)} files in {time.perf_counter() - started:.1f} s")
    return seen


def main() -> None:
    """Print the score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, nargs="?")
    parser.add_argument("--snippets", type=Path)
    parser.add_argument("--torch", type=int, default=0)
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    alarms = corpus(given.corpus, verbose=given.verbose) if given.corpus else []
    faulty = HERE / "contracts" / "faulty"
    own = [*HERE.parent.glob("examples/*.py"), *(path for path in HERE.rglob("*.py") if path.parent != faulty)]
    alarms += [
        f"{path}: {code} line {line}"
        for path in own
        for code, line in found(path.read_text(encoding="utf-8"), path.name)
    ]
    alarms += snippets(given.snippets, verbose=given.verbose) if given.snippets else []
    print(*(f"  alarm: {line}" for line in alarms), sep="\n")
    if given.torch:
        print(*(f"  {line}" for line in torch_package(given.torch)), sep="\n")
    sys.exit(bool(alarms))


if __name__ == "__main__":
    main()
