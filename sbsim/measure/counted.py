"""The counted requests of one run, as columns: what every KPI is a function of.

Owns who is counted (C: the requests of the study that arrive in [warm-up, horizon)), which share of a call belongs to them, and what each request is
worth by the price list and the SLA. It knows the run log's columns and the scenario; no KPI.

A call belongs to the requests that pay for its items, 1/n of it to each of its n items. So a call that carried counted and uncounted requests is
counted in part, and every KPI is a sum over requests.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sbsim.measure.batches import FirstSends
from sbsim.measure.steady import Series, is_saturated
from sbsim.measure.terms import individual_nano, with_plans
from sbsim.pricing import PriceBook, split_many
from sbsim.records import CDN, FAILED, JOINED, MEMORY, NEAR, PENDING, REDIS, REFUSED, SERVED, Content
from sbsim.runlog import RunLog
from sbsim.units import NANO, to_nano

if TYPE_CHECKING:
    from sbsim.scenario import CacheTier, Scenario

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_GB, _MONTH_S = 1e9, 30 * 86400.0
EXACT = (MEMORY, REDIS, CDN)
DELIVERED = (MEMORY, NEAR, REDIS, CDN, JOINED, SERVED)
LOST = (FAILED, REFUSED, PENDING)


class Traffic(Protocol):
    """What is read of the prepared workload: columns of length >= n, contents by serial, a price book per lane, the horizon, and what
    a reader should know of it."""

    arrived_at: Floats
    deadline_at: Floats
    urgency: NDArray[np.int8]
    content_index: Ints
    job_index: Ints
    contents: list[Content]
    shapes: list[Any]
    books: list[PriceBook]
    horizon_at: float
    epoch_at: float
    n: int
    intent: list[int]
    knows_intent: bool
    warnings: tuple[str, ...]


class Recorded(Protocol):
    """A run as measured: its traffic and its frozen log."""

    @property
    def prepared(self) -> Traffic: ...

    @property
    def log(self) -> RunLog: ...


class Counted:
    """Columns of the counted requests C of one run.

    Parameters
    ----------
    run : the run, its log frozen. scenario : with the settings that the run had. start_at : end of the warm-up, seconds.
    is_wrong : for every request of the study, shape (prepared.n,), whether it was given content of another intent; None: as the traffic knows.

    Attributes
    ----------
    n : counted requests, of serials first .. first + n - 1. All columns below have shape (n,), in order of arrival.
    how : code of `records.HOW`. arrived_at, deadline_at, done_at, sent_at : seconds, nan (deadline: inf) where there is none.
    urgency : 1, 2, 3. individual_nano : list price of each alone when it arrived. duration_s : seconds of content. call : row of the call that
    delivered, or -1.
    """

    def __init__(self, run: Recorded, scenario: Scenario, start_at: float = 0.0, is_wrong: Bools | None = None) -> None:
        traffic, log = run.prepared, run.log
        self.scenario = scenario
        self.traffic = traffic
        self.log = log
        self.start_at = start_at
        self.end_at = float(traffic.horizon_at)
        everything = traffic.n
        self.first = int(np.searchsorted(traffic.arrived_at[:everything], start_at))
        counted = slice(self.first, everything)  # requests are in order of arrival
        self.n = everything - self.first
        self.how: NDArray[np.int8] = log.how[counted]
        self.arrived_at: Floats = traffic.arrived_at[counted]
        self.deadline_at: Floats = traffic.deadline_at[counted]
        self.done_at: Floats = log.done_at[counted]
        self.sent_at: Floats = log.sent_at[counted]
        self.call: Ints = log.call[counted]
        self.urgency: NDArray[np.int8] = traffic.urgency[counted]
        self.job: Ints = traffic.job_index[counted]
        self.is_wrong: Bools = (_wrong(traffic, log) if is_wrong is None else is_wrong)[counted]
        self.knows_intent = is_wrong is not None or traffic.knows_intent
        self._orders: dict[tuple[str, int | None], Floats] = {}
        content = traffic.content_index[counted]
        self.individual_nano: Ints = self.content_nano[content]
        if any(len(provider.prices) > 1 for provider in scenario.providers):
            self.individual_nano = individual_nano(traffic.contents, traffic.books, content, self.arrived_at, self.content_nano)
        self.duration_s: Floats = self.content_duration_s[content]

    # -- requests ------------------------------------------------------------------------------------------------------------
    @cached_property
    def is_delivered(self) -> Bools:
        """(n,) whether something was delivered."""
        return np.isin(self.how, DELIVERED)

    @cached_property
    def is_late(self) -> Bools:
        """(n,) delivered after the deadline."""
        return self.is_delivered & (self.done_at > self.deadline_at)

    @cached_property
    def is_kept(self) -> Bools:
        """(n,) delivered by the deadline, with the right content."""
        return self.is_delivered & ~self.is_late & ~self.is_wrong

    @cached_property
    def content_nano(self) -> Ints:
        """List price alone per content serial before prices change, nano-dollars."""
        contents = self.traffic.contents
        return np.fromiter((content.individual_nano for content in contents), dtype=np.int64, count=len(contents))

    @cached_property
    def content_shape(self) -> Ints:
        """Shape number per content serial."""
        contents = self.traffic.contents
        return np.fromiter((content.shape for content in contents), dtype=np.int64, count=len(contents))

    @cached_property
    def content_duration_s(self) -> Floats:
        """Seconds of content per content serial."""
        contents = self.traffic.contents
        return np.fromiter((content.duration_s for content in contents), dtype=np.float64, count=len(contents))

    def latencies(self, urgency: int | None = None) -> Floats:
        """Seconds from arrival to delivery of the delivered requests (of one urgency), ascending."""
        return self._ordered("latency", self.is_delivered, self.done_at, urgency)

    def waits(self, urgency: int | None = None) -> Floats:
        """Seconds from arrival to first send of the requests that were sent (of one urgency), ascending."""
        return self._ordered("wait", ~np.isnan(self.sent_at), self.sent_at, urgency)

    def _ordered(self, what: str, has_ended: Bools, ended_at: Floats, urgency: int | None) -> Floats:
        known = self._orders.get((what, urgency))
        if known is None:
            mine = has_ended if urgency is None else has_ended & (self.urgency == urgency)
            known = self._orders[what, urgency] = np.sort(ended_at[mine] - self.arrived_at[mine])
        return known

    def n_ended(self, *how: int) -> int:
        """Counted requests that ended in one of these ways."""
        return int(sum(self._n_by_how[code] for code in how))

    @cached_property
    def _n_by_how(self) -> Ints:
        return np.bincount(self.how, minlength=10)

    # -- shares of calls -----------------------------------------------------------------------------------------------------
    @cached_property
    def is_counted_item(self) -> Bools:
        """Per item row: whether a counted request pays for it."""
        payer = self.log.item_payer
        return (payer >= self.first) & (payer < self.first + self.n)

    @cached_property
    def call_share(self) -> Floats:
        """Per call row: the share of its items that counted requests pay for, 0 to 1."""
        n_items = self.log.calls["n_items"]
        n_counted = np.bincount(self.log.item_call[self.is_counted_item], minlength=len(n_items))
        share: Floats = n_counted / np.maximum(n_items, 1)
        return share

    @cached_property
    def is_rejected(self) -> Bools:
        """Per call row: answered 429; it holds no slot and costs nothing."""
        errors = self.log.errors
        if "rate_limited" not in errors:
            return np.zeros(len(self.log.calls["error"]), dtype=np.bool_)
        rejected: Bools = self.log.calls["error"] == errors.index("rate_limited")
        return rejected

    @cached_property
    def first_sends(self) -> FirstSends:
        """The batches, by the items of calls that were sent for the first time; `first_rows` are their item rows."""
        return FirstSends(self.log.calls["batch"][self.log.item_call[self.first_rows]], self.is_counted_item[self.first_rows])

    @cached_property
    def first_rows(self) -> Ints:
        """Item rows of calls that were sent for the first time."""
        return np.flatnonzero(self.log.calls["is_first"][self.log.item_call])

    @property
    def item_nano(self) -> Ints:
        """Per item row: its part of its call's bill, nano-dollars; the parts of a call sum to its bill exactly. Where a provider has a plan, its part
        of what is owed for the period."""
        return self._borne[0]

    @property
    def idle_nano(self) -> int:
        """Nano-dollars of plans in periods in which nothing was sent."""
        return self._borne[1]

    @cached_property
    def listed_nano(self) -> Ints:
        """Per item row: its part of its call's bill by the price list, whatever a plan makes of it, nano-dollars."""
        calls, log = self.log.calls, self.log
        return split_many(calls["bill_nano"], calls["fixed_nano"], log.item_call, log.item_part_nano, log.item_payer)

    @cached_property
    def _borne(self) -> tuple[Ints, int]:
        providers = self.scenario.providers
        has_plan = any(price.plan is not None for provider in providers for _, price in provider.prices)
        return with_plans(providers, self.log, self.listed_nano, self.end_at) if has_plan else (self.listed_nano, 0)

    @cached_property
    def request_nano(self) -> Ints:
        """(n,) what each counted request pays, nano-dollars."""
        paid = np.zeros(self.n, dtype=np.int64)
        mine = self.is_counted_item
        np.add.at(paid, self.log.item_payer[mine] - self.first, self.item_nano[mine])
        return paid

    # -- lower tiers -----------------------------------------------------------------------------------------------------------
    @cached_property
    def tier_nano(self) -> int:
        """Nano-dollars of the lower tiers: their fees for what counted requests asked of them and put into them, and the rent of the bytes that they
        held during the counted period, a month being 30 days."""
        log, total = self.log, 0
        is_mine = (log.tier_payer >= self.first) & (log.tier_payer < self.first + self.n)
        for number, ((since, held), spec) in enumerate(zip(log.tier_held, self.tier_specs, strict=True)):
            n_asked = int(np.count_nonzero(is_mine & (log.tier_asked == number)))
            total += n_asked * to_nano(spec.per_request)
            edges = np.clip(np.append(since, np.inf), self.start_at, self.end_at)
            byte_s = float(np.dot(held, np.diff(edges)))
            total += round(byte_s / _GB * spec.per_gb_month * NANO / _MONTH_S)
        return total

    @property
    def tier_specs(self) -> list[CacheTier]:
        """The scenario's lower tiers that the settings switch on, in the order in which they are asked."""
        cache, tiers = self.scenario.config.cache, self.scenario.tiers
        return [spec for spec, url in ((tiers.redis, cache.redis_url), (tiers.cdn, cache.cdn_url)) if url is not None and spec is not None]

    # -- the SLA, by urgency ---------------------------------------------------------------------------------------------------
    @cached_property
    def late_nano(self) -> Ints:
        """(n,) penalty of each late delivery: flat, and by the minute past the deadline; 0 for the others."""
        penalty = np.zeros(self.n, dtype=np.int64)
        for urgency, sla in self.scenario.sla.items():
            mine = self.is_late & (self.urgency == urgency)
            minutes = (self.done_at[mine] - self.deadline_at[mine]) / 60
            penalty[mine] = to_nano(sla.penalty) + np.rint(sla.penalty_per_minute * NANO * minutes).astype(np.int64)
        return penalty

    @cached_property
    def lost_nano(self) -> Ints:
        """(n,) price of each request that failed, was refused or is unfinished; 0 for the others. Default: 2 x individual cost + penalty."""
        lost = np.where(np.isin(self.how, LOST), 2 * self.individual_nano, 0)
        for urgency, sla in self.scenario.sla.items():
            mine = np.isin(self.how, LOST) & (self.urgency == urgency)
            lost[mine] = lost[mine] + to_nano(sla.penalty) if sla.lost is None else to_nano(sla.lost)
        return lost

    @cached_property
    def false_reuse_nano(self) -> Ints:
        """(n,) price of each wrong reuse; 0 for the others. Default: individual cost + penalty."""
        price = np.where(self.is_wrong, self.individual_nano, 0)
        for urgency, sla in self.scenario.sla.items():
            mine = self.is_wrong & (self.urgency == urgency)
            price[mine] = price[mine] + to_nano(sla.penalty) if sla.false_reuse_cost is None else to_nano(sla.false_reuse_cost)
        return price

    # -- the whole run -------------------------------------------------------------------------------------------------------
    @property
    def period_s(self) -> float:
        """Length of the counted period, seconds."""
        return self.end_at - self.start_at

    @cached_property
    def is_saturated(self) -> bool:
        """Whether demand exceeded what the lanes take (`steady.is_saturated`), over all requests that waited for a limit, counted or not."""
        log = self.log
        waited = ~np.isnan(log.ready_at)
        sent_at = log.sent_at[waited]
        left_at = np.where(np.isnan(sent_at), log.done_at[waited], sent_at)
        left_at[np.isnan(left_at)] = np.inf
        return is_saturated(log.ready_at[waited], left_at, log.sent_at[~np.isnan(log.sent_at)], self.start_at, self.end_at)

    def series(self) -> Series:
        """What the warm-up is sought in."""
        latency_s = np.where(self.is_delivered, self.done_at - self.arrived_at, np.nan)
        return Series(self.arrived_at, latency_s, self.request_nano / NANO)


def _wrong(traffic: Traffic, log: RunLog) -> Bools:
    """Which requests of the study were given content of another intent; none where nobody knows (see `Prepared.knows_intent`)."""
    wrong = np.zeros(traffic.n, dtype=np.bool_)
    if traffic.knows_intent:
        mine = log.near_request < traffic.n
        intent = np.asarray(traffic.intent)
        asked = log.near_request[mine]
        wrong[asked] = intent[traffic.content_index[asked]] != intent[log.near_content[mine]]
    return wrong
