"""Probe: statistics of every layer's output, for one forward pass of a sampled step."""

import math
import sys
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from itertools import count, islice
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from trainadvisor import clocks
from trainadvisor.instrument import module_calls, module_tables, private_torch
from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.user_modes import apart
from trainadvisor.record.context import Context, probe
from trainadvisor.record.guarded_layers import GuardedLayers
from trainadvisor.record.handlers import only_sampled
from trainadvisor.record.objects import describe
from trainadvisor.record.objects.watched_model import Model
from trainadvisor.record.probes.called_places import CalledPlaces
from trainadvisor.record.probes.function_kinds import ACTIVATIONS, RESHAPING
from trainadvisor.record.probes.output_statistics import COLUMNS, NUMBERS, Found, active_units, combine, measure
from trainadvisor.record.probes.part import Part
from trainadvisor.record.rotation import Rotation, Rows
from trainadvisor.record.step import Call, Step

if TYPE_CHECKING:
    from types import FrameType

    from trainadvisor.instrument.guard import Guard
    from trainadvisor.log.records import Record

# Calls of one layer in one forward (a recurrent loop) that are looked at from the start; later, powers of two.
_REPEATS = 3
_FAST = (nn.MultiheadAttention, nn.TransformerEncoderLayer)
# Frames of the stack that a nested module call takes (torch's two and its own forward), and what a look needs.
_FRAMES_OF_A_CALL, _FRAMES_OF_A_LOOK = 3, 100
# Sampled batches over which a unit must stay at zero to count as dead.
_BATCHES = 4

_KINDS: tuple[tuple[type[nn.Module] | tuple[type[nn.Module], ...], str], ...] = (
    (nn.Linear, "linear"),
    (private_torch.CONV, "conv"),
    (describe.NORMS, "norm"),
    (nn.RNNBase, "rnn"),
    (nn.RNNCellBase, "rnn"),
    (nn.MultiheadAttention, "attention"),
    (nn.Embedding, "embedding"),
)


@dataclass
class _Row:
    """One line of the activation table, while a forward is observed."""

    name: str
    kind: str
    layer: str
    units: int
    calls: int = 0
    found: list[Found] = field(default_factory=list)
    active: torch.Tensor | None = None


class _Functions(TorchFunctionMode):
    """Sees the activation functions that the forward calls, as modules or by name."""

    def __init__(self, probe: "ActivationProbe", guard: "Guard") -> None:
        super().__init__()
        self._probe, self._guard = probe, guard
        # Whether calls of further functions are noted: in the first observed forward of a model.
        self.notes_calls = False

    @veiled
    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        kind = ACTIVATIONS.get(function)
        if kind is not None and isinstance(result, torch.Tensor):
            self._guard("activations.function", self._probe.saw_function, kind, result)
        elif self.notes_calls and function in RESHAPING:
            self._guard("activations.place", self._probe.saw_call, RESHAPING[function])
        return result


class _Observation(AbstractContextManager[None]):
    """Context of one observed forward: inner modules are seen and activation functions too."""

    def __init__(self, observer: GuardedLayers, functions: _Functions | None) -> None:
        self._observer, self._functions = observer, functions
        self._stack = ExitStack()

    def __enter__(self) -> None:
        self._stack.enter_context(module_calls.sampling(self._observer))
        if self._functions is not None:
            self._stack.enter_context(self._functions)

    def __exit__(self, *error: object) -> None:
        self._stack.close()


def _stack_is_nearly_full(model: Model) -> bool:
    """Return whether the model's nested calls may come so deep that a look at the deepest would overflow the stack."""
    nesting = max((name.count(".") for name in model.layer_names.values()), default=0)
    room = sys.getrecursionlimit() - _FRAMES_OF_A_LOOK - _FRAMES_OF_A_CALL * nesting
    frame: FrameType | None = sys._getframe()
    while frame is not None and room > 0:
        frame, room = frame.f_back, room - 1
    return room <= 0


