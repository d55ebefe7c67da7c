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


def test_the_seconds_are_those_since_the_command_was_begun(monkeypatch) -> None:
    """The imports before belong to them, so that the clock never goes back."""
    monkeypatch.setattr("trainadvisor.monitor.narrator.clocks.monotonic", lambda: 112.0)
    run = SimpleNamespace(voice=None, shown=("train.py", []))
    told = [Narrator(run, "en", begun=begun, quiet=True)._going_on(1.5) for begun in (100.0, None)]  # type: ignore[arg-type]
    assert [text.rpartition("(")[2] for text in told] == ["13 s)", "1 s)"]


def test_the_time_since_the_first_step_is_counted_while_the_introduction_is_told(monkeypatch) -> None:
    """Another thread draws the status line meanwhile: it reads no clock that was never set."""
    monkeypatch.setattr("trainadvisor.monitor.narrator.clocks.monotonic", lambda: 50_000.0)
    narrator = Narrator(SimpleNamespace(voice=None), "en", quiet=True)  # type: ignore[arg-type]
    drawn: list[str] = []
    narrator._introduce = lambda: drawn.append(narrator._going_on(1.0))  # type: ignore[method-assign]
    narrator._take({"record": "step", "step": 100, "loss": 0.5, "seconds": 0.01})
    assert drawn == ["  100  loss 0.5  10 ms/step"]
