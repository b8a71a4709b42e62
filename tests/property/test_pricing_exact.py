"""Three implementations of a bill agree to the nano-dollar: the price book, the provider's own ledger, and fractions straight from the formula."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import ceil, inf
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sbsim.pricing import PriceBook, periods
from sbsim.records import Call, Content, Facts, Item, Outcome, Request, Usage
from sbsim.scenario import ProviderSpec
from sbsim.seeds import Draws
from sbsim.world import Job, ModelledProvider
from sbsim.world.ledger import Ledger

PERS = (
    "call",
    "item",
    "second",
    "input_second",
    "image_in",
    "image",
    "megapixel",
    "character",
    "token_in",
    "token_cached",
    "token_out",
    "gpu_second",
    "setup",
)
MODES = ("full", "input", "elapsed", "none")
RESOLUTIONS = ("1920x1080", "1080p", "512x512")


def decimals(low: int, high: int, places: int) -> st.SearchStrategy[float]:
    return st.integers(low, high).map(lambda n: n / 10**places)


usd = st.one_of(decimals(0, 10**6, 6), st.sampled_from([1.9e-8, 3.083e-05, 0.0002833333333333333, 1.5e-07, 0.1, 0.12, 0.3]), st.floats(1e-9, 10))
quantity = st.one_of(decimals(0, 20000, 3), st.floats(1e-9, 1e5), st.integers(0, 10**7).map(float))
facts = st.builds(
    Facts,
    content_type=st.just("video"),
    engine=st.sampled_from(["a", "b"]),
    resolution=st.sampled_from(RESOLUTIONS),
    duration_s=quantity,
    style=st.sampled_from([(), (("look", "warm"),), (("look", "cold"),)]),
    units_in=quantity,
    units_out=quantity,
    max_units_out=st.one_of(st.none(), quantity),
    n_images=st.integers(0, 3),
    input_s=quantity,
    estimated_usd=st.none(),  # what somebody reckons is a price of live lanes without a list, which nobody models
)
whens = st.sampled_from([{}, {}, {"resolution": "1080p"}, {"look": "warm"}, {"engine": ["b"]}, {"resolution": ["512x512", "1080p"], "look": "cold"}])
rates = st.lists(st.fixed_dictionaries({"per": st.sampled_from(PERS), "usd": usd, "when": whens}), max_size=8)
tiers = st.lists(st.fixed_dictionaries({"from": st.integers(1, 6), "factor": decimals(0, 1500, 3)}), max_size=3, unique_by=lambda tier: tier["from"])
prices = st.fixed_dictionaries(
    {
        "rates": rates,
        "tiers": tiers,
        "minimum": st.one_of(st.just(0.0), usd),
        "quantum": st.sampled_from([0.0, 0.0, 1.0, 15.0, 0.1]),
        "factor": st.one_of(st.just(1.0), st.just(0.5), decimals(1, 3000, 3)),
        "billed": st.dictionaries(st.sampled_from(["ok", "moderated", "failed", "cancelled"]), st.sampled_from(MODES)),
    }
)


def spec_of(price: dict[str, Any], **sections: Any) -> ProviderSpec:
    sections.setdefault("api", {"style": "sync", "takes": "list"})
    return ProviderSpec.model_validate({"name": "p", "serves": {"content_type": "video"}, "price": price, **sections})


def items_of(all_facts: list[Facts], first: int = 0) -> list[Item]:
    contents = [Content(first + k, first + k, first + k, one, 0, 0, (), 0) for k, one in enumerate(all_facts)]
    return [Item(Request(content.serial, 0.0, 1e9, 2, content)) for content in contents]


# -- the naive model ---------------------------------------------------------------------------------------------------------
def exact(number: float) -> Fraction:
    return Fraction(repr(float(number)))


def matches(when: dict[str, Any], one: Facts) -> bool:
    values = {"resolution": one.resolution, "engine": one.engine, "look": dict(one.style).get("look")}
    return all(values[name] in (wanted if isinstance(wanted, list) else [wanted]) for name, wanted in when.items())


def rate_of(price: dict[str, Any], per: str, one: Facts) -> Fraction:
    return next((exact(rate["usd"]) for rate in price["rates"] if rate["per"] == per and matches(rate["when"], one)), Fraction(0))


def item_usd(price: dict[str, Any], one: Facts, *, only_input: bool = False) -> Fraction:
    step = exact(price["quantum"])
    seconds, input_s = exact(one.duration_s), exact(one.input_s)
    if step:
        seconds, input_s = ceil(seconds / step) * step, ceil(input_s / step) * step
    out = exact(one.units_out if one.max_units_out is None else min(one.units_out, one.max_units_out))
    pixels = {"1920x1080": 1920 * 1080, "1080p": 1920 * 1080, "512x512": 512 * 512}[str(one.resolution)]
    paid_in = {"input_second": input_s, "image_in": Fraction(one.n_images), "character": exact(one.units_in), "token_in": exact(one.units_in)}
    paid_out = {"item": Fraction(1), "second": seconds, "image": out, "token_out": out, "megapixel": out * pixels / 10**6}
    return sum((rate_of(price, per, one) * n for per, n in (paid_in if only_input else paid_in | paid_out).items()), Fraction(0))


def naive_bill(price: dict[str, Any], all_facts: list[Facts], modes: list[str], gpu_s: float) -> int:
    full = [one for one, mode in zip(all_facts, modes, strict=True) if mode == "full"]
    items = sum(
        (item_usd(price, one, only_input=mode == "input") for one, mode in zip(all_facts, modes, strict=True) if mode in ("full", "input")),
        Fraction(0),
    )
    gpu = max(rate_of(price, "gpu_second", one) for one in all_facts) * exact(gpu_s) if full or "elapsed" in modes else Fraction(0)
    tier = max(((step["from"], exact(step["factor"])) for step in price["tiers"] if step["from"] <= len(all_facts)), default=(0, Fraction(1)))[1]
    fee = max((rate_of(price, "call", one) for one in full), default=Fraction(0))
    families = {(one.engine, one.style) for one in full}
    setups = sum((max(rate_of(price, "setup", one) for one in full if (one.engine, one.style) == family) for family in families), Fraction(0))
    total = fee + setups + tier * (items + gpu)
    return round(exact(price["factor"]) * max(exact(price["minimum"]) if full else Fraction(0), total) * 10**9)


def mode_of(price: dict[str, Any], status: str) -> str:
    return str(price["billed"].get(status, "none" if status in ("moderated", "failed") else "full"))


# -- the laws ----------------------------------------------------------------------------------------------------------------
@given(price=prices, all_facts=st.lists(facts, min_size=1, max_size=7), gpu_us=st.integers(0, 10**9), data=st.data())
@settings(max_examples=6 * settings().max_examples)
def test_a_bill_is_the_formula_and_the_ledger_agrees(price: dict[str, Any], all_facts: list[Facts], gpu_us: int, data: st.DataObject) -> None:
    """For every price list, every call and every way its items can end, the three bills are equal."""
    statuses = data.draw(st.lists(st.sampled_from(["ok", "ok", "failed", "moderated"]), min_size=len(all_facts), max_size=len(all_facts)))
    spec = spec_of(price)
    kinds = {"failed": "item_error", "moderated": "moderated"}
    failures = [(k, kinds[status]) for k, status in enumerate(statuses) if status != "ok"]
    book, ledger = PriceBook(spec), Ledger(spec.price)
    bill, fixed, parts = book.bill(items_of(all_facts), Outcome(failures=failures, usage=Usage(gpu_us / 1e6)))
    assert bill == naive_bill(price, all_facts, [mode_of(price, status) for status in statuses], gpu_us / 1e6)
    lines = [ledger.line(one) for one in all_facts]
    assert bill == ledger.charge(lines, gpu_us, statuses)
    if not failures:
        assert bill == ledger.charge(lines, gpu_us)
    assert 0 <= fixed <= bill
    assert len(parts) == len(all_facts)
    assert min(parts) >= 0


@given(
    price=prices,
    all_facts=st.lists(facts, min_size=1, max_size=5),
    gpu_s=st.integers(0, 10**12).map(lambda us: us / 1e6),
    error=st.sampled_from(["transient", "permanent", "moderated", "timed_out", "cancelled"]),
)
def test_a_call_that_ends_in_an_error_costs_what_its_status_says(price: dict[str, Any], all_facts: list[Facts], gpu_s: float, error: str) -> None:
    """The error of a whole call is billed as `billed` says for it; a 429 and a call of which nothing was begun are never billed."""
    book, items = PriceBook(spec_of(price)), items_of(all_facts)
    status = error if error in ("moderated", "timed_out", "cancelled") else "failed"
    expected = naive_bill(price, all_facts, [mode_of(price, status)] * len(items), gpu_s)
    assert book.bill(items, Outcome(error, usage=Usage(gpu_s)))[0] == expected
    assert book.bill(items, Outcome("rate_limited", usage=Usage(gpu_s)))[0] == 0
    assert book.bill(items, Outcome(error, usage=Usage(units_out=())))[0] == 0


@given(price=prices, all_facts=st.lists(facts, min_size=1, max_size=5), data=st.data())
def test_units_that_the_provider_reports_take_the_place_of_those_asked_for(
    price: dict[str, Any], all_facts: list[Facts], data: st.DataObject
) -> None:
    """Usage with units out per item is billed by those units, even above what was announced."""
    units = data.draw(st.lists(quantity, min_size=len(all_facts), max_size=len(all_facts)))
    bill = PriceBook(spec_of(price)).bill(items_of(all_facts), Outcome(usage=Usage(units_out=units)))[0]
    reported = [one._replace(units_out=n, max_units_out=None) if n != one.units_out else one for one, n in zip(all_facts, units, strict=True)]
    assert bill == naive_bill(price, reported, [mode_of(price, "ok")] * len(units), 0.0)


@given(price=prices, one=facts, total_s=decimals(1, 10**7, 3))
def test_an_individual_cost_is_the_bill_of_a_call_of_one(price: dict[str, Any], one: Facts, total_s: float) -> None:
    """`alone_nano` is fee, set-up, minimum, item and expected GPU seconds; `item_nano` and `input_nano` are the item alone at list price."""
    book = PriceBook(spec_of(price, latency={"total": {"law": "constant", "value": total_s}}))
    assert book.alone_nano(one) == naive_bill(price, [one], ["full"], total_s)
    assert book.item_nano(one) == round(item_usd(price, one) * 10**9)
    assert book.input_nano(one) == round(item_usd(price, one, only_input=True) * 10**9)


@given(price=prices, all_facts=st.lists(facts, min_size=1, max_size=5), timeout_s=st.integers(1, 10**4), data=st.data())
def test_no_outcome_costs_more_than_the_most(price: dict[str, Any], all_facts: list[Facts], timeout_s: int, data: st.DataObject) -> None:
    """Whatever comes out within its bounds and however items end, a bill stays within `most`, and that within the items' bounds, fee and minimum."""
    spec = spec_of(price, api={"takes": "list", "cancel": "running"})
    book, items = PriceBook(spec), items_of(all_facts)
    most = book.most(items, timeout_s)
    each = [book.most_nano(one) for one in all_facts]
    assert (most is None) == (None in each)
    assume(most is not None)
    assert most is not None
    shares = data.draw(st.lists(st.floats(0, 1), min_size=len(items), max_size=len(items)))
    units = [one.units_out if one.max_units_out is None else one.max_units_out * share for one, share in zip(all_facts, shares, strict=True)]
    failures = [(k, data.draw(st.sampled_from(["moderated", "item_error"]))) for k in range(len(items)) if data.draw(st.booleans())]
    gpu_s = data.draw(st.floats(0, timeout_s))
    bill, *_ = book.bill(items, Outcome(failures=failures, usage=Usage(gpu_s, units)))
    assert bill <= most
    if not any(rate["per"] == "gpu_second" for rate in price["rates"]):
        fee = max(rate_of(price, "call", one) for one in all_facts)
        assert most <= sum(n for n in each if n is not None) + ceil(exact(price["factor"]) * max(fee, exact(price["minimum"])) * 10**9)


