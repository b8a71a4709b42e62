"""Trace readers: every way to write a file of traffic that is right, and what becomes of its rows."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbsim.errors import ScenarioError, TraceError
from sbsim.workload import prepare
from sbsim.workload.traces import read_trace

from ..traffic import recorded


def written(folder: Path, text: str | bytes, name: str = "t.csv") -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def parquet(folder: Path, **columns: Any) -> str:
    path = str(folder / "t.parquet")
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


# -- files ---------------------------------------------------------------------------------------------------------------------
ROWS = [(0.5, "a cat", "image"), (1.25, 'a "dog", sleeping\non two lines', "image"), (3, "ein Fuchs über Nacht", "video")]


def as_csv(delimiter: str = ",") -> str:
    quoted = [[str(at), '"' + prompt.replace('"', '""') + '"', kind] for at, prompt, kind in ROWS]
    return "\n".join(delimiter.join(row) for row in [["arrived_at", "prompt", "content_type"], *quoted]) + "\n"


def as_jsonl() -> str:
    return "".join(json.dumps({"arrived_at": at, "prompt": prompt, "content_type": kind}) + "\n\n" for at, prompt, kind in ROWS)


FILES = {
    "csv": as_csv().encode(),
    "csv without a last line end": as_csv().rstrip("\n").encode(),
    "csv of Windows": as_csv().replace("\n", "\r\n").replace("on\r\n", "on\n").encode(),
    "csv with a byte order mark": b"\xef\xbb\xbf" + as_csv().encode(),
    "csv with blank lines": as_csv().replace("image\n", "image\n\n").encode(),
    "csv with cells that nobody named": as_csv()
    .replace("content_type\n", "content_type,,\n")
    .replace("image\n", "image,,\n")
    .replace("video\n", "video,,\n")
    .encode(),
    "semicolons": as_csv(";").encode(),
    "tabs": as_csv("\t").encode(),
    "bars": as_csv("|").encode(),
    "gzip": gzip.compress(as_csv().encode()),
    "jsonl": as_jsonl().encode(),
    "jsonl with a byte order mark": b"\xef\xbb\xbf" + as_jsonl().encode(),
    "gzip of jsonl": gzip.compress(as_jsonl().encode()),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_as_what_it_is(tmp_path, name):
    """Every kind of file gives the same rows, whatever it is called."""
    trace = read_trace(written(tmp_path, FILES[name], "traffic.log"))
    assert trace.arrived_at.tolist() == [0.5, 1.25, 3.0]
    prompts = [trace.wishes[k].prompt for k in trace.wish]
    assert [(prompt or "").replace("\r", "") for prompt in prompts] == [prompt for _, prompt, _ in ROWS]
    assert [trace.wishes[k].content_type for k in trace.wish] == ["image", "image", "video"]


def test_a_parquet_file_is_read(tmp_path):
    """Parquet columns keep their types; a missing number is a default, not a NaN."""
    path = parquet(
        tmp_path, arrived_at=[0.5, 1.5, 2.5], units_in=[3.0, float("nan"), None], units_out=[Decimal("2.5"), None, Decimal(4)],
        content_type=["text"] * 3, variant=pyarrow.array([1, None, 2], pyarrow.int8()), style_params=[{"film": 35}, None, {"film": None}],
        inputs=[["md5:1"], [], None], other=[1, 2, 3],
    )  # fmt: skip
    trace = read_trace(path)
    wishes = [trace.wishes[k] for k in trace.wish]
    assert [wish.units_in for wish in wishes] == [3, 0, 0]
    assert [wish.units_out for wish in wishes] == [2.5, 1, 4]
    assert [wish.variant for wish in wishes] == [1, 0, 2]
    assert [wish.style for wish in wishes] == [(("film", 35),), (), ()]
    assert [wish.inputs for wish in wishes] == [("md5:1",), (), ()]
    assert trace.unused == ("other",)


@pytest.mark.parametrize("name", ["csv", "jsonl"])
@pytest.mark.parametrize("block", [1, 2, 100])
def test_blocks_do_not_matter(tmp_path, name, block):
    """A file read row by row is the file read at once."""
    path = written(tmp_path, FILES[name])
    once, parts = read_trace(path), read_trace(path, n_rows_per_block=block)
    assert once.wishes == parts.wishes
    assert once.wish_line == parts.wish_line
    assert np.array_equal(once.arrived_at, parts.arrived_at)
    assert np.array_equal(once.wish, parts.wish)


# -- instants --------------------------------------------------------------------------------------------------------------------
DAY = 1_700_000_000
INSTANTS = {
    "seconds": (["0", "1.5", "2e1"], [0, 1.5, 20], None),
    "seconds from later on": (["5", "6.5", "25"], [5, 6.5, 25], None),
    "durations": (["0s", "1500ms", "20s"], [0, 1.5, 20], None),
    "epoch seconds": ([str(DAY), f"{DAY}.25", f"{DAY + 20}"], [0, 0.25, 20], DAY),
    "epoch milliseconds": ([f"{DAY}000", f"{DAY}250", f"{DAY + 20}000.0"], [0, 0.25, 20], DAY),
    "epoch microseconds": ([f"{DAY}000000", f"{DAY}250000", f"{DAY + 20}000000"], [0, 0.25, 20], DAY),
    "epoch nanoseconds": ([f"{DAY}000000000", f"{DAY}000000100", f"{DAY + 20}000000000"], [0, 1e-7, 20], DAY),
    "calendar": (["2023-11-14 22:13:20", "2023-11-14 22:13:21.5", "2023-11-14 22:13:40"], [0, 1.5, 20], DAY),
    "ISO 8601": (["2023-11-14T22:13:20Z", "2023-11-14T22:13:21.5Z", "2023-11-14T22:13:40Z"], [0, 1.5, 20], DAY),
    "seven digits": (["2023-11-14 22:13:20.0000001", "2023-11-14 22:13:20.1000002", "2023-11-14 22:13:40.0000001"], [0, 0.1000001, 20], DAY),
    "offsets": (["2023-11-14 23:13:20+01:00", "2023-11-14 22:13:20.5+00:00", "2023-11-14T17:43:40-0430"], [0, 0.5, 20], DAY),
    "zones and none": (["2023-11-14 22:13:20", "2023-11-14T22:13:20.5 UTC", "2023-11-15T03:43:40+05:30"], [0, 0.5, 20], DAY),
    "minutes": (["2023-11-14 22:13", "2023-11-14 22:14", "2023-11-14T23:13"], [0, 60, 3600], DAY - 20),
    "days": (["2023-11-14", "2023-11-15", "2023-11-16 00:00:01"], [0, 86400, 172801], DAY - 80_000),
}


@pytest.mark.parametrize("name", INSTANTS)
@pytest.mark.parametrize("block", [1, 50])
def test_instants(tmp_path, name, block):
    """Every way to write an instant, read row by row and in bulk: stamps count from the first row, relative times from their own zero."""
    cells, wanted, starts_at = INSTANTS[name]
    trace = read_trace(written(tmp_path, "arrived_at\n" + "\n".join(cells) + "\n"), n_rows_per_block=block)
    assert trace.arrived_at == pytest.approx(wanted, abs=1e-12)
    assert (None if trace.starts_at_ns is None else trace.starts_at_ns // 10**9) == starts_at


def test_instants_of_jsonl_and_parquet(tmp_path):
    """Numbers in JSON, timestamps in Parquet with their unit and zone."""
    assert read_trace(written(tmp_path, '{"arrived_at": 1}\n{"arrived_at": 2.5}\n')).arrived_at.tolist() == [1, 2.5]
    assert read_trace(written(tmp_path, f'{{"arrived_at": {DAY}000}}\n{{"arrived_at": {DAY}250.5}}\n')).arrived_at == pytest.approx([0, 0.2505])
    start = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    for unit, zone in (("ms", "UTC"), ("us", "Europe/Berlin"), ("ns", None), ("s", None)):
        stamps = pyarrow.array([start, start + timedelta(seconds=3)], pyarrow.timestamp(unit, zone))
        trace = read_trace(parquet(tmp_path, arrived_at=stamps))
        assert (trace.arrived_at.tolist(), trace.starts_at_ns) == ([0, 3], DAY * 10**9)
    with pytest.raises(TraceError, match="row 1: column 'arrived_at'"):
        read_trace(parquet(tmp_path, arrived_at=[date(2023, 11, 14)]))


@given(
    seconds=st.lists(st.integers(0, 10**9), min_size=1, max_size=20),
    digits=st.integers(0, 9),
    hours=st.integers(-12, 12),
)
def test_calendar_stamps_are_exact(tmp_path_factory, seconds, digits, hours):
    """Whatever the fraction's digits and the offset, differences of stamps are exact to the nanosecond."""
    zone = timezone(timedelta(hours=hours))
    cells, wanted = [], []
    for k, at in enumerate(seconds):
        fraction = int(f"{(k * 7919) % 10**digits:0{digits}d}") if digits else 0
        stamp = datetime.fromtimestamp(at, zone).replace(tzinfo=None).isoformat(sep=" ")
        cells.append(f"{stamp}{f'.{fraction:0{digits}d}' if digits else ''}{hours:+03d}:00")
        wanted.append(at * 10**9 + fraction * 10 ** (9 - digits))
    trace = read_trace(written(tmp_path_factory.mktemp("t"), "arrived_at\n" + "\n".join(cells)))
    assert trace.starts_at_ns == min(wanted)
    assert [round(at * 1e9) for at in trace.arrived_at] == pytest.approx([at - min(wanted) for at in sorted(wanted)], abs=150)


