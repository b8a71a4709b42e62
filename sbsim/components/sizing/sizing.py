"""What every sizing policy answers.

Contract (`tests/contract/test_sizing_policies.py`). `size(item, most)` is how many items the group that `item` opens may hold: a whole number from 1
to `most`. `answered(call, outcome, now)` tells a policy with `learns` how each attempt ended, in order; the others are never told, so that they cost
nothing there. With `fills_slots` an open group goes as it is when a slot would stand idle. Equal histories give equal sizes: nothing is drawn, and
no clock is read.
"""

from __future__ import annotations

from sbsim.records import Call, Item, Outcome


class FixedSize:
    """The size that is set."""

    learns = False
    fills_slots = False

    def size(self, item: Item, most: int) -> int:
        return most

    def answered(self, call: Call, outcome: Outcome, now: float) -> None:
        """Nothing is learnt."""
