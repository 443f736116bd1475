"""The power in MeterValues, as chargers send them and as they should not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venctl.drivers.links.ocpp.meter_values import power_of

POWER = "Power.Active.Import"


def value(number: Any, unit: str | None = "W", **more: Any) -> dict[str, Any]:
    return {"value": number, "measurand": POWER, **({} if unit is None else {"unit": unit}), **more}


def sample(*values: Any, at: str = "2026-11-28T20:55:00Z") -> dict[str, Any]:
    return {"timestamp": at, "sampled_value": list(values)}


@pytest.mark.parametrize(
    ("values", "watts"),
    [
        ([value("3680.4")], 3680),
        ([value("3.68", "kW")], 3680),
        ([value("3680", None)], 3680),
        ([value(3680)], 3680),
        ([value("0")], 0),
        ([value("1200", phase=f"L{n}") for n in (1, 2, 3)], 3600),
        ([value("1.2", "kW", phase=f"L{n}-N") for n in (1, 2, 3)], 3600),
        ([value("3600"), *(value("1200", phase=f"L{n}") for n in (1, 2, 3))], 3600),
        ([value("90", location="Body"), value("3600", location="Outlet")], 3600),
        ([{"value": "12345"}, {"value": "16", "measurand": "Current.Import", "unit": "A"}], None),
        ([value("3680", "VA")], None),
        ([value("NaN")], None),
        ([value("1e400")], None),
        ([value(True)], None),
        ([value(None)], None),
        ([], None),
    ],
)
def test_the_power_in_watts(values: list[Any], watts: int | None) -> None:
    found = power_of([sample(*values)])
    assert (None if found is None else found[0]) == watts


def test_of_several_samples_the_newest_counts() -> None:
    early = sample(value("100"), at="2026-11-28T20:54:00Z")
    late = sample(value("200"), at="2026-11-28T20:55:00+00:00")
    for order in ([early, late], [late, early]):
        assert power_of(order) == (200, 1_795_899_300_000)


names = st.sampled_from(["timestamp", "sampled_value", "value", "measurand", "unit", "phase"])
junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.just(POWER),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
    max_leaves=20,
)


@given(said=junk)
def test_anything_else_is_a_power_or_none(said: Any) -> None:
    found = power_of(said)
    assert found is None or abs(found[0]) <= 3_000_000_000_000
