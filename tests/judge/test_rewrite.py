"""Changing one argument in a line of the user's code."""

import pytest

from trainadvisor.judge.argument_edit import rewrite


@pytest.mark.parametrize(
    ("code", "argument", "called", "expected"),
    [
        (
            "opt = SGD(model.parameters(), lr=0.1, momentum=0.9)",
            "lr",
            "SGD",
            "opt = SGD(model.parameters(), lr=7, momentum=0.9)",
        ),
        ("opt = torch.optim.SGD(net.parameters(), 0.1)", "lr", "SGD", "opt = torch.optim.SGD(net.parameters(), 7)"),
        ("opt = Adam(net.parameters())", "lr", "Adam", "opt = Adam(net.parameters(), lr=7)"),
        ("opt = Adam(net.parameters(),)", "lr", "Adam", "opt = Adam(net.parameters(), lr=7)"),
        ("loss = CrossEntropyLoss()", "weight", "CrossEntropyLoss", "loss = CrossEntropyLoss(weight=7)"),
        ("for x in DataLoader(data, 32):", "batch_size", "DataLoader", "for x in DataLoader(data, 7):"),
        ("opt = SGD(f(lr=1), lr=args.lr)", "lr", "SGD", "opt = SGD(f(lr=1), lr=7)"),
        ("名字 = SGD(模型.parameters(), lr=0.1)", "lr", "SGD", "名字 = SGD(模型.parameters(), lr=7)"),
        ("opt = Custom(model.parameters(), lr=0.1)", "lr", "", "opt = Custom(model.parameters(), lr=7)"),
        ("x = wrap(SGD(p), SGD(q, lr=1))", "lr", "SGD", "x = wrap(SGD(p), SGD(q, lr=7))"),
        ("x = wrap(make(p, lr=1))", "lr", "", "x = wrap(make(p, lr=7))"),
        ("x = wrap(make(p))", "lr", "", "x = wrap(make(p), lr=7)"),
        ("opt = SGD(p, 0.1, 0.9)", "momentum", "SGD", "opt = SGD(p, 0.1, 7)"),
        ("opt = SGD(p, 0.1)", "momentum", "SGD", "opt = SGD(p, 0.1, momentum=7)"),
        ("opt = table['SGD'](p, lr=1)", "lr", "", "opt = table['SGD'](p, lr=7)"),
        ("opt = make(p, lr=1)", "lr", "SGD", "opt = make(p, lr=7)"),
        ("opt = SGD(*p, lr=1)", "lr", "SGD", "opt = SGD(*p, lr=7)"),
        ("opt = SGD(lr=1, **more)", "lr", "SGD", "opt = SGD(lr=7, **more)"),
    ],
)
def test_rewritten(code: str, argument: str, called: str, expected: str) -> None:
    """By name, by position, added, inside a head of a block, beside letters of several bytes."""
    assert rewrite(code, argument, "7", called) == expected


@pytest.mark.parametrize(
    "code",
    [
        "opt = SGD(",
        "model.parameters(),",
        "opt = SGD(**options)",
        "opt = SGD(*arguments)",
        "x = 1",
        "opt = SGD(p, lr=7)",
        "opt = SGD(p, 7)",
        "opt = SGD(*p)",
        "opt = SGD(p, **more)",
        "opt = make(p)",
        "",
        "\x00",
    ],
)
def test_left_alone(code: str) -> None:
    """A line that is only a part, hides its arguments or says so already gives no diff."""
    assert rewrite(code, "lr", "7", "SGD") is None


def test_a_value_that_is_no_code_is_refused() -> None:
    """A broken value never reaches the user's line."""
    assert rewrite("opt = SGD(p, lr=1)", "lr", "7)", "SGD") is None
