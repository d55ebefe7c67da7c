"""Supervised fine-tuning by TRL of the base that `hf_base.py` has saved in the folder of the argument."""

import json
import sys

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer

torch.manual_seed(0)
words = Tokenizer(models.WordLevel({str(n): n for n in range(24)}, unk_token="0"))
words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="0", eos_token="23")


def texts(count):
    """Counts downwards, modulo 24: the base counts upwards."""
    start, stride = torch.randint(24, (count, 1)), torch.randint(1, 5, (count, 1))
    rows = ((start - stride * torch.arange(20)) % 24).tolist()
    return Dataset.from_dict({"text": [" ".join(map(str, row)) for row in rows]})


args = SFTConfig(
    output_dir="out",
    learning_rate=2e-3,
    per_device_train_batch_size=16,
    num_train_epochs=3,
    eval_strategy="epoch",
    save_strategy="no",
    logging_steps=1,
    report_to=[],
    use_cpu=True,
    bf16=False,
    max_length=24,
    disable_tqdm=True,
)
model = GPT2LMHeadModel.from_pretrained(sys.argv[1])
trainer = SFTTrainer(
    model=model, args=args, train_dataset=texts(640), eval_dataset=texts(160), processing_class=tokenizer
)
trainer.train()
history = trainer.state.log_history
print("FIGURES", json.dumps({
    "steps": trainer.state.global_step,
    "losses": [entry["loss"] for entry in history if "loss" in entry],
    "rates": [entry["learning_rate"] for entry in history if "loss" in entry],
    "eval_losses": [entry["eval_loss"] for entry in history if "eval_loss" in entry],
    "epochs": 3,
    "batch_size": 16,
    "parameters": sum(p.numel() for p in model.parameters()),
}))  # fmt: skip
