"""Commented YAML reads back as the values that were given, whatever they are."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sbsim.documents.commented import Noted, commented_yaml, plain
from sbsim.documents.yaml12 import read_yaml

texts = st.text(max_size=12) | st.sampled_from(["off", "1:30", "010", "1e6", "null", "~", "-", "- a", "a: b", "# c", "true", "{", "x\ny", "*a", "&a"])
scalars = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False) | texts
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts.filter(lambda key: key != "<<"), inner, max_size=3), max_leaves=12
)
notes = st.text(max_size=200)


@given(st.dictionaries(texts.filter(lambda key: key != "<<"), st.tuples(values, notes), max_size=5))
def test_what_is_written_reads_back(document: dict[str, tuple[Any, str]]) -> None:
    """Values survive, notes change nothing."""
    noted = {key: Noted(value, note) for key, (value, note) in document.items()}
    assert read_yaml(commented_yaml(noted), "written")[0] == ({key: value for key, (value, _) in document.items()} or None)


def test_notes_stand_beside_and_above() -> None:
    """A note is a comment on the line; what is to stand above stands above, empty lines too."""
    document = {
        "a": Noted(1, "one"),
        "b": Noted({"c": [{"d": 2}, Noted({"e": 3}, "three")]}, above=("", "a heading")),
    }
    assert commented_yaml(document) == ("a: 1  # one\n\n# a heading\nb:\n  c:\n    - {d: 2}\n    - {e: 3}  # three\n")
    assert plain(document) == {"a": 1, "b": {"c": [{"d": 2}, {"e": 3}]}}
