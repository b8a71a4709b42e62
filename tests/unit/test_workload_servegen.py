"""ServeGen's laws: what is drawn from them obeys them, and files that mean nothing are refused where they are wrong."""

from __future__ import annotations

import json
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from sbsim.errors import TraceError
from sbsim.scenario import Scenario
from sbsim.seeds import Draws
from sbsim.simulation import replicate
from sbsim.workload import describe, prepare
from sbsim.workload.traces import Trace, read_trace

TOKENS = {
    "text_tokens": "{100: 0.25, 200: 0.75}",
    "image_tokens": "{10: 1.0}",
    "image_count": "{0: 0.5, 2: 0.5}",
    "output_tokens": "{7: 0.5, 9: 0.5}",
}
WINDOWS = "0,2,0.5,Gamma,4,0.125\n600,0,0,,0,0\n1200,4,1.5,Weibull,0.7,0.2\n"


def client(folder: Path, number: int, windows: str = WINDOWS, dataset: object = None) -> Path:
    (folder / f"chunk-{number}-trace.csv").write_text(windows)
    (folder / f"chunk-{number}-dataset.json").write_text(dataset if isinstance(dataset, str) else json.dumps(dataset or {"0": TOKENS}))
    return folder


def drawn(folder: Path, seed: int = 1, **options: object) -> Trace:
    return read_trace(str(folder), format="servegen", draws=Draws(seed, 0), **options)  # type: ignore[arg-type]


def counts(trace: Trace, edges: list[float]) -> list[int]:
    return np.histogram(trace.arrived_at, edges)[0].tolist()


def test_every_window_has_its_rate_and_its_law_of_gaps(tmp_path):
    """Counts within four deviations of rate x time, and gaps of the stated Gamma and Weibull laws (Kolmogorov-Smirnov)."""
    folder = client(tmp_path, 1, "0,20,0.5,Gamma,4,9\n600,0,0,,0,0\n1200,20,1.5,Weibull,0.7,9\n")
    trace = drawn(folder)
    first, silent, last = counts(trace, [0, 600, 1200, 1800])
    assert abs(first - 12_000) < 4 * 0.5 * sqrt(12_000)
    assert silent == 0
    assert abs(last - 12_000) < 4 * 1.46 * sqrt(12_000)
    at = trace.arrived_at
    for part, law in (
        (at[at < 600], stats.gamma(4, scale=1 / 80)),
        (at[at > 1200], stats.weibull_min(0.7, scale=0.05 / stats.weibull_min(0.7).mean())),
    ):
        assert stats.kstest(np.diff(part), law.cdf).pvalue > 0.001


def test_a_bursty_client_keeps_its_mean_rate(tmp_path):
    """The process has run for ever when it begins and no window cuts it; begun anew in each it would bring (cv^2 - 1) / 2 too many each time."""
    folder = client(tmp_path, 1, "".join(f"{600 * k},0.1,5,Gamma,0.04,250\n" for k in range(10)))
    n = [drawn(folder, seed).n for seed in range(200)]
    assert np.mean(n) == pytest.approx(600, abs=4 * np.std(n) / sqrt(len(n)))
    assert 4 * np.std(n) / sqrt(len(n)) < 10 * (5**2 - 1) / 2  # the error that would be caught


def test_histograms_are_drawn_from_and_pictures_count_one_by_one(tmp_path):
    """Text and output by their histograms; the tokens of a picture once for each picture."""
    folder = client(tmp_path, 1, "0,20,1,Gamma,1,1\n")
    trace = drawn(folder)
    wishes = [trace.wishes[k] for k in trace.wish.tolist()]
    seen = {(wish.units_in, wish.n_images) for wish in wishes}
    assert seen == {(100, 0), (200, 0), (120, 2), (220, 2)}
    n = len(wishes)
    for share, expected in (
        (np.mean([wish.units_out == 7 for wish in wishes]), 0.5),
        (np.mean([wish.n_images == 2 for wish in wishes]), 0.5),
        (np.mean([wish.units_in in (100, 120) for wish in wishes]), 0.25),
    ):
        assert abs(share - expected) < 4 * sqrt(expected * (1 - expected) / n)


def test_histograms_change_with_the_time(tmp_path):
    """The latest dataset window that has begun holds; one with an empty histogram is passed over."""
    other = {**TOKENS, "output_tokens": "{1000: 1.0}"}
    folder = client(tmp_path, 1, "0,1,1,Gamma,1,1\n600,1,1,Gamma,1,1\n", {"0": TOKENS, "300": {**TOKENS, "output_tokens": "{}"}, "600": other})
    trace = drawn(folder)
    for at, wish in zip(trace.arrived_at.tolist(), trace.wish.tolist(), strict=True):
        assert (trace.wishes[wish].units_out == 1000) == (at >= 600)


