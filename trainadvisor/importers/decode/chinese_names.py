"""Printed lines in Chinese, with the signs and names that English ones have."""

import re

SIGNS = str.maketrans("：，；（）［］【】｜＝％", ":,;()[][]|=%")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
COUNTED = (
    (re.compile(r"第\s*(\d+)\s*(?:轮|个?\s*epoch)", re.IGNORECASE), r"epoch \1 "),
    (re.compile(r"第\s*(\d+)\s*(?:步|次迭代|个?\s*batch)", re.IGNORECASE), r"step \1 "),
)
# "the accuracy is 92.5"
IS = re.compile(r"(?<=[\u4e00-\u9fff])\s*[为是]\s*(?=[-+]?\d)")
# The longer words first.
NAMES = (
    ("历史最佳", "best"), ("最佳", "best"), ("最好", "best"), ("最高", "max"), ("最低", "min"), ("目标", "target"),
    ("阈值", "threshold"), ("基线", "baseline"), ("训练集", "train"), ("验证集", "val"), ("测试集", "test"),
    ("训练", "train"), ("验证", "val"), ("测试", "test"), ("平均", "avg"), ("损失函数", "loss"), ("损失值", "loss"),
    ("损失", "loss"), ("准确率", "accuracy"), ("正确率", "accuracy"), ("准确度", "accuracy"), ("精确率", "precision"),
    ("精度", "accuracy"), ("召回率", "recall"), ("均方误差", "mse"), ("困惑度", "perplexity"),
    ("梯度范数", "grad_norm"), ("学习率", "lr"), ("轮次", "epoch"), ("轮数", "epoch"), ("步数", "step"),
    ("迭代次数", "iter"), ("的", ""),
)  # fmt: skip


def in_english(line: str) -> str:
    """Return a line with its Chinese signs and names replaced; any other line as it is."""
    if line.isascii():
        return line
    line = line.translate(SIGNS)
    if not CHINESE.search(line):
        return line
    for pattern, name in COUNTED:
        line = pattern.sub(name, line)
    line = IS.sub(": ", line)
    for word, name in NAMES:
        line = line.replace(word, f" {name} " if name else "")
    return re.sub(r" {2,}", " ", line).replace(" :", ":").strip()
