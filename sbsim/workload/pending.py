"""Pending requests as an instance of batch formation: rows of a file, the limits of a scenario's batching layer, its providers' price book.

Requests of one compatibility class (content type, engine, tenant, lanes) may share a batch, as far as they are similar enough; sizes are list prices
under `max_batch_cost`, durations stand under `max_batch_duration`, the number of items under `max_batch_size` and what the provider takes in one
call. A batch costs what its call on the cheapest lane is billed: fee, set-ups, items, tiers, minimum, factor; GPU seconds as the lane's latency lets
expect them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from sbsim.components.similarity import Similarity
from sbsim.documents.faults import nearest
from sbsim.errors import ScenarioError, TraceError
from sbsim.packing import Instance, Tariff
from sbsim.packing.decimals import whole
from sbsim.pipeline.prepare import Preparer
from sbsim.pricing.contents import ONE, ContentPrice, PriceList, ratio
from sbsim.records import Content, ContentRequest
from sbsim.scenario import ProviderSpec, Scenario
from sbsim.workload.traces.bad_rows import BadRows
from sbsim.workload.traces.fields import FIELDS, STYLE, reader, says_nothing
from sbsim.workload.traces.files import Table
from sbsim.workload.traces.rows import Rows

_BLOCK = 65_536
_KNOWN = Rows.names
"""Fields that a column may be named for: those of a trace, so that the same flags and scenarios do."""


def pending_instances(path: str, scenario: Scenario, columns: Mapping[str, str] | None = None) -> list[tuple[Instance, list[int]]]:
    """(instance, the row of each of its items) of every compatibility class among the requests in a file, in order of first appearance.

    Parameters
    ----------
    path : of a csv, jsonl or Parquet file with a column for each field that is said, named as in a trace. scenario : whose batching settings and
    providers count. columns : field -> column, where the file calls it otherwise.

    Raises
    ------
    TraceError, ScenarioError
        For a file or a row that cannot be read, and a request that no provider serves.
    """
    preparer = Preparer(scenario.providers)
    groups: dict[int, list[tuple[int, Content]]] = {}
    for row, (line, request) in enumerate(_requests(path, scenario.workload.columns, dict(columns or {}), scenario.providers)):
        try:
            content = preparer.content(preparer.facts(request), row, row, request.tenant)
        except ScenarioError as error:
            raise TraceError(f"{path}:{line}: {error}") from None
        groups.setdefault(content.group, []).append((row, content))
    batching, similarity = scenario.config.batching, scenario.config.similarity
    alike = Similarity(preparer.shapes, similarity, batching.similarity_threshold)
    instances = []
    for rows in groups.values():
        contents = [content for _, content in rows]
        spec = scenario.providers[contents[0].offers[0].lane]
        takes_many = spec.api.takes in ("list", "file")
        most = min(batching.max_batch_size, spec.api.max_items or batching.max_batch_size) if takes_many else 1
        instances.append((_instance(contents, spec, alike, most, batching.max_batch_cost, batching.max_batch_duration), [row for row, _ in rows]))
    return instances


def _requests(path: str, usual: Mapping[str, str], columns: dict[str, str], providers: Sequence[ProviderSpec]) -> list[tuple[int, ContentRequest]]:
    """(line, request) of every row, in the file's order; `usual` columns count where the file has them and `columns` do not say otherwise."""
    bad_rows = BadRows(path, is_skipped=False)
    table = Table(path, bad_rows)
    for field, column in columns.items():
        if not (field in _KNOWN or field.startswith(STYLE)):
            raise ScenarioError(f"--column {field}={column}: unknown field of a request; allowed: {', '.join(_KNOWN)}{nearest(field, _KNOWN)}")
        if column not in table.columns and not table.is_sparse:
            raise TraceError(f"{path}: no column {column!r} for {field}; the file has: {', '.join(table.columns)}{nearest(column, table.columns)}")
    found = {field: column for field, column in usual.items() if column in table.columns} | columns
    fields = {name: name for name in table.columns if name in FIELDS or name.startswith(STYLE)} | found
    fields = {field: column for field, column in fields.items() if field in FIELDS or field.startswith(STYLE)}  # the others change no batch
    if not fields:
        raise TraceError(f"{path}: no column says anything of a request; the file has: {', '.join(table.columns)}; try --column duration=NAME")
    types = sorted({spec.serves.content_type for spec in providers})
    requests = []
    for rows in table.rows(_BLOCK):
        for line, cells in rows:
            said: dict[str, Any] = {}
            for field, column in fields.items():
                cell = cells.get(column)
                if says_nothing(cell):
                    continue
                try:
                    said[field] = reader(field)(cell)
                except ValueError as error:
                    raise TraceError(f"{path}:{line}: column {column!r}: {error}") from None
            if "content_type" not in said and len(types) > 1:
                raise TraceError(f"{path}:{line}: no content_type; allowed: {', '.join(types)}; try a column content_type")
            requests.append((line, _request(said, types[0])))
    return requests


