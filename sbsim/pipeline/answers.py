"""What becomes of a call's items when the call has ended, or when nobody knows how it ended.

Delivered, sent again, halved, given up, put back or held: decided here, and what an end says of its lane. Bills, budget and limits have been settled
by then. It knows no request that arrives, and of the settings only what to do with calls in doubt.
"""

from __future__ import annotations

from math import inf

from sbsim.components.retry import RETRYABLE, Retry
from sbsim.pipeline.actions import Abort, Action, Deliver
from sbsim.pipeline.dispatch import OF_CONTENT, Dispatcher
from sbsim.pipeline.lane import Lane
from sbsim.pipeline.lookup import Lookup
from sbsim.records import SERVED, Call, Entry, Item, Outcome

RESULT_MARGIN_S = 60.0
"""Seconds before its URL dies that a result counts as dead."""
_LANE_FAULTS = frozenset({"transient", "timed_out"})
"""Errors that speak against a lane; what is wrong with a content does not, and a 429 says itself until when to wait."""
_NO_VERDICT = frozenset({"rate_limited", "not_sent", "cancelled"})
_UNKNOWN = Outcome("timed_out")


class Answers:
    """Ends of calls.

    Attributes
    ----------
    in_doubt : what becomes of a call whose provider knows no keys when it times out: "hold", "fail" or "resend".
    """

    def __init__(
        self,
        lookup: Lookup,
        dispatcher: Dispatcher,
        retry: Retry,
    ) -> None:
        self.in_doubt = "hold"
        self.n_timed_out = self.n_bisected = 0
        self._lookup = lookup
        self._dispatcher = dispatcher
        self._builder = dispatcher.builder
        self._coalescer = dispatcher.coalescer
        self._lanes = dispatcher.lanes
        self._retry = retry

    def judge(self, call: Call, error: str | None, lane: Lane, now: float, out: list[Action]) -> None:
        """What an end says of its lane. A call that timed out was judged then, whatever its late answer is."""
        if call.is_late and call.is_answered:
            return
        breaker = lane.breaker
        if error in _NO_VERDICT:
            breaker.let_go(call.serial)
        elif error not in _LANE_FAULTS:
            breaker.succeed(call.serial)
        elif breaker.fail(call.serial, now):
            self._dispatcher.fail_over(lane, now, out)

    def succeed(self, call: Call, outcome: Outcome, now: float, out: list[Action]) -> list[Item]:
        """Deliver what has content, see to what has none; the items that were delivered."""
        items = call.items
        if call.is_late:
            self._dispatcher.has_orphans = True  # its items may wait to be sent again
        lacking = dict(outcome.failures) if outcome.failures else None
        served: list[Item] = []
        under_way = self._coalescer.items
        lookup, contents, n_bytes = self._lookup, outcome.contents, outcome.n_bytes
        cache, near = lookup.cache, lookup.near
        dies_at = now + (outcome.life_s - RESULT_MARGIN_S)
        expires_at = min(now + cache.ttl_s, dies_at)
        stores = bool(lookup.tiers) and dies_at > now
        made: list[Entry] = []
        payers: list[Item] = []
        for index, item in enumerate(items):
            if lacking is not None and index in lacking:
                continue
            content = item.content
            value, size = None if contents is None else contents[index], 0.0 if n_bytes is None else n_bytes[index]
            entry = Entry(content.key, expires_at, value, size, content.individual_nano, dies_at, content.serial)
            if content.reusable:
                made.append(entry)
                payers.append(item)
            if not item.done:
                item.entry = entry
                if item.rivals is None:  # the usual case of `dispatcher.close`, without two calls an item
                    item.done = True
                    item.batch = None  # no cycle of item and batch is left for the garbage collector
                    if under_way.get(content.key) is item:
                        del under_way[content.key]
                    served.append(item)
                else:
                    served.extend(self._dispatcher.close(item))
        if made and expires_at > now:
            if near is None:
                cache.put_all(made, now)
            else:
                for entry, item in zip(made, payers, strict=True):
                    lookup.put(entry, item.content, now)
        if made and stores:
            out.extend(lookup.store(made, payers))
        if served:
            out.append(Deliver(served, SERVED, call))
        if lacking is not None:
            self._see_to(call, lacking, outcome, now, out)
        return served

    def fail(self, call: Call, outcome: Outcome, lane: Lane, now: float, out: list[Action]) -> None:
        """The call as a whole has no content: what that says decides what becomes of its items."""
        error = outcome.error
        if error == "not_sent":
            self._put_back(call, outcome, now)
        elif error in OF_CONTENT and len(call.items) > 1:
            self._bisect(call, now, out)
        else:
            assert error is not None
            if error == "rate_limited":
                lane.limiter.hold(now + outcome.retry_after_s)
            self._again(call, call.items, error, outcome, now, out)

    def time_out(self, call: Call, lane: Lane, now: float, out: list[Action]) -> None:
        """No answer in time: nobody knows whether the provider took it. Its slot and its reservation stay until the driver says how it ended."""
        call.is_late = call.is_in_doubt = True
        self.n_timed_out += 1
        if lane.cancel == "running":
            out.append(Abort(call))  # a definite end: its answer says what the work has cost, and decides whether it is tried again
        elif lane.idempotency != "none" or self.in_doubt == "resend":
            self._again(call, call.items, "timed_out", _UNKNOWN, now, out)
        elif self.in_doubt == "fail":
            self._dispatcher.give_up(call.items, "timed_out", out)
        else:
            for item in call.items:
                item.ends_at = inf  # nobody with a deadline joins it

    # -- steps -------------------------------------------------------------------------------------------------------------
    def _see_to(self, call: Call, lacking: dict[int, str], outcome: Outcome, now: float, out: list[Action]) -> None:
        """Items of a call that has content for the others: `lacking` says what befell each, by its place."""
        items = call.items
        final = {kind for kind in lacking.values() if kind not in RETRYABLE}
        for kind in sorted(final):
            self._again(call, [items[i] for i, k in lacking.items() if k == kind], kind, outcome, now, out)
        again = [i for i, kind in lacking.items() if kind not in final]
        if again:  # in one call: two would share their draws and their idempotency key
            self._again(call, [items[i] for i in again], lacking[again[0]], outcome, now, out)

    def _again(self, call: Call, items: list[Item], error: str, outcome: Outcome, now: float, out: list[Action]) -> None:
        """Items came back without content: once more after a pause, or given up. Of a late answer only what was held for it is concerned."""
        concerned = [item for item in items if not item.done and item.batch is call.batch]
        if not concerned:
            return
        if not call.is_key_in_doubt or self._lanes[call.lane].idempotency == "none":
            items = concerned  # else the body stays as it was, as its key does
        for item in items:
            item.n_sent += 1
        delay_s = self._retry.delay(error, call.n_tries, outcome)
        if delay_s is None:
            if error == "moderated" or outcome.error == "permanent":  # a call of one, or it had been bisected
                for item in items:
                    self._lookup.refuse(item.content, now)
            self._dispatcher.give_up(items, error, out)
            return
        at = now + delay_s
        batch = self._builder.remake(call.batch, items, call.lane)
        batch.parts = [items]
        batch.path = call.path + "r"
        batch.call = call
        ends_at = at + self._lanes[call.lane].service.expected_s
        for item in items:
            item.ends_at = ends_at
        self._retry.later(batch, at)

    def _bisect(self, call: Call, now: float, out: list[Action]) -> None:
        """The call as a whole was refused for good, and one of its items may be to blame: its halves are new calls, sent without a pause. What is
        moderated is refused like any poison: nothing is said of the others.

        A poisoned item among n costs at most 2 ceil(log2 n) calls more.
        """
        items = [item for item in call.items if not item.done and item.batch is call.batch]
        if not items:
            return  # nobody waits for them any more, or they are sent again already
        half = (len(items) + 1) // 2
        self.n_bisected += 1
        ends_at = now + self._lanes[call.lane].service.expected_s
        halves = []
        for digit, part in (("0", items[:half]), ("1", items[half:])):
            if not part:
                continue
            for item in part:
                item.n_sent += 1
                item.ends_at = ends_at
            batch = self._builder.remake(call.batch, part, call.lane)
            batch.parts = [part]
            batch.path = call.path + digit
            batch.call = call
            halves.append(batch)
        for batch in halves:
            self._dispatcher.enqueue(batch, now, out)

    def _put_back(self, call: Call, outcome: Outcome, now: float) -> None:
        """A shared limit had no room: the call was never sent. Its batch goes back to its place and is not tried before `retry_at`."""
        lane = self._lanes[call.lane]
        lane.limiter.hold(outcome.retry_at)
        items = [item for item in call.items if not item.done and item.batch is call.batch]
        if not items:
            return  # nobody waits for it any more, or it is sent again already
        if call.same_key_as is not None and call.same_key_as.is_key_in_doubt:
            items = call.items  # the body stays as it was, as its key does
        batch = self._builder.remake(call.batch, items, call.lane)
        for item in batch.items:
            item.ends_at = -inf if item.n_sent == 0 else item.ends_at
        batch.parts = [batch.items]
        batch.call, batch.path = call.batch.call, call.batch.path
        self._dispatcher.wait(batch, now)
