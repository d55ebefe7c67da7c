"""The name of a run's script, whatever the log says."""

import pytest

from trainadvisor.mending.project import script_name


@pytest.mark.parametrize("told", [None, "", ".", "/", "..", "-c", "...", 3, "no-such-file.py"])
def test_what_names_no_script_names_none(told: object) -> None:
    """Logs of other tools have no script, and a log may say anything."""
    assert script_name({} if told is None else {"script": told}) is None
