"""Laws of production traffic, drawn from: clients of an LLM service, each with its rate and burstiness window by window and the histograms of what it
asks for (alibaba/ServeGen; Xiang et al., "ServeGen: Workload Characterization and Generation of Large Language Model Serving in Production", NSDI
2026).

The path is a folder with two files for each client N, or one file of them for that client alone. `chunk-N-trace.csv`, without a header: start of a
window in seconds, requests per second, CV of the gaps, Gamma or Weibull (empty where nothing comes), shape, scale. `chunk-N-dataset.json`: start of
a window -> name of a quantity -> histogram {value: probability}, each a text that holds a Python dict.

Each client is a renewal process in operational time: gaps of mean 1 and the shape of the window in which they begin, mapped through the inverse of
its cumulative rate, so that the stated rate holds in every window and a window's end cuts no gap. The scale is not used: it is that of the gaps
within a window, and where a client was silent for part of it rate x mean gap is below 1. The first gap is that of a process that has run for ever.
Tokens in are those of the text and of every picture, sound and film (`image_tokens` is the law of one of `image_count`). A client is a user of one
service and no tenant that must be kept apart; `columns: {tenant: client}` makes it so. Every request is content of its own.

A draw belongs to a client and the number of its request: no other client, window or piece shifts it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import gamma
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbsim.errors import TraceError
from sbsim.laws import Gamma, Law, Weibull
from sbsim.seeds import Draws
from sbsim.workload.traces.bad_rows import BadRows
from sbsim.workload.traces.files import Block
from sbsim.workload.traces.formats import TraceFormat
from sbsim.workload.traces.servegen_files import Client, Histogram, Window, read_client

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FILE = re.compile(r"chunk-(\d+)-(trace\.csv|dataset\.json)\Z")
_MEDIA = ("image", "audio", "video")
_TEXTS = ("text_tokens", "input_tokens")
_MOST_AT_ONCE = 65_536
_MOST_REQUESTS = 50_000_000


def promised(clients: list[Client]) -> dict[str, float]:
    """What the files of one client or more promise: rates per second over all clients, CV over all windows in which anything comes."""
    starts = sorted({window.start_s for client in clients for window in client.windows})
    end = max(client.windows[-1].end_s for client in clients)
    rates = [sum(client.rate_at(start) for client in clients) for start in starts]
    widths = np.diff([*starts, end])
    cvs = [window.cv for client in clients for window in client.windows if window.rate > 0]
    return {
        "n_clients": len(clients),
        "n_windows": len(starts),
        "span_s": end - starts[0],
        "mean_rate_per_s": float(np.dot(rates, widths) / widths.sum()),
        "peak_rate_per_s": max(rates),
        "median_cv": float(np.median(cvs)),
        "maximum_cv": max(cvs),
    }


def find_clients(path: str) -> list[tuple[int, Path, Path]]:
    """(number, trace, dataset) of every client at a path, by number. Raises TraceError."""
    place = Path(path)
    try:
        is_file = place.is_file()
        names = [place.name] if is_file else [each.name for each in place.iterdir()]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise TraceError(f"{path}: cannot be read ({reason}); a ServeGen trace is a folder of chunk-N-trace.csv and chunk-N-dataset.json") from None
    folder = place.parent if is_file else place
    numbers = sorted({int(match[1]) for match in map(_FILE.match, names) if match})
    if not numbers:
        raise TraceError(f"{path}: no client; a ServeGen trace is a folder of chunk-N-trace.csv and chunk-N-dataset.json; try its path")
    found = [(number, folder / f"chunk-{number}-trace.csv", folder / f"chunk-{number}-dataset.json") for number in numbers]
    for _, trace, dataset in found:
        for file, other in ((trace, dataset), (dataset, trace)):
            if not file.is_file():
                raise TraceError(f"{file}: there is no such file, and {other.name} needs it; every client has both")
    return found


class DrawnTable:
    """One history of all clients as rows, in order of arrival; ties in the order of the clients' numbers. A `formats.Rowed`."""

    is_sparse = False

    def __init__(self, path: str, bad_rows: BadRows, draws: Draws, until_s: float) -> None:
        self._clients = [read_client(number, trace, dataset, bad_rows) for number, trace, dataset in find_clients(path)]
        self._clients = [client for client in self._clients if client.windows]
        if not any(window.rate > 0 for client in self._clients for window in client.windows):
            left_out = f"; {bad_rows.n} bad windows were left out, the first: {bad_rows.examples[0]}" if bad_rows.n else "; try other clients"
            raise TraceError(f"{path}: no client has a window with a rate above 0, so nothing ever comes{left_out}")
        self.promised: Mapping[str, float] | None = promised(self._clients)
        self._start_s = min(client.windows[0].start_s for client in self._clients)
        n = self.promised["mean_rate_per_s"] * min(until_s, self.promised["span_s"])
        if n > _MOST_REQUESTS:
            raise TraceError(f"{path}: {n:.3g} requests are too many to draw; try a part, such as between: [0h, 1h]")
        self._until_s = until_s
        self._draws = draws
        quantities = sorted({name for client in self._clients for name in client.quantities})
        self.columns = ("arrived_at", "client", "units_in", "units_out", "n_images", *(name for name in quantities if name != "output_tokens"))

    def blocks(self, wanted: tuple[str, ...], n_rows: int) -> Iterator[Block]:
        """The rows, at most `n_rows` at a time, numbered from 1, with the cells of the wanted columns."""
        histories = [_history(client, self._draws, self._start_s, self._until_s) for client in self._clients]
        arrived_at = np.concatenate([history["arrived_at"] for history in histories])
        order = np.argsort(arrived_at, kind="stable")
        columns = {name: np.concatenate([history.get(name, np.zeros(history["arrived_at"].size)) for history in histories])[order] for name in wanted}
        for start in range(0, order.size, n_rows):
            lines = list(range(start + 1, min(start + n_rows, order.size) + 1))
            yield Block(lines, {name: column[start : start + n_rows].tolist() for name, column in columns.items()})


