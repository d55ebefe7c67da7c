"""A tiny BERT on generated texts, by transformers' Trainer."""

import json
import sys

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

torch.manual_seed(0)


def texts(count):
    """Texts of sixteen words; four in ten come from the eight words of their topic."""
    topic, words = torch.randint(4, (count,)), torch.randint(2, 34, (count, 16))
    own = 2 + 8 * topic[:, None] + torch.randint(8, (count, 16))
    ids = torch.where(torch.rand(count, 16) < 0.4, own, words)
    return [{"input_ids": row, "labels": int(label)} for row, label in zip(ids, topic, strict=True)]


train, val = texts(1440), texts(357)

config = BertConfig(
    vocab_size=34, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, num_labels=4
)
model = BertForSequenceClassification(config)
args = TrainingArguments(
    output_dir=sys.argv[1] if len(sys.argv) > 1 else "out",
    learning_rate=2e-3,
    per_device_train_batch_size=32,
    num_train_epochs=4,
    eval_strategy="epoch",
    save_strategy="no",
    logging_steps=1,
    report_to=[],
    use_cpu=True,
    disable_tqdm=True,
)


def metrics(prediction):
    return {"accuracy": float((np.argmax(prediction.predictions, 1) == prediction.label_ids).mean())}


trainer = Trainer(model=model, args=args, train_dataset=train, eval_dataset=val, compute_metrics=metrics)
trainer.train()
history = trainer.state.log_history
print("FIGURES", json.dumps({
    "steps": trainer.state.global_step,
    "losses": [entry["loss"] for entry in history if "loss" in entry],
    "rates": [entry["learning_rate"] for entry in history if "loss" in entry],
    "eval_losses": [entry["eval_loss"] for entry in history if "eval_loss" in entry],
    "eval_accuracies": [entry["eval_accuracy"] for entry in history if "eval_accuracy" in entry],
    "epochs": 4,
    "batch_size": 32,
    "parameters": sum(p.numel() for p in model.parameters()),
}))  # fmt: skip
