"""What figures show is what was measured: every line, bar and point against the history or the evidence that it is made of."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sbsim.errors import OutputError
from sbsim.export import recommend
from sbsim.measure import Counted
from sbsim.recommendation import Recommendation
from sbsim.report import plot_batch_sizes, plot_candidates, plot_history, plot_latencies, plot_timeline, save
from sbsim.report.batch_sizes import edges_up_to, sizes_of
from sbsim.report.candidates import points_of
from sbsim.report.figures import MOST_POINTS, thinned
from sbsim.report.latencies import Delivered, delivered, words
from sbsim.report.timeline import Level, alone, billed, gathering, in_flight, level_between, queue, stretches
from sbsim.scenario import Scenario
from sbsim.simulation import Study, simulate
from tests.shop import ONE_AT_A_TIME, WORKER, shop

CROWDED = {**WORKER, "limits": [{"concurrency": 3, "on_excess": "queue"}], "failures": {"call_error": 0.1}}
PRIORITIES = {"urgent": 0.3, "normal": 0.7}


def crowded(name: str = "shop", *, rate: str = "30/min", **changes: Any) -> Scenario:
    """The shop with two priorities, workers that are all busy at times, and calls that fail."""
    classes = [{"name": "picture", "content_type": "image", "engine": "xl", "priority": PRIORITIES}]
    document = {
        "name": name,
        "workload": {"source": "synthetic", "arrivals": {"process": "poisson", "rate": rate}, "classes": classes},
        "providers": [CROWDED],
        "sla": {"urgent": {"deadline": "40s", "penalty": 0.1}},
        "config": {"batching": {"max_batch_size": 6, "max_wait": "8s"}, "rate_limit": {"concurrency": 20, "batch_pacing_interval": 0}},
    }
    return shop(**{**document, **changes})


@pytest.fixture(scope="module")
def study() -> Study:
    """Two replications of the crowded shop, the first two minutes not counted."""
    return simulate(crowded(warmup="2min"), replications=2)


@pytest.fixture(scope="module")
def history(study: Study) -> Counted:
    """Its first replication in full."""
    return study.history()


@pytest.fixture(scope="module")
def answer() -> Recommendation:
    """What the shop should deploy, with pictures within 45 s."""
    wanted = {"minimise": "total_cost_usd", "subject_to": ["sla_compliance >= 0.95", "p95_latency_s <= 45"]}
    return recommend(shop(objective=wanted), evaluations=24, replications=6)


# -- the history of a study --------------------------------------------------------------------------------------------------
def test_a_history_is_the_replication_that_the_study_measured(study: Study) -> None:
    """Run once more, a replication is counted and costs as it did before."""
    for replication, kept in enumerate(study.replications):
        again = study.history(replication)
        assert again.n == kept.kpis["n_requests"]
        assert float(again.request_nano.sum()) / 1e9 == pytest.approx(kept.kpis["provider_cost_usd"], rel=1e-12)


# -- over time ---------------------------------------------------------------------------------------------------------------
def test_a_level_counts_what_has_begun_and_not_ended() -> None:
    """At every instant the level is the number of intervals [start, end) that hold it; one that takes no time is in none."""
    draws = np.random.default_rng(3)
    start = draws.integers(0, 40, 200).astype(np.float64)
    end = start + draws.integers(0, 9, 200)
    level = level_between(start, end)
    for now in np.arange(-1.0, 51.0, 0.5):
        place = np.searchsorted(level.at, now, side="right") - 1
        assert (level.n[place] if place >= 0 else 0) == np.count_nonzero((start <= now) & (now < end))
    assert np.all(np.diff(level.n) != 0)


def test_stretches_keep_the_mean_and_the_peak() -> None:
    """On a fine grid of instants, mean and highest of every stretch are those of the level; before its first step it is 0."""
    level = Level(np.array([1.0, 2.5, 4.0, 4.25, 7.0]), np.array([2.0, 5.0, 9.0, 1.0, 0.0]))
    edges = np.array([0.0, 2.0, 4.0, 6.0, 8.0])
    fine = np.arange(0.0, 8.0, 0.125)  # every instant of the level lies on it
    values = np.append(0.0, level.n)[np.searchsorted(level.at, fine, side="right")].reshape(4, -1)
    means, peaks = stretches(level, edges)
    np.testing.assert_allclose(means, values.mean(axis=1))
    np.testing.assert_array_equal(peaks, values.max(axis=1))


def test_levels_hold_the_time_that_was_spent(history: Counted) -> None:
    """The area under a level is the sum of what its parts took: calls in flight, requests that wait for company, and for a free worker."""
    log, arrived_at = history.log, history.traffic.arrived_at
    calls, was_ready = log.calls, ~np.isnan(log.ready_at)
    spent = {
        "in flight": (in_flight(history, 0), (calls["answered_at"] - calls["sent_at"]).sum()),
        "gathering": (gathering(history), (log.ready_at - arrived_at[: log.how.size])[was_ready].sum()),
        "queue": (queue(history), (log.sent_at - log.ready_at)[was_ready].sum()),
    }
    for level, seconds in spent.values():
        assert seconds > 0
        assert float(level.n[:-1] @ np.diff(level.at)) == pytest.approx(seconds)
        assert level.n[-1] == 0
    assert spent["in flight"][0].n.max() == 3


def test_dollars_end_at_the_kpis(study: Study, history: Counted) -> None:
    """What was billed comes to provider_cost_usd, what each would have cost alone to individual_cost_usd, warm-up left out of both."""
    kpis = study.replications[0].kpis
    assert billed(history).n[-1] == pytest.approx(kpis["provider_cost_usd"], rel=1e-12)
    assert alone(history).n[-1] == pytest.approx(kpis["individual_cost_usd"], rel=1e-12)
    assert alone(history).at[0] >= 120


def test_the_timeline_draws_what_happened(history: Counted) -> None:
    """Four panels with their units; the lines are the levels, the warm-up is marked, and the limit that was reached is a line."""
    arrivals, flight, waiting, money = plot_timeline(history).axes
    assert [axes.get_ylabel() for axes in (arrivals, flight, waiting, money)] == [
        "per minute",
        "calls in flight",
        "requests waiting",
        "dollars so far",
    ]
    assert money.get_xlabel() == "time (min)"
    workers, limit = flight.lines
    level = in_flight(history, 0)
    np.testing.assert_allclose(workers.get_xdata() * 60, level.at)
    np.testing.assert_array_equal(workers.get_ydata(), level.n)
    assert workers.get_drawstyle() == "steps-post"
    assert (limit.get_label(), limit.get_ydata()[0]) == ("at most 3", 3)
    for line, total in zip(money.lines, (alone(history), billed(history)), strict=True):
        np.testing.assert_allclose(line.get_xdata() * 60, total.at)
        np.testing.assert_array_equal(line.get_ydata(), total.n)
    counts, edges = arrivals.patches[0].get_data()[:2]
    assert float(counts @ np.diff(edges)) == pytest.approx(history.traffic.n)  # requests per minute x minutes
    assert all(axes.patches[-1].get_width() == pytest.approx(2.0) for axes in (arrivals, flight, waiting, money))


def test_many_steps_become_means_and_peaks() -> None:
    """Where a level changes too often to be seen, its line is the mean of each stretch and the area its peak."""
    busy = simulate(crowded(horizon="2h"), replications=1).history()
    level = in_flight(busy, 0)
    assert level.at.size > 400
    peaks, means = (patch.get_data() for patch in plot_timeline(busy).axes[1].patches)
    mean, peak = stretches(level, means.edges * 3600)
    np.testing.assert_allclose(means.values, mean)
    np.testing.assert_array_equal(peaks.values, peak)


def test_lanes_are_told_apart() -> None:
    """Each lane has its own line of calls in flight and its own bars; an idle one says so and has no bars."""
    classes = [{"name": kind, "content_type": kind, "engine": "xl"} for kind in ("image", "text")]
    workload = {"source": "synthetic", "arrivals": {"process": "poisson", "rate": "30/min"}, "classes": classes}
    texts, idle = ({**ONE_AT_A_TIME, "name": name, "serves": {"content_type": kind}} for name, kind in (("texts", "text"), ("idle", "audio")))
    both = simulate(crowded(workload=workload, providers=[CROWDED, texts, idle]), replications=1).history()
    lane = both.log.calls["lane"]
    for k in (0, 1):
        calls = {name: column[lane == k] for name, column in both.log.calls.items()}
        level = in_flight(both, k)
        assert float(level.n[:-1] @ np.diff(level.at)) == pytest.approx((calls["answered_at"] - calls["sent_at"]).sum())
        assert sizes_of(both, k, edges_up_to(6)).n_calls.sum() == pytest.approx(np.count_nonzero(calls["is_first"]))
    labels = [line.get_label() for line in plot_timeline(both).axes[1].lines]
    assert [label for label in labels if not label.startswith("at most")] == ["workers", "texts", "idle: none"]
    assert [text.get_text() for text in plot_batch_sizes(both).axes[0].get_legend().texts] == ["workers", "texts"]


# -- latencies ---------------------------------------------------------------------------------------------------------------
def test_latencies_are_drawn_by_priority_beside_their_deadlines(study: Study, history: Counted) -> None:
    """A line a priority that holds its latencies; the deadline is where it was promised, and the legend says the share in time, the KPI."""
    axes = plot_latencies(history).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("latency (s), deadlines dashed", "share of requests delivered within")
    urgent, deadline, normal = axes.lines
    for line, urgency in ((urgent, 1), (normal, 2)):
        latency_s = history.latencies(urgency)
        np.testing.assert_array_equal(line.get_xdata(), latency_s)
        np.testing.assert_allclose(line.get_ydata(), np.arange(1, latency_s.size + 1) / np.count_nonzero(history.urgency == urgency))
    assert set(deadline.get_xdata()) == {40.0}
    in_time = study.replications[0].kpis["sla_compliance_urgent"]
    assert in_time is not None
    assert 0.2 < in_time < 0.98
    assert urgent.get_label() == f"urgent: {in_time:.1%} of {np.count_nonzero(history.urgency == 1)}, within 40s"
    assert normal.get_label().endswith(", no deadline")


def test_what_was_not_delivered_keeps_a_line_below_one(study: Study) -> None:
    """Failed requests count in the share's denominator."""
    doomed = study.scenario.with_values({"config.retry.max_attempts": 1})
    found = delivered(simulate(doomed, replications=1).history(), 2)
    assert found is not None
    assert found.share[-1] < 0.97


