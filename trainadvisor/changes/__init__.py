"""Changes: remedies applied to a script from outside, one small typed function each.

A change subscribes to moments of the training (an optimizer is made, the model runs for the first time, a loss is
computed) and alters what happens there. A trial need not be bit-identical to the script, only say what it did.
"""

from trainadvisor.changes.declaration import Argument, ChangeSpec, Choice, all_changes, chosen

__all__ = ["Argument", "ChangeSpec", "Choice", "all_changes", "chosen"]