def test_rows_out_of_order_are_sorted_and_counted(tmp_path):
    """Rows are sorted by time, ties in the order of the file, and the reader is told."""
    trace = read_trace(written(tmp_path, "arrived_at,prompt,priority,job_id\n5,a,1,x\n2,b,2,\n5,c,3,y\n2,d,1,x\n9,e,2,x\n"))
    assert [trace.wishes[k].prompt for k in trace.wish] == ["b", "d", "a", "c", "e"]
    assert trace.priority.tolist() == [2, 1, 1, 3, 2]
    assert (trace.job.tolist(), trace.jobs) == ([-1, 0, 0, 1, 0], ["x", "y"])
    assert trace.n_out_of_order == 2
    assert any("2 rows stood after a later one" in warning for warning in trace.warnings())


def test_between_is_a_part_and_speedup_divides(tmp_path):
    """`between` keeps [a, b) from the first arrival on and starts there; speedup divides what is left."""
    path = written(tmp_path, "arrived_at\n" + "\n".join(f"2023-11-14 22:{minute:02d}:00" for minute in range(10, 20)))
    trace = read_trace(path, between=(120.0, 300.0), speedup=2.0)
    assert trace.arrived_at.tolist() == [0, 30, 60]
    assert trace.starts_at_ns == (DAY - 200 + 120) * 10**9
    relative = read_trace(written(tmp_path, "arrived_at\n100\n110\n130\n"), between=(5.0, 60.0))
    assert relative.arrived_at.tolist() == [5, 25]


