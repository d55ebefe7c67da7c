"""Objects that stand in the place of a function in C, and look as that."""

from collections.abc import Callable
from typing import Any

from trainadvisor.instrument.hidden_frame import drop_own_frames, veiled


def looking_as(original: Any, function: Callable[..., Any]) -> Any:
    """Return an object that is called as a function, and is asked for everything else as the original."""

    @veiled
    def of_original(_: object, name: str) -> Any:
        if name == "__deepcopy__":  # which leaves built-in functions as they are
            return lambda _: looking
        try:
            return getattr(original, name)
        except AttributeError:
            drop_own_frames()
            raise

    names = ("__repr__", "__eq__", "__hash__", "__setattr__", "__delattr__", "__dir__")
    look = {name: staticmethod(getattr(original, name)) for name in names}
    kind: Any = type(
        type(original).__name__,
        (),
        {
            "__slots__": ("__weakref__",),
            "__module__": type(original).__module__,
            "__call__": staticmethod(function),
            "__getattribute__": of_original,
            **look,
        },
    )
    looking = kind()
    return looking
