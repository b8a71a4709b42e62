"""Spend logs of a LiteLLM proxy: rows of its table LiteLLM_SpendLogs, as the API gives them (`/spend/logs`, `/spend/logs/v2`) or a database exports
them (BerriAI/litellm, schema.prisma, read 2026-11): a JSON array, `{"data": […]}`, one JSON object a line, csv or Parquet.

A row is a call that was made: `startTime` is when it arrived and when it started, `endTime` when it ended, `spend` its bill in dollars, `cache_hit`
whether LiteLLM's own cache answered, `status` success or failure, `custom_llm_provider` who was called. `model` is the engine, `call_type` tells the
content type, `prompt_tokens` and `completion_tokens` are units in and out (where pictures, film or sound come out and no tokens are counted, the
row does not say how much it was), `team_id` the tenant, `session_id` the job. Two rows ask for the same when LiteLLM's `cache_key` is the same;
where its cache was off, when their `messages` are, which are only there if prompts are stored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sbsim.documents.faults import shown
from sbsim.workload.traces.bad_rows import Unreadable
from sbsim.workload.traces.formats import TraceFormat
from sbsim.workload.traces.media import prompt_of

_BLANKS = frozenset(("", "None", "none", "null", "NULL", "Cache OFF"))
_KINDS = (("image", "image"), ("video", "video"), ("speech", "audio"), ("transcription", "audio"), ("audio", "audio"))
"""Words within a call's type -> content type; every other call gives text."""


def _unpack(row: Mapping[str, Any]) -> Mapping[str, Any]:
    content_type = _content_type(row.get("call_type"))
    metadata = _from_json(row.get("metadata"))
    status = row.get("status")
    if _is_blank(status) and isinstance(metadata, Mapping):
        status = metadata.get("status")
    units_in, units_out = row.get("prompt_tokens"), row.get("completion_tokens")
    if content_type != "text":
        units_in, units_out = (None if str(units).strip() in ("0", "0.0") else units for units in (units_in, units_out))
    messages = _from_json(row.get("messages"))
    prompt = None if _is_blank(messages) or messages in ([], {}) else prompt_of(messages)
    return {
        **row,
        "call_type": content_type,
        "status": status,
        "prompt_tokens": units_in,
        "completion_tokens": units_out,
        "messages": None if prompt is None else prompt.text,
        "messages.inputs": None if prompt is None else prompt.inputs,
    }


def _content_type(given: Any) -> str:
    if given is not None and not isinstance(given, str):
        raise Unreadable("call_type", f"{shown(given)} is not the type of a call, such as acompletion or aimage_generation")
    return next((kind for word, kind in _KINDS if word in (given or "").lower()), "text")


def _is_blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and cell.strip() in _BLANKS)


def _from_json(cell: Any) -> Any:
    """A nested cell, also where an export wrote it as text."""
    if isinstance(cell, str) and cell.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(cell)
        except ValueError:
            return cell
    return cell


FORMAT = TraceFormat(
    columns={"arrived_at": "startTime", "engine": "model", "content_type": "call_type"},
    optional={
        "id": "request_id",
        "units_in": "prompt_tokens",
        "units_out": "completion_tokens",
        "tenant": "team_id",
        "job_id": "session_id",
        "prompt": "messages",
        "inputs": "messages.inputs",
        "fingerprint": "cache_key",
        "started_at": "startTime",
        "finished_at": "endTime",
        "cost_usd": "spend",
        "cached": "cache_hit",
        "status": "status",
        "provider": "custom_llm_provider",
    },
    defaults={"is_measured": True},
    blanks=_BLANKS,
    unpack=_unpack,
    needs=("startTime", "model"),
    reads=frozenset(("call_type", "metadata", "messages", "total_tokens")),
    may_be_document=True,
)
