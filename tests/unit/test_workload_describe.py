"""Descriptions of traces, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sbsim.workload import Quantiles, describe
from sbsim.workload.describe import Histogram


def test_a_small_trace_by_hand(tmp_path):
    """Every number of a description of seven rows over two and a half minutes."""
    path = tmp_path / "t.csv"
    path.write_text(
        "arrived_at,content_type,engine,prompt,priority,units_in,resolution,style_params.s,tenant,job_id,note\n"
        "0,image,a,x,1,10,small,1,t1,j1,\n10,image,a,x,2,20,small,1,t1,j1,\n10,image,b,y,2,30,large,2,t1,,\n30,video,b,z,3,40,,,t2,j2,\n"
        "70,image,a,x,,50,small,1,t1,,\n149,image,a,,2,60,small,1,t1,,\n150,image,a,,2,70,small,1,t1,,\n"
    )
    found = describe(str(path))
    gaps = np.array([10, 0, 20, 40, 79, 1])
    assert (found.n_rows, found.n_skipped_rows, found.n_out_of_order, found.starts_at) == (7, 0, 0, None)
    assert (found.span_s, found.rate_per_s, found.n_ties) == (150, 7 / 150, 1)
    assert found.gap_cv == pytest.approx(gaps.std() / gaps.mean())
    assert found.gaps_s == Quantiles(25.0, 0.0, 10.0, 79.0, 79.0, 79.0)
    assert found.peak_to_mean == pytest.approx(4 / (7 / 2.5))
    assert found.classes == {"image a": 5 / 7, "image b": 1 / 7, "video b": 1 / 7}
    assert found.priorities == {"urgent": 1 / 7, "normal": 5 / 7, "background": 1 / 7}
    assert found.resolutions == {"small": 5 / 7, "large": 1 / 7, "not said": 1 / 7}
    assert found.styles == {"s: 1": 5 / 7, "s: 2": 1 / 7, "not said": 1 / 7}
    assert (found.n_tenants, found.n_jobs) == (2, 2)
    assert (found.n_contents, found.exact_repeats) == (7, 0.0)  # units_in differs in every row, so no two rows want the same
    assert found.sizes == {"units_in": Quantiles(40.0, 10.0, 40.0, 70.0, 70.0, 70.0)}
    assert found.unused_columns == ("note",)


def test_no_minute_is_the_fullest_with_less_than_the_mean(tmp_path):
    """Where the last minute, which is cut short, is the densest, the fullest whole one is not said to hold less than a mean minute."""
    path = tmp_path / "t.csv"
    path.write_text("arrived_at\n" + "".join(f"{t}\n" for t in [0, 10, 60, 61, 62]))
    assert describe(str(path)).peak_to_mean == 1.0
    path.write_text("arrived_at\n" + "".join(f"{t}\n" for t in [0, 1, 2, 3, 60, 61, 120]))
    assert describe(str(path)).peak_to_mean == pytest.approx(4 / 3.5)


def test_repeats_count_rows_that_want_what_an_earlier_row_wanted(tmp_path):
    """Three wishes for x, one of y, two that say nothing: two repeats among six rows, four contents."""
    path = tmp_path / "t.csv"
    path.write_text("arrived_at,prompt\n1,x\n2,x\n3,\n4,y\n5,\n6,x\n")
    found = describe(str(path))
    assert (found.n_contents, found.exact_repeats) == (4, 2 / 6)


def test_repeats_are_counted_as_a_cache_would_meet_them(tmp_path):
    """Case does not make an image another, and what must be made anew repeats nothing."""
    path = tmp_path / "t.csv"
    path.write_text("arrived_at,prompt,allow_reuse\n1,x,\n2,X,\n3,x,false\n4,x,\n")
    assert describe(str(path), defaults={"content_type": "image"}).exact_repeats == 2 / 4
    assert describe(str(path), defaults={"content_type": "text"}).exact_repeats == 1 / 4
    assert describe(str(path)).exact_repeats == 1 / 4


@pytest.mark.parametrize("rows", ["5\n", "5\n5\n"])
def test_a_trace_without_a_span_has_no_rate(tmp_path, rows):
    """What cannot be said of a single instant is None."""
    path = tmp_path / "t.csv"
    path.write_text("arrived_at\n" + rows)
    found = describe(str(path))
    assert (found.span_s, found.rate_per_s, found.gap_cv, found.peak_to_mean) == (0, None, None, None)


def test_what_was_skipped_is_said(tmp_path):
    """Bad rows and rows out of order are counted and put into words; `between` and `speedup` apply."""
    path = tmp_path / "t.csv"
    path.write_text("arrived_at\n10\n5\nx\n20\n")
    found = describe(str(path), on_bad_row="skip", speedup=5.0)
    assert (found.n_rows, found.n_skipped_rows, found.n_out_of_order, found.span_s) == (3, 1, 1, 3)
    assert len(found.warnings) == 2
    assert describe(str(path), on_bad_row="skip", between=(0.0, 6.0)).n_rows == 2


@pytest.mark.parametrize(("n", "p90"), [(1, 1), (9, 9), (10, 9), (11, 10), (100, 90)])
def test_quantiles_are_order_statistics(n, p90):
    """The p-quantile of n values is the ceil(p n)-th."""
    assert Quantiles.of(np.arange(n, 0, -1.0)).p90 == p90


@pytest.mark.parametrize(
    ("gaps", "edges", "counts"),
    [
        ([10.0] * 9, (10, 100), (9,)),
        ([0.0, 0.0], (0, 0.001), (2,)),
        ([0.5, 0.0, 3.0, 20.0, 1e-9], (0, 0.001, 0.01, 0.1, 1, 10, 100), (2, 0, 0, 1, 1, 1)),
        ([1.0, 10.0], (1, 10, 100), (1, 1)),
    ],
)
def test_gaps_are_counted_by_powers_of_ten(gaps, edges, counts):
    """Each from its edge up to the next; all that is below a millisecond is one bin; none is lost."""
    found = Histogram.of_gaps(np.array(gaps))
    assert found.edges == pytest.approx(edges)
    assert found.counts == counts
    assert sum(found.counts) == len(gaps)


@pytest.mark.parametrize(("span", "width"), [(0.0, 0.001), (59.0, 1.0), (61.0, 2.0), (3600.0, 120.0), (86_400.0, 1800.0), (1e9, 193 * 86_400.0)])
def test_arrivals_are_counted_in_bins_of_a_round_length(span, width):
    """Sixty of them at most, whatever the span; none is lost."""
    found = Histogram.of_time(np.array([5.0, 5.0, 5.0 + span]))
    assert found.edges[1] == pytest.approx(width)
    assert len(found.counts) <= 60
    assert sum(found.counts) == 3
