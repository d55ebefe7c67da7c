"""What is to be installed for a module that is not there."""

import pytest

from trainadvisor.judge import crash_rules
from trainadvisor.judge.package_names import installed_as
from trainadvisor.judge.rule_loading import load


@pytest.mark.parametrize(
    ("module", "package"),
    [("sklearn.datasets", "scikit-learn"), ("cv2", "opencv-python"), ("PIL", "pillow"), ("einops.layers", "einops")],
)
def test_a_module_is_installed_under_the_name_of_its_package(module: str, package: str) -> None:
    """The part before the first dot, where both are called the same."""
    assert installed_as(module) == package


@pytest.mark.parametrize(
    ("text", "package"),
    [
        ("ModuleNotFoundError: No module named 'sklearn'", "scikit-learn"),
        ("ImportError: cannot import name 'NoSuch' from 'skimage.filters' (/a/b.py)", "scikit-image"),
        ("ImportError: cannot import name 'NoSuch' from partially initialized module 'yaml' (/a.py)", "pyyaml"),
    ],
)
def test_the_error_names_what_to_install(text: str, package: str) -> None:
    """Of a name that is missing in a module, the package of the module."""
    scope = crash_rules.verdict(load().rules["module-missing"], {"crash_text": text}).scope
    assert scope is not None
    assert scope("package") == package
