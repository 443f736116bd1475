"""What simulated circuits draw: pure, within what their label says, and the same everywhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from statemachine.verify.world.loads import CYCLES_S, load_w

MOMENTS = st.integers(0, 4_000_000_000_000)
TYPES = st.sampled_from([*CYCLES_S, "lights", "other"])


@given(st.integers(0, 9_000), TYPES, st.integers(0, 99), MOMENTS)
def test_a_load_is_pure_and_stays_within_its_rating(w: int, type: str, seed: int, ms: int) -> None:
    for load in ("steady", "drift", "cycling"):
        drawn_w = load_w("c1", w, type, load, seed, ms)
        assert 0 <= drawn_w <= w
        assert drawn_w == load_w("c1", w, type, load, seed, ms)
    assert load_w("c1", w, type, "steady", seed, ms) == w
    assert load_w("c1", w, type, "drift", seed, ms) >= round(w * 0.95)


@given(st.sampled_from(sorted(CYCLES_S)), st.integers(0, 99), MOMENTS)
def test_a_cycle_is_on_and_off_as_long_as_its_type_says(type: str, seed: int, ms: int) -> None:
    on_s, off_s = CYCLES_S[type]
    length_s = on_s + off_s
    on = sum(load_w("c1", 1_000, type, "cycling", seed, ms + s * 1000) > 0 for s in range(length_s))
    assert abs(on - on_s) <= 1
