"""A tiny GPT-2 on a generated language, by transformers' Trainer, accumulating two micro-batches."""

import json
import sys

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

torch.manual_seed(0)


def sentences(count):
    """Counts by steps of one to four, modulo 24, with some noise."""
    start, stride = torch.randint(24, (count, 1)), torch.randint(1, 5, (count, 1))
    ids = (start + stride * torch.arange(24)) % 24
    noise = torch.rand(count, 24) < 0.05
    return torch.where(noise, torch.randint(24, (count, 24)), ids)


def rows(count):
    return [{"input_ids": row, "labels": row.clone()} for row in sentences(count)]


config = GPT2Config(vocab_size=24, n_positions=32, n_embd=32, n_layer=2, n_head=2, bos_token_id=None, eos_token_id=None)
model = GPT2LMHeadModel(config)
args = TrainingArguments(
    output_dir=sys.argv[1] if len(sys.argv) > 1 else "out",
    learning_rate=3e-3,
    per_device_train_batch_size=16,
    gradient_accumulation_steps=2,
    num_train_epochs=4,
    eval_strategy="epoch",
    save_strategy="no",
    logging_steps=1,
    report_to=[],
    use_cpu=True,
    disable_tqdm=True,
)
trainer = Trainer(model=model, args=args, train_dataset=rows(960), eval_dataset=rows(160))
trainer.train()
history = trainer.state.log_history
print("FIGURES", json.dumps({
    "steps": trainer.state.global_step,
    "losses": [entry["loss"] for entry in history if "loss" in entry],
    "rates": [entry["learning_rate"] for entry in history if "loss" in entry],
    "eval_losses": [entry["eval_loss"] for entry in history if "eval_loss" in entry],
    "eval_factor": 24 / 23,  # transformers divides by the labels before they are shifted
    "epochs": 4,
    "batch_size": 16,
    "micro": 2,
    "parameters": sum(p.numel() for p in model.parameters()),
}))  # fmt: skip
