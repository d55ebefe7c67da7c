"""Questions in English and Chinese, and what they are answered with."""

import shlex
import tomllib
from pathlib import Path

import pytest

from trainadvisor.answers import question as ask
from trainadvisor.answers import written
from trainadvisor.answers.matching import Matcher, Topic
from trainadvisor.answers.meaning import meanings
from trainadvisor.cli import program
from trainadvisor.errors import LogError, RuleError
from trainadvisor.judge.result import Diagnosis, Finding, Remedy
from trainadvisor.judge.rule_loading import load
from trainadvisor.judge.rulebook import ANSWERS, shipped_rules
from trainadvisor.report.text.layout import cells
from trainadvisor.vocabulary import Severity

WRITTEN = written.load(shipped_rules() / ANSWERS)
FAQ = [
    ("Why is my training slow?", "为什么我的模型训练很慢", ["Adam", "batch", "num_workers"]),
    (
        "It converged but performs badly",
        "我的模型收敛了但是性能不好怎么办",
        ["dropout", "weight_decay", "augmentation|数据增强", "capacity|容量"],
    ),
    (
        "My training does not converge",
        "我的模型训练不收敛怎么办",
        ["Xavier", "He（|He (", "too large|过大", "too small|过小"],
    ),
    ("Which optimizer do I choose?", "如何选择合适的优化算法", ["AdamW", "SGD", "RMSprop", "momentum"]),
]
QUESTIONS = [
    ("loss is nan", "loss-is-nan"),
    ("loss 不下降", "loss-not-decreasing"),
    ("损失不下降", "loss-not-decreasing"),
    ("不收敛", "not-converging"),
    ("loss为0", "loss-zero-grad-nan"),
    ("loss 0 grad nan", "loss-zero-grad-nan"),
    ("验证集上升", "validation-loss-rises"),
    ("loss震荡", "loss-oscillates"),
    ("loss 0.0 grad_norm nan", "loss-zero-grad-nan"),
    ("lora loss not decreasing", "lora-not-learning"),
    ("lora损失不下降", "lora-not-learning"),
    ("packing leaks across documents", "packing-leak"),
    ("optimizer created before FSDP", "optimizer-before-wrapping"),
    ("accelerate scheduler steps too fast", "scheduler-many-processes"),
    ("pure bf16 converges worse", "bf16-training"),
    ("NCCL timeout", "hang-in-collective"),
    ("显存一直涨", "memory-grows"),
    ("diffusion lora black images", "diffusion-training"),
    ("扩散模型损失不下降正常吗", "diffusion-training"),
    ("torch.compile gives different loss", "compile-differs"),
    ("dice is 0", "dice-zero"),
    ("eval loss rises after epoch 1", "validation-loss-rises"),
    ("multi gpu worse than single gpu", "many-gpus-worse"),
    ("多卡训练效果比单卡差", "many-gpus-worse"),
    ("infonce loss stays at log batch size", "contrastive-start"),
    ("显存泄漏", "memory-grows"),
    ("GPU利用率低", "gpu-idle"),
    ("my GPU is idle most of the time", "gpu-idle"),
    ("accuracy stuck at 10%", "loss-not-decreasing"),
    ("训练了很久loss还是2.303", "loss-at-chance"),
    ("weights are not updating", "weights-do-not-change"),
    ("sgd or adam?", "choose-optimizer"),
    ("I train a resnet on my pictures and after two epochs the loss is nan, what now?", "loss-is-nan"),
]
FOREIGN = [
    "how do I bake bread",
    "今天天气怎么样",
    "what is the capital of France",
    "how to learn the piano",
    "",
    "???",
    "\x1b[31m",
    "how do i install cuda 12 on ubuntu 22.04",
    "which laptop should i buy for machine learning",
    "how to export pytorch model to onnx",
    "best book to learn deep learning",
    "how do I write a resume for a data scientist job",
    "where can i download imagenet",
    "how to center a div",
    "explain how attention is all you need was written",
    "ubuntu怎么装cuda12",
    "做深度学习买什么笔记本",
    "pytorch模型怎么转onnx",
    "深度学习入门看什么书",
    "算法工程师简历怎么写",
    "imagenet在哪下载",
    "周末去哪玩",
    "注意力机制的论文是谁写的",
]


def first_line(question: str, lang: str, folder: Path) -> str:
    """Return the line that says what was matched."""
    return ask.answer(question, lang, folder).splitlines()[0]


def holds(text: str, wanted: str) -> bool:
    """Return whether a text holds one of the words between bars."""
    return any(word in text for word in wanted.split("|"))


