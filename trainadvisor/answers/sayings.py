"""What sayings about figures, cards and times mean: texts in which a phrase that has a meaning takes their place."""

from __future__ import annotations

import re

# A figure that goes from one to another goes up or down; beyond this ratio it explodes.
FROM_TO = re.compile(r"(?:from|从)\s*(\d+(?:\.\d+)?)\s*(?:to|[^\d\s,，。]{0,4})\s*(\d+(?:\.\d+)?(?:e\d+)?)\s*(万|k\b)?")
BELOW_ZERO = re.compile(r"(?:\b(?:to|at|is|was)\s+|[到是为成]\s*|(?<=loss)\s*|(?<=损失)\s*)-\d[\d.]*")
BILLIONS = re.compile(r"(?<![\d.])\d+(?:\.\d+)?b(?![a-z])")  # parameters of a model
CARD = re.compile(r"\d+\s*gb?(?=\s*(?:gpu|card|vram|的卡|卡|显卡|显存))")
EVAL_CALL = re.compile(r"\b(?:\w+\.)?eval\s*\(\s*\)|\bmodel\.eval\b")
COUNT = r"(?:[2-9]|\d\d+|[二两三四五六七八九十几多]|two|three|four|eight|several)"
CARDS = r"(?:[aphvlt]\d{1,3}s?|[rg]?tx\s?\d{4}|[2-5]0[6-9]0s?|titans?|gpus?|cards?)(?:\s?ti)?(?![a-z0-9])"
MANY_CARDS = re.compile(
    rf"(?<![\d.]){COUNT}\s*(?:[x*×]\s*{CARDS}|[块张卡]\s*(?:的?卡|显卡|gpu|{CARDS}))|\b{COUNT}\s+{CARDS}"
)
ONE_CARD = re.compile(
    rf"(?<![\d.])(?:1|one|[一单])\s*(?:[x*×]\s*{CARDS}|[块张]\s*(?:的?卡|显卡|gpu|{CARDS}))|(?<=than )1\s*x\b"
)
NOT_AS_FAST = re.compile(r"(?:还没有?|没有?|不如|赶不上)(.{1,8}?)(?:跑得|训得|来得)?(?:那么)?快")
TRAINER = re.compile(r"\b([a-z]+)(?=(?:trainer|config)\b)")  # of TRL: GRPOTrainer, DPOConfig
TIMES = {"万": 10_000.0, "k": 1_000.0}
EXPLOSION = 10.0
# A time that something takes is said because it is too long.
LASTING = re.compile(
    r"\b(?:takes?|took|taking|needs?)\s+(?:me\s+|about\s+|around\s+|over\s+|like\s+|almost\s+|more than\s+)?"
    r"(?:\d+(?:\.\d+)?|an?|one|two|three|four|five|several|many|a few)\s*\+?\s*"
    r"(?:h|hrs?|hours?|days?|mins?|minutes?|weeks?|s|secs?|seconds?)\b"
)
LASTING_ZH = re.compile(
    r"(?:要|需要|花|花了|用了|得|要跑|跑了|训了)(?:\d+(?:\.\d+)?|[一二两三四五六七八九十几半好]+)个?多?(?:小时|天|分钟|钟头|星期|周|秒)"
)
# So is the time that each step takes, and how few steps there are a second.
STEP = r"(?:it|its|iters?|iterations?|steps?|batch|batches|个?iter|步)"
PACE = re.compile(
    rf"\d+(?:\.\d+)?\s*(?:s|secs?|seconds?|mins?|秒|分钟)\s*(?:/|per|a|一个|每)\s*{STEP}(?![a-z])"
    rf"|(?:\bonly|\bjust|才|只有|只能|只)\s*(?:跑|跑到)?\s*\d{{1,2}}(?:\.\d+)?\s*{STEP}(?:\s*/\s*s\b|(?:\s*(?:per|a)\s+second)|(?![a-z]))"
)


def told_plainly(text: str) -> str:
    """Return a text in lower case with words for what its sayings mean."""
    text = FROM_TO.sub(_way, BELOW_ZERO.sub(" negative ", EVAL_CALL.sub(" evalmode ", text)))
    text = TRAINER.sub(r"\1 ", text)
    text = ONE_CARD.sub(" onegpu ", MANY_CARDS.sub(" manygpus ", NOT_AS_FAST.sub(r"比\1更慢", text)))
    text = CARD.sub(" memory ", BILLIONS.sub(" bigmodel ", text))
    return LASTING.sub(" too slow ", LASTING_ZH.sub("很慢", PACE.sub(" too slow ", text)))


def _way(found: re.Match[str]) -> str:
    """Return which way a figure goes that goes from one to another."""
    first, last = float(found[1]), float(found[2]) * TIMES.get(found[3] or "", 1.0)
    return " blows up " if last > EXPLOSION * first else " rises " if last > first else " falls "