@given(price=prices, all_facts=st.lists(facts, min_size=1, max_size=5), more=facts, k=st.integers(0, 4), factor=st.floats(1, 5))
def test_bills_are_monotone(price: dict[str, Any], all_facts: list[Facts], more: Facts, k: int, factor: float) -> None:
    """A longer item, and without tiers one more item, never makes a call cheaper; nor does a dearer rate."""
    book, k = PriceBook(spec_of(price)), k % len(all_facts)
    bill = book.bill(items_of(all_facts), Outcome())[0]
    longer = [one._replace(duration_s=one.duration_s * factor) if j == k else one for j, one in enumerate(all_facts)]
    assert book.bill(items_of(longer), Outcome())[0] >= bill
    flat = {**price, "tiers": []}
    assert (
        PriceBook(spec_of(flat)).bill(items_of([*all_facts, more]), Outcome())[0] >= PriceBook(spec_of(flat)).bill(items_of(all_facts), Outcome())[0]
    )
    dearer = {**price, "rates": [{**rate, "usd": rate["usd"] * factor} for rate in price["rates"]]}
    assert PriceBook(spec_of(dearer)).bill(items_of(all_facts), Outcome())[0] >= bill


histories = st.lists(
    st.tuples(st.lists(facts, min_size=1, max_size=4), st.integers(0, 30), st.sampled_from(["go", "go", "resend", "abort"])), min_size=1, max_size=12
)


