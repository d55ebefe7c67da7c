"""What figures are called in each language."""

import pytest

from trainadvisor.i18n.language import Words
from trainadvisor.judge import rule_loading
from trainadvisor.verify.resource_metrics import READERS

MEASURES = {name for rule in rule_loading.load().rules.values() for name in rule.measures}


@pytest.mark.parametrize("name", sorted(MEASURES | {"validation skill"}))
def test_every_figure_has_a_chinese_name(name):
    """English keeps the name that the JSON has, but for the code's word skill; Chinese has its own."""
    assert Words("en").metric(name) == name.replace("skill", "gain over always predicting the same value")
    assert Words("zh").metric(name) != name


def test_every_measure_that_a_rule_names_can_be_read():
    """A name that nothing reads would leave a finding about time to be judged by the loss."""
    assert set(READERS) == MEASURES


def test_a_printed_figure_keeps_the_words_of_the_script():
    """The script's own name for it is kept."""
    assert Words("en").metric("printed validation auc") == "printed validation auc"
    assert Words("zh").metric("printed validation auc") == "脚本输出的 validation auc"
