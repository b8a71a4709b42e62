"""Each closed form against another way to the same number: a Markov chain, an enumeration, an integral, or a few lines of throw-away simulation."""

from __future__ import annotations

from itertools import permutations, product
from math import ceil, exp, log2, prod

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats

from sbsim.verification import closed_forms as exact

Floats = NDArray[np.float64]


def stationary(rates: Floats) -> Floats:
    """Stationary distribution of the chain whose rate (or probability) from state i to state j is rates[i, j]."""
    generator = rates - np.diag(rates.sum(axis=1))
    system = np.vstack([generator.T, np.ones(len(rates))])
    return np.linalg.lstsq(system, np.append(np.zeros(len(rates)), 1.0), rcond=None)[0]


def birth_death(arrival_rate: float, service_rate: float, servers: int, states: int) -> Floats:
    """Number in M/M/c, as its stationary distribution over 0 .. states - 1."""
    rates = np.zeros((states, states))
    for n in range(states - 1):
        rates[n, n + 1] = arrival_rate
        rates[n + 1, n] = service_rate * min(n + 1, servers)
    return stationary(rates)


# -- queues ------------------------------------------------------------------------------------------------------------------
def test_erlang_b_is_the_last_state_of_the_loss_chain() -> None:
    """An arrival is lost when it finds the chain of c servers in its last state, which it does as often as time does (PASTA)."""
    for servers, offered in ((1, 0.7), (4, 3.0), (7, 9.0)):
        assert exact.erlang_b(servers, offered) == pytest.approx(birth_death(offered, 1.0, servers, servers + 1)[-1], rel=1e-9)


def test_erlang_b_holds_for_a_service_that_never_varies() -> None:
    """Insensitivity: a throw-away simulation of M/D/3/3 loses the same share."""
    rng = np.random.default_rng(1)
    n_lost, replications, n = np.zeros(400), 400, 2000
    free_at = np.zeros((replications, 3))
    now = np.zeros(replications)
    for _ in range(n):
        now += rng.exponential(1 / 2.0, replications)
        first = free_at.argmin(axis=1)
        is_free = free_at[np.arange(replications), first] <= now
        n_lost += ~is_free
        free_at[np.flatnonzero(is_free), first[is_free]] = now[is_free] + 1.0
    shares = n_lost / n
    error = shares.std(ddof=1) / np.sqrt(replications)
    assert abs(shares.mean() - exact.erlang_b(3, 2.0)) < 4 * error
    assert error < 0.005 * shares.mean()


def test_erlang_c_and_the_mean_wait_of_many_servers_follow_from_the_chain() -> None:
    """Who finds all servers busy waits; the mean wait is the mean queue over the arrival rate (Little)."""
    for servers, load in ((1, 0.5), (3, 0.7), (8, 0.6)):
        arrival_rate, service_rate = load * servers * 0.4, 0.4
        p = birth_death(arrival_rate, service_rate, servers, 160)
        queue = float(np.maximum(np.arange(160) - servers, 0) @ p)
        assert exact.erlang_c(servers, arrival_rate / service_rate) == pytest.approx(p[servers:].sum(), rel=1e-8)
        assert exact.mmc_wait(arrival_rate, service_rate, servers) == pytest.approx(queue / arrival_rate, rel=1e-8)


def _embedded_wait(arrival_rate: float, mean_s: float, arrivals: Floats) -> float:
    """Mean wait of M/G/1 from the number left behind by departures; arrivals[k]: chance of k arrivals within a service."""
    states = len(arrivals)
    moves = np.zeros((states, states))
    for n in range(states):
        for k, chance in enumerate(arrivals):
            moves[n, min(max(n - 1, 0) + k, states - 1)] += chance
    left_behind = float(np.arange(states) @ stationary(moves))
    return left_behind / arrival_rate - mean_s


