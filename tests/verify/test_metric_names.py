"""What figures are called in each language."""

import pytest

from trainadvisor.i18n.language import Words
from trainadvisor.verify.resource_metrics import OF


@pytest.mark.parametrize("name", sorted({name for names in OF.values() for name in names} | {"validation skill"}))
def test_every_figure_has_a_chinese_name(name):
    """English keeps the name that stands in the JSON; Chinese has its own."""
    assert Words("en").metric(name) == name
    assert Words("zh").metric(name) != name


def test_a_printed_figure_keeps_the_words_of_the_script():
    """What the script calls it is told as it is."""
    assert Words("en").metric("printed validation auc") == "printed validation auc"
    assert Words("zh").metric("printed validation auc") == "脚本输出的 validation auc"
