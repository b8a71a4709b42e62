"""What is written loads back: every format, any config, any text."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sbsim.config import SETTINGS, Config, Setting, load
from sbsim.config.environment import read_env_file
from sbsim.documents.fields import Choice, Flag, Quantity
from sbsim.documents.yaml12 import read_yaml
from sbsim.export import FORMATS, write
from sbsim.export.environment import quoted
from sbsim.export.toml_text import toml_text
from sbsim.export.yaml_text import yaml_text
from sbsim.scenario import load_deployment

AWKWARD = st.sampled_from(
    ["none", "null", "true", "no", "off", "1e6", "010", "1:30", "0x1F", "1_000", "2026-11-23", ".5", "~", "# not a comment", "a #b", " a", "a ",
     "'", '"', '"x"', "- a", "a: b", "${REDIS_URL}", "*a", "&a", "!a", "%", "@", "=", "<<", "[", "{", "|", ">", "ÿ", "日本", "\U0001f600", "1e",
     "+1", "-", "\\", "a\\nb", "a=b", "export X"]
)  # fmt: skip
texts = st.one_of(AWKWARD, st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp", "Co", "Cn")), max_size=12))


def values_of(known: Setting) -> st.SearchStrategy[Any]:
    """Values of a setting within its bounds, the ones of later parts left out."""
    kind = known.kind
    if known.part is not None:
        return st.just(known.default)
    if isinstance(kind, Flag):
        return st.booleans()
    if isinstance(kind, Choice):
        return st.sampled_from(kind.words)
    if not isinstance(kind, Quantity):
        return st.just(known.default)
    low, high = max(kind.low, 1e-9 if kind.is_open else kind.low), min(kind.top, 1e9)
    number = st.integers(int(low), int(high)) if kind.what == "count" else st.floats(low, high, allow_subnormal=False)
    return st.one_of(st.none(), number) if kind.or_none else number


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Any config that may be used today."""
    values = {path: draw(values_of(known)) for path, known in SETTINGS.items()}
    if values["rate_limit.max_requests"] is not None and values["rate_limit.time_window"] is None:
        values["rate_limit.time_window"] = 60.0
    if sum(values[f"similarity.{name}_weight"] for name in ("engine", "resolution", "duration", "style")) <= 0:
        values["similarity.engine_weight"] = 1.0
    for knob in ("batch_size", "wait", "similarity_threshold", "near_duplicate_threshold"):
        low, high = f"controller.min_{knob}", f"controller.max_{knob}"
        values[low], values[high] = sorted((values[low], values[high]))
    return Config.from_values(values)


@given(configs(), st.sampled_from(sorted(FORMATS)))
def test_any_config_loads_back_from_every_format(config: Config, to: str) -> None:
    """Not a setting differs, to the last bit of a float; and a file made of the file says the same again."""
    with TemporaryDirectory() as folder:
        path = write(config, to, Path(folder) / f"settings.{to}")
        assert load(path).config.differences(config) == {}
        for other in FORMATS:
            again = write(path, other, Path(folder) / f"again.{other}")
            assert load(again).config.differences(config) == {}
            assert load_deployment(again).config.differences(config) == {}


@given(texts)
def test_any_text_reads_back_from_an_environment_file(text: str) -> None:
    """Quotes, signs of comments and white space at the ends survive."""
    assert read_env_file(f"NAME={quoted(text)}\n", "test.env") == {"NAME": text}


scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), texts)
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts.filter(lambda k: k != "<<"), inner, max_size=3)),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abc_", min_size=1, max_size=4), documents, max_size=4))
def test_any_document_reads_back_from_yaml(document: dict[str, Any]) -> None:
    """Text stays text and numbers stay numbers under the rules of YAML 1.2, whatever PyYAML thinks of them."""
    read, _ = read_yaml(yaml_text(document), "document")
    assert read == document
    assert json.dumps(read) == json.dumps(document)


@given(st.dictionaries(st.text("abc_", min_size=1, max_size=4).filter(lambda key: key != "config"), documents, max_size=4))
def test_any_document_reads_back_from_toml(document: dict[str, Any]) -> None:
    """What TOML can say comes back as it was; nothing at all is left out."""
    assert tomllib.loads(toml_text(document)) == without_nothing(document)


def without_nothing(value: Any) -> Any:
    """The document without keys whose value is None; a None within a list is the word."""
    if isinstance(value, dict):
        return {key: without_nothing(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return ["none" if each is None else without_nothing(each) for each in value]
    return value
