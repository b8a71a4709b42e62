"""Named formats of traffic: what each allows is read, and what it does not allow is refused where it stands."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sbsim.errors import TraceError
from sbsim.workload import describe
from sbsim.workload.traces import STATUSES, Trace, Wish, read_trace


def written(folder: Path, text: str | bytes, name: str = "t.jsonl") -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def wishes(trace: Trace) -> list[Wish]:
    return [trace.wishes[k] for k in trace.wish.tolist()]


# -- mooncake ------------------------------------------------------------------------------------------------------------------
def block(at: Any, ids: Any, n_out: int = 5) -> dict[str, Any]:
    return {"timestamp": at, "input_length": 1000, "output_length": n_out, "hash_ids": ids}


def test_mooncake_counts_milliseconds_from_the_start_however_many(tmp_path):
    """A timestamp of 2 x 10^8 is 55 hours and no epoch stamp."""
    trace = read_trace(written(tmp_path, lines(block(0, [1]), block(1500, [2]), block(200_000_000, [3]))), format="mooncake")
    assert trace.arrived_at.tolist() == [0, 1.5, 200_000]
    assert {(wish.content_type, wish.units_in, wish.units_out) for wish in wishes(trace)} == {("text", 1000, 5)}


def test_mooncake_requests_are_the_same_when_their_blocks_are(tmp_path):
    """The list decides, not how much came out; a shared beginning is a hit for a prefix cache alone."""
    found = describe(written(tmp_path, lines(block(0, [1, 2, 3]), block(1, [1, 2, 4]), block(2, [1, 2, 3], 9), block(3, []))), format="mooncake")
    assert (found.n_contents, found.exact_repeats) == (3, 1 / 4)
    assert (found.prefix_blocks, found.prefix_hits) == (9, 5 / 9)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (block(-5, [1]), r"t\.jsonl:2: column 'timestamp': -5 is not an instant; allowed: a number, 0 or more, of 1 ms each"),
        (block("soon", [1]), r"t\.jsonl:2: column 'timestamp': 'soon' is not an instant"),
        (block(None, [1]), r"t\.jsonl:2: column 'timestamp': none is not an instant"),
        (block(True, [1]), r"t\.jsonl:2: column 'timestamp'"),
        (block(5, "1,2"), r"t\.jsonl:2: column 'hash_ids': '1,2' is not a list of block numbers"),
        (block(5, [1.5]), r"t\.jsonl:2: column 'hash_ids'"),
        ({**block(5, [1]), "input_length": -1}, r"t\.jsonl:2: column 'input_length': -1 must be a finite number, 0 or more"),
    ],
)
def test_a_bad_row_of_mooncake_is_refused_where_it_stands(tmp_path, row, message):
    """Line, column, what was given, what is allowed; skipped and counted on demand."""
    path = written(tmp_path, lines(block(0, [1]), row))
    with pytest.raises(TraceError, match=message):
        read_trace(path, format="mooncake")
    assert read_trace(path, format="mooncake", on_bad_row="skip").n_skipped == 1


# -- OpenAI's Batch API --------------------------------------------------------------------------------------------------------
CHAT = {"model": "m", "messages": [{"role": "user", "content": "x" * 10}], "max_tokens": 7}


def call(body: Any = CHAT, url: Any = "/v1/chat/completions", **more: Any) -> dict[str, Any]:
    return {"custom_id": "r", "method": "POST", "url": url, "body": body, **more}


def test_openai_batch_requests_say_what_they_want(tmp_path):
    """Engine, tokens in at four characters each, the bound on tokens out as what comes out; all of one instant."""
    rows = [
        call(),
        call({**CHAT, "max_tokens": None, "max_completion_tokens": 3, "n": 2, "temperature": 0, "seed": 4, "stream": True}),
        call({"model": "e", "input": [[1, 2, 3], [4]]}, "/v1/embeddings"),
        call({"model": "p", "prompt": "cat", "size": "512x512", "n": 3, "quality": "high"}, "/v1/images/generations"),
        call({"model": "s", "input": "hello", "voice": "alloy"}, "/v1/audio/speech"),
        call({"model": "v", "prompt": "dog", "seconds": "8", "size": "1280x720"}, "/v1/videos"),
    ]
    trace = read_trace(written(tmp_path, lines(*rows)), format="openai-batch")
    chat, two, embedding, picture, speech, film = wishes(trace)
    assert trace.arrived_at.tolist() == [0] * 6
    assert (chat.content_type, chat.engine, chat.prompt, chat.units_in, chat.units_out, chat.max_units_out) == ("text", "m", "x" * 10, 3, 7, 7)
    assert (two.units_out, two.seed, dict(two.style)) == (6, 4, {"n": 2, "temperature": 0})
    assert (embedding.units_in, embedding.units_out, embedding.max_units_out) == (4, 0, None)
    assert (picture.content_type, picture.resolution, picture.units_out, dict(picture.style)) == ("image", "512x512", 3, {"quality": "high"})
    assert (speech.content_type, speech.units_in, dict(speech.style)) == ("audio", 5, {"voice": "alloy"})
    assert (film.content_type, film.duration_s, film.resolution) == ("video", 8, "1280x720")


def test_a_default_says_better_how_much_comes_out(tmp_path):
    """The bound stands in for what comes out only where nothing else says it."""
    trace = read_trace(written(tmp_path, lines(call())), format="openai-batch", defaults={"units_out": 2})
    assert (wishes(trace)[0].units_out, wishes(trace)[0].max_units_out) == (2, 7)


@pytest.mark.parametrize(
    ("other", "repeats"),
    [
        ({}, 0.5),
        ({"metadata": {"a": "b"}, "user": "u", "stream": False}, 0.5),
        ({"temperature": 1}, 0.0),
        ({"messages": [{"role": "system", "content": "x" * 10}]}, 0.0),
        ({"tools": [{"type": "function"}]}, 0.0),
        ({"max_tokens": 8}, 0.0),
        ({"model": "m2"}, 0.0),
    ],
)
def test_openai_batch_requests_repeat_when_nothing_that_matters_differs(tmp_path, other, repeats):
    """Whatever can change the result makes another content, whatever cannot does not."""
    assert describe(written(tmp_path, lines(call(), call({**CHAT, **other}))), format="openai-batch").exact_repeats == repeats


@pytest.mark.parametrize(("url", "n_contents"), [("data:image/png;base64,AAAA", 1), ("https://example.com/a.png", 2)])
def test_media_that_go_in_are_part_of_what_is_asked(tmp_path, url, n_contents):
    """A picture in the request is known by its content; one known by its address alone is never the same twice."""
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": url}}]}],
    }
    path = written(tmp_path, lines(call(body), call(body)))
    assert describe(path, format="openai-batch").n_contents == n_contents
    wish = wishes(read_trace(path, format="openai-batch"))[0]
    assert (wish.n_images, len(wish.inputs), wish.units_in) == (1, 1, 2)


def test_openai_batch_answers_say_what_was_used_and_how_it_ended(tmp_path):
    """Lines of an output file: tokens of their usage, engine, status; each is content of its own."""
    answer = {"status_code": 200, "body": {"object": "chat.completion", "model": "m", "usage": {"prompt_tokens": 24, "completion_tokens": 15}}}
    rows = [
        {"id": "b1", "custom_id": "r1", "response": answer, "error": None},
        {"id": "b2", "custom_id": "r2", "response": {"status_code": 429, "body": {}}, "error": None},
        {"id": "b3", "custom_id": "r3", "response": None, "error": {"code": "batch_expired"}},
    ]
    trace = read_trace(written(tmp_path, lines(*rows)), format="openai-batch")
    assert (wishes(trace)[0].engine, wishes(trace)[0].units_in, wishes(trace)[0].units_out) == ("m", 24, 15)
    assert trace.outcomes is not None
    assert [STATUSES[k] for k in trace.outcomes.status] == ["ok", "rate_limited", "failed"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**call(), "custom_id": None}, r"t\.jsonl:2: column 'custom_id': none is not the name of a request"),
        ({**call(), "method": "GET"}, r"t\.jsonl:2: column 'method': 'GET' is not POST"),
        (call(url="/v1/chat"), r"t\.jsonl:2: column 'url': '/v1/chat' is not an endpoint of batches; allowed: /v1/chat/completions"),
        (call(url=None), r"t\.jsonl:2: column 'url'"),
        (call("x"), r"t\.jsonl:2: column 'body': 'x' is not an object"),
        (call({**CHAT, "n": 1.5}), r"t\.jsonl:2: column 'body\.n': 1\.5 must be a whole number from 1 to 10\^12"),
        (call({**CHAT, "max_tokens": -1}), r"t\.jsonl:2: column 'body\.max_tokens': -1 must be a whole number"),
        (call({**CHAT, "model": 5}), r"t\.jsonl:2: column 'body\.model': 5 is not the name of a model"),
        (call({"model": "v", "prompt": "x", "seconds": "long"}, "/v1/videos"), r"t\.jsonl:2: column 'body\.seconds': 'long' is not a duration"),
        ({"custom_id": "a", "response": 5}, r"t\.jsonl:2: column 'response': 5 is not an object"),
        ({"custom_id": "a", "response": None, "error": None}, r"t\.jsonl:2: column 'response': neither an answer nor an error"),
    ],
)
def test_a_bad_line_of_a_batch_is_refused_where_it_stands(tmp_path, row, message):
    """Line, field, what was given, what is allowed; skipped and counted on demand."""
    path = written(tmp_path, lines(call(), row))
    with pytest.raises(TraceError, match=message):
        read_trace(path, format="openai-batch")
    assert read_trace(path, format="openai-batch", on_bad_row="skip").n_skipped == 1


def test_nesting_that_no_prompt_needs_is_a_bad_row(tmp_path):
    """Depth ends in a message, never in an overflow."""
    deep: Any = "x"
    for _ in range(600):
        deep = [deep]
    path = written(tmp_path, lines(call(), call({"model": "m", "messages": deep})))
    trace = read_trace(path, format="openai-batch", on_bad_row="skip")
    assert trace.n + trace.n_skipped == 2


# -- LiteLLM -------------------------------------------------------------------------------------------------------------------
SPENT = {
    "request_id": "chatcmpl-1", "call_type": "acompletion", "api_key": "hash", "spend": 0.25, "total_tokens": 30, "prompt_tokens": 10,
    "completion_tokens": 20, "startTime": "2026-11-01T10:00:00.500000+00:00", "endTime": "2026-11-01T10:00:03Z", "completionStartTime": None,
    "model": "gpt-4o", "custom_llm_provider": "openai", "cache_hit": "None", "cache_key": "Cache OFF", "status": "success", "team_id": "blue",
    "messages": {}, "response": {}, "metadata": {"status": "success"}, "session_id": "s1",
}  # fmt: skip


def spent(**changes: Any) -> dict[str, Any]:
    return {**SPENT, **changes}


def as_csv(rows: list[dict[str, Any]]) -> str:
    class Sheet(list[str]):
        write = list[str].append

    sheet = Sheet()
    writer = csv.DictWriter(sheet, list(rows[0]))
    writer.writeheader()
    writer.writerows({name: json.dumps(cell) if isinstance(cell, (dict, list)) else cell for name, cell in row.items()} for row in rows)
    return "".join(sheet)


@pytest.mark.parametrize("kind", ["array", "pages", "indented", "jsonl", "csv"])
def test_litellm_spend_logs_are_read_however_they_were_exported(tmp_path, kind):
    """The API's array, the pages of its second version, a line each, a database's csv: the same rows."""
    rows = [
        spent(),
        spent(startTime="2026-11-01T10:00:02Z", cache_hit="True", spend=0.0),
        spent(startTime="2026-11-01T10:00:02.5Z", status="failure"),
    ]
    text = {
        "array": json.dumps(rows), "pages": json.dumps({"data": rows, "total": 3}), "indented": json.dumps({"total": 3, "data": rows}, indent=2),
        "jsonl": lines(*rows), "csv": as_csv(rows),
    }[kind]  # fmt: skip
    trace = read_trace(written(tmp_path, text), format="litellm-spend-logs")
    wish, outcomes = wishes(trace)[0], trace.outcomes
    assert trace.arrived_at.tolist() == [0, 1.5, 2]
    assert (wish.content_type, wish.engine, wish.units_in, wish.units_out, wish.tenant) == ("text", "gpt-4o", 10, 20, "blue")
    assert (trace.jobs, trace.starts_at_ns) == (["s1"], 1_793_527_200_500_000_000)
    assert outcomes is not None
    assert outcomes.cost_usd.tolist() == [0.25, 0, 0.25]
    assert outcomes.cached.tolist() == [-1, 1, -1]
    assert [STATUSES[k] for k in outcomes.status] == ["ok", "ok", "failed"]
    assert (outcomes.waited_s.tolist(), outcomes.took_s.tolist()) == ([0, 0, 0], [2.5, 1.0, 0.5])
    assert (outcomes.provider.tolist(), outcomes.providers) == ([0, 0, 0], ("openai",))


@pytest.mark.parametrize(
    ("first", "second", "repeats"),
    [
        ({"cache_key": "k"}, {"cache_key": "k", "completion_tokens": 21}, 0.5),
        ({"cache_key": "k"}, {"cache_key": "l"}, 0.0),
        ({"cache_key": "k"}, {"cache_key": "k", "team_id": "red"}, 0.0),
        ({"messages": [{"role": "user", "content": "hi"}]}, {"messages": '[{"content": "hi", "role": "user"}]'}, 0.5),
        ({"messages": [{"role": "user", "content": "hi"}]}, {"messages": [{"role": "user", "content": "ho"}]}, 0.0),
        ({}, {}, None),
    ],
)
def test_litellm_rows_repeat_when_their_cache_key_or_messages_do(tmp_path, first, second, repeats):
    """How many tokens came out makes no other request; teams share nothing; without key and messages nothing is known."""
    assert describe(written(tmp_path, lines(spent(**first), spent(**second))), format="litellm-spend-logs").exact_repeats == repeats


@pytest.mark.parametrize(
    ("call_type", "content_type", "units"),
    [
        ("aimage_generation", "image", (0, 1)),
        ("aspeech", "audio", (0, 1)),
        ("avideo_generation", "video", (0, 1)),
        ("aembedding", "text", (0, 0)),
        (None, "text", (0, 0)),
    ],
)
def test_litellm_calls_without_tokens_do_not_say_how_much_came_out(tmp_path, call_type, content_type, units):
    """0 tokens of a picture is no picture less; 0 tokens of an embedding are none."""
    row = spent(call_type=call_type, prompt_tokens=0, completion_tokens=0)
    wish = wishes(read_trace(written(tmp_path, lines(row)), format="litellm-spend-logs"))[0]
    assert (wish.content_type, (wish.units_in, wish.units_out)) == (content_type, units)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"startTime": None}, r"t\.jsonl:2: column 'startTime': empty; every row needs an instant"),
        ({"startTime": "yesterday"}, r"t\.jsonl:2: column 'startTime': 'yesterday' is not an instant"),
        ({"endTime": "2026-11-01T09:00:00Z"}, r"t\.jsonl:2: column 'endTime': it ends before it starts"),
        ({"endTime": 12.5}, r"t\.jsonl:2: column 'endTime': 12\.5 is seconds from the start"),
        ({"spend": -0.5}, r"t\.jsonl:2: column 'spend': -0\.5 must be >= 0 dollars"),
        ({"spend": "much"}, r"t\.jsonl:2: column 'spend': 'much' is not a price in dollars"),
        ({"prompt_tokens": "x"}, r"t\.jsonl:2: column 'prompt_tokens': 'x' is not a number"),
        ({"cache_hit": "perhaps"}, r"t\.jsonl:2: column 'cache_hit': 'perhaps' is not true or false"),
        ({"status": "odd"}, r"t\.jsonl:2: column 'status': 'odd' does not say how the request ended; allowed: ok, moderated"),
        ({"call_type": 5}, r"t\.jsonl:2: column 'call_type': 5 is not the type of a call"),
    ],
)
def test_a_bad_row_of_a_spend_log_is_refused_where_it_stands(tmp_path, changes, message):
    """Line, column, what was given, what is allowed; skipped and counted on demand."""
    path = written(tmp_path, lines(spent(), spent(**changes)))
    with pytest.raises(TraceError, match=message):
        read_trace(path, format="litellm-spend-logs")
    assert read_trace(path, format="litellm-spend-logs", on_bad_row="skip").n_skipped == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"startTime": "2026-11-01", "model": "m"}, 5]', r"t\.jsonl: row 2: 5 is no JSON object"),
        ('[{"startTime": "2026-11-01", "model": "m"},\n {"startTime": }]', r"t\.jsonl:2:16: Expecting value"),
        ("[" * 5000, r"t\.jsonl: nested too deeply|t\.jsonl:1:\d+"),
        ("[]", r"t\.jsonl: no row holds a JSON object"),
        ('{\n"rows": []}', r't\.jsonl: this object has no list "data"'),
        (
            '[{"starttime": "2026-11-01"}]',
            r"t\.jsonl: no column 'startTime' for arrived_at; the file has: starttime; try columns: \{arrived_at: starttime\}",
        ),
    ],
)
def test_a_broken_document_is_refused_with_one_message(tmp_path, text, message):
    """What an array can be wrong in is said with its place."""
    with pytest.raises(TraceError, match=message) as found:
        read_trace(written(tmp_path, text), format="litellm-spend-logs")
    assert "\n" not in str(found.value)


# -- our own -------------------------------------------------------------------------------------------------------------------
def test_sbsim_columns_hold_every_field_and_what_became_of_it(tmp_path):
    """Fields by their own names, JSON within csv, outcomes on the clock of the arrivals."""
    path = written(
        tmp_path,
        "arrived_at,content_type,engine,prompt,style_params,inputs,estimated_cost,started_at,finished_at,cost_usd,status,cached,provider\n"
        '10,image,e,cat,"{""tone"": ""warm"", ""steps"": 30}","[""sha256:1""]",$0.02,11,13.5,0.04,ok,false,lane\n'
        "5,image,e,cat,,,,,,,,,\n"
        "20,image,e,dog,none,,null,20,20,0,timeout,HIT,lane\n",
        "t.csv",
    )
    trace = read_trace(path, format="sbsim")
    plain, first, last = wishes(trace)
    assert (dict(first.style), first.inputs, first.estimated_cost, dict(plain.style), last.estimated_cost) == (
        {"tone": "warm", "steps": 30}, ("sha256:1",), 0.02, {}, None,
    )  # fmt: skip
    outcomes = trace.outcomes
    assert outcomes is not None
    assert outcomes.line.tolist() == [3, 2, 4]
    np.testing.assert_array_equal(outcomes.waited_s, [np.nan, 1, 0])
    np.testing.assert_array_equal(outcomes.took_s, [np.nan, 3.5, 0])
    np.testing.assert_array_equal(outcomes.cost_usd, [np.nan, 0.04, 0])
    assert (outcomes.cached.tolist(), outcomes.status.tolist()) == ([-1, 0, 1], [-1, 0, STATUSES.index("timed_out")])


@pytest.mark.parametrize(("between", "speedup"), [(None, 4.0), ((0.0, 6.0), 1.0)])
def test_outcomes_are_not_bent_by_a_cut_or_a_speedup(tmp_path, between, speedup):
    """What was recorded of a request stays with its row, and how long it took stays as long."""
    path = written(tmp_path, "arrived_at,finished_at,cost_usd\n10,12,1\n15,18,2\n90,91,3\n", "t.csv")
    outcomes = read_trace(path, between=between, speedup=speedup).outcomes
    assert outcomes is not None
    n = 3 if between is None else 2
    assert outcomes.took_s.tolist() == [2, 3, 1][:n]
    assert outcomes.cost_usd.tolist() == [1, 2, 3][:n]


@pytest.mark.parametrize(
    ("word", "status"),
    [("200", "ok"), ("SUCCEEDED", "ok"), ("429", "rate_limited"), ("503", "failed"), ("Timed-Out", "timed_out"), ("blocked", "moderated")],
)
def test_statuses_are_understood_as_people_write_them(tmp_path, word, status):
    """Words of many logs and codes of HTTP."""
    outcomes = read_trace(written(tmp_path, f"arrived_at,status\n1,{word}\n", "t.csv")).outcomes
    assert outcomes is not None
    assert STATUSES[outcomes.status[0]] == status


def test_a_file_without_outcomes_has_none(tmp_path):
    """Columns that are empty throughout say nothing."""
    assert read_trace(written(tmp_path, "arrived_at,cost_usd,status\n1,,\n", "t.csv")).outcomes is None