def test_deadlines_of_their_own_are_no_line(study: Study) -> None:
    """Where requests of a priority bring different deadlines, no single one is drawn, and the legend says so."""
    history = study.history()
    history.deadline_at = history.deadline_at + np.arange(history.n)
    urgent, normal = plot_latencies(history).axes[0].lines
    assert urgent.get_label().endswith(", each by its own deadline")
    assert normal.get_label().endswith(", no deadline")


def test_nearly_all_is_not_all() -> None:
    """One late request of ten thousand does not read 100.0 %."""
    nothing = np.zeros(0)
    assert words(Delivered(nothing, nothing, 10_000, 0.9999, 60.0)) == "over 99.9% of 10,000, within 60s"
    assert words(Delivered(nothing, nothing, 10_000, 1.0, 60.0)) == "100.0% of 10,000, within 60s"


# -- batch sizes -------------------------------------------------------------------------------------------------------------
def test_bars_are_calls_and_points_are_dollars_an_item(study: Study, history: Counted) -> None:
    """Bars come to the average call size, points times items made to the provider's bill; both are drawn at the size that they are of."""
    kpis = study.replications[0].kpis
    edges = edges_up_to(6)
    found = sizes_of(history, 0, edges)
    size = np.arange(1, 7)
    assert found.n_calls @ size / found.n_calls.sum() == pytest.approx(kpis["average_call_size"])
    calls, cost = plot_batch_sizes(history).axes
    bars = [(bar.get_x() + bar.get_width() / 2, bar.get_height()) for bar in calls.patches]
    np.testing.assert_allclose(bars, list(zip(size, found.n_calls, strict=True)))
    points, individual = cost.lines
    has_any = ~np.isnan(found.item_usd)
    np.testing.assert_allclose(points.get_xdata(), size[has_any])
    np.testing.assert_array_equal(points.get_ydata(), found.item_usd[has_any])
    log = history.log
    made = np.bincount(log.calls["n_items"], weights=history.call_share * (log.calls["error"] == 0), minlength=7)[1:] * size
    assert float(np.nansum(found.item_usd * made)) == pytest.approx(kpis["provider_cost_usd"])
    assert individual.get_ydata()[0] == pytest.approx(0.021, rel=0.05)  # 20 s of set-up and one of work, at $0.001 a second
    assert (calls.get_ylabel(), cost.get_xlabel(), cost.get_ylabel()) == ("calls", "items of a call", "dollars an item")


