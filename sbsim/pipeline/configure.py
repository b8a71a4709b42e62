"""New settings for a running pipeline, all of them at once.

Contract. What has not left yet is treated as if the new settings had always held: open groups that are due, full or too large by them are ready in
the same input, what waits ready is cut anew and sorted anew, gates that open let it go. What has left ends as it began, but for timeouts that become
shorter. Limits and budgets keep what they have counted. Settings that are equal are left alone, so configuring twice changes nothing.

It knows the parts of a pipeline and their settings; it decides nothing that they do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sbsim.components.budget import Budget, Cost
from sbsim.components.cache import POLICIES
from sbsim.components.controller import Controller
from sbsim.components.similarity import Similarity
from sbsim.components.tally import ServiceEstimate
from sbsim.config import Config
from sbsim.errors import StateError
from sbsim.pipeline.actions import Action
from sbsim.pipeline.terms import Terms, or_inf
from sbsim.records import READY, Batch

if TYPE_CHECKING:
    from sbsim.pipeline.dispatch import Dispatcher
    from sbsim.pipeline.lane import Lane
    from sbsim.pipeline.lookup import Lookup
    from sbsim.pipeline.pipeline import Pipeline

_WIRED = ("cache.redis_url", "cache.cdn_url")
"""Settings whose change needs connections that a running pipeline does not have."""


def require_changeable(before: Config, after: Config) -> None:
    """Raises StateError where a setting changes that is wired in when a pipeline is built."""
    for path in _WIRED:
        if before.get(path) != after.get(path):
            raise StateError(f"{path}: it cannot change while a batcher runs, since it needs a connection; try a new batcher")


def reconfigure(pipeline: Pipeline, terms: Terms, now: float, out: list[Action]) -> None:
    """Every part of the pipeline follows `terms`. Raises StateError (see `require_changeable`) before anything has changed."""
    before, after = pipeline.terms.config, terms.config
    if before == after:
        return
    require_changeable(before, after)
    dispatcher = pipeline.dispatcher
    if before.cache != after.cache:
        _remember(pipeline.lookup, before, after, now)
    if before.rate_limit != after.rate_limit:
        for lane in pipeline.lanes:
            own = after.rate_limit
            lane.limiter.configure(terms.limits(lane.index), pacing_s=own.batch_pacing_interval, guard_s=own.guard, now=now)
    if before.budget != after.budget:
        dispatcher.budget = _budget(dispatcher, terms)
    if before.retry != after.retry:
        pipeline.retry.configure(max_attempts=after.retry.max_attempts, base_s=after.retry.base, cap_s=after.retry.cap)
        for lane in pipeline.lanes:
            lane.time_out_after(*terms.timeouts_s(lane.index), now)
    pipeline.coalescer.configure(after.batching.coalesce)
    dispatcher.drops_late = after.queue.on_deadline == "drop"
    for lane in pipeline.lanes:
        _follow(lane, before, after)
    ready: list[Batch] = []
    if (before.batching, before.similarity, before.retry.max_attempts) != (after.batching, after.similarity, after.retry.max_attempts):
        ready = _regroup(pipeline, terms, now)
    # nothing has left so far: what leaves from here on leaves by the new settings
    if before.routing != after.routing:
        dispatcher.reroute_by(after.routing.policy, now, out)
    for batch in ready:
        dispatcher.enqueue(batch, now, out)
    dispatcher.dispatch_all(now, out)


def controller_by(terms: Terms, before: Controller | None) -> Controller | None:
    """The controller that the settings ask for; one that goes on keeps what it has seen."""
    own = terms.config.controller
    if not own.enabled:
        return None
    if before is None:
        return Controller(terms.controller_bounds(), own.interval)
    before.bounds, before.interval_s = terms.controller_bounds(), own.interval
    return before


def _remember(lookup: Lookup, before: Config, after: Config, now: float) -> None:
    """Bounds of the memory and of what finds near-duplicates in it; another policy takes over what the one before has kept."""
    cache = after.cache
    bounds = cache.memory_size, or_inf(cache.memory_bytes), or_inf(cache.ttl)
    if cache.policy == before.cache.policy:
        gone = lookup.cache.configure(*bounds, now)
    else:
        kept = lookup.cache.entries()
        lookup.cache = POLICIES[cache.policy](*bounds)
        for entry in kept:
            lookup.cache.put(entry, now)
        gone = [entry.key for entry in kept if entry.key not in lookup.cache]
    lookup.wait_for(cache.fetch_timeout, now)
    lookup.negative_ttl_s = cache.negative_ttl
    if lookup.near is not None:
        for key in gone:
            lookup.near.forget(key)
        lookup.near.configure(cache.near_duplicate_threshold, cache.near_duplicate_entries)


def _budget(dispatcher: Dispatcher, terms: Terms) -> Budget | None:
    """The budget by new settings. One that is switched off forgets; one that is switched on books what is in flight."""
    allowances, settings, budget = terms.allowances(), terms.config.budget, dispatcher.budget
    in_flight = dispatcher.in_flight.values()
    if not allowances:
        for call in in_flight:
            call.reservation = None
        return None
    if budget is not None:
        budget.configure(allowances, reserve_urgent=settings.reserve_urgent, reserve_quantile=settings.reserve_quantile, is_paced=settings.pacing)
        return budget
    budget = Budget(allowances, reserve_urgent=settings.reserve_urgent, reserve_quantile=settings.reserve_quantile, is_paced=settings.pacing)
    for call in in_flight:
        lane = dispatcher.lanes[call.lane]
        listed = sum(item.content.individual_nano for item in call.items)
        most = lane.book.at(call.sent_at).most(call.items, lane.longest_s)
        call.reservation = budget.take(Cost(listed if most is None else most, listed, lane.index), call.sent_at)
    return budget


def _follow(lane: Lane, before: Config, after: Config) -> None:
    """A lane's breaker, queue and first guess of its service time."""
    lane.breaker.allowed_failures, lane.breaker.cooldown_s = after.routing.allowed_failures, after.routing.cooldown
    if before.queue != after.queue:
        lane.queue.configure(after.queue.policy, after.queue.ageing)
        if not lane.service.n and not lane.is_slow:
            lane.service = ServiceEstimate(after.queue.initial_service_s)


