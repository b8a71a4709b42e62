"""What is written is read back exactly, and parsers agree with arithmetic whatever they are given."""

import math

from hypothesis import example, given
from hypothesis import strategies as st

from sbsim.units import format_duration, parse_duration, parse_money, parse_rate, parse_size

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite)
@example(0.009)
@example(59.999999999999)
@example(1e22)
def test_a_duration_is_read_back_to_the_bit(seconds):
    """format_duration loses nothing."""
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.integers(0, 10**9), st.sampled_from([("ms", 1000), ("s", 1), ("min", 60), ("h", 3600), ("d", 86400)]))
def test_whole_numbers_of_a_unit_are_exact(n, unit):
    """n units are the float nearest to the true number of seconds: no unit is a rounded factor."""
    name, size = unit
    assert parse_duration(f"{n}{name}") == (n / size if name == "ms" else float(n * size))
    assert parse_rate(f"{n}/min") == n / 60


@given(st.one_of(st.text(max_size=12), finite.map(repr), st.booleans(), st.none(), st.floats(), st.integers(), st.lists(st.integers(), max_size=2)))
def test_a_parser_gives_a_finite_number_or_a_value_error(given_value):
    """Nothing else can come out, whatever goes in."""
    for parse in (parse_duration, parse_rate, parse_money, parse_size):
        try:
            value = parse(given_value)
        except ValueError:
            continue
        assert isinstance(value, float)
        assert math.isfinite(value)
        assert not isinstance(given_value, bool)
