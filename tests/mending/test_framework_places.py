"""Places that hold what a finding is about, where a framework trains at the recorded line."""

import ast

import pytest

from trainadvisor.log import framework_names
from trainadvisor.mending.framework_places import held_at
from trainadvisor.source.reading import parse
from trainadvisor.source.training import Training

FASTAI = "from fastai.tabular.all import *\n"
KERAS = "import keras\nx, y = load()\n"
SKORCH = "import skorch\n"
TRL = "import trl\n"
FIT = "model.fit(x[:90], y[:90])\n"
GROUPS = """def reward(texts):
    return [0.0 for _ in texts]


config = trl.GRPOConfig(temperature={})
trainer = trl.GRPOTrainer(model, reward_funcs=reward, args=config)
trainer.train()
"""
ADAPTERS = """from peft import PeftModel
model = PeftModel.from_pretrained(base, 'a')
other = Base.from_pretrained('b')
third = PeftModel.from_pretrained(base, 'c', is_trainable=True)
trainer.train()
"""
PROCESSORS = """from transformers import AutoImageProcessor, ViTImageProcessor
scaled = AutoImageProcessor.from_pretrained("vit", do_rescale=False)
processor = ViTImageProcessor(do_normalize=True)
trainer.train()
"""
STEPS = """import ignite
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
def update(engine, batch):
    optimizer.zero_grad()
    loss(batch).backward()
    if engine.state.iteration % 8 == 0:
        optimizer.step()
        optimizer.zero_grad()
optimizer.zero_grad()
"""
SPLIT = """y = load_y().ravel()
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2)
net.fit(X_train, y_train)
"""
FILLED = """def reward(texts):
    rewards = []
    for text in texts:
        rewards.append(float(text == right))
    return rewards
trainer = trl.GRPOTrainer(model, reward_funcs=reward)
trainer.train()
"""
PICTURES = """import timm
train_transform = Compose([ToTensor()])
val_transform = timm.data.create_transform(8, mean=MEAN, std=STD)
"""
SETUP = """import lightning as L
class Data(L.LightningDataModule):
    def setup(self, stage):
        self.train, self.test = random_split(load(), [8, 2])
    def train_dataloader(self):
        return DataLoader(self.train)
    def test_dataloader(self):
        return DataLoader(self.test)
trainer.fit(net, data)
trainer.test(net, data)
"""
MADE = "import lightning as L\nval = TensorDataset(x[:9], y[:9])\n"


