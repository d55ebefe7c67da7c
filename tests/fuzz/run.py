"""Fuzzes one target for a bounded time: `python tests/fuzz/run.py TARGET [libFuzzer options]`; needs the extra `fuzz`.

What is new goes to a folder of the working copy that is not kept (fuzz-new/); a finding is a file named crash-...
there. Mend it, and keep the file in tests/fuzz/corpus/TARGET, where every run of the tests replays it.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import atheris

NEW = Path(__file__).parents[2] / "fuzz-new"
LOGS = ("reader", "curves", "verdict")
WORD = re.compile(rb"[A-Za-z_]{3,30}")

sys.path.insert(0, str(Path(__file__).parents[1]))
with atheris.instrument_imports(include=["trainadvisor", "tomllib"]):
    import fuzztargets
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


def main() -> None:
    """Run libFuzzer until the time is over or something is found."""
    name, options = sys.argv[1], sys.argv[2:]
    corpus, new = fuzztargets.CORPUS / name, NEW / name
    new.mkdir(parents=True, exist_ok=True)
    fuzztargets.rulebook()  # read once, before the clock of the first input runs
    fixed = ["-timeout=60", "-rss_limit_mb=1500", f"-dict={dictionary(corpus)}", f"-artifact_prefix={new}/"]
    arguments = [sys.argv[0], *fixed, *options, str(new), str(corpus)]
    if name in LOGS:
        atheris.Setup(arguments, fuzztargets.TARGETS[name], custom_mutator=mutate)
    else:
        atheris.Setup(arguments, fuzztargets.TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
