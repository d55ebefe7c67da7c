"""Help and errors in Chinese: each command, option and error of the command line has a text of its own."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

import trainadvisor
from trainadvisor.cli import main, program
from trainadvisor.i18n.told_errors import listed, reason, told
from trainadvisor.i18n.told_help import catalog, in_chinese, of_option

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(trainadvisor.__file__).parent
LETTER = re.compile("[a-z]")
CHINESE = re.compile("[\u4e00-\u9fff]")
ERRORS = {"LogError", "RuleError", "ConfigError", "UsageError", "TrainAdvisorError"}
# What is raised into Python code or answered to an agent, and no command shows.
UNSHOWN = ("agents", "integrations", "notebook.py", "testing.py", "watching.py")
INSIDE = {"trials/changed_script.py", "monitor/alerts.py"}


def commands(command: click.Command = program, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield each command with its name as it is typed."""
    yield name, command
    if isinstance(command, click.Group):
        for below in command.list_commands(click.Context(command)):
            other = command.get_command(click.Context(command), below)
            assert other is not None
            yield from commands(other, f"{name} {below}".strip())


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_told_in_both_languages(name: str) -> None:
    """The English text stands in the command, the Chinese one in the catalog."""
    command = COMMANDS[name]
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert command.help
    assert [option.name for option in options if not option.help] == []
    assert [option.opts[0] for option in options if not CHINESE.search(of_option(name, option.opts[0]) or "")] == []
    assert CHINESE.search(catalog()[name]["about"])
    assert name == "" or CHINESE.search(catalog()[name]["short"])


def test_the_catalog_names_nothing_else() -> None:
    """What is gone from the commands is gone from there."""
    assert set(catalog()) - {"shared", "values"} == set(COMMANDS)
    there = {(name, option.opts[0]) for name, command in COMMANDS.items() for option in command.params}
    written = {
        (name, option) for name, table in catalog().items() if name not in ("shared", "values") for option in table
    }
    assert {pair for pair in written if pair[1] not in ("about", "short")} - there == set()
    assert set(catalog()["shared"]) - {option for _, option in there} == {"-h"}


@pytest.mark.parametrize("name", COMMANDS)
def test_what_stands_for_a_value_is_named_in_chinese(name: str) -> None:
    """The path of --log, the log of `diagnose`, the code of `explain`."""
    context = click.Context(COMMANDS[name])
    params = [param for param in in_chinese(COMMANDS[name], name).params if not getattr(param, "is_flag", False)]
    shown = [param.make_metavar(context) for param in params]
    assert [value for value in shown if re.search("[A-Z]{2}", value)] == []


def test_a_path_that_is_not_there_is_told_in_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    """Click names the kind of path when a command is made, before it is known in which language."""
    with pytest.raises(SystemExit):
        main(["mcp", "--root", "nowhere", "--lang", "zh"])
    assert "目录 'nowhere' 不存在" in capsys.readouterr().err


def test_a_chinese_copy_leaves_the_command_as_it_is() -> None:
    """Whoever asks next may read English."""
    before = COMMANDS["run"].help
    assert CHINESE.search(in_chinese(COMMANDS["run"], "run").help)
    assert COMMANDS["run"].help == before


def template(node: ast.expr | None) -> str | None:
    """Return a text with {} for each part that differs."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def raised(path: Path) -> Iterator[str]:
    """Yield the text of each error that a module raises."""
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(function, ast.FunctionDef):
            continue
        texts: dict[str, list[ast.expr]] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                texts.setdefault(node.targets[0].id, []).append(node.value)
        for node in ast.walk(function):
            call = node.exc if isinstance(node, ast.Raise) else None
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ERRORS and call.args:
                first = call.args[0]
                values = texts.get(first.id, []) if isinstance(first, ast.Name) else [first]
                yield from (text for value in values if (text := template(value)))


def modules() -> Iterator[Path]:
    """Yield the modules whose errors a command of a user may show."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] not in UNSHOWN:
            yield path


