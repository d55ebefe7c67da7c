"""What is told while a script trains."""

from types import SimpleNamespace

from trainadvisor.monitor.narrator import Narrator


def test_that_a_log_cannot_be_judged_is_told_once() -> None:
    """With the kind of the error and its words; what fails again is not told again."""
    narrator = Narrator(SimpleNamespace(voice=None), "en", quiet=True)  # type: ignore[arg-type]
    lines: list[str] = []
    narrator._line = lines.append  # type: ignore[method-assign]
    narrator.complain(ValueError("odd"))
    narrator.complain(TypeError("odder"))
    assert lines == ["trainadvisor: ValueError: odd"]
