"""Files of the OpenAI Batch API and of those that take the same (OpenAI, "Batch API", developers.openai.com, read 2026-11): requests, or answers.

A line of an input file is a request: `custom_id`, `method` POST, `url` of an endpoint, and its `body`. It has no instant: all arrive together, at 0.
Of the body, `model` is the engine, `size` the resolution, `seconds` the duration, `n` how many come out; messages, input, prompt and instructions
are the prompt; the bound on the tokens out is taken to be what comes out, unless a default for units_out says better; and every other parameter
that can change a result is a style parameter. Tokens in are estimated at four characters each, but counted where the input is a list of tokens; for
speech they are characters, which is what speech is billed by.

A line of an output file is an answer: `custom_id`, `response` with a status code and a body whose `usage` counts tokens, `error`. It says what
was used and how it ended, and not what was asked for, so each is content of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from sbsim.documents.faults import one_of, shown
from sbsim.workload.traces.bad_rows import Unreadable
from sbsim.workload.traces.formats import TraceFormat
from sbsim.workload.traces.media import Prompt, prompt_of, style_word

CHARACTERS_PER_TOKEN = 4
"""OpenAI's own rule of thumb for English ("What are tokens and how to count them?", help.openai.com)."""
_ENDPOINTS = {
    "chat/completions": "text",
    "completions": "text",
    "responses": "text",
    "embeddings": "text",
    "moderations": "text",
    "images/generations": "image",
    "images/edits": "image",
    "images/variations": "image",
    "videos": "video",
    "audio/speech": "audio",
    "audio/transcriptions": "audio",
    "audio/translations": "audio",
}
_PROMPTS = ("instructions", "messages", "input", "prompt")
_BOUNDS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
_READ = {"model", "size", "seconds", "seed", "n", "image", "images", "input_reference", *_PROMPTS, *_BOUNDS}
_NO_RESULT = {"stream", "stream_options", "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "background_mode"}
"""Parameters of a body that change nothing in what comes out."""
_INPUT, _OUTPUT = ("custom_id", "method", "url", "body"), ("custom_id", "response", "error")


def _unpack(line: Mapping[str, Any]) -> Mapping[str, Any]:
    name = line.get("custom_id")
    if not isinstance(name, str) or not name:
        raise Unreadable("custom_id", f"{shown(name)} is not the name of a request; allowed: text")
    return {"arrived_at": 0.0, "custom_id": name, **(_answer(line) if "response" in line or "error" in line else _request(line))}


# -- requests ----------------------------------------------------------------------------------------------------------------
def _request(line: Mapping[str, Any]) -> Mapping[str, Any]:
    if str(line.get("method", "")).upper() != "POST":
        raise Unreadable("method", f"{shown(line.get('method'))} is not POST, the only one that batches take")
    content_type, is_speech = _content_type(line.get("url"))
    body = line.get("body")
    if not isinstance(body, Mapping):
        raise Unreadable("body", f'{shown(body)} is not an object; allowed: the request, such as {{"model": …, "messages": […]}}')
    model = body.get("model")
    if model is not None and not (isinstance(model, str) and model):
        raise Unreadable("body.model", f"{shown(model)} is not the name of a model")
    prompt = _prompt(body)
    n = _whole(body, "n", 1) or 1
    most = next((_whole(body, bound, 0) for bound in _BOUNDS if body.get(bound) is not None), None)
    return {
        "url": content_type,
        "body.model": model,
        "body.size": body.get("size"),
        "body.seconds": body.get("seconds"),
        "body.seed": body.get("seed"),
        "body.n": n if content_type == "image" else 0 if _embeds(line["url"]) else None,
        "body.max_tokens": None if most is None or content_type != "text" else most * n,
        "body.prompt": prompt.text,
        "inputs": prompt.inputs,
        "n_images": len(prompt.inputs),
        "units_in": prompt.n_characters if is_speech else _n_tokens(body, prompt),
        "style": _style(body, n if content_type == "text" else 1),
    }


def _content_type(url: Any) -> tuple[str, bool]:
    """(content type, whether it is speech) of an endpoint."""
    path = str(url).rstrip("/").partition("?")[0].removeprefix("https://api.openai.com")
    endpoint = next((known for known in _ENDPOINTS if isinstance(url, str) and (path == f"/{known}" or path.endswith(f"/v1/{known}"))), None)
    if endpoint is None:
        raise Unreadable("url", f"{shown(url)} is not an endpoint of batches; allowed: {one_of(f'/v1/{known}' for known in _ENDPOINTS)}")
    return _ENDPOINTS[endpoint], endpoint == "audio/speech"


def _embeds(url: str) -> bool:
    """Whether an endpoint gives no tokens back."""
    return url.rstrip("/").endswith(("embeddings", "moderations"))


def _prompt(body: Mapping[str, Any]) -> Prompt:
    parts = {name: body[name] for name in _PROMPTS if body.get(name) is not None}
    media = [{"type": "image", "image": each} for name in ("image", "images", "input_reference") for each in _listed(body.get(name))]
    return prompt_of(next(iter(parts.values())) if len(parts) == 1 and not media else [*({"content": part} for part in parts.values()), *media])


def _listed(given: Any) -> list[Any]:
    return [] if given is None else list(given) if isinstance(given, (list, tuple)) else [given]


def _n_tokens(body: Mapping[str, Any], prompt: Prompt) -> int:
    given = body.get("input", body.get("prompt"))
    if isinstance(given, list) and given:
        tokens = given if isinstance(given[0], list) else [given]
        if all(isinstance(each, list) and all(type(token) is int for token in each) for each in tokens):
            return sum(map(len, tokens))
    return ceil(prompt.n_characters / CHARACTERS_PER_TOKEN)


def _style(body: Mapping[str, Any], n: int) -> dict[str, Any]:
    """Whatever else can change the result."""
    style = {str(key): style_word(value) for key, value in body.items() if key not in _READ and key not in _NO_RESULT and value is not None}
    return {**style, "n": n} if n > 1 else style


def _whole(values: Mapping[str, Any], name: str, low: int) -> int | None:
    given = values.get(name)
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int) or not low <= given <= 10**12:
        raise Unreadable(f"body.{name}", f"{shown(given)} must be a whole number from {low} to 10^12")
    return given


