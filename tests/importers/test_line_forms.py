"""Lines that are read by their form are read as the slow way reads them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from trainadvisor.importers.decode.line_forms import LineForms
from trainadvisor.importers.decode.printed_rows import _read as read
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
