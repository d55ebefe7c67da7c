"""The demos: for each code, a training that shows it and the same training after its first remedy."""

from __future__ import annotations

from dataclasses import dataclass, replace

from trainadvisor.demos.demo_script import Script

HEALTHY = Script()
SMALL = "nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))"
DEEP = "nn.Sequential(*[layer for _ in range(4) for layer in (nn.Linear(64, 64), {0})], nn.Linear(64, 10))"
SIX = "nn.Sequential(*[layer for _ in range(6) for layer in (nn.Linear(64, 64), {0})], nn.Linear(64, 10))"
R2 = "1 - (outputs.view(-1) - targets.view(-1)).square().mean().item() / targets.var().item()"
REGRESSION = replace(HEALTHY, data="demo_data.curve()", criterion="nn.MSELoss()", measure="R2", score=R2, epochs=8)
RECURRENT = """\
class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.head = nn.RNN(1, 32, nonlinearity="relu", batch_first=True), nn.Linear(32, 1)
        nn.init.normal_(self.cell.weight_hh_l0, std=0.28)

    def forward(self, inputs):
        return self.head(self.cell(inputs)[0][:, -1])

"""
SIDES = "((outputs > {}) == targets).float().mean().item()"
EACH_WEIGHT = "for layer in model:\n    if isinstance(layer, nn.Linear):\n        {}"


@dataclass(frozen=True)
class Scenario:
    """A broken training, the same training after the remedy, and a description of the fault in both languages."""

    broken: Script
    fixed: Script
    en: str
    zh: str
    change: str = ""


def _sgd(lr: float, more: str = "") -> str:
    return f"torch.optim.SGD(model.parameters(), lr={lr:g}{more})"


def _adam(lr: float) -> str:
    return f"torch.optim.Adam(model.parameters(), lr={lr:g})"


def _wiring() -> dict[str, Scenario]:
    momentum = replace(HEALTHY, optimizer=_sgd(0.05, ", momentum=0.9"))
    probabilities = SMALL[:-1] + ", nn.Softmax(dim=1))"
    column = "nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1){})"
    head = "torch.optim.Adam(model[4:].parameters(), lr=0.001)"
    three = "nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))"
    return {
        "missing-zero-grad": Scenario(
            replace(momentum, zero_grad=""),
            momentum,
            "the loop never clears the gradients",
            "训练循环从不清零梯度",
            "add-zero-grad",
        ),
        "missing-optimizer-step": Scenario(
            replace(momentum, step=""),
            momentum,
            "the loop never calls optimizer.step()",
            "训练循环从不调用 optimizer.step()",
            "add-step",
        ),
        "frozen-parameters": Scenario(
            replace(HEALTHY, model=three, optimizer=head),
            replace(HEALTHY, model=three, optimizer=_adam(0.001)),
            "the optimizer holds the parameters of the last layer only",
            "优化器只包含最后一层的参数",
            "add-parameters",
        ),
        "softmax-before-cross-entropy": Scenario(
            replace(HEALTHY, model=probabilities),
            HEALTHY,
            "the model ends in a softmax, and cross-entropy applies another",
            "模型以 softmax 结尾，交叉熵又做了一次",
            "remove-output-activation",
        ),
        "loss-shape-broadcast": Scenario(
            replace(REGRESSION, model=column.format(""), optimizer=_adam(0.003)),
            replace(REGRESSION, model=column.format(", nn.Flatten(0)"), optimizer=_adam(0.003)),
            "predictions of shape [32, 1] meet targets of shape [32]",
            "预测形状 [32, 1]，目标形状 [32]",
            "match-shapes",
        ),
    }


