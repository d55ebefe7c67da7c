"""The web page as text: sections, languages, safety, size; tests/report/test_html_browser.py opens it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import build_log, event, make_loss, make_model, make_optimizer
from jinja2 import UndefinedError
from jinja2.bccache import Bucket
from markupsafe import Markup, escape
from report.bigrun import big_log
from report.outline import outline

from trainadvisor.cli import main
from trainadvisor.preflight.preflight_result import Check, Preflight
from trainadvisor.report.html import templates, web_page
from trainadvisor.report.html.languages import Languages, code_lines
from trainadvisor.report.html.svg import tag
from trainadvisor.report.html.templates import fill

if TYPE_CHECKING:
    from trainadvisor.judge.result import Diagnosis

STATIC = Path(web_page.__file__).parent / "static"
VENDORED = {
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "LICENSE-uPlot": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
RUN: dict[str, Any] = {"argv": [], "steps": 1, "seconds": 0.0, "budget": 0.0}
LOST = {"columns": {"loss": [1.0] * 20 + ["nan"] * 10, "lr": 0.1}}
FEW = {"columns": {"loss": [1.0] * 30, "lr": 0.1}}


def page_of(log: Path, lang: str = "en") -> str:
    """Judge a log with the command and return the page."""
    page = log.with_suffix(".html")
    with pytest.raises(SystemExit) as left:
        main(["diagnose", str(log), "-q", "--lang", lang, "--html", str(page)])
    assert not left.value.code
    return page.read_text(encoding="utf-8")


def embedded(page: str) -> dict[str, Any]:
    """Return the data that the page carries."""
    found = re.search(
        r'<script type="application/x-trainadvisor-data" id="data-embedded">([A-Za-z0-9+/=]+)</script>', page
    )
    assert found
    data: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(found[1])))
    return data


@pytest.mark.parametrize("name", VENDORED)
def test_the_vendored_files_are_those_of_uplot(name: str) -> None:
    """Version 1.6.32 as published, byte for byte."""
    assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == VENDORED[name]


def test_our_own_files_are_small() -> None:
    """At most 60 KB of script and style."""
    assert sum(len((STATIC / name).read_bytes()) for name in ("report.js", "report.css")) <= 60_000


def test_text_is_escaped_unless_it_was_made_here() -> None:
    """Text, attributes and code alike; control characters become visible."""
    langs = Languages(["en"])
    check = Check(name="data", state="passed", sentence='<b>\u202e&"', findings=["<i>"])
    preflight = Preflight(script="", outcome="pass", summary="", checks=[check], **RUN)
    page = fill("preflight.html", langs, result=preflight, picture=Markup("<svg></svg>"), about="<u>")
    assert "<td>&lt;b&gt;\\u202e&amp;&#34; <code>&lt;i&gt;</code></td>" in page
    assert '<p class="muted">&lt;u&gt;</p></figcaption><svg></svg>' in page
    assert tag("g", "<b>", tag("i", "&"), title='"<', class_="x") == (
        '<g title="&#34;&lt;" class="x">&lt;b&gt;<i>&amp;</i></g>'
    )
    assert code_lines("a <b>\n\u202ec") == ["a &lt;b&gt;", "\\u202ec"]


def test_a_template_that_is_not_given_what_it_shows_fails() -> None:
    """A page with a hole in it would say less than the diagnosis, and nobody would know."""
    with pytest.raises(UndefinedError, match="'log' is undefined"):
        fill("data.html", Languages(["en"]), schema="x")


def test_where_nothing_may_be_written_compiled_templates_are_not_kept(tmp_path: Path) -> None:
    """An installation may be read-only; its pages come out all the same."""
    (tmp_path / "file").touch()
    bucket = Bucket(templates._environment(), "key", "checksum")
    bucket.code = compile("", "template", "exec")
    templates._Compiled(str(tmp_path / "file" / "inside")).dump_bytecode(bucket)
    templates._Compiled(str(tmp_path / "new")).dump_bytecode(bucket)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["new"]


def test_no_template_switches_escaping_off() -> None:
    """What may stand as it is was made so in Python, where a linter asks for the reason."""
    paths = sorted(templates.FOLDER.glob("*.html"))
    assert paths
    assert [path.name for path in paths if re.search(r"\|\s*safe|autoescape", path.read_text("utf-8"))] == []


def test_what_is_the_same_in_both_languages_stands_once() -> None:
    """Codes and numbers are not doubled."""
    langs = Languages(["zh", "en"])
    assert escape(langs.each(lambda _: "x < y")) == "x &lt; y"
    assert (
        escape(langs.say("copy")) == '<span class="zh" lang="zh-CN">复制</span><span class="en" lang="en">copy</span>'
    )


def test_a_finding_says_what_to_change_before_what_was_measured(broken: Diagnosis) -> None:
    """The evidence may fill a telephone's screen twice."""
    page = web_page.render(broken, "en")
    card = page[page.index('id="lr-too-high"') : page.index("</article>")]
    assert card.index("<h4>What to change</h4>") < card.index("<h4>Evidence</h4>")


