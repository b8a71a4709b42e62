"""What `sbsim export` writes: the format that the file's name says, sizes in whole bytes, and one message where there is nothing to export."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sbsim.config import Config, load
from tests.cli.conftest import Command


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A file of settings, beside the folder that commands run in."""
    path = tmp_path / "settings.yaml"
    path.write_text("batching: {max_batch_size: 7}\ncache: {memory_bytes: 200MB}\n")
    return path


@pytest.mark.parametrize(("to", "name"), [("toml", "x.json"), ("json", "x"), ("yaml", "x.env"), ("env", "recommended.yaml")])
def test_a_name_of_another_format_is_refused(inside: Command, settings: Path, to: str, name: str) -> None:
    """Production goes by the name: where, given, allowed, try, and nothing is written."""
    ended = inside("export", str(settings), "--to", to, "--out", name)
    assert (ended.code, ended.out, Path(name).exists()) == (2, "", False)
    assert all(
        word in ended.err for word in (f"--out {name}", f"does not say {to}", f"allowed: .{to}", f"try --out {Path(name).with_suffix(f'.{to}')}")
    )


@pytest.mark.parametrize(
    ("to", "name"), [("yaml", "x.yml"), ("yaml", "X.YAML"), ("env", ".env"), ("env", "x.env"), ("json", "x.json"), ("toml", "x.toml")]
)
def test_every_format_keeps_sizes_whole_and_reads_back(inside: Command, settings: Path, to: str, name: str) -> None:
    """Bytes are whole numbers in every format, and all formats say the same settings."""
    ended = inside("export", str(settings), "--to", to, "--out", name)
    assert ended.code == 0
    assert "200000000" in ended.out
    assert "200000000.0" not in ended.out
    assert Config.from_values(load(name).values).differences(Config.from_values(load(settings).values)) == {}


def test_a_folder_that_is_not_there_is_named(inside: Command) -> None:
    """It is called what it was meant to be, a folder, with what would do."""
    ended = inside("export", "NODIR", "--to", "yaml")
    assert ended.code == 2
    assert all(word in ended.err for word in ("NODIR: there is no such folder", "allowed", "try", "--out"))


def test_the_recommendation_document_has_whole_bytes() -> None:
    """Plain values of the defaults are JSON without fractions of a byte."""
    text = json.dumps(Config().to_plain())
    assert '"memory_bytes": 268435456,' in text
