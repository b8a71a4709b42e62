"""What a provider hands back: outcomes with the life of the result and the bytes that come inline. It knows no time but the result's age."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from sbsim.records import NO_USAGE, Facts, Outcome, Usage
from sbsim.scenario import Result


class Results:
    """Successful outcomes of one provider.

    Parameters
    ----------
    result : the provider entry's section: as, expires (seconds), bytes (flat, or per second of content).
    """

    def __init__(self, result: Result) -> None:
        self._life_s = float(result.expires)
        self.is_inline = result.as_ == "inline" and any(result.bytes)
        self._result = result
        self._plain = Outcome(life_s=self._life_s)  # nobody writes into an outcome: one serves all calls that used nothing worth saying

    def outcome(self, usage: Usage, n_bytes: Sequence[float], failures: Sequence[tuple[int, str]] = (), jitter: float = 0.5) -> Outcome:
        """The outcome of a call whose items have content, of `n_bytes` each, but for `failures`."""
        if not self.is_inline:
            if usage is NO_USAGE and not failures:
                return self._plain
            return Outcome(None, failures, usage, None, 0.0, jitter, self._life_s)
        return Outcome(None, failures, usage, None, 0.0, jitter, self._life_s, n_bytes)

    def seen(self, outcome: Outcome, age_s: float) -> Outcome:
        """A job's outcome when its result is fetched `age_s` seconds after it was made: it can be fetched for that much less from now on."""
        if outcome.life_s == inf or age_s <= 0 or outcome.error is not None:
            return outcome
        left_s = max(0.0, outcome.life_s - age_s)
        return Outcome(None, outcome.failures, outcome.usage, outcome.contents, 0.0, outcome.jitter, left_s, outcome.n_bytes)

    def n_bytes(self, facts: Facts) -> float:
        """Bytes of a content's result."""
        return self._result.n_bytes(facts.duration_s)
