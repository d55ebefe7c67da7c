"""Lines that are read by their form are read as the slow way reads them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from trainadvisor.importers.decode import printed_places
from trainadvisor.importers.decode.line_forms import LineForms
from trainadvisor.importers.decode.printed_rows import _read as read
from trainadvisor.importers.decode.printed_rows import _told_place as told_place
from trainadvisor.importers.format_registry import known
from trainadvisor.importers.opening import lines

HERE = Path(__file__).parent
FORMS: dict[str, Callable[[int], str]] = {
    "nanogpt": lambda n: f"iter {n}: loss {4 - n / 7:.4f}, time {30 + n / 3:.2f}ms, mfu {n / 9:.2f}%",
    "total": lambda n: f"step {n}/20000 | train loss {11 - n / 7:.6f} | norm {0.3 + n / 17:.4f} | lr {n * 1e-5:.2e}",
    "equal numbers": lambda n: f"epoch {n} step {n} loss: {n / 4:.1f} lr: {n / 4:.1f}",
    "digits in names": lambda n: f"Epoch {n}: loss=0.{n + 1}5 mAP{50 if n % 2 else 75}=0.{n}3",
    "groups": lambda n: f"step: {n},000 loss: {n + 1},234.5",
    "not a number": lambda n: f"step {n} loss: {'nan' if n % 3 else n / 2} grad_norm: {n / 5}",
    "signs": lambda n: f"step {n} | loss: {'-' * (n % 2)}{n + 0.5} | reward: +{n / 3:.3f}",
    "held out": lambda n: f"step {n} [valid] loss: {n / 3:.3f} train loss: {n / 7:.3f}",
    "lists": lambda n: f"epoch {n} loss: {n / 3:.3f} lr: [{n * 1e-3:.4f}, {n * 1e-4:.5f}]",
    "another program": lambda n: f"{{'loss': {n / 3:.4f}, 'learning_rate': {n}e-05, 'epoch': {n / 10:.2f}}}",
}


def _written() -> Iterator[str]:
    """Yield the lines of the tests beside this one, which hold what many programs print."""
    for name in ("test_printed_formats.py", "test_cells.py", "test_decoding.py", "test_limits.py"):
        yield from (line for line in lines(HERE / name) if len(line) < 2000)


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_read_as_its_lines_are(name: str) -> None:
    """Step and epoch, the total of the steps, names, numbers and their kinds."""
    forms, written = LineForms(read), [FORMS[name](n) for n in range(1, 30)]
    assert [repr(forms.read(line)) for line in written] == [repr(read(line)) for line in written]


def test_lines_of_many_programs_are_read_as_without_forms() -> None:
    """One after the other, with one memory."""
    forms, found = LineForms(read), list(_written())
    assert len(found) > 300
    assert [line for line in found if repr(forms.read(line)) != repr(read(line))] == []


def test_a_form_is_taken_apart_twice() -> None:
    """Two lines show where the figures stand; the others are read from there."""
    asked: list[str] = []

    def slow(line: str) -> object:
        asked.append(line)
        return read(line)

    forms = LineForms(slow)  # type: ignore[arg-type]
    written = [FORMS["total"](n) for n in range(3, 20)]
    for line in written:
        forms.read(line)
    assert asked == written[:2]


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("Epoch 2 Batch 10/200 loss 0.5", ({"epoch": 2, "step": 10}, None)),
        ("batch: 3/20 loss 1", ({"step": 3}, 20)),
        ("Epoch: [1][ 3/20] batch 4/9", ({"epoch": 1, "step": 4}, None)),
        ("train [3/20] batch_size 8 batch 7/20", ({"step": 7}, 20)),
        ("[ 3/20 ] loss 1", ({"step": 3}, None)),
        ("global_step: 5 loss 1", ({"step": 5}, None)),
        ("mini 3/20 loss", ({}, None)),
    ],
)
def test_step_and_epoch_of_a_line(line: str, place: object) -> None:
    """A batch that is named comes before a count in brackets; the total is told where the count is of the steps."""
    assert printed_places.place(line) == place


def test_the_most_certain_format_is_tried_first() -> None:
    """What has a mark of its own, then rows of objects, tables, and lines of any kind."""
    assert [form.NAME for form in known()] == [
        "TensorBoard event file", "flight recorder of PyTorch", "tracker's store", "W&B run file", "JSON lines",
        "JSON document", "CSV", "printed table", "printed boxes", "printed lines", "traceback",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "planned", "kept"),
    [
        (" 5%|# | 5/100 [00:01<00:09]", 100, True),
        ("25%|## | 5/20 [00:01<00:09]", 20, False),
        ("Validation: 5%|# | 5/100 [00:01<00:09]", 100, False),
        ("eval step 5 of 20", 20, True),
    ],
    ids=["of the training", "of as many as no training has", "of an evaluation", "no bar"],
)
def test_the_place_of_a_bar_is_that_of_the_training_alone(line: str, planned: int, *, kept: bool) -> None:
    """One with another total, or with a word for held-out data, tells of an evaluation."""
    table = SimpleNamespace(planned_steps=100)
    here = {"step": 5.0}
    assert told_place(line, table, here, planned) == (here if kept else {})  # type: ignore[arg-type]
    assert table.planned_steps == 100
