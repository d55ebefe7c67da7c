"""The structure of a model and the order of its layers, observed in a rehearsal of its first call."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trainadvisor.changes.applying.late_torch import nn, private_torch, torch
from trainadvisor.changes.applying.nested_tensors import listed

if TYPE_CHECKING:
    from trainadvisor.changes.applying.session_state import SessionState

_NONLINEAR = (
    "Relu", "Sigmoid", "Tanh", "Gelu", "Silu", "Elu", "Softplus", "Softmax", "Hardtanh", "Abs", "Pow", "Exp",
    "Max", "Mish", "Selu", "Celu", "Rnn", "Attention", "Clamp", "Sin", "Cos",
)  # fmt: skip
_WEIGHTED = ("Addmm", "Convolution", "Linear", "MmBackward", "Bmm")


@dataclass
class Visit:
    """One call of a layer: the module, its input tensor and its output tensor."""

    module: Any
    given: Any
    result: Any


@dataclass
class Rehearsal:
    """The calls of a model's layers in order, and what the model returned."""

    visits: list[Visit] = field(default_factory=list)
    output: Any = None

    @property
    def weighted(self) -> list[Any]:
        """Return the linear and convolution layers in the order of their first call."""
        kinds = (nn.Linear, private_torch.CONV)
        return list({id(v.module): v.module for v in self.visits if isinstance(v.module, kinds)}.values())

    @property
    def hidden(self) -> list[Any]:
        """Return the linear and convolution layers that are followed by another one and are not the output."""
        return [layer for layer in self.weighted[:-1] if id(layer) not in self._makers()]

    @property
    def activations(self) -> list[Any]:
        """Return the activation modules that do not produce the model's output."""
        makers = self._makers()
        calls = [v.module for v in self.visits if is_activation(v.module) and id(v.module) not in makers]
        return list({id(module): module for module in calls}.values())

    def _makers(self) -> set[int]:
        """Return the modules (ids) whose result the model returns."""
        outputs = listed(self.output)
        return {id(v.module) for v in self.visits if any(same_values(v.result, output) for output in outputs)}

    def times(self, layer: Any) -> int:
        """Return the number of uses of a layer in one call of the model."""
        return sum(visit.module is layer for visit in self.visits)

    def direct(self) -> list[Any]:
        """Return the layers whose output goes unchanged into the next linear or convolution layer."""
        through = (nn.Dropout, nn.Identity, nn.Flatten, private_torch.BATCH_NORM, nn.LayerNorm)
        source: dict[int, Any] = {}
        found: dict[int, Any] = {}
        for visit in self.visits:
            weighted = any(visit.module is layer for layer in self.weighted)
            before = source.get(id(visit.given))
            if weighted and before is not None:
                found[id(before)] = before
            if weighted:
                source[id(visit.result)] = visit.module
            elif isinstance(visit.module, through) and before is not None:
                source[id(visit.result)] = before
        return list(found.values())

    def has_inner_nonlinearity(self) -> bool:
        """Return whether any non-linear operation lies between two weighted layers."""
        final = first_tensor(self.output)
        return final is not None and final.grad_fn is not None and _bent(final.grad_fn)


def _bent(root: Any) -> bool:
    """Walk the graph from the output; operations before the first weighted one belong to the output."""
    waiting, seen = [(root, False)], set()
    while waiting:
        node, inside = waiting.pop()
        if node is None or (node, inside) in seen:
            continue
        seen.add((node, inside))
        name = type(node).__name__
        if inside and any(word in name for word in _NONLINEAR):
            return any(_weighted(n) for n in _ancestors(node))
        inside = inside or _weighted(node)
        waiting += [(following, inside) for following, _ in node.next_functions]
    return False


def _weighted(node: Any) -> bool:
    return any(word in type(node).__name__ for word in _WEIGHTED)