def test_pollaczek_khinchine_follows_from_the_departures() -> None:
    """The chain embedded at departures gives the mean wait for a constant, a gamma and an exponential service."""
    k = np.arange(120)
    constant = stats.poisson(0.6).pmf(k)
    gamma = stats.nbinom(4, 4 / (4 + 0.5)).pmf(k)  # arrivals at rate 0.5 within a gamma service of mean 1 and cv 1/2
    exponential = stats.geom(1 / 1.5).pmf(k + 1)
    assert exact.mg1_wait(0.6, 1.0, 1.0) == pytest.approx(_embedded_wait(0.6, 1.0, constant), rel=1e-8)
    assert exact.mg1_wait(0.5, 1.0, 1.25) == pytest.approx(_embedded_wait(0.5, 1.0, gamma), rel=1e-8)
    assert exact.mg1_wait(0.5, 1.0, 2.0) == pytest.approx(_embedded_wait(0.5, 1.0, exponential), rel=1e-8)
    assert exact.mg1_wait(0.5, 1.0, 2.0) == pytest.approx(exact.mmc_wait(0.5, 1.0, 1), rel=1e-12)


def test_the_wait_distribution_mixes_erlang_laws() -> None:
    """Who finds n in M/M/1 waits for n exponential services: the mixture over the chain, its mean included."""
    p = birth_death(0.6, 1.0, 1, 200)
    for wait_s in (0.0, 0.5, 2.0, 7.0):
        mixture = sum(p[n] * stats.gamma(n).sf(wait_s) for n in range(1, 200))
        assert exact.mm1_wait_exceeds(0.6, 1.0, wait_s) == pytest.approx(mixture, rel=1e-8)
    mean, _ = integrate.quad(lambda t: exact.mm1_wait_exceeds(0.6, 1.0, t), 0, np.inf)
    assert mean == pytest.approx(exact.mmc_wait(0.6, 1.0, 1), rel=1e-8)


def test_batch_arrivals_follow_from_the_chain_with_jumps() -> None:
    """The mean number of the chain in which groups of 1 to 3 arrive, over the arrival rate, is the mean latency."""
    chances, service_rate, arrival_rate = {1: 0.2, 2: 0.5, 3: 0.3}, 1.0, 0.55
    mean = sum(size * chance for size, chance in chances.items())
    square = sum(size**2 * chance for size, chance in chances.items())
    states = 250
    rates = np.zeros((states, states))
    for n in range(states):
        for size, chance in chances.items():
            if n + size < states:
                rates[n, n + size] += arrival_rate / mean * chance
        if n:
            rates[n, n - 1] = service_rate
    latency = float(np.arange(states) @ stationary(rates)) / arrival_rate
    assert exact.batch_arrivals_latency(arrival_rate, service_rate, mean, square) == pytest.approx(latency, rel=1e-7)


def test_strict_priorities_follow_from_the_chain_of_two_classes() -> None:
    """The chain (urgent, normal, who is served) of exponential services, its mean numbers over the arrival rates less a service."""
    rates_in, services, n_most = (0.2, 0.25), (1.0, 0.8), 22
    index = {
        state: i for i, state in enumerate((a, b, s) for a in range(n_most) for b in range(n_most) for s in (-1, 0, 1) if (s < 0) == (a + b == 0))
    }
    rates = np.zeros((len(index), len(index)))
    for (a, b, s), i in index.items():
        for more, rate in (((a + 1, b), rates_in[0]), ((a, b + 1), rates_in[1])):
            target = (*more, s if s >= 0 else int(more[1] > b))
            if target in index:
                rates[i, index[target]] += rate
        left = (a - (s == 0), b - (s == 1))
        if s >= 0 and min(left) >= 0:
            rates[i, index[(*left, -1 if sum(left) == 0 else 0 if left[0] else 1)]] += 1 / services[s]
    p = stationary(rates)
    states = np.array(list(index))
    squares = [2 * s * s for s in services]
    for k, wait in enumerate(exact.priority_waits(rates_in, services, squares)):
        assert wait == pytest.approx(float(states[:, k] @ p) / rates_in[k] - services[k], rel=1e-5)


