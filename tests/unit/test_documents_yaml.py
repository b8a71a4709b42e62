"""YAML 1.2 scalars, and where every entry stands."""

import pickle

import pytest

from sbsim.documents.origin import Origins, path_text
from sbsim.documents.paths import locate, parse_path, with_value
from sbsim.documents.yaml12 import read_yaml
from sbsim.errors import ScenarioError


@pytest.mark.parametrize(("text", "value"), [
    ("true", True), ("False", False), ("off", "off"), ("no", "no"), ("on", "on"), ("y", "y"), ("YES", "YES"),
    ("010", "010"), ("1:30", "1:30"), ("0x1F", "0x1F"), ("1_000", "1_000"), ("0b1", "0b1"), ("2026-11-23", "2026-11-23"), ("12:30:00", "12:30:00"),
    ("7", 7), ("-7", -7), ("+7", 7), ("0", 0), ("1e6", 1e6), ("1E-3", 1e-3), ("1.5", 1.5), (".5", 0.5), ("5.", 5.0), ("-.5e1", -5.0),
    ("~", None), ("null", None), ("none", "none"), ("'7'", "7"), ('"true"', "true"), ("|\n  a\n  b\n", "a\nb\n"), ("[]", []), ("{}", {}),
    ('{"a": [1, {"b": null}]}', {"a": [1, {"b": None}]}), ("{1: a, 0h: b}", {1: "a", "0h": "b"}), ("", None), ("# nothing", None),
])  # fmt: skip
def test_scalars_are_those_of_yaml_1_2(text, value):
    """Only true and false are booleans, only decimal numbers are numbers; types are kept apart."""
    read, _ = read_yaml(text, "x")
    assert read == value
    assert type(read) is type(value)


def test_every_entry_knows_its_place():
    """File, line and column of a key or list entry; what has none takes that of the nearest entry around it; a flag replaces all below."""
    _, origins = read_yaml("a: 1\nb:\n  - {c: 2, dé: 3}\n  - 4\n", "f.yaml")
    assert origins.place(("a",)) == "f.yaml:1:1"
    assert origins.place(("b", 0, "dé")) == "f.yaml:3:12"
    assert origins.place(("b", 1)) == "f.yaml:4:5"
    assert origins.place(("b", 0, "missing")) == "f.yaml:3:5"
    assert origins.place(("z",)) == "f.yaml"
    other = origins.copy()
    other.replace(("b", 0), "--set b[0]=5")
    assert other.place(("b", 0, "c")) == "--set b[0]=5"
    assert origins.place(("b", 0, "c")) == "f.yaml:3:6"
    assert pickle.loads(pickle.dumps(origins)) == origins
    assert Origins("f.yaml") != origins


def test_large_documents_are_read_in_time():
    """A list of 20,000 entries is read, and 1 MiB of brackets is refused at the twenty-first."""
    read, _ = read_yaml("[" + "1," * 20_000 + "]", "x")
    assert len(read) == 20_000
    with pytest.raises(ScenarioError, match="nested more than 20 deep"):
        read_yaml("[" * 2**19 + "]" * 2**19, "x")


@pytest.mark.parametrize(("text", "steps"), [
    ("a", ("a",)), ("a.b_c", ("a", "b_c")), ("a[0].b", ("a", "0", "b")), ("a[veo 3.1].b", ("a", "veo 3.1", "b")), ("a[0][1]", ("a", "0", "1")),
    ("profile.4h", ("profile", "4h")),
])  # fmt: skip
def test_paths_are_split_into_steps(text, steps):
    """Dots lead into mappings, brackets into lists, by position or name."""
    assert parse_path(text) == steps


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a[]", "a[0", "a]0[", "a.[0]", "a[0]b"])
def test_what_is_no_path_is_refused(text):
    """With an example of one."""
    with pytest.raises(ScenarioError, match="is not a path; try workload"):
        parse_path(text)


def test_paths_find_entries_by_position_name_and_number():
    """A step is a key, a number that is a key, a position, or the name of an entry; what lies beyond is new."""
    document = {"list": [{"name": "x"}, {"name": "1"}], "sla": {1: "a"}, "new": None}
    assert locate(document, ("list", "x")) == ("list", 0)
    assert locate(document, ("list", "1", "name")) == ("list", 1, "name")
    assert locate(document, ("list", "0")) == ("list", 0)
    assert locate(document, ("sla", "1")) == ("sla", 1)
    assert locate(document, ("new", "deep", "er")) == ("new", "deep", "er")
    assert path_text(("list", 0, "name")) == "list[0].name"


def test_setting_a_value_leaves_the_original_alone():
    """Copies are made along the way, everything else is shared."""
    document = {"a": [{"b": 1}, {"c": 2}], "d": {"e": 3}}
    changed = with_value(document, ("a", 0, "b"), 9)
    assert changed == {"a": [{"b": 9}, {"c": 2}], "d": {"e": 3}}
    assert document["a"][0]["b"] == 1
    assert changed["d"] is document["d"]
    assert with_value(document, ("x", "y"), 1)["x"] == {"y": 1}
