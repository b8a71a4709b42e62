"""`sbsim pack`: instances of batch formation, packed with a proven bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from sbsim.cli.options import Jobs, Json, Meta, Quiet, load_scenario, n_jobs, pairs

if TYPE_CHECKING:
    from sbsim.packing import Instance, Method, Packed

UNITS = 5_000.0
"""Units of effort for one instance without a time limit, about five seconds; --effort multiplies it."""
MOST_SECONDS = 1e6


def _number(text: str) -> float:
    """A number above 0; typer's own message does not say what was given."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number <= MOST_SECONDS:
        raise typer.BadParameter(f"{text!r} is not a number above 0 and up to {MOST_SECONDS:g}; try 5")
    return number


def _method(text: str) -> str:
    from sbsim.documents.faults import nearest
    from sbsim.packing.ladder import METHODS

    if text not in METHODS:
        raise typer.BadParameter(f"{text!r} is no method; allowed: {', '.join(METHODS)}{nearest(text, METHODS)}")
    return text


def pack(
    path: Annotated[
        str, typer.Argument(metavar="FILE", help="Instances (JSON, plain text), or pending requests with --prices (csv, jsonl, Parquet).")
    ],
    time_limit: Annotated[
        float | None,
        typer.Option("--time-limit", parser=_number, metavar="S", help="Seconds for each instance at most; the answer then depends on the machine."),
    ] = None,
    effort: Annotated[
        float, typer.Option("--effort", parser=_number, metavar="X", help="Work for each instance without a time limit; 1: about 5 s.")
    ] = 1.0,
    method: Annotated[str, typer.Option("--method", parser=_method, metavar="NAME", help="auto, greedy, columns or assignment.")] = "auto",
    prices: Annotated[
        str | None,
        typer.Option("--prices", metavar="SCENARIO", help="FILE holds pending requests: a scenario whose providers and batching settings count."),
    ] = None,
    columns: Annotated[
        list[str] | None, typer.Option("--column", metavar="FIELD=COLUMN", help="Where a field of a request stands in FILE (repeatable).")
    ] = None,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
    meta: Meta = False,
) -> None:
    """Form batches at least cost, and say how far from the least possible they are.

    \b
    An instance is a JSON object (a file may hold a list of them; one answer each, in order):
      capacity, items      the size of each item, none larger than the capacity
      max_items            items in a batch at most
      durations, max_duration
                           a second size of each item, and its limit
      conflicts            pairs [i, j] of items, counted from 0, that may not meet
      classes              of each item, a number or a word
      bin_cost             what a batch costs (1)
      setups               what a class costs in every batch that holds it: a list or
                           {class: cost}; {class: {"cost": 2, "weight": 10}} where
                           it takes of the capacity too
      name                 what the answer is called
    Plain text is n, the capacity, and one size a line. Published instances with
    set-ups (items of [class, weight]) are read as they are. With --prices, each
    row is a request with the columns of a trace (content_type, engine,
    resolution, duration, style_params.NAME ...), and a batch costs its bill.

    \b
    Examples:
      sbsim pack instances.json --json
      sbsim pack instances.json --time-limit 5 --jobs 2 --quiet
      sbsim pack pending.csv --prices quickstart --column duration=secs
      sbsim pack day.txt --method greedy
    """
    from sbsim.cli import console
    from sbsim.parallel import run_all

    tasks = [Task(parts, time_limit, UNITS * effort, method) for parts in _read(path, prices, columns)]
    with console.progress("pack: instances", quiet=quiet) as progress:
        answers = run_all(answer, tasks, jobs=n_jobs(jobs), progress=progress)
        if json:
            for document in answers:
                console.print_line(document if meta else {key: value for key, value in document.items() if key != "meta"})
            return
        documents = list(answers)
    _show(documents)


class Part(NamedTuple):
    """Items that may share batches with each other, and where in the file they stand."""

    instance: Instance
    places: list[int]


class Task(NamedTuple):
    """One answer to give: its parts, seconds and units that it may take, and how."""

    parts: list[Part]
    time_limit: float | None
    units: float
    method: str


def answer(task: Task) -> dict[str, Any]:
    """The answer as the JSON document `sbsim.pack/1`."""
    from math import inf
    from time import perf_counter

    from sbsim.packing import Effort, pack

    if task.time_limit is not None and task.method != "greedy":
        from sbsim.packing.solvers import load

        load()
    began_at = perf_counter()
    packed: list[tuple[Part, Packed]] = []
    for k, part in enumerate(task.parts):
        if task.time_limit is None:
            work = Effort(task.units)
        else:
            left = began_at + task.time_limit - perf_counter()
            work = Effort(inf, perf_counter, perf_counter() + left / (len(task.parts) - k))
        method: Method = task.method  # type: ignore[assignment]  # checked at the door
        packed.append((part, pack(part.instance, work, method)))
    batches = sorted([part.places[item] for item in batch] for part, one in packed for batch in one.batches)
    cost, bound = sum(one.cost for _, one in packed), sum(one.bound for _, one in packed)
    document: dict[str, Any] = {
        "schema": "sbsim.pack/1",
        "name": task.parts[0].instance.name,
        "batches": batches,
        "cost": _plain(cost),
        "bound": _plain(bound),
        "gap": float((cost - bound) / cost) if cost else 0.0,
        "status": "optimal" if bound >= cost else "feasible",
    }
    if any(one.is_timed_out for _, one in packed):
        document["stopped_by"] = "time"
    document["meta"] = {"elapsed_s": perf_counter() - began_at, "rungs": [one.rung for _, one in packed]}
    return document


def _plain(amount: Any) -> int | float:
    """A number that JSON knows: whole where it is."""
    return int(amount) if amount == int(amount) else float(amount)


def _read(path: str, prices: str | None, columns: list[str] | None) -> list[list[Part]]:
    """The file's instances, each in parts; pending requests are one instance."""
    if prices is None:
        from sbsim.packing import read_instances

        if columns:
            raise typer.BadParameter("--column goes with --prices: without it FILE holds instances, not requests; try --prices SCENARIO")
        return [[Part(each, list(range(each.n_items)))] for each in read_instances(path)]
    from dataclasses import replace
    from pathlib import Path

    from sbsim.workload.pending import pending_instances

    found = pending_instances(path, load_scenario(prices, None, None), pairs("--column", columns))
    return [[Part(replace(each, name=Path(path).stem), rows) for each, rows in found]]


def _show(documents: list[dict[str, Any]]) -> None:
    from sbsim.cli import console

    rows: list[list[str] | None] = []
    for document in documents:
        status = document["status"] + (" (time)" if "stopped_by" in document else "")
        n_items = sum(map(len, document["batches"]))
        figures = [f"{document['cost']:.10g}", f"{document['bound']:.10g}", f"{document['gap']:.2%}", f"{document['meta']['elapsed_s']:.2f}"]
        rows.append([document["name"], f"{n_items:,}", f"{len(document['batches']):,}", *figures, status])
    console.print_table(["instance", "items", "batches", "cost", "bound", "gap", "seconds", "status"], rows, right=(1, 2, 3, 4, 5, 6))
    if len(documents) == 1:
        console.say()
        for k, batch in enumerate(documents[0]["batches"]):
            console.say(f"batch {k}: items {' '.join(map(str, batch))}")
