"""The stand-in over TLS: its certificates, who gets in with them, and the clients people have."""

from __future__ import annotations

import errno
import json
import os
import shlex
import socket
import ssl
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import mqtt5
import paho.mqtt.client as mqtt
import pytest
from cryptography import x509

from tests.kit.mqtt.certificates import Authority
from tests.kit.mqtt.peers import Peer
from tests.kit.process.data_plane import iot_data
from tests.kit.process.faulty_disk import Disk
from tests.kit.process.site import STEADY, Site, until, venctl
from tests.kit.process.standin import StandIn
from venctl.standin.certificates import Identities, identities

NOW = datetime.now(UTC)
TLS = STEADY.replace("cloud: {kind: local}", "cloud: {kind: local, tls: true}", 1)
VEN = "volttron_local"


def serial(file: Path) -> int:
    return x509.load_pem_x509_certificate(file.read_bytes()).serial_number


def serials(who: Identities) -> list[int]:
    pairs = (who.server, who.device, who.operator)
    return [serial(who.ca), *(serial(pair.cert) for pair in pairs)]


def test_only_their_owner_can_read_the_keys(tmp_path: Path) -> None:
    identities(tmp_path / "tls", NOW)
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700
    keys = list((tmp_path / "tls").glob("*.key"))
    assert len(keys) == 4
    assert all(stat.S_IMODE(key.stat().st_mode) == 0o600 for key in keys)


def test_certificates_are_kept_and_renewed_long_before_they_expire(tmp_path: Path) -> None:
    first = serials(identities(tmp_path, NOW))
    assert serials(identities(tmp_path, NOW + timedelta(days=399))) == first
    later = serials(identities(tmp_path, NOW + timedelta(days=401)))
    assert later[0] == first[0] and not set(later[1:]) & set(first[1:])
    last = serials(identities(tmp_path, NOW + timedelta(days=3650 - 799)))
    assert not set(last) & set(later)


def test_nothing_outlives_the_authority_that_signed_it(tmp_path: Path) -> None:
    for day in range(0, 8000, 300):
        who = identities(tmp_path, NOW + timedelta(days=day))
        ca = x509.load_pem_x509_certificate(who.ca.read_bytes())
        for pair in (who.server, who.device, who.operator):
            leaf = x509.load_pem_x509_certificate(pair.cert.read_bytes())
            leaf.verify_directly_issued_by(ca)
            assert leaf.not_valid_after_utc <= ca.not_valid_after_utc
            assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=825)


