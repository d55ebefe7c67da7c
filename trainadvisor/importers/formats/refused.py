"""What is given in place of a log now and then, and the way on."""

import re
from pathlib import Path

from trainadvisor.importers.opening import text

CHECKPOINT = "this is a checkpoint or a pickle; give the log of its training (trainer_state.json, metrics.csv, ...)"
STARTS = {
    b"PK\x03\x04": "this is a zip file, probably a checkpoint; give the log of its training (trainer_state.json, ...)",
    b"\x80\x02": CHECKPOINT,
    b"\x80\x04": CHECKPOINT,
    b"\x89HDF": "this is an HDF5 file, probably weights; give the log of its training (training.csv, ...)",
    b"\x89PNG": "this is a picture; give the numbers that it was drawn from",
    b"\xff\xd8\xff": "this is a picture; give the numbers that it was drawn from",
    b"%PDF": "this is a PDF; give the numbers that it was made from",
    b"PAR1": "this is a Parquet file; export it as CSV",
    b"GGUF": "these are the weights of a model; give the log of its training",
    b"\x93NUMPY": "this is a NumPy array; give a CSV with named columns",
}
EMPTY = "is empty; the run wrote nothing"
BINARY = "this is binary and of no format that is known here; give the log of the training (docs/logs.md lists them)"
NOTHING = "no loss, metric or step was found in it; docs/logs.md lists the logs that are read"
SCRIPT = "this is a script; did you mean `trainadvisor run`?"
SETTINGS = "this looks like settings; give the log of the training (docs/logs.md lists them)"
UNNAMED = "this is a curve that TensorBoard exported without its name; call the column Value after it (loss, val_loss)"
AIM = (
    "this is an Aim repository: its curves lie in RocksDB files, which only aim reads; write them as CSV or JSON "
    "lines with aim (Repo.query_metrics), or let the training write a CSV or event files beside it"
)
# What this package writes besides logs.
OWN = {
    r'"schema":\s*"trainadvisor/baseline/': "this is a baseline of `trainadvisor check`; give the log of a run",
    r'"schema":\s*"trainadvisor/verify/': "this is what `trainadvisor verify` wrote; give the log of a run",
    r'content="trainadvisor"|"schema":\s*"trainadvisor/': "this is a report of trainadvisor; give the log of a run",
}  # fmt: skip
NO_FOLDER = "the folder holds no log that is known here; name the log (docs/logs.md lists them)"
# Logs that are known before they hold a figure, and what they say of the machine.
BEGUN = ((re.compile(r"Desired fold for training|nnU-?Net", re.IGNORECASE), "nnU-Net"),)
ON_CPU = re.compile(r"training on a CPU|torch\.cuda\.is_available\(\) is False", re.IGNORECASE)


def of_folder(folder: Path) -> str:
    """Return what a folder without a log seems to be, and what to give instead."""
    return AIM if (folder / ".aim").is_dir() or (folder / "run_metadata.sqlite").is_file() else NO_FOLDER


def own(head: bytes) -> str | None:
    """Return what a file is that this package wrote and that is no log, None of any other."""
    words = text(head[:4096])
    return next((sentence for known, sentence in OWN.items() if re.search(known, words)), None)


def reason(head: bytes, path: Path) -> str:
    """Return what a file seems to be and what to give instead."""
    if not head.strip():
        return EMPTY
    for start, sentence in STARTS.items():
        if head.startswith(start):
            return sentence
    if len(head) > 9 and head[8:9] == b"{" and b"dtype" in head:  # noqa: PLR2004 - safetensors: a length, then JSON
        return "these are weights (safetensors); give the log of their training (trainer_state.json, ...)"
    words = text(head)
    if sum(not character.isprintable() and not character.isspace() for character in words) > len(words) // 20:
        return BINARY
    return _of_text(words, path)


def _of_text(words: str, path: Path) -> str:
    if path.suffix == ".py":
        return SCRIPT
    if words.lstrip("\ufeff").startswith("Wall time,Step,Value"):
        return UNNAMED
    for known, name in BEGUN:
        if known.search(words):
            where = "; it runs on the CPU" if ON_CPU.search(words) else ""
            return f"this is a log of {name} in which no epoch is finished{where}; give it once some are"
    return SETTINGS if path.suffix in (".yaml", ".yml", ".toml", ".ini", ".cfg") else NOTHING
