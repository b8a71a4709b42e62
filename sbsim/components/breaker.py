"""A lane that fails again and again is left alone for a while: a gate (the circuit breaker of Nygard, "Release It!", 2007).

Contract. *Closed*, everything may go. After `allowed_failures` failures in a row, with no success between them, it *opens*: nothing goes for
`cooldown_s` seconds. Then it is *half-open*: one call may go as a probe, and nothing else until that one has been answered. A probe that succeeds
closes it, one that fails opens it anew. While it is open, answers of calls that left before change nothing.

What counts as a failure is the pipeline's choice: the lane's own errors and time-outs, not what is wrong with a content, and not a 429, which names
the instant from which on the lane is willing again. A probe that ends as neither (a 429, a cancelled call) leaves the breaker half-open: the next
may try.
"""

from __future__ import annotations

from math import inf


class Breaker:
    """One lane's gate.

    Parameters
    ----------
    allowed_failures : failures in a row that open it, at least 1. cooldown_s : seconds that it stays open.

    Attributes
    ----------
    is_closed : whether everything may go; the hot path looks here and calls nothing. n_opened, n_probes : how often each happened.
    """

    __slots__ = ("_n_failures", "_opens_at", "_probe", "allowed_failures", "cooldown_s", "is_closed", "n_opened", "n_probes")

    def __init__(self, allowed_failures: int, cooldown_s: float) -> None:
        self.allowed_failures = allowed_failures
        self.cooldown_s = cooldown_s
        self.is_closed = True
        self.n_opened = self.n_probes = 0
        self._n_failures = 0
        self._opens_at = 0.0  # when a probe may go; meaningless while closed
        self._probe: int | None = None  # serial of the call that is the probe

    def ready_at(self, now: float) -> float:
        """`now` if a call may go, else when one may as a probe; inf while the probe is under way."""
        if self.is_closed:
            return now
        if self._probe is not None:
            return inf
        return now if now >= self._opens_at else self._opens_at

    def take(self, serial: int) -> None:
        """The call with this serial leaves; when half-open it is the probe."""
        if not self.is_closed:
            self._probe = serial
            self.n_probes += 1

    def succeed(self, serial: int) -> None:
        """That call was answered as it should be."""
        if self.is_closed:
            self._n_failures = 0
        elif serial == self._probe:
            self.is_closed = True
            self._probe = None
            self._n_failures = 0

    def fail(self, serial: int, now: float) -> bool:
        """That call failed or timed out; True when the gate opened by it."""
        if self.is_closed:
            self._n_failures += 1
            if self._n_failures < self.allowed_failures:
                return False
        elif serial != self._probe:
            return False
        self.is_closed = False
        self._probe = None
        self._opens_at = now + self.cooldown_s
        self.n_opened += 1
        return True

    def let_go(self, serial: int) -> None:
        """That call ended without a verdict on the lane."""
        if serial == self._probe:
            self._probe = None
