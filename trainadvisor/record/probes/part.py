"""The layers of a model that one observed forward looks at: all of them, or a block of a very deep model's."""

from torch import nn
from torch.overrides import TorchFunctionMode

from trainadvisor.record.objects.describe import is_leaf
from trainadvisor.record.objects.watched_model import Model
from trainadvisor.record.rotation import Rotation, Rows, is_part


class Part:
    """Tells layers that are looked at from others while the forward runs, and when its time is used up."""

    def __init__(self, model: Model, rotation: Rotation, functions: TorchFunctionMode | None) -> None:
        """Take the model, what chooses, and what sees the activation functions."""
        self._rotation, self._functions, self._model = rotation, functions, model.number
        layers = {layer["name"] for layer in model.fact.get("layers", [])}
        keys = [key for key, name in model.layer_names.items() if name in layers]
        self._rows = rotation.begin(model.number, len(keys))
        self._whole = not is_part(self._rows)
        self._chosen = frozenset(keys[self._rows[0] : self._rows[1]])
        self._holders: frozenset[int] = frozenset()
        # Whether functions are seen in the whole forward, else only inside modules that hold chosen layers.
        self.at_root = True
        if not self._whole:
            self._find_holders(model)
        self._open: list[TorchFunctionMode | None] = []
        self._seen = 0
        self._over = False
        # Time that looking has taken.
        self.seconds = 0.0

    def _find_holders(self, model: Model) -> None:
        parents = {model.layer_names[key].rpartition(".")[0] for key in self._chosen}
        holders = {name: key for key, name in model.layer_names.items() if name in parents}
        self._holders = frozenset(holders.values())
        self.at_root = parents != set(holders)

    @property
    def looks(self) -> bool:
        """Return whether a function that is called now is looked at."""
        return not self._over and (self._whole or not self.at_root or self._seen > 0)

    def enters(self, module: nn.Module) -> bool:
        """Return whether `leaves` is to be called: a module is a layer to look at, or functions inside it are seen."""
        if self._functions is not None and not self.at_root and id(module) in self._holders and not any(self._open):
            self._functions.__enter__()  # type: ignore[no-untyped-call]
            self._open.append(self._functions)
            return True
        if not is_leaf(module) or self._ends_before(module):
            return False
        self._seen += 1
        self._open.append(None)
        return True

    def _ends_before(self, module: nn.Module) -> bool:
        """Return whether a layer is not looked at; the first after those that are ends the look."""
        if self._whole:
            self._over = self._over or self._rotation.enough(self._model, self._seen, self.seconds)
            return self._over
        left_out = id(module) not in self._chosen
        self._over = self._over or (self.at_root and left_out and self._seen > 0)
        return left_out

    def leaves(self) -> bool:
        """Note that the module last entered is left; return whether it is a layer."""
        functions = self._open.pop()
        if functions is not None:
            functions.__exit__(None, None, None)  # type: ignore[no-untyped-call]
        return functions is None

    def end(self) -> Rows | None:
        """Take what the forward has cost; return the rows where layers were left out."""
        start, stop, count = self._rows
        if self._whole and self._over:
            stop = min(self._seen, count - 1)
        self._rotation.end(self._model, (start, stop, count), self.seconds)
        return (start, stop, count) if is_part((start, stop, count)) else None
