"""Readable quantities: every unit once, and what is refused."""

import math

import pytest

from sbsim.units import format_duration, format_money, format_span, parse_duration, parse_money, parse_rate, parse_size, to_nano, to_usd


@pytest.mark.parametrize(
    ("parse", "given", "base"),
    [
        (parse_duration, "20ms", 0.02),
        (parse_duration, "57ms", 0.057),
        (parse_duration, "5us", 5e-6),
        (parse_duration, "30s", 30),
        (parse_duration, "2 sec", 2),
        (parse_duration, "10min", 600),
        (parse_duration, "10m", 600),
        (parse_duration, "24h", 86400),
        (parse_duration, "7d", 604800),
        (parse_duration, 1.5, 1.5),
        (parse_duration, "1.5", 1.5),
        (parse_duration, "1e3s", 1000),
        (parse_duration, "-3s", -3),
        (parse_duration, ".5h", 1800),
        (parse_rate, "30/min", 0.5),
        (parse_rate, "2/s", 2),
        (parse_rate, "0.5 / h", 0.5 / 3600),
        (parse_rate, 7, 7),
        (parse_rate, "86400/d", 1),
        (parse_money, "$0.10", 0.1),
        (parse_money, 0.1, 0.1),
        (parse_money, "5 USD", 5),
        (parse_money, "-$5", -5),
        (parse_money, "- $ 5", -5),
        (parse_size, "20MB", 20e6),
        (parse_size, "1GiB", 2**30),
        (parse_size, "256 KiB", 2**18),
        (parse_size, "12", 12),
        (parse_size, "1.5kB", 1500),
    ],
)
def test_every_unit_is_read(parse, given, base):
    """Text and numbers come out in base units: seconds, per second, dollars, bytes."""
    assert parse(given) == base


@pytest.mark.parametrize(
    ("parse", "given", "told"),
    [
        (parse_duration, "010", "is not a duration"),
        (parse_duration, "010s", "is not a duration"),
        (parse_duration, "1:30", "is not a duration"),
        (parse_duration, "5 parsecs", "ms, s, min"),
        (parse_duration, "", "try"),
        (parse_duration, "s", "try"),
        (parse_duration, "1_000s", "try"),
        (parse_duration, "٣s", "try"),
        (parse_duration, True, "True is not a duration"),
        (parse_duration, None, "None is not a duration"),
        (parse_duration, math.nan, "not a finite"),
        (parse_duration, -math.inf, "not a finite"),
        (parse_duration, "1e999s", "not a finite"),
        (parse_duration, 10**400, "too large"),
        (parse_duration, "inf", "is not a duration"),
        (parse_duration, b"1s", "is not a duration"),
        (parse_rate, "30/fortnight", "30/min"),
        (parse_rate, "30ms/min", "30/min"),
        (parse_rate, "1/0", "try"),
        (parse_rate, False, "not a rate"),
        (parse_money, "$-5", "$0.10"),
        (parse_money, "-$-5", "$0.10"),
        (parse_money, "5 EUR", "$0.10"),
        (parse_money, "$1,000", "$0.10"),
        (parse_money, [1], "try"),
        (parse_size, "20M", "allowed units"),
        (parse_size, "20mb", "allowed units"),
        (parse_size, math.inf, "not a finite"),
    ],
)
def test_what_means_nothing_is_refused_with_what_to_try(parse, given, told):
    """No guess is made: leading zeros, other alphabets' digits, clock times, booleans and infinities are refused."""
    with pytest.raises(ValueError) as error:
        parse(given)
    assert told in str(error.value)
    assert "try" in str(error.value) or "finite" in str(error.value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "250ms"),
        (0.057, "57ms"),
        (1.5, "1.5s"),
        (60, "60s"),
        (90, "90s"),
        (120, "2min"),
        (600, "10min"),
        (3600, "1h"),
        (5400, "90min"),
        (86400, "24h"),
        (90000, "25h"),
        (604800, "7d"),
        (math.inf, "none"),
        (1e-5, "1e-05s"),
        (-0.5, "-500ms"),
    ],
)
def test_durations_are_written_short(seconds, text):
    """The largest unit that keeps it whole."""
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (0, "$0.00"),
        (1234.5, "$1,234.50"),
        (-3, "-$3.00"),
        (0.1, "$0.10"),
        (0.004321, "$0.004321"),
        (-0.05, "-$0.05"),
    ],
)
def test_money_is_written_with_the_digits_that_matter(usd, text):
    """Cents for everyday amounts, more digits for small ones, the sign before the dollar."""
    assert format_money(usd) == text


def test_nano_dollars_are_the_nearest():
    """0.1 dollars are exactly 100,000,000 nano-dollars; ties go to even."""
    assert to_nano(0.1) == 100_000_000
    assert to_nano(2.5e-9) == 2
    assert to_usd(to_nano(19.99)) == 19.99


@pytest.mark.parametrize(
    ("seconds", "text"), [(7199, "2h"), (5430, "1.51h"), (3599, "1h"), (3590, "59.8min"), (86400, "24h"), (259_000, "3d"), (89.6, "89.6s"), (0, "0s")]
)
def test_spans_are_written_for_reading(seconds, text):
    """Rounded to three digits, in the largest unit that there are two of."""
    assert format_span(seconds) == text
