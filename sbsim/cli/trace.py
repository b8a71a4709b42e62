"""`sbsim trace`: looking at recorded traffic before anything is simulated with it."""

from __future__ import annotations

import typer

from sbsim.cli import trace_cache, trace_describe, trace_duplicates

app = typer.Typer(rich_markup_mode=None)


@app.callback()
def trace() -> None:
    """Look at recorded traffic.

    \b
    Examples:
      sbsim trace describe requests.csv
      sbsim trace cache requests.csv
      sbsim trace duplicates requests.csv
    """


app.command("describe")(trace_describe.describe)
app.command("cache")(trace_cache.cache)
app.command("duplicates")(trace_duplicates.duplicates)
