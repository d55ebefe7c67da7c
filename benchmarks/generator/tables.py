"""The figures as Markdown."""

from __future__ import annotations

from typing import Any

WORDS = {
    "detected": "faulty runs detected", "first_right": "first cause right", "alarmed": "healthy runs alarmed",
    "called_healthy": "faulty runs called HEALTHY", "cannot_tell": "healthy runs called CAN'T TELL",
    "cannot_tell_full": "of these full-length supervised ones",
}  # fmt: skip


def share(part: dict[str, Any]) -> str:
    """Write a share with its interval."""
    if not part["of"]:
        return "-"
    return f"{part['hits']}/{part['of']} = {part['share']:.1%} ({part['low']:.0%} to {part['high']:.0%})"


def overview(groups: dict[str, dict[str, Any]]) -> str:
    """Write the deciding figures of each group."""
    lines = ["| runs | " + " | ".join(WORDS.values()) + " |", "|---|" + "---|" * len(WORDS)]
    lines += [f"| {name} | " + " | ".join(share(part[key]) for key in WORDS) + " |" for name, part in groups.items()]
    return "\n".join(lines)


def rules(table: dict[str, dict[str, Any]]) -> str:
    """Write the figures of each rule."""
    lines = [
        "| code | precision | recall | first and right | healthy runs alarmed | onset, median step |",
        "|---|---|---|---|---|---|",
    ]
    for code, row in table.items():
        cells = [share(row[key]) for key in ("precision", "recall", "first_precision", "false_alarms")]
        onset = "-" if row["onset_median"] is None else f"{row['onset_median']:.0f}"
        lines.append(f"| {code} | " + " | ".join([*cells, onset]) + " |")
    return "\n".join(lines)


def confusion(table: dict[str, dict[str, int]]) -> str:
    """Write the first finding for each fault."""
    lines = ["| fault | first findings |", "|---|---|"]
    lines += [
        f"| {label} | " + ", ".join(f"{code} {n}" for code, n in row.items()) + " |" for label, row in table.items()
    ]
    return "\n".join(lines)


def calibration(groups: dict[str, dict[str, Any]]) -> str:
    """Write how often each word of confidence was right."""
    lines = ["| runs | certain | likely | possible |", "|---|---|---|---|"]
    for name, row in groups.items():
        cells = [share(row[word]) if word in row else "-" for word in ("certain", "likely", "possible")]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
