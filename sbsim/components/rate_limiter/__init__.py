"""Several limits at once, all or nothing: a gate.

Contract. Calls that leave when `ready_at` says "now", each followed by `take`, never make the provider count more than any declared limit allows,
even when some of them travel up to `guard_s` longer than others; nor are there ever more than `concurrency` between `take` and `release`. Every limit
is kept by its own kind (`windows`): a GCRA whose burst is the limit would let 19 through a window of 10.

Jobs. While a job is outstanding nobody knows when it will be polled, only that its creation and polls lie at least `poll_s` apart: no window of D
seconds holds more than ceil(D / poll_s) of them. So many units of each window on calls are held from the sending to the release, and then replaced by
what was really sent. A bucket on calls is kept there as a sliding window of `burst` in burst / rate seconds, which implies it: any w seconds then
hold at most burst x (floor(w x rate / burst) + 1) <= burst + rate x w.

It knows neither clock nor network: whoever sends says when. `ready_at` counts nothing; what it promised is kept unless something is sent before.
"""

from sbsim.components.rate_limiter.limiter import Limit, RateLimiter

__all__ = ["Limit", "RateLimiter"]
