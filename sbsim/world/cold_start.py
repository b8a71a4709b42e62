"""Cold starts: the first call after a pause waits until the provider is warm. Seconds throughout."""

from __future__ import annotations

from math import inf

from sbsim.scenario import ColdStart


class Warmth:
    """Whether the provider is warm. It is one machine here: a call that comes while another warms it up waits for the rest of that.

    It stays warm until `idle_after` seconds after the end of the last work that it took on (of work that was cancelled: its end had it gone on).

    Parameters
    ----------
    cold_start : the provider entry's section.
    """

    __slots__ = ("_idle_s", "_is_billed", "_ready_at", "_time_s", "_warm_until", "n_cold")

    def __init__(self, cold_start: ColdStart) -> None:
        self._time_s = float(cold_start.time)
        self._idle_s = float(cold_start.idle_after)
        self._is_billed = cold_start.billed
        self._ready_at = self._warm_until = -inf
        self.n_cold = 0

    def times(self, starts_at: float, running_s: float) -> tuple[float, float]:
        """(seconds until work that starts now is done, seconds of them that the meter counts); asked once for each, in order."""
        wait_s = max(0.0, self._ready_at - starts_at)
        if starts_at >= self._warm_until:
            self.n_cold += 1
            self._ready_at = starts_at + self._time_s
            wait_s = self._time_s
        takes_s = wait_s + running_s
        self._warm_until = max(self._warm_until, starts_at + takes_s + self._idle_s)
        return takes_s, takes_s if self._is_billed else running_s
