"""A provider on its own against theory: the law of its noise, losses and queues. Seeds are fixed; bounds are 3.5 standard errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from sbsim.records import Call, Content, Facts, Item, Outcome, Request
from sbsim.scenario import ProviderSpec
from sbsim.seeds import Draws
from sbsim.world import ModelledProvider

FACTS = [Facts("image", "m", duration_s=float(s)) for s in (1, 2, 5)]


def provider(latency: dict[str, Any], limits: tuple[dict[str, Any], ...] = (), seed: int = 1) -> ModelledProvider:
    given = {"name": "p", "serves": {"content_type": "image"}, "api": {"takes": "list"}, "price": {}, "latency": latency, "limits": limits}
    return ModelledProvider(ProviderSpec.model_validate(given), Draws(seed, 0))


def call(m: int, n_items: int = 1, path: str = "") -> Call:
    items = [Item(Request(k, 0.0, 1e9, 2, Content(k, k, k, FACTS[(m + k) % 3], 0, 0, (), 0))) for k in range(n_items)]
    return Call(m, 0, None, items, m, path, 1, 0.0, 1e9)  # type: ignore[arg-type]


LAWS = [
    ({"law": "lognormal", "cv": 0.5}, stats.lognorm(s=np.sqrt(np.log(1.25)), scale=1 / np.sqrt(1.25))),
    ({"law": "exponential"}, stats.expon()),
    ({"law": "gamma", "cv": 0.5}, stats.gamma(a=4, scale=0.25)),
    ({"law": "uniform", "low": 0.5, "high": 1.5}, stats.uniform(0.5, 1.0)),
]


@pytest.mark.parametrize("path", ["", "r"])
@pytest.mark.parametrize(("law", "exact"), LAWS, ids=[law["law"] for law, _ in LAWS])
def test_noise_has_its_declared_law_and_no_correlation_with_what_a_call_carries(law: dict[str, Any], exact: Any, path: str) -> None:
    """Running time / mean time follows the law (Kolmogorov-Smirnov, p > 0.001) and knows nothing of the number of items, for tries and retries."""
    latency = {"setup": 2, "per_item": 0.5, "per_second": 0.25, "parallel_items": 2}
    noisy, still = provider({**latency, "noise": law}), provider(latency)
    n = 4000
    rng = np.random.default_rng(5)
    sizes = rng.integers(1, 9, n)
    factors = np.array([noisy.answer(call(m, k, path), 0.0)[0] / still.answer(call(m, k, path), 0.0)[0] for m, k in enumerate(sizes.tolist())])
    assert stats.kstest(factors, exact.cdf).pvalue > 0.001
    assert abs(np.corrcoef(factors, sizes)[0, 1]) < 3.5 / np.sqrt(n)
    assert abs(np.corrcoef(factors[:-1], factors[1:])[0, 1]) < 3.5 / np.sqrt(n)


def erlang_b(c: int, offered: float) -> float:
    """Share lost of `offered` erlangs by c servers (Erlang 1917), by the recursion B(c) = a B(c-1) / (c + a B(c-1))."""
    lost = 1.0
    for k in range(1, c + 1):
        lost = offered * lost / (k + offered * lost)
    return lost


def standard_error(values: NDArray[np.float64]) -> float:
    """Of the mean of a correlated series, by 50 batch means."""
    return float(values[: len(values) // 50 * 50].reshape(50, -1).mean(axis=1).std(ddof=1) / np.sqrt(50))


def replies(made: ModelledProvider, rate: float, n: int) -> tuple[NDArray[np.float64], list[tuple[float, Outcome]]]:
    """(instants, answers) of n calls that arrive as a Poisson process."""
    arrivals = np.cumsum(np.random.default_rng(11).exponential(1 / rate, n))
    one = call(0)
    answers = []
    for m, now in enumerate(arrivals.tolist()):
        one.m = m
        answers.append(made.answer(one, now))
    return arrivals, answers  # type: ignore[return-value]


@pytest.mark.parametrize(
    "law", [{"law": "exponential", "mean": 2}, {"law": "constant", "value": 2}, {"law": "lognormal", "mean": 2, "cv": 2}], ids=lambda law: law["law"]
)
def test_the_share_of_429_is_erlang_b_for_any_law(law: dict[str, Any]) -> None:
    """Poisson calls at 2 erlangs into three slots, unbuffered: the loss depends on the mean of the running time alone."""
    made = provider({"total": law}, ({"concurrency": 3},))
    _, answers = replies(made, 1.0, 100_000)
    refused = np.array([answer.error == "rate_limited" for _, answer in answers], dtype=float)
    exact = erlang_b(3, 2.0)
    assert exact == pytest.approx(4 / 19)
    assert abs(refused.mean() - exact) < 3.5 * standard_error(refused)
    assert standard_error(refused) < 0.015 * exact


def test_a_queue_of_exponential_work_is_m_m_c() -> None:
    """Three workers with a queue at 2 erlangs: the mean wait is that of M/M/3, C(3, 2) / (3 mu - lambda) (Erlang 1917)."""
    made = provider({"total": {"law": "exponential", "mean": 2}}, ({"concurrency": 3, "on_excess": "queue"},))
    arrivals, answers = replies(made, 1.0, 100_000)
    alone = provider({"total": {"law": "exponential", "mean": 2}})
    one = call(0)
    worked = np.empty(len(arrivals))
    for m in range(len(arrivals)):
        one.m = m
        worked[m] = alone.answer(one, 0.0)[0]
    waits = np.array([at for at, _ in answers]) - arrivals - worked
    lost = erlang_b(3, 2.0)
    waits_at_all = lost / (1 - 2 / 3 * (1 - lost))
    assert abs(waits.mean() - waits_at_all / (3 / 2 - 1)) < 3.5 * standard_error(waits)
    assert waits.min() > -1e-9


def test_a_window_in_overload_passes_exactly_its_rate() -> None:
    """Ten calls a second into a sliding limit of 3 in 2 s: in any window of the saturated run exactly three pass."""
    made = provider({"per_item": 0.001}, ({"calls": 3, "per": 2},))
    passed = [k / 10 for k in range(2000) if made.answer(call(k), k / 10)[1].error is None]  # type: ignore[union-attr]
    assert passed[:7] == [0.0, 0.1, 0.2, 2.0, 2.1, 2.2, 4.0]
    assert len(passed) == 300
