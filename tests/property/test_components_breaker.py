"""The breaker against its contract, spelt out as a list of what happened."""

from __future__ import annotations

from math import inf

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sbsim.components.breaker import Breaker

quarters = st.integers(0, 20).map(lambda k: k / 4)


class AgainstTheBook(RuleBasedStateMachine):
    """Closed until k failures in a row, open for the cooldown, then one probe at a time until one gives a verdict."""

    @initialize(allowed=st.integers(1, 3), cooldown_s=st.sampled_from([1.0, 2.5]))
    def start(self, allowed, cooldown_s):
        self.breaker = Breaker(allowed, cooldown_s)
        self.allowed, self.cooldown_s = allowed, cooldown_s
        self.now = 0.0
        self.verdicts = []  # while closed, since it last closed
        self.opened_at = None
        self.probe = None
        self.out, self.serial = [], 0

    @rule(dt=quarters)
    def advance(self, dt):
        self.now += dt

    @precondition(lambda self: self.breaker.ready_at(self.now) <= self.now)
    @rule()
    def send(self):
        self.serial += 1
        self.out.append(self.serial)
        self.breaker.take(self.serial)
        if self.opened_at is not None:
            self.probe = self.serial

    @precondition(lambda self: self.out)
    @rule(data=st.data(), ending=st.sampled_from(["well", "badly", "badly", "neither"]))
    def answer(self, data, ending):
        serial = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        if ending == "well":
            self.breaker.succeed(serial)
        elif ending == "badly":
            opened = self.breaker.fail(serial, self.now)
            assert opened == self.model_opens(serial)
        else:
            self.breaker.let_go(serial)
        self.model_answers(serial, ending)

    def model_opens(self, serial):
        if self.opened_at is None:
            return len(self.verdicts) + 1 >= self.allowed and not any(self.verdicts[len(self.verdicts) - self.allowed + 1 :])
        return serial == self.probe

    def model_answers(self, serial, ending):
        if self.opened_at is None:
            if ending == "badly" and self.model_opens(serial):
                self.opened_at, self.verdicts = self.now, []
            elif ending != "neither":
                self.verdicts.append(ending == "well")
        elif serial == self.probe:
            self.probe = None
            if ending == "well":
                self.opened_at = None
            elif ending == "badly":
                self.opened_at = self.now

    @invariant()
    def says_what_the_book_says(self):
        if not hasattr(self, "breaker"):
            return
        if self.opened_at is None:
            expected = self.now
        elif self.probe is not None:
            expected = inf
        else:
            expected = max(self.now, self.opened_at + self.cooldown_s)
        assert self.breaker.ready_at(self.now) == expected
        assert self.breaker.is_closed == (self.opened_at is None)


TestAgainstTheBook = AgainstTheBook.TestCase
