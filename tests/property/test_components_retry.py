"""Retries: the pauses, and the room where they are spent, against a list."""

from __future__ import annotations

from math import inf

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sbsim.components.retry import RETRYABLE, Retry
from sbsim.records import Batch, Outcome

FINAL = ("permanent", "moderated")
errors = st.sampled_from(sorted(RETRYABLE))


class AgainstAList(RuleBasedStateMachine):
    """Batches come back in order of (instant, serial), each once, at the first question at or after its instant and never before."""

    def __init__(self):
        super().__init__()
        self.retry = Retry(max_attempts=4, base_s=1.0, cap_s=60.0)
        self.now, self.serial, self.waiting = 0.0, 0, []

    @rule(dt=st.sampled_from([0.0, 0.1, 0.7, 3.0]))
    def advance(self, dt):
        self.now += dt

    @precondition(lambda self: self.waiting)
    @rule()
    def advance_to_the_due_instant(self):
        self.now = max(self.now, self.retry.due_at)
        assert self.retry.wake(self.now), "the instant that was armed has come, and nobody is due"
        self.waiting = [entry for entry in self.waiting if entry[0] > self.now]

    @rule(delay_s=st.sampled_from([0.0, 0.1, 0.2, 0.3, 5.0]))
    def later(self, delay_s):
        self.serial += 1
        batch = Batch(-self.serial if self.serial % 3 == 0 else self.serial, 0, 0, 0.0)
        self.retry.later(batch, self.now + delay_s)
        self.waiting.append((self.now + delay_s, batch.serial, batch))

    @rule()
    def wake(self):
        self.waiting.sort(key=lambda entry: entry[:2])
        expected = [batch for at, _, batch in self.waiting if self.now >= at]
        assert self.retry.wake(self.now) == expected
        self.waiting = self.waiting[len(expected) :]

    @invariant()
    def what_waits_is_known(self):
        order = sorted(self.waiting, key=lambda entry: entry[:2])
        assert self.retry.due_at == (order[0][0] if order else inf)
        assert list(self.retry) == [batch for _, _, batch in order]
        assert len(self.retry) == len(order)


TestAgainstAList = AgainstAList.TestCase
TestAgainstAList.settings = settings(max_examples=4 * settings().max_examples)


@given(errors, st.integers(1, 40), st.floats(0.001, 0.999), st.floats(0, 100), st.floats(0.1, 30), st.floats(0.1, 300))
def test_pauses_are_full_jitter_and_honour_retry_after(error, attempt, jitter, retry_after_s, base_s, cap_s):
    """u x min(cap, base x 2^(k-1)), but never less than the provider asked for, even beyond the cap."""
    delay_s = Retry(max_attempts=41, base_s=base_s, cap_s=cap_s).delay(error, attempt, Outcome(error, jitter=jitter, retry_after_s=retry_after_s))
    ceiling_s = base_s
    for _ in range(attempt - 1):
        ceiling_s = min(cap_s, 2 * ceiling_s)
    assert delay_s == pytest.approx(max(retry_after_s, jitter * min(cap_s, ceiling_s)))


@pytest.mark.parametrize("error", FINAL)
def test_what_another_attempt_cannot_mend_is_final(error):
    """A refusal of the content or of the request is never tried again."""
    assert Retry(max_attempts=10, base_s=1.0, cap_s=60.0).delay(error, 1, Outcome(error)) is None


@pytest.mark.parametrize("max_attempts", [1, 2, 5])
def test_the_last_attempt_is_the_last(max_attempts):
    """A call is sent `max_attempts` times at most, the first included."""
    retry = Retry(max_attempts=max_attempts, base_s=1.0, cap_s=60.0)
    delays = [retry.delay("transient", attempt, Outcome("transient")) for attempt in range(1, max_attempts + 2)]
    assert [delay is None for delay in delays] == [False] * (max_attempts - 1) + [True] * 2


def test_doubling_never_overflows():
    """The ten-thousandth attempt still waits the cap."""
    retry = Retry(max_attempts=20_000, base_s=1e9, cap_s=60.0)
    assert retry.delay("transient", 10_000, Outcome("transient", jitter=0.5)) == 30.0
