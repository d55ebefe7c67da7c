"""What trainings print or write is read with the figures that its writer put down, whichever program it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from trainadvisor import telling
from trainadvisor.errors import LogError
from trainadvisor.importers.foreign_logs import read_log

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.log.reader import RunLog

NANOGPT = """step 0: train loss 4.2000, val loss 4.3000
iter 0: loss 4.2500, time 24.68ms, mfu 11.35%
iter 10: loss 3.5000, time 24.68ms, mfu 11.35%
step 20: train loss 3.0000, val loss 3.2000
iter 20: loss 3.1000, time 24.68ms, mfu 11.35%
"""
LLM_C = """step    1/100 | loss 10.500000 (+0.00z)| norm 15.2000 (-0.1z)| lr 6.00e-07 | 120.5 ms | 12345 tok/s
step    2/100 | loss 9.500000 (+0.10z)| norm 3.5000 (-0.1z)| lr 1.20e-06 | 120.5 ms | 12345 tok/s
val loss 9.600000
"""
TORCHTUNE = """Step 1 | loss:2.5 lr:0.0003 tokens_per_second:12.5
Step 2 | loss:2.25 lr:0.0003 tokens_per_second:12.5
"""
KERAS = """Epoch 1/2
10/100 [==>...........] - ETA: 3s - loss: 9.0000 - accuracy: 0.1000
100/100 [==============] - 5s 50ms/step - loss: 2.0000 - accuracy: 0.5000 - val_loss: 2.5000 - val_accuracy: 0.4000
Epoch 2/2
100/100 [==============] - 5s 50ms/step - loss: 1.0000 - accuracy: 0.7500 - val_loss: 1.5000 - val_accuracy: 0.6000
"""
NNUNET_1 = """2023-08-29 08:25:39.3:
epoch:  0
2023-08-29 08:27:00.1: train loss : -0.1000
2023-08-29 08:27:00.1: validation loss: -0.0500
2023-08-29 08:27:00.1: Average global foreground Dice: [0.2, 0.4]
epoch:  1
2023-08-29 08:27:00.1: train loss : -0.4000
2023-08-29 08:27:00.1: validation loss: -0.3000
2023-08-29 08:27:00.1: Average global foreground Dice: [0.5, 0.7]
"""
NNUNET_2 = """2023-08-29 08:25:39.359369: Epoch 0
2023-08-29 08:27:00.1: train_loss -0.1
2023-08-29 08:27:00.1: val_loss -0.05
2023-08-29 08:27:00.1: Pseudo dice [0.2, 0.4]
2023-08-29 08:25:39.359369: Epoch 1
2023-08-29 08:27:00.1: train_loss -0.4
2023-08-29 08:27:00.1: val_loss -0.3
2023-08-29 08:27:00.1: Pseudo dice [0.5, 0.7]
"""
MEGATRON = """ iteration       10/  500 | consumed samples: 2560 |lm loss: 5.5E+00 | grad norm: 1.25 |
-----
 validation loss at iteration 10 | lm loss value: 5.25E+00 | lm loss PPL: 1.9E+02 |
 iteration       20/  500 | consumed samples: 5120 | learning rate: 1E-04 | lm loss: 4.5E+00 | grad norm: 1.5 |
"""
DEEPSPEED = """[2023-05-01] [INFO] [logging.py:96:log_dist] [Rank 0] step=10, skipped=0, lr=[9.5e-06, 9.5e-06]
steps: 10 loss: 2.5 iter time (s): 1.023 samples/sec: 31.2
steps: 20 loss: 2.25 iter time (s): 1.023 samples/sec: 31.2
"""
FAIRSEQ = """| INFO | train_inner | epoch 001:    100 / 300 loss=9.5, nll_loss=9.25, ppl=724, num_updates=100, lr=0.0005
| INFO | valid | epoch 001 | valid on 'valid' subset | loss 8.5 | nll_loss 8.25 | ppl 362 | num_updates 300
| INFO | train_inner | epoch 002:    100 / 300 loss=7.5, nll_loss=7.25, ppl=181, num_updates=400, lr=0.0005
"""
METRIC_LOGGER = """Epoch: [0]  [  0/200]  eta: 0:10:00  lr: 0.001  loss: 6.5000 (6.5500)  time: 0.4944
Epoch: [0]  [100/200]  eta: 0:10:00  lr: 0.001  loss: 5.5000 (6.0500)  time: 0.4944
Test:  [  0/100]  eta: 0:01:00  loss: 5.7500 (5.7500)  acc1: 10.0 (10.0)
Epoch: [1]  [  0/200]  eta: 0:10:00  lr: 0.001  loss: 4.5000 (4.5500)  time: 0.4944
Epoch: [1]  [100/200]  eta: 0:10:00  lr: 0.001  loss: 3.5000 (4.0500)  time: 0.4944
"""
TUTORIAL = """Epoch 1
-------------------------------
loss: 2.300000  [    0/60000]
loss: 2.200000  [ 6400/60000]
Test Error:
 Accuracy: 50.5%, Avg loss: 2.150000

