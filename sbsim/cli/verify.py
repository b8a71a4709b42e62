"""`sbsim verify`: the simulator against closed forms."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from sbsim.cli.options import Jobs, Json, Meta, Quiet, Seed, n_jobs

if TYPE_CHECKING:
    from sbsim.verification import Line


def verify(
    only: Annotated[list[int] | None, typer.Option("--only", metavar="KIND", help="Only this kind of line, by its number (repeatable).")] = None,
    scale: Annotated[float, typer.Option("--scale", metavar="X", help="Length of the simulations; half-widths grow as 1 / sqrt(X).")] = 1.0,
    plant: Annotated[
        float | None, typer.Option("--plant", metavar="X", help="Plant a relative error in every arrival rate, such as 0.02, and see it found.")
    ] = None,
    seed: Seed = None,
    jobs: Jobs = None,
    json: Json = False,
    quiet: Quiet = False,
    meta: Meta = False,
) -> None:
    """Simulate systems whose exact solution is known, and compare.

    Each line passes when |z| < 3.5 and its half-width is at most 1 % of the exact value. The exit code is 1 when a line fails.

    \b
    Examples:
      sbsim verify
      sbsim verify --only 1 --only 6 --scale 0.2
      sbsim verify --plant 0.02
    """
    started_at = perf_counter()
    from sbsim.cli import console
    from sbsim.verification import verify as run_verification

    with console.progress("verify: replications", quiet=quiet) as progress:
        lines = run_verification(only=only or None, seed=seed or 0, scale=scale, jobs=n_jobs(jobs), plant=plant, progress=progress)
    if json:
        fields = ("kind", "name", "simulated", "exact", "half_width", "z", "passed")
        document = {
            "schema": "sbsim.verify/1", "seed": seed or 0, "scale": scale, "plant": plant, "passed": all(line.passed for line in lines),
            "lines": [{field: _number(getattr(line, field)) for field in fields} for line in lines],
        }  # fmt: skip
        console.print_json(document | ({"meta": {"elapsed_s": perf_counter() - started_at, "jobs": n_jobs(jobs)}} if meta else {}))
    else:
        _show(lines, only, seed or 0)
    if not all(line.passed for line in lines):
        raise typer.Exit(1)


def _number(value: object) -> object:
    """None for a number that does not exist (nothing was finished): JSON knows no NaN."""
    return None if isinstance(value, float) and not abs(value) < float("inf") else value


def _show(lines: list[Line], only: list[int] | None, seed: int) -> None:
    from sbsim.cli import console
    from sbsim.verification import KINDS, false_alarm_chance

    rows: list[list[str] | None] = []
    kind = 0
    for line in lines:
        if line.kind != kind:
            if kind:
                rows.append(None)
            rows.append([f"{line.kind}. {KINDS[line.kind]}", "", "", "", "", ""])
            kind = line.kind
        verdict = "ok" if line.passed else "FAILED"
        rows.append([f"  {line.name}", f"{line.simulated:.6g}", f"{line.exact:.6g}", f"{line.half_width:.2g}", f"{line.z:+.2f}", verdict])
    console.print_table(["line", "simulated", "exact", "± 95 %", "z", ""], rows, right=(1, 2, 3, 4))
    failed = sum(not line.passed for line in lines)
    console.say()
    console.say(
        f"{len(lines)} lines, {failed} failed; seed {seed}. A faultless simulator would fail a line at {false_alarm_chance(only):.1%} of seeds."
    )
