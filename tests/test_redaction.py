"""Secrets do not get into logs; what only looks like one from afar stays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from trainadvisor.log.writer import LogWriter
from trainadvisor.redaction import redact, redact_arguments

if TYPE_CHECKING:
    from pathlib import Path

WANDB = "0123456789abcdef" * 2 + "01234567"
SECRETS = [
    ("cannot reach postgres://me:hidden@host/db", "cannot reach postgres://me:***@host/db"),
    ("amqp://u:p@ss@host", "amqp://u:***@host"),
    ("https://x.org/a?sig=hidden&n=1", "https://x.org/a?sig=***&n=1"),
    ("--token=hidden", "--token=***"),
    ("train.py --api-key hidden --lr 1", "train.py --api-key *** --lr 1"),
    ("WANDB_API_KEY=hidden", "WANDB_API_KEY=***"),
    ("AWS_SECRET_ACCESS_KEY=hid/den+1", "AWS_SECRET_ACCESS_KEY=***"),
    ("db_password: hidden123!", "db_password: ***"),
    ('{"password": "hidden"}', '{"password": "***"}'),
    ("Authorization: Bearer abc.def-123", "Authorization: Bearer ***"),
    (f"wandb login {WANDB}", "wandb login ***"),
    ("hf_" + "aB3" * 10, "***"),
    ("key sk-proj-" + "aB3_" * 8, "key ***"),
    ("ghp_" + "aB3" * 12 + " failed", "*** failed"),
    ("AKIA" + "ABCD" * 4, "***"),
    ("eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "***"),
    ("https://hooks.slack.com/services/T0/B0/abc", "https://hooks.slack.com/services/***"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", "-----BEGIN RSA PRIVATE KEY-----***"),
]
CODE_SECRETS = [
    ('login(token="hidden-1")', 'login(token="***")'),
    ("os.environ['WANDB_API_KEY'] = 'hidden'", "os.environ['WANDB_API_KEY'] = '***'"),
    ('connect(f"redis://:hidden@{host}")', 'connect(f"redis://:***@{host}")'),
]
PLAIN = [
    "https://pytorch.org/docs/stable/a:b",
    "git@github.com:me/repo.git",
    "pad_token_id=0, max_tokens=512, token=1000",
    "tokenizer=gpt2, keys: a1234567890",
    "encoder.layers.0.attention.key.weight",
    "checkpoints/epoch=3-val_loss=0.12.ckpt",
    "unexpected token: here",
    "mat1 and mat2 shapes cannot be multiplied (4x8 and 9x3)",
    WANDB,
]
PLAIN_CODE = [
    "loss = model(x, token=token, key=batch.key).loss",
    'tokenizer.add_special_tokens({"pad_token": "<|pad|>"})',
    'nn.MultiheadAttention(64, 4, mask_token="[MASK]")',
    "hidden = secret_layer(x)  # password=None",
]


@pytest.mark.parametrize(("text", "shown"), SECRETS)
def test_a_secret_is_taken_out_of_a_text(text: str, shown: str) -> None:
    """Only the secret; doing it again changes nothing."""
    assert redact(text) == shown
    assert redact(shown) == shown


@pytest.mark.parametrize(("line", "shown"), CODE_SECRETS)
def test_a_secret_is_taken_out_of_a_source_line(line: str, shown: str) -> None:
    """It is written out there as text."""
    assert redact(line, code=True) == shown


@pytest.mark.parametrize("text", PLAIN)
def test_other_texts_stay(text: str) -> None:
    """Nothing is lost."""
    assert redact(text) == text


@pytest.mark.parametrize("line", PLAIN_CODE)
def test_other_source_lines_stay(line: str) -> None:
    """A remedy has to find its line again."""
    assert redact(line, code=True) == line


def test_arguments_lose_the_word_after_a_telling_option() -> None:
    """Not an option that follows."""
    given = ["--lr", "0.1", "--api-key", "hidden", "--token", "--password", "hidden", "data"]
    assert redact_arguments(given) == ["--lr", "0.1", "--api-key", "***", "--token", "--password", "***", "data"]


def test_no_secret_is_in_a_log(tmp_path: Path) -> None:
    """Neither in the header nor in an event; all other values stay."""
    writer = LogWriter(tmp_path / "log.json")
    writer({"record": "header", "format": 1, "script": "train.py", "argv": ["--token", "hidden", "--lr", "1"]})
    site = {"file": "train.py", "line": 3, "code": "login(token='hidden')"}
    detail = {"message": "s3://me:hidden@bucket", "site": site, "count": 2}
    writer({"record": "event", "kind": "exception", "step": 0, "subject": "OSError", "detail": detail})
    writer.close()
    text = (tmp_path / "log.json").read_text()
    assert "hidden" not in text
    header, event = json.loads(text)
    assert header["argv"] == ["--token", "***", "--lr", "1"]
    assert event["detail"] == {
        "message": "s3://me:***@bucket",
        "site": {"file": "train.py", "line": 3, "code": "login(token='***')"},
        "count": 2,
    }
