"""`sbsim show`: what a scenario means, in words, before anything is simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sbsim.cli.options import Configs, Json, Quiet, Scenario, Seed, Sets, load_scenario

if TYPE_CHECKING:
    from sbsim.overview import LaneLoad, Overview
    from sbsim.scenario import Knob, ProviderSpec, Rate


_PER_MILLION_BELOW = 1e-4
"""Dollars: a smaller price is easier to read for a million."""


def show(
    scenario: Scenario,
    sets: Sets = None,
    configs: Configs = None,
    seed: Seed = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Say what a scenario means: traffic, prices, what each lane is offered against its limits, deadlines, and what is searched.

    The numbers are means of one history of the traffic, without queues, failures and reuse; `sbsim run` has those. Warnings come last: limits that
    are offered more than they take, deadlines that cannot be kept, and whether batching can change the bill at all.

    \b
    Examples:
      sbsim show quickstart
      sbsim show quickstart --set workload.arrivals.rate=60/min
      sbsim show my-scenario.yaml --json
    """
    from sbsim.cli import console
    from sbsim.overview import overview
    from sbsim.recommendation.prices import why_batching_saves_nothing

    loaded = load_scenario(scenario, sets, configs)
    seen = overview(loaded, seed)
    nothing = why_batching_saves_nothing(loaded)
    if json:
        console.print_json({"schema": "sbsim.show/1", **seen.to_plain(), "batching_saves_nothing": nothing})
        return
    _show_traffic(seen)
    _show_lanes(seen)
    _show_promises(seen)
    _show_settings(seen)
    _show_search(seen)
    if quiet:
        return
    is_said = nothing is None or any(warning.startswith("batching cannot change the bill") for warning in seen.warnings)
    warnings = seen.warnings if is_said else (nothing, *seen.warnings)
    if warnings:
        console.say()
    for warning in warnings:
        console.say(f"- {warning}")


def _number(value: float) -> str:
    return f"{value:,.4g}" if value < 10_000 else f"{value:,.0f}"


def _usd(value: float) -> str:
    from sbsim.units import format_money

    return format_money(value)


def _show_traffic(seen: Overview) -> None:
    from sbsim.cli import console
    from sbsim.units import format_span

    scenario, traffic = seen.scenario, seen.traffic
    console.say(scenario.name)
    if scenario.description:
        console.say(scenario.description)
    console.say()
    source = "synthetic" if scenario.workload.source == "synthetic" else f"the trace {scenario.workload.path}"
    fullest = "" if traffic.fullest_minute is None else f"; the fullest minute is {traffic.fullest_minute:.2g} times the mean"
    first = " (the first of a longer run)" if seen.is_cut else ""
    console.say(
        f"Traffic: {source}; {traffic.n_requests:,} requests{first} in {format_span(traffic.span_s)}, {_number(traffic.rate_per_s * 60)} "
        f"a minute{fullest}."
    )
    console.say(
        f"They ask for {traffic.n_contents:,} contents; {traffic.repeats:.1%} of the requests repeat an earlier one and may be given the same. "
        f"Each alone on its cheapest lane, they cost {_usd(traffic.individual_usd)}."
    )
    console.say()
    priorities = ", ".join(f"{name} {share:.0%}" for name, share in traffic.priorities.items() if share)
    rows = [[each.name, f"{each.share:.1%}", _usd(each.individual_usd)] for each in traffic.classes]
    console.print_table(["class", "share", "alone, each"], rows, right=(1, 2))
    console.say()
    console.say(f"Priorities: {priorities}.")


def _show_lanes(seen: Overview) -> None:
    from sbsim.cli import console

    for lane, spec in zip(seen.lanes, seen.scenario.providers, strict=True):
        console.say()
        console.say(f"Provider {spec.name}{f', as of {spec.as_of}' if spec.as_of else ''}: {_in_words(spec, lane)}")
        if not lane.share:
            continue
        full = f", {_number(lane.calls_full_per_s * 60)} with {lane.most_per_call} in each" if lane.most_per_call > 1 else ""
        console.say(
            f"It is offered {lane.share:.1%} of the requests at {_usd(lane.individual_usd)} each: "
            f"{_number(lane.calls_alone_per_s * 60)} calls a minute of one{full}."
        )
        rows = [
            [limit.what, f"{limit.utilisation_alone:.0%}", f"{limit.utilisation_full:.0%}", "waits" if limit.is_queued else "429"]
            for limit in lane.limits
        ]
        columns = ["limit", "used by calls of 1", f"of {lane.most_per_call}", "beyond it"]
        console.print_table(columns if lane.most_per_call > 1 else [columns[0], "used", *columns[3:]], _one_column(rows, lane), right=(1, 2))


