"""Recovery times, on histories whose answer can be read off."""

from __future__ import annotations

from math import inf
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sbsim.measure import Return, time_to_recover


def history(latency_s: Any, *, is_delivered: Any = True, rejected_at: Any = (), sent_at: Any = (), n: int = 200) -> Any:
    """A request a second from 0 on, each answered after `latency_s` of its second; calls sent at `sent_at`, 429 at `rejected_at`."""
    arrived_at = np.arange(float(n))
    seconds = np.array([latency_s(t) if callable(latency_s) else latency_s for t in arrived_at])
    delivered = np.array([is_delivered(t) if callable(is_delivered) else is_delivered for t in arrived_at])
    calls = np.array([*sent_at, *rejected_at], dtype=float)
    return SimpleNamespace(
        arrived_at=arrived_at, done_at=np.where(delivered, arrived_at + seconds, np.nan), is_delivered=delivered, start_at=0.0, end_at=float(n),
        log=SimpleNamespace(calls={"sent_at": calls}), is_rejected=np.arange(len(calls)) >= len(sent_at),
    )  # fmt: skip


def test_latency_recovers_at_the_end_of_the_last_window_that_is_out_of_bounds() -> None:
    """1 s before 100 s; 9 s for who arrives in [100, 117); 1.1 s, within a tenth, afterwards: of windows of 10 s the first two are bad, so 20 s."""
    found = time_to_recover(history(lambda t: 9.0 if 100 <= t < 117 else 1.0 if t < 100 else 1.1), 100.0, window_s=10)
    assert found.p95_latency_s == Return(1.0, 9.0, 20.0)


def test_a_relapse_counts_until_it_is_over() -> None:
    """Bad in [100, 110), well, and bad again in [150, 155): recovered after 60 s, not after 10."""
    assert time_to_recover(history(lambda t: 5.0 if 100 <= t < 110 or 150 <= t < 155 else 1.0), 100.0, window_s=10).p95_latency_s.after_s == 60.0


def test_one_in_twenty_may_be_late_and_two_may_not() -> None:
    """The 95 % quantile of 20 is the 19th: a single slow request in a window of 20 is not seen, two are."""
    assert time_to_recover(history(lambda t: 9.0 if t == 105 else 1.0), 100.0, window_s=20).p95_latency_s == Return(1.0, 1.0, 0.0)
    assert time_to_recover(history(lambda t: 9.0 if t in (105, 106) else 1.0), 100.0, window_s=20).p95_latency_s == Return(1.0, 9.0, 20.0)


def test_what_never_returns_is_said_so() -> None:
    """Still bad in the last whole window: inf; a last one that the end cuts short is left out; who is lost waits for ever."""
    assert time_to_recover(history(lambda t: 1.0 if t < 100 else 2.0), 100.0, window_s=30).p95_latency_s.after_s == inf
    assert time_to_recover(history(lambda t: 2.0 if t >= 195 else 1.0), 100.0, window_s=30).p95_latency_s.after_s == 0.0
    assert time_to_recover(history(1.0, is_delivered=lambda t: not 120 <= t < 130), 100.0, window_s=10).p95_latency_s == Return(1.0, inf, 30.0)


def test_the_share_of_429s_may_rise_by_as_much_as_is_allowed() -> None:
    """None before; 1 of 10 calls in [100, 110) is within a tenth, 2 of 10 in [120, 130) are not."""
    sent = [t + 0.5 for t in range(200) if t not in (104, 124, 125)]
    found = time_to_recover(history(1.0, sent_at=sent, rejected_at=[104.5, 124.5, 125.5]), 100.0, window_s=10)
    assert found.rejected_share == Return(0.0, 0.2, 30.0)
    assert (
        time_to_recover(history(1.0, sent_at=sent, rejected_at=[104.5, 124.5, 125.5]), 100.0, window_s=10, within=0.2).rejected_share.after_s == 0.0
    )


def test_without_a_before_there_is_no_recovery() -> None:
    """Nothing to return to, and windows that do not fit are refused."""
    assert time_to_recover(history(1.0), 100.0, window_s=10).rejected_share == Return(None, None, None)
    assert time_to_recover(history(1.0), 0.0, window_s=10).p95_latency_s == Return(None, None, None)
    with pytest.raises(ValueError, match="do not fit between 190 s and the end at 200 s"):
        time_to_recover(history(1.0), 190.0, window_s=11)
