"""Fuzzes one target for a bounded time: `python tests/fuzz/run.py TARGET [libFuzzer options]`; needs the extra `fuzz`.

What is new goes to a folder of the working copy that is not kept (fuzz-new/); a finding is a file named crash-...
there. Mend it, and keep the file in tests/fuzz/corpus/TARGET, where every run of the tests replays it.
"""

from __future__ import annotations

import gzip
import re
import sys
import tempfile
from pathlib import Path

import atheris

NEW = Path(__file__).parents[2] / "fuzz-new"
LOGS = ("reader", "curves", "verdict")
FOREIGN = "importers"
FIXTURES = Path(__file__).parents[1] / "importers" / "fixtures"
WORD = re.compile(rb"[A-Za-z_]{3,30}")

sys.path.insert(0, str(Path(__file__).parents[1]))
with atheris.instrument_imports(include=["trainadvisor", "tomllib"]):
    import fuzztargets
from importers import mutations  # noqa: E402 - not instrumented
from mutation import mutated  # noqa: E402 - not instrumented


def dictionary(corpus: Path) -> str:
    """Write the words of the corpus as libFuzzer's dictionary and return its path."""
    words = {word for path in corpus.iterdir() for word in WORD.findall(path.read_bytes())}
    with tempfile.NamedTemporaryFile("wb", suffix=".dict", delete=False) as file:
        file.write(b"".join(b'"%s"\n' % word for word in sorted(words)[:2000]))
    return file.name


def mutate(data: bytes, size: int, seed: int) -> bytes:
    """Change a log by its structure two times of three, by its bytes otherwise."""
    changed = mutated(data, size, seed) if seed % 3 else None
    return changed or atheris.Mutate(data, size)


def mutate_foreign(data: bytes, size: int, seed: int) -> bytes:
    """Change the file of another tool by its format two times of three, by its bytes otherwise."""
    return mutations.mutated(data, size, seed) if seed % 3 and data else atheris.Mutate(data, size)


def seeds(corpus: Path, folder: str) -> str:
    """Put the files that real writers made beside those of the corpus, unpacked, and return the folder."""
    found = [path for root in (corpus, FIXTURES) for path in root.rglob("*") if path.is_file()]
    for number, path in enumerate(found):
        data = path.read_bytes()
        unpacked = gzip.decompress(data) if path.suffix == ".gz" else data
        (Path(folder) / f"{number}-{path.name}").write_bytes(unpacked)
    return folder


def main() -> None:
    """Run libFuzzer until the time is over or something is found."""
    name, options = sys.argv[1], sys.argv[2:]
    corpus, new = fuzztargets.CORPUS / name, NEW / name
    new.mkdir(parents=True, exist_ok=True)
    fuzztargets.rulebook()  # read once, before the clock of the first input runs
    fixed = ["-timeout=60", "-rss_limit_mb=1500", f"-dict={dictionary(corpus)}", f"-artifact_prefix={new}/"]
    arguments = [sys.argv[0], *fixed, *options, str(new), str(corpus)]
    mutator = {FOREIGN: mutate_foreign, **dict.fromkeys(LOGS, mutate)}.get(name)
    with tempfile.TemporaryDirectory() as folder:
        if name == FOREIGN:
            arguments[-1] = seeds(corpus, folder)
        atheris.Setup(arguments, fuzztargets.TARGETS[name], **({"custom_mutator": mutator} if mutator else {}))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