def test_a_draw_belongs_to_a_client_and_a_number(tmp_path):
    """The same seed gives the same history, in any part of it; another client or another seed shifts nobody."""
    folder = client(tmp_path, 3)
    alone = drawn(folder)
    again = drawn(folder)
    assert alone.arrived_at.tolist() == again.arrived_at.tolist()
    assert drawn(folder, 2).arrived_at.tolist() != alone.arrived_at.tolist()
    part = drawn(folder, between=(0.0, 300.0))
    assert part.arrived_at.tolist() == alone.arrived_at[alone.arrived_at < 300].tolist()
    client(folder, 1, "0,5,1,Gamma,1,1\n")
    both = read_trace(str(folder), format="servegen", draws=Draws(1, 0), columns={"tenant": "client"})
    mine = np.array([both.wishes[k].tenant == "3" for k in both.wish.tolist()])
    assert both.arrived_at[mine].tolist() == alone.arrived_at.tolist()


def test_one_file_of_a_client_stands_for_that_client(tmp_path):
    """A path to either file reads that client alone."""
    client(client(tmp_path, 1), 2)
    one = read_trace(str(tmp_path / "chunk-1-trace.csv"), format="servegen")
    assert describe(str(tmp_path), format="servegen").promised["n_clients"] == 2
    assert read_trace(str(tmp_path / "chunk-1-dataset.json"), format="servegen").arrived_at.tolist() == one.arrived_at.tolist()


def test_what_the_files_promise_is_described(tmp_path):
    """Rates over all clients, CVs over all windows in which anything comes."""
    client(client(tmp_path, 1), 2, "0,1,0.25,Gamma,16,1\n600,1,0.25,Gamma,16,1\n1200,1,0.25,Gamma,16,1\n")
    promised = describe(str(tmp_path), format="servegen").promised
    assert promised == {
        "n_clients": 2, "n_windows": 3, "span_s": 1800, "mean_rate_per_s": 3, "peak_rate_per_s": 5, "median_cv": 0.25, "maximum_cv": 1.5,
    }  # fmt: skip


def test_replications_are_fresh_histories(tmp_path):
    """A generator is drawn anew for every replication and seed, so that half-widths speak of traffic too."""
    document = {
        "version": 1, "name": "s", "horizon": "5min",
        "workload": {"source": "trace", "format": "servegen", "path": str(client(tmp_path, 1))},
        "providers": [{"name": "p", "serves": {"content_type": "text"}, "price": {"rates": [{"per": "token_out", "usd": 0.01}]},
                       "latency": {"total": 1}}],
    }  # fmt: skip
    scenario = Scenario.from_mapping(document)
    assert scenario.workload.is_drawn
    histories = [prepare(scenario, seed, replication).arrived_at.tolist() for seed, replication in ((1, 0), (1, 1), (2, 0), (1, 0))]
    assert histories[0] == histories[3]
    assert len({tuple(history) for history in histories}) == 3
    assert max(histories[0]) < 300
    first, second = replicate(scenario, replications=2)
    assert first.kpis["provider_cost_usd"] != second.kpis["provider_cost_usd"]


