"""What speaks against calling a run healthy, in words, and what would decide it."""

from collections.abc import Mapping
from typing import Any

from trainadvisor.figures import filled

Texts = dict[str, dict[str, str]]

SAYS: Texts = {
    "evaluation-nonfinite": {
        "en": "the loss of {bad} of {evals} evaluations is NaN or infinite",
        "zh": "{evals} 次验证中有 {bad} 次的损失为 NaN 或无穷大",
    },
    "loss-still": {
        "en": "the loss stays at {value:.4g} in all {steps:,} steps",
        "zh": "全部 {steps:,} 步中损失始终是 {value:.4g}",
    },
    "gradients-zero": {
        "en": "every gradient is exactly zero (measured at {samples:,} steps)",
        "zh": "所有梯度恰好为零（在 {samples:,} 步上测得）",
    },
    "steps-without-gradients": {
        "en": "at {share:.0%} of its steps the optimizer found no gradient of its own parameters",
        "zh": "优化器在 {share:.0%} 的步中没有得到自己参数的梯度",
    },
    "evaluation-worse": {
        "en": "the best evaluation is {share:.0%} worse than an answer that ignores the input",
        "zh": "最好的一次验证也比不看输入的答案差 {share:.0%}",
    },
    "validation-rose": {
        "en": "the validation loss rose from {best:.4g} to {final:.4g}, far more than its noise of {noise:.2g}",
        "zh": "验证损失从 {best:.4g} 升到 {final:.4g}，远超其噪声 {noise:.2g}",
    },
    "crashed": {
        "en": "the script ended with {type} at {where}",
        "zh": "脚本以 {type} 结束（{where}）",
    },
    "crashed-early": {
        "en": "the script ended with {type} at {where} before it trained",
        "zh": "脚本在开始训练之前以 {type} 结束（{where}）",
    },
    "unended": {
        "en": "the log breaks off after {steps} steps: the process was killed, or still runs",
        "zh": "日志在 {steps} 步后中断：进程被杀死或仍在运行",
    },
    "short": {
        "en": "only {steps} steps were recorded; at least {fewest} are needed",
        "zh": "只记录了 {steps} 步；至少需要 {fewest} 步",
    },
    "cut": {
        "en": "the log was cut off ({reason}) after {steps} steps{of}",
        "zh": "日志在 {steps} 步后被截断（{reason}）{of}",
    },
    "many": {
        "en": "these are {trainings:,} short trainings of about {each} steps each",
        "zh": "这是 {trainings:,} 次短训练，每次约 {each} 步",
    },
    "evaluation-weak": {
        "en": "the best evaluation is only {share:.0%} better than an answer that ignores the input",
        "zh": "最好的一次验证只比不看输入的答案好 {share:.0%}",
    },
    "loss-rose": {
        "en": "the loss ends at {final:.3g}, no lower than the {first:.3g} at its start, and nothing else was measured",
        "zh": "损失结束于 {final:.3g}，不低于开始时的 {first:.3g}，也没有其他指标",
    },
    "gradients-apart": {
        "en": "the gradients of first and last layers are {ratio:.2g} times apart (concern above {limit:.0f})",
        "zh": "首尾各层的梯度相差 {ratio:.2g} 倍（超过 {limit:.0f} 倍值得注意）",
    },
    "units-dead": {
        "en": "{share:.0%} of the units of one layer are dead (concern above {limit:.0%})",
        "zh": "某一层有 {share:.0%} 的单元已死亡（超过 {limit:.0%} 值得注意）",
    },
    "optimizer-idle": {
        "en": "{count} of {all} optimizers never stepped",
        "zh": "{all} 个优化器中有 {count} 个从未执行过 step",
    },
    "optimizer-anew": {
        "en": "the optimizer was made anew {count} times, each time without its momentum and averages",
        "zh": "优化器被重新创建了 {count} 次，每次都丢失动量和统计量",
    },
    "unreached": {
        "en": "{count} of {all} trainable tensors never got a gradient",
        "zh": "{all} 个可训练张量中有 {count} 个从未得到梯度",
    },
    "unused-parameters": {
        "en": "{count} of the {all} tensors that the optimizer holds belong to modules that were never called",
        "zh": "优化器持有的 {all} 个张量中，有 {count} 个属于从未被调用的模块",
    },
    "class-numbers": {
        "en": "the targets look like the numbers of {classes} classes, and the loss treats them as quantities",
        "zh": "目标值看起来是 {classes} 个类别的编号，而损失把它们当作数量",
    },
    "labels-copied": {
        "en": "{share:.0%} of the labels are the ids that the model is given at the same place: copying them is enough",
        "zh": "{share:.0%} 的标签就是模型在同一位置得到的编号：照抄即可",
    },
    "steps-rounded": {
        "en": "most steps are {size:.2f} of what the half-precision weights can hold and are rounded away: keep the "
        "weights in float32 to see what that costs",
        "zh": "多数更新只有半精度权重可表示量的 {size:.2f}，会被舍入掉：把权重保持为 float32，才能看出代价",
    },
    "reinforcement": {
        "en": "the loss of reinforcement learning does not measure success, and no return or score was recorded",
        "zh": "强化学习的损失不能衡量成败，也没有记录回报或得分",
    },
    "adversarial": {
        "en": "the losses of opponents do not measure success, and no other metric was recorded",
        "zh": "对抗训练的损失不能衡量成败，也没有记录其他指标",
    },
    "self-targets": {
        "en": "the targets come from a copy of the model itself, so the loss does not measure success, and no return "
        "or metric was recorded",
        "zh": "目标来自模型自身的副本，因此损失不能衡量成败，也没有记录回报或其他指标",
    },
    "weak": {
        "en": "the model has hardly learned: the loss is {share:.0%} below that of always predicting the same value",
        "zh": "模型几乎没有学到东西：损失只比常数预测（如均值）低 {share:.0%}",
    },
    "partly-learned": {
        "en": "the training loss ends {share:.0%} of the way from an answer that ignores the input to a perfect one, "
        "and within its noise it was level over the last {level:.0%} of the run: noise in the data and a fault "
        "(lost inputs, some wrong labels) look alike",
        "zh": "训练损失只走完了从不看输入的答案到完美答案的 {share:.0%}，"
        "并且在最后 {level:.0%} 的训练中，在噪声范围内持平："
        "数据噪声与故障（输入丢失、部分标签错误）在此看起来一样",
    },
    "partly-right": {
        "en": "of the training answers {right:.0%} are right ({frequent:.0%} without learning), and within its noise "
        "the loss was level over the last {level:.0%} of the run: noise in the data and a fault (lost inputs, some "
        "wrong labels) look alike",
        "zh": "训练数据上 {right:.0%} 的回答正确（不学习也有 {frequent:.0%}），"
        "而在最后 {level:.0%} 的训练中，损失在噪声范围内持平：数据噪声与故障（输入丢失、部分标签错误）在此看起来一样",
    },
    "outputs-left-out": {
        "en": "the loss looks at {used} of the {all} outputs of the last layer, and nothing trains the others",
        "zh": "损失只看最后一层 {all} 个输出中的 {used} 个，其余的没有得到训练",
    },
    "answers-wrong": {
        "en": "the loss is {share:.0%} of the way to a perfect answer, yet {right:.1%} of the training answers are "
        "right, fewer than a guess gets ({guess:.1%}): something other than the label wins",
        "zh": "损失已走完到完美答案的 {share:.0%}，但训练数据上只有 {right:.1%} 的回答正确，"
        "还不如随机猜测（{guess:.1%}）：胜出的是标签以外的东西",
    },
    "labels-unfound": {
        "en": "of the labels of the last evaluations {share:.0%} got a probability above one half: the loss fell, and "
        "the answers are those of always saying no",
        "zh": "最近几次验证的标签中，只有 {share:.0%} 的概率超过二分之一：损失下降了，而回答与始终答否无异",
    },
    "worse-than-plain": {
        "en": "a linear model or the nearest examples get {plain:.0%} from the same inputs, the network {own:.0%}: it "
        "learns less than its data allow",
        "zh": "用同样的输入，线性模型或最近邻能达到 {plain:.0%}，网络只有 {own:.0%}：它学到的少于数据所能提供的",
    },
    "inputs-passed-on": {
        "en": "the targets are the inputs themselves, and no layer is narrower than they are: passing them through "
        "unchanged is enough for a loss like this",
        "zh": "目标就是输入本身，而且没有一层比输入窄：原样传递输入就足以得到这样的损失",
    },
    "no-curve": {
        "en": "the log holds no loss, metric or reward",
        "zh": "日志中没有损失、指标或奖励",
    },
    "logged-too-rarely": {
        "en": "nothing was logged: logging_steps ({every:,}) is larger than the run ({planned:,} steps); set it to 1",
        "zh": "什么都没有记录：logging_steps（{every:,}）大于训练步数（{planned:,}）；请设为 1",
    },
    "no-evaluation": {
        "en": "no evaluation was logged, and a training curve of {points:,} points alone does not show success",
        "zh": "没有记录验证，而仅凭 {points:,} 个点的训练曲线不能说明成功",
    },
    "few-evaluations": {
        "en": "{evals} evaluations are few; {fewest} would show a trend",
        "zh": "只有 {evals} 次验证；{fewest} 次才能看出趋势",
    },
    "evaluation-level": {
        "en": "over {first} evaluations neither the validation loss nor a metric got better by more than noise",
        "zh": "{first} 次验证中，验证损失与指标的改善都没有超过噪声",
    },
    "reward-level": {
        "en": "the reward did not rise by more than noise, and it alone measures success here",
        "zh": "奖励的上升没有超过噪声，而这里只有奖励能衡量成败",
    },
    "metric-still": {
        "en": "a metric of held-out data has one and the same value in all {evals} evaluations",
        "zh": "有一个验证指标在全部 {evals} 次验证中都是同一个值",
    },
    "metric-fell": {
        "en": "a metric of held-out data ends {share:.0%} worse than its best value",
        "zh": "有一个验证指标结束时比其最好值差 {share:.0%}",
    },
    "no-loss": {
        "en": "no loss was seen",
        "zh": "没有观察到损失",
    },
    "terms-apart": {
        "en": "one term of the loss is averaged and another added up: there an example or a value counts {times:,.0f} "
        "times as much, and the fall of the sum does not show that the first is learned",
        "zh": "损失的一项取平均，另一项求和：后者中每个样本或每个值的权重是前者的 {times:,.0f} 倍，"
        "总和的下降不能说明前者已被学到",
    },
    "no-yardstick": {
        "en": "nothing says how good this loss is",
        "zh": "无从得知这样的损失算好还是不好",
    },
    "brief": {
        "en": "{steps} steps are few, and much is left to learn",
        "zh": "{steps} 步很少，还有很多没有学到",
    },
    "coverage": {
        "en": "only {known} of {all} checks that apply could be made",
        "zh": "适用的 {all} 项检查中只有 {known} 项可以进行",
    },
    "deciding": {
        "en": "checks that decide could not be made: {codes}",
        "zh": "一些关键检查无法进行：{codes}",
    },
}

