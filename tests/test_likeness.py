"""How like a question is to others: what both hold, each piece by how few hold it."""

import math

import pytest

from trainadvisor.answers.likeness import NEAREST, Examples, likeness, pieces
from trainadvisor.answers.meaning import meanings

TEXTS = [
    "loss is nan",
    "loss becomes nan after 100 steps",
    "validation loss rises",
    "my gpu is idle",
    "为什么loss是nan",
    "显存不足怎么办",
]
NAMES = ["nan", "nan", "rises", "idle", "nan", "memory"]


def nearest(examples: Examples, question: str) -> dict[str, list[tuple[float, str]]]:
    """Return the questions that are most like one."""
    return examples.nearest(examples.holding(question))


def naive(question: str, number: int) -> float:
    """Return the cosine of a question and a text from sets of pieces, one text at a time."""
    held = [pieces(text, " ".join(meanings(text))) for text in TEXTS]
    own = pieces(question, " ".join(meanings(question)))

    def rarity(piece: str) -> float:
        return math.sqrt(math.log(1 + len(TEXTS) / max(sum(piece in each for each in held), 1)))

    shared = sum((own[piece] * rarity(piece)) ** 2 for piece in own if piece in held[number])
    norms = [math.hypot(*(weight * rarity(piece) for piece, weight in each.items())) for each in (own, held[number])]
    return shared / (norms[0] * norms[1])


@pytest.mark.parametrize("question", ["loss nan", "why is my gpu idle", "loss变成nan了", "step 100", "显存"])
def test_likeness_is_the_cosine_of_what_both_hold(question):
    """Looking for pieces in one text finds what comparing each text with the question finds."""
    found = nearest(Examples(NAMES, TEXTS), question)
    likes = {text: like for pairs in found.values() for like, text in pairs}
    wanted = {text: like for number, text in enumerate(TEXTS) if (like := naive(question, number))}
    assert likes == pytest.approx(wanted)


def test_a_text_is_entirely_like_itself():
    """Each of the texts is found with a likeness of 1."""
    examples = Examples(NAMES, TEXTS)
    firsts = [max(pair for pairs in nearest(examples, text).values() for pair in pairs) for text in TEXTS]
    assert [text for _, text in firsts] == TEXTS
    assert [like for like, _ in firsts] == pytest.approx([1.0] * len(TEXTS))


def test_a_piece_that_few_hold_counts_more():
    """Of two questions that each share one word, the one that shares the rarer word is more alike."""
    examples = Examples(list("abcd"), ["batch apple", "batch lemon", "batch melon", "batch cherry"])
    likes = {name: pairs[0][0] for name, pairs in nearest(examples, "batch cherry").items()}
    assert max(likes, key=likes.__getitem__) == "d"
    common = nearest(Examples(["often", "seldom"], ["batch", "cherry"]), "batch cherry")
    assert common["often"][0][0] == pytest.approx(common["seldom"][0][0], rel=0.2)
    rare = Examples(["often", "often", "often", "seldom"], ["batch", "batch one", "batch two", "cherry"])
    found = nearest(rare, "batch cherry")
    assert found["seldom"][0][0] > found["often"][0][0]


def test_what_nothing_shares_is_not_found():
    """A question without any common piece is like none."""
    assert nearest(Examples(NAMES, TEXTS), "zzz qqq") == {}


def test_only_the_nearest_questions_of_an_answer_count():
    """Many questions make no answer more likely."""
    found = nearest(Examples(["a"] * 9, [f"loss nan {number}" for number in range(9)]), "loss nan")
    assert len(found["a"]) == NEAREST


def test_one_like_question_counts_most():
    """The likeness of an answer lies between that of its best question and of its worst."""
    assert likeness([(1.0, "a")] * NEAREST) == pytest.approx(1.0)
    assert likeness([(1.0, "a"), (0.0, "b")]) > likeness([(0.5, "a"), (0.5, "b")]) / 2
    assert likeness([]) == 0
