"""The running estimate of a service time against the weighted moments it stands for."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from sbsim.components.tally import WEIGHT, ServiceEstimate

seconds = st.lists(st.floats(0, 1e4), min_size=1, max_size=60)


def weights(n):
    """How much each of n answers counts, oldest first: equal up to ten, then every newcomer takes a tenth from all."""
    shares = np.ones(1)
    for k in range(2, n + 1):
        newest = max(WEIGHT, 1 / k)
        shares = np.append(shares * (1 - newest), newest)
    return shares


@given(seconds)
def test_it_is_mean_plus_two_deviations(answers):
    """The running update equals the weighted mean and deviation computed from all answers at once."""
    estimate = ServiceEstimate(60.0)
    for each in answers:
        estimate.add(each)
    share = weights(len(answers))
    mean = share @ np.array(answers)
    deviation = np.sqrt(share @ (np.array(answers) - mean) ** 2)
    assert share.sum() == pytest.approx(1.0)
    assert estimate.expected_s == pytest.approx(mean + 2 * deviation, rel=1e-6, abs=1e-6)
    assert estimate.n == len(answers)


def test_before_the_first_answer_it_is_the_setting():
    """Nothing is known yet: the initial value counts, and not a second of it after the first answer."""
    estimate = ServiceEstimate(60.0)
    assert estimate.expected_s == 60.0
    estimate.add(2.0)
    assert estimate.expected_s == 2.0


def test_it_follows_a_change():
    """After a provider has become slower, some thirty answers are enough to expect so."""
    estimate = ServiceEstimate(60.0)
    for each in [1.0] * 200 + [10.0] * 30:
        estimate.add(each)
    assert 9.0 < estimate.expected_s < 14.0