def _takes_fast_paths(call: Call) -> bool:
    """Return whether frozen attention may choose its kernel by whether functions are observed: then they are not."""
    modules = (module for root in call.model.roots for module in module_tables.modules(root))
    return any(isinstance(m, _FAST) and not any(p.requires_grad for p in module_tables.parameters(m)) for m in modules)


@probe(order=110)
class ActivationProbe:
    """Measures while the forward of a sampled step runs; nothing is left on the model."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._rows: dict[str, _Row] = {}
        self._stack: list[nn.Module] = []
        self._names: dict[int, str] = {}
        self._last_layer = ""
        self._part: Part | None = None
        self._rotation = Rotation(context.seconds_allowed)
        self._units: dict[tuple[int, str], deque[torch.Tensor]] = {}
        self._tables: dict[tuple[Any, ...], int] = {}
        self._table_numbers = count()
        self._places: dict[int, CalledPlaces] = {}
        self._called = CalledPlaces()

    def observer(self, call: Call) -> _Observation | None:
        """Return the context to run a call in, or None when it is not observed."""
        wanted = self._context.step.sample_layers and call.grad and not call.model.compiled
        if (
            not wanted
            or torch.compiler.is_compiling()
            or _stack_is_nearly_full(call.model)
            or call.model.number in self._context.step.samples.get("activations", {})
        ):
            return None
        self._rows, self._stack, self._names, self._last_layer = {}, [], call.model.layer_names, ""
        functions = None if _takes_fast_paths(call) else _Functions(self, self._context.guard)
        if functions is not None:
            functions.notes_calls = call.model.number not in self._places
        self._called = self._places.setdefault(call.model.number, CalledPlaces())
        self._part = Part(call.model, self._rotation, functions)
        return _Observation(GuardedLayers(self, self._context.guard), functions if self._part.at_root else None)

    def enters(self, module: nn.Module) -> bool:
        """Note that an inner module is called; return whether its output is looked at, or functions inside of it."""
        assert self._part is not None
        wanted = self._part.enters(module)
        if wanted and describe.is_leaf(module):
            self._stack.append(module)
        return wanted

    def leaves(self) -> None:
        """Note that the module last entered of those that are looked at has returned or raised."""
        assert self._part is not None
        if self._part.leaves():
            self._stack.pop()

    def saw_layer(self, module: nn.Module, output: object) -> None:
        """Look at the output of a layer."""
        self._timed(self._saw_layer, module, output)

    def _saw_layer(self, module: nn.Module, output: object) -> None:
        kind = next((word for types, word in _KINDS if isinstance(module, types)), None)
        name = self._names.get(id(module))
        result = next(iter(describe.tensors_in(output)), None)
        if kind is None or name is None or result is None:
            return
        self._last_layer = name
        self._look(name, kind, name, result)

    def saw_function(self, kind: str, result: torch.Tensor) -> None:
        """Look at the output of an activation function."""
        if self._part is not None and self._part.looks:
            self._timed(self._saw_function, kind, result)

    def saw_call(self, kind: str) -> None:
        """Note where the forward calls a function whose output is not looked at."""
        if not self._stack:
            self._called.note(f"{self._last_layer or 'input'}.{kind}")

    def _timed(self, function: Callable[..., None], *args: object) -> None:
        begun, clock = clocks.perf_counter(), self._rotation.clock()
        try:
            apart(function, *args)
        finally:
            self._context.spend(clocks.perf_counter() - begun)
            if self._part is not None:
                self._part.seconds += self._rotation.clock() - clock

    def _saw_function(self, kind: str, result: torch.Tensor) -> None:
        module = self._stack[-1] if self._stack else None
        if isinstance(module, nn.RNNBase | nn.MultiheadAttention):
            return
        name = self._names.get(id(module)) if module is not None else None
        self._look(name or f"{self._last_layer or 'input'}.{kind}", kind, self._last_layer, result)

    def _look(self, name: str, kind: str, layer: str, output: torch.Tensor) -> None:
        output = describe.local(output)
        if not output.is_floating_point() or output.numel() == 0 or output.ndim == 0:
            return
        units = output.shape[1] if output.ndim >= 4 else output.shape[-1]
        row = self._rows.get(name)
        if row is None:
            row = self._rows[name] = _Row(name, kind, layer, units)
            self._called.note(name)
        row.calls += 1
        if row.calls > _REPEATS and row.calls & (row.calls - 1):
            return
        with torch.no_grad():
            row.found.append(measure(output, kind))
            if kind in {"relu", "leaky_relu"} and units == row.units:
                active = active_units(output)
                row.active = active if row.active is None else row.active | active

    @only_sampled
    def on_forward_ends(self, call: Call) -> None:
        """Collect the rows of an observed forward."""
        part, self._part = self._part, None
        left = part.end() if part is not None else None
        if not self._rows:
            return
        rows, self._rows = list(self._rows.values()), {}
        step = self._context.step
        result = next(map(describe.local, describe.tensors_in(call.output)), None)
        if result is not None and result.is_floating_point() and result.numel() and result.ndim:
            rows.append(_Row("output", "output", "", result.shape[-1], found=[measure(result, "output")]))
        with torch.no_grad():
            self._collect(call.model.number, rows, step, left)

    def _collect(self, model: int, rows: list[_Row], step: Step, part: Rows | None) -> None:
        columns: Record = {"table": self._table(model, rows, part)} | ({"rows": part} if part is not None else {})
        step.samples.setdefault("activations", {})[model] = columns
        shares = [self._dead(model, row) for row in rows]
        numbers = [number for row in rows for found in row.found for number in found.numbers]
        both = torch.stack([*numbers, *(share for share in shares if share is not None)])

        def arrived(values: list[float]) -> None:
            given = iter(values)
            joined = [combine([found.columns(list(islice(given, NUMBERS))) for found in row.found]) for row in rows]
            for index, name in enumerate(COLUMNS):
                columns[name] = [_known(row[index]) for row in joined]
            columns["act_std"] = [_std(*pair) for pair in zip(columns["act_mean"], columns["act_rms"], strict=True)]
            columns["act_dead"] = [None if share is None else next(given) for share in shares]

        step.expect(self._context.values.read(both), arrived)

    def on_model_gone(self, model: int) -> None:
        """Forget the units and tables of a model that the user has dropped."""
        self._units = {key: units for key, units in self._units.items() if key[0] != model}
        self._tables = {key: table for key, table in self._tables.items() if key[0] != model}
        self._places.pop(model, None)
        self._rotation.forget(model)

    def _dead(self, model: int, row: _Row) -> torch.Tensor | None:
        """Return the share of units that were zero over the last sampled batches, once there are three."""
        if row.active is None:
            return None
        seen = self._units.setdefault((model, row.name), deque(maxlen=_BATCHES))
        if seen and seen[-1].shape != row.active.shape:
            seen.clear()
        seen.append(row.active)
        if len(seen) < 3:
            return None
        return 1 - torch.stack(list(seen)).any(0).float().mean()

    def _table(self, model: int, rows: list[_Row], part: Rows | None) -> int:
        """Return the number of the table with these rows; a new one is announced."""
        key = (model, *((row.name, row.kind) for row in rows))
        if key not in self._tables:
            self._tables[key] = next(self._table_numbers)
            listed = [{"name": row.name, "kind": row.kind, "layer": row.layer, "units": row.units} for row in rows]
            detail = {"id": self._tables[key], "model": model, "rows": listed}
            detail["calls"] = self._places[model].told() if model in self._places else []
            self._context.event("table", "", detail if part is None else detail | {"part": part})
        return self._tables[key]


def _known(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124 - NaN marks "not measured" here


def _std(mean: float | None, rms: float | None) -> float | None:
    if mean is None or rms is None:
        return None
    return math.sqrt(max(0.0, rms * rms - mean * mean))
