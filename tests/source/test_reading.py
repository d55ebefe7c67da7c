"""Sources are read as they are: encodings, line ends, lines of notebooks, and clear sentences for what is no Python."""

from pathlib import Path

import pytest

from trainadvisor.source.edits import Span, applied
from trainadvisor.source.reading import SourceError, parse, read, span_of


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_survive(end: str) -> None:
    """A changed text is written with the ends that the file has."""
    raw = f"a = 1{end}b = 2{end}".encode()
    source = parse(raw)
    assert source.lines == ["a = 1", "b = 2", ""]
    changed = applied(source, [Span((2, 4), (2, 5), "3\nc = 4")])
    assert source.written(changed) == f"a = 1{end}b = 3{end}c = 4{end}".encode()


def test_the_declared_encoding_is_kept() -> None:
    """Latin-1 comes back as Latin-1, and a byte order mark stays."""
    raw = "# -*- coding: latin-1 -*-\nname = 'Müller'\n".encode("latin-1")
    source = parse(raw)
    assert source.written(source.text) == raw
    marked = b"\xef\xbb\xbfx = 1\n"
    assert parse(marked).written(parse(marked).text) == marked


def test_places_count_characters() -> None:
    """Letters of several bytes, tabs and form feeds are one place each."""
    source = parse("if True:\n\tname = 'äö'; x = f(1)\n\x0cy = 2\n")
    call = source.tree.body[0].body[1].value
    assert span_of(source, call) == ((2, 18), (2, 22))
    assert source.segment(call) == "f(1)"
    assert source.tree.body[1].lineno == 3


def test_lines_of_notebooks_are_passed_over() -> None:
    """Magics and shell lines of a converted notebook are no syntax error."""
    assert len(parse("%matplotlib inline\n!pip install torch\nx = 1\n").tree.body) == 3


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"print 'a'\n", "script.py, line 1: is not Python that can be parsed"),
        (b"\xff\xfe\x00a", "script.py: is not text in the encoding that it declares; save it as UTF-8"),
        (b"x = '\x00'\n", "script.py"),
        (b"# coding: nonsense\n", "script.py: is not text in the encoding that it declares; save it as UTF-8"),
        (b"(" * 5000, "script.py"),
    ],
)
def test_what_cannot_be_read_is_said(raw: bytes, said: str) -> None:
    """One sentence with the name, whatever is wrong."""
    with pytest.raises(SourceError) as caught:
        parse(raw)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """The system's word for it, with the name."""
    with pytest.raises(SourceError, match=r"no\.py: No such file"):
        read(tmp_path / "no.py")


def test_two_changes_of_one_place_exclude_each_other() -> None:
    """Nothing is written over something else that was written."""
    source = parse("x = f(1)\n")
    with pytest.raises(SourceError, match="exclude each other"):
        applied(source, [Span((1, 4), (1, 8), "a"), Span((1, 5), (1, 7), "b")])


def test_a_change_that_is_no_python_is_refused() -> None:
    """Half a statement is never written."""
    with pytest.raises(SourceError, match="is not Python"):
        applied(parse("x = 1\n"), [Span((1, 4), (1, 5), "(")])
