"""Trains a small broken network, diagnoses it, applies the remedy, trains again, and shows both results."""

from __future__ import annotations

import difflib
import sys
from contextlib import chdir, contextmanager
from typing import TYPE_CHECKING, Any

from trainadvisor.demos.scenarios import DEFAULT, SCENARIOS
from trainadvisor.errors import LogError, UsageError, did_you_mean
from trainadvisor.i18n.language import say
from trainadvisor.report.text.terminal import emit
from trainadvisor.status_line import status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trainadvisor.demos.scenarios import Scenario
    from trainadvisor.judge.result import Diagnosis, Remedy

LOGS = {"broken": "broken.json", "fixed": "fixed.json"}


def list_demos(lang: str) -> list[tuple[str, str]]:
    """Return the code and one sentence of each demo."""
    return [(code, _what(scenario, lang)) for code, scenario in SCENARIOS.items()]


def run_demo(code: str | None, lang: str, folder: Path) -> int:
    """Run a demo and print it; return 0 if the diagnosis named the code, else 1."""
    name = code or DEFAULT
    if name not in SCENARIOS:
        message = f"{name}: there is no such demo{did_you_mean(name, SCENARIOS)}; trainadvisor demo --list shows all"
        raise UsageError(message)
    scenario = SCENARIOS[name]
    _prepare(folder)
    _write(folder / "broken.py", scenario.broken.source(name, LOGS["broken"]))
    _tell("train", lang, script=folder / "broken.py", what=_what(scenario, lang))
    broken = _train(folder, "broken", lang)
    diagnosis = _diagnose(folder, lang)
    found = name in {finding.code for finding in diagnosis.walk()}
    _tell("remedy", lang, text=_mend(scenario, name, folder, diagnosis))
    emit("\n".join([*_changes(folder), ""]))
    _tell("again", lang, script=folder / "fixed.py")
    fixed = _train(folder, "fixed", lang)
    _compare(scenario.broken.measure, broken, fixed, folder, lang)
    if not found:
        _tell("missed", lang, code=name, log=folder / LOGS["broken"])
    _tell("next", lang, folder=folder, code=name)
    return 0 if found else 1


def _say(key: str, lang: str, **values: object) -> str:
    return say(f"demo.{key}", lang, **values)


def _tell(key: str, lang: str, **values: object) -> None:
    emit(_say(key, lang, **values))


def _what(scenario: Scenario, lang: str) -> str:
    return scenario.zh if lang == "zh" else scenario.en