@pytest.mark.parametrize("most", [1, 2, 40, 41, 1000, 50_000])
def test_every_size_has_one_bar(most: int) -> None:
    """Bars follow one another and cover 1 to the largest size, at most 40 of them."""
    edges = edges_up_to(most)
    assert np.all(np.diff(edges) >= 1)
    assert (edges[0], edges[-1]) == (0.5, most + 0.5)
    assert edges.size <= 41


# -- candidates --------------------------------------------------------------------------------------------------------------
def test_every_candidate_is_drawn_once_where_it_was_measured(answer: Recommendation) -> None:
    """Clouds, finalists and marks together are the candidates of the evidence, each at its KPIs, eligible or not as the evidence says."""
    axes = plot_candidates(answer.evidence).axes[0]
    drawn = {line.get_label(): line for line in axes.lines if line.get_label() != "p95_latency_s <= 45"}
    shown = [container for container in axes.containers if container.get_label()]
    places = [line.get_xydata() for line in (*drawn.values(), *(container[0] for container in shown)) if line.get_marker() not in ("None", "|", "_")]
    candidates = answer.evidence["candidates"]
    assert len(np.unique(np.concatenate(places), axis=0)) == len({_place(one) for one in candidates})
    missing = drawn["misses a constraint, or saturated"].get_xydata()
    assert sorted(map(tuple, missing)) == sorted(_place(one) for one in candidates if "selection" not in one and not one["search"]["eligible"])
    assert len(missing) > 0
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("p95_latency_s (s)", "total_cost_usd (dollars)")