def _one_column(rows: list[list[str]], lane: LaneLoad) -> list[list[str]]:
    """Where calls hold one request at most, both columns say the same."""
    return rows if lane.most_per_call > 1 else [[row[0], row[1], row[3]] for row in rows]


def _in_words(spec: ProviderSpec, lane: LaneLoad) -> str:
    kinds = {"sync": "answers at once", "job": "takes jobs", "batch": "takes batches of jobs"}
    takes = {
        "one": "one request a call",
        "variants": "variants of one request a call",
        "list": "several requests a call",
        "file": "files of requests",
    }
    most = f", {spec.api.max_items} at most" if spec.api.max_items and spec.api.takes != "one" else ""
    serves = f"{spec.serves.content_type}{f' of {spec.serves.engine}' if spec.serves.engine else ''}"
    rates = "; ".join(_rate_in_words(rate) for rate in spec.price.rates) or "nothing"
    took = f"a call of one takes {lane.call_alone_s:.3g} s on average"
    full = f", of {lane.most_per_call} {lane.call_full_s:.3g} s" if lane.most_per_call > 1 else ""
    return f"{serves}, {kinds[spec.api.style]}, {takes[spec.api.takes]}{most}. It charges {rates}; {took}{full}."


def _rate_in_words(rate: Rate) -> str:
    conditions = ", ".join(f"{key} {'/'.join(map(str, value)) if isinstance(value, tuple) else value}" for key, value in rate.when.items())
    unit = rate.per.replace("_", " ")
    price = f"${rate.usd * 1e6:g} per million of {unit}" if 0 < rate.usd < _PER_MILLION_BELOW else f"${rate.usd:g} per {unit}"
    return f"{price}{f' ({conditions})' if conditions else ''}"


def _show_promises(seen: Overview) -> None:
    from sbsim.cli import console
    from sbsim.cli.settings import written

    rows = [
        [
            each.priority,
            f"{each.share:.0%}",
            written(each.deadline_s, "s"),
            _usd(each.penalty_usd),
            written(each.wait_s, "s"),
            f"{each.call_s:.3g}s",
            f"{each.slow_call_s:.3g}s",
            each.prospect,
        ]
        for each in seen.promises
    ]
    console.say()
    columns = ["priority", "share", "deadline", "penalty", "waits up to", "call", "9 of 10 within", "before queues"]
    console.print_table(columns, rows, right=(1, 2, 3, 4, 5, 6))


def _show_settings(seen: Overview) -> None:
    from sbsim.cli import console
    from sbsim.cli.settings import written
    from sbsim.config import SETTINGS

    console.say()
    if not seen.settings:
        console.say("Settings: the defaults.")
        return
    rows = [[path, written(default, SETTINGS[path].unit), written(value, SETTINGS[path].unit)] for path, (default, value) in seen.settings.items()]
    console.print_table(["setting", "default", "here"], rows, right=(1, 2))


def _show_search(seen: Overview) -> None:
    from sbsim.cli import console

    scenario = seen.scenario
    console.say()
    bounds = " and ".join(str(each) for each in scenario.objective.subject_to)
    console.say(f"Sought: the least {scenario.objective.minimise}{f' with {bounds}' if bounds else ''}.")
    if scenario.search:
        console.print_table(["searched", "values"], [[path, _values(path, knob)] for path, knob in scenario.search.items()])


def _values(path: str, knob: Knob) -> str:
    from sbsim.cli.settings import written
    from sbsim.config import SETTINGS

    unit = SETTINGS[path].unit if path in SETTINGS else ""
    if knob.choices is not None:
        return ", ".join(written(value, unit) for value in knob.choices)
    return f"{written(knob.low, unit)} to {written(knob.high, unit)}{', by ratios' if knob.log else ''}"
