"""Miss-ratio curves of recorded traffic: against naive models, brute force and published ratios."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from sbsim.components.cache import POLICIES
from sbsim.errors import ScenarioError, TraceError
from sbsim.records import Entry
from sbsim.workload.identity import OWN
from sbsim.workload.reuse.accesses import Accesses, read_accesses
from sbsim.workload.reuse.bounds import clairvoyant_hits, unlimited_hits
from sbsim.workload.reuse.lines import is_plain, read_lines
from sbsim.workload.reuse.miss_ratios import BOUNDS, default_sizes, miss_ratio_curves
from sbsim.workload.reuse.stack_distances import stack_distances

PUBLISHED = {
    "lru": [0.4672, 0.5578, 0.6473, 0.7256],
    "lfu": [0.2914, 0.4132, 0.5487, 0.6818],
    "sieve": [0.4888, 0.5911, 0.6823, 0.7495],
    "belady": [0.6495, 0.7181, 0.7775, 0.8234],
}
"""Hit ratios at 250, 500, 1000 and 2000 entries on cache2k_web12, four digits (the data's own README)."""

keys = st.lists(st.integers(0, 6), max_size=40)


def accesses_of(content, at=None) -> Accesses:
    content = np.array(content, dtype=np.int64)
    return Accesses("x.csv", "generic", content, None if at is None else np.array(at, dtype=np.float64), int(content.max(initial=-1)) + 1)


@given(keys)
def test_stack_distances_are_those_of_a_stack(content):
    """The distance is the depth at which a list, to whose top every request moves its content, holds it; 0 for the first time."""
    stack, expected = [], []
    for key in content:
        expected.append(stack[::-1].index(key) + 1 if key in stack else 0)
        if key in stack:
            stack.remove(key)
        stack.append(key)
    assert stack_distances(np.array(content, dtype=np.int64)).tolist() == expected


@given(st.lists(st.integers(0, 4), max_size=12), st.integers(1, 3))
def test_the_clairvoyant_has_the_most_hits_there_can_be(content, size):
    """No choice of victims, tried exhaustively, hits more often, and some choice hits as often."""

    @cache
    def best(at: int, kept: frozenset[int]) -> int:
        if at == len(content):
            return 0
        key = content[at]
        if key in kept:
            return 1 + best(at + 1, kept)
        if len(kept) < size:
            return best(at + 1, kept | {key})
        return max(best(at + 1, kept - {victim} | {key}) for victim in kept)

    assert clairvoyant_hits(np.array(content, dtype=np.int64), size) == best(0, frozenset())


@given(st.lists(st.tuples(st.integers(-1, 6), st.integers(0, 4)), max_size=60), st.sampled_from([None, 5.0, 12.0]))
def test_no_policy_beats_the_bounds(steps, ttl_s):
    """Clairvoyant and unlimited caches hit at least as often as every policy, also where entries die, and no policy keeps what is nobody else's."""
    content = [OWN if key < 0 else key for key, _ in steps]
    traffic = accesses_of(content, np.cumsum([dt for _, dt in steps]))
    if not traffic.n:
        return
    curves = {curve.policy: [point.n_hits for point in curve.points] for curve in miss_ratio_curves(traffic, (1, 2, 4), ttl_s=ttl_s)}
    assert set(curves) == {*POLICIES, *BOUNDS}
    for hits in curves.values():
        assert (
            all(n <= most <= bound for n, most, bound in zip(hits, curves["belady"], curves["unlimited"], strict=True)) or hits is curves["unlimited"]
        )
    assert curves["belady"] == sorted(curves["belady"])


@given(keys, st.integers(1, 5))
def test_lru_in_one_pass_is_lru(content, size):
    """Stack distances count the hits that the component itself has."""
    one_pass = miss_ratio_curves(accesses_of(content), (size,), ("lru",))[0].points[0].n_hits if content else 0
    lru, n_hits = POLICIES["lru"](size), 0
    for key in content:
        if lru.get(key, 0.0) is None:
            lru.put(Entry(key, 1.0), 0.0)
        else:
            n_hits += 1
    assert one_pass == n_hits


def test_what_has_died_is_a_miss():
    """An entry lives for the ttl from when it was made, not from when it was last asked for, and is dead at its very instant."""
    traffic = accesses_of([0, 0, 0, 0], [0.0, 4.0, 8.0, 10.0])
    for policy in (*POLICIES, *BOUNDS):
        (curve,) = miss_ratio_curves(traffic, (3,), (policy,), ttl_s=8.0)
        assert curve.points[0].n_hits == 2, policy
    assert unlimited_hits(traffic.content, traffic.at) == 3


def test_published_hit_ratios(data: Path):
    """On 95,607 requests for product pages every curve goes through the published points."""
    trace = data / "cache2k_web12" / "cache2k_web12.txt.gz"
    if not trace.is_file():
        pytest.skip(f"no trace at {trace}")
    traffic = read_accesses(str(trace))
    assert (traffic.format, traffic.n, traffic.n_contents) == ("lines", 95_607, 13_756)
    curves = miss_ratio_curves(traffic, (2000, 1000, 500, 250), tuple(PUBLISHED))
    assert {curve.policy: [round(point.hit_ratio, 4) for point in curve.points] for curve in curves} == PUBLISHED
    assert all(point.hit_ratio + point.miss_ratio == pytest.approx(1.0) for curve in curves for point in curve.points)


CSV = "arrived_at,prompt,content_type,allow_reuse\n0,a cat,image,true\n1,A  cat,image,true\n2,a cat,image,false\n3,,image,true\n4,a cat,image,true\n"


def test_rows_are_told_apart_by_fingerprint(tmp_path: Path):
    """Case does not count for images; a row that may not share is never kept; a row without a prompt is content of its own, with a warning."""
    path = tmp_path / "traffic.csv"
    path.write_text(CSV)
    traffic = read_accesses(str(path))
    assert traffic.content.tolist() == [0, 0, OWN, 1, 0]
    assert (traffic.format, traffic.n_contents) == ("generic", 2)
    assert "1 rows do not say what they ask for" in traffic.warnings[0]
    assert miss_ratio_curves(traffic, (5,), ("unlimited", "lru", "belady"))[1].points[0].n_hits == 2


@pytest.mark.parametrize(("name", "text", "plain"), [
    ("keys.txt", "1\n2\n", True),
    ("keys", "a prompt, with commas\n", True),
    ("keys.csv", "1\n2\n", False),
    ("rows.txt", "arrived_at,prompt\n0,x\n", False),
    ("rows.log", '{"arrived_at": 0}\n', False),
])  # fmt: skip
def test_plain_files_are_recognised(tmp_path: Path, name: str, text: str, plain: bool):
    """A file is plain unless its name or its first line says that it holds rows, gzipped or not."""
    (tmp_path / name).write_text(text)
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
    assert is_plain(str(tmp_path / name)) == is_plain(str(tmp_path / f"{name}.gz")) == plain


def test_lines_that_say_nothing_are_passed_over(tmp_path: Path):
    """White space around keys and empty lines do not count, nor does a byte-order mark; other separators belong to the line."""
    (tmp_path / "keys.txt").write_bytes("\ufeff a \r\n\n  \nb\u2028c\na".encode())
    assert read_lines(str(tmp_path / "keys.txt")) == ["a", "b\u2028c", "a"]


@pytest.mark.parametrize(("content", "told"), [
    (b"", "the file is empty"),
    (b"ok\n\xff\xfe\n", "k.txt:2: not UTF-8 text"),
    (b"ok\0\n", "the file is binary"),
    (gzip.compress(b"abc\n" * 1000)[:-9], "not a whole gzip file"),
    (None, "there is no such file"),
])  # fmt: skip
def test_broken_files_are_refused(tmp_path: Path, content: bytes | None, told: str):
    """Whatever is wrong with a file of lines is said with its path."""
    if content is not None:
        (tmp_path / "k.txt").write_bytes(content)
    with pytest.raises(TraceError, match=told):
        read_lines(str(tmp_path / "k.txt"))


def test_nonsense_is_refused():
    """A policy that is none, and a ttl for keys without times."""
    with pytest.raises(ScenarioError, match=r"'mru' is not one of lru, .*belady, unlimited"):
        miss_ratio_curves(accesses_of([1]), (1,), ("mru",))
    with pytest.raises(TraceError, match="has no times"):
        miss_ratio_curves(accesses_of([1]), (1,), ("lru",), ttl_s=1.0)


def test_default_sizes_span_the_contents():
    """From 1 % to half of the distinct contents, and never nothing."""
    assert default_sizes(accesses_of(range(1000))) == (10, 20, 50, 100, 200, 500)
    assert default_sizes(accesses_of([0, 0])) == (1,)
