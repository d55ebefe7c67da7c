"""Small files of many kinds as people hand them over: whole, odd, torn, of something else."""

from __future__ import annotations

import json
import math


def falling(count: int, start: float = 2.0) -> list[float]:
    """Return a loss that falls."""
    return [round(start * math.exp(-n / 9), 4) for n in range(count)]


def table(names: str, rows: list[list[object]], delimiter: str = ",") -> str:
    """Return a table of text."""
    return "\n".join([names, *(delimiter.join(map(str, row)) for row in rows)]) + "\n"


def printed(form: str, count: int = 30, **more: list[object]) -> str:
    """Return lines of one form."""
    losses = falling(count)
    return "".join(
        form.format(n=n, e=n // 10, loss=losses[n], **{name: column[n] for name, column in more.items()}) + "\n"
        for n in range(count)
    )


LOSSES = falling(30)
ROWS = [[n, loss, round(loss + 0.1, 4)] for n, loss in enumerate(LOSSES)]
TRACE = 'Traceback (most recent call last):\n  File "train.py", line 3, in <module>\n    f()\n'
HISTORY = [{"step": 10 * n, "epoch": n / 3, "loss": loss, "learning_rate": 1e-3} for n, loss in enumerate(LOSSES)]

TABLES = {
    "plain.csv": table("step,loss,val_loss", ROWS),
    "semicolons.csv": table("step;loss;val_loss", ROWS, ";"),
    "tabs.tsv": table("epoch\ttrain loss\tvalid accuracy", ROWS, "\t"),
    "short-rows.csv": table("step,loss,val_loss", [*ROWS[:9], [9, 1.0], [10], *ROWS[11:]]),
    "torn.csv": table("step,loss,val_loss", ROWS) + "30,0.0",
    "twice.csv": table("step,loss,val_loss", [row for row in ROWS for _ in range(2)]),
    "two-runs.csv": table("step,loss,val_loss", [*ROWS, *ROWS[:20]]),
    "shuffled.csv": table("step,loss,val_loss", [*ROWS[:3], ROWS[8], *ROWS[3:8], *ROWS[9:]]),
    "quoted.csv": table('"step","loss","note, long"', [[n, loss, '"a, b"'] for n, loss in enumerate(LOSSES)]),
    "comments.csv": "# a run\n\n" + table("step,loss", [row[:2] for row in ROWS]),
    "no-step.csv": table("loss,lr", [[loss, 0.1] for loss in LOSSES]),
    "missing.csv": table("step,loss,val_loss", [[n, loss, "" if n % 3 else "nan"] for n, loss, _ in ROWS]),
    "becomes-nan.csv": table("step,loss,grad_norm", [[n, "nan" if n > 20 else loss, "inf" if n > 24 else 1.0]
                                                     for n, loss, _ in ROWS]),
    "nan-between.csv": table("step,loss", [[n, "NaN" if n in (7, 8) else loss] for n, loss, _ in ROWS]),
    "rewards.csv": table("timesteps,ep_rew_mean,ep_len_mean", [[100 * n, -loss, 20] for n, loss, _ in ROWS]),
    "parts.csv": table("step,recon_loss,kl_loss", ROWS),
    "players.csv": table("iter,loss_D,loss_G", ROWS),
    "elbo.csv": table("step,elbo", [[n, -loss] for n, loss, _ in ROWS]),
    "mixed-sign-elbo.csv": table("step,elbo", [[n, loss if n < 15 else -loss] for n, loss, _ in ROWS]),
    "metrics-only.csv": table("epoch,accuracy,f1", [[n, 1 - loss / 4, 1 - loss / 3] for n, loss, _ in ROWS]),
    "joined-names.csv": table("epoch,trainloss,valloss,testloss", [[*row, row[1]] for row in ROWS]),
    "twin-metrics.csv": table("epoch,loss,acc,val_acc", [[n, loss, 0.5, 0.4] for n, loss, _ in ROWS]),
    "rarely.csv": table("step,loss,val_loss", [[n, loss, loss if n == 9 else ""] for n, loss, _ in ROWS]),
    "every-fourth.csv": table("step,loss,val_loss", [[n, loss, "" if n % 4 else loss] for n, loss, _ in ROWS]),
    "times.csv": table("time,step,loss", [[1_700_000_000 + 7 * n, n, loss] for n, loss, _ in ROWS]),
    "one-row.csv": table("step,loss", [[0, 1.0]]),
    "header-only.csv": "step,loss\n",
    "zero-norms.csv": table("step,loss,grad_norm", [[n, loss, 0.0] for n, loss, _ in ROWS]),
    "zero-rates.csv": table("step,loss,lr", [[n, 2.0, 0.0] for n, _, _ in ROWS]),
}  # fmt: skip
LINES = {
    "plain.log": printed("step {n} loss {loss}"),
    "epochs.log": printed("Epoch {e} [{n}/30] loss: {loss:.3f} lr: 0.001"),
    "of-many.log": printed("Epoch [{e}/3], Step [{n}/100], Loss: {loss}"),
    "two-lines.log": printed("epoch {n}\n  train_loss={loss} acc=0.5\n  val_loss={loss} val_acc=0.4"),
    "held-out.log": printed("Epoch {n}: train loss {loss}\nValidation: loss {loss}, accuracy 0.5"),
    "test-set.log": printed(
        "Train Epoch: {n} Loss: {loss}\n\nTest set: Average loss: {loss}, Accuracy: 91/100 (91%)\n"
    ),
    "json-at-end.log": printed('INFO {{"epoch": {e}, "num_updates": {n}, "loss": "{loss}"}}'),
    "broken-json.log": printed('INFO {{"epoch": {e}, "loss": {loss}'),
    "dicts.log": printed("{{'loss': {loss}, 'epoch': {e}.0, 'learning_rate': 0.001}}"),
    "says-nan.log": printed("step {n} loss {loss}", 20) + "step 20 loss is nan, stopping training\n",
    "bars.log": printed("Epoch {e}:  50%|#####     | {n}/30 [00:01<00:01, 3.1it/s, loss={loss}]"),
    "bar-of-validation.log": printed("{n}/30 [====] - loss: {loss}\nValidating 3/7 loss 0.5"),
    "chinese.log": printed("第{e}轮 步数 {n} 损失 {loss} 学习率 0.001"),
    "several-names.log": printed("iter {n} | d_loss {loss} | g_loss {loss} | time 0.3s"),
    "counts.log": printed("num_updates {n} loss {loss} ppl 9.1"),
    "inf.log": printed("step {n} loss {loss}", 10) + "step 10 loss inf\nstep 11 loss -inf\nstep 12 loss nan\n",
    "killed.log": printed("step {n} loss {loss}") + "Killed\n",
    "out-of-memory.log": printed("step {n} loss {loss}") + TRACE + "torch.cuda.OutOfMemoryError: CUDA out of memory.\n",
    "two-errors.log": printed("step {n} loss {loss}", 4) + TRACE + "KeyError: 1\n" + TRACE + "ValueError: no\n\tmore\n",
    "error-alone.log": TRACE + "RuntimeError: mat1 and mat2 shapes cannot be multiplied (4x400 and 288x2)\n",
    "interrupted.log": printed("step {n} loss {loss}") + TRACE + "KeyboardInterrupt\n",
    "longest.log": printed("step {n} loss {loss}", 9) + "x" * 9000 + "\n" + printed("step 1{n} loss {loss}", 9),
    "boxed.log": printed(
        "|----|\n| train/  |  |\n|  loss  | {loss} |\n| time/ |  |\n| total_timesteps | {n} |\n|----|"
    ),
    "boxed-words.log": printed("| name | x |\n| loss | {loss} |\n| step | {n} |\n| reward | 2.5 |\n"),
    "aligned.log": "epoch  train_loss  valid_loss\n" + printed("{n}  {loss}  {loss}"),
}
JSON = {
    "rows.json": json.dumps([{"loss": loss, "lr": 0.1} for loss in LOSSES]),
    "epochs.json": json.dumps([{"epoch": n, "train_loss": loss, "batches": [1]} for n, loss in enumerate(LOSSES)]),
    "lists.json": json.dumps({"loss": LOSSES, "val_loss": LOSSES[:20], "name": "a", "sizes": ["x"]}),
    "inside.json": json.dumps({"history": {"loss": LOSSES}, "other": 1}),
    "logs.json": json.dumps({"logs": [{"loss": loss, "nested": {"acc": 0.5}} for loss in LOSSES]}),
    "nothing.json": json.dumps({"a": 1}),
    "empty-list.json": "[]",
    "broken.json": '{"loss": [1, 2',
    "notebook.json": json.dumps({"nbformat": 4, "cells": []}),
    "summary.json": json.dumps({"_runtime": 9, "loss": 1.0}),
    "wandb.json": json.dumps({"_wandb": {}, "loss": 1.0}),
    "config.json": json.dumps({"hidden_size": 9}),
    "python.json": "{'loss': [1.0, nan, np.float64(0.5)], 'ok': [True, None, inf]}",
    "trainer_state.json": json.dumps({
        "log_history": [*HISTORY, {"train_runtime": 60.0, "step": 300}], "max_steps": 300, "logging_steps": 10,
        "num_train_epochs": 3, "global_step": 300}),
    "nothing_logged.json": json.dumps({"log_history": [], "logging_steps": 500, "global_step": 100, "max_steps": 100}),
    "just_logged.json": json.dumps({"log_history": [], "logging_steps": 100, "global_step": 100, "max_steps": True}),
    "rows.jsonl": "".join(json.dumps({"step": n, "loss": loss}) + "\n" for n, loss in enumerate(LOSSES)),
    "odd.jsonl": "".join(json.dumps({"step": n, "loss": loss, "total_steps": 99}) + "\n{odd\n\n"
                         for n, loss in enumerate(LOSSES[:9])) + '{"step": 9}\n' * 12 + '{"st',
    "mmcv.jsonl": "".join(json.dumps({"mode": "val" if n % 5 == 4 else "train", "epoch": n, "iter": n, "lr": 0.1,
                                      "loss": loss, "mAP": 0.5}) + "\n" for n, loss in enumerate(LOSSES)),
}  # fmt: skip
OTHERS: dict[str, bytes] = {
    "empty.log": b" \n",
    "binary.bin": bytes(range(256)) * 40,
    "few-odd.log": b"a" * 96 + b"\x01" * 4,
    "more-odd.log": b"a" * 90 + b"\x01" * 10,
    "weights.safetensors": (8).to_bytes(8, "little") + b'{"w":{"dtype":"F32"}}',
    "train.py": b"import torch\n",
    "settings.yaml": b"lr: 0.1\n",
    "words.txt": b"nothing to see\n",
    "curve.csv": b"Wall time,Step,Value\n1.0,0,0.5\n2.0,1,0.4\n",
    "nnunet.txt": b"Desired fold for training: 0\ntraining on a CPU\n",
    "nnunet-gpu.txt": b"Desired fold for training: 0\n",
    "baseline.json": b'{"schema": "trainadvisor/baseline/1"}',
    "verified.json": b'{"schema": "trainadvisor/verify/1"}',
    "report.html": b'<meta name="generator" content="trainadvisor">',
}
FILES = {name: text.encode() for name, text in (TABLES | LINES | JSON).items()} | OTHERS
