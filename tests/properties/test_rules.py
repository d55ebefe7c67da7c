"""Whatever the signals say, every rule gives one of its four verdicts, always the same, and its texts can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainadvisor.judge.engine import judge_rule
from trainadvisor.judge.placeholders import fill
from trainadvisor.judge.remedies import remedies
from trainadvisor.judge.rule_loading import load
from trainadvisor.judge.rule_verdict import CLEAR, FOUND, OFF, UNKNOWN
from trainadvisor.signals import all_signals
from trainadvisor.signals.context import CONTEXTS

if TYPE_CHECKING:
    from trainadvisor.judge.rulebook import Rule, Rulebook

FEW = settings(max_examples=settings.default.max_examples * 12 // 100, deadline=None)
NUMBERS = (
    st.sampled_from([0.0, 1.0, -1.0, 1e-12, 1e12, 1e308, -1e308, 5e-324, 0.5, 10, 1000])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(0, 10**6)
)
BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "number": NUMBERS,
    "truth": st.booleans(),
    "word": st.sampled_from(["cross_entropy", "mse_loss", "SGD", "Adam", "float16", ""]) | st.text(max_size=5),
    "layers": st.dictionaries(st.sampled_from(["a", "b.0", "b.1", "c"]), NUMBERS, min_size=1, max_size=4),
    "names": st.lists(st.sampled_from(["a", "b.0", "\x1b[31m"]), min_size=1, max_size=3),
}
BOOK: Rulebook = load()


def names_of(rule: Rule) -> list[str]:
    """Return the signals that a rule looks at."""
    conditions = [line for variant in rule.variants for line in (*variant.conditions, *variant.exclusions)]
    lines = [*conditions, *rule.computed.values()]
    used = {name for line in lines for name in line.names} | {rule.onset, rule.subjects}
    return sorted(name for name in used if name in all_signals())


def case(rule: Rule) -> st.SearchStrategy[tuple[dict[str, Any], list[str]]]:
    """Return signals, each absent or of its type, and contexts."""
    values = {name: BY_TYPE[all_signals()[name].type] for name in names_of(rule)}
    return st.tuples(
        st.fixed_dictionaries({}, optional=values), st.lists(st.sampled_from(sorted(CONTEXTS)), max_size=2)
    )


@pytest.mark.parametrize("code", [code for code, rule in BOOK.rules.items() if rule.judges_runs])
@FEW
@given(data=st.data())
def test_a_rule_never_fails(code: str, data: st.DataObject) -> None:
    """Judged twice it says the same; what is found has texts and remedies in both languages."""
    rule = BOOK.get(code)
    signals, contexts = data.draw(case(rule))
    verdict = judge_rule(rule, signals, contexts)
    assert verdict.failure == ""
    assert verdict.state in {FOUND, CLEAR, UNKNOWN, OFF}
    again = judge_rule(rule, dict(reversed(signals.items())), contexts)
    assert (again.state, again.severity, again.missing, again.matched, again.onset) == (
        verdict.state, verdict.severity, verdict.missing, verdict.matched, verdict.onset,
    )  # fmt: skip
    assert (verdict.state == UNKNOWN) == bool(verdict.missing)
    if verdict.state == FOUND:
        assert all(fill(rule.text("finding", lang), verdict.lookup, lang)[0] for lang in ("en", "zh"))
        assert remedies(verdict, None) or rule.kind == "expected"


@pytest.mark.parametrize("code", [code for code, rule in BOOK.rules.items() if rule.judges_runs])
@FEW
@given(data=st.data())
def test_knowing_more_never_clears_what_was_found_surely(code: str, data: st.DataObject) -> None:
    """A verdict that needed no absent signal stands when those are known: found stays found, clear stays clear."""
    rule = BOOK.get(code)
    if rule.scope == "layer":
        return  # which layers are judged depends on which signals are known
    signals, _ = data.draw(case(rule))
    some = {name: value for name, value in signals.items() if data.draw(st.booleans())}
    before, after = judge_rule(rule, some), judge_rule(rule, signals)
    if before.state == CLEAR or (before.state == FOUND and not before.unsure):
        assert after.state == before.state
