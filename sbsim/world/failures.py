"""What goes wrong at a provider: errors of whole calls and of single items, refused contents, poison, outages.

Every draw belongs to a thing, so that it meets all candidates alike: a call's error to the call (lane, m, path), an item's error to the request that
leads it and to how often it was sent, moderation and poison to the content, which fails every time it is sent, at whichever provider. What it may not
know: time spent, limits, money.
"""

from __future__ import annotations

from collections.abc import Sequence

from sbsim.records import Call, Item
from sbsim.scenario import Failures, RandomOutages
from sbsim.seeds import Draws
from sbsim.world.latency import CallDraws
from sbsim.world.outages import DrawnOutages, Outages

NONE: tuple[tuple[int, str], ...] = ()


class FailureModel:
    """Failures of one provider.

    Parameters
    ----------
    failures : the provider entry's section; shares in [0, 1], outages in seconds.
    name : the provider's name, which the draws of its calls belong to.
    draws : all draws of the replication.

    Attributes
    ----------
    has_outages, never_fails : whether there are any at all; nothing need be asked otherwise. is_out : whether an outage covers an instant.
    """

    def __init__(self, failures: Failures, name: str, draws: Draws) -> None:
        self._call_error = float(failures.call_error)
        self._item_error = float(failures.item_error)
        self._moderated = float(failures.moderated)
        self._poison = float(failures.poison)
        self._draws = draws
        self._call_draw = CallDraws(draws, f"call_error:{name}")
        self._first_item_draw = draws.stream("item_error")
        self._moderated_draw = draws.stream("moderated")
        self._poison_draw = draws.stream("poison")
        self._has_item_failures = self._item_error > 0 or self._moderated > 0
        self.never_fails = not (self._call_error > 0 or self._poison > 0 or self._has_item_failures)
        self.has_outages = bool(failures.outages)
        self._outages: Outages | DrawnOutages
        if isinstance(failures.outages, RandomOutages):
            self._outages = DrawnOutages(failures.outages, name, draws)
        else:
            self._outages = Outages(failures.outages)
        self.is_out = self._outages.is_out

    def befall(self, call: Call) -> tuple[str | None, Sequence[tuple[int, str]]]:
        """(error of the whole call or None, failures of its items) of one sending; see `records.Outcome`."""
        items = call.items
        if self._call_error and self._call_draw(call) < self._call_error:
            return "transient", NONE
        if self._poison and any(self._poison_draw(item.content.serial) < self._poison for item in items):
            return "permanent", NONE
        if not self._has_item_failures:
            return None, NONE
        failures = []
        for k, item in enumerate(items):
            if self._moderated and self._moderated_draw(item.content.serial) < self._moderated:
                failures.append((k, "moderated"))
            elif self._item_error and self._item_draw(item) < self._item_error:
                failures.append((k, "item_error"))
        return None, failures

    def _item_draw(self, item: Item) -> float:
        leader = item.requests[0].serial if item.requests else item.payer
        if item.n_sent == 0:
            return self._first_item_draw(leader)
        return self._draws.one("item_error", leader, item.n_sent)