def _regroup(pipeline: Pipeline, terms: Terms, now: float) -> list[Batch]:
    """Groups by new terms of formation: open ones, of which those that are ready are returned, and those that wait for a gate, in their places."""
    config, builder, lanes = terms.config, pipeline.builder, pipeline.lanes
    batching, last = config.batching, pipeline.terms.config
    is_likeness_new = (batching.similarity_threshold, config.similarity) != (last.batching.similarity_threshold, last.similarity)
    similarity = builder.similarity
    if is_likeness_new or not isinstance(similarity, Similarity):
        similarity = terms.similarity()
    keeps_sizing = (batching.sizing, config.retry.max_attempts) == (last.batching.sizing, last.retry.max_attempts)
    ready = builder.configure(
        max_size=batching.max_batch_size,
        max_usd=or_inf(batching.max_batch_cost),
        max_duration_s=or_inf(batching.max_batch_duration),
        max_wait_s=batching.max_wait,
        similarity=similarity,
        sizing=builder.sizing if keeps_sizing else terms.sizing(lanes, builder.open_batches),
        late_join=batching.late_join,
        closes_over=not batching.forms_anew,
        services_s=[lane.service.expected_s for lane in lanes],
        now=now,
    )
    pipeline.dispatcher.formation = terms.formation(similarity, pipeline.dispatcher.formation)
    for lane in lanes:
        for batch in list(lane.queue):
            pieces = builder.split(batch) if batch.state == READY else [batch]
            if len(pieces) > 1:
                lane.queue.discard(batch)
                for piece in pieces:
                    piece.queued_at = batch.queued_at
                    lane.queue.push(piece)
                    pipeline.dispatcher.routing.watch(piece, now)
    return ready