METRIC = {
    "en": "evaluate the metric that counts now and then, and hand it over: advisor.validation(score=value)",
    "zh": "不时评估真正关心的指标，并用 advisor.validation(score=value) 传入",
}
LONGER = {"en": "train for more steps", "zh": "多训练一些步"}
PREFLIGHT = {"en": "trainadvisor preflight SCRIPT", "zh": "先运行 trainadvisor preflight train.py"}
SIMPLE = {
    "en": "train a simple model (nearest neighbors, a linear one) on the same batches: if it does better, the fault is "
    "in the training",
    "zh": "用同样的批次训练一个简单模型（最近邻或线性模型）：如果它更好，问题就在训练中",
}
ALONE = {"en": "record each training in a process of its own", "zh": "让每次训练在各自的进程中运行并记录"}
LISTED = {
    "en": "trainadvisor diagnose LOG -v says what each of the other checks needs",
    "zh": "trainadvisor diagnose 日志 -v 列出其余各项检查所需的条件",
}

WATCHED = {
    "en": "record the next run with trainadvisor run SCRIPT (or the callback): all checks can be made then",
    "zh": "下次用 trainadvisor run 脚本（或回调）记录，即可完成全部检查",
}
HELD_OUT = {
    "en": "evaluate on held-out data several times an epoch and log it",
    "zh": "每轮在留出数据上验证几次并记录",
}

