"""`draft`: answers in, a commented scenario out. It is read back before it is handed over, so that whatever is written loads and has room to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from sbsim.documents.commented import Noted, commented_yaml, plain
from sbsim.documents.yaml12 import read_yaml
from sbsim.drafts import baseline, traffic
from sbsim.drafts.answers import Answers, TraceFile, check
from sbsim.drafts.baseline import Loads
from sbsim.drafts.lanes import Lane, lanes_of
from sbsim.drafts.traffic import Kind
from sbsim.errors import ScenarioError
from sbsim.overview import overview
from sbsim.pricelists import PriceFile, convert, read_price_file
from sbsim.scenario import Scenario
from sbsim.scenario.document import read_value
from sbsim.units import parse_duration
from sbsim.workload.traces import Trace

_PIXELS = {"video": "1280x720", "image": "1024x1024"}
_SECONDS = {"video": "8s", "audio": "30s"}
_TEXTS = ("content_type", "engine", "prompt", "resolution", "tenant")
_UNLIMITED = 10**6
_ASSUMED = "an assumption"


_PREFACE = """\
# A first scenario, written by `sbsim init`. What has no source is an assumption and called so: replace those by what you know.
#   sbsim show FILE                    what it means, and how loaded it is
#   sbsim run FILE                     what today's settings cost
#   sbsim recommend FILE --out out     which settings cost least
"""


@dataclass(frozen=True)
class Draft:
    """A scenario as text, and what its reader should be warned of."""

    text: str
    scenario: Scenario
    warnings: tuple[str, ...]


def draft(answers: Answers) -> Draft:
    """A first scenario.

    Raises
    ------
    ScenarioError, TraceError
        When an answer means nothing, answers contradict each other, or a file is not what it claims to be.
    """
    check(answers)
    file = None if answers.price_file is None else read_price_file(answers.price_file)
    answers, trace, kinds = _kinds(answers, file)
    lanes = lanes_of(kinds, answers, file, trace)
    document = _head(answers, trace, kinds, lanes)
    document["providers"] = [_closed(lane, _UNLIMITED) for lane in lanes]
    _finish(document, answers, lanes, trace)
    text = _PREFACE + commented_yaml(document)
    scenario = Scenario.from_mapping(read_yaml(text, "the draft")[0], "the draft")
    seen = overview(_found(scenario, answers.trace))
    return Draft(text, scenario, (*(warning for lane in lanes for warning in lane.warnings), *seen.warnings))


def _kinds(answers: Answers, file: PriceFile | None) -> tuple[Answers, Trace | None, list[Kind]]:
    """What the traffic asks for. What kind of content that is, and of which engine, may also be known from the price."""
    types = {str(plain(convert(file, each.entry, answers.as_of).provider)["serves"]["content_type"]) for each in answers.prices} if file else set()
    content_type = answers.content_type or (types.pop() if len(types) == 1 else None)
    model = answers.prices[0].entry.rsplit("/", 1)[-1] if len(answers.prices) == 1 else None
    recorded = answers.trace
    if recorded is None:
        kind = Kind(content_type or "image", answers.engine or model or f"{content_type or 'image'}-model")
        return answers, None, [kind]
    trace, kinds = traffic.recorded(recorded, answers)
    told: dict[str, Any] = {}
    if content_type is not None and not all(kind.content_type for kind in kinds):
        told["content_type"] = content_type
    if any(kind.engine is None for kind in kinds):
        told["engine"] = model or f"{kinds[0].content_type or content_type}-model"
    if told:
        answers = replace(answers, **told)
        trace, kinds = traffic.recorded(recorded, answers)
    traffic.require_types(kinds, trace.path)
    return answers, trace, kinds


# -- the parts ---------------------------------------------------------------------------------------------------------------------
def _head(answers: Answers, trace: Trace | None, kinds: Sequence[Kind], lanes: Sequence[Lane]) -> dict[str, Any]:
    name = answers.name or (PurePath(answers.trace.path).name.split(".")[0] if answers.trace else None) or f"my-{kinds[0].content_type}"
    document: dict[str, Any] = {"version": 1, "name": name}
    if trace is None:
        document["horizon"] = traffic.horizon(answers)
        document["study"] = Noted("terminating", "from an empty start to the end of the horizon")
        document["workload"] = Noted(traffic.synthetic_section(answers, _class(answers, kinds[0], lanes[0])), above=("",))
        return document
    assert answers.trace is not None
    document["study"] = Noted("terminating", "one history, replayed")
    document["replications"] = Noted(10, "the same requests, other luck with the provider")
    document["workload"] = Noted(traffic.trace_section(answers.trace, trace, _defaults(answers, trace, lanes)), above=("", *_found_kinds(kinds)))
    return document


def _class(answers: Answers, kind: Kind, lane: Lane) -> dict[str, Any]:
    one: dict[str, Any] = {"name": "requests", "content_type": kind.content_type, "engine": kind.engine}
    for name, (value, is_given) in _quantities(answers, kind.content_type, lane).items():
        key, noted = ("inputs", {"seconds": value}) if name == "input_s" else (name, value)
        one[key] = noted if is_given else Noted(noted, _ASSUMED)
    styles = {name: _middle(values) for name, values in lane.styles.items()}
    if styles:
        allowed = "; ".join(f"{name}: {', '.join(map(str, values))}" for name, values in lane.styles.items())
        one["style_params"] = Noted(styles, f"{_ASSUMED}; prices are for {allowed}")
    if answers.takes == "variants":
        one["variants"] = Noted(
            {"law": "empirical", "values": [1, 4], "weights": [0.5, 0.5]}, f"{_ASSUMED}: half of the requests want four of a kind"
        )
    return one


def _quantities(answers: Answers, content_type: str, lane: Lane) -> dict[str, tuple[Any, bool]]:
    """What requests must say for the lane to charge for it: field -> (value, whether it was given)."""
    charged = lane.charged
    needed: dict[str, tuple[Any, Any]] = {}
    if content_type in _PIXELS or lane.resolutions:
        needed["resolution"] = (answers.resolution, lane.resolutions[0] if lane.resolutions else _PIXELS[content_type])
    if content_type in _SECONDS or "second" in charged:
        needed["duration"] = (answers.duration, _SECONDS.get(content_type, "8s"))
    if charged & {"character", "token_in"}:
        needed["units_in"] = (answers.units_in, {"law": "lognormal", "mean": 500 if "character" in charged else 800, "cv": 0.8})
    if "token_out" in charged:
        needed["units_out"] = (answers.units_out, 1000 if content_type == "image" else {"law": "lognormal", "mean": 200, "cv": 0.8})
    elif answers.units_out is not None:
        needed["units_out"] = (answers.units_out, None)
    if "input_second" in charged:
        needed["input_s"] = (None, "60s")
    return {name: (assumed if given is None else given, given is not None) for name, (given, assumed) in needed.items()}


def _middle(values: Sequence[Any]) -> Any:
    return "medium" if "medium" in values else values[0]


def _defaults(answers: Answers, trace: Trace, lanes: Sequence[Lane]) -> dict[str, Any]:
    """What the file does not say: as given, and where a lane charges for what no row says, as assumed."""
    assert answers.trace is not None
    defaults: dict[str, Any] = {}
    for name, text in answers.trace.defaults.items():
        if name.startswith("style_params."):
            defaults.setdefault("style_params", {})[name.removeprefix("style_params.")] = read_value(text, f"--default {name}={text}")
        else:
            defaults[name] = text if name in _TEXTS else read_value(text, f"--default {name}={text}")
    for name, value in (("content_type", answers.content_type), ("engine", answers.engine)):
        if value is not None:
            defaults.setdefault(name, value)
    fields = {"resolution": ("resolution", None), "duration": ("duration_s", 0.0), "units_in": ("units_in", 0.0), "input_s": ("input_s", 0.0)}
    fields["units_out"] = ("units_out", 1.0)
    for lane in lanes:
        for name, (value, is_given) in _quantities(answers, str(lane.entry["serves"]["content_type"]), lane).items():
            field, nothing = fields[name]
            is_needed = is_given or name != "resolution" or lane.resolutions or "megapixel" in lane.charged
            if name not in defaults and is_needed and not traffic.states(trace, field, nothing) and _is_charged(name, lane):
                number = value["mean"] if isinstance(value, Mapping) else value
                defaults[name] = number if is_given else Noted(number, f"{_ASSUMED}: the file does not say it, and it is charged for")
        missing = {name: _middle(values) for name, values in lane.styles.items()}
        if missing and not traffic.states(trace, "style", ()) and "style_params" not in defaults:
            defaults["style_params"] = Noted(missing, f"{_ASSUMED}: the file does not say it, and prices depend on it")
    return defaults


def _is_charged(name: str, lane: Lane) -> bool:
    pers = {"duration": {"second"}, "units_in": {"character", "token_in"}, "units_out": {"token_out"}, "input_s": {"input_second"}}
    return name == "resolution" or bool(pers[name] & lane.charged)


def _found_kinds(kinds: Sequence[Kind]) -> list[str]:
    """What the file asks for, in a comment."""
    total = sum(int(kind.rows.sum()) for kind in kinds if kind.rows is not None)
    shown = [f"{kind.content_type} {kind.engine} {int(kind.rows.sum()) / total:.0%}" for kind in kinds[:6] if kind.rows is not None]
    more = f", and {len(kinds) - 6} more" if len(kinds) > 6 else ""
    return [f"what it asks for: {', '.join(shown)}{more}"]


def _closed(lane: Lane, concurrency: int) -> dict[str, Any]:
    """The entry with its limits: those given, or as many calls at once as are assumed."""
    if lane.has_limits:
        return lane.entry
    return {**lane.entry, "limits": Noted([{"concurrency": concurrency}], f"{_ASSUMED}: replace it by what your contract says")}


def _finish(document: dict[str, Any], answers: Answers, lanes: Sequence[Lane], trace: Trace | None) -> None:
    """Limits, promises, settings and knobs, by what the lanes are offered."""
    trial = {**plain(document), "config": {"batching": {"max_batch_size": _UNLIMITED}}}
    loads = _loads(trial, answers.trace)
    assumed = [baseline.assumed_concurrency(load, loads.peak) for load in loads.lanes]
    providers = [_closed(lane, count) for lane, count in zip(lanes, assumed, strict=True)]
    view = overview(_found(Scenario.from_mapping({**trial, "providers": plain(providers)}, "the draft"), answers.trace))
    if not view.traffic.n_requests:
        raise ScenarioError(f"--horizon {answers.horizon}: no request comes within it; try a longer one, or a higher --rate")
    loads = Loads.of(view)
    listed: list[Any] = []
    for provider, lane in zip(providers, lanes, strict=True):
        listed += [provider] if lane.batch is None else [provider, lane.batch]
    concurrency = max(baseline.concurrency_of(plain(each["limits"]), count) for each, count in zip(providers, assumed, strict=True))
    size = baseline.batch_size(loads)
    sla = baseline.sla_section(loads, view.traffic.priorities, answers.deadlines)
    deadline_s = min(parse_duration(plain(each)["deadline"]) for each in sla.values())
    document["providers"] = Noted(listed, above=("",))
    document["sla"] = Noted(sla, above=("",))
    document["config"] = Noted(baseline.config_section(loads, size, concurrency), above=("", "what runs today"))
    document["objective"] = Noted({"minimise": "total_cost_usd", "subject_to": Noted(["sla_compliance >= 0.95"], _ASSUMED)}, above=("",))
    knobs = baseline.search_section(loads, concurrency, deadline_s, has_batch_lane=any(lane.batch is not None for lane in lanes))
    document["search"] = Noted(knobs, above=("", "settings that `sbsim recommend` may vary"))


def _loads(document: Mapping[str, Any], file: TraceFile | None) -> Loads:
    return Loads.of(overview(_found(Scenario.from_mapping(document, "the draft"), file)))


def _found(scenario: Scenario, file: TraceFile | None) -> Scenario:
    """The scenario with the trace where it lies now, which need not be where the draft's reader stands."""
    return scenario if file is None else scenario.with_values({"workload.path": file.path})
