"""Measures the cost of recording: steps with and without it, in blocks of the order A B B A in one process.

python benchmarks/overhead.py [--device cpu] [--nets MLP ...] [--repeats 15] [--seconds 0.5] [--rivals DIR] [--write]
A row is a tool, a column a training: the median of the blocks' ratios, its 95 % interval by the bootstrap, and the
ratio of the total times, in which rare expensive steps count. The A/A row holds the same code twice: its distance from
0 % is the resolution of this machine. Seconds are CPU time on a CPU, and wall time after synchronization on a GPU.
`--rivals DIR` names a folder that other tools were installed into:
pip install --target DIR wandb tensorboard jinja2 plotly h5py
pip install --target DIR --no-deps torch-module-monitor training-doctor torchmortem
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "costs"), str(HERE.parent)]

import interleave  # noqa: E402 - found by the path above
import marks  # noqa: E402
import nets  # noqa: E402
import rivals  # noqa: E402
import tools  # noqa: E402
import torch  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from interleave import Cost, Tool

OURS: tuple[type[Tool], ...] = (interleave.Tool, tools.Advisor, tools.ZeroCode, tools.Items)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--nets", nargs="+", default=(), metavar="PART", help="only nets whose name holds it")
    parser.add_argument("--tools", nargs="+", default=(), metavar="PART", help="only tools whose name holds it")
    parser.add_argument("--repeats", type=int, default=15, help="blocks of four")
    parser.add_argument("--seconds", type=float, default=0.5, help="of one of the four")
    parser.add_argument("--start", type=int, default=3000, help="steps before the blocks, at most")
    parser.add_argument("--rivals", metavar="DIR", help="folder of other tools")
    parser.add_argument("--threads", type=int, default=1, help="of the processor")
    parser.add_argument("--write", action="store_true", help="put the table into RESULTS.md")
    parser.add_argument(
        "--mark", default="overhead", help="of the table in RESULTS.md; each is replaced by its next run"
    )
    parser.add_argument("--raw", type=Path, help="also write every ratio to this file, as JSON")
    return parser.parse_args()


def measured(
    make: Callable[[str], nets.Training], tool: type[Tool], given: argparse.Namespace
) -> tuple[Tool, Cost] | str:
    """Return the cost of one tool in one training, or why there is none."""
    seen = io.StringIO()
    try:
        made = tool()
        with contextlib.redirect_stdout(seen):
            options = {"repeats": given.repeats, "start": given.start}
            return made, interleave.compare(make, made, given.device, seconds=given.seconds, **options)
    except Exception as error:  # noqa: BLE001 - one tool that fails is a cell, not the end of the table
        return f"failed: {type(error).__name__}: {str(error)[:80]}"
    finally:
        if given.device == "cuda":
            torch.cuda.empty_cache()


def cell(found: tuple[Tool, Cost] | str) -> str:
    """Return what a table says of one measurement."""
    if isinstance(found, str):
        return found
    cost = found[1]
    low, high = (100 * (bound - 1) for bound in cost.interval())
    return f"{100 * (cost.median - 1):+.1f} % ({low:+.1f} to {high:+.1f}), all {100 * (cost.total - 1):+.1f} %"


def main() -> None:
    """Measure every tool in every training."""
    given = arguments()
    torch.set_num_threads(given.threads)
    others, missing = rivals.obtainable(given.rivals) if given.rivals else ([], [])
    chosen = [tool for tool in (*OURS, *others) if not given.tools or any(part in tool.name for part in given.tools)]
    rows, raw = [], {}
    trainings = nets.ON_CUDA if given.device == "cuda" else nets.ON_CPU
    for name, make in trainings.items():
        if given.nets and not any(part in name for part in given.nets):
            continue
        for tool in chosen:
            found = measured(make, tool, given)
            step, start = "", ""
            label = tool.name
            if not isinstance(found, str):
                step, start = f"{1000 * found[1].plain:.2f} ms", f"{found[1].first:+.2f} s in {found[1].start}"
                label = f"{tool.name} {found[0].version}".strip()
                raw[f"{name} / {label}"] = found[1].ratios
            rows.append((name, label, step, cell(found), start))
            print("  ".join(rows[-1]), flush=True)
    head = ("training", "tool", "step", "cost of a step", "first steps")
    text = (
        f"{marks.machine(given.device)}, {marks.commit()}, `python benchmarks/overhead.py {' '.join(sys.argv[1:])}`\n\n"
    )
    text += marks.table(head, rows) + "".join(f"\n{line}" for line in missing)
    if given.raw:
        given.raw.write_text(json.dumps(raw), encoding="utf-8")
    if given.write:
        title = f"Cost of recording ({given.device}{'' if given.mark == 'overhead' else f', {given.mark}'})"
        marks.write(f"{given.mark}-{given.device}", title, text)


if __name__ == "__main__":
    main()