@pytest.mark.parametrize(
    ("code", "text", "held"),
    [
        ("unnormalized-inputs", KERAS + "x = x * 60\n" + FIT, ["x = x * 60"]),
        ("unnormalized-inputs", "import timm\nx *= 60\nrun(TensorDataset(x, y))\n", ["x *= 60"]),
        ("unnormalized-inputs", FASTAI + "dls = Tabular(frame, procs=[Categorify])\nlearn.fit_one_cycle(5)\n",
         ["procs=[Categorify]"]),
        ("loss-shape-broadcast", SKORCH + SPLIT, ["y = load_y().ravel()"]),
        ("loss-shape-broadcast", FASTAI + "learn = Learner(dls, net, loss_func=F.mse_loss)\nlearn.fit(5)\n",
         ["loss_func=F.mse_loss"]),
        ("loss-shape-broadcast", FASTAI + "learn = Learner(dls, net, loss_func=MSELossFlat())\nlearn.fit(5)\n", []),
        ("preprocessing-mismatch", PICTURES, ["Compose([ToTensor()])"]),
        ("preprocessing-mismatch", "import timm\na = Compose([ToTensor()])\nb = Compose([Crop(8)])\n", []),
        ("groups-without-spread", TRL + FILLED, ["rewards.append(float(text == right))"]),
        ("unnormalized-targets", KERAS + "y = y * 9000\n" + FIT, ["y = y * 9000"]),
        ("label-problem", KERAS + "x = x[order]\n" + FIT, ["x = x[order]"]),
        ("label-problem", KERAS + FIT, ["x, y = load()"]),
        ("masked-labels", TRL + "row = {'labels': ids}\nrows = {'labels': [-100] * n}\ntrainer.train()\n",
         ["[-100] * n", "ids"]),
        ("negatives-missing", TRL + "row = {'chosen': best, 'rejected': best}\ntrainer.train()\n", ["best"]),
        ("zero-gradients", TRL + "row = {'chosen': best, 'rejected': other}\ntrainer.train()\n", []),
        ("target-leak", FASTAI + "Tabular(frame, cont_names=['age'])\nlearn.fit(5)\n", ["cont_names=['age']"]),
        ("wrong-output-activation", SKORCH + "net = nn.Sequential(nn.Linear(6, 1), nn.ReLU())\nnet.fit(x, y)\n",
         ["nn.ReLU()"]),
        ("wrong-output-activation", SKORCH + "net = nn.Sequential(nn.ReLU(), nn.Linear(6, 1))\nnet.fit(x, y)\n", []),
        ("softmax-before-cross-entropy", KERAS + "Sequential([Dense(10, activation='softmax')])\n" + FIT,
         ["activation='softmax'"]),
        ("preference-beta", TRL + "args = trl.DPOConfig(beta=0.0)\ntrainer.train()\n", ["beta=0.0"]),
        ("preference-reference-wrong", TRL + "ref = Net()\ntrl.DPOTrainer(net, ref_model=ref)\n", ["ref = Net()"]),
        ("target-leak", FASTAI + "Tabular(frame, cat_names=['job'], cont_names=['age'])\nlearn.fit(5)\n",
         ["cont_names=['age']", "cat_names=['job']"]),
        ("groups-without-spread", TRL + GROUPS.format(0.001), ["temperature=0.001"]),
        ("groups-without-spread", TRL + GROUPS.format(1.0), ["return [0.0 for _ in texts]"]),
        ("data-empty", TRL + "args = trl.SFTConfig(max_length=6)\ntrainer.train()\n", ["max_length=6"]),
        ("loss-without-graph", "import peft\npeft.LoraConfig(inference_mode=True)\ntrainer.train()\n",
         ["inference_mode=True"]),
        ("frozen-parameters", KERAS + "layer.trainable = False\n" + FIT, ["layer.trainable = False"]),
        ("frozen-parameters", KERAS + "net.requires_grad_(False)\nother.requires_grad_()\n",
         ["net.requires_grad_(False)"]),
        ("frozen-parameters", FASTAI + "learn.freeze()\nfreeze()\nlearn.fit(5)\n", ["learn.freeze()"]),
        ("frozen-parameters", "import peft\npeft.LoraConfig(r=8)\ntrainer.train()\n", ["peft.LoraConfig(r=8)"]),
        ("frozen-parameters", "import peft\npeft.LoraConfig(task_type='SEQ_CLS')\ntrainer.train()\n", []),
        ("frozen-parameters", "import peft\npeft.LoraConfig(task_type=TaskType.FEATURE_EXTRACTION)\ntrainer.train()\n",
         ["peft.LoraConfig(task_type=TaskType.FEATURE_EXTRACTION)"]),
        ("frozen-parameters", "import peft\npeft.LoraConfig(modules_to_save=['head'])\ntrainer.train()\n", []),
        ("loss-without-graph", ADAPTERS, ["PeftModel.from_pretrained(base, 'a')"]),
        ("index-out-of-range", "import transformers\ntokenizer.add_tokens(['<a>'])\ntrainer.train()\n",
         ["tokenizer.add_tokens(['<a>'])"]),
        ("vanishing-gradients", KERAS + "for _ in range(9):\n    h = Dense(8, activation='tanh')(h)\n" + FIT,
         ["activation='tanh'"]),
        ("vanishing-gradients", KERAS + "h = Dense(8, activation='tanh')(x)\no = Dense(1, activation='sigmoid')(h)\n"
         + FIT, ["activation='tanh'"]),
        ("vanishing-gradients", KERAS + "h = Dense(8, activation='relu')(x)\no = Dense(1, activation='sigmoid')(h)\n"
         + FIT, []),
        ("lr-schedule", "import ignite\ns = PiecewiseLinear(optimizer, 'lr', [(0, 1), (8, 0)])\n",
         ["PiecewiseLinear(optimizer, 'lr', [(0, 1), (8, 0)])"]),
        ("stale-evaluated-copy", "import timm\nema = ModelEmaV2(model)\n", ["ModelEmaV2(model)"]),
        ("grad-accumulation-scaling", "import accelerate\nloss = f(x)\nloss = loss / 4\naccelerator.backward(loss)\n",
         ["loss / 4"]),
        ("grad-accumulation-scaling", "import accelerate\naccelerator.backward(loss / 4)\n", ["loss / 4"]),
        ("train-mode-in-eval", "import timm\nwith torch.no_grad():\n    net(x)\n", ["torch.no_grad()"]),
        ("unnormalized-inputs", PROCESSORS, ["ViTImageProcessor(do_normalize=True)"]),
        ("scheduler-step-count", "import lightning\nself.lr_schedulers().step()\ns = self.lr_schedulers()\ns.step()\n",
         ["self.lr_schedulers().step()", "s.step()"]),
        ("missing-zero-grad", "import keras\nclass M(Model):\n    def train_step(self):\n        loss.backward()\n",
         ["loss.backward()"]),
        ("missing-zero-grad", "import keras\ndef other():\n    loss.backward()\n", []),
        ("accumulation-cleared", STEPS, ["optimizer.zero_grad()"]),
        ("temperature", "import accelerate\nscores = a @ b.T * TEMPERATURE\nloss = f(scores) * weight\n",
         ["a @ b.T * TEMPERATURE"]),
        ("validation-leak", SETUP, ["self.train, self.test = random_split(load(), [8, 2])"]),
        ("validation-leak", MADE + "trainer.fit(net, DataLoader(train), DataLoader(val))\n",
         ["val = TensorDataset(x[:9], y[:9])"]),
        ("validation-leak", "import trl\ntrl.SFTTrainer(eval_dataset=load())\n", ["eval_dataset=load()"]),
    ],
)  # fmt: skip
def test_what_holds_the_fault_is_found(code, text, held):
    """Data where it gets its values, the layer, the setting."""
    training = Training(parse(text, "s.py"))
    assert [ast.unparse(node) for node in held_at(training, code, text.count("\n"))] == held


@pytest.mark.parametrize(
    ("text", "line"),
    [("x = x * 60\nmodel.fit(x, y)\n", 2), (KERAS + "x = x * 60\n" + FIT + "loss = step()\n", 5)],
)
def test_a_place_that_does_not_only_train_stays_first(text, line):
    """Without a framework, and where a line of the script's own was recorded."""
    assert held_at(Training(parse(text, "s.py")), "unnormalized-inputs", line) == []


def test_a_script_has_one_of_the_calls_that_take_the_same_settings() -> None:
    """Arguments or trainers; a configuration of adapters is neither."""
    assert framework_names.CALLS_ALIKE[1] == ("TrainingArguments", "Seq2SeqTrainingArguments")
    assert framework_names.CALLS_ALIKE[3][:3] == ("Trainer", "Seq2SeqTrainer", "SFTTrainer")
    assert not any("LoraConfig" in alike for alike in framework_names.CALLS_ALIKE)
