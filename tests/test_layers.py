"""Who may import whom: the table of DESIGN.md section 3, held against the imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import trainadvisor

PACKAGE = Path(trainadvisor.__file__).parent

# what each package and top-level module may import from the package, at any place; the standard library is free to all
WORDS = {
    "errors", "vocabulary", "i18n", "interruptions", "characters", "regular", "redaction", "voice", "descriptors",
    "background", "hidden_thread", "version", "script_mark", "status_line", "silence", "figures", "frame_variables",
    "clocks",
}  # fmt: skip
SETTINGS = {"configuration", "settings", "requirements", "toml"}
JUDGING = {"judge", "signals", "log", "changes"}
TABLES = {"fsspec", "prometheus_client", "scipy", "numpy"}
FRAMEWORKS = {
    "accelerate", "fastai", "ignite", "keras", "lightning", "pytorch_lightning", "skorch", "transformers",
}  # fmt: skip
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "vocabulary": set(),
    "descriptors": set(),
    "redaction": set(),
    "regular": {"descriptors"},
    "characters": set(),
    "figures": set(),
    "frame_variables": set(),
    "interruptions": {"frame_variables"},
    "voice": {"descriptors", "interruptions"},
    "hidden_thread": set(),
    "clocks": set(),
    "background": {"clocks", "hidden_thread"},
    "status_line": {"background", "clocks", "voice"},
    "version": set(),
    "script_mark": {"regular"},
    "silence": set(),
    "garbage": set(),
    "toml": {"errors", "regular"},
    "requirements": {"errors", "figures"},
    "settings": {"errors", "vocabulary", "requirements", "toml"},
    "configuration": {"errors", "settings"},
    "settings_mistakes": {"errors", "settings", "configuration"},
    "i18n": {"errors", "figures"},
    "log": {*WORDS - {"i18n", "figures"}, "numpy", "orjson", "zstandard"},
    "instrument": {"errors", "frame_variables", "interruptions", "redaction", "torch"},
    "signals": {"silence", "log", "numpy", "scipy"},
    "record": {*WORDS - {"i18n", "figures"}, "garbage", "log", "instrument", "torch", "numpy"},
    "source": {"errors", "silence"},
    "lint": {"source", "errors"},
    "judge": {
        "silence",
        "figures",
        "lint",
        "source",
        "importers",
        "signals",
        "log",
        "errors",
        "interruptions",
        "vocabulary",
        "regular",
        "numpy",
        "orjson",
        "pydantic",
        "toml",
        "configuration",
        "changes",
    },
    "changes": {"clocks", "errors", "interruptions", "log", "instrument", "record", "torch", "numpy", "scipy"},
    "telling": {
        *JUDGING,
        "vocabulary",
        "i18n",
        "figures",
        "errors",
        "lint",
        "mending",
        "source",
        "redaction",
        "garbage",
    },
    "document": {"telling", "judge", "report", "notebook"},
    "gate": {"errors", "vocabulary", "regular", "settings", "requirements", "configuration", "judge"},
    "compare": {"compared_settings", "gate"},
    "compared_settings": {"judge"},
    "repeats": {"compare", "compared_settings"},
    "trials": {"errors", "log", "signals", "instrument", "record", "changes", "numpy", "ray", "torch"},
    "mending": {"script_mark", "silence", "errors", "judge", "lint", "log", "source"},
    "verify": {
        *WORDS,
        *JUDGING,
        "importers",
        "source",
        "telling",
        "mending",
        "gate",
        "trials",
        "configuration",
        "numpy",
        "scipy",
        "pydantic",
    },
    "preflight": {*WORDS, *JUDGING, "mending", "telling", "trials", "verify", "configuration", "numpy", "pydantic"},
    "report": {*WORDS, "judge", "source", "requirements", "fleet", "jinja2", "markupsafe"},
    "agents": {"errors", "version", "mcp"},
    "fleet": {*WORDS, *JUDGING, *TABLES, "importers", "trials", "configuration"},
    "monitor": {
        "mending",
        "instrument",
        *WORDS,
        *JUDGING,
        "importers",
        "telling",
        "page_material",
        "gate",
        "record",
        "report",
        "configuration",
        "numpy",
    },
    "answers": {*WORDS, "toml", "judge", "telling", "demos", "report", "numpy", "pydantic"},
    "demos": {*WORDS, "judge", "telling", "report", "numpy", "torch", "sklearn"},
    "page_material": {"judge", "telling", "log", "report", "configuration"},
    "importers": {"errors", "regular", "log", "orjson", "numpy"},
    "integrations": {"errors", "instrument", "record", "watching", *FRAMEWORKS},
    "notebook": {
        *WORDS,
        "page_material",
        "configuration",
        "importers",
        "log",
        "monitor",
        "report",
        "IPython",
        "pandas",
    },
    "notebook_magic": {"record", "watching", "IPython"},
    "watching": {
        "errors",
        "document",
        "instrument",
        "log",
        "mending",
        "monitor",
        "notebook",
        "record",
        "report",
        "torch",
    },
    "testing": {
        *WORDS,
        *JUDGING,
        "document",
        "watching",
        "gate",
        "instrument",
        "record",
        "report",
        "settings",
        "torch",
        "numpy",
        "pytest",
    },
    "pytest_plugin": {"testing", "pytest"},
}
ABOVE = {"__init__", "__main__", "cli", "commands"}
"""Imported by nobody, so free to import."""
WITHOUT_TORCH = {"catalogue", "declaration", "line_edits"}
"""The modules of `changes` that judging may import: they tell what changes there are, and apply none."""
LATE = {"scipy", "zstandard", "torch"}
STANDARD = frozenset(__import__("sys").stdlib_module_names)


def files_of(package: str) -> list[Path]:
    """Return the modules of a package or the module of that name."""
    folder = PACKAGE / package
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [p for p in [PACKAGE / f"{package}.py"] if p.exists()]


def imports(path: Path, *, top_level: bool = False) -> Iterator[tuple[str, int]]:
    """Yield what a module imports, by the first name below trainadvisor, and where; not what only type checkers see."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unseen = {inner for node in ast.walk(tree) if is_for_type_checkers(node) for inner in ast.walk(node)}
    for node in tree.body if top_level else (node for node in ast.walk(tree) if node not in unseen):
        if isinstance(node, ast.Import):
            yield from ((named(alias.name), node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"trainadvisor.{a.name}" for a in node.names] if node.module == "trainadvisor" else [node.module]
            yield from ((named(name), node.lineno) for name in names)


def is_for_type_checkers(node: ast.AST) -> bool:
    """Tell a block that never runs."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def named(module: str) -> str:
    """Return our package's name or the top-level name of another's."""
    parts = module.split(".")
    return parts[1] if parts[0] == "trainadvisor" and len(parts) > 1 else parts[0]


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_are_in_the_table(package: str) -> None:
    """A package imports the standard library and what its row allows."""
    allowed = ALLOWED[package] | STANDARD | {package}
    wrong = [
        f"{path.name}:{line} imports {name}"
        for path in files_of(package)
        for name, line in imports(path)
        if name not in allowed
    ]
    assert wrong == []


def test_every_package_has_a_row() -> None:
    """Nothing in the package is without a place in the layers."""
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert found - ABOVE == set(ALLOWED)


@pytest.mark.parametrize("package", ["judge", "verify", "commands"])
def test_judging_asks_the_catalogue_and_no_change(package: str) -> None:
    """Whoever asks about changes imports their catalogue, and none of the modules that apply them."""
    wrong = [
        f"{path.name}:{node.lineno} imports {name}"
        for path in files_of(package)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("trainadvisor.changes")
        for name in ([a.name for a in node.names] if node.module == "trainadvisor.changes" else [str(node.module)])
        if name.removeprefix("trainadvisor.changes.") not in WITHOUT_TORCH
    ]
    assert wrong == []


@pytest.mark.parametrize("path", sorted((PACKAGE / "changes").glob("*.py")), ids=lambda path: path.stem)
def test_a_module_of_changes_imports_torch_where_it_is_used(path: Path) -> None:
    """The catalogue imports all of them, and a trial before the script may set what torch reads when it is imported."""
    assert [f"{path.name}:{line}" for name, line in imports(path, top_level=True) if name == "torch"] == []


@pytest.mark.parametrize(
    "package", ["log", "signals", "judge", "gate", "report", "cli", "commands", "__init__", "importers"]
)
def test_heavy_packages_are_imported_where_they_are_used(package: str) -> None:
    """scipy, torch and optional packages are imported inside functions only."""
    wrong = [
        f"{path.name}:{line} imports {name}"
        for path in files_of(package)
        for name, line in imports(path, top_level=True)
        if name in LATE
    ]
    assert wrong == []


def test_the_reader_of_imports_sees_them(tmp_path: Path) -> None:
    """The checks above would notice an import inside a function."""
    path = tmp_path / "m.py"
    path.write_text("import os\ndef f():\n    from trainadvisor.record import recorder\n    import torch.nn\n")
    assert list(imports(path)) == [("os", 1), ("record", 3), ("torch", 4)]
    assert list(imports(path, top_level=True)) == [("os", 1)]
