"""`sbsim schema`: what a scenario may say, which settings and which KPIs there are."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sbsim.cli.options import Json


def schema(
    settings: Annotated[
        bool, typer.Option("--settings", help="List the settings instead: default and meaning; environment names with --json.")
    ] = False,
    kpis: Annotated[bool, typer.Option("--kpis", help="List the KPIs instead: unit, definition.")] = False,
    json: Json = False,
) -> None:
    """Print the JSON Schema of the scenario file; editors complete and check scenarios with it.

    \b
    Examples:
      sbsim schema > scenario.schema.json
      sbsim schema --settings
      sbsim schema --kpis --json
    """
    from sbsim.cli import console

    if settings and kpis:
        raise typer.BadParameter("--settings and --kpis are two lists; ask for one")
    if not settings and not kpis:
        from sbsim.scenario import schema as scenario_schema

        console.print_json(scenario_schema())
        return
    rows = _settings() if settings else _kpis()
    if json:
        console.print_json({"schema": f"sbsim.{'settings' if settings else 'kpis'}/1", "settings" if settings else "kpis": rows})
        return
    names = [name for name in rows[0] if name not in ("environment", "alias", "part")]
    console.print_table(names, [[str(row[name]) for name in names] for row in rows])


def _settings() -> list[dict[str, Any]]:
    from sbsim.cli.settings import written
    from sbsim.config import SETTINGS

    return [
        {
            "setting": path,
            "default": written(setting.default, setting.unit),
            "meaning": setting.doc,
            "environment": setting.environment,
            "alias": setting.alias,
            "part": setting.part,
        }
        for path, setting in SETTINGS.items()
    ]


def _kpis() -> list[dict[str, Any]]:
    from sbsim.measure import KPIS

    return [{"kpi": kpi.name, "unit": kpi.unit, "definition": f"{kpi.definition}{f' ({kpi.note})' if kpi.note else ''}"} for kpi in KPIS]