APIS = [
    {"style": "sync"},
    {"style": "sync", "cancel": "running"},
    {"style": "job", "poll": 3, "cancel": "running"},
    {"style": "job", "poll": 3},
    {"style": "batch", "takes": "file", "poll": 3},
    {"style": "batch", "takes": "file", "poll": 3, "cancel": "partial"},
    {"style": "batch", "takes": "file", "poll": 3, "cancel": "running"},
]
cold_starts = st.sampled_from([None, {"time": 4, "idle_after": 9}, {"time": 4, "idle_after": 9, "billed": True}])
outages = st.sampled_from([[{"at": 40, "for": 10}], {"every": {"law": "exponential", "mean": 30}, "for": 5}])
plans = st.one_of(st.none(), st.fixed_dictionaries({"fee": usd, "per": st.sampled_from([7.0, 0.1, 60.0, 1e6]), "included": usd}))


@given(
    price=prices,
    later=st.lists(st.tuples(st.integers(1, 60), st.one_of(st.none(), prices)), max_size=3, unique_by=lambda change: change[0]),
    plan=st.lists(plans, min_size=4, max_size=4),
    history=histories,
    failures=st.fixed_dictionaries({name: st.sampled_from([0, 0.3]) for name in ("call_error", "item_error", "moderated", "poison")}),
    outages=outages,
    cold_start=cold_starts,
    api=st.sampled_from(APIS),
    idempotency=st.sampled_from(["none", "key", "lookup"]),
    on_excess=st.sampled_from(["reject", "queue"]),
    ends_at=st.one_of(st.integers(1, 200).map(float), st.floats(0.1, 200)),
    seed=st.integers(0, 99),
)
@settings(max_examples=3 * settings().max_examples)
def test_settled_bills_are_the_ledger(
    price: dict[str, Any],
    later: list[Any],
    plan: list[Any],
    history: list[Any],
    failures: dict[str, float],
    outages: Any,
    cold_start: Any,
    api: dict[str, Any],
    idempotency: str,
    on_excess: str,
    ends_at: float,
    seed: int,
) -> None:
    """INV-11: over any history of calls, resends, aborts, outages, rejections, expired files, cold starts, plans and changing terms
    our bills by the price of the sending, with what the periods of plans come to, add up to the provider's ledger."""
    limits = [{"calls": 4, "per": 25, "on_excess": on_excess}, {"concurrency": 3}]
    changes: list[dict[str, Any]] = [
        {"at": at, "limits": limits[::-1]} if new is None else {"at": at, "price": {**new, "plan": plan[k]}}
        for k, (at, new) in enumerate(sorted(later, key=lambda change: change[0]))
    ]
    is_batch = api["style"] == "batch"
    spec = spec_of(
        {**price, "plan": plan[3]},
        api={"takes": "list", "idempotency": idempotency, **api},
        failures={**failures, "outages": outages},
        limits=limits,
        latency={"setup": 1, "per_item": 2, "parallel_items": 2, "noise": {"law": "lognormal", "cv": 0.7}},
        cold_start=None if is_batch else cold_start,
        changes=changes,
        **({"turnaround": {"law": "lognormal", "median": 8, "cv": 1}, "expires_after": 11} if is_batch else {}),
    )
    provider, book = ModelledProvider(spec, Draws(seed, 0)), PriceBook(spec)
    now, before = 0.0, None
    settled: list[tuple[float, int]] = []
    for serial, (all_facts, gap, what) in enumerate(history):
        now += gap
        items = items_of(all_facts, serial * 10)
        call = Call(serial, 0, None, items, serial, "", 1, now, 1e9)  # type: ignore[arg-type]
        if what == "resend" and before is not None:
            call.items, call.same_key_as = before.items, before
        sent_at = now
        at, answer = provider.answer(call, now)
        assert at >= now
        if what == "abort":
            stopped = provider.abort(call, now + 1.5)
            now += 1.5
            answer = answer if stopped is None else stopped[1]
        outcome = answer.outcome if isinstance(answer, Job) else answer
        settled.append((sent_at, book.at(sent_at).bill(call.items, outcome)[0]))
        before = call
    bills = sum(nano for _, nano in settled)
    assert bills == provider.ledger_nano
    provider.close(ends_at)
    found = periods(spec, ends_at)
    by_period = [[nano for at, nano in settled if one.opens_at <= at < one.closes_at] for one in found]
    plans_nano = sum(one.owed_nano(sum(mine)) - sum(mine) for one, mine in zip(found, by_period, strict=True))
    assert bills + plans_nano == provider.ledger_nano


