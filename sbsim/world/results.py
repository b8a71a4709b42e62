"""What a provider hands back: outcomes with the life of the result and the bytes that come inline. It knows no time but the result's age."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from sbsim.records import NO_USAGE, Outcome, Usage
from sbsim.scenario import Limit, Result


class Results:
    """Successful outcomes of one provider.

    Parameters
    ----------
    result : the provider entry's section: as, expires (seconds), bytes (flat, or per second of content).
    limits : those that hold meanwhile: the headers of every answer tell of the windows that reject and that no client was told of (`known: false`).
    are_news : whether the limits changed while the study ran: then no client was told of them, and headers say it even where there are none.
    """

    def __init__(self, result: Result, limits: Sequence[Limit] = (), *, are_news: bool = False) -> None:
        self._life_s = float(result.expires)
        self.is_inline = result.as_ == "inline" and any(result.bytes)
        hidden = [limit for limit in limits if (are_news or not limit.known) and limit.on_excess == "reject"]
        told = tuple((limit.unit, limit.n, limit.per) for limit in hidden if limit.per)  # headers tell of windows, never of what is held at once
        self.limits_seen = told if told or are_news else None  # without any: that those of before are gone
        self._plain = Outcome(
            life_s=self._life_s, limits_seen=self.limits_seen
        )  # nobody writes into an outcome: one serves all calls that used nothing worth saying

    def outcome(self, usage: Usage, n_bytes: Sequence[float], failures: Sequence[tuple[int, str]] = (), jitter: float = 0.5) -> Outcome:
        """The outcome of a call whose items have content, of `n_bytes` each, but for `failures`."""
        if not self.is_inline:
            if usage is NO_USAGE and not failures:
                return self._plain
            return Outcome(None, failures, usage, None, 0.0, jitter, self._life_s, None, 0.0, self.limits_seen)
        return Outcome(None, failures, usage, None, 0.0, jitter, self._life_s, n_bytes, 0.0, self.limits_seen)

    def failure(self, error: str, usage: Usage, jitter: float, retry_after_s: float = 0.0) -> Outcome:
        """The outcome of a call that has no content at all."""
        return Outcome(error, usage=usage, jitter=jitter, retry_after_s=retry_after_s, limits_seen=self.limits_seen)

    def seen(self, outcome: Outcome, age_s: float) -> Outcome:
        """A job's outcome when its result is fetched `age_s` seconds after it was made: it can be fetched for that much less from now on."""
        if outcome.life_s == inf or age_s <= 0 or outcome.error is not None:
            return outcome
        left_s = max(0.0, outcome.life_s - age_s)
        return Outcome(None, outcome.failures, outcome.usage, outcome.contents, 0.0, outcome.jitter, left_s, outcome.n_bytes, 0.0, self.limits_seen)
