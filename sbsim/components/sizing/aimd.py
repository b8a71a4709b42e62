"""More until it hurts: the size follows what calls show, as a sender's window follows the network."""

from __future__ import annotations

from math import inf

from sbsim.records import Call, Item, Outcome

INCREASE = 1.0
"""Items by which the size grows after a call that was full and came well."""
BACK_OFF = 0.9
"""Factor after one that did not: little, since the best size of a batch moves little (Crankshaw et al., "Clipper", NSDI 2017, section 4.3.1)."""
_OVERLOAD = frozenset({"rate_limited", "transient", "timed_out"})


class AimdSize:
    """Additive increase, multiplicative decrease of each lane's size (Chiu and Jain, "Analysis of the increase and decrease algorithms for congestion
    avoidance in computer networks", Computer Networks and ISDN Systems 17, 1989: of the linear rules the one that converges).

    From 1 on, the size grows by `INCREASE` with every answered call that held as many items as it allows, and shrinks by `BACK_OFF` when a call is in
    trouble: turned away, failed, without an answer in time, or late by its own length. That is one whose content came after the deadline of its most
    pressing item though it was under way for at least as long as it had waited to be sent: of a call that is late because it waited, a smaller batch
    would have made the queue longer. Calls that were sent before the last decrease say nothing new, so that one trouble shrinks the size once.
    """

    learns = True
    fills_slots = False

    def __init__(self) -> None:
        self._sizes: dict[int, float] = {}
        self._cut_at: dict[int, float] = {}

    def size(self, item: Item, most: int) -> int:
        return max(1, min(most, int(self._sizes.get(item.lane, 1.0))))

    def answered(self, call: Call, outcome: Outcome, now: float) -> None:
        lane = call.lane
        size = self._sizes.get(lane, 1.0)
        if call.is_late or outcome.error in _OVERLOAD or (outcome.error is None and _is_too_long(call, now)):
            if call.sent_at >= self._cut_at.get(lane, -inf):
                self._sizes[lane] = max(1.0, size * BACK_OFF)
                self._cut_at[lane] = now
        elif outcome.error is None and len(call.items) >= int(size):
            self._sizes[lane] = size + INCREASE


def _is_too_long(call: Call, now: float) -> bool:
    batch = call.batch
    return now > batch.deadline_at and now - call.sent_at >= call.sent_at - batch.opened_at