Epoch 2
-------------------------------
loss: 2.100000  [    0/60000]
"""
FASTAI = """epoch     train_loss  valid_loss  accuracy  time
0         1.500000    1.250000    0.700000  00:12
1         1.000000    1.125000    0.750000  00:12
"""
BAR = (
    "  1%|1         | 10/1000 [00:10<16:30, 1.0it/s]\r{'loss': 2.5, 'learning_rate': 2e-05, 'epoch': 0.03}\n"
    "  2%|2         | 20/1000 [00:20<16:20, 1.0it/s]\r{'loss': 2.25, 'learning_rate': 2e-05, 'epoch': 0.06}\n"
)
V5 = """{'loss': '2.5', 'grad_norm': '1.25', 'epoch': '0.5'}
{'eval_loss': '2.25', 'epoch': '0.5'}
{'loss': '2', 'epoch': '1'}
"""
MMCV = "\n".join(
    [
        json.dumps({"env_info": "sys.platform: linux"}),
        "{}",
        *(
            json.dumps({"mode": "train", "epoch": e, "iter": k, "lr": 0.02, "loss": 3 - e})
            for e in (1, 2)
            for k in (50, 100)
        ),
        json.dumps({"mode": "val", "epoch": 2, "iter": 20, "lr": 0.02, "bbox_mAP": 0.25}),
    ]
)
MMENGINE = "\n".join(
    [
        json.dumps({"lr": 0.01, "loss": 2.5, "epoch": 1, "iter": 50, "step": 50}),
        json.dumps({"coco/bbox_mAP": 0.125, "step": 1}),
        json.dumps({"lr": 0.01, "loss": 1.5, "epoch": 2, "iter": 100, "step": 100}),
        json.dumps({"coco/bbox_mAP": 0.25, "step": 2}),
    ]
)

DARKNET = """ 1: 800.5, 799.25 avg loss, 0.001000 rate, 3.2 seconds, 64 images, 5.1 hours left
Loaded: 0.000050 seconds
 2: -nan, nan avg, 0.001000 rate, 3.2 seconds, 128 images
 3: 700.5, 750.5 avg loss, 0.001000 rate, 3.2 seconds, 192 images, 5.1 hours left
