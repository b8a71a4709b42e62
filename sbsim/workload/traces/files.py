"""Files as blocks of cells: csv (also gzipped, any usual delimiter), one JSON object a line, Parquet, and one JSON array where a format allows it.
What a file is shows in its first bytes.

Owns everything that can be wrong with a file as such: absent, a directory, binary, not UTF-8, cut off, without header. Knows nothing of what
columns mean. Rows are numbered as an editor shows them: lines of a text file, from 1 and with the header; rows of Parquet and of an array, from 1.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sbsim.documents.faults import shown
from sbsim.errors import TraceError
from sbsim.workload.traces.bad_rows import BadRows, Fault

_DELIMITERS = ",;\t|"
_FIELD_LIMIT = 2**24
_HEAD = 64 * 1024


class Block(NamedTuple):
    """Consecutive rows: their line numbers, shape (n,), and per column of the file its cells; None where a row has no such cell."""

    lines: list[int]
    cells: dict[str, list[Any]]


class Table:
    """A file of rows.

    Parameters
    ----------
    may_be_document : whether it may be one JSON array of objects, or one object that holds such an array under "data".

    Attributes
    ----------
    columns : names of its columns; of a jsonl file the keys of its first object. is_sparse : whether later rows may have others (jsonl).
    promised : None; a file of rows promises nothing.
    """

    promised: Mapping[str, float] | None = None

    def __init__(self, path: str, bad_rows: BadRows, *, may_be_document: bool = False) -> None:
        self._path = path
        self._may_be_document = may_be_document
        self._bad_rows = bad_rows
        self._head = _head(path)
        self._is_gzip = self._head.startswith(b"\x1f\x8b")
        if self._is_gzip:
            self._head = self._unpacked_head()
        self.columns: tuple[str, ...]
        self._kind = self._recognise()
        self.is_sparse = self._kind in ("jsonl", "document")
        if self._kind == "document":
            bad_rows.unit = "row"
            self._entries = self._open_document()
        if self._kind == "parquet":
            bad_rows.unit = "row"
            self._parquet = self._open_parquet()
            self.columns = tuple(self._parquet.schema_arrow.names)
        elif self.is_sparse:
            self.columns = self._first_keys()
        else:
            self.columns = self._header()

    def blocks(self, wanted: tuple[str, ...], n_rows: int) -> Iterator[Block]:
        """The file's rows, at most `n_rows` at a time, with the cells of the wanted columns. Raises TraceError."""
        readers = {"csv": self._csv_blocks, "jsonl": self._json_blocks, "document": self._json_blocks, "parquet": self._parquet_blocks}
        return readers[self._kind](wanted, n_rows)

    def rows(self, n_rows: int) -> Iterator[list[tuple[int, Mapping[str, Any]]]]:
        """The same as (line, cells by column) of whole rows. Raises TraceError."""
        if self.is_sparse:
            for batch in _batches(self._objects(), n_rows):
                yield self._good(batch)
            return
        for block in self.blocks(self.columns, n_rows):
            columns = [block.cells[name] for name in self.columns]
            yield [(line, dict(zip(self.columns, cells, strict=True))) for line, *cells in zip(block.lines, *columns, strict=True)]

    # -- what it is ----------------------------------------------------------------------------------------------------------
    def _recognise(self) -> str:
        head = self._head
        if head.startswith(b"PAR1"):
            return "parquet"
        if not head.strip():
            raise TraceError(f"{self._path}: the file is empty; it must hold a header and at least one row; try another file")
        if self._path.endswith(".parquet"):
            raise TraceError(f"{self._path}: this is not a Parquet file: it does not begin with PAR1; allowed: csv, jsonl, Parquet")
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise TraceError(f"{self._path}: the text is UTF-16; allowed: UTF-8; try saving it as UTF-8")
        if head.startswith(b"PK\x03\x04"):
            raise TraceError(f"{self._path}: this is a zip archive or a spreadsheet; allowed: csv, jsonl, Parquet; try unpacking or exporting it")
        if head[257:262] == b"ustar":
            raise TraceError(f"{self._path}: this is a tar archive; allowed: csv, jsonl, Parquet; try unpacking it")
        if b"\0" in head:
            raise TraceError(f"{self._path}: the file is binary (it holds zero bytes); allowed: csv, jsonl, Parquet")
        start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
        if self._may_be_document and (start.startswith(b"[") or (start.startswith(b"{") and self._holds_rows())):
            return "document"
        if start.startswith(b"["):
            raise TraceError(f"{self._path}: this is one JSON array; allowed: one JSON object a line; try `jq -c '.[]'`")
        return "jsonl" if start.startswith(b"{") else "csv"

    def _unpacked_head(self) -> bytes:
        try:
            with gzip.open(self._path, "rb") as file:
                return file.read(_HEAD)
        except (OSError, EOFError, zlib.error) as error:
            raise TraceError(f"{self._path}: not a whole gzip file ({error}); try getting it anew") from None

    # -- one JSON document ---------------------------------------------------------------------------------------------------
    def _holds_rows(self) -> bool:
        """Whether a file that begins as an object is no list of lines: its first line is no object, or one that holds rows."""
        try:
            first = json.loads(next(line for line in self._lines() if line.strip()))
        except (ValueError, RecursionError):
            return b"\n" in self._head.rstrip()
        return isinstance(first, dict) and isinstance(first.get("data"), list)

    def _open_document(self) -> list[Any]:
        try:
            given = json.loads("".join(self._lines()), parse_constant=_refuse_constant)
        except RecursionError:
            raise TraceError(f"{self._path}: nested too deeply; allowed: one JSON array of objects, or one object a line") from None
        except ValueError as error:
            where = f":{error.lineno}:{error.colno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else f": {error}"
            raise TraceError(f"{self._path}{where}; allowed: one JSON array of objects, or one JSON object a line") from None
        entries = given.get("data") if isinstance(given, dict) else given
        if not isinstance(entries, list):
            raise TraceError(f'{self._path}: this object has no list "data"; allowed: one JSON array of objects, or one JSON object a line')
        return entries

    # -- text ----------------------------------------------------------------------------------------------------------------
    def _lines(self) -> Iterator[str]:
        """Lines with their ends. Raises TraceError where they are no UTF-8 text."""
        with io.TextIOWrapper(self._opened(), encoding="utf-8-sig", newline="") as file:
            n = 0
            try:
                for n, line in enumerate(file, 1):  # for the message
                    if "\0" in line:
                        raise TraceError(f"{self._path}:{n}: the file is binary (it holds zero bytes); allowed: csv, jsonl, Parquet")
                    yield line
            except UnicodeDecodeError as error:
                raise TraceError(f"{self._path}:{self._undecoded()}: not UTF-8 text ({error.reason}); try saving the file as UTF-8") from None
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise TraceError(f"{self._path}: after line {n}: not a whole gzip file ({error}); try getting it anew") from None

    def _opened(self) -> Any:
        return gzip.open(self._path, "rb") if self._is_gzip else open(self._path, "rb")

    def _undecoded(self) -> int:
        """The first line that is not UTF-8; whoever decodes reads ahead of it."""
        n = 0
        with self._opened() as file:
            for n, line in enumerate(file, 1):  # for the end
                try:
                    line.decode()
                except UnicodeDecodeError:
                    return n
        return n

    def _csv_rows(self) -> Iterator[tuple[int, list[str]]]:
        """(line on which it starts, cells) of each row that is not blank, header included."""
        csv.field_size_limit(_FIELD_LIMIT)
        first = next(self._lines(), "")
        delimiter = max(_DELIMITERS, key=first.count)
        rows = csv.reader(self._lines(), delimiter=delimiter, strict=True)
        line = 1
        try:
            for row in rows:
                if row:
                    yield line, row
                line = rows.line_num + 1
        except csv.Error as error:
            raise TraceError(
                f"{self._path}:{line}: this row is no csv ({error}); allowed: cells in double quotes, a quote within written twice"
            ) from None

    def _header(self) -> tuple[str, ...]:
        _, header = next(self._csv_rows(), (1, []))
        names = tuple(name.strip() for name in header)
        for name in names:
            if name and names.count(name) > 1:
                raise TraceError(f"{self._path}:1: column {name!r} occurs twice in the header; try renaming one")
        return names

    def _csv_blocks(self, wanted: tuple[str, ...], n_rows: int) -> Iterator[Block]:
        rows = self._csv_rows()
        next(rows)
        width = len(self.columns)
        places = [(name, self.columns.index(name)) for name in wanted]
        for batch in _batches(rows, n_rows):
            whole = [(line, row) for line, row in batch if len(row) == width]
            if len(whole) < len(batch):
                self._bad_rows.report([
                    Fault(line, None, f"{len(row)} cells, and the header names {width} columns") for line, row in batch if len(row) != width
                ])  # fmt: skip
            yield Block([line for line, _ in whole], {name: [row[k] for _, row in whole] for name, k in places})

    def _first_keys(self) -> tuple[str, ...]:
        for _, given in self._objects():
            if isinstance(given, dict):
                return tuple(given)
        raise TraceError(f'{self._path}: no {self._bad_rows.unit} holds a JSON object; allowed: objects such as {{"arrived_at": 0.5}}')

    def _objects(self) -> Iterator[tuple[int, Any]]:
        """(line, object) of each line that is not blank; a Fault in place of the object where there is none."""
        if self._kind == "document":
            for row, given in enumerate(self._entries, 1):
                yield row, given if isinstance(given, dict) else Fault(row, None, f"{shown(given)} is no JSON object; allowed: an array of objects")
            return
        for line, text in enumerate(self._lines(), 1):
            if not text.strip():
                continue
            try:
                given = json.loads(text, parse_constant=_refuse_constant)
            except RecursionError:
                given = Fault(line, None, "this line is nested too deeply; allowed: one JSON object a line")
            except ValueError as error:
                reason = f"{error.msg} at character {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
                given = Fault(line, None, f"this line is no JSON ({reason}); allowed: one JSON object a line")
            if not isinstance(given, (dict, Fault)):
                given = Fault(line, None, f"this line is a JSON {type(given).__name__}; allowed: one JSON object a line")
            yield line, given

    def _good(self, batch: list[tuple[int, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
        """The objects of a batch; what stands in place of one is reported."""
        faults = [given for _, given in batch if isinstance(given, Fault)]
        if faults:
            self._bad_rows.report(faults)
        return [(line, given) for line, given in batch if isinstance(given, dict)]

    def _json_blocks(self, wanted: tuple[str, ...], n_rows: int) -> Iterator[Block]:
        for batch in _batches(self._objects(), n_rows):
            whole = self._good(batch)
            yield Block([line for line, _ in whole], {name: [given.get(name) for _, given in whole] for name in wanted})

    # -- Parquet -------------------------------------------------------------------------------------------------------------
    def _open_parquet(self) -> Any:
        import pyarrow
        import pyarrow.parquet

        try:
            return pyarrow.parquet.ParquetFile(self._path)
        except (pyarrow.ArrowException, OSError) as error:
            raise TraceError(f"{self._path}: not a whole Parquet file ({_first_line(error)}); try writing it anew") from None

    def _parquet_blocks(self, wanted: tuple[str, ...], n_rows: int) -> Iterator[Block]:
        import pyarrow

        n = 0
        try:
            for batch in self._parquet.iter_batches(batch_size=n_rows, columns=list(wanted)):
                cells = {name: _plain(batch.column(k)) for k, name in enumerate(batch.schema.names)}
                yield Block(list(range(n + 1, n + 1 + batch.num_rows)), cells)
                n += batch.num_rows
        except (pyarrow.ArrowException, OSError) as error:
            raise TraceError(f"{self._path}: after row {n}: the Parquet file is damaged ({_first_line(error)}); try writing it anew") from None


def _head(path: str) -> bytes:
    """The first bytes of a file. Raises TraceError when there is none to read."""
    if Path(path).is_dir():
        raise TraceError(f"{path}: this is a directory; a trace is one file: csv, jsonl or Parquet; try a file in it, or format: servegen")
    try:
        with open(path, "rb") as file:
            return file.read(_HEAD)
    except FileNotFoundError:
        raise TraceError(f"{path}: there is no such file; try the path of a trace: csv, jsonl or Parquet") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise TraceError(f"{path}: the file cannot be read ({reason})") from None


def _batches(rows: Iterator[tuple[int, Any]], n_rows: int) -> Iterator[list[tuple[int, Any]]]:
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == n_rows:
            yield batch
            batch = []
    if batch:
        yield batch


def _plain(column: Any) -> list[Any]:
    """Cells as plain values; instants as numpy's, exact to the nanosecond."""
    import numpy as np
    import pyarrow

    if not pyarrow.types.is_timestamp(column.type):
        return list(column.to_pylist())
    stamps = column.cast(pyarrow.timestamp("ns", tz=column.type.tz)).cast(pyarrow.timestamp("ns")).to_numpy(zero_copy_only=False)
    return [None if np.isnat(stamp) else stamp for stamp in stamps]


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a finite number")


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n")[0]
