"""A pipeline in numbers: the only place that knows where each is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sbsim.pipeline.forming import counts

if TYPE_CHECKING:
    from sbsim.pipeline.pipeline import Pipeline


def snapshot(pipeline: Pipeline) -> dict[str, int]:
    """Where the submitted requests are, and how often each mechanism fired."""
    fired = {f"n_closed_by_{reason}": n for reason, n in pipeline.builder.closed_by.items()}
    return {
        "n_submitted": pipeline.n_submitted,
        "n_delivered": pipeline.n_delivered + pipeline.n_hits + pipeline.n_near_hits,
        "n_failed": pipeline.n_failed + pipeline.dispatcher.n_gone,
        "n_refused": pipeline.n_refused,
        "n_cancelled": pipeline.n_cancelled,
        "n_pending": pipeline.n_pending,
        "n_in_flight": len(pipeline.dispatcher.in_flight),
        "n_hits": pipeline.n_hits,
        "n_refused_before": pipeline.n_refused_before,
        "n_near_hits": pipeline.n_near_hits,
        "n_joined": pipeline.n_joined,
        "n_late_joins": pipeline.builder.n_late_joins,
        "n_resized": pipeline.builder.n_resized,
        "n_retries": pipeline.n_retries,
        "n_timed_out": pipeline.answers.n_timed_out,
        "n_bisected": pipeline.answers.n_bisected,
        "n_moves": 0 if pipeline.controller is None else pipeline.controller.n_moves,
        "n_breaker_opened": sum(lane.breaker.n_opened for lane in pipeline.lanes),
        "n_probes": sum(lane.breaker.n_probes for lane in pipeline.lanes),
        "n_limits_learnt": sum(lane.limiter.n_learnt for lane in pipeline.lanes),
        "n_rerouted": pipeline.dispatcher.n_rerouted,
        "n_failed_over": pipeline.dispatcher.n_failed_over,
        "n_slow": pipeline.n_slow,
        "n_diverted": pipeline.dispatcher.n_diverted,
        "n_dropped": pipeline.dispatcher.n_dropped,
        "n_fetched": pipeline.lookup.n_fetched,
        "n_redis_hits": 0,
        "n_cdn_hits": 0,
        **{f"n_{tier.name}_hits": n for tier, n in zip(pipeline.lookup.tiers, pipeline.lookup.n_hits, strict=True)},
        "n_slow_tiers": pipeline.lookup.n_slow_tiers,
        "n_stored": pipeline.lookup.n_stored,
        "n_backlogged": pipeline.n_backlogged,
        "n_inversions": pipeline.dispatcher.n_inversions,
        "n_starved": pipeline.dispatcher.n_starved,
        **counts(pipeline.dispatcher.formation),
        "n_held_by_limit": pipeline.dispatcher.n_held_by_limit,
        "n_held_by_budget": pipeline.dispatcher.n_held_by_budget,
        **fired,
    }