def test_what_to_change_stands_before_what_is_drawn(tmp_path: Path) -> None:
    """Nobody scrolls over charts to reach the line to change."""
    sections = [a["id"] for tag, a in outline(page_of(build_log(tmp_path, **LOST))).elements if tag == "section"]
    assert sections == ["verdict", "findings", "timeline", "charts", "layers", "checks", "facts", "data"]


def test_the_sections_follow_each_other_as_in_the_terminal(broken: Diagnosis) -> None:
    """Verdict, findings, layers, checks, facts, data; headings go down by one level."""
    found = outline(web_page.render(broken, "en"))
    assert [a["id"] for tag, a in found.elements if tag == "section"] == [
        "verdict",
        "findings",
        "layers",
        "checks",
        "facts",
        "data",
    ]
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_finding_has_an_anchor(broken: Diagnosis) -> None:
    """Consequences included, to any depth."""
    found = outline(web_page.render(broken, "en"))
    codes = [a["id"] for tag, a in found.elements if tag == "article"]
    assert codes == [
        "lr-too-high",
        "divergence",
        "nan-loss",
        "exploding-gradients",
        "data-loader-bound",
        "undertrained",
    ]


def test_several_causes_are_listed_with_their_anchors(broken: Diagnosis) -> None:
    """Before the first of them, with level and title; one alone needs no list."""
    page = web_page.render(broken, "en")
    listed = page[page.index('<ol class="causes">') : page.index('<article id="lr-too-high"')]
    assert re.findall(r'href="#([\w-]+)"', listed) == ["lr-too-high", "data-loader-bound", "undertrained"]
    alone = broken.model_copy(update={"findings": broken.findings[:1]})
    assert 'class="causes"' not in web_page.render(alone, "en")


def test_what_is_expected_has_a_heading_of_its_own(broken: Diagnosis) -> None:
    """What looks like a fault and is none stands below the findings, and is none of the causes."""
    first, second, third = broken.findings
    kinds = [first, second, third.model_copy(update={"kind": "expected"})]
    page = web_page.render(broken.model_copy(update={"findings": kinds}), "en")
    below = page[page.index('<section id="expected"') :]
    assert "Expected in such a training: nothing to change" in below
    assert below.index('id="undertrained"') < below.index("</section>")
    assert 'id="undertrained"' not in page[: page.index('<section id="expected"')]
    assert '<section id="expected"' not in web_page.render(broken, "en")


def test_no_name_of_a_signal_is_shown(broken: Diagnosis) -> None:
    """The evidence is told in words; the names that the rules compare are in the data."""
    page = web_page.render(broken, "en")
    names = [name for finding in broken.walk() for evidence in finding.evidence for name in evidence.values]
    shown = page[: page.index("application/x-trainadvisor-data")]
    assert names
    assert [name for name in names if re.search(rf"<code>{re.escape(name)} = ", shown)] == []


def test_the_first_fix_stands_in_the_verdict(broken: Diagnosis) -> None:
    """As a diff of the user's own line, with its tag."""
    page = web_page.render(broken, "en")
    verdict = page[page.index('id="verdict"') : page.index('id="findings"')]
    assert "<ins data-line>+ optimizer = torch.optim.SGD(model.parameters(), lr=0.003, momentum=0.9)\n</ins>" in verdict
    assert "paste as is" in verdict


def test_a_healthy_page_says_why_and_has_no_findings_heading(healthy: Diagnosis) -> None:
    """A positive answer with figures; what passed is open."""
    page = web_page.render(healthy, "en")
    words = outline(page).words
    assert "HEALTHY: training converged normally; nothing needs changing." in words
    assert "Why this is fine" in words
    assert "Findings" not in words
    assert re.search(r"<details open><summary>checked and fine", page, re.IGNORECASE)


