"""Draws belong to things: neither the order of asking, nor the process, nor another purpose moves one."""

import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from sbsim.seeds import Draws, derive


def test_a_draw_does_not_depend_on_the_piece_it_is_asked_in():
    """bulk(start, n) is a window of one endless sequence, whatever its alignment; `stream` shows the same one."""
    draws = Draws(7, 3)
    whole = draws.bulk("gap", 0, 9000)
    for start, n in [(0, 1), (1, 3), (2, 7), (3, 1), (4095, 2), (4096, 10), (8999, 1), (5, 0)]:
        assert draws.bulk("gap", start, n).tolist() == whole[start : start + n].tolist()
    one = Draws(7, 3).stream("gap")
    for serial in [8999, 0, 4096, 4095, 17, 8999, 0]:
        assert one(serial) == whole[serial]


def test_a_stream_forgets_what_is_far_behind_and_gives_it_again():
    """Blocks are dropped from memory and computed again to the same bits; the law is applied to each."""
    draws = Draws(1, 0)
    doubled = draws.stream("noise", lambda u: 2 * u)
    first = doubled(5)
    for block in range(1, 40):
        doubled(block * 4096)
    assert doubled(5) == first == 2 * draws.bulk("noise", 5, 1)[0]


@pytest.mark.parametrize("other", [Draws(8, 0), Draws(7, 1), Draws(17, 0), Draws(-7, 0)])
def test_seed_and_replication_make_other_draws(other):
    """Two histories share nothing."""
    mine, theirs = Draws(7, 0).bulk("gap", 0, 2000), other.bulk("gap", 0, 2000)
    assert not np.isin(mine, theirs).any()
    assert abs(np.corrcoef(mine, theirs)[0, 1]) < 0.08


def test_purposes_are_independent_and_uniform():
    """Every purpose is uniform (KS) and uncorrelated with the next, with itself shifted, and with single draws by key."""
    draws = Draws(0, 0)
    samples = [draws.bulk(purpose, 0, 5000) for purpose in ("gap", "class", "content")]
    samples.append(np.array([draws.one("retry", k, "r") for k in range(5000)]))
    samples.append(np.array([draws.one("retry", k, "rr") for k in range(5000)]))
    for k, sample in enumerate(samples):
        assert stats.kstest(sample, "uniform").pvalue > 0.001
        assert abs(np.corrcoef(sample[1:], sample[:-1])[0, 1]) < 0.06
        for other in samples[:k]:
            assert abs(np.corrcoef(sample, other)[0, 1]) < 0.06


def test_a_key_is_its_value_not_its_type():
    """numpy's and Python's whole numbers are the same key; every part of a key counts, and so does its purpose."""
    draws = Draws(0, 0)
    assert draws.one("error", np.int64(3), "r") == draws.one("error", 3, "r")
    distinct = {draws.one("error", 3, "r"), draws.one("error", 3, ""), draws.one("error", 3), draws.one("error", 33, "r"), draws.one("item", 3, "r")}
    assert len(distinct) == 5


def test_uniforms_lie_inside_the_unit_interval(monkeypatch):
    """0 would be the end of an infinite support, and so would 1: the least and the greatest double of the generator are moved or kept inside."""

    class Ends:
        def __init__(self, _):
            pass

        def random(self, n=None):
            return 0.0 if n is None else np.resize([0.0, 1 - 2.0**-53], n)

    monkeypatch.setattr(np.random, "Generator", Ends)
    u = Draws(0, 0).bulk("gap", 0, 8)
    assert (u > 0).all()
    assert (u < 1).all()
    assert 0 < Draws(0, 0).one("gap", 1) < 1


def test_derived_seeds_are_streams_of_their_own():
    """Search, selection and report seeds of one root differ, repeat, and are seeds themselves."""
    seeds = {derive(root, label) for root in range(50) for label in ("search", "selection", "report")}
    assert len(seeds) == 150
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert derive(3, "search") == derive(3, "search")


def test_other_processes_draw_the_same():
    """Neither PYTHONHASHSEED nor the order of asking changes a bit."""
    code = (
        "from sbsim.seeds import Draws; d = Draws(5, 2); d.one('a', 1); print(d.bulk('gap', 3, 3).tolist(), d.one('call', 4, 'r'), d.stream('x')(9))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    draws = Draws(5, 2)
    assert outputs == {f"{draws.bulk('gap', 3, 3).tolist()} {draws.one('call', 4, 'r')} {draws.stream('x')(9)}\n"}
