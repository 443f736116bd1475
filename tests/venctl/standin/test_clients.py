"""Clients that other people wrote, against the stand-in: mosquitto's, paho and awscrt in 3.1.1."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from awscrt import io
from awscrt import mqtt as crt
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.mqtt.peers import Peer, Raw
from tests.kit.process.site import until
from tests.kit.process.standin import StandIn
from tests.kit.tools import tool
from venctl.standin.broker import v311

WITHIN_S = 10.0
PLAIN, TLS = "plain", "tls"


@pytest.fixture(scope="module", params=[PLAIN, TLS])
def cloud(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    flags = ["--tls"] if request.param == TLS else []
    one = StandIn(tmp_path_factory.mktemp("cloud"), *flags)
    yield one
    one.close()


def where(cloud: StandIn) -> list[str]:
    said = ["-h", "localhost", "-p", str(cloud.mqtt_port)]
    if "tls" in cloud.said:
        ca, cert, key = map(str, cloud.tls())
        said += ["--cafile", ca, "--cert", cert, "--key", key]
    return said


def tls(cloud: StandIn) -> Any:
    return cloud.tls() if "tls" in cloud.said else None


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
def test_mosquittos_clients_publish_and_subscribe(
    cloud: StandIn, version: str, tmp_path: Path
) -> None:
    topic = f"mosquitto/{version}"
    out = tmp_path / "heard.txt"
    with out.open("wb") as heard:
        ear = subprocess.Popen(
            [tool("mosquitto_sub"), *where(cloud), "-V", version, "-q", "1", "-C", "20",
             "-t", topic, "-t", f"{topic}/ready"],
            stdout=heard, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            mouth = Peer(cloud.mqtt_port, "mouth", tls=tls(cloud))
            until(lambda: mouth.publish(f"{topic}/ready", b"ready") == 0, "somebody listens")
            for n in range(19):
                done = subprocess.run(
                    [tool("mosquitto_pub"), *where(cloud), "-V", version, "-q", "1",
                     "-t", topic, "-m", f"message {n}"],
                    capture_output=True, text=True, timeout=WITHIN_S,
                )  # fmt: skip
                assert done.returncode == 0 and not done.stderr, done.stderr
            assert ear.wait(WITHIN_S) == 0
        finally:
            ear.kill()
            mouth.close()
    assert out.read_text().split("\n")[1:-1] == [f"message {n}" for n in range(19)]


def test_an_old_client_has_sessions_wills_and_retained_messages(cloud: StandIn) -> None:
    old = {"version": mqtt.MQTTv311, "tls": tls(cloud)}
    one = Peer(cloud.mqtt_port, "old", clean=False, **old)
    one.client.subscribe("old/post", 1)
    until(lambda: one.granted, "SUBACK")
    one.close()
    victim = Peer(cloud.mqtt_port, "victim", topic="old/post", payload=b"will", qos=1, **old)
    victim.client.publish("old/kept", b"kept", 1, retain=True).wait_for_publish(WITHIN_S)
    victim.client.loop_stop()
    victim.client.socket().close()
    new = Peer(cloud.mqtt_port, "new", tls=tls(cloud))
    new.publish("old/post", b"post", ContentType="text/plain")
    back = Peer(cloud.mqtt_port, "old", clean=False, **old)
    assert back.present
    until(lambda: len(back.heard) == 2, "both messages")
    assert sorted(m.payload for m in back.heard) == [b"post", b"will"]
    back.client.subscribe("old/kept", 0)
    until(lambda: len(back.heard) == 3, "the retained message")
    assert back.heard[-1].retain and back.heard[-1].payload == b"kept"
    back.client.unsubscribe("old/post")
    back.close()
    new.close()


def test_an_old_client_is_told_in_its_own_words_what_it_may_not(cloud: StandIn) -> None:
    one = Peer(cloud.mqtt_port, "dare", version=mqtt.MQTTv311, tls=tls(cloud))
    one.client.subscribe("a/" * 8, 1)
    until(lambda: one.granted, "SUBACK")
    assert one.granted[0][0].value == 0x80
    one.client.publish("$aws/events/x", b"", 1)
    until(lambda: one.lost, "the end of the link")
    one.client.loop_stop()


def test_the_old_client_of_awscrt_works(cloud: StandIn) -> None:
    bootstrap = io.ClientBootstrap.get_or_create_static_default()
    options = None
    if "tls" in cloud.said:
        ca, cert, key = map(str, cloud.tls())
        files = io.TlsContextOptions.create_client_with_mtls_from_path(cert, key)
        files.override_default_trust_store_from_path(None, ca)
        options = io.ClientTlsContext(files)
    connection = crt.Connection(
        client=crt.Client(bootstrap, options),
        host_name="localhost",
        port=cloud.mqtt_port,
        client_id="crt311",
        clean_session=False,
    )
    heard: Future[bytes] = Future()
    assert connection.connect().result(WITHIN_S)["session_present"] is False
    subscribed, _ = connection.subscribe(
        "crt/x", crt.QoS.AT_LEAST_ONCE, lambda topic, payload, **more: heard.set_result(payload)
    )
    assert subscribed.result(WITHIN_S)["qos"] == crt.QoS.AT_LEAST_ONCE
    connection.publish("crt/x", b"hello", crt.QoS.AT_LEAST_ONCE)[0].result(WITHIN_S)
    assert heard.result(WITHIN_S) == b"hello"
    connection.disconnect().result(WITHIN_S)


def test_both_versions_share_one_session_name(cloud: StandIn) -> None:
    if "tls" in cloud.said:
        pytest.skip("raw packets need no TLS to say this")
    gone = threading.Event()
    old = Peer(cloud.mqtt_port, "shared", version=mqtt.MQTTv311)
    old.client.on_disconnect = lambda *_: gone.set()
    Raw(cloud.mqtt_port, "shared")
    assert gone.wait(WITHIN_S)
    old.client.loop_stop()


@given(st.integers(0, 268_435_455))
def test_a_length_is_written_as_the_protocol_reads_it(length: int) -> None:
    class Long(bytes):
        def __len__(self) -> int:
            return length

    framed = v311._framed(0xC0, Long())
    value = sum((digit & 0x7F) << 7 * place for place, digit in enumerate(framed[1:]))
    assert value == length and all(d & 0x80 for d in framed[1:-1]) and framed[-1] < 0x80