@given(
    starts=st.lists(st.integers(1, 90), max_size=2, unique=True).map(sorted),
    plan=st.lists(
        st.one_of(st.none(), st.tuples(decimals(0, 10**5, 2), st.sampled_from([7.0, 30.0, 400.0]), decimals(0, 10**5, 2))), min_size=3, max_size=3
    ),
    ends_at=st.integers(1, 120),
)
def test_periods_follow_each_other_and_add_up_to_the_time(starts: list[int], plan: list[Any], ends_at: int) -> None:
    """For each price with a plan the periods tile its time within the study; the fees of a plan are its fee times the periods that fit, cut ones in
    proportion (to half a nano-dollar each)."""
    written = [{"rates": [], "plan": None if one is None else dict(zip(("fee", "per", "included"), one, strict=True))} for one in plan]
    spec = spec_of(written[0], changes=[{"at": at, "price": price} for at, price in zip(starts, written[1:], strict=False)])
    found = periods(spec, float(ends_at))
    edges = [0, *starts, 10**9]
    for k, one in enumerate(plan[: len(starts) + 1]):
        since, until = edges[k], min(edges[k + 1], ends_at)
        mine = [period for period in found if edges[k] <= period.opens_at < edges[k + 1]]
        if one is None or since >= until:
            assert not mine
            continue
        assert mine[0].opens_at == since
        assert all(a.closes_at == b.opens_at for a, b in pairwise(mine))
        assert mine[-1].closes_at == (edges[k + 1] if k < len(starts) else inf)
        for name, dollars in (("fee_nano", one[0]), ("included_nano", one[2])):
            exactly = exact(dollars) * 10**9 * (until - since) / Fraction(one[1])
            assert abs(sum(getattr(period, name) for period in mine) - exactly) <= Fraction(len(mine), 2)


