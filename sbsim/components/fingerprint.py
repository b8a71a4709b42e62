"""What makes two contents the same: the canonical form of everything that changes the result, as a short digest. A policy.

Contract. Two requests share a fingerprint exactly when tenant, content type, engine, prompt (normalised), resolution, duration, style parameters, seed,
variant and the digests of their inputs are equal. The same in every process and on every machine; the version in front changes when the rules do.

Prompts lose outer white space and differences of Unicode composition (NFC) for every content type. For images and video, compatibility forms (NFKC), case and
inner white space do not matter either; `normalise="loose"` extends that to audio and text, where they may be heard or read.

An input is known by its digest. One that is known by its address alone may change behind it: such a request is never the same as another, and its
fingerprint says so by carrying the request's own id.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from sbsim.records import ContentRequest

VERSION = "1"


def fingerprint(request: ContentRequest, normalise: str = "strict") -> str:
    """The exact identity of what is asked for: "1:" and 32 hexadecimal digits. A `fingerprint` given by the caller stands for prompt and inputs."""
    return _digest({**_identity(request, normalise), "variant": request.variant})


def base_fingerprint(request: ContentRequest, normalise: str = "strict") -> str:
    """The same without the variant: requests that differ in it alone can travel as variants of one call."""
    return _digest(_identity(request, normalise))


def normalised(prompt: str, content_type: str, normalise: str = "strict") -> str:
    """`prompt` without the differences that do not change a content of this type."""
    if normalise == "loose" or content_type in ("image", "video"):
        return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", prompt).casefold()).split())
    return unicodedata.normalize("NFC", prompt).strip()


def _identity(request: ContentRequest, normalise: str) -> dict[str, Any]:
    known: dict[str, Any] = {
        "tenant": request.tenant,
        "content_type": request.content_type,
        "engine": request.engine,
        "resolution": request.resolution,
        "duration": float(request.duration),
        "style": {str(name): _plain(value) for name, value in request.style_params.items()},
        "seed": request.seed,
        "units": [float(request.units_in), float(request.units_out)],
    }
    if request.fingerprint is not None:
        known["given"] = request.fingerprint
        return known
    known["prompt"] = normalised(request.prompt, request.content_type, normalise)
    known["inputs"] = [_input(each, request.id) for each in request.inputs]
    return known


def _input(given: Any, request_id: str) -> list[str]:
    """A digest as such; an address with the request's own id, which nobody shares."""
    digest = given.get("digest") if isinstance(given, Mapping) else given
    if isinstance(digest, str) and digest and "://" not in digest:
        return ["digest", digest]
    return ["address", str(given), request_id]


def _plain(value: Any) -> Any:
    """A style value so that 1 and 1.0 and True stay three things, and containers have one form."""
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (set, frozenset)):
        return ["set", sorted(json.dumps(_plain(each), sort_keys=True) for each in value)]
    return [type(value).__name__, str(value)]


def _digest(known: Mapping[str, Any]) -> str:
    text = json.dumps(known, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return f"{VERSION}:{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"
