"""The mark of a script changes with its code, not with its comments."""

import pytest

from trainadvisor.script_mark import mark_of, mark_of_file

CODE = "import torch\n\nfor x in data:\n    loss.backward()  # here\n"


@pytest.mark.parametrize(
    "other",
    [
        "# trains\n" + CODE,
        CODE.replace("\n", "\r\n"),
        CODE.replace("import torch\n", "import torch  \n\n\n"),
        CODE.replace("for", "    # of all\nfor"),
    ],
    ids=["comment", "line ends", "white space", "indented comment"],
)
def test_what_is_no_code_leaves_it(other):
    """Empty lines, lines of comments, white space at the ends of lines."""
    assert mark_of(other) == mark_of(CODE)


@pytest.mark.parametrize("other", [CODE.replace("loss", "more"), CODE.replace("    loss", "loss"), CODE + "step()\n"])
def test_code_changes_it(other):
    """Also where it is only moved out of a loop."""
    assert mark_of(other) != mark_of(CODE)


def test_a_file_has_the_mark_of_its_text(tmp_path):
    """With or without the mark of UTF-8 before it."""
    path = tmp_path / "train.py"
    path.write_bytes(b"\xef\xbb\xbf" + CODE.encode())
    assert mark_of_file(str(path)) == mark_of(CODE)


def test_what_is_no_script_has_none(tmp_path):
    """A missing file, a folder, other endings, bytes that are no text, a mega file."""
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "bytes.py").write_bytes(b"\xff\xfe")
    (tmp_path / "large.py").write_text("x = 1\n" * 200_000)
    (tmp_path / "log.json").write_text(CODE)
    names = ["none.py", "folder.py", "bytes.py", "large.py", "log.json"]
    assert [mark_of_file(str(tmp_path / name)) for name in names] == [None] * 5
    assert [mark_of_file(path) for path in (None, "", tmp_path / "train.py", b"train.py")] == [None] * 4