@given(price=prices, later=prices, all_facts=st.lists(facts, min_size=1, max_size=4), at=st.integers(1, 100))
def test_a_book_of_changing_prices_is_the_book_of_the_day(price: dict[str, Any], later: dict[str, Any], all_facts: list[Facts], at: int) -> None:
    """From the very instant of a change on, bills, bounds and individual costs are those of a provider that never charged anything else."""
    both = PriceBook(spec_of(price, changes=[{"at": at, "price": later}]))
    items = items_of(all_facts)
    for sent_at, listed in ((0.0, price), (at - 1e-9, price), (float(at), later), (1e9, later)):
        one, book = PriceBook(spec_of(listed)), both.at(sent_at)
        assert book.bill(items, Outcome()) == one.bill(items, Outcome())
        assert book.most(items, 60) == one.most(items, 60)
        assert book.alone_nano(all_facts[0]) == one.alone_nano(all_facts[0])


@given(price=prices, one=facts, time_s=st.integers(0, 100), billed=st.booleans())
def test_the_most_that_a_call_can_cost_includes_a_cold_start_that_is_billed(price: dict[str, Any], one: Facts, time_s: int, billed: bool) -> None:
    """A hard budget reserves the GPU seconds of the cold start; the individual price is that of a warm provider."""
    assume(any(rate["per"] == "gpu_second" for rate in price["rates"]))
    latency = {"setup": 2, "per_item": 3}
    spec = spec_of(price, latency=latency, cold_start={"time": time_s, "idle_after": 1, "billed": billed})
    warm = PriceBook(spec_of(price, latency={"setup": 2 + time_s * billed, "per_item": 3}))
    book, items = PriceBook(spec), items_of([one])
    assert book.most(items, 10**6) == warm.most(items, 10**6)
    assert book.alone_nano(one) == PriceBook(spec_of(price, latency=latency)).alone_nano(one)
    provider = ModelledProvider(spec, Draws(0, 0))
    _, outcome = provider.answer(Call(0, 0, None, items, 0, "", 1, 0.0, 1e9), 0.0)  # type: ignore[arg-type]
    assert isinstance(outcome, Outcome)
    most = book.most(items, 10**6)
    assert most is None or provider.ledger_nano <= most
