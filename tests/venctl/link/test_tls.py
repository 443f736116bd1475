"""TLS as it goes wrong in the field: every fault is named in one sentence, by a real broker."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.kit.mqtt.certificates import Authority, Pair
from tests.kit.mqtt.flaky import Flaky
from tests.kit.mqtt.link_peer import Peer, endpoint, peer
from tests.kit.mqtt.mosquitto import Mosquitto, ServerTls, free_port
from venctl.link import tls
from venctl.link.endpoint import Endpoint
from venctl.link.tls import ConfigProblem
from venctl.reach.preflight import handshake, open_port, preflight

CMD = "ven/cmd/v1"
HERE = "127.0.0.1"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ca")


@pytest.fixture
def mine(authority: Authority) -> Pair:
    return authority.client("v1")


Serve = Callable[[Pair], int]


@pytest.fixture
def serve(tmp_path: Path, authority: Authority) -> Iterator[Serve]:
    """Starts a mosquitto that asks for certificates of our authority; gives its port."""
    brokers: list[Mosquitto] = []

    def start(own: Pair) -> int:
        brokers.append(Mosquitto(tmp_path, ServerTls(own.cert, own.key, authority.ca), ""))
        return brokers[-1].port

    yield start
    for broker in brokers:
        broker.kill()


@pytest.fixture
def healthy(authority: Authority, serve: Serve) -> int:
    return serve(authority.server("s", host=HERE, days=1))


def secured(port: int, authority: Authority, mine: Pair) -> Endpoint:
    return replace(endpoint(port, "v1"), cert=mine.cert, key=mine.key, ca=authority.ca)


# ---------------------------------------------------------------- what works


@pytest.mark.parametrize("aws", [False, True])
async def test_both_ends_show_their_certificates(
    authority: Authority, mine: Pair, healthy: int, aws: bool
) -> None:
    where = replace(secured(healthy, authority, mine), aws=aws)
    assert await asyncio.to_thread(preflight, where) is None
    async with peer(where, [CMD]) as ven:
        await ven.link.publish(CMD, b"to myself")
        assert await ven.message() == b"to myself"


@pytest.mark.parametrize("port_of_alpn", [True, False])
async def test_mqtt_is_asked_for_by_alpn_on_its_port_and_nowhere_else(
    tmp_path: Path,
    authority: Authority,
    mine: Pair,
    monkeypatch: pytest.MonkeyPatch,
    port_of_alpn: bool,
) -> None:
    broker = Mosquitto(tmp_path, None, "")
    try:
        async with Flaky(broker.port, server_tls(authority, [tls.ALPN, "http/1.1"])) as server:
            if port_of_alpn:
                monkeypatch.setattr(tls, "ALPN_PORT", server.port)
            where = replace(secured(server.port, authority, mine), aws=True)
            assert await asyncio.to_thread(preflight, where) is None
            async with peer(where, [CMD]) as ven:
                await ven.link.publish(CMD, b"by ALPN")
                assert await ven.message() == b"by ALPN"
            asked = {one.alpn for one in server.connections}
            assert asked == ({tls.ALPN} if port_of_alpn else {None})
    finally:
        broker.kill()


async def test_a_server_of_the_alpn_port_that_speaks_no_mqtt_is_named(
    authority: Authority, mine: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Flaky(free_port(), server_tls(authority, [])) as server:
        monkeypatch.setattr(tls, "ALPN_PORT", server.port)
        where = replace(secured(server.port, authority, mine), aws=True)
        wrong = await asyncio.to_thread(preflight, where)
        assert wrong == (
            f"127.0.0.1:{server.port} uses TLS, but does not accept the protocol x-amzn-mqtt-ca; "
            "remove `port` from ven.yaml to use 8883"
        )


def server_tls(authority: Authority, protocols: list[str]) -> ssl.SSLContext:
    """A TLS server of the standard library that asks for certificates, as AWS does on 443."""
    own = authority.server("alpn", host=HERE, days=1)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(own.cert, own.key)
    made.load_verify_locations(authority.ca)
    made.verify_mode = ssl.CERT_REQUIRED
    if protocols:
        made.set_alpn_protocols(protocols)
    return made


# ---------------------------------------------------------------- the broker's certificate


def test_a_wrong_authority_is_named(
    tmp_path: Path, authority: Authority, mine: Pair, healthy: int
) -> None:
    stranger = Authority(tmp_path, "stranger")
    wrong = preflight(secured(healthy, stranger, mine))
    assert wrong == (
        f"the certificate of 127.0.0.1:{healthy} is not signed by the CA in {stranger.ca}; "
        "set `ca` to the CA certificate of this broker"
    )


def test_an_authority_that_this_machine_does_not_know_is_named(mine: Pair, healthy: int) -> None:
    where = replace(endpoint(healthy, "v1"), cert=mine.cert, key=mine.key)
    assert "not signed by a CA that this machine trusts" in (preflight(where) or "")


def test_an_expired_certificate_is_named_with_its_date_and_our_clock(
    authority: Authority, mine: Pair, serve: Serve
) -> None:
    port = serve(authority.server("s", host=HERE, days=-1))
    wrong = preflight(secured(port, authority, mine)) or ""
    assert wrong.startswith(f"the certificate of 127.0.0.1:{port} expired on 20")
    assert " UTC; this machine's clock says 20" in wrong
    assert wrong.endswith(" UTC; renew the broker's certificate")


def test_a_certificate_of_the_future_points_at_our_clock(
    authority: Authority, mine: Pair, serve: Serve
) -> None:
    port = serve(authority.server("s", host=HERE, days=9, begins=2))
    wrong = preflight(secured(port, authority, mine)) or ""
    assert f"the certificate of 127.0.0.1:{port} is not valid before 20" in wrong
    assert wrong.endswith(" UTC; correct this machine's clock, or wait")


@pytest.mark.parametrize("host", ["broker.example", "127.0.0.2"])
def test_a_certificate_for_somebody_else_is_named(
    authority: Authority, mine: Pair, serve: Serve, host: str
) -> None:
    port = serve(authority.server("s", host=host, days=1))
    wrong = preflight(secured(port, authority, mine)) or ""
    assert "is not valid for the host name 127.0.0.1" in wrong


# ---------------------------------------------------------------- our own certificate


def test_our_expired_certificate_is_named_before_anybody_is_asked(
    authority: Authority,
) -> None:
    old = authority.client("old", days=-1)
    wrong = preflight(secured(free_port(), authority, old)) or ""
    assert wrong.startswith(f"the client certificate {old.cert} expired on 20")
    assert wrong.endswith("; get a new certificate")


def test_our_certificate_of_the_future_points_at_our_clock(authority: Authority) -> None:
    early = authority.client("early", days=9, begins=2)
    wrong = preflight(secured(free_port(), authority, early)) or ""
    assert f"the client certificate {early.cert} is not valid before 20" in wrong
    assert "correct this machine's clock" in wrong


def test_a_certificate_out_of_date_does_not_keep_a_controller_from_starting(
    authority: Authority,
) -> None:
    tls.check_usable(secured(1, authority, authority.client("old", days=-1)))


@pytest.mark.parametrize(
    ("days", "verdict"), [(-1, "it has expired, according to the broker's clock"), (1, "unknown")]
)
def test_the_brokers_own_verdict_on_our_certificate_is_passed_on(
    tmp_path: Path, authority: Authority, healthy: int, days: int, verdict: str
) -> None:
    signer = authority if days < 0 else Authority(tmp_path, "stranger")
    foreign = signer.client("foreign", days=days)
    where = secured(healthy, authority, foreign)
    with (
        open_port(where) as plain,
        pytest.raises(ConfigProblem, match="refuses the client certificate") as found,
    ):
        handshake(where, plain)
    assert verdict in found.value.said or "does not trust the CA" in found.value.said


def test_a_certificate_of_a_foreign_authority_is_named(
    tmp_path: Path, authority: Authority, healthy: int
) -> None:
    foreign = Authority(tmp_path, "stranger").client("foreign")
    wrong = preflight(secured(healthy, authority, foreign)) or ""
    assert (
        "refuses the client certificate: the broker does not trust the CA that signed it" in wrong
    )


def test_a_broker_that_wants_a_certificate_says_so_to_who_has_none(
    authority: Authority, healthy: int
) -> None:
    where = replace(endpoint(healthy, "v1"), ca=authority.ca)
    assert "refuses the client certificate: the broker requires one, and ven.yaml names none" in (
        preflight(where) or ""
    )


def test_a_key_of_another_certificate_is_named(authority: Authority, mine: Pair) -> None:
    other = authority.client("other")
    where = secured(free_port(), authority, Pair(mine.cert, other.key))
    assert preflight(where) == (
        f"the key {other.key} does not belong to the certificate {mine.cert}; "
        "use a key and a certificate that belong together"
    )


def test_a_key_that_the_client_cannot_use_is_named(authority: Authority) -> None:
    odd = authority.client("odd", key=Ed25519PrivateKey.generate())
    said = preflight(secured(free_port(), authority, odd)) or ""
    assert said.startswith(f"the MQTT client cannot use {odd.cert}: ")
    assert said.endswith("; use an RSA or EC P-256 key")


def test_a_key_that_others_may_read_is_named_with_its_cure(
    authority: Authority, mine: Pair
) -> None:
    mine.key.chmod(0o640)
    assert preflight(secured(free_port(), authority, mine)) == (
        f"the key {mine.key} is open to other users (mode 0640); run `chmod 600 {mine.key}`"
    )


@pytest.mark.parametrize("which", ["cert", "key", "ca"])
def test_a_missing_file_is_named(authority: Authority, mine: Pair, which: str) -> None:
    missing = authority.ca.with_name("not-there.pem")
    where = secured(free_port(), authority, mine)
    wrong = {
        "cert": replace(where, cert=missing),
        "key": replace(where, key=missing),
        "ca": replace(where, ca=missing),
    }[which]
    assert preflight(wrong) == (
        f"{missing} cannot be read: No such file or directory; create it, or name another file"
    )


@pytest.mark.parametrize("which", ["cert", "key"])
def test_half_a_pair_is_named(authority: Authority, mine: Pair, which: str) -> None:
    where = secured(free_port(), authority, mine)
    half = replace(where, cert=None) if which == "cert" else replace(where, key=None)
    assert "set both `cert` and `key`" in (preflight(half) or "")


def test_a_file_that_is_no_certificate_is_named(authority: Authority, mine: Pair) -> None:
    mine.cert.write_text("hello")
    assert "unencrypted key in PEM format" in (
        preflight(secured(free_port(), authority, mine)) or ""
    )
    authority.ca.write_text("hello")
    assert "no CA certificate" in (preflight(secured(free_port(), authority, mine)) or "")


def test_a_ca_that_has_expired_is_named(tmp_path: Path, mine: Pair) -> None:
    old = Authority(tmp_path, "old", days=-1)
    wrong = preflight(secured(free_port(), old, mine)) or ""
    assert wrong.startswith(f"the CA in {old.ca} expired on 20")


# ---------------------------------------------------------------- no broker at all


def test_a_port_where_nobody_listens_is_named() -> None:
    port = free_port()
    assert preflight(endpoint(port, "v1")) == (
        f"127.0.0.1:{port} cannot be reached: Connection refused; "
        "check that the broker is running and that this is its port"
    )


def test_a_host_that_does_not_exist_is_named() -> None:
    where = replace(endpoint(1883, "v1"), host="no-such-host.invalid")
    assert "the host name no-such-host.invalid cannot be resolved" in (preflight(where) or "")


def test_a_broker_without_tls_is_named(tmp_path: Path, authority: Authority, mine: Pair) -> None:
    plain = Mosquitto(tmp_path, None, "")
    try:
        assert preflight(endpoint(plain.port, "v1")) is None
        assert "check that this is the port for TLS" in (
            preflight(secured(plain.port, authority, mine)) or ""
        )
    finally:
        plain.kill()


async def test_stopping_does_not_wait_for_a_broker_we_do_not_trust(
    tmp_path: Path, authority: Authority, mine: Pair
) -> None:
    own = authority.server("s", host=HERE, days=1)
    broker = Mosquitto(tmp_path, ServerTls(own.cert, own.key, authority.ca), "")
    ven = Peer(secured(broker.port, Authority(tmp_path, "stranger"), mine), [CMD], None)
    seen = broker.log().count("New connection")
    ven.link.start()
    try:
        async with asyncio.timeout(5):
            while broker.log().count("New connection") == seen:
                await asyncio.sleep(0.01)
            await ven.link.stop()  # awscrt holds up its news of this handshake for 13 s and more
    finally:
        broker.kill()


def test_a_password_is_in_no_words_about_an_endpoint(caplog: pytest.LogCaptureFixture) -> None:
    where = replace(endpoint(1883, "v1"), username="u", password="marker-secret")
    logging.getLogger("venctl").warning("%s %r", where, where)
    assert "marker-secret" not in caplog.text + repr(where) + str(where)
