"""Queues with Poisson arrivals: Erlang, Pollaczek and Khinchine, batch arrivals, strict priorities.

`wait` is from arrival to the begin of service, `latency` from arrival to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from math import exp


def erlang_b(servers: int, offered: float) -> float:
    """Share of Poisson arrivals that find all `servers` busy and are lost, whatever the law of the service time (M/G/c/c).

    Parameters
    ----------
    servers : c, 1 or more. offered : arrival rate x mean service time, in erlangs.

    Notes
    -----
    Erlang (1917); that only the mean of the service time matters was shown by Sevastyanov (1957). Computed by the recursion
    B(0) = 1, B(k) = a B(k-1) / (k + a B(k-1)): Cooper, "Introduction to Queueing Theory" (2nd ed. 1981), chapter 3.
    """
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = offered * blocked / (k + offered * blocked)
    return blocked


def erlang_c(servers: int, offered: float) -> float:
    """Share of arrivals at M/M/c that have to wait; `offered` erlangs must be below `servers`.

    Notes
    -----
    Erlang (1917), from B by C = B / (1 - rho (1 - B)), rho = a / c: Kleinrock, "Queueing Systems" vol. 1 (1975), section 3.5.
    """
    load = _stable(offered / servers)
    blocked = erlang_b(servers, offered)
    return blocked / (1 - load * (1 - blocked))


def mmc_wait(arrival_rate: float, service_rate: float, servers: int) -> float:
    """Mean wait of M/M/c, seconds: C / (c mu - lambda) (Kleinrock 1975, section 3.5, with Little's law)."""
    return erlang_c(servers, arrival_rate / service_rate) / (servers * service_rate - arrival_rate)


def mg1_wait(arrival_rate: float, mean_s: float, mean_square_s2: float) -> float:
    """Mean wait of M/G/1, seconds.

    Parameters
    ----------
    arrival_rate : per second. mean_s, mean_square_s2 : E[S], seconds, and E[S^2], seconds squared, of the service time.

    Notes
    -----
    Pollaczek (1930), Khinchine (1932): W = lambda E[S^2] / (2 (1 - rho)); Kleinrock (1975), section 5.6.
    """
    return arrival_rate * mean_square_s2 / (2 * (1 - _stable(arrival_rate * mean_s)))


def mm1_wait_exceeds(arrival_rate: float, service_rate: float, wait_s: float) -> float:
    """Share of arrivals at M/M/1 that wait longer than `wait_s` seconds: rho exp(-mu (1 - rho) t) (Kleinrock 1975, section 5.8)."""
    load = _stable(arrival_rate / service_rate)
    return load * exp(-service_rate * (1 - load) * wait_s)


def batch_arrivals_latency(arrival_rate: float, service_rate: float, mean_size: float, mean_square_size: float) -> float:
    """Mean latency of M^X/M/1, seconds: groups of X customers arrive together and are served one by one.

    Parameters
    ----------
    arrival_rate : customers (not groups) per second. service_rate : per second. mean_size, mean_square_size : E[X] and E[X^2] of a group.

    Notes
    -----
    W = (1 + E[X^2] / E[X]) / (2 mu (1 - rho)): Gross and Harris, "Fundamentals of Queueing Theory" (3rd ed. 1998), section 3.1.
    """
    load = _stable(arrival_rate / service_rate)
    return (1 + mean_square_size / mean_size) / (2 * service_rate * (1 - load))


def priority_waits(arrival_rates: Sequence[float], means_s: Sequence[float], mean_squares_s2: Sequence[float]) -> tuple[float, ...]:
    """Mean wait per class, seconds, at one server that never interrupts and always takes the most urgent class first.

    Parameters
    ----------
    arrival_rates, means_s, mean_squares_s2 : per class, the most urgent first: arrivals per second, E[S], E[S^2].

    Notes
    -----
    Cobham, "Priority assignment in waiting line problems", J. Oper. Res. Soc. Am. 2 (1954), single channel: with R = sum lambda_i E[S_i^2] / 2
    and s_k = rho_1 + ... + rho_k, W_k = R / ((1 - s_{k-1}) (1 - s_k)).
    """
    residual_s = sum(rate * square for rate, square in zip(arrival_rates, mean_squares_s2, strict=True)) / 2
    loads = list(accumulate((rate * mean for rate, mean in zip(arrival_rates, means_s, strict=True)), initial=0.0))
    _stable(loads[-1])
    return tuple(residual_s / ((1 - above) * (1 - within)) for above, within in pairwise(loads))


def _stable(load: float) -> float:
    """`load` itself. Raises ValueError when it is 1 or more: the queue grows without end and has no mean."""
    if not 0 <= load < 1:
        raise ValueError(f"load {load:g} is not in [0, 1): there is no stationary regime; try a lower arrival rate")
    return load
