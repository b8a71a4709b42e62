"""Every KPI twice: the vectorised table against a second implementation that walks over requests and calls one by one, on random logs."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from itertools import combinations, pairwise
from math import inf, isnan, nan
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sbsim.components.similarity import Similarity
from sbsim.config import Config
from sbsim.measure import KPIS, Counted, kpi_values
from sbsim.pricing import split
from sbsim.records import (
    CANCELLED,
    CDN,
    FAILED,
    JOINED,
    MEMORY,
    NEAR,
    PENDING,
    PRIORITIES,
    REDIS,
    REFUSED,
    SERVED,
    Content,
    Facts,
)
from sbsim.scenario import load
from sbsim.simulation import run

SMALL = ["requests=400", "workload.tenants.count=2"]
STUDIES = {
    "steady, past the horizon": ["study=steady"],
    "terminating": ["study=terminating", "providers[0].failures.call_error=0.2"],
    "scarce": ["rate_limit.max_requests=4", "rate_limit.time_window=60s", "queue.max_pending=20", "drain_limit=5min"],
    "budgeted": ["budget.limit=0.2", "budget.window=5min"],
}
ERRORS = ["", "transient", "rate_limited", "timed_out"]
RESOLUTIONS = ("1280x720", "1920x1080", "3840x2160")
STYLES = ("calm", "loud")
HITS = (MEMORY, REDIS, CDN)
DELIVERED = (*HITS, NEAR, JOINED, SERVED)
CALL_KINDS = {"is_first": bool, "is_late": bool, "sent_at": float, "answered_at": float}


def random_run(seed: int) -> tuple[Any, Any, Any]:
    """A run and its scenario, of no plausible history but with every column filled; and which requests were wrongly reused."""
    source = np.random.default_rng(seed)
    n, beyond = int(source.integers(0, 120)), int(source.integers(0, 20))
    total = n + beyond
    shapes = [(resolution, (("mood", style),)) for resolution in RESOLUTIONS for style in STYLES]
    contents = []
    for serial in range(30):
        shape = int(source.integers(len(shapes)))
        facts = Facts("video", "e", shapes[shape][0], float(source.choice([0.0, 0.5, 4.0, 8.5])), shapes[shape][1])
        contents.append(Content(serial, serial, serial, facts, 0, shape, (), int(source.integers(0, 10**10))))
    arrived_at = np.sort(source.uniform(0, 100, total).round(1))
    urgency = source.integers(1, 4, total).astype(np.int8)
    deadline_at = np.where(source.random(total) < 0.2, inf, arrived_at + source.choice([0.0, 5.0, 30.0], total))
    how = source.choice(10, total).astype(np.int8)
    ended = how != PENDING
    sent = source.random(total) < 0.6
    ready_at = np.where(sent | (source.random(total) < 0.3), arrived_at + source.exponential(5, total), nan)
    sent_at = np.where(sent, ready_at + source.exponential(5, total), nan)
    done_at = np.where(ended, np.where(sent, sent_at, arrived_at) + source.exponential(10, total).round(1), nan)

    rows: list[dict[str, Any]] = []
    items: dict[str, list[int]] = defaultdict(list)
    for serial in range(int(source.integers(0, 60)) if total else 0):
        size = int(source.integers(1, min(8, total) + 1))
        attempt = int(source.integers(1, 4))
        sent_call = float(source.uniform(0, 130))
        parts = source.integers(0, 10**9, size) * source.integers(0, 2)
        bill = int(source.integers(0, 10**11)) * int(source.integers(0, 2))
        rows.append({
            "serial": serial, "lane": int(source.integers(2)), "batch": int(source.integers(20)), "m": int(source.integers(5)), "attempt": attempt,
            "is_first": attempt == 1, "n_items": size, "sent_at": sent_call, "bill_nano": bill, "fixed_nano": bill // int(source.integers(1, 4)),
            "answered_at": nan if source.random() < 0.1 else sent_call + float(source.exponential(10)), "error": int(source.integers(len(ERRORS))),
            "n_polls": int(source.integers(4)), "is_late": bool(source.random() < 0.2),
        })  # fmt: skip
        for payer, part in zip(source.permutation(total)[:size].tolist(), parts.tolist(), strict=True):
            items["item_call"].append(serial)
            items["item_payer"].append(payer)
            items["item_content"].append(int(source.integers(len(contents))))
            items["item_part_nano"].append(part)
    names = (
        "serial",
        "lane",
        "batch",
        "m",
        "attempt",
        "is_first",
        "n_items",
        "sent_at",
        "answered_at",
        "bill_nano",
        "fixed_nano",
        "error",
        "n_polls",
        "is_late",
    )
    call = source.integers(0, len(rows), total) if rows else np.full(total, -1)
    log = SimpleNamespace(
        how=how, done_at=done_at, ready_at=ready_at, sent_at=sent_at, call=np.where(how == SERVED, call, -1), errors=ERRORS, ended_at=140.0,
        calls={name: np.array([row[name] for row in rows], dtype=CALL_KINDS.get(name, np.int64)) for name in names},
        **{name: np.array(items[name], dtype=np.int64) for name in ("item_call", "item_payer", "item_content", "item_part_nano")},
        **random_tiers(source, total),
    )  # fmt: skip
    traffic = SimpleNamespace(
        n=n, arrived_at=arrived_at, deadline_at=deadline_at, urgency=urgency, contents=contents, shapes=shapes,
        intent=[], knows_intent=False, horizon_at=float(source.uniform(50, 100)), epoch_at=float(source.choice([0.0, 1.7e9])),
        content_index=source.integers(0, len(contents), total), job_index=source.integers(-1, 4, total),
    )  # fmt: skip
    return SimpleNamespace(prepared=traffic, log=log), random_scenario(source), (how == NEAR) & (source.random(total) < 0.5)


def random_tiers(source: np.random.Generator, total: int) -> dict[str, Any]:
    """What was asked of two lower tiers, and what they held."""
    n_asked = int(source.integers(0, 30))
    held = []
    for _ in range(2):
        since = np.concatenate([[0.0], np.sort(source.uniform(0, 150, int(source.integers(0, 6))))])
        held.append((since, source.integers(0, 10**12, len(since)).astype(np.float64)))
    return {"tier_asked": source.integers(0, 2, n_asked), "tier_payer": source.integers(0, total, n_asked), "tier_held": held}


def random_scenario(source: np.random.Generator) -> SimpleNamespace:
    """Providers, promises and settings, each with and without the optional ones."""
    maybe = lambda value: None if source.random() < 0.5 else value  # noqa: E731 - a word for a coin
    sla = {
        urgency: SimpleNamespace(deadline=30.0, penalty=0.25, penalty_per_minute=0.1, lost=maybe(7.0), false_reuse_cost=maybe(3.0))
        for urgency in (1, 2, 3)
        if source.random() < 0.8
    }
    limits = [SimpleNamespace(unit="calls", n=5), *[SimpleNamespace(unit="concurrency", n=n) for n in source.integers(1, 5, source.integers(0, 3))]]
    prices = ((0.0, SimpleNamespace(plan=None)),)
    its_limits = [SimpleNamespace(unit="concurrency", n=3)] if source.random() < 0.5 else []
    providers = (SimpleNamespace(limits=limits, prices=prices), SimpleNamespace(limits=its_limits, prices=prices))
    widths, kinds = ([10.0, 60.0, 480.0], ["rolling", "00:00 UTC", "00:01 UTC"])
    more = [{"limit": 300.0, "window": float(source.choice(widths)), "resets": str(source.choice(kinds))} for _ in range(source.integers(0, 3))]
    one = {"budget.limit": maybe(250.0), "budget.window": float(source.choice(widths)), "budget.resets": str(source.choice(kinds))}
    config = Config().with_values({**one, "budget.windows": more})
    config = config.with_values({"cache.redis_url": "${REDIS}", "cache.cdn_url": "${CDN}"})
    tier = lambda: SimpleNamespace(per_gb_month=float(source.choice([0.0, 0.2, 30.0])), per_request=float(source.choice([0.0, 1e-5])))  # noqa: E731
    return SimpleNamespace(sla=sla, providers=providers, config=config, tiers=SimpleNamespace(redis=tier(), cdn=tier()))


class OneByOne:
    """The second implementation. Nothing is shared with the first but the rule that splits one bill, which is tested where it lives."""

    def __init__(self, run: Any, scenario: Any, start_at: float, is_wrong: Any) -> None:
        self.traffic, self.log, self.scenario, self.start_at = run.prepared, run.log, scenario, start_at
        self.is_wrong = is_wrong
        self.counted = [k for k in range(self.traffic.n) if self.traffic.arrived_at[k] >= start_at]
        self.end_at = self.traffic.horizon_at
        names = list(self.log.calls)
        self.calls = [dict(zip(names, values, strict=True)) for values in zip(*(self.log.calls[name].tolist() for name in names), strict=True)]
        for call in self.calls:
            call["items"] = []
        for row, call in enumerate(self.log.item_call.tolist()):
            self.calls[call]["items"].append(row)
        self.paid: dict[int, int] = defaultdict(int)
        for call in self.calls:
            payers = [int(self.log.item_payer[row]) for row in call["items"]]
            parts = [int(self.log.item_part_nano[row]) for row in call["items"]]
            for payer, nano in zip(payers, split(call["bill_nano"], call["fixed_nano"], parts, payers), strict=True):
                self.paid[payer] += nano
            call["share"] = Fraction(sum(payer in self.counted for payer in payers), len(payers))

    def how(self, *codes: int) -> list[int]:
        return [k for k in self.counted if self.log.how[k] in codes]

    def list_price(self, k: int) -> int:
        return int(self.traffic.contents[self.traffic.content_index[k]].individual_nano)

    def shares(self, *, where: Any = lambda call: True, weigh: Any = lambda call: 1) -> Fraction:
        return sum((call["share"] * weigh(call) for call in self.calls if where(call)), Fraction(0))

    def penalties(self) -> tuple[int, int]:
        """Nano-dollars of penalties and of wrong reuses."""
        penalty = wrong = 0
        for k in self.counted:
            sla = self.scenario.sla.get(int(self.traffic.urgency[k]))
            flat = 0 if sla is None else round(sla.penalty * 1e9)
            if self.log.how[k] in DELIVERED and self.log.done_at[k] > self.traffic.deadline_at[k] and sla is not None:
                penalty += flat + round(sla.penalty_per_minute * 1e9 * ((self.log.done_at[k] - self.traffic.deadline_at[k]) / 60))
            if self.log.how[k] in (FAILED, REFUSED, PENDING):
                penalty += 2 * self.list_price(k) + flat if sla is None or sla.lost is None else round(sla.lost * 1e9)
            if self.is_wrong[k]:
                wrong += self.list_price(k) + flat if sla is None or sla.false_reuse_cost is None else round(sla.false_reuse_cost * 1e9)
        return penalty, wrong

    def tiers(self) -> int:
        """Nano-dollars of fees and rent."""
        total = 0
        specs = (self.scenario.tiers.redis, self.scenario.tiers.cdn)
        for tier, payer in zip(self.log.tier_asked.tolist(), self.log.tier_payer.tolist(), strict=True):
            total += round(specs[tier].per_request * 1e9) if payer in self.counted else 0
        for spec, (since, held) in zip(specs, self.log.tier_held, strict=False):
            ends = [*since[1:].tolist(), 1e9]
            byte_s = 0.0
            for start, end, n_bytes in zip(since.tolist(), ends, held.tolist(), strict=True):
                byte_s += n_bytes * max(0.0, min(end, self.end_at) - max(start, self.start_at))
            total += round(byte_s / 1e9 * spec.per_gb_month * 1e9 / (30 * 24 * 3600))
        return total

    def money(self) -> dict[str, Any]:
        provider, tiers = sum(self.paid[k] for k in self.counted), self.tiers()
        penalty, wrong = self.penalties()
        total, individual = provider + tiers + penalty + wrong, sum(self.list_price(k) for k in self.counted)
        seconds = sum(self.traffic.contents[self.traffic.content_index[k]].duration_s for k in self.how(*DELIVERED))
        n_jobs = len({int(self.traffic.job_index[k]) for k in self.counted} - {-1})
        return {
            "provider_cost_usd": provider / 1e9, "uncounted_cost_usd": (sum(self.paid.values()) - provider) / 1e9, "tier_cost_usd": tiers / 1e9,
            "penalty_cost_usd": penalty / 1e9, "false_reuse_cost_usd": wrong / 1e9, "total_cost_usd": total / 1e9,
            "individual_cost_usd": individual / 1e9, "savings_usd": (individual - total) / 1e9,
            "savings_fraction": over(individual - total, individual), "output_minutes": seconds / 60, "n_jobs": n_jobs,
            "cost_per_request_usd": over(total / 1e9, len(self.counted)),
            "cost_per_output_minute_usd": over(total / 1e9, seconds / 60), "cost_per_job_usd": over(total / 1e9, n_jobs),
        }  # fmt: skip

    def outcomes(self) -> dict[str, Any]:
        n, of = len(self.counted), lambda *codes: len(self.how(*codes))
        return {
            "n_requests": n, "n_delivered": of(*DELIVERED), "n_exact_hits": of(*HITS), "n_near_duplicate_hits": of(NEAR), "n_coalesced": of(JOINED),
            "n_provider_served": of(SERVED), "n_failed": of(FAILED), "n_refused": of(REFUSED), "n_cancelled": of(CANCELLED), "n_pending": of(PENDING),
            "cache_hit_ratio": over(of(*HITS), n), "cache_hit_ratio_memory": over(of(MEMORY), n), "cache_hit_ratio_redis": over(of(REDIS), n),
            "cache_hit_ratio_cdn": over(of(CDN), n), "near_duplicate_hit_ratio": over(of(NEAR), n), "coalesced_ratio": over(of(JOINED), n),
            "n_false_reuses": sum(bool(self.is_wrong[k]) for k in self.counted),
            "false_reuse_ratio": over(sum(bool(self.is_wrong[k]) for k in self.how(NEAR)), of(NEAR)), "error_rate": over(of(FAILED, REFUSED), n),
        }  # fmt: skip

    def layer(self) -> dict[str, Any]:
        served = self.how(SERVED)
        batches = defaultdict(list)
        for call in self.calls:
            if call["attempt"] == 1:
                batches[call["batch"]] += call["items"]
        n_items = sum(int(self.log.item_payer[row]) in self.counted for rows in batches.values() for row in rows)
        weight = {b: Fraction(sum(int(self.log.item_payer[row]) in self.counted for row in rows), len(rows)) for b, rows in batches.items()}
        similarity = Similarity(list(self.traffic.shapes), self.scenario.config.similarity, self.scenario.config.batching.similarity_threshold)
        likeness = {}
        for b, rows in batches.items():
            contents = [self.traffic.contents[self.log.item_content[row]] for row in rows]
            scores = [similarity.score(x.shape, x.duration_s, y.shape, y.duration_s) for x, y in combinations(contents, 2)]
            if scores and weight[b]:
                likeness[b] = sum(scores) / len(scores)
        n_calls = self.shares()
        return {
            "n_calls": n_calls, "n_retries": self.shares(where=lambda c: c["attempt"] > 1), "n_polls": self.shares(weigh=lambda c: c["n_polls"]),
            "retry_amplification": over(n_calls, self.shares(where=lambda c: c["is_first"])),
            "n_rate_limited": self.shares(where=lambda c: ERRORS[c["error"]] == "rate_limited"), 
            "n_in_doubt": self.shares(where=lambda c: c["is_late"]), "n_double_billed": self.billed_twice(),
            "api_call_reduction": 1 - n_calls / len(self.counted) if self.counted else None,
            "batching_efficiency": over(sum(self.calls[self.log.call[k]]["n_items"] >= 2 for k in served if self.log.call[k] >= 0), len(served)),
            "average_batch_size": over(n_items, sum(weight.values())),
            "average_call_size": over(n_items, self.shares(where=lambda c: c["attempt"] == 1)),
            "mean_similarity": over(sum(float(weight[b]) * s for b, s in likeness.items()), float(sum(weight[b] for b in likeness))),
            "attempt_error_rate": over(self.shares(where=lambda c: c["error"] > 0), n_calls),
        }  # fmt: skip

    def billed_twice(self) -> float:
        rows = [(self.calls[k], payer) for k, payer in zip(self.log.item_call, self.log.item_payer, strict=True)]
        doubtful = [(call["serial"], payer) for call, payer in rows if call["is_late"] and call["bill_nano"] > 0]
        return sum(
            1 / call["n_items"]
            for call, payer in rows
            if payer in self.counted and call["bill_nano"] > 0 and any(other == payer and serial < call["serial"] for serial, other in doubtful)
        )

    def times(self) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for suffix, urgency in {"": None, **{f"_{name}": number for name, number in PRIORITIES.items()}}.items():
            mine = [k for k in self.counted if urgency is None or self.traffic.urgency[k] == urgency]
            arrived = self.traffic.arrived_at
            latency = sorted(self.log.done_at[k] - arrived[k] for k in mine if self.log.how[k] in DELIVERED)
            wait = sorted(self.log.sent_at[k] - arrived[k] for k in mine if not isnan(self.log.sent_at[k]))
            out[f"mean_latency_s{suffix}"] = over(sum(latency), len(latency))
            for percent in (50, 95, 99):
                out[f"p{percent}_latency_s{suffix}"] = order_statistic(latency, percent)
            out[f"mean_wait_s{suffix}"] = over(sum(wait), len(wait))
            out[f"p95_wait_s{suffix}"] = order_statistic(wait, 95)
            kept = [k for k in mine if self.log.how[k] in DELIVERED and self.log.done_at[k] <= self.traffic.deadline_at[k] and not self.is_wrong[k]]
            out[f"sla_compliance{suffix}"] = over(len(kept), len(mine))
        return out

    def budget_utilisation(self) -> float | None:
        """Every window of every budget, one by one: rolling ones that end at a call or at the start, calendar ones from reset to reset."""
        budget, shares = self.scenario.config.budget, []
        first = [] if budget.limit is None else [(budget.limit, budget.window, budget.resets)]
        for limit, width, resets in first + [(each.limit, each.window, each.resets) for each in budget.windows]:
            if resets == "rolling":
                ends = [self.start_at, *(c["sent_at"] for c in self.calls if self.start_at <= c["sent_at"] < self.end_at + width)]
                spans = [(lambda at, t=t, width=width: at <= t < at + width) for t in ends]
            else:
                wall_at = 60.0 * int(resets[3:5]) - self.traffic.epoch_at
                begin_at = wall_at + width * ((self.start_at - wall_at) // width)
                starts = [begin_at + k * width for k in range(100) if begin_at + k * width < self.end_at]
                spans = [(lambda at, t=t, width=width: t <= at < t + width) for t in starts]
            shares += [sum(c["bill_nano"] for c in self.calls if holds(c["sent_at"])) / 1e9 / limit for holds in spans]
        return max(shares, default=None)

    def capacity(self, is_saturated: bool) -> dict[str, Any]:
        period = self.end_at - self.start_at
        done = [self.log.done_at[k] for k in range(len(self.log.how)) if self.log.how[k] in DELIVERED]
        half = (self.start_at + self.end_at) / 2
        slots = [min((limit.n for limit in provider.limits if limit.unit == "concurrency"), default=0) for provider in self.scenario.providers]
        held = 0.0
        for c in self.calls:
            if slots[c["lane"]] and ERRORS[c["error"]] != "rate_limited":
                until = self.log.ended_at if isnan(c["answered_at"]) else c["answered_at"]
                held += max(0.0, min(until, self.end_at) - max(c["sent_at"], self.start_at))
        return {
            "budget_utilisation": self.budget_utilisation(),
            "throughput_per_s": over(sum(self.start_at <= at <= self.end_at for at in done), period),
            "capacity_per_s": over(sum(half <= at <= self.end_at for at in done), period / 2) if is_saturated else None,
            "provider_utilisation": over(held, sum(slots) * period),
        }

    def all(self, is_saturated: bool) -> dict[str, Any]:
        return {**self.money(), **self.outcomes(), **self.layer(), **self.times(), **self.capacity(is_saturated)}


def over(numerator: Any, denominator: Any) -> Any:
    return numerator / denominator if denominator else None


def order_statistic(ordered: list[float], percent: int) -> float | None:
    """The smallest value that at least `percent` % of the values do not exceed."""
    return next((x for i, x in enumerate(ordered, 1) if 100 * i >= percent * len(ordered)), None)


@pytest.mark.parametrize("seed", range(80))
def test_every_kpi_equals_its_second_implementation(seed: int) -> None:
    """Vectorised and one by one agree on every KPI, with and without a warm-up."""
    history, scenario, is_wrong = random_run(seed)
    for start_at in (0.0, 23.0):
        counted = Counted(history, scenario, start_at, is_wrong)
        got = kpi_values(counted)
        wanted = OneByOne(history, scenario, start_at, is_wrong).all(counted.is_saturated)
        assert set(got) == set(wanted)
        for name, value in got.items():
            expected = None if wanted[name] is None else float(wanted[name])
            assert value == (expected if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-12)), name


@pytest.mark.parametrize("seed", range(80))
def test_identities(seed: int) -> None:
    """Conservation and money, exactly: the counts add up, the shares of all calls are the ledger to the nano-dollar, the total is its parts."""
    history, scenario, is_wrong = random_run(seed)
    counted = Counted(history, scenario, 23.0, is_wrong)
    v: dict[str, Any] = kpi_values(counted)
    assert v["n_requests"] == v["n_delivered"] + v["n_failed"] + v["n_refused"] + v["n_cancelled"] + v["n_pending"]
    assert v["n_delivered"] == v["n_exact_hits"] + v["n_near_duplicate_hits"] + v["n_coalesced"] + v["n_provider_served"]
    ledger = int(history.log.calls["bill_nano"].sum())
    assert int(counted.item_nano.sum()) == ledger
    assert int(counted.request_nano.sum()) == int(counted.item_nano[counted.is_counted_item].sum())
    assert round((v["provider_cost_usd"] + v["uncounted_cost_usd"]) * 1e9) == ledger
    assert v["total_cost_usd"] == v["provider_cost_usd"] + v["tier_cost_usd"] + v["penalty_cost_usd"] + v["false_reuse_cost_usd"]
    assert v["savings_usd"] == v["individual_cost_usd"] - v["total_cost_usd"]


def test_counted_parts_add_up_to_the_whole() -> None:
    """What a warm-up takes from the counted requests it gives to the uncounted: cutting anywhere moves no dollar of the ledger."""
    history, scenario, is_wrong = random_run(7)
    ledger = int(history.log.calls["bill_nano"].sum())
    costs = []
    for start_at in (0.0, 20.0, 60.0, 1000.0):
        v: dict[str, Any] = kpi_values(Counted(history, scenario, start_at, is_wrong))
        assert round((v["provider_cost_usd"] + v["uncounted_cost_usd"]) * 1e9) == ledger
        costs.append(v["provider_cost_usd"])
    assert all(a >= b for a, b in pairwise(costs))
    assert costs[0] > costs[-1] == 0.0


def test_little_holds_as_an_identity() -> None:
    """Mean number under way x time = number x mean latency, over requests that are all delivered."""
    history, scenario, is_wrong = random_run(7)
    history.log.how[:] = SERVED
    history.log.done_at[:] = history.prepared.arrived_at + np.random.default_rng(1).exponential(9, len(history.log.how))
    v: dict[str, Any] = kpi_values(Counted(history, scenario, 0.0, is_wrong))
    n = history.prepared.n
    edges = np.sort(np.concatenate([history.prepared.arrived_at[:n], history.log.done_at[:n]]))
    under_way = [int(np.sum((history.prepared.arrived_at[:n] <= a) & (history.log.done_at[:n] > a))) for a in edges[:-1]]
    assert np.dot(under_way, np.diff(edges)) == pytest.approx(n * v["mean_latency_s"], rel=1e-9)


def test_saturation_and_capacity_are_read_from_the_whole_log() -> None:
    """A request waits until it is sent or given up, else for ever; a run that drowns shows its capacity, any other does not."""
    history, scenario, _ = random_run(7)
    history.prepared.n, history.prepared.horizon_at = 1000, 1000.0
    for name in ("deadline_at", "urgency", "content_index", "job_index"):
        setattr(history.prepared, name, np.resize(getattr(history.prepared, name), 1000))
    arrived_at = history.prepared.arrived_at = np.arange(1000.0)
    log = history.log
    log.item_payer %= 1000
    log.ready_at, log.call = arrived_at, np.full(1000, -1)

    def measured(how: int, sent_at: Any, done_at: Any) -> tuple[bool, float | None]:
        log.how, log.sent_at, log.done_at = np.full(1000, how, dtype=np.int8), np.array(sent_at), np.array(done_at)
        counted = Counted(history, scenario, 100.0)
        return counted.is_saturated, kpi_values(counted)["capacity_per_s"]

    assert measured(SERVED, arrived_at + 30, arrived_at + 40) == (False, None)
    assert measured(SERVED, arrived_at * 2, arrived_at * 2) == (True, pytest.approx(0.5, abs=0.01))  # one leaves every 2 s
    given_up_soon = np.where(arrived_at % 2 == 0, arrived_at, nan)
    assert measured(FAILED, given_up_soon, arrived_at + 5) == (False, None)
    assert measured(PENDING, given_up_soon, np.full(1000, nan)) == (True, 0.0)


def test_every_kpi_is_described() -> None:
    """A name once, a unit and a sentence: documentation and schema are made of the table."""
    assert len({kpi.name for kpi in KPIS}) == len(KPIS)
    for kpi in KPIS:
        assert kpi.unit
        assert kpi.definition.endswith(".")
        assert kpi.definition[0].isupper() or kpi.definition[0] in "(01" or kpi.definition.split()[0] in {k.name for k in KPIS}
        if kpi.is_ratio_of_means:
            assert {kpi.numerator, kpi.denominator} <= {k.name for k in KPIS}


@pytest.mark.parametrize("sets", STUDIES.values(), ids=STUDIES)
@pytest.mark.parametrize("start_at", [0.0, 90.0])
def test_real_runs_are_measured_alike_and_their_money_is_the_providers_ledger(sets: list[str], start_at: float) -> None:
    """On simulated logs too both implementations agree, and counted + uncounted dollars are what the modelled providers say they are owed."""
    scenario = load("quickstart", sets=[*SMALL, *sets])
    finished = run(scenario, seed=3)
    counted = Counted(finished, scenario, start_at)
    got = kpi_values(counted)
    wanted = OneByOne(finished, scenario, start_at, np.zeros(finished.prepared.n, dtype=bool)).all(counted.is_saturated)
    for name, value in got.items():
        expected = None if wanted[name] is None else float(wanted[name])
        assert value == (expected if expected is None else pytest.approx(expected, rel=1e-9, abs=1e-12)), name
    # a call that the drain limit cut off is owed too
    settled, owed = int(counted.item_nano.sum()), sum(finished.ledger_nano)
    assert settled == owed if not np.isnan(finished.log.calls["answered_at"]).any() else settled < owed


def test_a_full_queue_does_not_hide_that_a_run_drowns() -> None:
    """Requests that wait before the lookup because the queue is full are held by the limits just as those behind it."""
    drowning = ["requests=600", "rate_limit.max_requests=4", "rate_limit.time_window=60s", "cache.memory_size=0", "batching.coalesce=false"]
    for n_pending in (10_000, 10):
        scenario = load("quickstart", sets=[*drowning, f"queue.max_pending={n_pending}"])
        assert Counted(run(scenario), scenario).is_saturated
    scenario = load("quickstart", sets=["requests=600"])
    assert not Counted(run(scenario), scenario).is_saturated
