"""`sbsim trace cache` and `sbsim trace duplicates`: documents, figures, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Command

ROWS = "arrived_at,prompt,content_type\n" + "".join(f"{k},prompt number {k * k % 7},image\n" for k in range(40))
POLICIES = ("lru", "lfu", "sieve", "w_tinylfu", "gdsf", "belady", "unlimited")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text(ROWS)
    return tmp_path / "rows.csv"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    (tmp_path / "keys.txt").write_text("".join(f"{k * k % 11}\n" for k in range(100)))
    return tmp_path / "keys.txt"


def test_cache_document(inside: Command, rows: Path) -> None:
    """Every policy and bound at every size, hits and misses adding up; the same bytes again."""
    arguments = ("trace", "cache", str(rows), "--sizes", "4,1,2", "--json")
    ended = inside(*arguments)
    assert (ended.code, ended.err) == (0, "")
    document = json.loads(ended.out)
    assert document["schema"] == "sbsim.trace.cache/1"
    assert (document["format"], document["n_requests"], document["n_contents"], document["ttl_s"]) == ("generic", 40, 4, None)
    assert document["sizes"] == [1, 2, 4]
    assert tuple(document["curves"]) == POLICIES
    for curve in document["curves"].values():
        assert [point["size"] for point in curve] == [1, 2, 4]
        assert all(point["hit_ratio"] == point["n_hits"] / 40 and point["miss_ratio"] == pytest.approx(1 - point["hit_ratio"]) for point in curve)
        assert curve[-1]["n_hits"] == 36, "all four contents fit"
    assert inside(*arguments).out == ended.out


def test_cache_table_and_ttl(inside: Command, rows: Path) -> None:
    """The table has a column a policy, in the order asked for; entries that die are missed again."""
    shown = inside("trace", "cache", str(rows), "--policy", "sieve,lru", "--policy", "unlimited", "--sizes", "2", "--ttl", "5s")
    assert shown.code == 0
    header = next(line for line in shown.out.splitlines() if line.startswith("entries"))
    assert header.split() == ["entries", "sieve", "lru", "unlimited"]
    for ttl, n_hits in (("none", 36), ("1h", 36), ("1", 0)):
        document = json.loads(inside("trace", "cache", str(rows), "--policy", "unlimited", "--ttl", ttl, "--json").out)
        assert document["curves"]["unlimited"][0]["n_hits"] == n_hits


@pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")])
def test_cache_figure(inside: Command, keys: Path, tmp_path: Path, name: str, begins: bytes) -> None:
    """The figure is a file of the kind that its name says, and the same bytes again."""
    drawn = []
    for _ in range(2):
        ended = inside("trace", "cache", str(keys), "--sizes", "1,5", "--plot", str(tmp_path / name))
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.rstrip().endswith(f"written: {tmp_path / name}")
        drawn.append((tmp_path / name).read_bytes())
    assert drawn[0].startswith(begins)
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(("arguments", "code", "told"), [
    (("--sizes", "0"), 2, "--sizes: '0' is not a whole number from 1"),
    (("--sizes", "5,,6"), 2, "'' is not a whole number"),
    (("--sizes", "big"), 2, "'big' is not a whole number"),
    (("--policy", "mru"), 2, "'mru' is not one of lru, lfu, sieve, w_tinylfu, gdsf, belady, unlimited; try lru"),
    (("--ttl", "1h"), 2, "a file of keys has no times"),
    (("--ttl", "soon"), 2, "--ttl soon: 'soon' is not a duration"),
    (("--ttl", "0s"), 2, "must be > 0 s; try 1h"),
    (("--plot", "x.gif"), 2, "the name must end in .png, .svg, .pdf; try x.png"),
    (("--plot", "nowhere/x.png"), 3, "nowhere/x.png: cannot be written"),
    (("--format", "csv"), 2, "'csv'"),
])  # fmt: skip
def test_cache_refusals(inside: Command, keys: Path, arguments: tuple[str, ...], code: int, told: str) -> None:
    """One message that says what was given and what is allowed."""
    ended = inside("trace", "cache", str(keys), *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert told in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("command", ["cache", "duplicates", "describe"])
def test_an_absent_file_is_not_blamed_on_a_scenario(inside: Command, command: str) -> None:
    """A file named on the command line is another file to name; only a scenario's is its workload.path."""
    assert inside("trace", command, "absent.csv").err == "sbsim: absent.csv: there is no such file; try the path of a trace: csv, jsonl or Parquet\n"
    ended = inside("run", "azure-hour", "--set", "workload.path=absent.csv")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "sbsim: absent.csv: there is no such file; try another workload.path, or --set workload.path=FILE\n"