def test_a_queue_without_a_stationary_regime_has_no_mean() -> None:
    """A load of 1 or more is an error, not a negative wait."""
    for build in (
        lambda: exact.mmc_wait(3.0, 1.0, 3),
        lambda: exact.mg1_wait(1.0, 1.0, 1.0),
        lambda: exact.full_batch_latency(4.0, 1.0, 4),
        lambda: exact.priority_waits((0.5, 0.6), (1.0, 1.0), (1.0, 1.0)),
    ):
        with pytest.raises(ValueError, match="stationary"):
            build()


# -- batches -----------------------------------------------------------------------------------------------------------------
def test_full_batches_follow_from_the_chain_that_loses_a_batch_at_a_time() -> None:
    """Requests in the system, one more per arrival and K fewer per service once K are there: Little gives the mean latency."""
    for size, arrival_rate in ((2, 1.2), (4, 2.8), (5, 1.0)):
        states = 400
        rates = np.zeros((states, states))
        for n in range(states):
            if n + 1 < states:
                rates[n, n + 1] = arrival_rate
            if n >= size:
                rates[n, n - size] = 1.0
        latency = float(np.arange(states) @ stationary(rates)) / arrival_rate
        assert exact.full_batch_latency(arrival_rate, 1.0, size) == pytest.approx(latency, rel=1e-6)
    assert exact.full_batch_latency(0.5, 1.0, 1) == pytest.approx(exact.mmc_wait(0.5, 1.0, 1) + 1.0, rel=1e-12)


def _windows(arrival_rate: float, wait_s: float, cap: int, n: int) -> tuple[Floats, Floats]:
    """Sizes and summed waits of n simulated windows."""
    rng = np.random.default_rng(5)
    joined_at = np.cumsum(rng.exponential(1 / arrival_rate, (n, cap - 1)), axis=1)
    joins = joined_at <= wait_s
    closed_at = np.where(joins[:, -1], joined_at[:, -1], wait_s)
    waits = closed_at + np.where(joins, closed_at[:, None] - joined_at, 0.0).sum(axis=1)
    return 1.0 + joins.sum(axis=1), waits


def test_windows_with_a_cap_agree_with_simulated_ones() -> None:
    """Sizes, mean wait and bill of 400,000 windows drawn arrival by arrival, within 4 standard errors."""
    arrival_rate, wait_s, cap, n = 0.8, 3.0, 5, 400_000
    sizes, waits = _windows(arrival_rate, wait_s, cap, n)
    chances = exact.window_sizes(arrival_rate, wait_s, cap)
    assert chances.sum() == pytest.approx(1.0, abs=1e-15)
    for size, chance in enumerate(chances, start=1):
        assert np.mean(sizes == size) == pytest.approx(chance, abs=4 * np.sqrt(chance * (1 - chance) / n))
    assert exact.window_mean_size(arrival_rate, wait_s, cap) == pytest.approx(sizes.mean(), abs=4 * sizes.std() / np.sqrt(n))
    expected = exact.window_wait(arrival_rate, wait_s, cap)
    error = (waits - expected * sizes).std() / sizes.mean() / np.sqrt(n)
    assert expected == pytest.approx(waits.sum() / sizes.sum(), abs=4 * error)
    bills = 0.1 + np.where(sizes >= 3, 0.8, 1.0) * 0.05 * sizes
    expected = exact.window_bill(arrival_rate, wait_s, cap, lambda k: 0.1 + (0.8 if k >= 3 else 1.0) * 0.05 * k)
    error = (bills - expected * sizes).std() / sizes.mean() / np.sqrt(n)
    assert expected == pytest.approx(bills.sum() / sizes.sum(), abs=4 * error)


def test_a_cap_out_of_reach_is_no_cap() -> None:
    """With a cap that is never filled all three forms agree with those without one, and with the Poisson law."""
    assert exact.window_mean_size(0.8, 3.0, 60) == pytest.approx(exact.window_mean_size(0.8, 3.0), rel=1e-12)
    assert exact.window_wait(0.8, 3.0, 60) == pytest.approx(exact.window_wait(0.8, 3.0), rel=1e-12)
    sizes = exact.window_sizes(0.8, 3.0)
    np.testing.assert_allclose(sizes, stats.poisson(2.4).pmf(np.arange(len(sizes))), atol=1e-15)
    assert exact.window_sizes(0.8, 3.0, 60).shape == (60,)