# -- columns ---------------------------------------------------------------------------------------------------------------------
FULL = {
    "arrived_at": "1", "id": "r1", "content_type": "Video", "prompt": "a cat", "resolution": "1080p", "duration": "8s", "engine": "veo",
    "priority": "urgent", "fingerprint": "f", "tenant": "acme", "variant": "2", "seed": "7", "inputs": "md5:1 md5:2", "allow_reuse": "false",
    "deadline_s": "3min", "job_id": "j", "units_in": "5", "units_out": "2", "max_units_out": "9", "n_images": "3", "input_s": "1min",
    "style_params.film": "35.0", "style_params.tone": "warm", "estimated_cost": "$0.25",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("is_renamed", [False, True])
def test_every_field_is_read(tmp_path, kind, is_renamed):
    """Columns that bear a field's name are that field; `columns` names the others."""
    names = {name: f"col {k}" if is_renamed else name for k, name in enumerate(FULL)} | {"blocks": "hash_ids"}
    if kind == "csv":
        text = ",".join(names.values()) + "\n" + ",".join(FULL.values()) + ',"[4, 5]"\n'
    else:
        values = {
            **FULL,
            "blocks": [4, 5],
            "inputs": ["md5:1", "md5:2"],
            "allow_reuse": False,
            "arrived_at": 1,
            "variant": 2,
            "style_params.film": 35,
        }
        text = json.dumps({names[name]: value for name, value in values.items()})
    trace = read_trace(written(tmp_path, text), columns=names if is_renamed else {"blocks": "hash_ids"})
    wish = trace.wishes[0]
    assert wish == (
        "video", "veo", "1080p", 8.0, (("film", 35), ("tone", "warm")), 5.0, 2.0, 9.0, 3, 60.0, "a cat", "f", ("md5:1", "md5:2"), "acme", 2, 7, False,
        0.25, ("4", "5"), False,
    )  # fmt: skip
    assert (trace.priority.tolist(), trace.deadline_s.tolist(), trace.job.tolist(), trace.jobs) == ([1], [180], [0], ["j"])
    assert trace.unused == ()


def test_defaults_fill_what_a_row_does_not_say(tmp_path):
    """A default holds where there is no column and where a cell is blank, and nowhere else."""
    defaults = {"content_type": "image", "engine": "sdxl", "priority": 3, "deadline_s": 60.0, "duration": 2.0, "style_params": {"a": 1, "b": 2}}
    trace = read_trace(
        written(tmp_path, "arrived_at,engine,priority,style_params.b,deadline_s\n1,,,,\n2,flux,urgent,x,5\n3, ,2,,\n"), defaults=defaults
    )
    wishes = [trace.wishes[k] for k in trace.wish]
    assert [wish.engine for wish in wishes] == ["sdxl", "flux", "sdxl"]
    assert {(wish.content_type, wish.duration_s) for wish in wishes} == {("image", 2.0)}
    assert [dict(wish.style) for wish in wishes] == [{"a": 1, "b": 2}, {"a": 1, "b": "x"}, {"a": 1, "b": 2}]
    assert trace.priority.tolist() == [3, 1, 2]
    assert trace.deadline_s.tolist() == [60, 5, 60]


def test_defaults_may_be_text(tmp_path):
    """A flag's text serves as well as a value in base units; what means nothing is refused by name."""
    path = written(tmp_path, "arrived_at\n1\n")
    wish = read_trace(
        path, defaults={"duration": "8s", "units_in": "3", "n_images": "2", "style_params.film": "35", "style_params.tone": "warm"}
    ).wishes[0]
    assert (wish.duration_s, wish.units_in, wish.n_images, wish.style) == (8.0, 3.0, 2, (("film", 35), ("tone", "warm")))
    assert read_trace(path, defaults={"priority": "urgent", "deadline_s": "1min"}).priority.tolist() == [1]
    for defaults, message in (
        ({"durations": 3}, r"defaults.durations: no default.*try duration"),
        ({"duration": "x"}, r"defaults.duration: 'x' is not a"),
    ):
        with pytest.raises(ScenarioError, match=message):
            read_trace(path, defaults=defaults)


def test_jsonl_rows_may_differ(tmp_path):
    """A key that only later rows have is read like any other."""
    trace = read_trace(written(tmp_path, '{"arrived_at": 1}\n{"arrived_at": 2, "prompt": "x", "deadline_s": 4}\n'))
    assert [trace.wishes[k].prompt for k in trace.wish] == [None, "x"]
    assert np.array_equal(trace.deadline_s, [np.nan, 4], equal_nan=True)


def test_equal_values_of_other_types_are_kept_apart(tmp_path):
    """In JSON, true, 1 and "1" are three things: a flag is not a number."""
    lines = ['{"arrived_at": 1, "allow_reuse": true}', '{"arrived_at": 2, "allow_reuse": 1}', '{"arrived_at": 3, "variant": 1}']
    trace = read_trace(written(tmp_path, "\n".join(lines)))
    assert [trace.wishes[k].allow_reuse for k in trace.wish] == [True, True, True]
    with pytest.raises(TraceError, match=r"t\.csv:4: column 'variant': true is not a number"):
        read_trace(written(tmp_path, "\n".join([*lines, '{"arrived_at": 4, "variant": true}'])))


# -- bad rows that are skipped -----------------------------------------------------------------------------------------------------
def test_bad_rows_are_skipped_and_counted(tmp_path):
    """on_bad_row: skip leaves out each bad row once, whatever is wrong with it, and says how many and why."""
    text = "arrived_at,duration,content_type\n1,8,image\nx,8,image\n3,-1,nothing\n4,8\n5,8,image,more\n6,,video\n,1,image\n"
    trace = read_trace(written(tmp_path, text), on_bad_row="skip")
    assert trace.arrived_at.tolist() == [1, 6]
    assert trace.n_skipped == 5
    assert len(trace.skipped) == 3
    assert "5 bad rows were left out" in trace.warnings()[0]
    lines = '{"arrived_at": 1}\n{"arrived_at": \n[1]\n{"arrived_at": NaN}\n{"prompt": "x"}\n{"arrived_at": 9}'
    trace = read_trace(written(tmp_path, lines), on_bad_row="skip", n_rows_per_block=2)
    assert (trace.arrived_at.tolist(), trace.n_skipped) == ([1, 9], 4)
    prepared = prepare(recorded(written(tmp_path, text), on_bad_row="skip"), 1, 0)
    assert (prepared.n, prepared.n_skipped_rows) == (2, 5)


def test_a_bad_first_row_does_not_decide_how_instants_are_written(tmp_path):
    """The first good instant shows how a file writes them."""
    assert read_trace(written(tmp_path, "arrived_at\nsoon\n5\n6\n"), on_bad_row="skip").arrived_at.tolist() == [5, 6]


# -- contents ----------------------------------------------------------------------------------------------------------------------
def contents_of(folder: Path, text: str, **more: Any) -> tuple[list[int], Any]:
    prepared = prepare(recorded(written(folder, text), **more), 1, 0)
    return prepared.content_index.tolist(), prepared


def test_rows_want_the_same_when_their_fingerprints_are_equal(tmp_path):
    """Prompt, style, tenant, seed and variant decide; blanks around a prompt do not; a given fingerprint stands for the prompt."""
    head = "arrived_at,content_type,prompt,tenant,variant,seed,fingerprint,style_params.s\n"
    rows = [
        "a,x,0,,,",
        "a,x,0,,,",
        " A ,x,0,,,",
        "a,y,0,,,",
        "a,x,1,,,",
        "a,x,0,7,,",
        "b,x,0,,same,",
        "c,x,0,,same,",
        "a,x,0,,,9",
        ",x,0,,,",
        ",x,0,,,",
    ]
    index, prepared = contents_of(tmp_path, head + "".join(f"{k},image,{row}\n" for k, row in enumerate(rows)))
    assert index == [0, 0, 0, 1, 2, 3, 4, 4, 5, 6, 7]
    assert prepared.prompt(1) == "a"
    assert prepared.prompt(6) == ""
    assert prepared.tenant_names == ("x", "y")
    assert prepared.contents[0].base == prepared.contents[2].base
    assert prepared.intent == list(range(8))


def test_case_counts_in_text_unless_prompts_are_normalised_loosely(tmp_path):
    """For text and audio the case of a prompt is part of it; fingerprint.normalise: loose changes that."""
    text = "arrived_at,content_type,prompt\n1,text,Hello there\n2,text,hello  there\n"
    assert contents_of(tmp_path, text)[0] == [0, 1]
    assert contents_of(tmp_path, text, config={"fingerprint": {"normalise": "loose"}})[0] == [0, 0]


def test_what_must_be_made_anew_is_never_shared(tmp_path):
    """allow_reuse false, an input known by its address alone, and a row that does not say what it wants are contents of their own."""
    head = "arrived_at,content_type,prompt,allow_reuse,inputs\n"
    rows = [
        "1,image,a,,",
        "2,image,a,false,",
        "3,image,a,false,",
        "4,image,a,true,https://x.org/1.png",
        "5,image,a,,https://x.org/1.png",
        "6,image,a,,md5:1",
    ]
    index, prepared = contents_of(tmp_path, head + "\n".join([*rows, "7,image,a,,md5:1", "8,image,,,", "9,image,,,", "10,image,a,1,"]))
    assert index == [0, 1, 2, 3, 4, 5, 5, 6, 7, 0]
    assert [content.reusable for content in prepared.contents] == [True, False, False, False, False, True, True, True]
    assert len({content.key for content in prepared.contents}) == len(prepared.contents)


def test_facts_of_a_row(tmp_path):
    """What providers need to know comes from the row, inputs counted."""
    text = "arrived_at,content_type,engine,resolution,duration,units_in,units_out,max_units_out,n_images,input_s,inputs,style_params.s\n"
    _, prepared = contents_of(tmp_path, text + "1,video,veo,1080p,8,3,2,4,,5s,md5:1 md5:2,x\n2,video,,,,,,,3,,,\n")
    assert prepared.contents[0].facts == ("video", "veo", "1080p", 8.0, (("s", "x"),), 3.0, 2.0, 4.0, 2, 5.0, None)
    assert prepared.contents[1].facts.n_images == 3
    assert prepared.class_names == ("video veo", "video")
    written_back = prepared.written(0)
    assert (written_back.resolution, written_back.inputs, written_back.style_params) == ("1080p", ("md5:1", "md5:2"), {"s": "x"})


def test_a_type_that_nothing_says_is_the_only_one_that_is_served(tmp_path):
    """Where the providers serve one kind of content, a trace need not name it."""
    path = written(tmp_path, "arrived_at\n1\n2\n")
    assert {content.facts.content_type for content in prepare(recorded(path, served=("audio",)), 1, 0).contents} == {"audio"}
    with pytest.raises(TraceError, match=r"t.csv:2: nothing says what kind of content.*allowed: audio, video; try defaults: \{content_type: audio\}"):
        prepare(recorded(path, served=("video", "audio")), 1, 0)


def test_a_row_that_no_provider_serves_is_named(tmp_path):
    """Content without a lane is an error with file, line and what there is, skipping or not: it is traffic, not a bad row."""
    path = written(tmp_path, "arrived_at,content_type\n1,image\n2,text\n3,text\n")
    with pytest.raises(TraceError, match=r"t\.csv:3: providers: none serves text.*there are: image-lane"):
        prepare(recorded(path, served=("image",), on_bad_row="skip"), 1, 0)


def test_the_study_of_a_trace(tmp_path):
    """H is the last arrival, included; a horizon or a number of requests cuts the trace short; deadlines are the row's, else the promise's."""
    path = written(tmp_path, "arrived_at,content_type,priority,deadline_s\n1,image,1,\n2,image,1,9\n3,image,2,\n3,image,3,\n")
    sla = {"urgent": {"deadline": "30s"}}
    whole = prepare(recorded(path, sla=sla), 1, 0)
    assert (whole.n, whole.horizon_at, list(whole.beyond())) == (4, 3, [])
    assert whole.deadline_at.tolist() == [31, 11, np.inf, np.inf]
    assert prepare(recorded(path, horizon="3s"), 1, 0).n == 2
    assert prepare(recorded(path, requests=3), 1, 0).horizon_at == 3
    with pytest.raises(TraceError, match=r"no row before the horizon; the first arrives at 1 s"):
        prepare(recorded(path, horizon="1s"), 1, 0)


def test_a_scenario_without_its_trace_says_how_to_give_it():
    """Shipped scenarios come without data."""
    from sbsim.scenario import Scenario

    scenario = Scenario.from_mapping(
        {
            "version": 1,
            "name": "t",
            "workload": {"source": "trace", "format": "azure-llm"},
            "providers": [{"name": "p", "serves": {"content_type": "text"}, "price": {"rates": []}, "latency": {"total": 1}}],
        }
    )
    with pytest.raises(ScenarioError, match=r"workload.path: .*--set workload.path=FILE"):
        prepare(scenario, 1, 0)


# -- formats -----------------------------------------------------------------------------------------------------------------------
GENTD26 = (
    "gmt_create,predict_type,predict_status,exec_time_seconds,groupId,prompt_length,negative_prompt_length,num_images_per_prompt,num_inference_steps,"
    "checkpoint_model_version_id,num_lora\n"
)


def test_gentd26_rows_are_requests_for_images(tmp_path):
    """Model, images, style and input images of each row; other columns in any order; failures are demand too; ties in the order of the file."""
    text = GENTD26 + (
        "2024-11-15 16:57:50,TXT_2_IMG,SUCCEED,32.0,G0,63.0,26.0,1.0,30.0,M0,0\n"
        "2024-11-15 16:57:52,IMG_2_IMG,FAILED,4.0,G1,5.0,,8.0,40.0,M1,2\n"
        "2024-11-15 16:57:52,INPAINTING,PROCESSING,0.0,G1,,,,,,0\n"
        "2024-11-15 16:57:52,TXT_2_IMG,PENDING,0.0,G1,NULL,NULL,None,NULL,NULL,0\n"
    )
    trace = read_trace(written(tmp_path, text), format="gentd26", defaults={"engine": "sdxl"})
    wishes = [trace.wishes[k] for k in trace.wish]
    assert trace.arrived_at.tolist() == [0, 2, 2, 2]
    assert [wish.engine for wish in wishes] == ["M0", "M1", "sdxl", "sdxl"]
    assert [wish.units_out for wish in wishes] == [1, 8, 1, 1]
    assert [wish.units_in for wish in wishes] == [63, 5, 0, 0]
    assert [wish.n_images for wish in wishes] == [0, 1, 1, 0]
    assert wishes[1].style == (("loras", 2), ("steps", 40), ("task", "IMG_2_IMG"))
    assert {(wish.content_type, wish.tenant) for wish in wishes} == {("image", "default")}
    grouped = read_trace(written(tmp_path, text), format="gentd26", columns={"tenant": "groupId"})
    assert [grouped.wishes[k].tenant for k in grouped.wish] == ["G0", "G1", "G1", "G1"]


def test_azure_rows_are_requests_for_text(tmp_path):
    """Tokens in and out of each row, images where the multimodal trace has them; columns by name, stamps of 2023 and of 2024."""
    text = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n"
    trace = read_trace(written(tmp_path, text), format="azure-llm")
    assert trace.arrived_at == pytest.approx([0, 4.314579], abs=1e-9)
    assert [(wish.content_type, wish.units_in, wish.units_out, wish.n_images) for wish in trace.wishes] == [
        ("text", 374, 44, 0),
        ("text", 396, 109, 0),
    ]
    text = "GeneratedTokens,TIMESTAMP,NumImages,ContextTokens\n44,2024-10-15 00:00:00.009930+00:00,2,374\n1,2024-10-15 00:00:01+00:00,0,9\n"
    trace = read_trace(written(tmp_path, text), format="azure-llm")
    assert trace.arrived_at == pytest.approx([0, 0.99007], abs=1e-9)
    assert [(wish.units_in, wish.units_out, wish.n_images) for wish in trace.wishes] == [(374, 44, 2), (9, 1, 0)]


def test_a_format_or_field_that_does_not_exist_is_refused(tmp_path):
    """What is not read is said, not guessed."""
    path = written(tmp_path, "arrived_at,s\n1,2\n")
    with pytest.raises(ScenarioError, match=r"'mooncakes' is not a format that is read; allowed: generic, sbsim, azure-llm, .*; try mooncake"):
        read_trace(path, format="mooncakes")
    with pytest.raises(ScenarioError, match=r"workload.columns.durations \(--column durations=…\): unknown field.*try duration"):
        read_trace(path, columns={"durations": "s"})
    with pytest.raises(
        ScenarioError, match=r"workload.columns.arival \(--column arival=…\): unknown field.*try arrived_at"
    ):  # not: arrived_at is missing
        read_trace(written(tmp_path, "ts\n1\n"), columns={"arival": "ts"})


# -- round trip --------------------------------------------------------------------------------------------------------------------
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=("Cs",)), max_size=12)


@given(rows=st.lists(st.tuples(st.integers(0, 99), CELLS, st.integers(0, 10**6)), min_size=1, max_size=30), block=st.integers(1, 40))
def test_what_is_written_is_what_is_read(tmp_path_factory, rows, block):
    """Any text in any cell comes back from csv, jsonl and Parquet alike, in order of time."""
    import csv

    folder = tmp_path_factory.mktemp("t")
    with open(folder / "t.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("arrived_at", "prompt", "units_in"), *rows])
    with open(folder / "t.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps({"arrived_at": at, "prompt": text, "units_in": n}) + "\n" for at, text, n in rows)
    at, texts, counts = zip(*rows, strict=True)
    parquet(folder, arrived_at=at, prompt=texts, units_in=counts)
    wanted = sorted(((a, text if text.strip() else None, n) for a, text, n in rows), key=lambda row: row[0])
    for name in ("t.csv", "t.jsonl", "t.parquet"):
        trace = read_trace(str(folder / name), n_rows_per_block=block)
        wishes = [trace.wishes[k] for k in trace.wish]
        assert [(a, wish.prompt, wish.units_in) for a, wish in zip(trace.arrived_at, wishes, strict=True)] == wanted
