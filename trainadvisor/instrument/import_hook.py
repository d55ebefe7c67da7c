"""Waits for torch: a script may set environment variables before it imports torch, and may never import it."""

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Callable, Sequence


def when_torch_is_imported(then: Callable[[], None]) -> Callable[[], None]:
    """Call `then` right after torch has been imported, now if it has been; return the call that stops waiting."""
    if "torch" in sys.modules:
        then()
        return lambda: None
    finder = _Finder(then)
    sys.meta_path.insert(0, finder)
    return finder.leave


class _Finder(importlib.abc.MetaPathFinder):
    """Finds nothing itself; lets the usual loader of torch tell when it is through."""

    def __init__(self, then: Callable[[], None]) -> None:
        self._then = then

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "torch":
            return None
        # also where a library only asks whether torch is there, as transformers and datasets do before they import it
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            self._follow(spec.loader)
        return spec

    def leave(self) -> None:
        """Stop waiting."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def _follow(self, loader: importlib.abc.Loader) -> None:
        execute = loader.exec_module

        def execute_and_tell(module: types.ModuleType) -> None:
            vars(loader).pop("exec_module")
            execute(module)
            self.leave()
            self._then()

        vars(loader)["exec_module"] = execute_and_tell
