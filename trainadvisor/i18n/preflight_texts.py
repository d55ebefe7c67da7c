"""The texts of a preflight, in English and Chinese."""

from __future__ import annotations

# key: (English, Chinese); a test compares the placeholders of each pair
TEXTS: dict[str, tuple[str, str]] = {
    "outcome.pass": ("PASS", "通过"),
    "outcome.fail": ("FAIL", "未通过"),
    "outcome.undecided": ("UNDECIDED", "无法判定"),
    "summary.pass": ("the first {steps} steps show no fault.", "前 {steps} 步未发现问题。"),
    "summary.warned": (
        "the first {steps} steps show no fault that fails the gate; {count} to look at.",
        "前 {steps} 步没有达到门槛的问题，有 {count} 项值得查看。",
    ),
    "summary.fail": ("{sentence}", "{sentence}"),
    "summary.undecided": ("{sentence}", "{sentence}"),
    "state.passed": ("passed", "通过"),
    "state.failed": ("failed", "未通过"),
    "state.not-judged": ("not judged", "未判断"),
    "check.start": ("first steps", "前几步"),
    "check.initial-loss": ("initial loss", "初始损失"),
    "check.numerics": ("numerics", "数值"),
    "check.wiring": ("wiring", "流程连接"),
    "check.data": ("data", "数据"),
    "check.gradients": ("gradient flow", "梯度传播"),
    "check.one-batch": ("one batch", "单批过拟合"),
    "check.learning-rate": ("learning rate", "学习率"),
    "check.throughput": ("throughput", "吞吐量"),
    "start.ran": ("{steps} steps ran in {seconds:.1f} s", "{steps} 步，用时 {seconds:.1f} 秒"),
    "start.short": (
        "only {steps} steps ran before the script ended; {wanted} were asked for",
        "脚本只运行了 {steps} 步就结束，要求 {wanted} 步",
    ),
    "start.few": (
        "only {steps} steps ran within the time; --budget gives it more",
        "规定时间内只运行了 {steps} 步，可用 --budget 增加时间",
    ),
    "start.nothing": (
        "no torch training ran; if the script trains in another process, preflight cannot see it",
        "没有运行 torch 训练；如果训练在其他进程中进行，preflight 无法观察",
    ),
    "start.crashed": ("the script ended with {type}: {message}", "脚本以 {type} 结束：{message}"),
    "start.no-log": (
        "nothing was recorded; the last line of the script: {line}",
        "没有任何记录；脚本输出的最后一行：{line}",
    ),
    "loss.good": (
        "{first:.3g}, {ratio:.1f} times what an untrained model should have ({expected:.3g})",
        "{first:.3g}，为未训练模型应有值（{expected:.3g}）的 {ratio:.1f} 倍",
    ),
    "loss.high": (
        "{first:.3g}, {ratio:.1f} times what an untrained model should have ({expected:.3g}); it is soon unlearnt",
        "{first:.3g}，为未训练模型应有值（{expected:.3g}）的 {ratio:.1f} 倍，但很快就会降下来",
    ),
    "loss.bad": (
        "{first:.3g}, {ratio:.1f} times what an untrained model should have ({expected:.3g})",
        "{first:.3g}，为未训练模型应有值（{expected:.3g}）的 {ratio:.1f} 倍",
    ),
    "loss.unknown": (
        "{first:.3g}; what it should be is not known for this loss",
        "{first:.3g}；这种损失的应有值未知",
    ),
    "loss.none": ("no loss was recorded", "未记录到损失"),
    "family.clear": ("{count} checks, nothing found", "{count} 项检查，未发现问题"),
    "family.none": ("too little was recorded to judge", "记录太少，无法判断"),
    "gradients.clear": (
        "gradients reach {reached} of {tensors} tensors; {count} checks, nothing found",
        "梯度到达 {tensors} 个张量中的 {reached} 个；{count} 项检查，未发现问题",
    ),
    "batch.fits": (
        "learnt by heart: loss {first:.3g} -> {final:.3g} in {steps} steps on the first batch",
        "能够记住：只用第一个批次，{steps} 步内损失 {first:.3g} -> {final:.3g}",
    ),
    "batch.falls": (
        "the loss falls, {first:.3g} -> {final:.3g} in {steps} steps on the first batch",
        "损失在下降：只用第一个批次，{steps} 步内 {first:.3g} -> {final:.3g}",
    ),
    "batch.other-rate": (
        "hardly learnt at the script's own rate ({first:.3g} -> {final:.3g} in {steps} steps), but at a larger one",
        "脚本自身的学习率几乎学不动（{steps} 步内 {first:.3g} -> {final:.3g}），但用更大的学习率可以学会",
    ),
    "batch.failed": (
        (
            "cannot be learnt: loss {first:.3g} -> {final:.3g} in {steps} steps on the first batch alone, "
            "and no learning rate changes that"
        ),
        "无法学会：只用第一个批次，{steps} 步内损失 {first:.3g} -> {final:.3g}，换任何学习率都无济于事",
    ),
    "batch.small": (
        "hardly learnt (loss {first:.3g} -> {final:.3g} in {steps} steps), but so small or linear a model need not",
        "几乎学不动（{steps} 步内损失 {first:.3g} -> {final:.3g}），但这样小或线性的模型未必能记住一个批次",
    ),
    "batch.confirms": (
        "hardly learnt (loss {first:.3g} -> {final:.3g} in {steps} steps), which confirms {codes}",
        "几乎学不动（{steps} 步内损失 {first:.3g} -> {final:.3g}），证实了 {codes}",
    ),
    "batch.undecided": (
        "hardly learnt (loss {first:.3g} -> {final:.3g} in {steps} steps); no time was left to try other rates",
        "几乎学不动（{steps} 步内损失 {first:.3g} -> {final:.3g}）；没有时间再试其他学习率",
    ),
    "batch.mend": ("skipped: {codes} comes first", "已跳过：先解决 {codes}"),
    "batch.skipped": ("skipped, as asked", "按要求跳过"),
    "batch.no-time": (
        "skipped: no time left of the budget; --budget gives more",
        "已跳过：预算时间不足，可用 --budget 增加",
    ),
    "batch.too-few": ("too few steps ran on one batch", "单批训练的步数太少"),
    "batch.not-held": (
        "one batch could not be held: no DataLoader feeds the training, and its loss is not one of torch's",
        "无法固定一个批次：训练没有使用 DataLoader，损失也不是 torch 自带的函数",
    ),
    "batch.kind.adversarial": ("does not apply to adversarial training", "不适用于对抗训练"),
    "batch.kind.reinforcement": ("does not apply to reinforcement learning", "不适用于强化学习"),
    "batch.kind.contrastive": ("does not apply to contrastive training", "不适用于对比学习"),
    "batch.kind.likelihood": ("does not apply to a loss that may go below zero", "不适用于可以小于零的损失"),
    "rate.suggested": (
        "range test suggests {suggestion:.1e}; the script's {own:.1e} is within a factor of ten",
        "范围测试建议 {suggestion:.1e}；脚本的 {own:.1e} 与之相差不到十倍",
    ),
    "rate.only": ("range test suggests {suggestion:.1e}", "范围测试建议 {suggestion:.1e}"),
    "rate.rising": (
        "range test suggests {suggestion:.1e}; the script is still warming up ({own:.1e}) and was not compared",
        "范围测试建议 {suggestion:.1e}；脚本仍在预热（{own:.1e}），未作比较",
    ),
    "rate.falling": (
        "range test suggests {suggestion:.1e}; at the script's {own:.1e} the loss was still falling",
        "范围测试建议 {suggestion:.1e}；在脚本的 {own:.1e} 处损失仍在下降",
    ),
    "rate.high": (
        "the script's {own:.1e} is {factor:.0f} times what the range test suggests ({suggestion:.1e})",
        "脚本的 {own:.1e} 是范围测试建议值（{suggestion:.1e}）的 {factor:.0f} 倍",
    ),
    "rate.low": (
        "the script's {own:.1e} is 1/{factor:.0f} of what the range test suggests ({suggestion:.1e})",
        "脚本的 {own:.1e} 只有范围测试建议值（{suggestion:.1e}）的 1/{factor:.0f}",
    ),
    "rate.agreed": ("{sentence}; {codes} agrees", "{sentence}；{codes} 也这样认为"),
    "rate.flat": (
        "no learning rate lowered the loss beyond its noise within {steps} steps: no suggestion",
        "{steps} 步内没有学习率使损失的下降超出噪声：没有建议",
    ),
    "rate.shuffled-apart": (
        (
            "no learning rate lowered the loss within {steps} steps (lowest {best:.3g}), but with one order for all "
            "shuffles of equal length it falls to {shared:.3g}: inputs and labels were shuffled apart; use one order"
        ),
        (
            "{steps} 步内没有学习率能降低损失（最低 {best:.3g}），而让等长的洗牌采用同一次序后降到 {shared:.3g}："
            "输入与标签被分别打乱，应使用同一个次序"
        ),
    ),
    "rate.not-raised": (
        "the rate could not be raised step by step: the script's optimizer does not take it from its parameter groups",
        "无法逐步提高学习率：脚本的优化器不从参数组读取学习率",
    ),
    "rate.mend": ("skipped: {codes} comes first", "已跳过：先解决 {codes}"),
    "rate.skipped": ("skipped, as asked", "按要求跳过"),
    "rate.no-time": (
        "skipped: no time left of the budget; --budget gives more",
        "已跳过：预算时间不足，可用 --budget 增加",
    ),
    "speed.good": (
        "{ms:.3g} ms a step{examples}, {wait:.0%} of it waiting for data",
        "每步 {ms:.3g} 毫秒{examples}，其中等待数据占 {wait:.0%}",
    ),
    "speed.waits": (
        "{wait:.0%} of {ms:.3g} ms a step is waiting for data{examples}; at most {ceiling:.2g} times as fast without",
        "每步 {ms:.3g} 毫秒中 {wait:.0%} 在等待数据{examples}；消除等待最多可提速到 {ceiling:.2g} 倍",
    ),
    "speed.step": ("{ms:.3g} ms a step{examples}", "每步 {ms:.3g} 毫秒{examples}"),
    "speed.examples": (" ({rate:,.0f} examples/s)", "（{rate:,.0f} 样本/秒）"),
    "speed.unknown": ("too few steps to measure", "步数太少，无法测量"),
    "early.late": ("it shows in the course of a run, not in its first steps", "要看训练过程才能判断，不看前几步"),
    "early.unconfirmed": ("suspected, but one batch is learnt all the same", "有嫌疑，但单个批次仍能学会"),
    "early.untested": ("suspected, but no experiment could confirm it", "有嫌疑，但没有实验可以证实"),
    "title": ("preflight of {script}", "{script} 的预检"),
    "suspects": ("suspected", "有嫌疑"),
    "report.heading": ("Preflight", "预检"),
    "report.check": ("check", "检查"),
    "report.state": ("state", "状态"),
    "report.answer": ("answer", "结果"),
    "chart.heading": ("Learning-rate range test", "学习率范围测试"),
    "chart.about": (
        (
            "The loss of {count} steps while the learning rate rises from {lowest:.0e} to {highest:.0e}; "
            "the suggestion is where it falls fastest, at most a tenth of where it is lowest (after Smith 2017)."
        ),
        (
            "学习率从 {lowest:.0e} 升到 {highest:.0e} 的 {count} 步中的损失；"
            "建议值取下降最快之处，且不超过最低点的十分之一（参照 Smith 2017）。"
        ),
    ),
    "chart.none": ("no suggestion", "没有建议"),
    "chart.suggestion": ("suggested {rate:.1e}", "建议 {rate:.1e}"),
    "chart.own": ("script {rate:.1e}", "脚本 {rate:.1e}"),
    "chart.divergence": ("diverges at {rate:.1e}", "在 {rate:.1e} 处发散"),
    "chart.rate": ("learning rate", "学习率"),
    "chart.loss": ("loss", "损失"),
    "last": (
        (
            "{passed} passed, {failed} failed, {open} not judged   {seconds:.0f} s of {budget:.0f} s   "
            "gate: {level}   exit {code}"
        ),
        (
            "通过 {passed} 项，未通过 {failed} 项，未判断 {open} 项   用时 {seconds:.0f} 秒（预算 {budget:.0f} 秒）   "
            "门槛：{level}   退出码 {code}"
        ),
    ),
}


def say(key: str, lang: str, **values: object) -> str:
    """Return a text in one language with its placeholders filled."""
    text = TEXTS[key][lang == "zh"]
    return text.format(**values) if values else text