def _ancestors(root: Any) -> Iterator[Any]:
    waiting, seen = [root], {root}
    while waiting:
        node = waiting.pop()
        yield node
        new = {following for following, _ in node.next_functions if following is not None} - seen
        seen |= new
        waiting += new


def rehearse(session: "SessionState", model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Rehearsal:
    """Call a model once in evaluation mode, unrecorded and without side effects, and return what its layers did."""
    rehearsal = Rehearsal()

    def note(module: Any, given: tuple[Any, ...], result: Any) -> None:
        rehearsal.visits.append(Visit(module, first_tensor(given), first_tensor(result)))

    handles = [module.register_forward_hook(note) for module in model.modules() if is_layer(module)]
    modes = [(module, module.training) for module in model.modules()]
    try:
        with session.aside(), torch.enable_grad():
            model.eval()
            rehearsal.output = model(*args, **kwargs)
    finally:
        for module, was in modes:
            module.training = was
        for handle in handles:
            handle.remove()
    return rehearsal


def is_layer(module: Any) -> bool:
    """Return whether a module computes something itself."""
    return not any(True for _ in module.children()) or isinstance(module, nn.MultiheadAttention)


def is_activation(module: Any) -> bool:
    """Return whether a module is a torch activation for hidden layers."""
    return type(module).__module__ == "torch.nn.modules.activation" and not isinstance(module, nn.MultiheadAttention)


def first_tensor(given: Any) -> Any:
    """Return the first tensor in arguments or results, None where there is none."""
    if isinstance(given, torch.Tensor):
        return given
    inner = given.values() if isinstance(given, dict) else given if isinstance(given, tuple | list) else ()
    return next((found for item in inner if (found := first_tensor(item)) is not None), None)


def same_values(one: Any, other: Any) -> bool:
    """Return whether two tensors are the same, or one is a view of the other."""
    if one is None or other is None:
        return False
    return one is other or one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr() != 0


def adopt(session: "SessionState", model: Any, parameters: list[Any]) -> None:
    """Add new parameters to the optimizer that holds the model's others, with the settings of its last such group."""
    own = {id(p) for p in model.parameters()}
    for optimizer in session.optimizers:
        groups = [g for g in optimizer.param_groups if any(id(p) in own for p in g["params"])]
        if groups:
            held = {id(p) for group in optimizer.param_groups for p in group["params"]}
            groups[-1]["params"].extend(p for p in parameters if id(p) not in held)
            return


def exchange(session: "SessionState", fresh: dict[int, Any]) -> None:
    """Replace old parameters (by id) by new ones in the optimizers."""
    for optimizer in session.optimizers:
        for group in optimizer.param_groups:
            for place, old in enumerate(group["params"]):
                if id(old) in fresh:
                    optimizer.state.pop(old, None)
                    group["params"][place] = fresh[id(old)]


def replace(model: Any, old: Any, new: Any) -> None:
    """Replace a module by another one wherever the model holds it."""
    new.train(old.training)
    for parent in model.modules():
        for name, child in private_torch.children(parent).items():
            if child is old:
                private_torch.children(parent)[name] = new


def put_behind(session: "SessionState", model: Any, layer: Any, name: str, inserted: Any) -> None:
    """Run a new module on the output of a layer; it becomes part of that layer, and so of the model."""
    layer.add_module(name, inserted)
    inserted.train(layer.training)
    first = next(layer.parameters(recurse=False), None)
    if first is not None:
        inserted.to(first.device)

    def hook(_: Any, __: Any, result: Any) -> Any:
        return inserted(result)

    layer.register_forward_hook(hook)
    adopt(session, model, list(inserted.parameters()))


def names_of(model: Any, layers: list[Any]) -> str:
    """Return the names of layers, at most four of them."""
    known = {id(module): name for name, module in model.named_modules()}
    return ", ".join(known.get(id(layer)) or type(layer).__name__ for layer in layers[:4]) + (
        f" and {len(layers) - 4} more" if len(layers) > 4 else ""
    )
