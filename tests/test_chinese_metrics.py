"""Metrics that a script prints or tabulates in Chinese are read as their English names are."""

from pathlib import Path

import pytest

from trainadvisor.telling import diagnose
from trainadvisor.verify.stdout_metrics import printed

COURSE = [(epoch, 1.2 / (1 + epoch), 0.5 + 0.5 / epoch + 0.02 * epoch, 0.8 - 0.2 / epoch) for epoch in range(1, 31)]


@pytest.mark.parametrize(
    ("chinese", "english"),
    [
        ("验证集 准确率 0.93", "val accuracy 0.93"),
        ("第3轮 验证损失：0.61，验证准确率：93.1%", "epoch 3 val loss: 0.61, val accuracy: 93.1%"),
        ("测试集召回率 0.7", "test recall 0.7"),
        ("训练准确率 0.99", "train accuracy 0.99"),
    ],
)  # fmt: skip
def test_printed_metrics_are_read(chinese: str, english: str) -> None:
    """A figure of the training data is none in either language."""
    assert printed(chinese) == printed(english)


@pytest.mark.parametrize(
    ("header", "metric"),
    [("轮次,训练损失,验证损失,验证准确率", "验证准确率"), ("epoch,loss,val_loss,val_acc", "val_acc")],
)
def test_a_table_of_epochs_is_told_in_epochs(tmp_path: Path, header: str, metric: str) -> None:
    """Whatever the columns are called; where steps are counted, steps are told."""
    rows = "\n".join(",".join(f"{value:.4g}" for value in row) for row in COURSE)
    table = tmp_path / "metrics.csv"
    table.write_text(f"{header}\n{rows}\n", encoding="utf-8")
    found = diagnose(table).findings[0]
    assert found.code == "validation-rises"
    assert metric in found.sentence
    assert "at epoch 5 " in found.sentence
    assert "step" not in found.sentence + found.remedies[0].text
    assert "第 5 轮" in diagnose(table, lang="zh").findings[0].sentence
    table.write_text(f"{header.replace('轮次', '步数').replace('epoch', 'step')}\n{rows}\n", encoding="utf-8")
    assert "at step 5 " in diagnose(table).findings[0].sentence
