"""What the labels of sequences are, compared with the ids that the model embedded at the same places."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch

from trainadvisor.record.losses.left_out_class import LeftOutClass
from trainadvisor.record.losses.padded_labels import PaddedLabels
from trainadvisor.record.losses.prompt_parts import PromptParts

# How far ahead of its place a label may be.
OFFSETS = {"previous": -1, "same": 0, "next": 1, "second": 2}
_SHIFTED = 0.99


@dataclass
class LabelPlaces:
    """Sums over batches: how often labels are the ids at, after and before their places, and how sequences end."""

    batches: int = 0
    labels: int = 0
    matches: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    sight: set[str] = field(default_factory=set)
    straight: bool = True
    # Whether what is seen was found for the one sequence that the labels are taken from.
    own: bool = False
    sources: int = 0
    seen: Counter[int] = field(default_factory=Counter)
    last: Counter[int] = field(default_factory=Counter)
    after_last: Counter[int] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    # Ids that sequences begin with, and sequences of which a single id is left behind the last label.
    begun: Counter[int] = field(default_factory=Counter)
    one_left: int = 0
    # Ids that the model's configuration names as the end of a text.
    stops: set[int] = field(default_factory=set)
    # Widths of batches, and those of batches with a row whose last id is a label: nothing follows it there.
    widths: set[int] = field(default_factory=set)
    full: set[int] = field(default_factory=set)
    # Last labels of the rows that go on to their very end, and how many labels those rows have.
    cut_last: Counter[int] = field(default_factory=Counter)
    cut_lengths: Counter[int] = field(default_factory=Counter)
    prompts: PromptParts = field(default_factory=PromptParts)
    padded: PaddedLabels = field(default_factory=PaddedLabels)
    left_out: LeftOutClass = field(default_factory=LeftOutClass)

    def add(self, label: torch.Tensor, place: torch.Tensor, sources: list[torch.Tensor]) -> None:
        """Take the labels of a batch that count, the place of each, and what was embedded."""
        self.batches += 1
        self.labels += label.numel()
        self.sources = max(self.sources, len(sources))
        if sources:
            self.padded.add(label, place, sources[0])
        compared = [_compare(label, place, ids) for ids in sources]
        for name in OFFSETS:
            pairs = [found[name] for found in compared if found[name][1]]
            matched, count = max(pairs, key=lambda pair: pair[0] / pair[1], default=(0, 0))
            self.matches[name] += matched
            self.places[name] += count
        ahead = [ids for ids, found in zip(sources, compared, strict=True) if _is_next(found)]
        if ahead:
            self._add_ends(label, place, ahead[0])
            self.prompts.add(ahead[0], place)

    def _add_ends(self, label: torch.Tensor, place: torch.Tensor, ids: torch.Tensor) -> None:
        """Note how each sequence ends, and the id that comes after its last label."""
        self.seen.update(label.tolist())
        columns, flat = ids.shape[1], ids.flatten()
        self.begun.update(ids[:, 0].tolist())
        order = place.argsort()
        place, label = place[order], label[order]
        row = place // columns
        final = torch.ones_like(row, dtype=torch.bool)
        final[:-1] = row[1:] != row[:-1]
        lengths = torch.unique_consecutive(row, return_counts=True)[1]
        self.lengths.update(lengths.tolist())
        room = final & (place % columns + 2 < columns)
        self.cut_last.update(label[final & ~room].tolist())
        self.cut_lengths.update(lengths[~room[final]].tolist())
        self.widths.add(columns)
        if bool((final & ~room).any()):
            self.full.add(columns)
        self.last.update(label[room].tolist())
        self.after_last.update(flat[place[room] + 2].tolist())
        self.one_left += int((room & (place % columns + 3 == columns)).sum())

    def fact(self) -> dict[str, Any]:
        """Return the shares so far."""
        shares = {f"{name}_share": self.matches[name] / self.places[name] for name in OFFSETS if self.places[name]}
        return {
            "batches": self.batches, "labels": self.labels, "sources": self.sources, "sight": sorted(self.sight),
            "own": self.own, "straight": self.straight, **shares, **self._ends(), **self._cut(),
            **self.prompts.fact(), **self.padded.fact(), **self.left_out.fact(),
        }  # fmt: skip

    def _ends(self) -> dict[str, Any]:
        total = sum(self.after_last.values())
        if not total:
            return {}
        stop, count = self.after_last.most_common(1)[0]
        return {
            "ends": total, "after_end": stop, "after_end_share": count / total, "after_end_labels": self.seen[stop],
            "last_label_share": self.last.most_common(1)[0][1] / total, "label_counts": len(self.lengths),
            "widths": len(self.widths), "full_widths": len(self.full), "after_end_is_stop": stop in self.stops,
            "after_end_begins": self.begun[stop] / sum(self.begun.values()), "one_left_share": self.one_left / total,
        }  # fmt: skip

    def _cut(self) -> dict[str, Any]:
        """Return how many rows have labels to their very end, and how various the last one is."""
        rows = sum(self.cut_last.values())
        if not rows:
            return {}
        return {
            "cut_share": rows / sum(self.lengths.values()), "cut_counts": len(self.cut_lengths),
            "cut_last_share": self.cut_last.most_common(1)[0][1] / rows,
        }  # fmt: skip


def taken_from(label: torch.Tensor, place: torch.Tensor, sources: list[torch.Tensor]) -> torch.Tensor | None:
    """Return the sequence that labels are the next ids of, else that whose ids they are themselves."""
    compared = [_compare(label, place, ids) for ids in sources]
    for name in ("next", "same", "second"):
        for ids, found in zip(sources, compared, strict=True):
            if found[name][1] and _share(found[name]) >= _SHIFTED:
                return ids
    return None


def _is_next(found: dict[str, tuple[int, int]]) -> bool:
    matched, count = found["next"]
    return count > 0 and matched >= _SHIFTED * count


def _compare(label: torch.Tensor, place: torch.Tensor, ids: torch.Tensor) -> dict[str, tuple[int, int]]:
    """Return for each offset how many labels are the id there, and how many have such a place."""
    along, down = (_matches(label, place, ids, by_row) for by_row in (True, False))
    return max((along, down), key=lambda found: max(_share(found["next"]), _share(found["second"])))


def _share(pair: tuple[int, int]) -> float:
    return pair[0] / pair[1] if pair[1] else 0.0


def _matches(
    label: torch.Tensor,
    place: torch.Tensor,
    ids: torch.Tensor,
    by_row: bool,  # noqa: FBT001 - an axis
) -> dict[str, tuple[int, int]]:
    rows, columns = ids.shape
    position, length = (place % columns, columns) if by_row else (place // columns, rows)
    stride = 1 if by_row else columns
    flat, found = ids.flatten(), {}
    for name, offset in OFFSETS.items():
        there = (position + offset >= 0) & (position + offset < length)
        found[name] = (int((flat[place[there] + offset * stride] == label[there]).sum()), int(there.sum()))
    return found
