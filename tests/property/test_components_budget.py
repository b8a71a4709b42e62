"""The budget: against a model that adds up everything ever booked, and under every interleaving of concurrent calls."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations, product
from math import ceil, floor, inf

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from sbsim.components.budget import Allowance, Budget, Cost
from sbsim.components.budget.likely import MEMORY, LikelyCost
from sbsim.errors import StateError

nanos = st.integers(0, 60)
quarters = st.integers(0, 30).map(lambda k: k / 4)
windows = st.builds(
    Allowance,
    limit_nano=st.integers(20, 100),
    window_s=st.sampled_from([2.0, 5.0, 7.5]),
    is_hard=st.booleans(),
    offset_s=st.sampled_from([None, None, 0.0, 0.75]),
)


class Booked:
    """A call in the model's books: when it was sent, what it could cost at most, what each window reserved for it, and its bill."""

    def __init__(self, sent_at, most, reserved):
        self.sent_at, self.most, self.reserved, self.bill = sent_at, most, reserved, None


class AgainstTheBooks(RuleBasedStateMachine):
    """A call may go exactly when every window has room for it beside all that was sent in it and all that is overdue; hard ones never overflow.

    All instants are multiples of a quarter, so that the model's arithmetic is exact.
    """

    @initialize(
        allowances=st.lists(windows, min_size=1, max_size=3), reserve=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
        quantile=st.sampled_from([0.0, 0.5, 0.75, 1.0]), is_paced=st.sampled_from([False, False, True]),
    )  # fmt: skip
    def open(self, allowances, reserve, quantile, is_paced):
        self.allowances, self.quantile, self.is_paced = allowances, Fraction(quantile), is_paced
        self.budget = Budget(allowances, reserve_urgent=reserve, reserve_quantile=quantile, is_paced=is_paced)
        self.commons = [each.limit_nano - round(each.limit_nano * reserve) for each in allowances]
        self.now = 0.0
        self.books, self.tickets, self.ratios = [], [], []
        self.n_before = 0  # calls that were sent under other allowances

    # -- the model: nothing is remembered but what happened -----------------------------------------------------------------
    def leaves_at(self, allowance, sent_at):
        """When a call sent then is out of the window that it was sent in."""
        if allowance.offset_s is None:
            return sent_at + allowance.window_s
        return allowance.offset_s + (floor((sent_at - allowance.offset_s) / allowance.window_s) + 1) * allowance.window_s

    def amount(self, k, most):
        """What window k reserves for a call."""
        if self.allowances[k].is_hard:
            return most
        rank = ceil(self.quantile * (len(self.ratios) + 1))
        ratio = 0 if rank == 0 else 1 if rank > len(self.ratios) else sorted(self.ratios)[rank - 1]
        return min(most, ceil(most * ratio))

    def booked(self, k, at):
        """What window k counts at an instant, if nothing more is sent or settled."""
        return sum(
            call.reserved[k] if call.bill is None else call.bill
            for call in self.books
            if call.bill is None or self.leaves_at(self.allowances[k], call.sent_at) > at
        )

    def paces(self, k, at):
        """Whether the elapsed share of window k, or of its stretch, has caught up with the booked share of what common calls may use."""
        allowance = self.allowances[k]._replace(offset_s=self.allowances[k].offset_s or 0.0)
        begins_at = self.leaves_at(allowance, at) - allowance.window_s
        counted = sum(call.reserved[k] if call.bill is None else call.bill for call in self.books if self.leaves_at(allowance, call.sent_at) > at)
        return not self.commons[k] or Fraction(at - begins_at) / Fraction(allowance.window_s) * self.commons[k] >= counted

    def has_room(self, most, is_urgent, at):
        return all(
            self.booked(k, at) + self.amount(k, most) <= (each.limit_nano if is_urgent else self.commons[k])
            and (is_urgent or not self.is_paced or self.paces(k, at))
            for k, each in enumerate(self.allowances)
        )

    def turns(self):
        """Instants at which a window may come to have room."""
        for each in self.allowances:
            yield from (self.leaves_at(each, call.sent_at) for call in self.books)
            if each.offset_s is not None:
                yield self.leaves_at(each, self.now)

    # -- rules -------------------------------------------------------------------------------------------------------------
    @rule(dt=quarters)
    def advance(self, dt):
        self.now += dt

    @rule(
        allowances=st.lists(windows, min_size=1, max_size=3), reserve=st.sampled_from([0.0, 0.5]), quantile=st.sampled_from([0.0, 0.5, 1.0]),
        is_paced=st.booleans(),
    )  # fmt: skip
    def configure(self, allowances, reserve, quantile, is_paced):
        """Other allowances count what was booked before as if they had always held; longer windows than those before would not know all of it."""
        longest_s = max(each.window_s for each in self.allowances)
        self.allowances = [each._replace(window_s=min(each.window_s, longest_s)) for each in allowances]
        self.quantile, self.is_paced, self.n_before = Fraction(quantile), is_paced, len(self.books)
        self.budget.configure(self.allowances, reserve_urgent=reserve, reserve_quantile=quantile, is_paced=is_paced)
        self.commons = [each.limit_nano - round(each.limit_nano * reserve) for each in self.allowances]
        for call in self.books:
            call.reserved = [self.amount(k, call.most) for k in range(len(self.allowances))]

    @rule(most=nanos, is_urgent=st.booleans(), waits=st.booleans())
    def ask(self, most, is_urgent, waits):
        promised_at = self.budget.ready_at(Cost(most), is_urgent, self.now)
        assert (promised_at == self.now) == self.has_room(most, is_urgent, self.now)
        if promised_at > self.now and (not self.is_paced or is_urgent):
            later = (at for at in sorted(self.turns()) if at > self.now and self.has_room(most, is_urgent, at))
            assert promised_at == next(later, inf)
        limits = self.commons if not is_urgent else [each.limit_nano for each in self.allowances]
        assert self.budget.can_ever(Cost(most), is_urgent) == all(self.amount(k, most) <= limit for k, limit in enumerate(limits))
        if waits and self.now < promised_at < inf:
            self.now = ceil(promised_at * 4) / 4  # a pace may end between quarters
            assert self.budget.ready_at(Cost(most), is_urgent, self.now) == self.now

    @rule(is_urgent=st.booleans())
    def ask_without_a_bound(self, is_urgent):
        cost = Cost(None, 10)
        if any(each.is_hard for each in self.allowances):
            assert not self.budget.can_ever(cost, is_urgent)
            assert self.budget.ready_at(cost, is_urgent, self.now) == inf
            with pytest.raises(StateError):
                self.budget.take(cost, self.now)
        else:
            assert self.budget.ready_at(cost, is_urgent, self.now) >= self.now

    @rule(most=nanos, is_urgent=st.booleans())
    def send_if_ready(self, most, is_urgent):
        cost = Cost(most)
        if self.budget.ready_at(cost, is_urgent, self.now) > self.now:
            self.budget.hold(cost, is_urgent, self.now)
            return
        if not is_urgent:  # the urgent reserve is kept
            for k, each in enumerate(self.allowances):
                assert self.booked(k, self.now) + self.amount(k, most) <= self.commons[k] <= each.limit_nano
        self.books.append(Booked(self.now, most, [self.amount(k, most) for k in range(len(self.allowances))]))
        self.tickets.append(self.budget.take(cost, self.now))

    @precondition(lambda self: self.books)
    @rule(pick=st.integers(0, 99), share=st.sampled_from([0.0, 0.25, 0.5, 1.0]), was_sent=st.sampled_from([True, True, True, False]))
    def settle(self, pick, share, was_sent):
        ticket, call = self.tickets[pick % len(self.books)], self.books[pick % len(self.books)]
        if call.bill is not None:
            with pytest.raises(StateError):
                self.budget.settle(ticket, 0, self.now)
            return
        if not was_sent:
            call.bill = 0
            self.budget.release(ticket, self.now)
            return
        call.bill = int(call.most * share)
        if any(not each.is_hard for each in self.allowances):
            self.ratios.append(call.bill / max(call.most, 1))
        self.budget.settle(ticket, call.bill, self.now)

    def teardown(self):
        """INV-6, over every window there was: (t - W, t] at every sending of a rolling one, every calendar window as a whole."""
        for k, each in enumerate(getattr(self, "allowances", ())):
            if not each.is_hard:
                continue
            for last in self.books[self.n_before :]:
                together = [
                    call
                    for call in self.books
                    if (
                        last.sent_at - each.window_s < call.sent_at <= last.sent_at
                        if each.offset_s is None
                        else self.leaves_at(each, call.sent_at) == self.leaves_at(each, last.sent_at)
                    )
                ]
                assert sum(call.reserved[k] if call.bill is None else call.bill for call in together) <= each.limit_nano


