"""Knows the objects of a training by identity and numbers them: models, parameters, optimizers, loaders."""

import weakref
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrize import ParametrizationList

from trainadvisor.instrument import module_tables, private_torch
from trainadvisor.instrument.foreign_metrics import is_metric
from trainadvisor.record.objects import describe as facts
from trainadvisor.record.objects.describe import Fact
from trainadvisor.record.objects.ids import Announce
from trainadvisor.record.objects.loose_names import LooseNames
from trainadvisor.record.objects.optimizer_registry import OptimizerRegistry
from trainadvisor.record.objects.watched_model import Model, bare, is_compiled

__all__ = ["Model", "ObjectRegistry"]

# Parameters of a model whose values are measured when it is found; of more, so many that lie evenly.
_MOST_MEASURED = 512
# What holds the variables of a model of Keras, by their paths.
_OF_KERAS = "_torch_params."
_AT_START = ("init_rms", "init_std", "earlier")


class ObjectRegistry(OptimizerRegistry):
    """Numbers the objects of a training."""

    def __init__(self, announce: Announce) -> None:
        """Take the function that is told about new objects."""
        super().__init__(announce)
        # Models by number; those that the user has dropped are forgotten.
        self.models: dict[int, Model] = {}
        self._owner: dict[int, Model] = {}
        self.loose: Model | None = None
        self._loose_names = LooseNames()
        # Modules (ids) that are no models: without parameters, or TorchScript's.
        self._plain: set[int] = set()
        # Modules that got saved weights, and the names of their parameters that got none.
        self._saved_weights: weakref.WeakKeyDictionary[nn.Module, frozenset[str]] = weakref.WeakKeyDictionary()

    def is_plain(self, module: nn.Module) -> bool:
        """Return whether a module is no model; one without parameters, such as a loss, stays that way."""
        if id(module) in self._plain:
            return True
        weightless = isinstance(module, torch.jit.ScriptModule | ParametrizationList)
        plain = weightless or next(module_tables.parameters(module), None) is None
        if plain:
            self._plain.add(id(module))
            self._departures.await_that_of(module, self._plain.discard)
        return plain

    @property
    def models_so_far(self) -> int:
        """Return how many models were found since the start, those that are gone included."""
        return self._counts["model"]

    def take_as_trained(self, parameters: Iterable[torch.Tensor]) -> None:
        """Note that parameters whose model is not known yet have been trained: they are not as they were made."""
        self._earlier.update(map(self._parameter_number, parameters))

    def model_of(self, module: nn.Module) -> Model | None:
        """Return the model that the module belongs to, if it is known."""
        return self._owner.get(id(module))

    def add_model(self, module: nn.Module, name: str | None = None) -> Model:
        """Return the module's model, made when it is not known yet."""
        root = bare(module)
        known = self._owner.get(id(module)) or self._owner.get(id(root))
        if known is not None:
            self._own(module, known)
            known.compiled = known.compiled or is_compiled(module)
            return known
        if (whole := self._whole_of(root)) is not None:
            self._adopt(whole, module)
            return whole
        name = name or facts.kind_of(root)
        model = self._new_model(name, site=self.site_of(root), compiled=is_compiled(module))
        self._own(module, model)
        self._extend(model, root)
        return model

    def _new_model(self, name: str, **known: Any) -> Model:
        model = Model(self._counts["model"], name, **known)
        self._counts["model"] += 1
        self.models[model.number] = model
        return model

    def _whole_of(self, root: nn.Module) -> Model | None:
        """Return the model that holds all parameters of a module made later around a part of it, as `model[:2]` is."""
        numbers = {self.of_parameter.get(id(p), -1) for p in module_tables.parameters(root)}
        if not numbers or -1 in numbers:
            return None
        return next(
            (m for m in self.models.values() if m is not self.loose and m.alive and numbers <= set(m.numbers)), None
        )

    def _adopt(self, model: Model, module: nn.Module) -> None:
        """Take a module made around layers of a model, often anew at every step, for a root of that model."""
        self._own(module, model)
        model.scattered = True
        model.alive = [*(weakref.ref(root) for root in model.roots), weakref.ref(module)]

    def merge(self, into: Model, others: Iterable[Model]) -> None:
        """Make one model of several that one optimizer trains."""
        for other in others:
            prefix = f"{other.name}." if other.name != into.name else f"{other.number}."
            for root in other.roots:
                self._extend(into, root, prefix)
            if not other.roots:
                self._absorb(into, other, prefix)
            other.alive = []

    def _absorb(self, into: Model, other: Model, prefix: str) -> None:
        """Take over a model whose module, made for one call, is gone already."""
        for reference, number, fact in zip(other.references, other.numbers, other.fact["parameters"], strict=True):
            if number not in into.numbers:
                into.references.append(reference)
                into.numbers.append(number)
                into.fact["parameters"].append(fact | {key: prefix + fact[key] for key in ("name", "layer")})
        for key in [key for key, owner in self._owner.items() if owner is other]:
            self._owner[key] = into
        into.layer_names |= {key: prefix + name for key, name in other.layer_names.items()}
        into.fact["layers"] += [layer | {"name": prefix + layer["name"]} for layer in other.fact["layers"]]
        into.scattered = True
        self.describe(into)

    def _extend(self, model: Model, root: nn.Module, prefix: str = "") -> None:
        model.alive.append(weakref.ref(root))
        model.loaded = model.loaded or self._saved_weights.get(root) == frozenset()
        known = {id(p) for p in model.parameters}
        before = {fact["id"]: fact for fact in model.fact.pop("before", [])}
        # a tied weight belongs to the first module that holds it, whose name it has
        owners = reversed(list(module_tables.modules(root)))
        owned = [(m, p) for m in owners for p in private_torch.parameters(m).values() if p is not None]
        layer_of = {id(p): m for m, p in owned}
        named, loaded = list(module_tables.named_parameters(root)), self._loaded(root)
        model.lazy = any(isinstance(tensor, nn.parameter.UninitializedParameter) for _, tensor in named)
        for place, (name, tensor) in enumerate(named):
            if id(tensor) not in known and not isinstance(tensor, nn.parameter.UninitializedParameter):
                measured = place * _MOST_MEASURED % len(named) < _MOST_MEASURED
                self._add_parameter(
                    model,
                    prefix + name.rpartition(_OF_KERAS)[2],
                    tensor,
                    layer_of.get(id(tensor)),
                    before,
                    measured=measured,
                )
                model.fact["parameters"][-1]["loaded"] |= id(tensor) in loaded
        for module, tensor in owned:
            if id(tensor) in self.of_parameter:
                self.held.hold(tensor, module)
        for name, module in module_tables.named_modules(root):
            if is_metric(module):
                continue
            self._own(module, model)
            if (module is root and not facts.is_leaf(module)) or facts.is_parametrization(name):
                continue
            model.layer_names[id(module)] = prefix + name or type(module).__name__
            if facts.cares_about_mode(module):
                model.cares.append(weakref.ref(module))
        self.describe(model)

    def _loaded(self, root: nn.Module) -> set[int]:
        """Return the parameters (ids) of modules within a model that got saved weights."""
        if not self._saved_weights:
            return set()
        saved = [module for module in module_tables.modules(root) if module in self._saved_weights]
        named = ((module, *item) for module in saved for item in module_tables.named_parameters(module))
        return {id(p) for module, name, p in named if name not in self._saved_weights[module]}

    def _own(self, module: nn.Module, model: Model) -> None:
        if id(module) not in self._owner:
            self._departures.await_that_of(module, self._disown)
        self._owner[id(module)] = model

    def _disown(self, key: int) -> None:
        """Forget a module that is gone; its parameters keep their numbers, for what has been measured."""
        self._dropped = True
        model = self._owner.pop(key, None)
        if model is not None:
            model.layer_names.pop(key, None)

    def _add_parameter(
        self,
        model: Model,
        name: str,
        tensor: torch.Tensor,
        layer: nn.Module | None,
        before: dict[int, Fact],
        *,
        measured: bool = True,
    ) -> None:
        number = self._parameter_number(tensor)
        fact = facts.parameter_fact(number, name, tensor, layer, measured=measured)
        fact |= {"earlier": number in self._earlier, "loaded": model.loaded}
        if number in before:  # what it was at the start holds, not what it is now
            fact |= {key: before[number][key] for key in _AT_START if key in before[number]}
        model.references.append(self.held.hold(tensor, layer))
        model.numbers.append(number)
        model.device = tensor.device
        model.sharded = model.sharded or "parts" in fact
        model.fact.setdefault("parameters", []).append(fact)

    def _parameter_number(self, tensor: torch.Tensor) -> int:
        if id(tensor) not in self.of_parameter:
            self.of_parameter[id(tensor)] = self._counts["parameter"]
            self._counts["parameter"] += 1
        return self.of_parameter[id(tensor)]

    def describe(self, model: Model) -> None:
        """Announce the model's facts as they are now."""
        layers = {layer["name"]: layer for layer in model.fact.get("layers", [])}  # of a module that is gone, too
        of_class: dict[type, list[str]] = {}
        for root in model.roots:
            for module in module_tables.modules(root):
                name = model.layer_names.get(id(module))
                if name is not None and facts.is_leaf(module):
                    numbers = (self.of_parameter.get(id(p)) for p in module_tables.parameters(module))
                    owned = [number for number in numbers if number is not None]
                    layers[name] = facts.layer_fact(name, module, owned, of_class)
        for fact, tensor in zip(model.fact.get("parameters", []), model.parameters, strict=False):
            fact["trainable"] = tensor.requires_grad
        model.fact |= {
            "id": model.number, "name": model.name, "class": facts.kind_of(model.roots[0]) if model.roots else None,
            "site": model.site, "compiled": model.compiled, "loaded": model.loaded,
            "layers": list(layers.values()),
        }  # fmt: skip
        model.fact.setdefault("parameters", [])
        self._announce("model", model.fact)

    def add_loose(self, tensor: torch.Tensor) -> int:
        """Give a number to a parameter that the loss depends on but that no known module holds."""
        if id(tensor) in self.of_parameter:
            return self.of_parameter[id(tensor)]
        if self.loose is None:
            self.loose = self._new_model("(unregistered)")
        roots = (root for model in self.models.values() for root in model.roots)
        self._add_parameter(self.loose, self._loose_names.give(tensor, roots), tensor, None, {})
        return self.of_parameter[id(tensor)]

    def describe_loose(self) -> None:
        """Announce the parameters outside of every module, if there are any."""
        if self.loose is not None:
            self.describe(self.loose)

    def refresh_if_grown(self, model: Model) -> None:
        """Describe a model anew when its parameters have changed (a new head); known ones keep their numbers."""
        if not model.alive or model.scattered:
            return
        current = {id(p) for root in model.roots for p in module_tables.parameters(root)}
        if current == {id(p) for p in model.parameters}:
            return
        replaced = [held for held in model.references if held.key not in current]
        roots, model.alive = model.roots, []
        model.layer_names, model.cares = {}, []
        model.references, model.numbers = [], []
        model.fact = {"before": model.fact.get("parameters", [])}
        for root in roots:
            self._extend(model, root)
        self.held.disown(replaced)

    def forget_gone(self, kept: Iterable[Model], stepped: Iterable[int]) -> list[int]:
        """Forget models and optimizers that the user has dropped, but for those of a step; return the models' numbers.

        A process may train thousands of models one after the other.
        """
        self.held.sweep()
        if not self._dropped:
            return []
        self._dropped = False
        used, held = set(kept), {fact["id"] for fact in self.optimizers.values()} | set(stepped)
        gone = [m for m in self.models.values() if m.is_gone and m is not self.loose and m not in used]
        for model in gone:
            del self.models[model.number]
            self._earlier.difference_update(model.numbers)
        for number in self._optimizer_facts.keys() - held:
            del self._optimizer_facts[number]
        return [model.number for model in gone]

    def trained_by(self, optimizers: Iterable[int]) -> set[int]:
        """Return the numbers of the models that hold a parameter of these optimizers."""
        held = self._held_by(optimizers)
        return {model.number for model in self.models.values() if not held.isdisjoint(model.numbers)}

    def models_of(self, optimizer: torch.optim.Optimizer) -> list[Model]:
        """Return the models that an optimizer trains, as far as it has stepped before."""
        number = self.optimizers.get(id(optimizer), {}).get("id")
        trained = self.trained_by([number]) if number is not None else set()
        return [model for model in self.models.values() if model.number in trained and model.alive]

    def loading(self, module: nn.Module, fresh: frozenset[str] = frozenset()) -> None:
        """Note that a module got saved weights, but for some parameters."""
        model = self._owner.get(id(module))
        if model is None:
            self._saved_weights[module] = fresh
            return
        # weights loaded once it has been trained are its own, as the best epoch's at the end
        if not model.loaded and self._earlier.isdisjoint(model.numbers):
            model.loaded = True
            for fact in model.fact.get("parameters", []):
                fact["loaded"] = True
            self.describe(model)
