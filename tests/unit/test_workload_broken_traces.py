"""Traces that are wrong: each is refused with one message that says where, what was given, what is allowed and what to try."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from sbsim.errors import ScenarioError, TraceError
from sbsim.workload import describe
from sbsim.workload.traces import read_trace


def tar() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("t.csv")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"a,b\n1"))
    return packed.getvalue()


def cut_parquet() -> bytes:
    whole = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"arrived_at": list(range(5000))}), whole)
    return whole.getvalue()[:-40]


def damaged_parquet() -> bytes:
    whole = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"arrived_at": [float(k * k) for k in range(5000)]}), whole, compression="gzip")
    raw = bytearray(whole.getvalue())
    raw[40:400] = bytes(360)
    return bytes(raw)


HEAD = "arrived_at,content_type,duration,units_in,priority\n"
GOOD = "1,image,8,3,2\n"
BROKEN: dict[str, tuple[bytes | str, dict[str, Any], str]] = {
    # the file
    "empty": ("", {}, r"t\.csv: the file is empty; it must hold a header and at least one row"),
    "blank": ("  \n\n", {}, r"t\.csv: the file is empty"),
    "header only": (HEAD, {}, r"t\.csv: the file has a header but no rows; a trace needs at least one"),
    "binary": (b"\x89PNG\r\n\x1a\n" + bytes(range(200)), {}, r"t\.csv: the file is binary \(it holds zero bytes\); allowed: csv, jsonl, Parquet"),
    "zero bytes later on": (HEAD + GOOD * 9000 + "\0" * 9, {}, r"t\.csv:9002: the file is binary"),
    "zip": (b"PK\x03\x04" + b"xl/workbook", {}, r"t\.csv: this is a zip archive or a spreadsheet; .*try unpacking or exporting it"),
    "tar": (tar(), {}, r"t\.csv: this is a tar archive"),
    "tar.gz": (gzip.compress(tar()), {}, r"t\.csv: this is a tar archive"),
    "cut gzip": (gzip.compress((HEAD + "".join(f"{k},image,{k * k},3,2\n" for k in range(20_000))).encode())[:-3000], {}, r"not a whole gzip file"),
    "no gzip": (b"\x1f\x8b" + b"not deflated", {}, r"t\.csv: not a whole gzip file"),
    "UTF-16": ((HEAD + GOOD).encode("utf-16"), {}, r"t\.csv: the text is UTF-16; allowed: UTF-8; try saving it as UTF-8"),
    "Latin-1": ((HEAD + GOOD + "2,image,8,3,dépêche\n").encode("latin-1"), {}, r"t\.csv:3: not UTF-8 text .*try saving the file as UTF-8"),
    "JSON array": ('[{"arrived_at": 1}]', {}, r"t\.csv: this is one JSON array; allowed: one JSON object a line; try `jq"),
    "cut Parquet": (cut_parquet(), {}, r"t\.csv: not a whole Parquet file"),
    "damaged Parquet": (damaged_parquet(), {}, r"the Parquet file is damaged|not a whole Parquet file"),
    # columns
    "no instant": (
        "timestamp,content_type\n1,image\n",
        {},
        r"t\.csv: no column 'arrived_at' for arrived_at; the file has: timestamp, content_type; try columns: \{arrived_at: timestamp\}",
    ),
    "a column of arrivals by another name": (
        "Job;Submitted At;Date of birth\n1;2;3\n",
        {},
        r"columns: \{arrived_at: Submitted At\}, or --column \"arrived_at=Submitted At\"",
    ),
    "no header": ("1,image,8\n2,image,8\n", {}, r"no column 'arrived_at' for arrived_at; the file has: 1, image, 8"),
    "mapped to nothing": (
        "ts,prompt\n1,a\n",
        {"columns": {"arrived_at": "ts", "prompt": "promt"}},
        r"no column 'promt' for prompt; .*try columns: \{prompt: prompt\}",
    ),
    "no instant, jsonl": ('{"time": 1}', {}, r"t\.csv: no column 'arrived_at' for arrived_at; the file has: time; try columns: \{arrived_at: time\}"),
    "mapped to nothing, jsonl": (
        '{"ts": 1}\n{"ts": 2}',
        {"columns": {"arrived_at": "ts", "prompt": "text"}},
        r"no column 'text' for prompt; the file has: ts",
    ),
    "column twice": ("arrived_at,prompt,prompt\n1,a,b\n", {}, r"t\.csv:1: column 'prompt' occurs twice in the header; try renaming one"),
    "a format of its own": (
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,3,4\n",
        {},
        r"no column 'arrived_at' for arrived_at; the file has: TIMESTAMP, ContextTokens, GeneratedTokens; try format: azure-llm",
    ),
    "another format": (HEAD + GOOD, {"format": "gentd26"}, r"no column 'gmt_create' for arrived_at"),
    "part of a format": ("TIMESTAMP,ContextTokens\n2023-11-16 18:15:46,3\n", {"format": "azure-llm"}, r"no column 'GeneratedTokens' for units_out"),
    # rows
    "short row": (HEAD + GOOD + "2,image\n", {}, r"t\.csv:3: 2 cells, and the header names 5 columns; try correcting it, or on_bad_row: skip"),
    "long row": (HEAD + "2,image,8,3,2,9\n", {}, r"t\.csv:2: 6 cells, and the header names 5 columns"),
    "open quote": (HEAD + GOOD + '2,"image,8,3,2\n', {}, r"t\.csv:3: this row is no csv \(unexpected end of data\)"),
    "half a quote": (HEAD + '2,"ima"ge,8,3,2\n', {}, r"t\.csv:2: this row is no csv"),
    "no JSON": (
        '{"arrived_at": 1}\n{"arrived_at": 2,}\n',
        {},
        r"t\.csv:2: this line is no JSON \(.* at character \d+\); allowed: one JSON object a line",
    ),
    "a list in JSON": ('{"arrived_at": 1}\n\n[2]\n', {}, r"t\.csv:3: this line is a JSON list; allowed: one JSON object a line"),
    "NaN in JSON": ('{"arrived_at": 1}\n{"arrived_at": NaN}\n', {}, r"t\.csv:2: this line is no JSON \(NaN is not a finite number\)"),
    "deep JSON": ('{"arrived_at": 1}\n' + '{"a":' * 100_000 + "\n", {}, r"t\.csv:2: this line is (nested too deeply|no JSON)"),
    "after a quoted line end": (
        HEAD + '1,image,"8",3,2\n"2",image,8,"\n3",2\nx,image,8,3,2\n',
        {},
        r"t\.csv:5: column 'arrived_at': 'x' is not an instant",
    ),
    # instants
    "no instant in a row": (HEAD + GOOD + ",image,8,3,2\n", {}, r"t\.csv:3: column 'arrived_at': empty; every row needs an instant"),
    "word for an instant": (
        HEAD + "now,image,8,3,2\n",
        {},
        r"t\.csv:2: column 'arrived_at': 'now' is not an instant; allowed: seconds from the start, an epoch",
    ),
    "13th month": ("arrived_at\n2024-13-01 00:00:00\n", {}, r"t\.csv:2: column 'arrived_at': '2024-13-01 00:00:00' is not an instant"),
    "30th of February": ("arrived_at\n2024-02-28\n2024-02-30\n", {}, r"t\.csv:3: column 'arrived_at': '2024-02-30' is not an instant"),
    "zone that cannot be": ("arrived_at\n2024-02-28T10:00:00+29:00\n", {}, r"t\.csv:2: column 'arrived_at'"),
    "American date": ("arrived_at\n11/16/2023 18:15\n", {}, r"t\.csv:2: column 'arrived_at': '11/16/2023 18:15' is not an instant"),
    "before the start": ("arrived_at\n1\n-2\n", {}, r"t\.csv:3: column 'arrived_at': '-2' is before the start of the trace; it must be >= 0 s"),
    "not finite": ("arrived_at\n1\ninf\n", {}, r"t\.csv:3: column 'arrived_at': 'inf' is not an instant"),
    "grouped digits": ("arrived_at\n1_000\n", {}, r"t\.csv:2: column 'arrived_at': '1_000' is not an instant"),
    "two kinds of instants": (
        "arrived_at\n1.5\n2024-02-28 10:00:00\n",
        {},
        r"t\.csv:3: .* is a calendar stamp, and the rows before it are seconds from the start",
    ),
    "two kinds of epochs": (
        "arrived_at\n1700000000\n1700000000500\n",
        {},
        r"t\.csv:3: .* is epoch milliseconds, and the rows before it are epoch seconds",
    ),
    "true for an instant": ('{"arrived_at": 1}\n{"arrived_at": true}\n', {}, r"t\.csv:2: column 'arrived_at': true is not an instant"),
    # other fields
    "content type": (HEAD + "1,movie,8,3,2\n", {}, r"t\.csv:2: column 'content_type': 'movie' is not one of video, image, audio, text"),
    "duration": (HEAD + "1,image,long,3,2\n", {}, r"t\.csv:2: column 'duration': 'long' is not a duration; allowed: seconds, or text such as"),
    "negative duration": (HEAD + "1,image,-8s,3,2\n", {}, r"t\.csv:2: column 'duration': '-8s' must be >= 0 s"),
    "units": (HEAD + "1,image,8,many,2\n", {}, r"t\.csv:2: column 'units_in': 'many' is not a number; it must be >= 0"),
    "infinite units": (HEAD + "1,image,8,inf,2\n", {}, r"t\.csv:2: column 'units_in': 'inf' must be a finite number, 0 or more"),
    "priority": (HEAD + "1,image,8,3,high\n", {}, r"t\.csv:2: column 'priority': 'high' is not 1 \(urgent\), 2 \(normal\), 3 \(background\)"),
    "priority in another column": (
        "ts,p\n1,4\n",
        {"columns": {"arrived_at": "ts", "priority": "p"}},
        r"t\.csv:2: column 'p': '4' is not 1 \(urgent\)",
    ),
    "variant": ("arrived_at,variant\n1,1.5\n", {}, r"t\.csv:2: column 'variant': '1.5' must be a whole number from 0 to 10\^12"),
    "flag": ("arrived_at,allow_reuse\n1,perhaps\n", {}, r"t\.csv:2: column 'allow_reuse': 'perhaps' is not true or false"),
    "style": ("arrived_at,style_params\n1,warm\n", {}, r"t\.csv:2: column 'style_params': 'warm' is not an object"),
    "an object for text": ('{"arrived_at": 1, "prompt": {"a": 1}}', {}, r"t\.csv:1: column 'prompt': \{'a': 1\} is not text"),
    "a list for a number": ('{"arrived_at": 1, "units_in": [1]}', {}, r"t\.csv:1: column 'units_in'"),
    "inputs": ('{"arrived_at": 1, "inputs": [1, 2]}', {}, r"t\.csv:1: column 'inputs': \[1, 2\] is not a list of digests"),
    "task of gentd26": (
        "gmt_create,predict_type,prompt_length,num_images_per_prompt,num_inference_steps,checkpoint_model_version_id,num_lora\n"
        "2024-11-15 16:57:50,T,x,1,30,M,0\n",
        {"format": "gentd26"},
        r"t\.csv:2: column 'prompt_length': 'x' is not a number",
    ),
    # the whole
    "nothing left": (
        HEAD + "x,image,8,3,2\n,image,8,3,2\n",
        {"on_bad_row": "skip"},
        r"every one of its 2 rows is bad, and nothing is left; the first: .*t\.csv:2",
    ),
    "nothing between": ("arrived_at\n1\n2\n", {"between": (60.0, 120.0)}, r"no row in workload\.between \(60s to 2min\); the trace lasts 1 s"),
    "the first of many": (HEAD + GOOD + "2,image,long,3,2\n3,image,8,many,high\nx,image,8,3,2\n", {}, r"t\.csv:3: column 'duration': 'long'"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("block", [1, 1000])
def test_a_broken_trace_is_refused_with_one_message(tmp_path, name, block):
    """One TraceError, one line, naming the file and what is wrong, however the file is read."""
    given, options, message = BROKEN[name]
    path = tmp_path / "t.csv"
    path.write_bytes(given if isinstance(given, bytes) else given.encode())
    with pytest.raises(TraceError, match=message) as found:
        read_trace(str(path), n_rows_per_block=block, **options)
    assert "\n" not in str(found.value)
    assert len(str(found.value).replace(str(tmp_path), "")) < 300
    assert found.value.__cause__ is None


def test_a_file_that_cannot_be_opened(tmp_path):
    """Absent, a directory, a name that is none: said as such, with the way to give one."""
    with pytest.raises(TraceError, match=r"absent\.csv: there is no such file; try the path of a trace: csv, jsonl or Parquet\Z"):
        describe(str(tmp_path / "absent.csv"))
    with pytest.raises(TraceError, match=r"this is a directory; a trace is one file: csv, jsonl or Parquet"):
        describe(str(tmp_path))
    with pytest.raises(TraceError, match="cannot be read"):
        describe("a\0b")
    inside = tmp_path / "t.csv"
    inside.write_text("arrived_at\n1\n")
    with pytest.raises(TraceError, match="cannot be read"):
        describe(str(inside / "deeper.csv"))


def test_a_parquet_row_is_named_by_its_number(tmp_path):
    """Parquet has no lines: rows count from 1."""
    path = str(tmp_path / "t.parquet")
    pyarrow.parquet.write_table(pyarrow.table({"arrived_at": [1.0, 2.0, None], "duration": [1.0, -2.0, 3.0]}), path)
    with pytest.raises(TraceError, match=r"t\.parquet: row 2: column 'duration': -2\.0 must be >= 0 s"):
        read_trace(path)
    Path(path).write_text("arrived_at\n1\n")
    with pytest.raises(TraceError, match=r"this is not a Parquet file: it does not begin with PAR1"):
        read_trace(path)


def test_bad_rows_that_are_skipped_raise_nothing_else(tmp_path):
    """Skipping never hides that the file itself is wrong."""
    path = tmp_path / "t.csv"
    for name in ("binary", "no instant", "open quote", "header only"):
        given, options, message = BROKEN[name]
        path.write_bytes(given if isinstance(given, bytes) else given.encode())
        with pytest.raises((TraceError, ScenarioError), match=message):
            read_trace(str(path), on_bad_row="skip", **options)
