"""What queues, batches, caches and retries do in theory: exact means and shares of models small enough to be solved on paper.

Owns formulas and their sources. It knows nothing of what is simulated: the numbers that simulations are held against may not come from there.
Rates are per second, times in seconds, money in dollars.
"""

from sbsim.verification.closed_forms.batching import full_batch_latency, window_bill, window_mean_size, window_sizes, window_wait
from sbsim.verification.closed_forms.gates import bisected_calls, budget_calls, mean_attempts, mean_backoff, share_lost, sliding_window_calls
from sbsim.verification.closed_forms.queues import (
    batch_arrivals_latency,
    erlang_b,
    erlang_c,
    mg1_wait,
    mm1_wait_exceeds,
    mmc_wait,
    priority_waits,
)
from sbsim.verification.closed_forms.reuse import che_hit_ratio, expiring_content, joiner_wait, lru_hit_ratio, zipf

__all__ = [
    "batch_arrivals_latency", "bisected_calls", "budget_calls", "che_hit_ratio", "erlang_b", "erlang_c", "expiring_content", "full_batch_latency",
    "joiner_wait", "lru_hit_ratio", "mean_attempts", "mean_backoff", "mg1_wait", "mm1_wait_exceeds", "mmc_wait", "priority_waits", "share_lost",
    "sliding_window_calls", "window_bill", "window_mean_size", "window_sizes", "window_wait", "zipf",
]  # fmt: skip
