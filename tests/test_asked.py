"""The questions that ship, what is wrong with others, and what they lead to."""

import tomllib
from pathlib import Path

import pytest

from trainadvisor.answers import asked, question
from trainadvisor.answers.denials import without_denied
from trainadvisor.answers.likeness import Examples
from trainadvisor.answers.matching import Matcher, Topic
from trainadvisor.answers.ranking import ranked
from trainadvisor.errors import RuleError


def folder_of(folder: Path, text: str) -> Path:
    """Write a file of questions to a folder of rules."""
    place = folder / "questions"
    place.mkdir()
    (place / "some.toml").write_text(text, encoding="utf-8")
    return folder


def table(name: str, *questions: str) -> str:
    """Return the table of an answer with questions in English."""
    return f'[{name}]\nen = """\n' + "\n".join(questions) + '\n"""\nzh = ""\n'


def first(text: str) -> list[str]:
    """Return the name of the best answer to a question."""
    _, written, matcher, known = question._subjects()
    return ranked(text, matcher, known, written)[:1]


def test_sound_questions_have_no_problems(tmp_path):
    """Known names, each text once."""
    folder = folder_of(tmp_path, table("a", "one", "two") + table(asked.ELSEWHERE, "three"))
    assert asked.problems(folder, ["a", "b"]) == []
    assert asked.load(folder) == (("a", "one"), ("a", "two"), ("elsewhere", "three"))


def test_the_questions_that_ship_have_no_problems():
    """They are part of what `trainadvisor rules check` checks."""
    assert question.check_questions(()) == []


def test_an_unknown_name_is_a_problem(tmp_path):
    """Neither an answer nor a rule."""
    folder = folder_of(tmp_path, table("a", "one") + table("c", "two"))
    assert asked.problems(folder, ["a"]) == [
        f"{folder / 'questions'}: c is neither an answer nor a rule; mend the name"
    ]


def test_a_text_under_two_names_is_a_problem(tmp_path):
    """In whatever case it is written."""
    folder = folder_of(tmp_path, table("a", "Loss is NaN") + table("b", "loss is nan"))
    assert asked.problems(folder, ["a", "b"]) == [
        f"{folder / 'questions'}: 'loss is nan' stands under a and b; keep one"
    ]


def test_a_missing_language_is_a_problem(tmp_path):
    """Each table has both."""
    folder = folder_of(tmp_path, '[a]\nen = "one"\n')
    with pytest.raises(RuleError, match="a must have the texts en and zh"):
        asked.load(folder)
    assert len(asked.problems(folder, ["a"])) == 1


def test_what_is_elsewhere_has_no_answer():
    """A question that is most like one that no answer is about leads to none."""
    examples = Examples(["slow", asked.ELSEWHERE], ["my training is slow", "my kitchen is dirty"])
    matcher = Matcher([Topic("slow", ("training is slow",))])
    known = asked.Known(examples, {"training": 3.0, "slow": 3.0}, {})
    assert ranked("the dirty kitchen", matcher, known, ()) == []
    assert ranked("the training is so slow", matcher, known, ()) == ["slow"]


@pytest.mark.parametrize("text", ["what is the capital of France", "matplotlib legend position", "今天天气怎么样"])
def test_what_has_nothing_to_do_with_training_has_no_answer(text):
    """Nor is a word mended to a much shorter one that some rule knows."""
    assert first(text) == []