# -- one client --------------------------------------------------------------------------------------------------------------
def _history(client: Client, draws: Draws, start_s: float, until_s: float) -> dict[str, Any]:
    """Columns of one client's requests; instants in seconds from `start_s`."""
    at = _arrivals(client, draws, start_s + until_s)
    n = at.size
    columns: dict[str, Any] = {"arrived_at": at - start_s, "client": np.full(n, client.number)}

    def drawn(name: str, purpose: str) -> Ints:
        return _values(client, name, at, draws.bulk(f"servegen.{client.number}.{purpose}", 0, n))

    for name in client.quantities:
        medium = name.partition("_")[0]
        if name.endswith("_tokens") and medium in _MEDIA and f"{medium}_count" in client.quantities:
            counts = drawn(f"{medium}_count", f"{medium}_count")
            tokens = np.zeros(n, dtype=np.int64)
            for k in range(int(counts.max(initial=0))):
                tokens += np.where(counts > k, drawn(name, f"{name}.{k}"), 0)
            columns[name] = tokens
        else:
            columns[name] = drawn(name, name)
    zeros = np.zeros(n, dtype=np.int64)
    columns["units_in"] = sum((columns[name] for name in (*_TEXTS, *(f"{medium}_tokens" for medium in _MEDIA)) if name in columns), zeros)
    columns["units_out"] = columns.get("output_tokens", zeros)
    columns["n_images"] = columns.get("image_count", zeros)
    return columns


def _arrivals(client: Client, draws: Draws, end_s: float) -> Floats:
    """Instants of one client's requests before `end_s`, seconds on the clock of its windows."""
    purpose = f"servegen.{client.number}.gap"
    windows = [window for window in client.windows if window.rate > 0 and window.start_s < end_s]
    if not windows:
        return np.empty(0)
    ends = np.cumsum([window.rate * (window.end_s - window.start_s) for window in windows])
    starts = np.concatenate(([0.0], ends[:-1]))
    level = _first_gap(windows[0], draws, purpose)
    found: list[Floats] = []
    n = 1  # the first gap took the draw of number 0
    k = int(np.searchsorted(ends, level, side="right"))
    while k < len(windows):
        law = _unit_gap(windows[k])
        size = min(_MOST_AT_ONCE, int((ends[k] - level) * 1.1) + 8)
        levels = np.cumsum(np.concatenate(([level], law.quantile(draws.bulk(purpose, n, size)))))
        n_here = min(int(np.searchsorted(levels, ends[k])), size)  # those that lie in this window; the next gap begins at the last level taken
        found.append(windows[k].start_s + (levels[:n_here] - starts[k]) / windows[k].rate)
        level, n = float(levels[n_here]), n + n_here
        k = int(np.searchsorted(ends, level, side="right"))
    at = np.concatenate(found) if found else np.empty(0)
    return at[at < end_s]


def _unit_gap(window: Window) -> Law:
    """Law of a window's gaps in operational time: of its shape, with mean 1."""
    if window.pattern == "Gamma":
        return Gamma(scale=1 / window.shape, shape=window.shape)
    return Weibull(scale=1 / gamma(1 + 1 / window.shape), shape=window.shape)


def _first_gap(window: Window, draws: Draws, purpose: str) -> float:
    """Time to the first arrival of a process that has run for ever: a uniform part of a gap that was met in proportion to its length.

    Length-biased, a gamma law of shape k is one of shape k + 1, and a Weibull law is scale x G^(1 / k) with G gamma of shape 1 + 1 / k.
    """
    met = np.array([draws.one(f"{purpose}.met")])
    if window.pattern == "Gamma":
        length = Gamma(scale=1 / window.shape, shape=window.shape + 1).quantile(met)
    else:
        length = Gamma(shape=1 + 1 / window.shape).quantile(met) ** (1 / window.shape) / gamma(1 + 1 / window.shape)
    return float(length[0] * draws.bulk(purpose, 0, 1)[0])


def _values(client: Client, name: str, at: Floats, u: Floats) -> Ints:
    """What requests at `at` ask of a quantity, by the histogram of the time: the inverse distribution function at `u`."""
    values = np.zeros(at.size, dtype=np.int64)
    which = client.dataset_at(at)
    for k in np.unique(which).tolist():
        histogram: Histogram | None = client.datasets[k].get(name)
        if histogram is not None:
            mine = which == k
            values[mine] = histogram.quantile(u[mine])
    return values


FORMAT = TraceFormat(
    columns={"arrived_at": "arrived_at", "units_in": "units_in", "units_out": "units_out", "n_images": "n_images"},
    defaults={"content_type": "text"},
    tick_s=1.0,
    generator=DrawnTable,
)
