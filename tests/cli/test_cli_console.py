"""What reaches a terminal is text, whatever a scenario calls itself."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbsim.cli import console
from sbsim.measure.intervals import Estimate
from sbsim.report.tables import NOTHING, figures, with_half_width


@given(st.text(st.characters(exclude_categories=())))
def test_plain_text_holds_nothing_that_steers_a_terminal(text: str) -> None:
    """No control, format or surrogate character survives, and a text without them stays as it is."""
    shown = console.plain(text)
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"} & {unicodedata.category(character) for character in shown.replace("\n", "")}
    assert not any(
        ord(character) < 32 or 0x7F <= ord(character) < 0xA0 or 0x202A <= ord(character) <= 0x202E for character in shown.replace("\n", "")
    )
    if text.isprintable():
        assert shown == text


def test_escape_sequences_are_spelt_out() -> None:
    """A name that would clear the screen is shown letter by letter."""
    assert console.word("a\x1b[2J\rb\nc\u202ed") == r"a\x1b[2J\rb\nc\u202ed"


def test_markup_in_a_name_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Square brackets, emoji codes and links of rich's markup are printed as they stand."""
    name = "[bold]x[/bold] :smile: [link=file:///etc]y[/]"
    console.say(name)
    console.print_table(["name"], [[name]])
    assert capsys.readouterr().out.count(name) == 2


def test_json_is_ascii_and_knows_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    """The bytes do not depend on the locale, floats read back exactly, and a NaN is an error of ours."""
    console.print_json({"name": "größe ☃", "x": 0.1 + 0.2})
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out) == {"name": "größe ☃", "x": 0.1 + 0.2}
    with pytest.raises(ValueError, match="JSON compliant"):
        console.print_json({"x": float("nan")})


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_an_encoding_without_our_signs_gets_plainer_ones(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """Tables, bars and names in any script are printed wherever stdout leads, and nothing is lost in silence."""
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding=encoding))
    console.open_streams()
    console.say("1 ± 2 ▁█ 深")
    console.print_table(["name", "± 95 %"], [["深", "█"]])
    sys.stdout.flush()
    text = written.getvalue().decode(encoding)
    assert text.splitlines()[0] == f"1 {'+-' if encoding == 'ascii' else '±'} 2 _# \\u6df1"
    assert text.splitlines()[-1].rstrip().endswith("#")


def test_streams_that_are_closed_swallow_what_they_are_given() -> None:
    """`sbsim ... >&-` ends as it would with a reader."""
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        assert subprocess.run(f"{sys.executable} -m sbsim schema --kpis --json {closed}", shell=True, stdout=subprocess.DEVNULL).returncode == 0


def test_a_narrow_terminal_cuts_no_number(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a table is wider than the terminal its lines run on; text columns are folded."""
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    monkeypatch.setenv("COLUMNS", "30")
    console.print_table(["setting", "value", "meaning"], [["batching.max_batch_size", "1,234,567.125", "how many " * 9]], right=(1,))
    out = capsys.readouterr().out
    assert "batching.max_batch_size" in out
    assert "1,234,567.125" in out
    assert out.count("how many") == 9
    assert max(map(len, out.splitlines()[1:])) < 70


def test_warnings_go_to_stderr_and_can_be_silenced(capsys: pytest.CaptureFixture[str]) -> None:
    """stdout holds results only."""
    console.warn(["one\x07", "two"])
    console.warn(["three"], quiet=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "warning: one\\x07\nwarning: two\n"


@pytest.mark.parametrize(
    ("mean", "half_width", "text"),
    [
        (1234.5678, 12.3, "1,235 ± 12"),
        (1234.5678, 0.0456, "1,234.568 ± 0.046"),
        (0.5, 1e-12, "0.500000 ± 0"),
        (13.88, 1.8e-15, "13.8800 ± 0"),
        (12.0, 0.0, "12 ± 0"),
        (12.0, None, "12"),
        (0.123456789, None, "0.123457"),
        (-0.02, 0.5, "-0.02 ± 0.50"),
        (None, None, NOTHING),
    ],
)
def test_a_mean_shows_the_digits_that_its_half_width_supports(mean: float | None, half_width: float | None, text: str) -> None:
    """Two digits of the half-width, and the mean to the same decimal."""
    assert with_half_width(Estimate(mean, half_width, 10)) == text


@given(st.floats(-1e12, 1e12), st.floats(1e-9, 1e6))
def test_shown_numbers_read_back_within_their_half_width(mean: float, half_width: float) -> None:
    """Rounding for print never moves a mean by more than a twentieth of its half-width."""
    shown_mean, shown_half_width = figures(Estimate(mean, half_width, 10))
    assert abs(float(shown_mean.replace(",", "")) - mean) <= half_width / 20 + 1e-9 + abs(mean) * 1e-15
    assert abs(float(shown_half_width.replace(",", "")) - half_width) <= half_width / 20 + 1e-9