# What would settle a doubt; what was seen to be wrong needs nothing more.
DECIDES: dict[str, tuple[dict[str, str], ...]] = {
    "short": (LONGER, PREFLIGHT),
    "brief": (LONGER, METRIC),
    "many": (ALONE,),
    "weak": (LONGER, PREFLIGHT),
    "evaluation-weak": (LONGER, PREFLIGHT),
    "partly-learned": (SIMPLE, PREFLIGHT),
    "partly-right": (SIMPLE, PREFLIGHT),
    "worse-than-plain": (SIMPLE, PREFLIGHT),
    "inputs-passed-on": (METRIC,),
    "loss-rose": (METRIC,),
    "reinforcement": (METRIC,),
    "adversarial": (METRIC,),
    "self-targets": (METRIC,),
    "no-curve": (WATCHED,),
    "logged-too-rarely": (WATCHED,),
    "no-evaluation": (HELD_OUT, WATCHED),
    "few-evaluations": (HELD_OUT, WATCHED),
    "evaluation-level": (HELD_OUT, WATCHED),
    "reward-level": (LONGER, WATCHED),
    "metric-still": (WATCHED,),
    "metric-fell": (HELD_OUT, WATCHED),
    "gradients-apart": (METRIC, PREFLIGHT),
    "units-dead": (METRIC, PREFLIGHT),
    "no-loss": (LISTED, METRIC),
    "no-yardstick": (METRIC, PREFLIGHT),
    "terms-apart": (METRIC, PREFLIGHT),
    "coverage": (LISTED, PREFLIGHT),
    "deciding": (LISTED, PREFLIGHT),
}


def says(kind: str, values: Mapping[str, Any], lang: str) -> str:
    """Return what speaks against calling the run healthy."""
    return filled(SAYS[kind][lang], values, lang)


def decides(kind: str, lang: str) -> list[str]:
    """Return the one or two things that would decide it."""
    return [texts[lang] for texts in DECIDES.get(kind, ())]
