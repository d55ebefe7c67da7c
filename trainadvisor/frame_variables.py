"""Looks at the variables of a running function without leaving anything behind with it."""

import inspect
import sys
from types import FrameType
from typing import Any

# Names whose use in a function shows that it holds its variables as a dictionary, which a look would renew.
_OWN_VIEW = frozenset({"locals", "vars"})


def variables_of(frame: FrameType) -> dict[str, Any]:
    """Return the variables of a frame by their names, none of one that looks at them itself.

    Before Python 3.13 a frame keeps the dictionary that it once gave out: a tensor in there would live until the
    function returns, and an exception in there for good, with all the frames that it has passed.
    """
    code = frame.f_code
    if not _OWN_VIEW.isdisjoint(code.co_names):
        return {}
    variables = frame.f_locals
    found = dict(variables)
    is_copy = sys.version_info < (3, 13) and code.co_flags & inspect.CO_OPTIMIZED
    if is_copy and sys.gettrace() is None:  # a debugger writes it back
        variables.clear()
    return found