@pytest.mark.parametrize(
    "text",
    ["what does nn.Linear do", "difference between a list and a tuple", "卷积核是什么", "zebra stripes grow slowly",
     "部署到手机太慢", "deploy with torchserve is slow"],
)  # fmt: skip
def test_what_a_thing_is_and_what_no_question_holds_have_no_answer(text):
    """Neither have downloads and deployments that are slow: no training is."""
    assert first(text) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("dev loss is climbing although the train loss keeps falling", "validation-loss-rises"),
        ("第8轮起验证损失抬头，训练损失还在降", "validation-loss-rises"),
        ("warmup有什么用", "schedule-and-warmup"),
        ("how do I gate merges on a healthy training", "tool-ci"),
        ("does it upload anything", "tool-privacy"),
        ("两份训练日志怎么对比", "tool-compare"),
    ],
)
def test_the_meaning_leads_to_the_answer(text, name):
    """Two courses in two clauses, what something is good for, and the program itself."""
    assert first(text) == [name]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("i lowered the lr but still nan", "lr"), ("学习率调了好几个还是不行", "学习率"),
        ("i raised the learning rate and now the loss is nan", None), ("i changed the lr and it got worse", None),
        ("换了优化器以后变差了", None), ("学习率改了之后loss变nan", None),
    ],
)  # fmt: skip
def test_what_was_tried_is_left_out_unless_the_trouble_came_of_it(text, told):
    """Who says what a change brought asks about that change."""
    assert without_denied(text) == text if told is None else told not in without_denied(text)


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("loss goes up", {"loss-not-decreasing", "accuracy-does-not-follow", "plateau"}),
        ("训练loss一直上升", {"loss-not-decreasing", "accuracy-does-not-follow", "plateau"}),
        ("val accuracy much better than train accuracy", {"validation-loss-rises", "overfitting", "train-eval-gap"}),
        ("train accuracy much better than val accuracy", {"validation-below-training", "underfitting"}),
        ("验证集准确率比训练集高很多", {"validation-loss-rises", "overfitting", "train-eval-gap"}),
        ("训练集准确率比验证集高很多", {"validation-below-training", "underfitting"}),
        ("my model overfits", {"underfitting", "validation-below-training"}),
        ("my model underfits", {"overfitting", "validation-loss-rises", "train-eval-gap"}),
        ("过拟合", {"underfitting", "validation-below-training"}),
        ("欠拟合", {"overfitting", "validation-loss-rises", "train-eval-gap"}),
        ("loss不下降", {"accuracy-does-not-follow", "divergence", "curve-diverges"}),
        ("loss下降但准确率不变", {"loss-not-decreasing", "divergence"}),
    ],
)
def test_the_opposite_is_never_the_answer(text, never):
    """Whoever says that something rises is not told why it does not fall, nor the reverse."""
    assert len(first(text)) == 1
    assert not never & {*first(text)}


APART = tomllib.loads(Path(__file__).with_name("asked_apart.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("lang", APART)
def test_nine_of_ten_that_were_kept_apart_are_answered_rightly(lang):
    """With an answer that is right, or with none where no answer is about it."""
    wrong = [
        text for text, names in APART[lang].items() if not ({*first(text)} & {*names} or first(text) == names == [])
    ]
    assert len(wrong) * 10 <= len(APART[lang]), wrong


TYPED = {
    (name, half, lang): questions
    for name in ("asked_typed.toml", "asked_forum.toml", "asked_chats.toml", "asked_posts.toml")
    for half, langs in tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8")).items()
    for lang, questions in langs.items()
}


@pytest.mark.parametrize("part", TYPED, ids="-".join)
def test_nine_of_ten_as_people_type_them_are_answered_rightly(part):
    """Forum titles, pasted messages and half sentences."""
    wrong = [
        text for text, names in TYPED[part].items() if not ({*first(text)} & {*names} or first(text) == names == [])
    ]
    assert len(wrong) * 10 <= len(TYPED[part]), wrong


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("4x A100 takes longer per epoch than 1x", "many-gpus-slower"),
        ("四张卡还没一张卡快", "many-gpus-slower"),
        ("fp16 blows up bf16 is fine", "half-precision-nan"),
        ("开fp16就炸，bf16没事", "half-precision-nan"),
        ("dont show me overfitting findings anymore", "tool-own-rules"),
        ("不想看到dead-relu这条提示", "tool-own-rules"),
        ("qlora训qwen loss卡在2.3", "lora-not-learning"),
    ],
)
def test_cards_what_works_and_what_is_not_wanted_are_read(text, name):
    """What is fine is no trouble, nor is what shall be silent; a question lacks what all those of an answer hold."""
    assert first(text) == [name]


@pytest.mark.parametrize("text", ["what's the difference between numpy array and torch tensor", "反向传播是什么"])
def test_what_a_thing_is_has_no_answer_however_it_is_asked(text):
    """Short forms too."""
    assert first(text) == []


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("my training isn't slow but gpu memory is always full", "slow-training"),
        ("训练不慢，但显存一直占满", "slow-training"),
        ("the loss is not nan, it hovers at 1.098", "loss-is-nan"),
        ("不是过拟合，训练和验证都只有六十多", "overfitting"),
        ("no overfitting here, simply slow", "underfitting"),
    ],
)
def test_a_trouble_that_is_denied_is_not_the_answer(text, never):
    """Whoever says what it is not tells of something else."""
    assert first(text) not in ([never], [])


