"""One application of a change: where it hooks in, and its outcome."""

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trainadvisor.interruptions import from_handler

if TYPE_CHECKING:
    from trainadvisor.changes.applying.session_state import SessionState

Call = Callable[..., Any]
# Called as around(call, args, kwargs); returns what the script gets.
Around = Callable[[Call, tuple[Any, ...], dict[str, Any]], Any]


class Refusal(Exception):  # noqa: N818 - it is an answer, not an error
    """A change cannot be applied here; the message says why."""


class ChangeApplication:
    """A change that is being applied to the script."""

    def __init__(self, session: "SessionState", word: str, arguments: dict[str, Any]) -> None:
        self.session, self.word, self.arguments = session, word, arguments
        self.what: str | None = None
        self.refused: str | None = None
        # Reported when the script ends and nothing was changed.
        self.never = "the script never came to the place where it would take hold"
        # Whether it may still become applicable late in the training.
        self.patient = False
        self.hooks: dict[str, list[Call]] = defaultdict(list)
        # Whether it runs inside those of other changes, and the function.
        self.arounds: dict[str, list[tuple[bool, Around]]] = defaultdict(list)
        self._told = False

    def when(self, moment: str, then: Call) -> None:
        """Call a function at a moment of the training; it may raise Refusal."""
        self.hooks[moment].append(then)

    def around(self, moment: str, around: Around, *, within: bool = False) -> None:
        """Run a function around a call of the script, `within` those of other changes if it depends on them."""
        self.arounds[moment].append((not within, around))

    def tell(self, moment: str, *args: object) -> None:
        """Let the change act at a moment; its own failure becomes a refusal, never an error of the script."""
        for then in list(self.hooks.get(moment, ())):
            if self.refused is not None:
                return
            try:
                then(*args)
            except Refusal as reason:
                self.refuse(str(reason))
            except Exception as error:
                if from_handler(error):
                    raise
                self.refuse(f"it failed here ({type(error).__name__}: {error})")

    def standing(self, around: Around, call: Call) -> Call:
        """Return the call wrapped by a change; if the change itself fails, the script's plain call is made."""

        def standing(*args: Any, **kwargs: Any) -> Any:
            if self.refused is not None:
                return call(*args, **kwargs)
            results: list[Any] = []
            inside = [False]

            def noted(*given: Any, **named: Any) -> Any:
                inside[0] = True
                results.append(call(*given, **named))
                inside[0] = False
                return results[-1]

            noted.__name__ = standing.__name__
            try:
                return around(noted, args, kwargs)
            except Exception as error:
                if from_handler(error):
                    raise
                self.refuse(f"it failed here ({type(error).__name__}: {error})")
                if inside[0]:
                    raise
                return results[-1] if results else call(*args, **kwargs)

        standing.__name__ = getattr(call, "__name__", "call")
        return standing

    def done(self, what: str) -> None:
        """Record what was changed, in words with numbers; the first time, report it to the log."""
        self.what = self.what or what
        if not self._told:
            self._told = True
            self.session.report(self.word, self.detail)

    def refuse(self, reason: str) -> None:
        """Record why the change cannot be applied; what it has done so far stays."""
        self.refused = self.refused or reason
        self.done_or_refused()

    def done_or_refused(self) -> None:
        """Report the state to the log, once."""
        if not self._told:
            self._told = True
            self.refused = self.refused if self.refused or self.what else self.never
            self.session.report(self.word, self.detail)

    @property
    def detail(self) -> dict[str, Any]:
        """Return the detail for the log."""
        applied = self.what is not None
        return {
            "arguments": self.arguments, "applied": applied, "what": self.what or "",
            "refused": None if applied else self.refused,
        }  # fmt: skip