def test_today_and_the_recommended_are_the_reported(answer: Recommendation) -> None:
    """The marks stand, with their intervals, where the recommendation's table says; the constraint is a line at its bound."""
    points = points_of(answer.evidence)
    assert points.today is not None
    assert points.recommended is not None
    assert (points.today.x, points.today.y) == tuple(answer.baseline_kpis[kpi] for kpi in ("p95_latency_s", "total_cost_usd"))
    assert (points.recommended.x, points.recommended.y) == tuple(answer.recommended.kpis[kpi] for kpi in ("p95_latency_s", "total_cost_usd"))
    axes = plot_candidates(answer.evidence).axes[0]
    star = next(one for one in axes.containers if one.get_label() == "recommended")
    assert star[0].get_xydata().tolist() == [[points.recommended.x.mean, points.recommended.y.mean]]
    (low, high), _ = (bar.get_segments()[0][:, axis] for axis, bar in enumerate(star[2]))
    assert (high - low) / 2 == pytest.approx(points.recommended.x.half_width)
    line = next(one for one in axes.lines if one.get_label() == "p95_latency_s <= 45")
    assert set(line.get_xdata()) == {45.0}


def test_evidence_on_disk_draws_the_same(answer: Recommendation, tmp_path: Path) -> None:
    """The document of an evidence.json makes the picture of the answer itself, to the byte."""
    read = json.loads(json.dumps(answer.evidence))
    files = [save(plot_candidates(evidence), tmp_path / f"{k}.svg") for k, evidence in enumerate((answer.evidence, read))]
    assert files[0].read_bytes() == files[1].read_bytes()


def _estimates(cost: float, latency: float | None, *, eligible: bool = True) -> dict[str, Any]:
    kpis = {"total_cost_usd": cost, "p95_latency_s": latency}
    estimates = {name: {"mean": mean, "half_width": None if mean is None else 0.1, "n": 3} for name, mean in kpis.items()}
    return {"runs": 3, "saturated": 0, "eligible": eligible, "kpis": estimates}


def _evidence(verdict: str, *, trace: bool = False) -> dict[str, Any]:
    """Six candidates: today's, the choice, a finalist, one of the search alone, one without a latency, one that was refused."""
    fresh = {"search": _estimates(9.0, 9.0), "selection": _estimates(5.0, 50.0), "report": _estimates(6.0, 60.0)}
    return {
        "scenario": {"name": "s"},
        "trace": {"path": "t.csv"} if trace else None,
        "objective": {"minimise": "total_cost_usd", "subject_to": ["sla_compliance >= 0.9"]},
        "verdict": verdict,
        "baseline": {"a": 1},
        "choice": {"a": 2},
        "candidates": [
            {"values": {"a": 1}, **fresh},
            {"values": {"a": 2}, **fresh},
            {"values": {"a": 3}, "search": _estimates(7.0, 7.0), "selection": _estimates(8.0, 80.0, eligible=False)},
            {"values": {"a": 4}, "search": _estimates(3.0, 300.0, eligible=False)},
            {"values": {"a": 5}, "search": _estimates(4.0, None)},
            {"values": {"a": 6}, "refused": "because"},
        ],
    }


@pytest.mark.parametrize(("trace", "cost"), [(False, 6.0), (True, 5.0)])
def test_marks_are_of_the_report_unless_it_is_on_other_traffic(trace: bool, cost: float) -> None:
    """A trace's report is on its last third, whose dollars are no neighbours of the others': there the marks are the selection's."""
    points = points_of(_evidence("deploy", trace=trace))
    assert points.today is not None
    assert points.recommended is not None
    assert (points.today.y.mean, points.recommended.y.mean) == (cost, cost)