def test_small_caps_are_elementary() -> None:
    """A cap of one never waits; with a cap of two the opener waits for the next arrival or the end of the window."""
    assert exact.window_wait(0.8, 3.0, 1) == 0.0
    assert exact.window_mean_size(0.8, 3.0, 1) == 1.0
    opener, _ = integrate.quad(lambda t: exp(-0.8 * t), 0, 3.0)
    assert exact.window_wait(0.8, 3.0, 2) == pytest.approx(opener / (2 - exp(-2.4)), rel=1e-12)


# -- reuse -------------------------------------------------------------------------------------------------------------------
def test_an_expiring_content_divides_its_requests_as_a_simulated_one_does() -> None:
    """Counts of misses, joins, hits and the waits of joiners over 100,000 cycles, within 4 standard errors."""
    rng = np.random.default_rng(7)
    arrival_rate, ttl_s, n = 1.5, 3.0, 100_000
    latencies = rng.gamma(2.0, 1.0, n)
    joins = rng.poisson(arrival_rate * latencies)
    hits = rng.poisson(arrival_rate * ttl_s, n)
    miss, joined, hit = exact.expiring_content(arrival_rate, 2.0, ttl_s)
    assert miss + joined + hit == pytest.approx(1.0, rel=1e-12)
    assert joined / miss == pytest.approx(joins.mean(), abs=4 * joins.std() / np.sqrt(n))
    assert hit / miss == pytest.approx(hits.mean(), abs=4 * hits.std() / np.sqrt(n))
    works = np.repeat(latencies, joins)
    waits = works * rng.random(len(works))
    per_cycle = np.bincount(np.repeat(np.arange(n), joins), waits, n)
    expected = exact.joiner_wait(2.0, 6.0)
    error = (per_cycle - expected * joins).std() / joins.mean() / np.sqrt(n)
    assert waits.mean() == pytest.approx(expected, abs=4 * error)


def test_the_lru_integral_is_kings_sum_over_all_orders() -> None:
    """King (1971): the stack's order has probability prod p_i / (1 - sum before); a request hits when it is among the first C."""
    popularity = exact.zipf(6, 0.9)
    for capacity in (1, 2, 4, 5):
        ratio = 0.0
        for order in permutations(range(6)):
            before = np.cumsum([0.0, *(popularity[i] for i in order[:-1])])
            ratio += prod(popularity[i] / (1 - b) for i, b in zip(order, before, strict=True)) * sum(popularity[i] for i in order[:capacity])
        assert exact.lru_hit_ratio(popularity, capacity) == pytest.approx(ratio, abs=1e-11)
    assert exact.lru_hit_ratio(popularity, 6) == exact.che_hit_ratio(popularity, 6) == 1.0


def test_equally_popular_contents_hit_by_the_share_that_is_held() -> None:
    """Under a uniform popularity every policy that fills its room hits C / n."""
    assert exact.lru_hit_ratio(exact.zipf(40, 0.0), 7) == pytest.approx(7 / 40, abs=1e-11)
    assert exact.che_hit_ratio(exact.zipf(40, 0.0), 7) == pytest.approx(7 / 40, abs=1e-11)


def test_che_is_an_approximation_that_gets_better() -> None:
    """It is off by half a percent of requests at 20 contents, and by under a thousandth at 60."""
    assert exact.lru_hit_ratio(exact.zipf(20, 0.9), 3) == pytest.approx(0.2872, abs=5e-5)
    assert exact.che_hit_ratio(exact.zipf(20, 0.9), 3) == pytest.approx(0.2825, abs=5e-5)
    popularity = exact.zipf(60, 0.9)
    assert exact.che_hit_ratio(popularity, 15) == pytest.approx(exact.lru_hit_ratio(popularity, 15), abs=1e-3)


