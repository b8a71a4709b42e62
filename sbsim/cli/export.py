"""`sbsim export`: a recommendation in the format that production reads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sbsim.cli.options import Quiet


def export(
    source: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that `sbsim recommend --out DIR` wrote, or a file of settings.")],
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help="yaml, env, json or toml.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where to write; default: DIR/recommended.FORMAT.")] = None,
    quiet: Quiet = False,
) -> None:
    """Write a recommendation as YAML, JSON, TOML or an environment file, and print it.

    Every format reads back to the same settings (`sbsim run SCENARIO --config FILE`); an environment file names in comments what it cannot say.

    \b
    Examples:
      sbsim export out --to json
      sbsim export out --to env --out batcher.env
      sbsim export settings.toml --to yaml
    """
    from sbsim.export import render, write

    _check_name(out, to)
    text = render(source, to)
    sys.stdout.write(text)
    if out is None and source.is_dir():
        out = source / f"recommended.{to}"
    if out is None or (out.is_file() and source.is_dir() and out.name == "recommended.yaml"):
        return  # settings alone are only printed, and what all formats are made of stays as it is
    written = write(source, to, out)
    if not quiet:
        from sbsim.cli.console import word

        sys.stderr.write(f"written: {word(written)}\n")


def _check_name(out: Path | None, to: str) -> None:
    """Refuses a file whose name says another format than it would hold: production goes by the name."""
    from sbsim.export import FORMATS

    endings = {"yaml": (".yaml", ".yml")}.get(to, (f".{to}",))
    if out is None or to not in FORMATS or out.suffix.lower() in endings or out.name in endings:
        return
    given = out.suffix or "no ending"
    raise typer.BadParameter(f"--out {out}: {given} does not say {to}; allowed: {', '.join(endings)}; try --out {out.with_suffix(endings[0])}")