def test_nothing_is_named_that_a_browser_would_fetch(broken: Diagnosis) -> None:
    """No source, link or style names another place, and the page itself forbids fetching."""
    page = web_page.render(broken, "en")
    for _, attributes in outline(page).elements:
        for name in ("src", "href", "data", "action", "srcset"):
            assert re.match("data:image/png|#", attributes.get(name) or "#")
    assert not re.search(r"@import|url\(", page[: page.index("</style>")])
    assert "default-src 'none'" in page


def test_only_our_scripts_may_run(broken: Diagnosis) -> None:
    """The policy of the page names the digest of each of its scripts."""
    page = web_page.render(broken, "en")
    policy = re.search("script-src ([^;]*);", page)
    assert policy
    scripts = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert policy[1] == " ".join(f"'sha256-{digest}'" for digest in digests)


def test_names_from_the_log_are_no_markup(tmp_path: Path) -> None:
    """Layers, scripts, exceptions, devices, paths: each is shown, none is obeyed."""
    model = make_model((HOSTILE, "Linear", 4, 4), (f"{HOSTILE}2", HOSTILE, {"x": HOSTILE}))
    crash = event(
        "exception",
        {"type": HOSTILE, "message": HOSTILE, "site": {"file": HOSTILE, "line": 1}},
        subject=HOSTILE,
        step=5,
    )
    layers = [{"grad": [0.1, "nan"], "update": [0.1, 0.1]}] * 3
    names = {"script": HOSTILE, "argv": [HOSTILE], "device_name": HOSTILE, "source": HOSTILE}
    evals = [{"step": 20, "epoch": 0, "loss": 1.0, "losses": {}, "metrics": {HOSTILE: 0.5}}]
    log = build_log(
        tmp_path,
        **FEW,
        layers=layers,
        evals=evals,
        events=[crash],
        models=[model],
        optimizers=[make_optimizer(HOSTILE)],
        **names,
    )
    page = page_of(log)
    found = outline(page)
    plain = outline(page_of(build_log(tmp_path, **FEW, name="plain.json")))
    scripts = [a for tag, a in found.elements if tag == "script"]
    assert scripts == [a for tag, a in plain.elements if tag == "script"]
    assert not any(name.startswith("on") for _, attributes in found.elements for name in attributes)
    assert all((a["src"] or "").startswith("data:image/png") for tag, a in found.elements if tag == "img")
    assert any(HOSTILE in word for word in found.words)


def test_the_data_are_the_diagnosis_and_the_curves(tmp_path: Path) -> None:
    """What is drawn can be downloaded."""
    data = embedded(page_of(build_log(tmp_path, **FEW)))
    assert data["diagnosis"]["schema"] == "trainadvisor/diagnosis/1"
    assert [chart["id"] for chart in data["charts"]] == ["loss", "lr"]


def test_both_languages_are_in_the_page(tmp_path: Path) -> None:
    """The chosen one first and shown."""
    page = page_of(build_log(tmp_path, **FEW), "zh")
    assert page.startswith('<!DOCTYPE html>\n<html lang="zh-CN"')
    assert "检查项" in outline(page).words
    assert "Checks" in outline(page).words


def test_a_crash_and_an_import_are_told_in_a_banner(tmp_path: Path) -> None:
    """With the exception and the last step; with the command that records more."""
    crash = event("exception", {"type": "RuntimeError", "message": "out of memory", "site": None}, step=29)
    words = " ".join(outline(page_of(build_log(tmp_path, **FEW, events=[crash]))).words)
    assert "The run ended with an exception: RuntimeError: out of memory. The last complete step is 29." in words
    words = " ".join(outline(page_of(build_log(tmp_path, **FEW, source="import:csv"))).words)
    assert "Curves only: imported log (import:csv)." in words


def test_each_chart_has_a_sentence_and_a_table(tmp_path: Path) -> None:
    """A canvas says nothing to those who cannot see it."""
    page = page_of(
        build_log(tmp_path, columns={"loss": [3.0, 2.0, 1.0] * 10, "lr": 0.1, "grad_norm": 1.0, "seconds": 0.1})
    )
    for figure in re.findall("<figure.*?</figure>", page, re.DOTALL):
        assert "<figcaption>" in figure
        assert "<table>" in figure or 'class="empty"' in figure
    assert "learning rate: 0.1 at all recorded steps." in page