def _request(said: Mapping[str, Any], content_type: str) -> ContentRequest:
    style = dict(said.get("style_params", ()))
    style.update({field.removeprefix(STYLE): value for field, value in said.items() if field.startswith(STYLE)})
    names = ("resolution", "duration", "engine", "tenant", "units_in", "units_out", "max_units_out", "inputs")
    wanted = {name: said[name] for name in names if name in said}
    return ContentRequest(
        str(said.get("id", "")), said.get("content_type", content_type), said.get("prompt", ""), style_params=style, **_in_full(wanted)
    )


def _in_full(wanted: dict[str, Any]) -> dict[str, Any]:
    return {"resolution": None, "duration": 0.0} | wanted


def _instance(
    contents: Sequence[Content], spec: ProviderSpec, alike: Similarity, most_items: int, most_usd: float | None, most_s: float | None
) -> Instance:
    """The contents of one compatibility class, priced by one provider."""
    listed = PriceList(spec)
    prices = [listed.price(content.facts) for content in contents]
    families: dict[int, int] = {}
    classes = tuple(families.setdefault(price.family, len(families)) for price in prices)
    sizes, capacity = _limited([Fraction(price.exact, ONE * ONE) for price in prices], most_usd)
    durations, longest = _limited([Fraction(str(content.duration_s)) for content in contents], most_s)
    tariff, charges = _tariff(contents, prices, spec, len(families), classes)
    return Instance(
        sizes=sizes,
        capacity=capacity,
        max_items=most_items,
        durations=durations,
        max_duration=longest,
        classes=classes,
        setup_weights=(0,) * len(families),
        charges=charges,
        conflicts=_unlike(contents, alike),
        tariff=tariff,
    )


def _limited(amounts: Sequence[Fraction], most: float | None) -> tuple[tuple[int, ...], int]:
    """Amounts and their limit in whole numbers; what is larger than the limit is cut down to it, and so goes alone, as it does in the pipeline."""
    limit = sum(amounts, Fraction(0)) if most is None else Fraction(str(most))
    (*numbers, capacity), _ = whole([*amounts, limit], None)
    return tuple(min(number, capacity) for number in numbers), capacity


def _unlike(contents: Sequence[Content], alike: Similarity) -> tuple[int, ...]:
    """For each content a bit mask of those below the threshold of similarity; empty when there are none."""
    known: dict[Hashable, int] = {}
    members: dict[tuple[int, float], int] = {}
    for k, content in enumerate(contents):
        kind = (content.shape, content.duration_s)
        members[kind] = members.get(kind, 0) | 1 << k
    for kind in members:
        known[kind] = sum(mask for other, mask in members.items() if alike.score(*kind, *other) < alike.threshold)
    masks = tuple(known[(content.shape, content.duration_s)] for content in contents)
    return masks if any(masks) else ()


def _tariff(
    contents: Sequence[Content], prices: Sequence[ContentPrice], spec: ProviderSpec, n_families: int, classes: Sequence[int]
) -> tuple[Tariff, tuple[int, ...]]:
    """(tariff, charge of each item): the bill's formula in whole numbers of one unit. Where fees or set-ups differ, the dearest counts."""
    factor, latency = Fraction(*ratio(spec.price.factor)), spec.latency
    dollar = ONE * ONE
    charges, fee = [], max(Fraction(price.fee, dollar) for price in prices)
    setups = [Fraction(0)] * n_families
    for content, price, c in zip(contents, prices, classes, strict=True):
        charge = Fraction(price.exact, dollar)
        if price.gpu and latency.total is None:
            seconds = latency.per_item + latency.per_second * content.facts.duration_s + latency.per_unit * content.facts.units_out
            charge += Fraction(price.gpu, ONE) * Fraction(str(seconds)) / latency.parallel_items
        charges.append(charge)
        setups[c] = max(setups[c], Fraction(price.setup, dollar))
    tiers = {1: Fraction(1)} | {tier.from_: Fraction(*ratio(tier.factor)) for tier in spec.price.tiers}
    gpu = Fraction(max(price.gpu for price in prices), ONE)
    expected_s = Fraction(str(latency.setup if latency.total is None else latency.total.mean)) if gpu else Fraction(0)
    fee += gpu * expected_s
    (first, *more), per = whole([factor, *(factor * tier for _, tier in sorted(tiers.items()))])
    numbers = [
        factor * fee,
        factor * Fraction(str(spec.price.minimum or 0)),
        *(factor * setup for setup in setups),
        *(charge * per for charge in charges),
    ]
    (whole_fee, minimum, *rest), unit = whole(numbers)
    steps = tuple((start, multiple) for (start, _), multiple in zip(sorted(tiers.items()), more, strict=True))
    assert first > 0
    tariff = Tariff(fee=whole_fee, setups=tuple(rest[:n_families]), tiers=steps, minimum=minimum, unit=unit)
    return tariff, tuple(rest[n_families:])
