"""What makes two contents the same: the canonical form of everything that changes the result, as a short digest. A policy.

Contract. Two requests that may share share a fingerprint exactly when tenant, content type, engine, prompt (normalised), resolution, duration, style
parameters (voice and language among them), units, seed, variant and the digests of their inputs are equal. A request that may not be shared
(`allow_reuse=False`, or an input known by its address alone: what is there may change) has a fingerprint of its own, made from its id. The same in
every process and on every machine; the version in front changes when the rules do.

Prompts lose differences that nobody meant: Unicode composition (NFC) and outer white space for every content type; compatibility forms (NFKC), case
and inner white space for images and video, where they cannot be seen. In audio and text they may be heard or read, so they matter there, unless
`normalise="loose"` says that they do not. Numbers count by value (7 and 7.0 are one), but a number is never the same as its text or as a boolean.

It reads `ContentRequest`s and nothing else; it fetches no input.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from numbers import Integral, Real
from typing import Any

from sbsim.records import ContentRequest

VERSION = "1"
_TEXT = json.JSONEncoder(sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode
_CONTENT = re.compile(r"data:|(?:sha-?\d+|sha3-\d+|md5|blake2[bs]|blake3|xxh\d+)[:=-]", re.IGNORECASE)
"""How a text begins that is content itself, or a digest that says its algorithm."""
_PLACE = re.compile(r"[/\\]|^www\.|\.[a-z][a-z0-9]{1,4}$", re.IGNORECASE)
"""What a text has that is a URL, a path or the name of a file."""


def fingerprint(request: ContentRequest, normalise: str = "strict") -> str:
    """The exact identity of what is asked for: "1:" and 32 hexadecimal digits.

    Parameters
    ----------
    request : a `fingerprint` that its caller gave stands for prompt and inputs; all other fields still count.
    normalise : "strict" or "loose", see above.

    Raises
    ------
    ValueError
        When a style parameter or an input has no canonical form, so that no other process could find the same.
    """
    own = () if request.allow_reuse else (request.id,)
    return _digest([*_identity(request, normalise), "variant", request.variant, *own])


def base_fingerprint(request: ContentRequest, normalise: str = "strict") -> str:
    """The same without the variant, whether or not it may be reused: requests of one base can travel as variants of one call."""
    return _digest(_identity(request, normalise))


def is_reusable(request: ContentRequest) -> bool:
    """Whether anybody else can ever have the same content: reuse is allowed, and every input is known by its content."""
    return request.allow_reuse and (request.fingerprint is not None or all(_input(each, request)[0] != "address" for each in request.inputs))


def scope_fingerprint(request: ContentRequest, normalise: str = "strict") -> str | None:
    """The identity of everything but the prompt, which must be equal where other words may be answered with the same content.

    The units in are those of the prompt, so they do not count. None for a request whose content nobody else may have in other words: reuse is not
    allowed, an input is known by its address alone, the caller named the content, or there is no prompt.
    """
    if not request.prompt.strip() or request.fingerprint is not None or not is_reusable(request):
        return None
    return _digest([*_identity(replace(request, prompt="", units_in=0.0), normalise), "variant", request.variant, "any wording"])


def normalised(prompt: str, content_type: str, normalise: str = "strict") -> str:
    """`prompt` without the differences that do not change a content of this type."""
    if normalise == "loose" or content_type in ("image", "video"):
        return " ".join((prompt.lower() if prompt.isascii() else _caseless(prompt)).split())
    return unicodedata.normalize("NFC", prompt).strip()


def _caseless(text: str) -> str:
    """Compatibility caseless form (The Unicode Standard, section 3.13, D146)."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold()).casefold()
    return unicodedata.normalize("NFKC", folded)


def _identity(request: ContentRequest, normalise: str) -> list[Any]:
    style = {str(name): _canonical(value, f"request {request.id!r}: style_params[{name!r}]") for name, value in request.style_params.items()}
    known: list[Any] = [
        "tenant", request.tenant, "content", request.content_type, request.engine, request.resolution, _number(request.duration),
        "style", style, "seed", request.seed,
        "units", _number(request.units_in), _number(request.units_out), None if request.max_units_out is None else _number(request.max_units_out),
    ]  # fmt: skip
    if request.fingerprint is not None:
        return [*known, "given", request.fingerprint]
    inputs = [_input(each, request) for each in request.inputs]
    return [*known, "prompt", normalised(request.prompt, request.content_type, normalise), "inputs", inputs]


def _input(given: Any, request: ContentRequest) -> list[str]:
    """["digest", what identifies the content] or ["address", where it is, the request's own id, which nobody shares].

    An input is a text, bytes, or a mapping with `digest`, `data`, `url` or `path`. A text is a digest unless it looks like a place.
    """
    if isinstance(given, Mapping):
        for name in ("digest", "data"):
            if given.get(name):
                return _input(given[name], request) if isinstance(given[name], bytes) else ["digest", str(given[name])]
        for name in ("url", "path"):
            if given.get(name):
                return ["address", str(given[name]), request.id]
    if isinstance(given, bytes):
        return ["digest", f"blake2b:{hashlib.blake2b(given, digest_size=32).hexdigest()}"]
    if not isinstance(given, str) or not given:
        raise ValueError(f'request {request.id!r}: inputs: {given!r} is no digest, bytes or address; try its digest, such as "sha256:9f86d0…"')
    return ["digest", given] if _CONTENT.match(given) or not _PLACE.search(given) else ["address", given, request.id]


def _canonical(value: Any, where: str) -> Any:
    """A style value as JSON, so that equal values have one text and different ones two."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, Integral):
        return ["number", str(int(value))]
    if isinstance(value, Real):  # numpy's numbers too: a trace brings them
        return ["number", _number(float(value))]
    if isinstance(value, (list, tuple)):
        return ["list", *(_canonical(each, where) for each in value)]
    if isinstance(value, (set, frozenset)):
        return ["set", *sorted(_TEXT(_canonical(each, where)) for each in value)]
    if isinstance(value, Mapping):
        return {str(name): _canonical(each, where) for name, each in value.items()}
    raise ValueError(f"{where}: a {type(value).__name__} has no canonical form; try a text, a number, a boolean, or a list or mapping of them")


def _number(value: float) -> str:
    """By value: 7 and 7.0 are one (RFC 8785 writes them alike too), and so are 0.0 and -0.0."""
    return str(int(value)) if isfinite(value) and value == int(value) else repr(float(value))


def _digest(known: list[Any]) -> str:
    return f"{VERSION}:{hashlib.blake2b(_TEXT(known).encode(), digest_size=16).hexdigest()}"