def test_a_chart_that_was_not_recorded_keeps_its_place(tmp_path: Path) -> None:
    """With what would fill it."""
    page = page_of(build_log(tmp_path, **FEW))
    figure = re.search('<figure id="chart-grad">.*?</figure>', page, re.DOTALL)
    assert figure
    assert "trainadvisor run train.py" in figure[0]
    assert "advisor.validation(loss=validation_loss)" in page


def test_a_log_without_a_finite_loss_says_so(tmp_path: Path) -> None:
    """It was recorded; there is nothing to draw."""
    seen = event("nonfinite", {"value": "nan"}, subject="loss")
    page = page_of(build_log(tmp_path, columns={"loss": ["nan"] * 30, "lr": 0.1}, events=[seen]))
    assert "No finite value was recorded." in page


def test_a_log_without_steps_has_a_page(tmp_path: Path) -> None:
    """Without charts, but with a verdict."""
    found = outline(page_of(build_log(tmp_path)))
    assert "charts" not in [a.get("id") for _, a in found.elements]


def test_a_million_steps_of_two_thousand_layers_fit_into_a_megabyte(tmp_path: Path) -> None:
    """And nothing that matters is missing."""
    page = page_of(big_log(tmp_path))
    data = embedded(page)
    assert len(page.encode()) < 1_000_000
    assert max(len(x) for chart in data["charts"] for x in chart["xs"]) <= 1000
    assert len(data["heat"]["grad"]["rows"]) == 60
    assert data["layers"]["count"] == 2000


def test_a_page_that_would_be_too_large_leaves_things_out(broken: Diagnosis) -> None:
    """Whatever the input, the cap holds and the verdict stays."""
    noise = [hashlib.sha512(str(n).encode()).hexdigest() for n in range(20_000)]
    rows = [[name, "Linear", 1, 0.1, 0.1, None, None, None, None] for name in noise]
    table = {
        "fields": ["name", "kind", "parameters", "grad", "update", "mean", "std", "dead", "bad_step"],
        "rows": rows,
        "count": 20_000,
    }
    page = web_page.render(broken, "en", web_page.Material(curves={**web_page.NO_CURVES, "layers": table}))
    assert len(page.encode()) <= web_page.LARGEST
    assert len(embedded(page)["layers"]["rows"]) == 200
    assert "BROKEN: training diverged because the learning rate is too high." in page


def test_a_page_needs_its_ending(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--html out.txt` is a slip."""
    with pytest.raises(SystemExit) as left:
        main(["diagnose", str(build_log(tmp_path, **FEW)), "--html", str(tmp_path / "out.txt")])
    assert left.value.code == 2
    assert "a web page ends in .html" in capsys.readouterr().err


def test_each_training_of_a_process_is_charted(tmp_path: Path) -> None:
    """The judged one as before; the others below it, each with its steps, its state and its own curves."""
    count = 200
    falling, stuck = np.linspace(2.3, 0.1, count), np.full(count, 2.4) + 0.01 * np.sin(np.arange(count))
    log = build_log(
        tmp_path,
        models=[make_model(("a", "Linear", 4, 10), id=number) for number in (0, 1)],
        optimizers=[make_optimizer(id=0), make_optimizer(id=1, parameters=(100, 101))],
        losses=[make_loss(target={"histogram": [100] * 10, "classes": 10, "shape": [32], "dtype": "int64"})],
        columns={
            "loss": np.concatenate([falling, stuck]),
            "loss_id": 0,
            "lr": 0.1,
            "opt": [[0]] * count + [[1]] * count,
        },
        end={},
    )
    page = page_of(log)
    assert re.findall(r'id="(training-\d+)"', page) == ["training-1"]
    start = page.index('<section id="training-1"')
    section = page[start : page.index("</section>", start)]
    assert "steps 0 to 199" in section
    assert 'id="chart-loss-1"' in section
    assert 'class="lasting"' in section
    assert "data-chart" not in section
    drawn = embedded(page)["charts"][0]
    assert (drawn["id"], drawn["xs"][0][0]) == ("loss", 200)


def test_one_training_has_no_further_section(tmp_path: Path) -> None:
    """Nor any second picture of its loss."""
    page = page_of(build_log(tmp_path, columns={"loss": [1.0] * 30, "lr": 0.1}, end={}))
    assert 'id="training-' not in page
    assert 'class="lasting"' not in page
