"""The fingerprint: the same for what is the same, another for whatever changes the result, in every process."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given

from sbsim.components.fingerprint import base_fingerprint, fingerprint, is_reusable, normalised, scope_fingerprint
from sbsim.records import CONTENT_TYPES, ContentRequest

DIGEST = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
PLAIN = ContentRequest("a", "image", "A red  fox", "1080p", 4.0, "e", style_params={"voice": "Ada", "guidance": 7}, seed=1, inputs=[DIGEST])

OTHERS = {
    "tenant": "other", "content_type": "video", "engine": None, "prompt": "a red ox", "resolution": None, "duration": 5.0, "seed": None,
    "variant": 1, "style_params": {"voice": "Ada"}, "inputs": [], "fingerprint": "mine", "units_in": 1.0, "units_out": 2.0, "max_units_out": 5.0,
    "allow_reuse": False,
}  # fmt: skip
SAME = {"id": "b", "prompt": " a RED fox\n", "duration": 4, "style_params": {"guidance": 7.0, "voice": "Ada"}, "priority": 1, "deadline_s": 3.0,
        "job_id": "j", "estimated_cost": 2.0}  # fmt: skip

GOLDEN = {
    "1:a039f43bde050073e00485480f0fe921": PLAIN,
    "1:ebc3babee015f16f03c18d09217a27e4": replace(
        PLAIN, content_type="text", prompt="Ｃａｆe\u0301 ", variant=3, inputs=[b"bytes"], max_units_out=100
    ),
    "1:7ee6f0ca7d1cdf6793d14f5f5099720d": replace(
        PLAIN, allow_reuse=False, style_params={"s": {2.5, "x"}, "m": {"k": [None, True]}}, inputs=["https://a.example/x"]
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_whatever_changes_the_result_changes_it(name):
    """Tenant, engine, prompt, size, length, style, seed, variant, inputs and units each make another content."""
    assert fingerprint(replace(PLAIN, **{name: OTHERS[name]})) != fingerprint(PLAIN)


def test_every_field_is_accounted_for():
    """A field added to `ContentRequest` must be named here: either it changes the content or it does not."""
    assert OTHERS.keys() | SAME.keys() == set(ContentRequest.__dataclass_fields__)


@pytest.mark.parametrize("name", SAME)
def test_what_does_not_change_the_result_does_not(name):
    """Who asks, how urgently, and how the same thing is written is not part of the content."""
    assert fingerprint(replace(PLAIN, **{name: SAME[name]})) == fingerprint(PLAIN)


def test_the_base_differs_from_it_in_the_variant_alone():
    """Variants share a base, reusable or not; whatever else differs makes another base."""
    base = base_fingerprint(PLAIN)
    assert base != fingerprint(PLAIN)
    for name, other in OTHERS.items():
        assert (base_fingerprint(replace(PLAIN, **{name: other})) == base) == (name in ("variant", "allow_reuse")), name


def test_the_scope_of_other_words_is_everything_but_the_words():
    """A request in other words (and so of other length) has the same scope; whatever else differs makes another, or none at all."""
    scope = scope_fingerprint(PLAIN)
    assert scope not in (None, fingerprint(PLAIN), base_fingerprint(PLAIN))
    for name, other in (OTHERS | SAME).items():
        is_same = name in SAME or name in ("prompt", "units_in")
        assert (scope_fingerprint(replace(PLAIN, **{name: other})) == scope) == is_same, name


def test_no_other_words_will_do_for_what_words_do_not_say():
    """A content that nobody else may have, that its caller named, or that has no prompt, has no scope."""
    for never in ({"allow_reuse": False}, {"inputs": ["https://a.example/cat.png"]}, {"fingerprint": "mine"}, {"prompt": " \n"}):
        assert scope_fingerprint(replace(PLAIN, **never)) is None


def test_what_may_not_be_reused_is_never_the_same():
    """Two requests with `allow_reuse=False`, or with an input known by its address alone, share nothing; the same request resent is itself."""
    for never in (replace(PLAIN, allow_reuse=False), replace(PLAIN, inputs=["https://a.example/cat.png"])):
        assert fingerprint(never) != fingerprint(replace(never, id="b"))
        assert fingerprint(never) == fingerprint(replace(never))
        assert not is_reusable(never)
    assert is_reusable(PLAIN)


@pytest.mark.parametrize(
    "given_input", ["https://a.example/x", "s3://bucket/key", "photos/cat", "/tmp/x", r"C:\x", "cat.png", "www.a.example", {"url": "https://a.example"},
                    {"path": "x"}]
)  # fmt: skip
def test_a_place_is_not_a_digest(given_input):
    """What is at an address may change behind it: never reused, unless the caller vouches with a fingerprint of his own."""
    request = replace(PLAIN, inputs=[given_input])
    assert fingerprint(request) != fingerprint(replace(request, id="b"))
    assert not is_reusable(request)
    vouched = replace(request, fingerprint="mine")
    assert is_reusable(vouched)
    assert fingerprint(vouched) == fingerprint(replace(vouched, id="b"))


@pytest.mark.parametrize("given_input", [DIGEST, "sha256-ab/cd+ef=", "9f86d081884c7d65", "d1", b"bytes", {"digest": DIGEST, "url": "https://a.example"},
                                         {"data": b"bytes"}, "data:image/png;base64,iVBORw0KGgo="])  # fmt: skip
def test_content_identifies_itself(given_input):
    """A digest, or the bytes themselves, can be shared between requests."""
    request = replace(PLAIN, inputs=[given_input])
    assert is_reusable(request)
    assert fingerprint(request) == fingerprint(replace(request, id="b"))
    assert fingerprint(request) != fingerprint(replace(request, inputs=["another"]))


def test_a_digest_counts_whoever_carries_it():
    """The digest alone, or with the address it came from, is one input; and inputs have an order."""
    assert fingerprint(replace(PLAIN, inputs=[{"digest": DIGEST, "url": "https://a.example"}])) == fingerprint(PLAIN)
    assert fingerprint(replace(PLAIN, inputs=["a", "b"])) != fingerprint(replace(PLAIN, inputs=["b", "a"]))


WORDINGS = {  # other ways to write "Café  Ole"
    "composed": "Cafe\u0301  Ole", "outer": "  Café  Ole\n", "case": "café  ole", "inner": "Café Ole", "compatibility": "Ｃａｆé  Ole",
    "other": "Café  Olé",
}  # fmt: skip


@pytest.mark.parametrize(("content_type", "normalise"), [(c, n) for c in CONTENT_TYPES for n in ("strict", "loose")])
def test_wordings(content_type, normalise):
    """NFC and outer white space never matter; case, inner white space and compatibility forms do in audio and text only, and not under `loose`."""
    prompt = ContentRequest("a", content_type, "Café  Ole")
    same = {name for name, text in WORDINGS.items() if fingerprint(replace(prompt, prompt=text), normalise) == fingerprint(prompt, normalise)}
    is_caseless = content_type in ("image", "video") or normalise == "loose"
    assert same == {"composed", "outer"} | ({"case", "inner", "compatibility"} if is_caseless else set())


@given(st.text(), st.sampled_from(CONTENT_TYPES))
@example("\u0345\u0130 ŉ", "image")
@example("\u1d2c", "image")  # a small raised capital: a compatibility form that has a case of its own
def test_normalising_twice_is_normalising_once(prompt, content_type):
    """The canonical form is its own canonical form, and canonically equivalent texts have one."""
    once = normalised(prompt, content_type)
    assert normalised(once, content_type) == once
    assert normalised(unicodedata.normalize("NFD", prompt), content_type) == once


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, "1"),
        (None, "null"),
        ([1, 2], [2, 1]),
        ([1], {"a": 1}),
        (["set", "1"], {"1"}),
        (1.5, "1.5"),
        ("a", "A"),
        (0, False),
        (2**53, 2**53 + 1),
    ],
)
def test_different_style_values_differ(one, other):
    """A number is not its text, a boolean is not a number, an order is an order."""
    assert fingerprint(replace(PLAIN, style_params={"x": one})) != fingerprint(replace(PLAIN, style_params={"x": other}))


@pytest.mark.parametrize(
    ("one", "other"), [(7, 7.0), (7, np.int64(7)), (0.5, np.float64(0.5)), ((1, 2), [1, 2]), ({"b", "a"}, {"a", "b"}), (0.0, -0.0)]
)
def test_equal_style_values_are_one(one, other):
    """Numbers count by value, lists by their members, sets without order."""
    assert fingerprint(replace(PLAIN, style_params={"x": one})) == fingerprint(replace(PLAIN, style_params={"x": other}))


def test_what_has_no_canonical_form_is_refused():
    """An object whose text holds its address would never be found again; the message names the parameter."""
    with pytest.raises(ValueError, match=r"request 'a': style_params\['x'\]: a object has no canonical form"):
        fingerprint(replace(PLAIN, style_params={"x": object()}))
    with pytest.raises(ValueError, match="request 'a': inputs: 3 is no digest"):
        fingerprint(replace(PLAIN, inputs=[3]))


SPAWNED = """
from tests.property.test_components_fingerprint import FAMILY
from sbsim.components.fingerprint import base_fingerprint, fingerprint
print([(fingerprint(request), base_fingerprint(request)) for request in FAMILY])
"""
FAMILY = [replace(PLAIN, **{name: other}) for changes in (OTHERS, SAME) for name, other in changes.items()]
FAMILY += [replace(PLAIN, style_params={"x": {"b", "a", "c"}, "y": {"k": [1, None]}}), replace(PLAIN, inputs=[b"bytes", {"url": "u"}])]


def test_another_process_finds_the_same():
    """INV-8: with another PYTHONHASHSEED, a new interpreter makes the same fingerprints."""
    root = Path(__file__).parents[2]
    ours = [(fingerprint(request), base_fingerprint(request)) for request in FAMILY]
    for seed in ("0", "4242"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
        theirs = subprocess.run([sys.executable, "-c", SPAWNED], env=env, cwd=root, capture_output=True, text=True, check=True).stdout
        assert theirs.strip() == str(ours)


@pytest.mark.parametrize("golden", GOLDEN)
def test_golden(golden):
    """Stored keys must stay valid: a change of these values needs a new VERSION (then print them with `fingerprint` and put them here)."""
    assert fingerprint(GOLDEN[golden]) == golden