"""
BOOSTED = """[0]\ttraining's binary_logloss: 0.5\tvalid_1's binary_logloss: 0.625
[1]\ttraining's binary_logloss: 0.25\tvalid_1's binary_logloss: 0.375
"""
FLAIR = """2023-05-01 10:00:00,000 epoch 1 - iter 10/20 - loss 2.5 - time (sec): 10.1 - lr: 0.100000
2023-05-01 10:00:00,000 epoch 1 - iter 20/20 - loss 2.25 - time (sec): 10.1 - lr: 0.100000
2023-05-01 10:00:00,000 DEV : loss 1.5 - f1-score (micro avg)  0.75
"""
ESPNET = """[host] 2023-05-01 (trainer:338) INFO: 1epoch results: [train] loss=2.5, [valid] loss=2.25, acc=0.75
[host] 2023-05-01 (trainer:338) INFO: 2epoch results: [train] loss=1.5, [valid] loss=1.25, acc=0.875
"""
OLD_FAIRSEQ = """| epoch 001 | loss 9.5 | nll_loss 8.5 | num_updates 500 | lr 0.0005 | gnorm 1.23
| epoch 001 | valid on 'valid' subset | loss 8.5 | nll_loss 7.5 | ppl 150 | num_updates 500
"""
MMENGINE_TEXT = """2023/05/01 10:00:00 - mmengine - INFO - Epoch(train)  [1][ 50/100]  lr: 1.0e-03  loss: 2.5
2023/05/01 10:00:00 - mmengine - INFO - Epoch(train)  [1][100/100]  lr: 1.0e-03  loss: 2.25
2023/05/01 10:00:00 - mmengine - INFO - Epoch(val) [1][10/10]    coco/bbox_mAP: 0.125  data_time: 0.01
2023/05/01 10:00:00 - mmengine - INFO - Epoch(train)  [2][ 50/100]  lr: 1.0e-03  loss: 1.5
"""
CHINESE = """第1轮 训练损失: 2.5 训练准确率: 0.5 验证损失: 2.25 验证准确率: 0.5
第2轮 训练损失: 1.5 训练准确率: 0.6 验证损失: 1.25 验证准确率: 0.75
"""
WIDE = "epoch：1，loss：2.5，acc：0.5，val_loss：2.25\nepoch：2，loss：1.5，acc：0.6，val_loss：1.25\n"
IMAGENET = """Epoch: [0][  0/100]\tTime  0.331 ( 0.350)\tLoss 6.5000e+00 (6.5000e+00)\tAcc@1   0.00 (  0.00)
Test: [ 0/20]\tTime  1.0 ( 1.0)\tLoss 9.0000e+00 (9.0000e+00)\tAcc@1  60.00 ( 60.00)
Test: [10/20]\tTime  1.0 ( 1.0)\tLoss 5.0000e+00 (6.2500e+00)\tAcc@1  10.00 ( 20.00)
 *   Acc@1 12.5 Acc@5 30.0
Epoch: [1][  0/100]\tTime  0.331 ( 0.350)\tLoss 5.5000e+00 (5.5000e+00)\tAcc@1  10.00 ( 10.00)
"""
GLOBAL_STEP = """   --> STEP: 0/400 -- GLOBAL_STEP: 400
     | > loss: 2.5  (2.5)
   --> STEP: 25/400 -- GLOBAL_STEP: 425
     | > loss: 2.25  (2.375)
"""
BRACKETS = """[0/25][0/2]\tLoss_D: 1.5\tLoss_G: 4.5
[0/25][1/2]\tLoss_D: 1.25\tLoss_G: 4.25
[1/25][0/2]\tLoss_D: 1\tLoss_G: 4
"""
KOHYA = (
    "\rsteps:   0%|  | 1/8 [00:01<00:10,  1.61s/it, avr_loss=0.125]"
    "\rsteps:  25%|# | 2/8 [00:02<00:10,  1.61s/it, avr_loss=0.25]"
)
HISTORY = "{'loss': [2.5, 1.5, nan], 'val_loss': [np.float64(2.25), 1.25, 1.5]}"
BOXES = """---------------------------------
| rollout/           |          |
|    ep_rew_mean     | 22.5     |
| time/              |          |
|    total_timesteps | 2048     |
| train/             |          |
|    loss            | 10.5     |
---------------------------------
---------------------------------
| rollout/           |          |
|    ep_rew_mean     | 33.5     |
| time/              |          |
|    total_timesteps | 4096     |
| train/             |          |
|    loss            | 9.5      |
---------------------------------
"""
SPACY = """E    #       LOSS TOK2VEC  LOSS NER  ENTS_F  SCORE
---  ------  ------------  --------  ------  ------
  0       0          1.50      2.50    0.00    0.00
  0     200          1.25      2.25   50.00    0.50
