"""LoRA, by peft and transformers' Trainer, on a base that `hf_base.py` has saved in the folder of the argument."""

import json
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import GPT2LMHeadModel, Trainer, TrainingArguments

torch.manual_seed(0)


def rows(count):
    """Counts downwards, modulo 24: the base counts upwards."""
    start, stride = torch.randint(24, (count, 1)), torch.randint(1, 5, (count, 1))
    ids = (start - stride * torch.arange(24)) % 24
    return [{"input_ids": row, "labels": row.clone()} for row in ids]


base = GPT2LMHeadModel.from_pretrained(sys.argv[1])
model = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules=["c_attn", "c_fc"], task_type="CAUSAL_LM"))
args = TrainingArguments(
    output_dir="out",
    learning_rate=5e-3,
    per_device_train_batch_size=16,
    num_train_epochs=4,
    eval_strategy="epoch",
    save_strategy="no",
    logging_steps=1,
    report_to=[],
    use_cpu=True,
    disable_tqdm=True,
)
trainer = Trainer(model=model, args=args, train_dataset=rows(640), eval_dataset=rows(160))
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
    "parameters": sum(p.numel() for p in model.parameters()),
}))  # fmt: skip
