"""Whole renderings of varied diagnoses against golden files, in both languages and several widths.

To approve a change, delete the golden file, run the test twice and read the difference.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from goldenfiles import hold
from report.varied import attention, doubtful, rich
from rulekit import cause, rule

from trainadvisor.compare import compare
from trainadvisor.gate.decision import Policy, decide
from trainadvisor.i18n.language import Words
from trainadvisor.judge.branches import Branch
from trainadvisor.judge.rulebook import Rulebook
from trainadvisor.monitor.finding_events import FindingEvent
from trainadvisor.monitor.follow_log import View
from trainadvisor.report.formats import FORMS, render_all
from trainadvisor.report.html import notebook_card
from trainadvisor.report.machine import code_pages, gate_document
from trainadvisor.report.machine.gate_entries import Entry
from trainadvisor.report.text import (
    code_explained,
    compared,
    follow_screen,
    full_report,
    gate_report,
    listing,
    verification,
)
from trainadvisor.requirements import Requirement
from trainadvisor.settings import Accepted
from trainadvisor.signals import SignalSpec
from trainadvisor.verify.verify_result import Verification
from trainadvisor.version import __version__

if TYPE_CHECKING:
    from trainadvisor.judge.result import Diagnosis

LANGUAGES = ("en", "zh")
SPOKEN = [
    (form, lang) for form in FORMS for lang in LANGUAGES if lang == "en" or not form.startswith(("json", "gitlab"))
]
"""The forms for programs; some are the same in every language."""
MADE = {"rich": rich, "attention": attention, "doubtful": doubtful}


@pytest.fixture(params=LANGUAGES)
def lang(request: pytest.FixtureRequest) -> str:
    """Return each language."""
    return str(request.param)


@pytest.fixture(params=[*MADE, "healthy"])
def told(request: pytest.FixtureRequest) -> tuple[str, Diagnosis]:
    """Return each diagnosis with its name."""
    name = request.param
    return name, MADE[name]() if name in MADE else request.getfixturevalue(name)


def book() -> Rulebook:
    """Return rules with everything that a rule can have, and one with nothing but what it needs."""
    texts = {
        lang: {
            "title": title, "finding": "x is {x}, above {most}", "cause": "c", "verify": "x falls below {most}",
            "evidence": ["x is {x}"], "search": ["x high", "x *large*", "x is nan", "fourth"],
            "doc": f"{label}: x is above {{most}} for {{share}}.\ncontinued here\n\nA longer paragraph | with a bar.",
        }
        for lang, title, label in (("en", "The x is too high", "What it means"), ("zh", "x 过高", "含义"))
    }  # fmt: skip
    branch = Branch(name="late", when=("x > 3",), unless=("y",), texts={k: {"finding": "late {x}"} for k in LANGUAGES},
                    remedies=({"change": "stop", "applies": "try", "en": "stop", "zh": "停"},))  # fmt: skip
    remedies = (
        {"change": "lr", "applies": "paste", "en": "lower it to {most}", "zh": "降到 {most}", "code": "lr = {most}\n"},
        {"change": "clip", "applies": "adapt", "en": "clip", "zh": "裁剪"},
    )
    full = cause(
        "x-high", texts=texts, when=("x > most", "steps > 3"), unless=("quiet",), thresholds={"most": 0.25, "few": 3.0},
        reasons={"most": "measured"}, explains={"odd": 0.5, "gone": 0.9}, remedies=remedies, branches=(branch,),
        lookalikes=({"code": "odd", "en": "x is odd at {most}", "zh": "x 奇怪"},), falsepositives="Short runs_of_it.",
        preview=True,
    )  # fmt: skip
    plain = rule("odd", severity="warning")
    families = {"optimization": {"en": "optimization", "zh": "优化"}}
    return Rulebook({r.code: r for r in (full, plain)}, families=families, off={"odd": "known"})


def signals() -> list[SignalSpec]:
    """Return signals of two modules."""
    doc = (
        "The median of x over the steps that were sampled,\n    of all parameters that are trained and have gradients."
    )
    return [SignalSpec(name, "number", "1", doc, "steps", "步", f"trainadvisor.signals.{module}", len)
             for name, module in (("x", "loss"), ("y", "data"), ("a", "loss"))]  # fmt: skip


def entries() -> list[Entry]:
    """Return runs at a gate and one beside it."""
    required = [("loss <= 1", "loss 0.3 is at most 1", True), ("val <= 1", "val 2 is above 1", False), ("a", "b", None)]
    gated = Entry(rich(), {"fault-1", "slow-start", "slow-steps"}, {"fault-0": "accepted", "note-0": ""}, ("fault-1",),
                  required)  # fmt: skip
    return [gated, Entry(attention())]


def in_form(form: str, runs: list[Entry], lang: str) -> str:
    """Return runs in a form for programs, without the version of the package."""
    return render_all(form, runs, lang, book()).replace(__version__, "VERSION") + "\n"


def lines(*parts: str) -> str:
    """Return parts of a golden file, told apart by a rule."""
    return "\n".join(f"{part}\n{'-' * 20}" for part in parts) + "\n"


@pytest.mark.parametrize("width", [60, 100])
def test_the_report_in_full_and_in_short(told: tuple[str, Diagnosis], lang: str, width: int) -> None:
    """Every part of a finding, what is cut and what is counted; in color once."""
    name, diagnosis = told
    pages = [full_report.render(diagnosis, lang, width=width, verbose=verbose) for verbose in (False, True)]
    colored = full_report.render(diagnosis, lang, width=width, color=True).replace("\x1b", "\\e")
    hold(f"report/text.{name}.{lang}.{width}.txt", lines(*pages, colored))


@pytest.mark.parametrize(("form", "lang"), SPOKEN)
def test_every_form_for_programs(told: tuple[str, Diagnosis], form: str, lang: str) -> None:
    """Of a run alone."""
    hold(f"report/{form}.{told[0]}.{lang}.txt", in_form(form, [Entry(told[1])], lang))


@pytest.mark.parametrize(("form", "lang"), SPOKEN)
def test_every_form_at_a_gate(form: str, lang: str) -> None:
    """Of two runs, one with what fails, what is excused and what is required."""
    hold(f"report/{form}.gate.{lang}.txt", in_form(form, entries(), lang))


def test_cards_in_a_notebook(told: tuple[str, Diagnosis], lang: str) -> None:
    """The card, and curves as pictures and as characters."""
    name, diagnosis = told
    curves = {
        "healthy.loss": {"x": [0, 5, 9, 12], "y": [2.5, None, 0.5, 0.1]},
        "line.lr": {"x": [3], "y": [0.01]},
        "line.val": {"x": [], "y": []},
    }
    pictures = notebook_card.Pictures("run\x1b 1", curves, lang)
    card = notebook_card.html(diagnosis.model_copy(update={"lang": lang}))
    empty = notebook_card.Pictures("run", {}, lang)
    parts = [card, pictures._repr_html_(), repr(pictures), empty._repr_html_(), repr(empty)]
    hold(f"report/notebook.{name}.{lang}.txt", lines(*parts))


@pytest.mark.parametrize("width", [60, 100])
def test_what_a_code_means(lang: str, width: int) -> None:
    """The page of a rule, the lists of rules and signals."""
    rules = book()
    pages = [
        code_explained.render(rules, found, lang, width=width, demo=found.preview) for found in rules.rules.values()
    ]
    pages += [listing.rules(rules, list(rules.rules.values()), lang, width), listing.rules(rules, [], lang, width)]
    pages.append(listing.signals(signals(), lang, width))
    hold(f"report/codes.{lang}.{width}.txt", lines(*pages))


def test_what_a_code_means_to_programs() -> None:
    """The same as JSON, and the pages of the documentation."""
    rules = book()
    every = list(rules.rules.values())
    documents = [json.dumps(code_explained.document(rules, rule), indent=1, ensure_ascii=False) for rule in every]
    listed = [listing.rules_json(rules, every), listing.signals_json(signals(), "en")]
    hold("report/codes.json.txt", lines(*listed, *documents, *code_pages.pages(rules, {"odd"}).values()))


def compared_runs() -> list[tuple[Diagnosis, Diagnosis]]:
    """Return pairs of runs: one mended, one with another rate, one of another model, one unchanged."""
    facts: dict[str, Any] = {"lr": 0.1, "optimizer": "SGD", "batch_median": 32, "loss_final": 0.5, "wait_share": 0.5,
                             "step_time_p50": 0.01, "memory": 100.4, "grad_norm_median": 0.02}  # fmt: skip
    curve = [[step, 1.0 / (1 + step)] for step in range(0, 1201, 100)]
    a, b, c = rich(), attention(), attention()
    a.run |= {**facts, "loss_curve": curve, "val_accuracy_final": 0.1}
    b.run |= {**facts, "lr": 0.01, "loss_final": 0.1, "loss_curve": curve[:7], "val_accuracy_final": 0.97, "memory": 20}
    c.run |= {**facts, "loss_final": 0.2, "model_hash": "b", "val_loss_final": 0.3, "wait_share": 0.0, "lr": 0.01}
    d = c.model_copy(update={"run": {**c.run, "val_loss_final": 0.2, "step_time_p50": 0.08}})
    return [(a, b), (b, a), (b, c), (c, d), (d, c), (b.model_copy(update={"run": {"model_hash": "a"}}), c)]


@pytest.mark.parametrize("width", [60, 100])
def test_two_runs_side_by_side(lang: str, width: int) -> None:
    """Settings, verdict, findings and figures, and the same for programs."""
    found = [compare(a, b) for a, b in compared_runs()]
    texts = [
        compared.render(one, lang, width=width, color=bool(n)).replace("\x1b", "\\e") for n, one in enumerate(found)
    ]
    hold(f"report/compared.{lang}.{width}.txt", lines(*texts, *(compared.document(one) for one in found)))


def test_a_growing_log(lang: str) -> None:
    """The block that is redrawn, and the lines of what is new."""
    words, views = Words(lang), [View(log="runs/log.json"), View(log="log.json")]  # type: ignore[arg-type]
    step = {"record": "step", "step": 1233, "lr": [0.001, 0.1], "grad_norm": 2.34567, "seconds": 0.04567}
    views[1].take([{"record": "header", "planned_steps": 5000, "script": "train.py"}])
    views[1].take([{"record": "step", "step": n, "loss": 3.0 / (1 + n)} for n in range(130)])
    findings = [*rich().findings, *attention().findings]
    blocks = [follow_screen.block(view, None, words, 80, 0.0) for view in views]
    blocks.append(follow_screen.block(views[1], [], words, 100, 20.0))
    views[1].take([{**step, "loss": "nan"}, {"record": "eval", "loss": 0.4567, "step": 1233}])
    blocks += [follow_screen.block(views[1], findings, words, width, 20.5) for width in (30, 60, 100)]
    views[1].take([{"record": "end", "reason": "finished"}])
    blocks.append(follow_screen.block(views[1], findings[:1], words, 100, 90.0))
    events = [FindingEvent(kind, finding, 77) for kind in ("opened", "worsened", "cleared") for finding in findings[:3]]
    told = [follow_screen.news(event, words) for event in events]
    told += [follow_screen.beat(view, words) for view in views]
    hold(f"report/follow.{lang}.txt", lines(*("\n".join(block) for block in [*blocks, told])))


@pytest.mark.parametrize("width", [60, 100])
def test_the_decision_of_a_gate(lang: str, width: int) -> None:
    """What fails, what is accepted, what is required, of one run and of several, and the same for programs."""
    require = (Requirement("loss", "<=", 0.3, "loss <= 0.3"), Requirement("val_loss", "<", 9.0, "val < 9"))
    accept = (Accepted("fault-0", "a known one"), Accepted("fault-1", "expired", until=None))
    policies = [
        Policy(),
        Policy(fail_on="warning", min_confidence="possible", require=require, accept=accept, aggregate="majority"),
        Policy(
            ignore=("optimization",), min_steps=5000, aggregate="median", require=require[:1], select=("gradients",)
        ),
    ]
    runs = [rich(), attention(), doubtful()]
    parts = []
    for policy in policies:
        for chosen in (runs[:1], runs[1:2], runs[2:], runs):
            decision = decide(chosen, policy)
            text = gate_report.render(
                decision,
                policy,
                lang,
                width=width,
                color=len(chosen) == 1,
                source="pyproject.toml",
                new_only=len(chosen) > 1,
            )
            parts.append(text.replace("\x1b", "\\e"))
            if (lang, width) == ("en", 100):
                document = json.loads(gate_document.render(decision, decision.exit_code))
                for run in document["runs"]:
                    del run["diagnosis"]
                parts.append(json.dumps(document, indent=1))
    hold(f"report/gate.{lang}.{width}.txt", lines(*parts))


def verified_runs() -> list[Verification]:
    """Return a verification with everything in it, one where nothing helped, and one that was not judged."""
    figures = {
        "metric": "accuracy",
        "before": 0.11,
        "after": 0.97,
        "gain": 0.86,
        "margin": 0.05,
        "better": True,
        "worse": False,
    }
    change: dict[str, Any] = {"change": "lr", "arguments": {"value": 0.00123456, "by": "x"}, "applied": True}
    other = {"change": "clip", "arguments": {}, "applied": True}
    trial = {"name": "t", "changes": [change], "verdict": "better", "compared": [figures], "code": "lr-too-high"}
    trials = [trial, {**trial, "seed": 1}, {**trial, "changes": [other], "verdict": "no-better"},
              {**trial, "changes": [change, other], "verdict": "worse", "compared": []},
              {**trial, "changes": [{**other, "change": "norm"}], "verdict": "refused",
               "detail": "no model is known"}]  # fmt: skip
    trials += [{**trials[2], "changes": [{**other, "change": f"c{n}"}]} for n in range(12)]
    good = {"change": "lr", "arguments": change["arguments"], "metric": "accuracy", "before": 0.11, "after": 0.97,
            "interval": [0.8, 0.92], "seeds": 3, "wins": 3, "diff": "- a\n+ b", "text": "lower it",
            "where": "train.py:4", "margin": 0.05, "gone": ["lr-too-high", "nan-loss"],
            "left": ["dead-relu"]}  # fmt: skip
    bare = {
        **good,
        "interval": None,
        "before": "NaN",
        "diff": None,
        "where": None,
        "gone": [],
        "combined_with": [other],
    }
    base: dict[str, Any] = {"baseline": {"state": "broken", "summary": "s"}, "sentence": "two changes help."}
    whole = {"answer": "verified", "trials": trials, "verified": [good, bare], "notes": ["one"], "interrupted": True,
             "confidence": {"lr-too-high": "likely -> certain"}, **base}  # fmt: skip
    others = [{"answer": "none-helped", "trials": trials[:3]}, {"answer": "not-judged"}, {"answer": "nothing-to-cure"}]
    return [Verification.model_validate({**base, **given}) for given in (whole, *others)]


@pytest.mark.parametrize("width", [60, 100])
def test_the_answer_of_verify(lang: str, width: int) -> None:
    """The figures, the difference, and what else was tried."""
    words = Words(lang)
    parts = [verification.render(found, words, width=width, color=not n) for n, found in enumerate(verified_runs())]
    hold(f"report/verify.{lang}.{width}.txt", lines(*(part.replace("\x1b", "\\e") for part in parts)))