# -- answers -----------------------------------------------------------------------------------------------------------------
def _answer(line: Mapping[str, Any]) -> Mapping[str, Any]:
    response, error = line.get("response"), line.get("error")
    if response is None and error is None:
        raise Unreadable("response", "neither an answer nor an error; allowed: one of them")
    if response is not None and not isinstance(response, Mapping):
        raise Unreadable("response", f"{shown(response)} is not an object with status_code and body")
    response = response or {}
    body = response.get("body") if isinstance(response.get("body"), Mapping) else {}
    assert isinstance(body, Mapping)
    usage = body.get("usage") if isinstance(body.get("usage"), Mapping) else {}
    assert isinstance(usage, Mapping)
    code = response.get("status_code", 200 if error is None else 500)
    is_ok = error is None and isinstance(code, int) and code < 400
    images = body.get("data") if isinstance(body.get("data"), list) and body.get("object") != "list" else None
    n_out = next((usage[name] for name in ("completion_tokens", "output_tokens") if usage.get(name) is not None), None)
    return {
        "url": "image" if images else "video" if body.get("object") == "video" else "text",
        "body.model": body.get("model"),
        "body.size": body.get("size"),
        "body.seconds": body.get("seconds"),
        "units_in": next((usage[name] for name in ("prompt_tokens", "input_tokens") if usage.get(name) is not None), None),
        "body.n": len(images) if images else n_out if n_out is not None else 0 if usage or not is_ok else None,
        "response.status_code": "ok" if is_ok else code if error is None else "failed",
    }


FORMAT = TraceFormat(
    columns={
        "arrived_at": "arrived_at",
        "content_type": "url",
        "engine": "body.model",
        "prompt": "body.prompt",
        "resolution": "body.size",
        "duration": "body.seconds",
        "seed": "body.seed",
        "units_in": "units_in",
        "units_out": "body.n",
        "max_units_out": "body.max_tokens",
        "inputs": "inputs",
        "n_images": "n_images",
        "style_params": "style",
        "status": "response.status_code",
        "id": "custom_id",
    },
    unpack=_unpack,
    needs=("custom_id",),
    reads=frozenset((*_INPUT, *_OUTPUT, "id")),
    assumes_most=True,
)