@pytest.mark.parametrize(
    "text", ["why does my model not overfit a single batch", "how do I know that it is not overfitting"]
)
def test_a_denial_that_is_all_a_question_says_stays(text):
    """Why it is absent, or how one knows."""
    assert len(first(text)) == 1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("12 s/it on a 4090, others report 0.8", "slow-training"),
        ("一秒才跑0.3个iter", "slow-training"),
        ("train 71 val 84", "validation-below-training"),
        ("训练71验证84", "validation-below-training"),
        ("how can I mute the overfitting warning", "tool-own-rules"),
        ("显卡占用99%了还是慢", "slow-training"),
        ("evaluation reward far below the training reward in sac", "reward-does-not-rise"),
    ],
)
def test_paces_scores_and_returns_are_read(text, name):
    """Time for a step, two scores apart, what shall be silent, and what an agent gets."""
    assert first(text) == [name]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("loss is exactly 0.693", "loss-at-chance"),
        ("loss stays at 2.303", "loss-at-chance"),
        ("loss around 4.605 all the time", "loss-at-chance"),
        ("loss停在6.908", "loss-at-chance"),
        ("gpt从头训练loss一开始10.82", "loss-at-chance"),
        ("四分类loss一直1.386", "loss-at-chance"),
        ("dpo loss stays at 0.6931", "preference-reference-wrong"),
        ("loss: 0.0, grad_norm: nan", "loss-zero-grad-nan"),
        ("loss=inf", "loss-is-nan"),
        ("all labels are -100", "masked-labels"),
        ("标签全是-100", "masked-labels"),
        ("stuck at 50% accuracy", "answers-at-chance"),
        ("十分类准确率一直10%", "answers-at-chance"),
    ],
)
def test_constants_that_people_quote_lead_to_what_they_stand_for(text, name):
    """The loss of guessing, in preference training that of no preference; what is no number; what is left out."""
    assert first(text) == [name]


@pytest.mark.parametrize("text", ["loss 0.693 after one epoch of mnist", "二分类loss 0.693"])
def test_findings_on_preferences_need_a_word_of_them(text):
    """0.693 is also the loss of any two classes."""
    assert not first(text)[0].startswith("preference-")


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("it is not the learning rate, loss flat", {"choose-learning-rate", "lr-too-high", "lr-too-low"}),
        ("换了学习率，不是学习率的问题，loss不降", {"choose-learning-rate", "lr-too-high", "lr-too-low"}),
        ("gpu利用率不低就是慢", {"gpu-idle", "data-loader-bound"}),
        ("gpu util isn't low, still slow", {"gpu-idle", "data-loader-bound"}),
        ("学习率是不是太大了", {"lr-too-low"}),
        ("是过拟合还是欠拟合 train 0.71 val 0.70", {"overfitting", "validation-loss-rises"}),
        ("loss突然冲上去，几步后又恢复", {"divergence", "curve-diverges"}),
        ("val accuracy stuck whereas train accuracy improves", {"validation-below-training", "loss-not-decreasing"}),
    ],
)  # fmt: skip
def test_what_is_denied_asked_about_or_over_again_is_not_turned_round(text, never):
    """Causes that are ruled out, denied degrees, yes-or-no questions, even figures, and what recovers."""
    assert len(first(text)) == 1
    assert not never & {*first(text)}


@pytest.mark.parametrize(
    "text",
    [
        "阳台上种番茄要多大的盆",
        "蓝牙耳机连不上电脑",
        "how do I file a patent",
        "swift optional unwrapping",
        "骨折多久能好",
    ],
)
def test_questions_of_other_fields_have_no_answer_in_either_language(text):
    """Their words are not those of questions about training."""
    assert first(text) == []


def test_what_is_kept_of_questions_is_what_is_learned(tmp_path, monkeypatch):
    """The file that ships says the same as learning does."""
    monkeypatch.setattr(asked, "may_keep", lambda: False)
    topics = [Topic("slow", ("training is slow",), ("Why is it slow?",)), Topic("nan", ("loss is nan",))]
    folder = folder_of(tmp_path, table("slow", "it is so slow") + table(asked.ELSEWHERE, "my kitchen is dirty"))
    learned = asked.known(folder, topics)
    asked.ship(folder, topics, folder / asked.LEARNED)
    shipped = asked.known(folder, topics)
    assert (shipped.words, shipped.read) == (learned.words, learned.read)
    assert shipped.examples.weights == learned.examples.weights