def test_duplicates_document(inside: Command, tmp_path: Path) -> None:
    """What is reused at each threshold and the riskiest matches at one; the same bytes again."""
    (tmp_path / "prompts.txt").write_text(
        "a red fox with 2 cubs in snow\na red fox with 3 cubs in snow\nIn snow: a red fox with 2 cubs\na car\na car\n"
    )
    arguments = ("trace", "duplicates", str(tmp_path / "prompts.txt"), "--thresholds", "1,0.8", "--json")
    ended = inside(*arguments)
    assert (ended.code, ended.err) == (0, "")
    document = json.loads(ended.out)
    assert document["schema"] == "sbsim.trace.duplicates/1"
    assert (document["format"], document["n_requests"], document["n_contents"], document["at"]) == ("lines", 5, 4, 0.8)
    assert [(each["threshold"], each["n_exact"], each["n_near"], each["n_differing"]) for each in document["thresholds"]] == [
        (0.8, 1, 2, 1), (1.0, 1, 1, 0),
    ]  # fmt: skip
    assert [match["differs_in"] for match in document["riskiest"]] == [["numbers"], []]
    assert inside(*arguments).out == ended.out


def test_duplicates_table(inside: Command, tmp_path: Path) -> None:
    """A row a threshold, then each match with what is asked for and what would be given; control characters are spelt out."""
    (tmp_path / "prompts.txt").write_text("a red fox in \x1bdeep snow\nin deep snow a red fox\n")
    ended = inside("trace", "duplicates", str(tmp_path / "prompts.txt"))
    assert (ended.code, ended.err) == (0, "")
    assert "  asked  in deep snow a red fox\n  given  a red fox in \\x1bdeep snow\n" in ended.out
    assert "asked" not in inside("trace", "duplicates", str(tmp_path / "prompts.txt"), "--show", "0").out


def test_low_thresholds_are_said_to_change_little(inside: Command, tmp_path: Path) -> None:
    """Below 0.7 the share of common words decides: the table says so where such a threshold is asked about, the document always."""
    (tmp_path / "prompts.txt").write_text("a red fox in deep snow\nin deep snow a red fox\n")
    told = "share less than 40% of their words are never compared: below 0.7"
    arguments = ("trace", "duplicates", str(tmp_path / "prompts.txt"), "--thresholds")
    assert told in inside(*arguments, "0.6,0.8").out
    assert told not in inside(*arguments, "0.7,0.8").out
    assert json.loads(inside(*arguments, "0.8", "--json").out)["least_shared_words"] == 0.4


@pytest.mark.parametrize(("arguments", "told"), [
    (("--thresholds", "0.4"), "--thresholds 0.4: not a number from 0.5 to 1; try 0.8"),
    (("--thresholds", "nan"), "--thresholds nan: not a number from 0.5 to 1"),
    (("--at", "high"), "--at high: not a number from 0.5 to 1"),
    (("--show", "-1"), "--show: '-1' is not a whole number from 0"),
    (("--column", "prompt"), "--column prompt: not FIELD=VALUE"),
])  # fmt: skip
def test_duplicates_refusals(inside: Command, keys: Path, arguments: tuple[str, ...], told: str) -> None:
    """One message that says what was given and what is allowed."""
    ended = inside("trace", "duplicates", str(keys), *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err
