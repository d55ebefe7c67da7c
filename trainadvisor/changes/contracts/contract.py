"""The declaration of an active test: what is done, what each outcome proves, and which rule it speaks for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainadvisor.changes.contracts.case import Case

PASSED, FAILED, UNTESTED = "passed", "failed", "untested"
# A text in English and in Chinese.
Both = tuple[str, str]


@dataclass(frozen=True)
class Outcome:
    """What came out of a test: the state, a word for the way, and numbers for the sentence."""

    state: str
    way: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)


def _nothing(_: "Case") -> Outcome:
    return Outcome(UNTESTED)


@dataclass(frozen=True)
class Contract:
    """An active test; used as a decorator on the function that makes it."""

    name: str
    # How bad a failure is; the rule that it is a finding of names the test.
    severity: str
    order: int
    # What is done and what holds for a sound model.
    what: Both
    # Sentences by state, or by state and way (`failed.statistics`), with figures in braces.
    says: Mapping[str, Both]
    function: Callable[["Case"], Outcome] = _nothing

    def __call__(self, function: Callable[["Case"], Outcome]) -> Callable[["Case"], Outcome]:
        """Register the function as this test."""
        declared.append(replace(self, function=function))
        return function

    def sentence(self, detail: Mapping[str, Any], lang: str) -> str:
        """Return what an outcome, as the log has it, says in one line."""
        place = 1 if lang == "zh" else 0
        if detail.get("state") == UNTESTED:
            reason = str(detail.get("reason_zh" if place else "reason") or "")
            return f"无法测试：{reason}" if place else f"could not be tested: {reason}"
        key = f"{detail.get('state')}.{detail.get('way')}" if detail.get("way") else str(detail.get("state"))
        text = self.says.get(key) or self.says.get(str(detail.get("state"))) or ("", "")
        return text[place].format_map(_Figures(detail.get("figures") or {}))


class _Figures(dict[str, Any]):
    """Numbers for a sentence; one that is missing reads as a question mark."""

    def __missing__(self, key: str) -> "_Unknown":
        return _Unknown()


class _Unknown:
    def __format__(self, spec: str) -> str:
        return "?"


contract = Contract
declared: list[Contract] = []
