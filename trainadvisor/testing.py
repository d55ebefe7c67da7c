"""Support for the pytest plugin: trainings watched in a test, and assertions that show the diagnosis."""

from __future__ import annotations

import copy
import random
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from trainadvisor.errors import UsageError
from trainadvisor.vocabulary import SURENESS, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.watching import Watcher

SEEDS = 3


@dataclass(frozen=True)
class Demand:
    """What a test requires of its trainings."""

    fail_on: str = "error"
    min_confidence: str = "medium"
    ignore: Iterable[str] = ()

    def __post_init__(self) -> None:
        """Refuse unknown words."""
        for word, known in ((self.fail_on, list(Severity)), (self.min_confidence, SURENESS)):
            if word not in known:
                message = f"trainadvisor: {word!r} must be one of {', '.join(known)}"
                raise UsageError(message)

    def failing(self, diagnosis: Diagnosis) -> list[str]:
        """Return the codes that violate the demand."""
        from trainadvisor.gate.decision import Policy, decide

        ignore = tuple(self.ignore)
        policy = Policy(fail_on=self.fail_on, min_confidence=SURENESS[self.min_confidence], ignore=ignore)
        return [item.finding.code for item in decide([diagnosis], policy).runs[0].failing]


def seed(number: int) -> None:
    """Seed the random generators, so that a test's training is the same in every run."""
    import torch

    random.seed(number)
    torch.manual_seed(number)
    try:
        import numpy as np
    except ImportError:
        return
    np.random.seed(number)  # noqa: NPY002 - trainings use the legacy generator