"""
TENSORS = """epoch 1 loss: tensor(2.5000, device='cuda:0', grad_fn=<NllLossBackward0>) val loss tensor(2.25)
epoch 2 loss: tensor(1.5000, device='cuda:0', grad_fn=<NllLossBackward0>) val loss tensor(1.25)
"""
FLAX = """INFO:absl:train epoch: 1, loss: 2.5, accuracy: 50.00
INFO:absl:eval epoch: 1, loss: 2.25, accuracy: 50.00
INFO:absl:train epoch: 2, loss: 1.5, accuracy: 60.00
INFO:absl:eval epoch: 2, loss: 1.25, accuracy: 60.00
"""
CLU = """I0501 10:00:00.123456 140 logging_writer.py:48] [100] train_loss=2.5, learning_rate=0.001
I0501 10:00:00.123456 140 logging_writer.py:48] [200] train_loss=1.5, learning_rate=0.001
I0501 10:00:00.123456 140 logging_writer.py:48] [200] eval_loss=1.25, eval_accuracy=0.75
"""
YOLO = """      Epoch    GPU_mem   box_loss   cls_loss  Instances       Size
\r        1/2      4.42G        9.5        9.5        121        640:  50%|#####     | 41/83 [00:14<00:14,  2.87it/s]
\r        1/2      4.42G        1.5        2.5        121        640: 100%|##########| 83/83 [00:28<00:00,  2.87it/s]
                 Class     Images  Instances      Box(P          R      mAP50  mAP50-95): 100%|##########| 3/3 [00:01]
                   all         91        201       0.25       0.25      0.125      0.125
