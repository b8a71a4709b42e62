"""Plain text files, one key or prompt a line: which files they are, and their lines."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from sbsim.errors import TraceError

LINES = "lines"
"""The name of this format beside those of `workload.traces`."""

_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
_HEAD = 4096


def is_plain(path: str) -> bool:
    """Whether a file is a plain list of lines: neither its name nor its first bytes say that it is a table of rows with an `arrived_at`.

    Raises
    ------
    TraceError
        When it cannot be read.
    """
    if path.removesuffix(".gz").lower().endswith(_TABLES):
        return False
    head = _content(path, _HEAD).removeprefix(b"\xef\xbb\xbf").lstrip()
    first = head.partition(b"\n")[0]
    return not (head.startswith((b"PAR1", b"{")) or b"arrived_at" in first)


def read_lines(path: str) -> list[str]:
    """The lines of a text file (also gzipped) that hold anything, without outer white space. Raises TraceError."""
    content = _content(path)
    if b"\0" in content:
        raise TraceError(f"{path}: the file is binary (it holds zero bytes); allowed: UTF-8 text, a key or a prompt a line")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TraceError(f"{path}:{line}: not UTF-8 text ({error.reason}); try saving the file as UTF-8") from None
    lines = [line.strip() for line in text.split("\n")]  # `splitlines` would also cut at separators within a prompt
    kept = [line for line in lines if line]
    if not kept:
        raise TraceError(f"{path}: the file is empty; it must hold at least one line; try another file")
    return kept


def _content(path: str, n_bytes: int = -1) -> bytes:
    if Path(path).is_dir():
        raise TraceError(f"{path}: this is a directory; allowed: one file of traffic, or a text file with a line for each request")
    try:
        with open(path, "rb") as file:
            is_gzip = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if is_gzip else open(path, "rb") as opened:
            return opened.read(n_bytes)
    except FileNotFoundError:
        raise TraceError(f"{path}: there is no such file; try the path of a trace, or of a text file with a line for each request") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TraceError(f"{path}: not a whole gzip file ({error}); try getting it anew") from None
    except (OSError, ValueError) as error:
        raise TraceError(f"{path}: the file cannot be read ({getattr(error, 'strerror', None) or error})") from None