class Advisor:
    """The watched trainings of one test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs: list[Run] = []

    def watch(self, model: Any, optimizer: Any = None, **options: Any) -> Run:
        """Watch a training, as `trainadvisor.watch` does; assertions are made on what is returned."""
        from trainadvisor.watching import watch

        log = options.pop("log", self._folder / f"trainadvisor-{len(self._runs)}.json")
        run = Run(watch(model, optimizer, log=log, **options), model, optimizer)
        self._runs.append(run)
        return run

    def watch_everything(self) -> None:
        """Watch every training until the test ends."""
        self._runs.append(Run(Everything(self._folder / f"trainadvisor-{len(self._runs)}.json"), None, None))

    def demand(self, demand: Demand) -> None:
        """Fail unless every training meets the demand."""
        if not self._runs:
            pytest.fail(
                "trainadvisor: the marked test watched no training; call trainadvisor.watch(model, optimizer)",
                pytrace=False,
            )
        for run in self._runs:
            run.meet(demand)

    def close(self) -> None:
        """End every recording."""
        for run in self._runs:
            run.close()

    def lines(self) -> Iterator[str]:
        """Yield the verdict on each training, and other measurements."""
        for run in self._runs:
            diagnosis = run.diagnose()
            yield f"{diagnosis.state}: {diagnosis.summary}"
            yield from run.measured

    def write(self, folder: Path, name: str) -> None:
        """Write the diagnosis of each training as text and JSON."""
        from trainadvisor.report.machine import json_document

        folder.mkdir(parents=True, exist_ok=True)
        for number, run in enumerate(self._runs):
            stem = name if number == 0 else f"{name}-{number}"
            diagnosis = run.diagnose()
            (folder / f"{stem}.txt").write_text(f"{diagnosis}\n", encoding="utf-8")
            (folder / f"{stem}.json").write_text(json_document.render(diagnosis) + "\n", encoding="utf-8")


class Everything:
    """Records every training, as `trainadvisor run` does."""

    def __init__(self, log: Path) -> None:
        """Start recording at once."""
        from trainadvisor.log.writer import LogWriter
        from trainadvisor.record.recorder import Recorder

        self.log = log
        self._writer = LogWriter(log)
        self._recorder = Recorder([self._writer], discover=True)
        self._open = True
        self._recorder.start()

    def diagnose(self) -> Diagnosis:
        """End the recording and judge it."""
        from trainadvisor.document import diagnose

        self.close()
        return diagnose(self.log)

    def close(self) -> None:
        """End the recording; further calls do nothing."""
        if self._open:
            self._open = False
            self._recorder.stop("finished")
            self._writer.close()


class Run:
    """One watched training and assertions about it."""

    def __init__(self, watcher: Watcher | Everything, model: Any, optimizer: Any) -> None:
        self._watcher, self._model, self._optimizer = watcher, model, optimizer
        self.measured: list[str] = []

    def __getattr__(self, name: str) -> Any:
        """Forward to the watcher: step, validation, on, log."""
        return getattr(self._watcher, name)

    def diagnose(self) -> Diagnosis:
        """Judge what has been recorded so far."""
        return self._watcher.diagnose()

    def close(self) -> None:
        """End the recording."""
        self._watcher.close()

    def meet(self, demand: Demand) -> None:
        """Fail with the diagnosis unless the training meets a demand."""
        __tracebackhide__ = True
        diagnosis = self.diagnose()
        if failing := demand.failing(diagnosis):
            _fail(f"trainadvisor: {', '.join(failing)}", diagnosis)

    def assert_healthy(
        self, *, min_confidence: str = "medium", ignore: Iterable[str] = (), fail_on: str = "warning"
    ) -> None:
        """Fail if there is a sufficiently certain warning or error, or if nothing can be judged."""
        __tracebackhide__ = True
        self.meet(Demand(fail_on, min_confidence, ignore))
        from trainadvisor.gate.decision import is_in_doubt

        diagnosis = self.diagnose()
        if is_in_doubt(diagnosis):
            _fail("trainadvisor: nothing can be said of this training", diagnosis)

    def assert_no(self, *codes: str) -> None:
        """Fail if one of the findings is present, at any confidence and depth, or was not judged."""
        __tracebackhide__ = True
        _check_codes(codes)
        diagnosis = self.diagnose()
        if found := sorted({finding.code for finding in diagnosis.walk()} & set(codes)):
            _fail(f"trainadvisor: {', '.join(found)}", diagnosis)
        unjudged = [entry for entry in diagnosis.unknown if entry.code in codes and entry.missing]
        open_ = [f"{entry.code} (needs {entry.how})" for entry in unjudged]
        if open_:
            _fail(f"trainadvisor: not judged: {', '.join(open_)}", diagnosis)

    def assert_overfits_one_batch(
        self,
        batch: Any,
        *,
        loss_below: float,
        steps: int = 200,
        loss: Callable[[Any, Any], Any] | None = None,
        fresh: bool = True,
    ) -> None:
        """Train copies on one batch with three seeds and fail unless the median of the final losses is low enough.

        `batch` is (inputs, targets), or a mapping for models that return a `.loss`; `loss` is the loss function where
        it cannot be seen from the training; `fresh=False` starts from the weights as they are instead of new ones.
        """
        __tracebackhide__ = True
        closing = self._closure(batch, loss)
        with self._unrecorded():
            finals = [self._overfit(closing, steps, number, fresh=fresh) for number in range(SEEDS)]
        spread = f"{min(finals):.3g}..{max(finals):.3g} over {SEEDS} seeds"
        line = f"one batch, {steps} steps: median loss {median(finals):.3g} ({spread}), wanted below {loss_below:g}"
        self.measured.append(line)
        if not median(finals) < loss_below:
            _fail(f"trainadvisor: {line}", self.diagnose())

    def _closure(self, batch: Any, loss: Callable[[Any, Any], Any] | None) -> Callable[[Any], Any]:
        """Return a function that computes the loss of the batch from a model."""
        if isinstance(batch, dict):
            return lambda model: model(**batch).loss
        inputs, targets = batch
        function = loss or self._seen_loss()
        return lambda model: function(model(inputs), targets)

    def _seen_loss(self) -> Callable[[Any, Any], Any]:
        """Return the loss function observed in the training."""
        import torch

        kind = str(self.diagnose().run.get("loss_kind"))
        function: Callable[[Any, Any], Any] | None = getattr(torch.nn.functional, kind, None)
        if function is None:
            message = "assert_overfits_one_batch: the loss function cannot be seen from the training; give loss=..."
            raise UsageError(message)
        return function

    @contextmanager
    def _unrecorded(self) -> Iterator[None]:
        """Keep the training inside the block out of the log."""
        from trainadvisor.instrument import torch_events

        recorder = self._watcher._recorder  # noqa: SLF001 - one package
        torch_events.remove(recorder)
        try:
            yield
        finally:
            torch_events.add(recorder)

    def _overfit(self, closing: Callable[[Any], Any], steps: int, number: int, *, fresh: bool) -> float:
        """Train a copy of the model with its optimizer's settings, and return the last loss."""
        seed(number)
        model = copy.deepcopy(self._model)
        for module in model.modules() if fresh else ():
            if callable(reset := getattr(module, "reset_parameters", None)):
                reset()
        model.train()
        optimizer = self._fresh(model)
        value = None
        for _ in range(steps):
            optimizer.zero_grad()
            value = closing(model)
            value.backward()
            optimizer.step()
        return float(value) if value is not None else float("nan")

    def _fresh(self, model: Any) -> Any:
        import torch

        given = self._optimizer
        if given is None or not isinstance(given, torch.optim.Optimizer):
            return torch.optim.Adam(model.parameters(), lr=1e-3)
        settings = {key: value for key, value in given.param_groups[0].items() if key in given.defaults}
        return type(given)(model.parameters(), **settings)


def _fail(head: str, diagnosis: Diagnosis) -> None:
    """Fail with the report that the terminal would show."""
    __tracebackhide__ = True
    pytest.fail(f"{head}\n\n{diagnosis}", pytrace=False)


def _check_codes(codes: Iterable[str]) -> None:
    from trainadvisor.judge.rule_loading import load

    book = load()
    for code in codes:
        book.get(code)
