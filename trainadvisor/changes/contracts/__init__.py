"""Active tests of a model on the script's own first batch: one a module, found by themselves."""

import importlib
import pkgutil

from trainadvisor.changes.contracts.contract import Contract, declared


def all_contracts() -> list[Contract]:
    """Return every test in the order in which they are made; importing them does not import torch."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return sorted(declared, key=lambda contract: (contract.order, contract.name))