@pytest.mark.parametrize("broken", ["ca.key", "ca.pem", "server.pem", "device.key"])
def test_a_damaged_file_is_made_anew_with_what_hangs_on_it(tmp_path: Path, broken: str) -> None:
    before = serials(identities(tmp_path, NOW))
    (tmp_path / broken).write_text("nonsense")
    who = identities(tmp_path, NOW)
    changed = sum(a != b for a, b in zip(before, serials(who), strict=True))
    assert changed == (4 if broken.startswith("ca") else 1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(who.device.cert, who.device.key)


def test_certificates_that_cannot_be_renewed_serve_on_until_they_expire(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = serials(identities(tmp_path, NOW))

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("venctl.standin.certificates.write_files", full)
    assert serials(identities(tmp_path, NOW + timedelta(days=799))) == first
    with pytest.raises(OSError, match="No space left"):
        identities(tmp_path, NOW + timedelta(days=801))
    monkeypatch.undo()
    assert not set(serials(identities(tmp_path, NOW + timedelta(days=801)))[1:]) & set(first)


def test_a_full_disk_costs_no_start_unless_there_are_no_certificates_yet(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "state")
    try:
        (tmp_path / "state").mkdir()
        disk.full()
        flags = ("--mqtt-port=0", "--data-port=0", "--tls", "--state", str(tmp_path / "state"))
        refused = venctl("cloud", *flags, cwd=tmp_path, env=disk.env)
        assert refused.returncode and "Traceback" not in refused.stderr
        assert "cannot use TLS" in refused.stderr and "No space left" in refused.stderr
        disk.well()
        one = StandIn(tmp_path, "--tls", env=disk.env)
        one.stop()
        disk.full()
        one.start()
        peer = Peer(one.mqtt_port, "script", tls=one.tls())
        assert peer.publish("a/b", b"x", retain=True) < 0x80
        peer.close()
        one.close()
    finally:
        disk.close()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    one = StandIn(tmp_path_factory.mktemp("cloud"), "--tls")
    yield one
    one.close()


def context(cloud: StandIn, cert: bool) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(cloud.file("ca")))
    made.verify_flags |= ssl.VERIFY_X509_STRICT
    if cert:
        made.load_cert_chain(cloud.file("cert"), cloud.file("key"))
    return made


@pytest.mark.parametrize("version", [mqtt.MQTTv5, mqtt.MQTTv311])
def test_a_client_with_a_certificate_gets_in(cloud: StandIn, version: int) -> None:
    one = Peer(cloud.mqtt_port, "script", tls=cloud.tls(), version=version)
    one.client.subscribe("a/b", 1)
    until(lambda: one.granted, "SUBACK")
    one.client.publish("a/b", b"x" * 100_000, qos=1)
    until(lambda: one.heard, "the message")
    one.close()


def test_nobody_gets_in_without_one_nor_with_one_from_elsewhere(
    cloud: StandIn, tmp_path: Path
) -> None:
    other = Authority(tmp_path, "other").client("script")
    stranger = ssl.create_default_context(cafile=str(cloud.file("ca")))
    stranger.load_cert_chain(other.cert, other.key)
    for who in (context(cloud, False), stranger):
        assert not _speaks(cloud.mqtt_port, who)
    assert _speaks(cloud.mqtt_port, context(cloud, True))


def _speaks(port: int, who: ssl.SSLContext) -> bool:
    try:
        with (
            socket.create_connection(("127.0.0.1", port), 5) as plain,
            who.wrap_socket(plain, server_hostname="localhost") as secured,
        ):
            secured.sendall(bytes(mqtt5.ConnectPacket(client_id="s").write()))
            return bool(secured.recv(1))
    except OSError:
        return False


def test_the_server_is_known_by_name_and_by_address_to_the_strictest(cloud: StandIn) -> None:
    for host in ("localhost", "127.0.0.1"):
        with (
            socket.create_connection((host, cloud.data_port), 5) as plain,
            context(cloud, False).wrap_socket(plain, server_hostname=host) as secured,
        ):
            assert secured.version() == "TLSv1.3"


def test_the_data_plane_takes_a_signature_or_a_certificate(cloud: StandIn) -> None:
    url = f"https://localhost:{cloud.data_port}"
    signed = iot_data(url, verify=str(cloud.file("ca")))
    state = {"state": {"reported": {"a": 1}}}
    signed.update_thing_shadow(thingName="t", payload=json.dumps(state))
    shadow = f"{url}/things/t/shadow"
    with urllib.request.urlopen(shadow, context=context(cloud, True), timeout=10) as answer:
        assert json.loads(answer.read())["state"]["reported"] == {"a": 1}
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(shadow, context=context(cloud, False), timeout=10)
    assert refused.value.code == 403


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    one = Site(tmp_path_factory.mktemp("site"), TLS).start().connected()
    yield one
    one.close()


def folder(site: Site) -> Path:
    return Path(site.ready["tls"]["ca"]).parent


def test_a_ven_connects_with_its_certificate_and_says_where_everything_is(site: Site) -> None:
    assert site.state()["link"]["broker"] == site.ready["mqtt"]
    assert f"shadow   https://{site.ready['data']}" in site.said()
    assert all(Path(file).exists() for file in site.ready["tls"].values())


def test_the_device_is_held_to_its_policy_by_its_certificate(site: Site) -> None:
    tls = folder(site)
    port = int(site.ready["mqtt"].rpartition(":")[2])
    who = (tls / "ca.pem", tls / "device.pem", tls / "device.key")
    refused = Peer(port, "another_id", tls=who)
    assert refused.let_in[0][1].value == 0x87
    refused.client.loop_stop()
    url = f"https://{site.ready['data']}/things/{VEN}/shadow"
    device = ssl.create_default_context(cafile=str(who[0]))
    device.load_cert_chain(who[1], who[2])
    with pytest.raises(urllib.error.HTTPError) as forbidden:
        urllib.request.urlopen(url, context=device, timeout=10)
    assert forbidden.value.code == 403
    assert forbidden.value.headers["x-amzn-ErrorType"] == "ForbiddenException"


def test_the_aws_command_works_over_https_after_env(site: Site) -> None:
    lines = [shlex.split(line)[1] for line in site.venctl("env").stdout.splitlines()]
    said = dict(line.split("=", 1) for line in lines)
    assert said["AWS_ENDPOINT_URL_IOT_DATA_PLANE"] == f"https://{site.ready['data']}"
    until(lambda: site.state()["link"]["last_sent"], "telemetry")
    for words in (
        ("get-thing-shadow", "--thing-name", VEN, "got.json"),
        ("update-thing-shadow", "--thing-name", VEN, "--payload", WISH, "updated.json"),
    ):
        done = subprocess.run(
            [str(Path(sys.executable).with_name("aws")), "iot-data", *words],
            cwd=site.folder, env={**os.environ, **said}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert "reported" in json.loads((site.folder / "got.json").read_text())["state"]
    until(lambda: site.state()["power_kw"] == 9.6, "lights off")


WISH = '{"state":{"desired":{"circuits":[{"id":"lights1","enabled":false}]}}}'


def where(site: Site) -> list[str]:
    host, _, port = site.ready["mqtt"].partition(":")
    files = [word for name, file in site.ready["tls"].items() for word in (f"--{name}", file)]
    return ["--ven-id", VEN, "--endpoint", host, "--port", port, *files]


def test_trigger_and_listen_work_with_an_operators_certificate(site: Site, tmp_path: Path) -> None:
    ping = venctl("trigger", "ping", "--via", "mqtt", *where(site), "--json", cwd=tmp_path)
    assert ping.returncode == 0 and json.loads(ping.stdout)["pong"], ping.stderr
    heard = venctl("listen", "telemetry", *where(site), "--count", "1", cwd=tmp_path)
    assert heard.stdout.startswith(f"ven/telemetry/{VEN} {{"), heard.stderr


def test_beside_the_file_they_find_the_certificate_by_themselves(site: Site) -> None:
    ping = site.venctl("trigger", "ping", "--via", "mqtt", "--json")
    assert ping.returncode == 0 and json.loads(ping.stdout)["pong"], ping.stderr


def test_the_two_scripts_people_have_work_over_tls(site: Site) -> None:
    """One publishes a command and goes, the other listens to telemetry; both with MQTT 3.1.1."""
    port = int(site.ready["mqtt"].rpartition(":")[2])
    files: Any = tuple(Path(site.ready["tls"][name]) for name in ("ca", "cert", "key"))
    listener = Peer(port, "ven_telemetry_listen", tls=files, version=mqtt.MQTTv311)
    for topic in (f"ven/telemetry/{VEN}", f"ven/ack/{VEN}"):
        listener.client.subscribe(topic, 1)
    until(lambda: len(listener.granted) == 2, "SUBACK")
    sender = Peer(port, "ven_cmd_publish", tls=files, version=mqtt.MQTTv311)
    command = {
        "op": "event",
        "shed_kw": 2.5,
        "duration_sec": 600,
        "correlationId": "test-event-001",
    }
    sender.client.publish(f"ven/cmd/{VEN}", json.dumps(command), qos=1).wait_for_publish(10)
    sender.close()
    said = until(lambda: _said(listener, f"ven/ack/{VEN}"), "the ack")
    assert said[0]["correlationId"] == "test-event-001" and said[0]["status"] == "accepted"
    event = said[0]["event_id"]
    until(lambda: [t for t in _said(listener, f"ven/telemetry/{VEN}") if t["eventId"] == event],
          "telemetry of the event")  # fmt: skip
    site.http("POST", "/api/v1/restore", {"confirm_operator": True})
    listener.close()


def _said(listener: Peer, topic: str) -> list[dict[str, Any]]:
    return [json.loads(m.payload) for m in listener.heard if m.topic == topic]


def test_boto3_publishes_a_command_through_the_data_plane(site: Site) -> None:
    port = int(site.ready["mqtt"].rpartition(":")[2])
    files: Any = tuple(Path(site.ready["tls"][name]) for name in ("ca", "cert", "key"))
    listener = Peer(port, "ack_listen", tls=files)
    listener.subscribe(f"ven/ack/{VEN}")
    client = iot_data(f"https://{site.ready['data']}", verify=str(files[0]))
    payload = json.dumps({"op": "ping", "correlationId": "rest"})
    client.publish(topic=f"ven/cmd/{VEN}", qos=1, payload=payload)
    until(lambda: [a for a in _said(listener, f"ven/ack/{VEN}") if a.get("pong")], "pong")
    listener.close()
