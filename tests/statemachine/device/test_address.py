"""An address has one spelling in which it is compared, and no secret in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine.device.address import address

SPEAKS = ("http", "mqtt", "modbus", "ocpp", "bacnet")


@pytest.mark.parametrize(
    ("speaks", "text", "to"),
    [
        ("http", "192.168.1.40", "http://192.168.1.40"),
        ("http", "HTTPS://Plug.local:8443/", "https://plug.local:8443"),
        ("http", "hass.lan/base/", "http://hass.lan/base"),
        ("modbus", "192.168.1.20", "192.168.1.20:502"),
        ("modbus", "fe80::1", "[fe80::1]:502"),
        ("mqtt", "[2001:DB8::5]:1884", "[2001:db8::5]:1884"),
        ("ocpp", "127.0.0.1", "127.0.0.1:8887"),
        ("bacnet", "192.168.1.9/24:47808", "192.168.1.9/24:47808"),
    ],
)
def test_two_spellings_of_an_address_are_one(speaks: str, text: str, to: str) -> None:
    assert address(speaks, text) == to == address(speaks, to)


def test_a_broker_with_tls_is_at_its_own_port() -> None:
    assert address("mqtt", "broker", tls=True) == "broker:8883"


@given(st.sampled_from(SPEAKS), st.text(max_size=20) | st.from_regex(r"[a-z.:/@\[\]0-9]{1,12}"))
def test_any_text_is_an_address_or_refused_with_what_to_write(speaks: str, text: str) -> None:
    try:
        assert address(speaks, address(speaks, text)) == address(speaks, text)
    except ValueError as error:
        assert "; write " in str(error)