BROKEN = {
    "no such folder": (None, None, r"gone: cannot be read \(No such file or directory\); a ServeGen trace is a folder"),
    "no client": ("", {}, r"no client; a ServeGen trace is a folder of chunk-N-trace\.csv and chunk-N-dataset\.json"),
    "empty windows": ("", None, r"chunk-1-trace\.csv: the file is empty; it must hold a window a line: start,rate,cv,pattern,shape,scale"),
    "cells": ("0,1,1,Gamma,1\n", None, r"chunk-1-trace\.csv:1: 5 cells; a window has 6: start, rate"),
    "start": ("0,1,1,Gamma,1,1\nsoon,1,1,Gamma,1,1\n", None, r"chunk-1-trace\.csv:2: column 'start': 'soon' is not a number"),
    "order": ("600,1,1,Gamma,1,1\n0,1,1,Gamma,1,1\n", None, r"chunk-1-trace\.csv:2: column 'start': 0 is not after the window before it, 600"),
    "rate": ("0,-1,1,Gamma,1,1\n", None, r"chunk-1-trace\.csv:1: column 'rate': '-1' must be a finite number, 0 or more"),
    "nan": ("0,nan,1,Gamma,1,1\n", None, r"chunk-1-trace\.csv:1: column 'rate': 'nan' must be a finite number"),
    "pattern": ("0,1,1,Pareto,1,1\n", None, r"chunk-1-trace\.csv:1: column 'pattern': 'Pareto' is not one of Gamma, Weibull"),
    "no pattern": ("0,1,1,,1,1\n", None, r"chunk-1-trace\.csv:1: column 'pattern': empty, and the rate is 1; allowed: Gamma, Weibull"),
    "shape": ("0,1,1,Gamma,0,1\n", None, r"chunk-1-trace\.csv:1: column 'shape': 0 must be from 0\.0001 to 1e\+09 for a Gamma law"),
    "silence": ("0,0,0,,0,0\n", None, r"no client has a window with a rate above 0, so nothing ever comes"),
    "too late": ("1e300,1,1,Gamma,1,1\n", None, r"chunk-1-trace\.csv:1: column 'start': 1e300 is later than 1e\+09 s; it must be seconds from"),
    "nearly nothing": ("0,1e-300,1,Gamma,1,1\n", None, r"its laws bring no request in this stretch of time; try a longer one"),
    "endless": ("0,1e12,1,Gamma,1,1\n", None, r"6e\+14 requests are too many to draw; try a part, such as between: \[0h, 1h\]"),
    "no JSON": (WINDOWS, "{", r"chunk-1-dataset\.json:1:2: not JSON"),
    "a list": (WINDOWS, "[1]", r"chunk-1-dataset\.json: no JSON object of windows"),
    "no histogram": (WINDOWS, {"0": {"text_tokens": "5"}}, r"chunk-1-dataset\.json: window '0': text_tokens: 5 is no dict of value -> probability"),
    "code": (WINDOWS, {"0": {"text_tokens": "__import__('os')"}}, r"window '0': text_tokens: .* is no Python dict such as \{136: 0\.25"),
    "odds": (WINDOWS, {"0": {"text_tokens": "{1: 0.5}"}}, r"window '0': text_tokens: its probabilities add up to 0\.5; they must be 0 or more"),
    "negative odds": (WINDOWS, {"0": {"text_tokens": "{1: 1.5, 2: -0.5}"}}, r"its probabilities add up to 1; they must be 0 or more"),
    "negative tokens": (WINDOWS, {"0": {"text_tokens": "{-1: 1.0}"}}, r"its values run from -1 to -1; they must lie between 0"),
    "words": (WINDOWS, {"0": {"text_tokens": "{'a': 1.0}"}}, r"text_tokens: .* must map numbers to probabilities"),
    "nothing asked": (WINDOWS, {"0": {"text_tokens": "{}"}}, r"chunk-1-dataset\.json: every window has an empty histogram"),
    "no number": (WINDOWS, {"a": TOKENS}, r"chunk-1-dataset\.json: window 'a': start: 'a' is not a number"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_files_that_mean_nothing_are_refused_where_they_are_wrong(tmp_path, name):
    """One TraceError of one line: file, line or window, column, what was given and what is allowed."""
    windows, dataset, message = BROKEN[name]
    place = tmp_path / "gone" if windows is None else tmp_path
    if windows is not None and dataset != {}:
        client(tmp_path, 1, windows, dataset)
    with pytest.raises(TraceError, match=message) as found:
        read_trace(str(place), format="servegen")
    assert "\n" not in str(found.value)


def test_a_client_needs_both_files(tmp_path):
    """The missing one is named, with the one that needs it."""
    client(tmp_path, 1)
    (tmp_path / "chunk-1-dataset.json").unlink()
    with pytest.raises(TraceError, match=r"chunk-1-dataset\.json: there is no such file, and chunk-1-trace\.csv needs it"):
        read_trace(str(tmp_path), format="servegen")


def test_bad_windows_are_skipped_and_counted_on_demand(tmp_path):
    """A window that is left out brings nothing, also not to the one before it, and is counted and shown; without any other nothing comes."""
    found = describe(str(client(tmp_path, 1, "0,1,1,Gamma,1,1\n600,x,1,Gamma,1,1\n1200,1,1,Gamma,1,1\n")), format="servegen", on_bad_row="skip")
    assert found.n_skipped_rows == 1
    assert "column 'rate': 'x' is not a number" in found.warnings[0]
    at = drawn(tmp_path, on_bad_row="skip").arrived_at
    assert not ((at > 600) & (at < 1200)).any()
    with pytest.raises(TraceError, match=r"nothing ever comes; 2 bad windows were left out, the first: .*chunk-2-trace\.csv:1: column 'start'"):
        drawn(client(tmp_path, 2, "x,1,1,Gamma,1,1\ny\n") / "chunk-2-trace.csv", on_bad_row="skip")
