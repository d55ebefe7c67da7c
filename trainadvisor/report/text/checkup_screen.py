"""What `trainadvisor doctor` prints: versions, then what works and what would make the rest work."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any

from trainadvisor.i18n.language import Words
from trainadvisor.report.text.layout import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

LABEL = 12
# What installs the package behind an extra of ours.
INSTALLS = {
    "run": "pip install torch",
    "diagnose": "pip install numpy",
    "ray": "pip install ray",
    "mcp": "pip install mcp",
    "packed": "pip install zstandard",
    "frame": "pip install pandas",
}


def as_json(found: dict[str, Any]) -> str:
    """Return the facts as a document."""
    return json.dumps(found, indent=1, ensure_ascii=False)


def render(found: dict[str, Any], lang: str, width: int, *, healthy: bool) -> str:
    """Return the facts as text."""
    words = Words(lang)
    rows = list(_rows(found, words))
    body = [line for label, text in rows for line in _row(label, text, width)]
    works = [_work(what, words, works=works) for what, works in found["works"].items()]
    outcome = words("doctor.sound" if healthy else "doctor.unsound")
    return "\n".join([f"trainadvisor {found['trainadvisor']}", *body, "", words("doctor.works"), *works, "", outcome])


def _rows(found: dict[str, Any], words: Words) -> Iterator[tuple[str, str]]:
    missing = words("doctor.missing")
    packages = [f"{name} {known or missing}" for name, known in found["packages"].items() if name != "torch"]
    frameworks = [f"{name} {known}" for name, known in found["frameworks"].items()]
    extras = [f"{name} {known}" for name, known in found["extras"].items() if known]
    folder = found["folder"]
    written = words("doctor.writable") if not folder["error"] else words("doctor.unwritable", error=folder["error"])
    yield "python", f"{found['python']} ({found['platform']})"
    yield "torch", found["packages"]["torch"] or missing
    yield words("doctor.devices"), _devices(found["devices"], words)
    yield words("doctor.packages"), ", ".join(packages)
    yield words("doctor.frameworks"), ", ".join(frameworks) or words("doctor.none")
    yield words("doctor.extras"), ", ".join(extras) or words("doctor.none")
    yield words("doctor.browser"), found["browser"] or words("doctor.none")
    yield words("doctor.folder"), folder["path"] + written
    yield words("doctor.rules"), str(found["rules"])


def _devices(devices: dict[str, Any], words: Words) -> str:
    if "error" in devices:
        return words("doctor.unknown", error=clean(devices["error"]))
    kinds = [(kind, name) for kind in ("cuda", "rocm") for name in devices.get(kind, ())]
    parts = [words("doctor.cpu", count=devices["cpu_threads"])]
    parts += [f"{kind}:{number} {clean(name)}" for number, (kind, name) in enumerate(kinds)]
    parts += ["mps"] if devices.get("mps") else []
    return ", ".join(parts)


def _row(label: str, text: str, width: int) -> list[str]:
    """Return a label and its text; Chinese letters take two columns."""
    room = " " * max(1, LABEL - sum(1 + (ord(letter) > 0x2E80) for letter in label))  # noqa: PLR2004 - CJK begins there
    first, *rest = textwrap.wrap(text, width - LABEL - 2, break_long_words=False, break_on_hyphens=False) or [""]
    return [f"  {label}{room}{first}", *(" " * (LABEL + 2) + line for line in rest)]


def _work(what: str, words: Words, *, works: bool) -> str:
    mark = words("doctor.yes" if works else "doctor.no")
    way = "" if works else f"{words('colon')}{INSTALLS[what]}"
    return f"  {mark}  {words(f'doctor.{what}')}{way}"