def test_ches_hit_ratio_agrees_with_a_simulated_stack() -> None:
    """At 300 contents a throw-away LRU hits as often, within 4 standard errors and Che's own thousandth."""
    rng = np.random.default_rng(3)
    popularity = exact.zipf(300, 0.8)
    stack: dict[int, None] = {}
    hits = []
    for content in rng.choice(300, size=60_000, p=popularity).tolist():
        hits.append(content in stack)
        stack.pop(content, None)
        stack[content] = None
        if len(stack) > 40:
            del stack[next(iter(stack))]
    batches = np.array(hits[2_000:]).reshape(58, -1).mean(axis=1)
    error = batches.std(ddof=1) / np.sqrt(58)
    assert batches.mean() == pytest.approx(exact.che_hit_ratio(popularity, 40), abs=4 * error + 1e-3)
    assert error < 0.004


# -- retries, limits, budget -------------------------------------------------------------------------------------------------
def test_retries_are_the_sum_over_every_history() -> None:
    """Attempts, loss and backoff averaged over all 2^m histories of failures, each with its probability."""
    error, tries, base_s, cap_s = 0.3, 4, 0.5, 1.2
    attempts = lost = backoff = 0.0
    for history in product((True, False), repeat=tries):
        chance = prod(error if failed else 1 - error for failed in history)
        n_failed = history.index(False) if False in history else tries
        attempts += chance * min(n_failed + 1, tries)
        lost += chance * (n_failed == tries)
        backoff += chance * sum(min(cap_s, base_s * 2**k) / 2 for k in range(min(n_failed, tries - 1)))
    assert exact.mean_attempts(error, tries) == pytest.approx(attempts, rel=1e-12)
    assert exact.mean_attempts(error, tries) == pytest.approx((1 - error**tries) / (1 - error), rel=1e-12)
    assert exact.share_lost(error, tries) == pytest.approx(lost, rel=1e-12)
    assert exact.mean_backoff(error, tries, base_s, cap_s) == pytest.approx(backoff, rel=1e-12)
    assert exact.mean_attempts(1.0, 3) == 3


def test_bisecting_is_the_mean_over_every_set_of_poisoned_items() -> None:
    """Calls counted by really halving, averaged over all 2^n ways in which items can be poisoned, and never above 2 ceil(log2 n) a poisoned item."""

    def calls(items: tuple[bool, ...]) -> int:
        if len(items) == 1 or not any(items):
            return 1
        half = (len(items) + 1) // 2
        return 1 + calls(items[:half]) + calls(items[half:])

    for n in (1, 2, 5, 8):
        ways = list(product((True, False), repeat=n))
        mean = sum(prod(0.2 if bad else 0.8 for bad in way) * calls(way) for way in ways)
        assert exact.bisected_calls(n, 0.2) == pytest.approx(mean, rel=1e-12)
        assert all(calls(way) - 1 <= 2 * ceil(log2(n)) * sum(way) for way in ways)


def test_a_saturated_sliding_window_sends_in_bursts() -> None:
    """A greedy sender that may never have more than n calls within (t - T, t] sends n at once, and n more whenever T has passed."""
    n, window = 3, 10
    sent: list[int] = []
    for t in range(45):
        while sum(t - window < s for s in sent) < n:
            sent.append(t)
        assert len(sent) == exact.sliding_window_calls(n, float(window), float(t))


def test_a_budget_pays_for_whole_calls_to_the_nano_dollar() -> None:
    """0.3 dollars pay for three calls of 0.1, though 0.3 / 0.1 is 2.99... in binary fractions; a rest pays for nothing."""
    assert exact.budget_calls(0.3, 0.1) == 3
    assert exact.budget_calls(1.0, 0.03) == 33
    assert exact.budget_calls(0.029999999, 0.03) == 0


def test_zipf_is_a_law_over_ranks() -> None:
    """Probabilities add up to one and fall as rank^-exponent."""
    popularity = exact.zipf(50, 1.1)
    assert popularity.sum() == pytest.approx(1.0, rel=1e-14)
    np.testing.assert_allclose(popularity[0] / popularity, np.arange(1, 51) ** 1.1, rtol=1e-12)