TestAgainstTheBooks = AgainstTheBooks.TestCase
TestAgainstTheBooks.settings = settings(max_examples=4 * settings().max_examples)


# -- concurrent calls ----------------------------------------------------------------------------------------------------------
class CheckThenAct:
    """What many clients do: look at what is spent, send, and book the bill when it comes."""

    def __init__(self, limit: int, reserve: float) -> None:
        self.limit, self.common, self.spent = limit, limit - round(limit * reserve), 0

    def ready_at(self, cost: Cost, is_urgent: bool, now: float) -> float:
        return now if self.spent + cost.most_nano <= (self.limit if is_urgent else self.common) else inf

    def take(self, cost: Cost, now: float) -> int:
        return cost.most_nano

    def settle(self, ticket: int, bill: int, now: float) -> None:
        self.spent += bill


def hard(limit, reserve):
    """One hard window, beside a wider one and a soft one that do not bind."""
    return Budget([Allowance(limit, 100.0), Allowance(10 * limit, 1000.0, True, 0.0), Allowance(limit, 100.0, False)], reserve_urgent=reserve)


def interleavings(n):
    """Every order of n calls' two events, sending before answer."""
    return set(permutations([call for call in range(n) for _ in range(2)]))


def worst_case(gate, order, reserved, bills, urgent):
    """(most that was spent at any time, most that calls that are not urgent brought it to at their sending), all within one window."""
    tickets, spent, under_way, most, most_common = {}, 0, 0, 0, 0
    refused = set()
    for now, call in enumerate(order):
        if call in refused:
            continue
        if call not in tickets:
            if gate.ready_at(Cost(reserved[call]), urgent[call], now) > now:
                refused.add(call)
                continue
            tickets[call] = gate.take(Cost(reserved[call]), now)
            under_way += reserved[call]
            if not urgent[call]:
                most_common = max(most_common, spent + under_way)
        else:
            gate.settle(tickets[call], bills[call], now)
            under_way -= reserved[call]
            spent += bills[call]
        most = max(most, spent)
    return most, most_common


