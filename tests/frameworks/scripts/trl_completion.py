"""Supervised fine-tuning on prompts and completions by TRL, of the base that `hf_base.py` has saved."""

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


def pairs(count):
    """Counts upwards, which go on downwards."""
    start, stride = torch.randint(24, (count, 1)), torch.randint(1, 5, (count, 1))
    prompt = (start + stride * torch.arange(8)) % 24
    answer = (prompt[:, -1:] - stride * torch.arange(1, 9)) % 24
    return Dataset.from_dict(
        {
            "prompt": [" ".join(map(str, row)) for row in prompt.tolist()],
            "completion": [" " + " ".join(map(str, row)) for row in answer.tolist()],
        }
    )


model = GPT2LMHeadModel.from_pretrained(sys.argv[1])
args = SFTConfig(
    output_dir="out",
    learning_rate=2e-3,
    per_device_train_batch_size=16,
    num_train_epochs=4,
    warmup_steps=10,
    eval_strategy="epoch",
    save_strategy="no",
    logging_steps=5,
    report_to=[],
    use_cpu=True,
    bf16=False,
    max_length=32,
    disable_tqdm=True,
)
trainer = SFTTrainer(
    model=model,
    args=args,
    train_dataset=pairs(640),
    eval_dataset=pairs(160),
    processing_class=tokenizer,
)
trainer.train()