def _prepare(folder: Path) -> None:
    """Create the folder and remove the logs of an earlier demo."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for log in LOGS.values():
            (folder / log).unlink(missing_ok=True)
    except OSError as error:
        message = f"{folder}: cannot be written ({error.strerror}); run the demo in another folder"
        raise LogError(message) from error


def _write(path: Path, source: str) -> None:
    try:
        path.write_text(source, encoding="utf-8")
    except OSError as error:
        message = f"{path}: cannot be written ({error.strerror}); run the demo in another folder"
        raise LogError(message) from error


def _train(folder: Path, kind: str, lang: str) -> dict[str, Any]:
    """Run one of the scripts in this process, in its folder, and return its global variables."""
    with status(lambda seconds: f"  {say('status.importing', lang, target=f'{kind}.py', seconds=int(seconds))}"):
        import torch

    path = (folder / f"{kind}.py").resolve()
    namespace: dict[str, Any] = {"__name__": "__main__", "__file__": str(path)}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the networks are too small to share
    training = status(lambda seconds: f"  {say('status.training', lang, target=path.name, seconds=int(seconds))}")
    try:
        with training, chdir(folder), _named(path):
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)  # noqa: S102 - our own script
    finally:
        torch.set_num_threads(threads)
    emit("")
    return namespace


@contextmanager
def _named(script: Path) -> Iterator[None]:
    """Let a log say that it is of this script, which `fix` then finds beside it."""
    before, sys.argv = sys.argv, [str(script)]
    try:
        yield
    finally:
        sys.argv = before


def _diagnose(folder: Path, lang: str) -> Diagnosis:
    from trainadvisor.report.text.full_report import render
    from trainadvisor.telling import diagnose

    log = folder / LOGS["broken"]
    _tell("diagnose", lang, log=log)
    diagnosis = diagnose(log, lang=lang)
    emit(render(diagnosis, lang) + "\n")
    return diagnosis


def _mend(scenario: Scenario, code: str, folder: Path, diagnosis: Diagnosis) -> str:
    """Write fixed.py with the first applicable remedy, and return the text of that remedy."""
    broken = (folder / "broken.py").read_text(encoding="utf-8")
    for remedy in _remedies(diagnosis, code):
        if remedy.change == scenario.change:
            source = _edited(broken, remedy)
            _write(folder / "fixed.py", source or scenario.fixed.source(code, LOGS["fixed"]))
            return remedy.text
    _write(folder / "fixed.py", scenario.fixed.source(code, LOGS["fixed"]))
    return "-"


def _remedies(diagnosis: Diagnosis, code: str) -> list[Remedy]:
    """Return the remedies of the root cause that explains the code, then those of the code itself."""
    roots = [root for root in diagnosis.findings if code in {finding.code for finding in root.walk()}]
    named = [finding for root in roots for finding in root.walk() if finding.code == code]
    return [remedy for finding in (*(roots or diagnosis.findings)[:1], *named) for remedy in finding.remedies]


def _edited(source: str, remedy: Remedy) -> str | None:
    """Apply the edits of a remedy to a script, those of later lines first."""
    lines = source.split("\n")
    for edit in sorted(remedy.edits, key=lambda edit: edit.line or 0, reverse=True):
        gone = edit.old.split("\n") if edit.old is not None else []
        place = (edit.line or 0) - 1
        held = [line.strip() for line in lines[place : place + len(gone)]]
        if place < 0 or held != [line.strip() for line in gone]:
            return None
        lines[place : place + len(gone)] = edit.new.split("\n")
    return "\n".join(lines).replace(LOGS["broken"], LOGS["fixed"]) if remedy.edits else None


def _changes(folder: Path) -> list[str]:
    """Return the lines that differ between the two scripts, as a diff without its header."""
    broken, fixed = ((folder / f"{kind}.py").read_text(encoding="utf-8").splitlines() for kind in LOGS)
    lines = list(difflib.unified_diff(broken, fixed, n=0, lineterm=""))[2:]
    names = tuple(f'advisor = trainadvisor.watch(model, optimizer, log="{log}")' for log in LOGS.values())
    return [f"   {line}" for line in lines if not line.startswith("@@") and line[1:] not in names]


def _compare(measure: str, broken: dict[str, Any], fixed: dict[str, Any], folder: Path, lang: str) -> None:
    from trainadvisor.i18n.language import Words
    from trainadvisor.telling import diagnose

    verdicts = [Words(lang)(f"state.{diagnose(folder / log, lang=lang).state}") for log in LOGS.values()]
    both = (broken, fixed)
    rows = [
        ["", _say("broken", lang), _say("fixed", lang)],
        [_say("loss", lang), *(f"{run['loss'].item():.3g}" for run in both)],
        [_say("validation", lang), *(f"{run['validation_loss']:.3g}" for run in both)],
        [_say("accuracy", lang) if measure == "accuracy" else measure, *(f"{run['score']:.3g}" for run in both)],
        [_say("verdict", lang), *verdicts],
    ]
    _tell("side", lang)
    emit("\n".join([*_table(rows), ""]))


def _table(rows: list[list[str]]) -> Iterator[str]:
    from trainadvisor.report.text.layout import pad

    for row in rows:
        yield "   " + "".join(pad(cell, width) for cell, width in zip(row, (18, 20, 0), strict=True)).rstrip()