def overshoots(make) -> tuple[int, int]:
    """How many interleavings of three calls overshoot the hard limit of 10, and how many the 6 that are not kept for urgent calls."""
    over, over_common = 0, 0
    for order, reserved, urgent in product(interleavings(3), product((2, 5, 10), repeat=3), product((False, True), repeat=3)):
        for bills in (reserved, tuple(r // 2 for r in reserved)):
            most, most_common = worst_case(make(10, 0.4), order, reserved, bills, urgent)
            over += most > 10
            over_common += most_common > 6
    return over, over_common


def test_a_hard_limit_survives_every_interleaving():
    """INV-6: with the most a call can cost reserved before it leaves, no order of sendings and answers overshoots, and the urgent reserve is kept."""
    assert overshoots(hard) == (0, 0)


def test_check_then_act_is_found_out():
    """Looking first and booking the bill later overshoots as soon as two calls are in flight; the same enumeration shows it."""
    over, over_common = overshoots(CheckThenAct)
    assert over > 0
    assert over_common > 0


# -- instants ------------------------------------------------------------------------------------------------------------------
def test_an_unsettled_reservation_outlives_its_window():
    """A call whose bill is unknown keeps counting when its window has passed, rolling or not, and counts nothing once it is settled."""
    for offset_s in (None, 0.0):
        budget = Budget([Allowance(10, 60.0, True, offset_s)])
        ticket = budget.take(Cost(8), 0.0)
        assert budget.ready_at(Cost(5), True, 100.0) == inf
        budget.settle(ticket, 8, 100.0)
        assert budget.ready_at(Cost(10), True, 100.0) == 100.0


def test_a_booking_leaves_at_exactly_its_instant():
    """The window is half-open, in floats too: what was sent at t is out at t + window, and in an ulp before."""
    for sent_at in (0.1, 0.7, 1e6 + 0.1):
        budget = Budget([Allowance(10, 60.1)])
        budget.settle(budget.take(Cost(10), sent_at), 10, sent_at)
        leaves_at = sent_at + 60.1
        assert budget.ready_at(Cost(1), True, sent_at + 1.0) == leaves_at
        assert budget.ready_at(Cost(1), True, leaves_at) == leaves_at


@given(offset_s=st.floats(0, 1e5), width_s=st.floats(0.1, 1e5), sent_at=st.floats(0, 1e6), is_paced=st.booleans())
def test_a_calendar_window_begins_at_exactly_the_reset_it_promised(offset_s, width_s, sent_at, is_paced):
    """At the promised instant there is room, and an ulp before it there is none, whatever the division rounds to."""
    budget = Budget([Allowance(10, width_s, True, offset_s)], is_paced=is_paced)
    budget.settle(budget.take(Cost(10), sent_at), 10, sent_at)
    resets_at = budget.ready_at(Cost(10), False, sent_at)
    assert sent_at < resets_at <= sent_at + width_s * (1 + 1e-9) + 1e-9 * resets_at
    assert floor((resets_at - offset_s) / width_s) == floor((sent_at - offset_s) / width_s) + 1
    assert budget.ready_at(Cost(10), False, resets_at) == resets_at


@given(st.lists(st.tuples(st.integers(1, 40), st.floats(0, 30)), min_size=1, max_size=20), st.sampled_from([None, 7.0]))
def test_a_paced_call_goes_at_the_instant_it_was_promised(calls, offset_s):
    """A promise of the pace holds to the ulp: a timer that fires exactly then finds the gate open."""
    budget, now = Budget([Allowance(100, 60.0, True, offset_s)], is_paced=True), 0.0
    for nano, pause_s in calls:
        now += pause_s
        promised_at = budget.ready_at(Cost(nano), False, now)
        assert promised_at < inf
        assert budget.ready_at(Cost(nano), False, promised_at) == promised_at
        now = promised_at
        budget.settle(budget.take(Cost(nano), now), nano, now)


def test_pacing_spreads_what_is_not_urgent_over_the_window():
    """100 in 50 s, 20 a call: one at 0, 10, 20, 30, 40; urgent calls go at once and slow the others."""
    paced = Budget([Allowance(100, 50.0, True, 0.0)], is_paced=True)
    at, instants = 0.0, []
    for _ in range(5):
        at = paced.ready_at(Cost(20), False, at)
        instants.append(at)
        paced.settle(paced.take(Cost(20), at), 20, at)
    assert instants == [0.0, 10.0, 20.0, 30.0, 40.0]
    fresh = Budget([Allowance(100, 50.0, True, 0.0)], is_paced=True)
    for _ in range(3):
        assert fresh.ready_at(Cost(20), True, 0.0) == 0.0
        fresh.settle(fresh.take(Cost(20), 0.0), 20, 0.0)
    assert fresh.ready_at(Cost(20), False, 0.0) == 30.0


# -- exhaustion ----------------------------------------------------------------------------------------------------------------
def test_exhaustion_is_noted_where_a_call_found_no_room():
    """Per window, the first instant at which it held a call back; waiting for the pace is nobody's exhaustion."""
    budget = Budget([Allowance(10, 60.0), Allowance(100, 600.0)], is_paced=True)
    budget.settle(budget.take(Cost(8), 1.0), 8, 1.0)
    budget.hold(Cost(1), False, 2.0)  # paced, and there is room
    assert [account.exhausted_at for account in budget.accounts] == [inf, inf]
    budget.hold(Cost(5), False, 3.0)
    budget.hold(Cost(5), False, 4.0)
    assert [(account.exhausted_at, account.n_held) for account in budget.accounts] == [(3.0, 2), (inf, 0)]


# -- soft limits -----------------------------------------------------------------------------------------------------------------
@given(st.lists(st.integers(0, 100), max_size=60), st.sampled_from([0.0, 0.1, 0.5, 0.9, 0.95, 1.0]), st.booleans())
def test_a_reservation_is_the_stated_order_statistic(bills, quantile, is_bounded):
    """k = ceil(q (n + 1)): the k-th smallest ratio seen, the most (or the largest seen, 1 at least) while there are too few."""
    likely, cost = LikelyCost(quantile), Cost(100 if is_bounded else None, 80)
    for bill in bills:
        likely.add(cost, bill)
    yardstick = 100 if is_bounded else 80
    k, ratios = ceil(Fraction(repr(quantile)) * (len(bills) + 1)), sorted(bill / yardstick for bill in bills)
    ratio = 0 if not quantile else ratios[k - 1] if k <= len(bills) else 1 if is_bounded else max([1, *ratios])
    assert likely.nano(cost) == ceil(yardstick * ratio)


@pytest.mark.parametrize("quantile", [0.5, 0.9])
def test_the_quantile_is_kept_by_calls_to_come(quantile):
    """Of calls billed in a scrambled order, no more than 1 - q (and three standard errors) exceed what was reserved for them."""
    likely, over, n = LikelyCost(quantile), 0, 4000
    for k in range(n):
        bill = k * 7919 % 1009
        over += bill > likely.nano(Cost(2000))
        likely.add(Cost(2000), bill)
    assert abs(over / n - (1 - quantile)) < 3 * (quantile * (1 - quantile) / n) ** 0.5 + 1 / MEMORY


def test_calls_of_another_lane_teach_nothing():
    """A lane's bills speak for that lane, and bounded calls for bounded ones; only the last of them are remembered."""
    likely = LikelyCost(0.5)
    for _ in range(MEMORY):
        likely.add(Cost(100, lane=1), 10)
    assert [likely.nano(cost) for cost in (Cost(100, lane=1), Cost(100, lane=0), Cost(None, 70, lane=1))] == [10, 100, 70]
    for _ in range(MEMORY):
        likely.add(Cost(100, lane=1), 30)
    assert likely.nano(Cost(100, lane=1)) == 30
    assert likely.nano(Cost(None, 0)) == 1
