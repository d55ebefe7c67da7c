"""What is called fit to be pasted as it is."""

from __future__ import annotations

import pytest

from trainadvisor.judge.pasting import applied_as


@pytest.mark.parametrize(
    ("said", "snippet", "told"),
    [
        ("paste", "torch.autograd.set_detect_anomaly(True)   # slow", "paste"),
        ("paste", "best = copy.deepcopy(model.state_dict())", "adapt"),
        ("paste", "for x in loader:", "adapt"),
        ("paste", None, "adapt"),
        ("try", "best = copy.deepcopy(model.state_dict())", "try"),
    ],
)
def test_a_snippet_with_names_of_its_own_has_to_be_adapted(said: str, snippet: str | None, told: str) -> None:
    """Only lines of the script itself, and names that every script has, can be pasted."""
    assert applied_as(said, snippet) == told  # type: ignore[arg-type]