"""

# name, text, steps, training losses, evaluations as (step, loss)
KINDS: list[tuple[str, str, list[int], list[float], list[tuple[int, float | None]]]] = [
    ("nanogpt", NANOGPT, [0, 10, 20], [4.25, 3.5, 3.1], [(0, 4.3), (20, 3.2)]),
    ("llm.c", LLM_C, [1, 2], [10.5, 9.5], [(2, 9.6)]),
    ("torchtune", TORCHTUNE, [1, 2], [2.5, 2.25], []),
    ("keras", KERAS, [1, 2], [2.0, 1.0], [(1, 2.5), (2, 1.5)]),
    ("nnunet 1", NNUNET_1, [0, 1], [-0.1, -0.4], [(0, -0.05), (1, -0.3)]),
    ("nnunet 2", NNUNET_2, [0, 1], [-0.1, -0.4], [(0, -0.05), (1, -0.3)]),
    ("megatron", MEGATRON, [10, 20], [5.5, 4.5], [(10, 5.25)]),
    ("deepspeed", DEEPSPEED, [10, 20], [2.5, 2.25], []),
    ("fairseq", FAIRSEQ, [100, 400], [9.5, 7.5], [(300, 8.5)]),
    ("metric logger", METRIC_LOGGER, [0, 100, 200, 300], [6.5, 5.5, 4.5, 3.5], [(100, 5.75)]),
    ("tutorial", TUTORIAL, [0, 6400, 12800], [2.3, 2.2, 2.1], [(6400, 2.15)]),
    ("fastai", FASTAI, [0, 1], [1.5, 1.0], [(0, 1.25), (1, 1.125)]),
    ("bar", BAR, [10, 20], [2.5, 2.25], []),
    ("v5", V5, [0, 1], [2.5, 2.0], [(0, 2.25)]),
    ("mmcv", MMCV, [50, 100, 150, 200], [2.0, 2.0, 1.0, 1.0], [(200, None)]),
    ("mmengine", MMENGINE, [50, 100], [2.5, 1.5], [(50, None), (100, None)]),
    ("darknet", DARKNET, [1, 3], [799.25, 750.5], []),
    ("boosted trees", BOOSTED, [0, 1], [0.5, 0.25], [(0, 0.625), (1, 0.375)]),
    ("flair", FLAIR, [10, 20], [2.5, 2.25], [(20, 1.5)]),
    ("espnet", ESPNET, [0, 1], [2.5, 1.5], [(0, 2.25), (1, 1.25)]),
    ("old fairseq", OLD_FAIRSEQ, [500], [9.5], [(500, 8.5)]),
    ("mmengine text", MMENGINE_TEXT, [50, 100, 150], [2.5, 2.25, 1.5], [(100, None)]),
    ("chinese", CHINESE, [1, 2], [2.5, 1.5], [(1, 2.25), (2, 1.25)]),
    ("wide signs", WIDE, [1, 2], [2.5, 1.5], [(1, 2.25), (2, 1.25)]),
    ("imagenet", IMAGENET, [0, 1], [6.5, 5.5], [(0, 6.25)]),
    ("global step", GLOBAL_STEP, [400, 425], [2.5, 2.25], []),
    ("brackets", BRACKETS, [0, 1, 2], [6.0, 5.5, 5.0], []),
    ("kohya", KOHYA, [1, 2], [0.125, 0.25], []),
    ("history", HISTORY, [0, 1], [2.5, 1.5], [(0, 2.25), (1, 1.25), (2, 1.5)]),
    ("boxes", BOXES, [2048, 4096], [10.5, 9.5], [(2048, None), (4096, None)]),
    ("spacy", SPACY, [0, 200], [4.0, 3.5], []),
    ("tensors", TENSORS, [1, 2], [2.5, 1.5], [(1, 2.25), (2, 1.25)]),
    ("flax", FLAX, [1, 2], [2.5, 1.5], [(1, 2.25), (2, 1.25)]),
    ("clu", CLU, [100, 200], [2.5, 1.5], [(200, 1.25)]),
    ("yolo", YOLO, [1], [4.0], [(1, None)]),
]  # fmt: skip


def log_of(folder: Path, text: str) -> RunLog:
    """The log of a text under a name that says nothing."""
    path = folder / "file"
    path.write_bytes(text.encode())
    return read_log(path)


@pytest.mark.parametrize(
    ("text", "steps", "losses", "evals"), [kind[1:] for kind in KINDS], ids=[kind[0] for kind in KINDS]
)
def test_the_figures_are_those_that_were_written(
    text: str, steps: list[int], losses: list[float], evals: list[tuple[int, float | None]], tmp_path: Path
) -> None:
    """Steps, training losses and evaluations, to the last digit."""
    log = log_of(tmp_path, text)
    known = np.isfinite(log.column("loss"))
    assert log.steps[known].tolist() == steps
    assert log.column("loss")[known].tolist() == losses
    assert [(record["step"], record.get("loss")) for record in log.all_evals] == evals


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        (NNUNET_1, "Average global foreground Dice", 0.6),
        (NNUNET_2, "Pseudo dice", 0.6),
        (KERAS, "val_accuracy", 0.6),
        (FASTAI, "accuracy", 0.75),
        (TUTORIAL, "val Accuracy", 50.5),
        (MMCV, "val_bbox_mAP", 0.25),
        (MMENGINE, "coco/bbox_mAP", 0.25),
        (FLAIR, "val f1-score", 0.75),
        (ESPNET, "val acc", 0.875),
        (MMENGINE_TEXT, "val coco/bbox_mAP", 0.125),
        (CHINESE, "val accuracy", 0.75),
        (IMAGENET, "val Acc@1", 12.5),
        (BOXES, "rollout/ep_rew_mean", 33.5),
        (YOLO, "val mAP50", 0.125),
    ],
)
def test_the_last_evaluation_has_its_metric(text: str, name: str, value: float, tmp_path: Path) -> None:
    """A list of figures, one a class, is their mean."""
    assert log_of(tmp_path, text).all_evals[-1]["metrics"][name] == pytest.approx(value)


def test_rates_norms_and_plans_are_read(tmp_path: Path) -> None:
    """llm.c prints all of them."""
    log = log_of(tmp_path, LLM_C)
    assert log.lr.tolist() == [6e-07, 1.2e-06]
    assert log.column("grad_norm").tolist() == [15.2, 3.5]
    assert log.header["planned_steps"] == 100


def appended() -> str:
    """Two runs in one table."""
    rows = [f"{epoch},{loss - epoch / 10}" for loss in (2.0, 5.0) for epoch in range(10)]
    return "\n".join(["epoch,loss", *rows]) + "\n"


@pytest.mark.parametrize(("run", "first"), [(None, 5.0), (1, 2.0), (2, 5.0)])
def test_one_of_several_runs_is_read(run: int | None, first: float, tmp_path: Path) -> None:
    """The last one, unless another is asked for."""
    (tmp_path / "log").write_text(appended())
    log = read_log(tmp_path / "log", run=run)
    assert log.column("loss")[0] == first
    assert log.header["imported"]["runs"] == 2
    assert any("2 runs" in note for note in log.notes)


def test_a_run_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """With the number of those that are."""
    (tmp_path / "log").write_text(appended())
    with pytest.raises(LogError, match="--run 3: the log holds 2 runs"):
        read_log(tmp_path / "log", run=3)


def test_the_losses_of_cyclegan_are_those_of_players(tmp_path: Path) -> None:
    """Their names do not say that they are losses; of players no curve tells who learns, so nothing is alarmed."""
    clock = "(epoch: {}, iters: {}, time: 0.273, data: 0.004)"
    rows = [
        clock.format(epoch, 100 * part) + f" D_A: 0.{21 + part} G_A: 0.356 cycle_A: {9 / epoch:.3f} idt_A: 0.512 "
        for epoch in range(1, 16)
        for part in (1, 2)
    ]
    log = log_of(
        tmp_path, "================ Training Loss (Thu Nov 15 16:38:03 2018) ================\n" + "\n".join(rows)
    )
    assert (log.steps.size, log.column("loss_D_A")[:2].tolist()) == (30, [0.22, 0.23])
    assert log.column("loss_cycle_A")[[0, -1]].tolist() == [9.0, 0.6]
    found = telling.diagnose(log)
    assert (str(found.state), found.findings) == ("cannot-tell", [])


def test_a_norm_that_is_always_zero_was_not_measured(tmp_path: Path) -> None:
    """Megatron prints 0.000; a norm that is zero once is one."""
    told = log_of(
        tmp_path, MEGATRON.replace("grad norm: 1.25", "grad norm: 0.000").replace("grad norm: 1.5", "grad norm: 0.000")
    )
    assert np.isnan(told.column("grad_norm")).all()
    assert log_of(tmp_path, MEGATRON.replace("1.25", "0.000")).column("grad_norm").tolist() == [0.0, 1.5]


def test_a_part_that_was_nan_for_a_window_is_told(tmp_path: Path) -> None:
    """It is finite again later: the step and the part."""
    rows: list[dict[str, Any]] = [{"step": k, "loss": 1.0, "loss_bbox": 0.5 if k != 2 else "nan"} for k in range(5)]
    log = log_of(tmp_path, "\n".join(map(json.dumps, rows)))
    (event,) = [event for event in log.events if event["kind"] == "nonfinite-points"]
    assert (event["subject"], event["step"], event["detail"]["count"]) == ("loss_bbox", 2, 1)


def test_the_header_says_what_a_step_is(tmp_path: Path) -> None:
    """Unit and distance of the points, and how the columns are taken."""
    facts = log_of(tmp_path, MEGATRON).header["imported"]
    assert (facts["unit"], facts["every"], facts["source"]) == ("step", 10, "printed lines")
    assert log_of(tmp_path, FASTAI).header["imported"]["unit"] == "epoch"


@pytest.mark.parametrize(
    "said",
    [
        "Loss is nan, stopping training",
        "FloatingPointError: Loss became infinite or NaN at iteration=3!",
        "ERROR:tensorflow:Model diverged with loss = NaN.",
        "Batch 12: Invalid loss, terminating training",
    ],
)
def test_a_program_that_stops_at_nan_says_so(said: str, tmp_path: Path) -> None:
    """The loss is not finite from there on, under the name that it had; a sentence about another one is none."""
    lines = [f"step: {k} total_loss: {2.5 - k}" for k in range(3)]
    stopped, went_on = (log_of(tmp_path, "\n".join([*lines, end])) for end in (said, "the loss is low, stopping"))
    assert np.isnan(stopped.column("loss")).tolist() == [False, False, False, True]
    assert [event["kind"] for event in stopped.events] == ["nonfinite"]
    assert (went_on.column("loss").tolist(), went_on.events) == ([2.5, 1.5, 0.5], [])


def test_rewards_alone_are_a_log(tmp_path: Path) -> None:
    """Without any loss; the spread beside the reward is no measure of success."""
    lines = [f"[INFO] Ball. Step: {10 * k}. Mean Reward: {k}.5. Std of Reward: 0.7. Training." for k in range(4)]
    log = log_of(tmp_path, "\n".join(lines))
    assert [(record["step"], record["metrics"]) for record in log.all_evals][-1] == (30, {"Mean Reward": 3.5})
