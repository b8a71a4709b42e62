"""What a terminal shows: tables, progress and messages. Results go to stdout, everything else to stderr.

Knows no KPI and no command. Whatever came from a file is shown as plain text: control characters are spelt out and no markup is read in it.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Progress = Callable[[int, int], None]
"""Called with (done, of how many)."""

_INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories that steer a terminal or hide: controls, formats (bidirectional overrides), surrogates, separators of lines and paragraphs."""

_PLAINER = {"±": "+-", "…": "...", "─": "-", **dict(zip("▁▂▃▄▅▆▇█", "_.-=+*%#", strict=True))}
"""What stands for our own signs where an encoding has none of them."""
_FOLDED = 20
"""Columns of text are folded to this width at least, however narrow the terminal."""


def _plainer(error: UnicodeError) -> tuple[str, int]:
    """What to write in place of characters that an encoding lacks: a plainer sign of ours, else the character's number."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_PLAINER.get(character) or character.encode("ascii", "backslashreplace").decode() for character in lacking), error.end


codecs.register_error("sbsim.plainer", _plainer)


def open_streams() -> None:
    """Have stdout and stderr take every text, whatever the locale (an ASCII terminal, a Windows pipe); one that is closed (`>&-`) swallows it."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            os.set_inheritable(number, True)  # else a worker's first file would take its place
            setattr(sys, name, open(number, "w", encoding="utf-8"))  # noqa: SIM115 - open as long as the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="sbsim.plainer")


def plain(text: object) -> str:
    """`text` with every character that steers a terminal spelt out (`\\x1b`); line ends stay."""
    return "".join(
        character.encode("unicode_escape").decode() if character != "\n" and unicodedata.category(character) in _INVISIBLE else character
        for character in str(text)
    )


def word(text: object) -> str:
    """`text` for a table cell or one line: as `plain`, line ends spelt out too."""
    return plain(text).replace("\n", "\\n")


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document on stdout: the same bytes for the same content, on every machine and in every locale."""
    sys.stdout.write(json.dumps(document, indent=2, allow_nan=False) + "\n")


def print_line(document: Mapping[str, Any]) -> None:
    """One JSON document on a line of its own, at once: where a file of them is the result, each can be read before the next is there."""
    sys.stdout.write(json.dumps(document, separators=(",", ":"), allow_nan=False) + "\n")
    sys.stdout.flush()


def say(line: str = "") -> None:
    """A line of the result."""
    _console().print(plain(line), soft_wrap=True)


def warn(messages: Sequence[str], *, quiet: bool = False) -> None:
    """Warnings on stderr, one line each."""
    if not quiet:
        for message in messages:
            sys.stderr.write(f"warning: {word(message)}\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str] | None], *, right: Sequence[int] = ()) -> None:
    """A table on stdout; the columns of the indices `right` are flush right; None in place of a row draws a line.

    Numbers and first columns are never cut: on a terminal narrower than they are, lines run on.
    """
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(word(column), justify="right" if index in right else "left", overflow="fold", no_wrap=index == 0 or index in right)
    for row in rows:
        if row is None:
            table.add_section()
        else:
            table.add_row(*[word(cell) for cell in row])
    console = _console()
    console.width = max(console.width, _least_width([columns, *filter(None, rows)], right))
    console.print(table)


def _least_width(rows: Sequence[Sequence[str]], right: Sequence[int]) -> int:
    """Characters that a table needs: whole cells in the first column and those flush right, folded ones elsewhere."""
    from rich.cells import cell_len

    widths = [max(cell_len(word(cell)) for cell in column) for column in zip(*rows, strict=True)]
    return sum(width if k == 0 or k in right else min(width, _FOLDED) for k, width in enumerate(widths)) + 3 * (len(widths) - 1)


@contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[Progress | None]:
    """A bar on stderr while something runs, where stderr is a terminal; yields the function to call, or None."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(word(what), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _console() -> Console:
    """A console on stdout that reads no markup; 100 columns wide where nobody looks (a pipe, a file)."""
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = 100
    return console
