"""Traffic as a line of text and as a picture."""

from __future__ import annotations

import numpy as np
import pytest

from sbsim.report.figures import FORMATS
from sbsim.report.traffic import draw_traffic, sparkline, time_unit
from sbsim.workload import described, repeats
from sbsim.workload.traces import read_trace


@pytest.mark.parametrize(
    ("counts", "bars"),
    [([], ""), ([0, 0], ""), ([1], "█"), ([8, 4, 1, 0, 8], "█▅▂ █"), ([1000, 1], "█▁"), (list(range(1, 9)), "▂▃▄▅▆▇██")],
)
def test_bars_are_as_high_as_the_counts(counts, bars):
    """The highest is full, an empty bin is blank, and whatever is there at all is seen."""
    assert sparkline(counts) == bars


@pytest.mark.parametrize(("seconds", "unit"), [(0, "s"), (119, "s"), (120, "min"), (7200, "h"), (172_800, "d")])
def test_a_length_of_time_has_the_unit_that_suits_it(seconds, unit):
    """Two of a unit at least."""
    assert time_unit(seconds)[0] == unit


def test_repeats_are_the_rows_that_a_cache_could_have_answered(tmp_path):
    """Every row after the first that asks for the same; none that says nothing or must be made anew; unknown where no row says anything."""
    path = tmp_path / "t.csv"
    path.write_text("arrived_at,prompt,allow_reuse\n1,x,\n2,y,\n3,x,\n4,,\n5,x,false\n6,y,\n7,x,\n")
    found = repeats(read_trace(str(path)))
    assert found is not None
    assert found.tolist() == [False, False, True, False, False, True, True]
    path.write_text("arrived_at\n1\n2\n")
    assert repeats(read_trace(str(path))) is None


MANY = "".join(f"{k},$c_{k % 3}^$\n" for k in range(3000))


@pytest.mark.parametrize(("kind", "rows"), [("svg", "1,cat\n"), ("svg", "1,\n1,\n"), *((kind, MANY) for kind in FORMATS)])
def test_any_traffic_is_drawn_the_same_each_time(tmp_path, kind, rows):
    """One row, ties without prompts, many rows, engines with letters that mathematics uses."""
    path = tmp_path / "t.csv"
    path.write_text("arrived_at,engine\n" + rows)
    trace = read_trace(str(path), columns={"prompt": "engine"})
    first, second = (draw_traffic(trace, described(trace), repeats(trace), kind) for _ in range(2))
    assert first == second
    assert len(first) > 1000


def test_a_picture_shows_its_own_traffic(tmp_path):
    """Other arrivals give another picture."""
    path = tmp_path / "t.csv"
    pictures = []
    for step in (1, 2):
        path.write_text("arrived_at\n" + "".join(f"{step * k}\n" for k in range(10)))
        trace = read_trace(str(path))
        assert np.diff(trace.arrived_at).tolist() == [step] * 9
        pictures.append(draw_traffic(trace, described(trace), None, "svg"))
    assert pictures[0] != pictures[1]