def _numbers() -> dict[str, Scenario]:
    by_hand = "lambda p, y: -(y * p.log() + (1 - y) * (1 - p).log()).mean()"
    judge = replace(HEALTHY, data="demo_data.yes_no()", score=SIDES.format(0.5), optimizer=_adam(0.01), epochs=4)
    network = "nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1){})"
    walk = replace(
        REGRESSION,
        data="demo_data.walks()",
        model="Recurrent()",
        definitions=RECURRENT,
        optimizer=_sgd(0.01),
        epochs=25,
    )
    return {
        "nan-loss": Scenario(
            replace(judge, model=network.format(", nn.Sigmoid()"), criterion=by_hand),
            replace(judge, model=network.format(""), criterion="nn.BCEWithLogitsLoss()", score=SIDES.format(0)),
            "a hand-written cross-entropy takes the logarithm of 0",
            "手写的交叉熵对 0 取对数",
            "stable-loss",
        ),
        "nan-inputs": Scenario(
            replace(HEALTHY, data="demo_data.digits(missing=1400)"),
            HEALTHY,
            "some measurements are missing, and stand in the data as NaN",
            "数据中有缺失值，以 NaN 表示",
            "fix-data",
        ),
        "unnormalized-inputs": Scenario(
            replace(HEALTHY, data="demo_data.raw_digits()", optimizer=_sgd(0.01)),
            replace(HEALTHY, optimizer=_sgd(0.01)),
            "the inputs are raw numbers around 1,000",
            "输入是未缩放的原始数值，约为 1000",
            "standardize-inputs",
        ),
        "exploding-gradients": Scenario(
            walk,
            replace(walk, clip="torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)"),
            "a recurrent network multiplies gradients over 60 steps",
            "循环网络在 60 个时间步上连乘梯度",
            "clip",
        ),
    }


def _starts() -> dict[str, Scenario]:
    he = EACH_WEIGHT.format('nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")')
    deep = replace(HEALTHY, model=DEEP.format("nn.ReLU()"))
    column = "nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 1))"
    loud = EACH_WEIGHT.format("nn.init.normal_(layer.weight, std={})")
    price = replace(REGRESSION, data="demo_data.prices()", model=column, optimizer=_adam(0.003))
    return {
        "bad-initial-loss": Scenario(
            price,
            replace(price, data="demo_data.prices(standardized=True)"),
            "prices in thousands as targets of a network that starts near zero",
            "目标是以千计的房价，而网络输出从零附近开始",
            "standardize-targets",
        ),
        "poor-initialization": Scenario(
            replace(deep, prepare=loud.format("0.01")),
            replace(deep, prepare=he),
            "normal weights of standard deviation 0.01 in a deep network",
            "深层网络使用标准差 0.01 的正态初始化",
            "init",
        ),
        "symmetric-initialization": Scenario(
            replace(deep, prepare=EACH_WEIGHT.format("nn.init.constant_(layer.weight, 0.02)"), epochs=10),
            replace(deep, epochs=10),
            "all weights start with the same value",
            "所有权重初始值相同",
            "init",
        ),
    }


def _rates() -> dict[str, Scenario]:
    line = replace(REGRESSION, model="nn.Linear(8, 1)", data="demo_data.line()", epochs=40)
    normed = "nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10))"
    noisy = replace(
        HEALTHY, model=normed, data="demo_data.digits(batch_size=2, count=500)", optimizer=_sgd(0.2), epochs=3
    )
    return {
        "lr-too-high": Scenario(
            replace(HEALTHY, optimizer=_sgd(5)),
            HEALTHY,
            "plain gradient descent with learning rate 5",
            "梯度下降的学习率为 5",
            "lr",
        ),
        "divergence": Scenario(
            replace(line, optimizer=_sgd(0.13)),
            replace(line, optimizer=_sgd(0.01)),
            "a linear regression that overshoots along one large input, further each time",
            "线性回归沿一个数值较大的输入越冲越远",
            "lr",
        ),
        "lr-too-low": Scenario(
            replace(HEALTHY, optimizer=_adam(5e-6), epochs=10),
            replace(HEALTHY, optimizer=_adam(1e-3), epochs=10),
            "Adam with learning rate 0.000005",
            "Adam 的学习率为 0.000005",
            "lr",
        ),
        "slow-convergence": Scenario(
            replace(HEALTHY, optimizer=_sgd(0.002), epochs=10),
            replace(HEALTHY, optimizer=_sgd(0.1), epochs=10),
            "plain gradient descent with learning rate 0.002",
            "梯度下降的学习率为 0.002",
            "lr",
        ),
        "batch-too-small": Scenario(
            noisy,
            replace(noisy, data="demo_data.digits(batch_size=16, count=500)"),
            "two examples a step, from which batch norm makes noise",
            "每步两个样本，批归一化得到的大多是噪声",
            "batch-size",
        ),
        "data-loader-bound": Scenario(
            replace(HEALTHY, data="demo_data.digits(seconds_per_example=0.001)", epochs=2),
            replace(HEALTHY, epochs=2),
            "each example takes longer to read than to learn from",
            "读取样本比学习样本更耗时",
            "fix-data",
        ),
    }