def test_finalists_missing_values_and_refusals_are_told_apart() -> None:
    """Finalists stand where fresh seeds put them, what has no latency is counted in the title, and without a constraint on it the latency is p95."""
    evidence = _evidence("deploy")
    points = points_of(evidence)
    assert (points.x_kpi, points.n_left_out) == ("p95_latency_s", 2)
    assert [(one.y.mean, one.is_eligible) for one in points.finalists] == [(8.0, False)]
    assert [(one.y.mean, one.is_eligible) for one in points.others] == [(3.0, False)]
    assert plot_candidates(evidence).axes[0].get_title() == "s: 6 candidates, 2 of them without a value; verdict: deploy"


@pytest.mark.parametrize(("verdict", "label"), [("deploy", "recommended"), ("infeasible", "the nearest miss"), ("keep", None)])
def test_the_mark_says_what_the_verdict_makes_of_the_choice(verdict: str, label: str | None) -> None:
    """A choice is recommended, or only the nearest miss; with keep it is a finalist among others and today's settings alone are marked."""
    labels = [one.get_label() for one in plot_candidates(_evidence(verdict)).axes[0].containers]
    assert [one for one in labels if one in ("recommended", "the nearest miss")] == ([] if label is None else [label])
    assert "today" in labels
    assert ("finalist, on fresh seeds" in labels) == (verdict == "keep")


# -- all of them -------------------------------------------------------------------------------------------------------------
def test_the_same_run_is_the_same_file(study: Study, tmp_path: Path) -> None:
    """Every kind of file holds the same bytes for the same run: no date, no chance, no version of a program."""
    for kind in ("svg", "png", "pdf"):
        one, two = (save(plot_latencies(study.history()), tmp_path / f"{name}.{kind}").read_bytes() for name in ("one", "two"))
        assert one == two
    text = (tmp_path / "one.svg").read_text()
    assert "dc:date" not in text


def test_a_name_that_cannot_be_is_refused(history: Counted, tmp_path: Path) -> None:
    """The message says which endings there are; nothing is written."""
    with pytest.raises(OutputError, match=r"x\.gif: a figure's name must end in \.png, \.svg, \.pdf; try .*x\.png"):
        save(plot_latencies(history), tmp_path / "x.gif")
    assert list(tmp_path.iterdir()) == []


def test_names_are_drawn_as_they_stand(tmp_path: Path) -> None:
    """Dollar signs in names are no formula."""
    provider = {**CROWDED, "name": "p$1^$"}
    figure = plot_history(simulate(crowded("x $a_b$", providers=[provider], horizon="1min"), replications=1).history())
    save(figure, tmp_path / "x.png")  # mathtext would complain of what it cannot parse
    assert r"x \$a_b\$" in figure.subfigs[0].get_suptitle()


@pytest.mark.parametrize("rate", ["1/h", "10/h"])
def test_hardly_any_traffic_is_drawn_too(rate: str, tmp_path: Path) -> None:
    """No request, or one or two, make a picture that is mostly empty, and no complaint."""
    save(plot_history(simulate(crowded(rate=rate), replications=1).history()), tmp_path / "x.png")


def test_long_lines_are_thinned_with_their_ends() -> None:
    """First and last stay, and there are no more points than can be seen."""
    for n in (0, 1, MOST_POINTS, 10**6):
        places = thinned(n)
        assert places.size == min(n, MOST_POINTS)
        assert n == 0 or (places[0], places[-1]) == (0, n - 1)


def test_figures_load_matplotlib_when_asked_for_and_pyplot_never() -> None:
    """A command without a figure does not wait for matplotlib, and no figure touches pyplot's global state."""
    code = """
import sys
import sbsim.report
sbsim.report.__all__, dir(sbsim.report)
print("matplotlib" in sys.modules, end=" ")
from sbsim import simulate
from sbsim.report import plot_history
plot_history(simulate("quickstart", replications=1).history())
print("matplotlib" in sys.modules, "matplotlib.pyplot" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["False", "True", "False"]


def _place(candidate: dict[str, Any]) -> tuple[float, float]:
    """Where a candidate is drawn: on the freshest seeds that it was run on."""
    kpis = next(candidate[stream] for stream in ("report", "selection", "search") if stream in candidate)["kpis"]
    return kpis["p95_latency_s"]["mean"], kpis["total_cost_usd"]["mean"]
