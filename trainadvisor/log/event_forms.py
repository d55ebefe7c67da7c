"""What events hold that signals take apart: one that lacks a field or holds another type is left out while reading."""

from collections.abc import Mapping
from typing import Any

from trainadvisor.log.value_checks import (
    Check,
    either,
    is_count,
    is_finite,
    is_flag,
    is_object,
    is_positive,
    is_text,
    is_whole,
    list_of,
    object_of,
    optional,
)


def _some(check: Check) -> Check:
    return lambda value: list_of(check)(value) and bool(value)


_shape, _texts = list_of(is_count), list_of(is_text)
_AXES = object_of({
    "time": is_positive, "batch": is_positive, "loader": optional(is_count), "input_shape": optional(_shape),
    "output_shape": optional(_shape), "target_shape": optional(_shape),
})  # fmt: skip

FORMS: dict[str, Check] = {
    "figures-printed": object_of({"held_out": optional(is_object), "unsaid": optional(is_object)}),
    "crossed-shapes": object_of({"op": is_text, "shapes": _some(_some(is_count))}),
    "softmax-axis": object_of({"over": is_text, "dim": is_whole, "shape": _shape}),
    "moved-axes": object_of({"viewed": _shape, "shape": _shape, "regrouped": optional(is_flag)}),
    "mean-divided": object_of({"by": is_positive}),
    "divided-twice": object_of({"by": is_positive}),
    "loss-term": object_of({
        "of": optional(either(is_whole, is_text)), "number": optional(is_whole),
        "rounds": optional(is_count), "lost": optional(is_count),
    }),
    "sequence-axes": object_of({"calls": is_count, "batch_first": is_flag, "rows": _some(_AXES)}),
    "shared-rows": object_of({
        **dict.fromkeys(("looked_at", "times"), is_positive),
        **dict.fromkeys(("found", "pairs", "equal", "trained_rows"), is_finite),
        **dict.fromkeys(("by_loader", "training_loader"), is_flag),
        **dict.fromkeys(("whole_batches", "new_batches"), is_count),
        **dict.fromkeys(("same_examples", "in_train_mode", "calls", "real_rows", "found_before"), optional(is_finite)),
        "trained_taken": optional(is_finite),
        "after": optional(is_count), "word": optional(is_text), "layers": optional(_texts),
    }),
    "labels": object_of({
        "sight": optional(_texts),
        **dict.fromkeys(("ends", "after_end", "after_end_labels"), optional(is_whole)),
        "after_end_is_stop": optional(is_flag),
        **dict.fromkeys(("label_counts", "widths", "full_widths", "cut_counts"), optional(is_whole)),
        **dict.fromkeys(("cut_share", "cut_last_share", "after_end_begins", "one_left_share"), optional(is_finite)),
        **dict.fromkeys(("left_out_first_ignored", "left_out_first_counted"), optional(is_count)),
        **dict.fromkeys(("left_out_last_ignored", "left_out_last_counted"), optional(is_count)),
        **dict.fromkeys(("left_out_places", "left_out_ignored"), optional(is_count)),
    }),
    "mask-sides": object_of({
        **dict.fromkeys(("right", "inverted", "cut_rows", "shown", "hidden", "lengths", "ids"), is_count),
        "on": is_text,
    }),
    "pooled-padding": object_of(dict.fromkeys(("places", "padding", "elsewhere", "lengths"), is_count)),
    "partners": object_of({
        **dict.fromkeys(("examples", "right", "other"), is_count), "expected": is_finite, "order": is_text,
    }),
    "plain-models": object_of({
        **dict.fromkeys(("examples", "tested"), is_count), **dict.fromkeys(("linear", "nearest"), is_finite),
    }),
    "packed-rows": object_of({
        **dict.fromkeys(("borders", "attentions", "crossing", "cut"), is_count), "told_by": is_text,
        "marked_share": is_finite,
    }),
    "twin": object_of({"twin": is_whole, "alike": optional(list_of(is_whole)), "then": optional(list_of(is_whole))}),
    "evaluated-copy": object_of({"copy": is_whole}),
    "state-load": object_of({
        "into": optional(is_whole), "missing": optional(_texts), "unexpected": optional(_texts),
        "strip": optional(is_text), "add": optional(is_text),
    }),
    "written-fault": object_of({
        "sites": _some(object_of({"file": is_text, "line": is_count, "code": optional(is_text)})),
        "parts": optional(list_of(_texts)), "pattern": optional(is_text),
    }),
    "resume": object_of({"optimizer": optional(is_flag), "loss": optional(is_finite)}),
    "unused-parameters": object_of({"tensors": is_count, "held": is_positive, "share": is_finite}),
    "codebook": object_of({
        **dict.fromkeys(("parameter", "entries", "looks", "chosen"), is_count), "used": is_count, "even": is_flag,
    }),
    "mixed-reductions": object_of({
        "averaged": is_text, "summed": is_text, "per_batch": is_positive, "times": is_finite,
        "values": optional(is_positive),
    }),
    "nonfinite-gradients": object_of({"count": is_count, "points": optional(is_count)}),
    "sampler-epochs": object_of({"loader": optional(is_whole)}),
    "broken-passes": object_of({"loader": is_whole, "passes": is_count, "most": is_count, "batches": is_count}),
    "worker-copies": object_of({"loader": is_whole, "workers": is_count, "compared": is_count, "same": is_count}),
    "optimizer-mode": object_of({"optimizer": is_whole, "evaluations": is_count, "wrong": is_count}),
    "optimizer-anew": object_of({
        "first": optional(is_whole), "optimizer": optional(is_whole), "firsts": optional(list_of(is_whole)),
    }),
    "eval-dropout": object_of({"passes": is_positive, "dropped": is_positive, "repeated": is_count}),
}  # fmt: skip


def is_complete(kind: str, detail: Mapping[str, Any]) -> bool:
    """Return whether an event holds what the signals take it to hold; of other kinds nothing is asked."""
    check = FORMS.get(kind)
    return check is None or bool(check(detail))