@pytest.mark.parametrize(("english", "chinese", "words"), FAQ)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_four_questions_name_the_remedies(english, chinese, words, lang, tmp_path):
    """Each FAQ question is answered with its remedies, in either language."""
    text = ask.answer(chinese if lang == "zh" else english, lang, tmp_path)
    assert [word for word in words if not holds(text, word)] == []


@pytest.mark.parametrize(("question", "name"), QUESTIONS)
def test_common_questions_find_their_answer(question, name, tmp_path):
    """What users type leads to the answer that was written for it."""
    entry = next(entry for entry in WRITTEN if entry.id == name)
    assert entry.en.question in first_line(question, "en", tmp_path)
    assert entry.zh.question in first_line(question, "zh", tmp_path)


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("vanishing gradients", "vanishing-gradients"),
        ("梯度爆炸", "exploding-gradients"),
        ("欠拟合", "underfitting"),
        ("grpo loss 0", "group-loss-near-zero"),
        ("grpo loss 一直是0", "group-loss-near-zero"),
        ("dpo rewards both negative", "preference-rewards-both-fall"),
        ("dpo chosen reward 下降", "preference-rewards-both-fall"),
        ("dpo loss stuck at 0.693", "preference-reference-wrong"),
        ("模型微调后不停止输出", "stop-token-masked"),
        ("the model never stops generating", "stop-token-masked"),
        ("labels = input_ids", "prompt-not-masked"),
        ("all labels -100", "masked-labels"),
        ("gradient accumulation gives another loss", "grad-accumulation-scaling"),
        ("grpo kl explosion", "policy-drift"),
        ("vllm logprobs differ from the trainer", "rollout-mismatch"),
        ("ppo explained variance negative", "explained-variance-low"),
        ("merged lora model is worse", "forgetting"),
        ("loss jumps after resume", "resume-jump"),
        ("set_epoch never called", "sampler-epoch-fixed"),
    ],
)
def test_a_question_about_one_finding_is_answered_from_its_rule(question, code, tmp_path):
    """A finding's own name leads to its rule, with its remedies."""
    text = ask.answer(question, "en", tmp_path)
    assert f"trainadvisor explain {code}" in text


@pytest.mark.parametrize("question", FOREIGN)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_nothing_is_invented(question, lang, tmp_path):
    """A question about something else gets three lines: no answer, near questions, where all subjects stand."""
    lines = ask.answer(question, lang, tmp_path).splitlines()
    starts = (
        ("没有找到", "相近的问题有：", "trainadvisor explain")
        if lang == "zh"
        else ("No answer", "Near", "`trainadvisor")
    )
    assert [line.startswith(start) for line, start in zip(lines, starts, strict=True)] == [True] * 3
    assert "\x1b" not in "".join(lines)
    assert max(map(cells, lines)) <= ask.WIDTH + 20


def test_near_questions_share_a_word(tmp_path):
    """Half a match is shown as a question that can be asked."""
    assert "Near questions: How do I use this with transformers?" in ask.answer(
        "transformer bumblebee movie", "en", tmp_path
    )


ASKED = tomllib.loads(Path(__file__).with_name("asked.toml").read_text(encoding="utf-8"))
RIGHT = 0.9


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("part", ASKED)
def test_questions_are_answered_as_people_ask_them(part, lang, tmp_path):
    """Nine of ten lead to a right answer, and each leads to some answer."""
    titles = {entry.id: entry.texts(lang).question for entry in WRITTEN}
    asked = ASKED[part][lang]
    first = {question: first_line(question, lang, tmp_path) for question in asked}
    assert [question for question, line in first.items() if not line.startswith(("Matched", "匹配"))] == []
    wrong = [
        question
        for question, names in asked.items()
        if not any(f": {titles.get(name, name)}" in first[question].replace("：", ": ") for name in names)
    ]
    assert len(wrong) <= (1 - RIGHT) * len(asked), wrong


@pytest.mark.parametrize("part", ASKED)
def test_no_question_is_listed(part):
    """None of them stands word for word among the words that answers are found by."""
    listed = {words for entry in WRITTEN for texts in (entry.en, entry.zh) for words in texts.search}
    added = {question for lang in ASKED[part].values() for question in lang}
    assert part == "given" or listed & added == set()


