"""Where a link leads and what it knows: addresses, secrets, and sentences that hold no secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine.device.declaration import LinkDeclaration
from venctl.drivers.links import LinkFault, open_link, secret_reader
from venctl.drivers.links.faults import device_words
from venctl.drivers.links.settings import address_of, pause_of

HTTP = {"http": 80, "https": 443}


@pytest.mark.parametrize(
    ("to", "authority", "shown"),
    [
        ("192.168.1.40", "192.168.1.40:80", "192.168.1.40"),
        ("plug.lan:8080", "plug.lan:8080", "plug.lan:8080"),
        ("https://hass.lan/", "hass.lan:443", "hass.lan"),
        ("http://[fd00::1]:81", "[fd00::1]:81", "[fd00::1]:81"),
    ],
)
def test_an_address_is_a_host_with_or_without_its_port(to: str, authority: str, shown: str) -> None:
    at = address_of(to, HTTP)
    assert (at.authority, at.text) == (authority, shown)


@given(st.text())
def test_any_text_is_an_address_or_a_fault_in_words(to: str) -> None:
    try:
        at = address_of(to, HTTP)
    except LinkFault as fault:
        assert str(fault) and fault.lasting
    else:
        assert at.host and 0 < at.port < 65_536


def test_a_pause_carries_its_unit_and_is_bounded() -> None:
    assert pause_of({"pause": "100 ms"}) == 100
    assert pause_of({"pause": "1 h"}) == 10_000
    assert pause_of({}) == 0
    with pytest.raises(LinkFault, match="pause: '100' is not a duration"):
        pause_of({"pause": "100"})


def test_a_link_that_nobody_can_open_is_a_fault_in_words() -> None:
    with pytest.raises(LinkFault, match="speaks no 'knx'"):
        open_link(LinkDeclaration("knx", "192.168.1.9"), str)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "word").write_text("s3cret\n")
    (tmp_path / "word").chmod(0o600)
    return tmp_path


def test_a_secret_is_read_from_the_environment_or_a_private_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = secret_reader(folder)
    monkeypatch.setenv("WORD", "of the environment")
    assert read("env:WORD") == "of the environment"
    assert read("file:word") == "s3cret"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("s3cret", "a secret is written as env:NAME or file:NAME"),
        ("env:", "a secret is written as env:NAME or file:NAME"),
        ("env:NO_SUCH", "the environment variable NO_SUCH is not set"),
        ("file:none", "none cannot be read: No such file or directory"),
        ("file:open", "is open to other users (mode 0644); run `chmod 600"),
        ("file:empty", "empty is empty"),
        ("file:lines", "has control characters in it, or more than one line"),
        ("file:bytes", "bytes is not text in UTF-8"),
        ("file:.", "cannot be read: Is a directory"),
    ],
)
def test_a_secret_that_cannot_be_used_is_a_sentence_without_it(
    folder: Path, reference: str, said: str
) -> None:
    held = {"open": b"s3cret", "empty": b"", "lines": b"s3cret\r\nX: y", "bytes": b"s3cret\xff"}
    for name, content in held.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o644 if name == "open" else 0o600)
    with pytest.raises(ValueError) as caught:
        secret_reader(folder)(reference)
    assert said in str(caught.value)
    assert "s3cret" not in str(caught.value)


@given(st.text())
def test_a_devices_words_fit_on_a_line(text: str) -> None:
    words = device_words(text)
    assert len(words) <= 200
    assert words.isprintable()