@pytest.mark.parametrize("path", list(modules()), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_error_of_a_command_has_a_chinese_text(path: Path) -> None:
    """Found by its English one, so that a text that is changed has to be told anew."""
    texts = set() if path.relative_to(PACKAGE).as_posix() in INSIDE else set(filter(LETTER.search, raised(path)))
    assert [text for text in sorted(texts) if not CHINESE.search(told(text, "zh"))] == []


def reasons() -> Iterator[str]:
    """Yield why a file is no log, and what a setting must be, as the modules write it."""
    written = [
        PACKAGE / "importers" / "formats" / "refused.py",
        PACKAGE / "importers" / "formats" / "json_documents.py",
    ]
    for path in written:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = template(node) if isinstance(node, ast.expr) else None
            if text and text.startswith(("this ", "these ", "is empty", "the folder", "no loss")) and text[-1] != " ":
                yield text
    for node in ast.walk(ast.parse((PACKAGE / "settings.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "demand":
            yield f"pyproject.toml: key {template(node.args[2])}"


def test_every_reason_has_a_chinese_text() -> None:
    """Why a file is refused, and what a setting has to be."""
    found = set(reasons())
    assert len(found) > 30
    assert [text for text in sorted(found) if not CHINESE.search(told(text, "zh"))] == []


def remarks() -> Iterator[str]:
    """Yield what the readers of logs note: keys of the tables of what is said, and what is appended to notes."""
    for path in [*(PACKAGE / "importers").rglob("*.py"), *(PACKAGE / "log").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found: list[ast.expr | None] = []
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
                found = node.value.keys if getattr(node.targets[0], "id", "") in ("said", "told") else []
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".notes.append"):
                found = list(node.args)
            yield from (text for key in found if key is not None and (text := template(key)) and LETTER.search(text))


def test_every_remark_on_a_log_has_a_chinese_text() -> None:
    """A Chinese report holds no English sentence."""
    found = set(remarks())
    assert len(found) > 20
    assert [text for text in sorted(found) if not CHINESE.search(told(text, "zh"))] == []


def test_a_chinese_remark_names_the_columns() -> None:
    """Their names stay as they are, what they are taken as is told."""
    assert told("columns: a + b = training loss; it = step", "zh") == "各列含义：a + b = 训练损失；it = 步"


@pytest.mark.parametrize("group", ["commands", "parts", "notes", "settings", "reasons"])
def test_both_texts_have_the_same_parts(group: str) -> None:
    """In the same order, because they are filled in so."""
    assert [english for english, chinese in listed(group).items() if english.count("{}") != chinese.count("{}")] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run"], "trainadvisor：要运行哪个脚本？例如：trainadvisor run train.py；说明见 `trainadvisor run --help`"),
        (["run", "docs/nothere.py"], "trainadvisor：docs/nothere.py：没有这个脚本；请检查路径"),
        (["rn"], "trainadvisor：没有命令“rn”；你是不是想写“run”；说明见 `trainadvisor --help`"),
        (["check", "--fial-on", "x"], "trainadvisor：没有选项 --fial-on；你是不是想用 --fail-on"),
        (["preflight", "--steps", "2", "x.py"], "trainadvisor：'--steps' 的值无效：2 不在范围 x>=5 内"),
        (["diagnose", "pyproject.toml"], "trainadvisor：pyproject.toml：这看起来是配置文件；请给出训练日志"),
        (["explain", "--rules", "nowhere", "dead-relu"], "trainadvisor：nowhere：没有这个规则文件夹，请检查路径"),
        (["demo", "lr-to-high"], "trainadvisor：lr-to-high：没有这个演示；你是不是想写“lr-too-high”？"),
    ],
)
def test_errors_are_told_in_chinese(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under a Chinese locale, those of click included."""
    monkeypatch.delenv("TRAINADVISOR_LANG", raising=False)
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert capsys.readouterr().err.startswith(said)


@pytest.mark.parametrize(
    "name", [name for name, command in COMMANDS.items() if any(p.required for p in command.params)]
)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_command_asks_for_what_it_lacks(
    name: str, lang: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With an example, never by the name that the code has for it."""
    monkeypatch.setenv("TRAINADVISOR_LANG", lang)
    with pytest.raises(SystemExit, match="2"):
        main(name.split())
    said = capsys.readouterr().err
    if lang == "en":
        assert re.match(rf"trainadvisor: which .*\? Example: trainadvisor {name} ", said)
    else:
        assert re.match(rf"trainadvisor：.*？例如：trainadvisor {name} ", said)


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ('no rule is called x; did you mean "y"?', "没有名为 x 的规则；你是不是想写“y”？"),
        ("no rule is called x", "没有名为 x 的规则"),
        ("x: there is no such log, folder or run; a holds 1 run", "x：没有这个日志、文件夹或运行；a 中有 1 次运行"),
    ],
)
def test_a_hint_is_told_behind_what_it_belongs_to(english: str, chinese: str) -> None:
    """Though nothing stands between both in the English text."""
    assert told(english, "zh") == chinese


def test_help_is_told_in_the_language_of_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    """The option counts before the locale, wherever it stands; the next call is English again."""
    with pytest.raises(SystemExit, match="0"):
        main(["check", "--lang", "zh", "--help"])
    seen = capsys.readouterr().out
    assert seen.startswith("用法：trainadvisor check")
    assert "判为未通过的最低级别" in seen
    with pytest.raises(SystemExit, match="0"):
        main(["check", "--help"])
    assert CHINESE.search(capsys.readouterr().out) is None


def test_a_script_has_its_own_language_option(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What stands behind a script that takes it is none of ours; before the script is found it can only be meant so."""
    with pytest.raises(SystemExit, match="2"):
        main(["run", str(tmp_path / "missing.py"), "--lang", "zh"])
    assert CHINESE.search(capsys.readouterr().err) is not None
    script = tmp_path / "own.py"
    script.write_text("parser.add_argument('--lang')\n")
    with pytest.raises(SystemExit, match="2"):
        main(["run", "--stop-on", "nothing", str(script), "--lang", "zh"])
    assert CHINESE.search(capsys.readouterr().err) is None


def test_a_script_that_uses_click_speaks_its_own_language(tmp_path: Path) -> None:
    """What we say in Chinese is ours alone."""
    script = tmp_path / "own.py"
    script.write_text("import click\n\n@click.command()\ndef main():\n    pass\n\nmain()\n")
    command = [sys.executable, "-m", "trainadvisor", "run", "--lang", "zh", str(script), "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert "Show this message and exit." in done.stdout


def refusals() -> Iterator[str]:
    """Yield every reason for which a change cannot be applied, {} for a part that differs; not one of parts alone."""
    for path in sorted((PACKAGE / "changes").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
            never = isinstance(node, ast.Assign) and any(getattr(goal, "attr", "") == "never" for goal in node.targets)
            given = node.args[:1] if called in ("Refusal", "refuse") else [node.value] if never else []
            for value in given:
                yield from (text for text in map(written, branches(value)) if text and text != "{} has no {}")


def branches(value: ast.expr) -> list[ast.expr]:
    """Return both texts of a condition, else the one."""
    return [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]


def written(value: ast.expr) -> str:
    """Return the text that an expression makes, {} for a part that differs; nothing for other expressions."""
    if isinstance(value, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in value.values)
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


def test_every_reason_why_a_change_cannot_be_tried_is_told_in_chinese() -> None:
    """Verify shows them."""
    found = set(refusals())
    assert len(found) > 60
    assert found - set(listed("reasons")) == set()


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ("lr: it takes either value or factor", "lr：只能给出 value 或 factor 之一"),
        ("lr: no optimizer made a step; clip: did not take effect", "lr：没有优化器执行更新；clip：没有生效"),
        ("noise: inputs of 4 dimensions are no images; give noise", "noise：4 维的输入不是图像；请给出 noise"),
        ("non-finite loss at step 7", "第 7 步的损失不是有限数"),
        ("ValueError: x", "ValueError: x"),
    ],
)
def test_what_came_of_a_trial_is_told_in_chinese(detail: str, said: str) -> None:
    """A reason for each change; what the script says itself stays as it is."""
    assert reason(detail, "zh") == said
    assert reason(detail, "en") == detail