@pytest.mark.parametrize(
    ("question", "opposite"),
    [
        ("val loss higher than train loss", "validation-below-training"),
        ("train loss lower than val loss", "validation-below-training"),
        ("验证集loss比训练集高", "validation-below-training"),
        ("validation loss is lower than training loss", "validation-loss-rises"),
        ("验证集loss比训练集低", "validation-loss-rises"),
        ("loss decreasing but accuracy not increasing", "loss-not-decreasing"),
        ("loss下降但是准确率不涨", "loss-not-decreasing"),
        ("gpu利用率很高但是训练慢", "gpu-idle"),
        ("my model underfits", "validation-loss-rises"),
        ("欠拟合怎么办", "validation-loss-rises"),
        ("test accuracy is better than training accuracy", "validation-loss-rises"),
    ],
)
def test_no_meaning_is_turned_around(question, opposite, tmp_path):
    """The answer to the opposite question is not the first."""
    entry = next(entry for entry in WRITTEN if entry.id == opposite)
    assert entry.en.question not in first_line(question, "en", tmp_path)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("RuntimeError: mat1 and mat2 shapes cannot be multiplied (64x3136 and 784x10)", "shape-mismatch"),
        ("IndexError: Target 10 is out of bounds.", "index-out-of-range"),
        ("RuntimeError: Trying to backward through the graph a second time", "graph-freed"),
        ("AttributeError: module 'torch' has no attribute 'sigmiod'", "name-unknown"),
    ],
)
def test_an_error_message_is_a_question(message, code, tmp_path):
    """The patterns by which a crash is explained answer who pastes its message."""
    assert f"Matched: {code}: " in first_line(message, "en", tmp_path)


def finding(code: str, **more) -> Finding:
    """Return a finding with as little as it needs."""
    plain = {"family": "optimization", "kind": "cause", "severity": "error", "confidence": "likely", "title": code}
    return Finding(code=code, sentence=f"sentence of {code}", **plain, **more)


def judged(monkeypatch, tmp_path, findings):
    """Put a log there that is judged to have these findings."""
    (tmp_path / "log.json").write_text("[]")
    verdict = Diagnosis(state="broken" if findings else "healthy", summary="the summary", findings=findings)
    monkeypatch.setattr("trainadvisor.telling.diagnose", lambda *_, **__: verdict)


def test_the_latest_run_comes_first(monkeypatch, tmp_path):
    """The root cause in the latest log, its consequences and its first remedy stand before the general answer."""
    remedy = Remedy(change="lr", arguments={}, applies="paste", text="Divide it by ten.", code="lr=0.01")
    judged(monkeypatch, tmp_path, [finding("lr-too-high", remedies=[remedy], explains=[finding("nan-loss")])])
    lines = ask.answer("loss is nan", "en", tmp_path).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Your latest run"))
    assert lines[start : start + 7] == [
        "Your latest run log.json (just now) says: the summary",
        "This bears on your question:",
        "  error[lr-too-high]: sentence of lr-too-high",
        "    it explains nan-loss",
        "    fix: Divide it by ten.",
        "      lr=0.01",
        "  Show it: trainadvisor diagnose log.json",
    ]


def test_a_run_with_something_else_says_so(monkeypatch, tmp_path):
    """Findings that do not bear on the question are named, not explained."""
    judged(monkeypatch, tmp_path, [finding("overfitting")])
    text = ask.answer("loss is nan", "en", tmp_path)
    assert "None of this was found in it; what was found: overfitting." in text


def test_a_note_is_no_finding_to_name(monkeypatch, tmp_path):
    """Of a run that is sound but for it."""
    judged(monkeypatch, tmp_path, [finding("undertrained").model_copy(update={"severity": Severity.NOTE})])
    assert "None of this was found in it.\n" in ask.answer("loss is nan", "en", tmp_path)


def test_a_run_that_shows_what_is_close_to_the_question_says_so(monkeypatch, tmp_path):
    """The first topic is not always the one: a consequence that a further one names counts as well."""
    question = "why is my test accuracy so much lower than my training accuracy"
    found = finding("preprocessing-mismatch", explains=[finding("train-eval-gap")])
    judged(monkeypatch, tmp_path, [found])
    text = ask.answer(question, "en", tmp_path)
    assert "  error[preprocessing-mismatch]: sentence of preprocessing-mismatch\n" in text


def test_a_sound_run_says_so(monkeypatch, tmp_path):
    """A healthy run is an answer too."""
    judged(monkeypatch, tmp_path, [])
    assert "最近一次训练 log.json（刚刚）：the summary" in ask.answer("loss is nan", "zh", tmp_path)


