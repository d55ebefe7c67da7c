"""Findings whose remedies are opposite, and the cheap test that tells which of the two holds."""

PAIRS: dict[tuple[str, str], dict[str, str]] = {
    ("lr-too-high", "lr-too-low"): {
        "en": "run 100 steps each at a third of the learning rate and at three times it: "
        "the one whose loss falls faster is right; "
        "both flat means that it is not the learning rate",
        "zh": "分别用三分之一和三倍的学习率各跑 100 步，损失下降更快的方向就是对的；两者都不下降，则不是学习率的问题",
    },
    ("overfitting", "underfitting"): {
        "en": "train on 64 samples only: a loss near zero means that capacity suffices and the fault is overfitting",
        "zh": "只用 64 个样本训练：若损失能降到接近零，说明容量足够，问题是过拟合",
    },
    ("overfitting", "undertrained"): {
        "en": "resume from the best evaluation for one more epoch: if validation gets worse again, it is overfitting",
        "zh": "从验证最佳的检查点再训练一轮：若验证结果再次变差，则是过拟合",
    },
    ("vanishing-gradients", "exploding-gradients"): {
        "en": "compare gradient norms of the first and the last layer at step 0: the smaller end tells the direction",
        "zh": "比较第 0 步首层与末层的梯度范数：哪一端更小，就说明梯度朝哪个方向衰减",
    },
}


def separating_test(code: str, other: str, lang: str) -> str | None:
    """Return the test that separates two findings with opposite remedies."""
    pair = PAIRS.get((code, other)) or PAIRS.get((other, code))
    return pair[lang] if pair else None
