"""The figures of merit in a printed line, each as whoever reads the line would take it."""

from __future__ import annotations

import pytest

from trainadvisor.importers.printed_merits import merits


@pytest.mark.parametrize(
    ("line", "held_out"),
    [
        ("val_acc: 0.93", {"val_acc": 0.93}),
        ("Epoch 0: Test set: Average loss: 2.0184, Accuracy: 282/400 (70%)", {"test Accuracy": 0.705}),
        ("Epoch 1/5 train_acc=0.5 val_acc=0.6", {"val_acc": 0.6}),
        ("train loss 0.4 acc 0.9 | val loss 0.5 acc 0.8", {"val acc": 0.8}),
        ("[12] val dice=0.812 iou=0.7", {"val dice": 0.812, "val iou": 0.7}),
        ("{'eval_loss': 0.5, 'eval_accuracy': 0.88, 'epoch': 1.0}", {"eval_accuracy": 0.88}),
        ("Test Accuracy of the model on the 10000 test images: 97.2 %", {"test Accuracy": 97.2}),
        ("F1 on the validation part: 0.61", {"val F1": 0.61}),
        ("第3轮 验证准确率：0.91", {"val accuracy": 0.91}),
        ("Final test accuracy = tensor(0.873)", {"Final test accuracy": 0.873}),
        ("val mae 0.31", {"val mae": 0.31}),
        ("Episode 10\tAverage reward: 14.10", {"Average reward": 14.1}),
        ("episode 3 return -12.5", {"return": -12.5}),
        ("epoch 5 | loss 0.2 | acc 0.93 | val_acc 0.91", {"val_acc": 0.91}),
        ("student val acc: 0.8 teacher val acc: 0.9", {"student val acc": 0.8, "teacher val acc": 0.9}),
        ("val acc: 0.43 (EMA val acc: 0.07)", {"val acc": 0.43, "EMA val acc": 0.07}),
        ("top1 val acc: 82.29 top5 val acc: 98.59", {"top1 val acc": 82.29, "top5 val acc": 98.59}),
        ("micro/macro: micro test f1=0.4 macro test f1=0.3", {"micro test f1": 0.4, "macro test f1": 0.3}),
        ("val acc: 0.5, again val: acc: 0.6", {"val acc": 0.5}),
        ("acc (val): 0.9", {"val acc": 0.9}),
        ("loss (train): 0.3 accuracy (test set) 91.2%", {"test accuracy": 91.2}),
        ("Epoch 3 | val mIoU 0.55", {"val mIoU": 0.55}),
        ("测试集准确率为 92.5%", {"test accuracy": 92.5}),
        ("验证准确率：0.88，最高准确率：0.95", {"val accuracy": 0.88}),
    ],
)
def test_a_figure_of_held_out_data_is_read_by_its_name(line: str, held_out: dict[str, float]) -> None:
    """Behind its own word for the data, or the last one before it; a return needs none."""
    assert merits(line) == {"held_out": held_out}


@pytest.mark.parametrize(
    ("line", "unsaid"),
    [
        ("Epoch [3/20], Accuracy: 91.20%", {"Accuracy": 91.2}),
        ("mean IoU: 0.61", {"mean IoU": 0.61}),
        ("MAE 0.22 RMSE 0.3", {"MAE": 0.22, "RMSE": 0.3}),
        ("Accuracy: 97/100", {"Accuracy": 0.97}),
    ],
)
def test_a_figure_without_a_word_for_its_data_is_unsaid(line: str, unsaid: dict[str, float]) -> None:
    """It may be of the training."""
    assert merits(line) == {"unsaid": unsaid}


@pytest.mark.parametrize(
    "line",
    [
        "step 100: train loss 1.2, val loss 1.3",
        "train accuracy: 0.98",
        "Acc (train): 0.98",
        "epoch 0 train loss 1.991 acc 0.710",
        "{'loss': 0.4, 'rewards/chosen': 0.3, 'rewards/rejected': -0.2}",
        "best val_acc: 0.95",
        "Best student val acc: 0.9",
        "最佳验证准确率：0.43",
        "Epoch [3/20], Loss: 0.3214, Accuracy: 91.20%",
        "accuracy gap: 0.03",
        "random accuracy: 0.1",
        "12/20 [====>....] - loss: 0.3 - accuracy: 0.4",
        "epoch 3/10 lr 0.001",
        "the accuracy will be printed below",
        "test set: 1000 samples",
        "value 0.3 tested 4",
        "accuracy: nan",
    ],
)
def test_what_is_no_result_on_held_out_data_is_left_out(line: str) -> None:
    """Losses and what stands beside them, the training's, the best so far, of others, of a bar's middle, broken."""
    assert merits(line) == {}


def test_more_right_than_there_are_is_no_share() -> None:
    """The first number is read as it stands."""
    assert merits("val acc: 20/10") == {"held_out": {"val acc": 20.0}}
