"""Preferences, by TRL's DPO, on the base that `hf_base.py` has saved in the folder of the argument."""

import json
import sys

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2LMHeadModel, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer

torch.manual_seed(0)
words = Tokenizer(models.WordLevel({str(n): n for n in range(24)}, unk_token="0"))
words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="0", eos_token="23")


def preferences(count):
    """Counts by steps of one to four: what goes on by half steps is not wanted, what goes on by the step is."""
    start, stride = torch.randint(24, (count, 1)), torch.randint(1, 5, (count, 1))
    prompt = (start + stride * torch.arange(8)) % 24
    wanted = (prompt[:, -1:] + stride * torch.arange(1, 9)) % 24
    unwanted = torch.where(torch.rand(count, 8) < 0.5, torch.randint(24, (count, 8)), wanted)
    texts = [[" ".join(map(str, row)) for row in part.tolist()] for part in (prompt, wanted, unwanted)]
    return Dataset.from_dict(
        {"prompt": texts[0], "chosen": [f" {t}" for t in texts[1]], "rejected": [f" {t}" for t in texts[2]]}
    )


args = DPOConfig(
    output_dir="out",
    learning_rate=2e-4,
    beta=0.1,
    per_device_train_batch_size=16,
    num_train_epochs=3,
    eval_strategy="epoch",
    save_strategy="no",
    logging_steps=1,
    report_to=[],
    use_cpu=True,
    bf16=False,
    max_length=32,
    disable_tqdm=True,
)
model = GPT2LMHeadModel.from_pretrained(sys.argv[1])
reference = GPT2LMHeadModel.from_pretrained(sys.argv[1])
trainer = DPOTrainer(
    model=model, ref_model=reference, args=args, train_dataset=preferences(640), eval_dataset=preferences(160),
    processing_class=tokenizer,
)  # fmt: skip
trainer.train()
history = trainer.state.log_history
print("FIGURES", json.dumps({
    "steps": trainer.state.global_step,
    "losses": [entry["loss"] for entry in history if "loss" in entry],
    "rates": [entry["learning_rate"] for entry in history if "loss" in entry],
    "eval_losses": [entry["eval_loss"] for entry in history if "eval_loss" in entry],
    "epochs": 3,
    "batch_size": 16,
    "models": 2,
    "parameters": sum(p.numel() for p in model.parameters()),
}))  # fmt: skip
