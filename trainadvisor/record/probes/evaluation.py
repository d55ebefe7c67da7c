"""Probe: evaluations, as the user means them: one pass over one data set, or one call on one split."""

from typing import Any

import torch

from trainadvisor import clocks
from trainadvisor.record.context import Context, probe
from trainadvisor.record.evaluations import loss_free_answers
from trainadvisor.record.evaluations.evaluation_series import TRAIN, SeriesBook, split_named, split_of, words_in_code
from trainadvisor.record.evaluations.evaluation_source import Source, Sources, Stretch, first_input
from trainadvisor.record.evaluations.evaluation_sums import LossSums, Pending
from trainadvisor.record.evaluations.open_evaluation import OpenEvaluation
from trainadvisor.record.evaluations.returned_losses import ReturnedLosses
from trainadvisor.record.evaluations.unclear_forwards import UnclearForward
from trainadvisor.record.losses.loss_calls import LossCall
from trainadvisor.record.objects import describe
from trainadvisor.record.objects.known_tensor import lies_in_memory, memory
from trainadvisor.record.step import Call

_HELD = 8
# Evaluations between two steps; what comes after joins the last.
_MOST_OPEN = 64


@probe(order=130)
class EvaluationProbe:
    """Joins what is computed without being trained on into evaluations."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.sources, self._series, self._returned = Sources(), SeriesBook(), ReturnedLosses()
        self._open: dict[object, OpenEvaluation] = {}
        self._current: OpenEvaluation | None = None
        # The evaluation whose forward runs, and whether it is the first one of its batch.
        self._running: tuple[OpenEvaluation, bool] | None = None
        # Losses with gradients of a model in eval mode since its last forward: an evaluation, unless trained on.
        self._tentative: list[tuple[Source, LossCall]] = []
        self._unclear = UnclearForward()
        # The losses that were trained on (ids), in order.
        self._trained: dict[int, None] = {}

    # Where batches come from

    def on_loader_iter(self, args: tuple[Any, ...], _: object, iterator: object) -> None:
        """Take a new pass over a loader."""
        self.sources.begin_pass(args[0], iterator)

    def on_batch_begins(self, args: tuple[Any, ...], _: object) -> None:
        """Take that a batch is asked for."""
        self.sources.ask(args[0])

    def on_batch_ends(self, args: tuple[Any, ...], _: object, batch: object) -> None:
        """Take a batch."""
        self.sources.draw(args[0], batch)

    def on_eval_mode(self, args: tuple[Any, ...], *_: object) -> None:
        """Take that a known model is put into eval mode: a new evaluation begins."""
        if self._context.objects.model_of(args[0]) is not None:
            self.sources.cut()

    # Forwards and losses

    def on_forward_begins(self, call: Call) -> None:
        """Open an evaluation with a forward without gradients; in training mode, not amid a step (a pseudo-label)."""
        self._running = None
        if call.grad:
            if self._tentative or self._unclear.is_open:
                self._settle()
            if call.training:
                self._set_aside(call)
            else:
                self._unclear.begin(call, self.sources)
        elif not (self._context.step.micro and call.training):
            fresh = self.sources.fresh
            opened = self._opened(self.sources.of_forward(), call.model.number)
            opened.drawn = self.sources.draws
            self._running = opened, fresh
            self._note_mode(opened, call)

    def _set_aside(self, call: Call) -> None:
        """Forget a look at the batch that is now trained on; note what the training is fed with."""
        used = self.sources.train()
        if used is None and self.sources.by_hand:
            self.sources.remember(Stretch.of(first_input(call)))
        for key, opened in list(self._open.items()) if self._open else ():
            data = opened.source.data
            if data is not None and data is used and opened.forwards == 1 and opened.drawn == self.sources.draws:
                del self._open[key]

    def _opened(self, source: Source, model: int | None) -> OpenEvaluation:
        found = self._open.get(source.key) or (self._current if len(self._open) >= _MOST_OPEN else None)
        if found is None:
            context = self._context
            begun, series = clocks.perf_counter(), self._series.number(source, model)
            found = OpenEvaluation(source, series, begun, context.steps_done(), context.last_epoch)
            found.split = split_of(source, self.sources.trained_loaders)
            self._open[source.key] = found
        self._current = found
        found.announced = found.announced or self.sources.announced
        return found

    def _note_mode(self, opened: OpenEvaluation, call: Call) -> None:
        opened.forwards += 1
        if opened.model is None or call.model.trained:
            opened.model = call.model.number
        caring = call.caring
        opened.care = opened.care or bool(caring)
        wrong = [call.model.layer_names.get(id(module), "") for module in caring if module.training]
        if wrong and call.model.trained:
            opened.mode, opened.wrong_mode = "train", wrong[:5]
            self._context.counts.add("train_mode_eval_forward")
        opened.on_training_data += self.sources.is_training_data(call)

    def on_forward_ends(self, call: Call) -> None:
        """Measure what a forward of an evaluation gives; remember the losses that one of the training returns."""
        running, self._running = self._running, None
        if call.grad:
            self._returned.offer(call.model.number, call.output)
            if self._unclear.is_open:
                self._unclear.end(call, self.sources, self._context.losses)
        if running is None:
            return
        opened, first = running
        given = first_input(call)
        size = given.shape[0] if given is not None else 1
        self._take_returned(opened, call, size)
        opened.outputs = [memory(t) for t in describe.tensors_in(call.output) if lies_in_memory(t)]
        if call.model.trained and not opened.parts:
            batch = self.sources.take(call, first=first)
            opened.examples += size
            loss_free_answers.measure(opened.answers, call, batch, self._context.losses.train_kinds())
        opened.ended = clocks.perf_counter()

    def _take_returned(self, opened: OpenEvaluation, call: Call, size: int) -> None:
        """Take the loss that the model returns, where the training is told it in the same way and no function is."""
        number, value = self._returned.of(call)
        entry = self._context.losses.numbered(number) if value is not None else None
        if entry is None or value is None or entry.kind != "custom":
            return
        if "eval" not in entry.phases:
            entry.phases.add("eval")
            self._context.losses.announce(entry)
        opened.parts.setdefault(entry.number, LossSums(entry)).add_value(value.detach(), size)

    def on_untrained_loss(self, call: LossCall, grad: bool) -> None:  # noqa: FBT001 - an event has no keywords
        """Take a loss of an evaluation; one with gradients waits until it is clear that nothing trains on it."""
        if grad:
            self._tentative = [*self._tentative[1 - _HELD :], (self.sources.of_forward(), call)]
        elif self._open:
            opened = self._evaluation_of(call)
            if self._running is not None:
                opened.inner.add(call.entry.number)
            self._add(opened, call)

    def _evaluation_of(self, call: LossCall) -> OpenEvaluation:
        """Return the evaluation whose forward made a prediction, else the current one."""
        current = self._current if self._current in self._open.values() else None
        if current is not None and (self._running is not None or current.gave(call.prediction)):
            return current
        made = [opened for opened in self._open.values() if opened.gave(call.prediction)]
        return (made or [current or list(self._open.values())[-1]])[-1]

    def _settle(self) -> None:
        """Take the losses of the forward before: no backward has followed."""
        looked = self._unclear.take()
        if looked is not None:
            opened = self._opened(looked.source, looked.model)
            opened.forwards, opened.examples = opened.forwards + 1, opened.examples + looked.examples
            opened.care = opened.care or looked.care
            opened.answers.join(looked.answers)
        tentative, self._tentative = self._tentative, []
        for source, call in tentative:
            if "eval" not in call.entry.phases:
                call.entry.phases.add("eval")
                self._context.losses.announce(call.entry)
            opened = self._opened(source, None)
            opened.forwards += looked is None
            self._add(opened, call)

    def _add(self, opened: OpenEvaluation, call: LossCall) -> None:
        part = opened.parts.setdefault(call.entry.number, LossSums(call.entry))
        with torch.no_grad():
            part.add(call)
        opened.ended = clocks.perf_counter()

    # Ends

    def on_backward_begins(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Forget the losses that are being differentiated; the evaluations before are over: the training goes on."""
        self._tentative = []
        if self._unclear.is_open:
            self._unclear.forget(self.sources)
        number = self._context.step.fields.get("loss_id")
        if number is not None:
            self._trained[number] = None
            if self._returned.offered:
                tensors = args[0] if args else kwargs.get("tensors")
                self._returned.match(tensors[0] if isinstance(tensors, tuple | list) and tensors else tensors, number)
        self._finish()
        self.sources.go_on()

    def on_stop(self, _: str) -> None:
        """Write the last evaluations."""
        self._settle()
        self._finish()

    def on_given_validation(self, *_: object) -> None:
        """Forget the validation that was seen: its result is given by the user. Looks at training data stay."""
        self._open = {key: opened for key, opened in self._open.items() if opened.split == TRAIN}
        self._tentative, self._current = [], None

    def on_reported_evaluation(self, figures: dict[str, Any]) -> None:
        """Take the figures that a framework reports, where the loss of the evaluation was not seen to be computed."""
        losses = [name for name in figures if name.endswith("_loss")]
        if len(losses) == 1 and not any(opened.parts for opened in self._open.values()):
            shares = {name: value for name, value in figures.items() if name.endswith(("accuracy", "accuracies"))}
            self._context.publish("given_validation", figures[losses[0]], shares)

    def on_reported_rewards(self, figures: dict[str, Any]) -> None:
        """Take the rewards of a policy that a framework logs: its loss says nothing about success."""
        self._context.publish("given_validation", None, figures)

    def _finish(self) -> None:
        if not self._open:
            self._current = None
            return
        found, self._open, self._current = list(self._open.values()), {}, None
        found = [opened for opened in found if opened.parts or opened.has_metrics or opened.announced]
        if any(opened.parts or opened.has_metrics for opened in found):
            found = [opened for opened in found if opened.parts or opened.has_metrics]
        found = [opened for opened in found if opened.parts or not self._trains_now(opened)]
        if found:
            self._name_splits(found)
            for opened in found:
                self._write(opened)

    def _trains_now(self, opened: OpenEvaluation) -> bool:
        """Return whether batches belong to a pass that trains: a look at them on the way is no evaluation."""
        data = opened.source.data
        return data is not None and data.trains

    def _name_splits(self, found: list[OpenEvaluation]) -> None:
        """Tell evaluations on training data from others: by the data, and where it does not show, by the user's word.

        A single word does not count: it may be a setting of the script.
        """
        for opened in found:
            opened.split = opened.split or split_of(opened.source, self.sources.trained_loaders)
            if opened.on_training_data == opened.forwards > 0:
                opened.split = TRAIN
        words = [split_named(opened.source.word) for opened in found]
        if len(set(words)) < 2:
            words = words_in_code([opened.source.place for opened in found])
        for opened, word in zip(found, words, strict=True):
            if opened.split is None and (word != TRAIN or len(found) > 1):
                opened.split = word

    def _write(self, opened: OpenEvaluation) -> None:
        pending: Pending = []
        record = opened.record(self._comparable(opened), self._context.values.read, pending)
        if all(reading.values is not None for reading, _ in pending):
            for reading, arrived in pending:
                arrived(reading.values or [])
            pending = []
        self._context.write(record, pending)

    def _comparable(self, opened: OpenEvaluation) -> int | None:
        """Return the loss to compare with training: the one trained on, one called there, one of its kind, a first.

        One that the model calls in its forward, as for the distance to its codes, stands behind those of the script.
        """
        trained_on = [number for number in opened.parts if number in self._trained]
        numbers = [number for number in opened.parts if number not in opened.inner] or list(opened.parts)
        kinds = self._context.losses.train_kinds()
        called = [number for number in numbers if "train" in opened.parts[number].entry.phases]
        same = [number for number in numbers if opened.parts[number].entry.kind in kinds]
        return next(iter([*trained_on, *called, *same, *numbers]), None)
