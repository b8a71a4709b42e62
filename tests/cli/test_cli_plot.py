"""`--plot` of `sbsim run` and `sbsim recommend`: a picture beside the result, which stays as it is."""

from __future__ import annotations

import json

import pytest

from .conftest import Command

RUN = ("run", "quickstart", "--set", "horizon=10min", "--set", "replications=2", "--jobs", "1", "--quiet")
RECOMMEND = ("recommend", *RUN[1:], "--evaluations", "10")


@pytest.mark.parametrize("command", [RUN, RECOMMEND], ids=lambda command: command[0])
def test_a_picture_changes_nothing_but_is_there(inside: Command, command: tuple[str, ...], tmp_path) -> None:
    """The JSON document is the same with and without; the file is what its name says, and the same when drawn again."""
    plain = inside(*command, "--json")
    assert plain.code == 0
    assert inside(*command, "--json", "--plot", "a.svg") == plain
    assert inside(*command, "--json", "--plot", "b.svg") == plain
    text = (tmp_path / "a.svg").read_text()
    assert text.startswith("<?xml")
    assert text == (tmp_path / "b.svg").read_text()
    json.loads(plain.out)


def test_the_table_says_what_was_drawn(inside: Command, tmp_path) -> None:
    """Without --json the last line names the file, and of which replication it is."""
    ended = inside(*RUN, "--plot", "run.PNG")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "written: run.PNG (the first replication)")
    assert (tmp_path / "run.PNG").read_bytes().startswith(b"\x89PNG")
    ended = inside(*RECOMMEND, "--plot", "c.pdf", "--out", "out")
    assert ended.out.splitlines()[-1].endswith("out/evidence.json, c.pdf")


@pytest.mark.parametrize("command", [RUN, RECOMMEND], ids=lambda command: command[0])
@pytest.mark.parametrize(
    ("name", "code", "words"),
    [("x.gif", 2, "the name must end in .png, .svg, .pdf; try x.png"), ("nowhere/x.png", 3, "nowhere/x.png: cannot be written")],
)
def test_a_picture_that_cannot_be_is_refused(inside: Command, command: tuple[str, ...], name: str, code: int, words: str, tmp_path) -> None:
    """A wrong ending is bad input, a folder that is not there cannot be written to; one line each, and no file."""
    ended = inside(*command, "--plot", name)
    assert ended.code == code
    assert words in ended.err
    assert "Traceback" not in ended.err
    assert list(tmp_path.iterdir()) == []
