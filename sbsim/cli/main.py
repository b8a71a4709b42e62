"""The command `sbsim`: its list of commands, and what an error becomes on its way out.

Owns exit codes: 0 ok, 1 no feasible answer, 2 bad input, 3 a file cannot be written or a server not reached, 70 a bug of ours, 130 interrupted.
Knows no simulation: each command loads what it needs when it runs, so that `--help` stays quick (0.15 s; typer's own rich help adds 0.1 s).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from sbsim.cli import explain, export, init, pack, prices, recommend, run, schema, show, sweep, trace, verify
from sbsim.errors import InfeasibleError, OutputError, SbsimError

OK, INFEASIBLE, BAD_INPUT, UNREACHABLE, BUG, INTERRUPTED = 0, 1, 2, 3, 70, 130

app = typer.Typer(
    name="sbsim",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from sbsim import __version__

        typer.echo(f"sbsim {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def sbsim(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")] = False,
) -> None:
    """Simulate and optimise the batching layer in front of paid generation APIs, before it is deployed.

    SCENARIO is a YAML file or the name of a shipped one: quickstart, marketing-videos, speech-burst, llm-gateway, own-gpu-workers, image-api,
    image-service, azure-hour, image-days, kitchen-sink. `sbsim init` writes one of your own.

    \b
    Examples:
      sbsim run quickstart
      sbsim run quickstart --set batching.max_wait=10s --json
      sbsim recommend quickstart --out out
      sbsim run quickstart --config out/recommended.yaml
      sbsim COMMAND --help
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command("run")(run.run)
app.command("sweep")(sweep.sweep)
app.command("recommend")(recommend.recommend)
app.command("explain")(explain.explain)
app.command("export")(export.export)
app.command("verify")(verify.verify)
app.command("schema")(schema.schema)
app.command("init")(init.init)
app.command("show")(show.show)
app.command("pack")(pack.pack)
app.command("prices")(prices.prices)
app.add_typer(trace.app, name="trace")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; nothing escapes but `SystemExit` of the interpreter itself."""
    from sbsim.cli.console import open_streams

    open_streams()
    try:
        code = app(args=None if arguments is None else list(arguments), prog_name="sbsim", standalone_mode=False)
        sys.stdout.flush()  # here, so that a full disk is a message and not a traceback at exit
    except (BrokenPipeError, SystemExit):
        _close_stdout()  # the reader has what it wanted (`| head`), and so nothing went wrong; newer typers exit by themselves then
        return OK
    except KeyboardInterrupt:
        code = INTERRUPTED
    except InfeasibleError as error:
        return _say(str(error), INFEASIBLE)
    except SbsimError as error:
        return _say(str(error), UNREACHABLE if isinstance(error, OutputError) else BAD_INPUT)
    except Exception as error:
        return _other(error)
    if code == INTERRUPTED:  # newer typers turn a Ctrl-C into this code
        return _say("interrupted; what was already written is kept", INTERRUPTED)
    return code if isinstance(code, int) else OK


def _other(error: Exception) -> int:
    """The exit code of what is not ours by type: typer's own complaints, the operating system's, and bugs."""
    if isinstance(error, typer.Abort):
        return _say("interrupted; what was already written is kept", INTERRUPTED)
    complaint = getattr(error, "format_message", None)  # typer's usage errors; older typers take theirs from click
    if complaint is not None and getattr(error, "exit_code", None) == BAD_INPUT:
        context = getattr(error, "ctx", None)
        return _say(f"{complaint()} (see {context.command_path if context else 'sbsim'} --help)", BAD_INPUT)
    if isinstance(error, MemoryError):
        return _say("not enough memory; try a shorter horizon, fewer requests, or --jobs 1", BAD_INPUT)
    if isinstance(error, OSError):
        _close_stdout()
        where = f"{error.filename}: " if error.filename else ""
        return _say(f"{where}{error.strerror or error}", UNREACHABLE)
    return _say(f"a bug of ours, {type(error).__name__}; {_keep_traceback(error)}: please report it", BUG)


def _say(message: str, code: int) -> int:
    from sbsim.cli.console import plain

    sys.stderr.write(f"sbsim: {plain(message)}\n")
    return code


def _keep_traceback(error: Exception) -> str:
    """Write the traceback to a new file and say where it is, or where the error came from if there is no room for a file."""
    import tempfile
    import traceback

    try:
        with tempfile.NamedTemporaryFile("w", prefix="sbsim-bug-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{' '.join(map(repr, sys.argv))}\n\n")
            traceback.print_exception(error, file=file)
    except OSError as full:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{error} at {last.filename}:{last.lineno}; the traceback cannot be written ({full.strerror or full})"
    return f"the traceback is in {file.name}"


def _close_stdout() -> None:
    """Nobody can read it any more: let the interpreter's last flush go nowhere instead of failing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