def test_a_log_that_cannot_be_judged_does_not_stop_the_answer(monkeypatch, tmp_path):
    """The reason is one line, and the general answer follows."""
    judged(monkeypatch, tmp_path, [])

    def fail(*_, **__):
        message = "log.json: is empty"
        raise LogError(message)

    monkeypatch.setattr("trainadvisor.telling.diagnose", fail)
    text = ask.answer("loss is nan", "en", tmp_path)
    assert "Your latest log cannot be judged: log.json: is empty" in text
    assert "These decide it" in text or "these decide it" in text


def test_the_newest_log_is_the_latest(tmp_path):
    """Logs of recorded runs count as well as the one beside the script."""
    import os

    run = tmp_path / "trainadvisor-runs" / "0101"
    run.mkdir(parents=True)
    for age, path in ((1000, tmp_path / "log.json"), (2000, run / "log.json")):
        path.write_text("[]")
        os.utime(path, (age, age))
    assert ask.latest_log(tmp_path) == run / "log.json"


def test_no_log_is_no_run(tmp_path):
    """Without a log the answer starts with the checks."""
    assert ask.latest_log(tmp_path) is None
    assert "latest" not in ask.answer("loss is nan", "en", tmp_path)


@pytest.mark.parametrize("entry", WRITTEN, ids=lambda entry: entry.id)
def test_answers_name_findings_that_exist(entry):
    """Each code of an answer is a rule."""
    assert set(entry.codes) <= set(load().rules)


@pytest.mark.parametrize("entry", WRITTEN, ids=lambda entry: entry.id)
def test_commands_in_answers_can_be_run(entry):
    """Each command line is understood by the program, and is the same in both languages."""
    for english, chinese in zip(entry.en.checks, entry.zh.checks, strict=True):
        assert chinese.run.removesuffix(" --lang zh") == english.run
        words = shlex.split(chinese.run) if chinese.run.startswith("trainadvisor ") else []
        if words:
            command = program.get_command(None, words[1])
            command.make_context(words[1], words[2:])


@pytest.mark.parametrize("entry", WRITTEN, ids=lambda entry: entry.id)
def test_search_words_lead_home(entry, tmp_path):
    """The question and each of its search words lead to the answer, at least as a near topic."""
    for texts, lang, space in ((entry.en, "en", " "), (entry.zh, "zh", "")):
        assert texts.question in first_line(texts.question, lang, tmp_path)
        for words in texts.search:
            assert texts.question in ask.answer(words, lang, tmp_path).replace("\n", space), words


def test_a_wrong_file_of_answers_is_named(tmp_path):
    """The message has the file and the entry."""
    path = tmp_path / "answers.toml"
    path.write_text('[[answers]]\nid = "x"\ncodes = []\nlanguage = "en"\n')
    with pytest.raises(RuleError, match=r"answers\.toml: answers\.0\.en: Field required"):
        written.load(path)


def test_forms_and_synonyms_are_one_token():
    """In English and in Chinese, with words between that say nothing."""
    texts = [
        "The losses are not decreasing",
        "my loss won't go down",
        "loss is stuck",
        "为什么我的loss不下降了？",
        "损失降不下去",
    ]
    assert [meanings(text) for text in texts] == [["=loss", "=stuck"]] * 5


def test_what_is_no_concept_is_a_stem_or_a_pair_of_characters():
    """All forms of a word have one stem; Chinese without spaces is read in pairs."""
    assert meanings("tokenizers") == meanings("the tokenizer") == ["tokenizer"]
    assert meanings("分词器") == ["分词", "词器"]


def test_a_misspelled_word_is_the_nearest_known_one(tmp_path):
    """Whoever types in a hurry is understood."""
    assert first_line("wich optimzer shoud I use", "en", tmp_path) == first_line("which optimizer", "en", tmp_path)


def test_a_comparison_is_read_whoever_is_named_first():
    """Which side is worse counts, not which comes first; a smaller loss is better, a smaller accuracy worse."""
    behind = ["val loss higher than train loss", "train loss lower than val loss", "train acc 99 test acc 60"]
    ahead = ["val loss lower than train loss", "test accuracy better than train accuracy", "验证集准确率比训练集高"]
    assert [meanings(text)[-1] for text in behind] == ["=overfit"] * 3
    assert [meanings(text)[-1] for text in ahead] == ["=ahead"] * 3


def test_a_missing_negation_is_no_match():
    """Not learning is a question; learning something else is not."""
    matcher = Matcher([Topic("stuck", ("does not learn",)), Topic("other", ("unrelated words",))])
    assert [topic.name for topic in matcher.match("it does not learn")] == ["stuck"]
    assert matcher.match("learn piano") == []