def _activations() -> dict[str, Scenario]:
    tanh = replace(HEALTHY, model=DEEP.format("nn.Tanh()"))
    return {
        "vanishing-gradients": Scenario(
            replace(HEALTHY, model=SIX.format("nn.Sigmoid()"), optimizer=_sgd(0.05, ", momentum=0.9"), epochs=8),
            replace(HEALTHY, model=SIX.format("nn.ReLU()"), optimizer=_sgd(0.05, ", momentum=0.9"), epochs=8),
            "six sigmoid layers, trained by gradient descent with momentum",
            "六层 sigmoid，用带动量的梯度下降训练",
            "activation",
        ),
        "dead-relu": Scenario(
            replace(
                HEALTHY, model=DEEP.format("nn.ReLU()"), prepare="nn.init.constant_(model[2].bias, -10.0)", epochs=10
            ),
            replace(HEALTHY, model=DEEP.format("nn.ReLU()"), epochs=10),
            "a hidden layer starts with biases of -10, so its ReLU units never open",
            "某隐藏层的偏置初始为 -10，ReLU 从不激活",
            "init",
        ),
        "saturated-activations": Scenario(
            replace(tanh, prepare=EACH_WEIGHT.format("nn.init.normal_(layer.weight, std=3.0)")),
            replace(tanh, prepare=EACH_WEIGHT.format("nn.init.xavier_uniform_(layer.weight)")),
            "tanh layers with large weights stay at -1 and 1",
            "权重过大，tanh 停留在 -1 和 1",
            "init",
        ),
    }


def _outcomes() -> dict[str, Scenario]:
    ring = replace(HEALTHY, data="demo_data.rings()", optimizer=_adam(0.01), epochs=10)
    linear, curved = "nn.Linear(2, 3)", "nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 3))"
    tanh = "nn.Sequential(nn.Linear(64, {0}), nn.Tanh(), nn.Linear({0}, 10))"
    wide = "nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))"
    few = replace(
        HEALTHY,
        model=wide,
        data="demo_data.digits(batch_size=8, count=150, wrong_labels=0.2)",
        optimizer=_adam(0.001),
        epochs=60,
    )
    return {
        "no-learning": Scenario(
            replace(
                HEALTHY, model="nn.Linear(64, 10)", data="demo_data.digits(wrong_labels=1.0)", optimizer=_sgd(0.01)
            ),
            replace(HEALTHY, model="nn.Linear(64, 10)", optimizer=_sgd(0.01)),
            "the labels have been mixed up: there is nothing to learn",
            "标签被打乱：没有可学的内容",
            "fix-data",
        ),
        "plateau": Scenario(
            replace(HEALTHY, model=tanh.format(1), optimizer=_adam(0.01), epochs=30),
            replace(HEALTHY, model=tanh.format(64), optimizer=_adam(0.01), epochs=30),
            "all that is known of a digit has to pass through one hidden unit",
            "数字的全部信息都要通过一个隐藏单元",
            "capacity",
        ),
        "underfitting": Scenario(
            replace(ring, model=linear),
            replace(ring, model=curved),
            "a linear model for classes that no straight line separates",
            "用线性模型区分直线无法分开的类别",
            "add-nonlinearity",
        ),
        "overfitting": Scenario(
            few,
            replace(few, epochs=9),
            "150 examples, a fifth of them with wrong labels, a wide network and 60 epochs",
            "150 个样本（五分之一标签有误），宽网络，60 轮",
            "early-stopping",
        ),
        "undertrained": Scenario(
            replace(HEALTHY, optimizer=_sgd(0.03), epochs=4),
            replace(HEALTHY, optimizer=_sgd(0.03), epochs=8),
            "the training stops while the loss is still falling",
            "损失仍在下降时训练就结束了",
            "train-longer",
        ),
    }


SCENARIOS = {**_activations(), **_wiring(), **_numbers(), **_starts(), **_rates(), **_outcomes()}
DEFAULT = "vanishing-gradients"
