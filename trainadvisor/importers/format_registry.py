"""The formats that are known, found by themselves, and which of them a file is of."""

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

from trainadvisor.importers import formats
from trainadvisor.importers.table import Table


@runtime_checkable
class Format(Protocol):
    """What a module of a format offers."""

    NAME: str
    RANK: int

    def matches(self, head: bytes, path: Path) -> bool:
        """Return whether a file that starts so is of this format."""

    def read(self, path: Path) -> Table:
        """Return what a file holds."""


@runtime_checkable
class FolderFormat(Format, Protocol):
    """What a module offers whose logs can be folders."""

    def matches_folder(self, folder: Path) -> bool:
        """Return whether a folder is such a log."""


@cache
def known() -> tuple[Format, ...]:
    """Return the formats, the most certain first."""
    names = [module.name for module in pkgutil.iter_modules(formats.__path__)]
    modules = [import_module(f"{formats.__name__}.{name}") for name in names]
    found = [cast("Format", module) for module in modules if isinstance(module, Format)]
    return tuple(sorted(found, key=lambda form: form.RANK))


def sniff(head: bytes, path: Path) -> Format | None:
    """Return the format of a file by its first 64 KiB, never by its name; None where it is of none."""
    return next((form for form in known() if form.matches(head, path)), None) if head.strip() else None


def of_folder(folder: Path) -> Format | None:
    """Return the format of a folder that is a log."""
    return next((form for form in known() if isinstance(form, FolderFormat) and form.matches_folder(folder)), None)
