"""A device on the stand-in is held to its policy, as at AWS; every other client is an operator."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mqtt5
import paho.mqtt.client as mqtt
import pytest

from statemachine import read
from tests.kit.mqtt.peers import Peer, Raw
from tests.kit.paths import ROOT
from tests.kit.process.data_plane import iot_data
from tests.kit.process.site import STEADY, Backend, Site, until, venctl
from venctl.base.policy import documents
from venctl.standin.server import DeviceIdentity, StandInServer

SPEC = read((ROOT / "ven.yaml").read_text(), "ven.yaml")
POLICY = documents(SPEC, "local", "000000000000")
VEN = "volttron_local"
STATUS = f"ven/status/{VEN}"


def without(topic: str) -> list[Any]:
    """The policy, with an explicit Deny of everything on this topic."""
    denied = {"Effect": "Deny", "Action": "iot:*", "Resource": f"arn:aws:iot:a:b:topic/{topic}"}
    return [*POLICY, {"Version": "2012-10-17", "Statement": [denied]}]


Maker = Callable[[list[Any]], StandInServer]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Maker]:
    made: list[StandInServer] = []

    def make(said: list[Any]) -> StandInServer:
        device = DeviceIdentity(VEN, said)
        made.append(StandInServer.start(mqtt_port=0, data_port=0, folder=tmp_path, device=device))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def test_what_the_policy_allows_works(start: Maker) -> None:
    cloud = start(POLICY)
    will = {"topic": STATUS, "payload": b"gone", "qos": 1, "retain": True}
    ven, operator = Peer(cloud.mqtt_port, VEN, **will), Peer(cloud.mqtt_port, "script")
    operator.subscribe("#")
    assert ven.subscribe(f"ven/cmd/{VEN}") == 1
    assert operator.publish(f"ven/cmd/{VEN}", b"1") == 0
    until(lambda: ven.heard, "the command")
    for topic in (f"ven/ack/{VEN}", f"ven/telemetry/{VEN}", "volttron/metering"):
        assert ven.publish(topic, b"1") == 0
    assert ven.publish(STATUS, b"here", retain=True) == 0
    ven.cut()
    until(lambda: b"gone" in [m.payload for m in operator.heard], "the will")
    operator.close()


def test_a_publish_that_is_not_allowed_is_answered_so_and_the_link_stays(start: Maker) -> None:
    cloud = start(without(STATUS))
    ven, operator = Peer(cloud.mqtt_port, VEN), Peer(cloud.mqtt_port, "script")
    operator.subscribe("#")
    for topic in (STATUS, "ven/ack/other", f"ven/cmd/{VEN}", "$aws/things/x/shadow/update"):
        assert ven.publish(topic, b"1") == 0x87
    assert ven.publish(f"ven/ack/{VEN}", b"1", retain=True) == 0x87
    assert ven.publish(f"ven/ack/{VEN}", b"1") == 0
    until(lambda: operator.heard, "the ack")
    assert operator.topics() == [f"ven/ack/{VEN}"] and not ven.lost
    ven.close()
    operator.close()


@pytest.mark.parametrize("version", [mqtt.MQTTv5, mqtt.MQTTv311])
def test_a_publish_that_nothing_can_answer_costs_the_link(start: Maker, version: int) -> None:
    cloud = start(POLICY)
    ven = Peer(cloud.mqtt_port, VEN, version=version)
    ven.client.publish("ven/ack/other", b"1", qos=0 if version == mqtt.MQTTv5 else 1)
    until(lambda: ven.lost, "the end of the link")
    assert version == mqtt.MQTTv311 or ven.lost[0].value == 0x87
    ven.client.loop_stop()


def test_an_old_client_loses_the_link_over_a_subscription_that_is_not_allowed(
    start: Maker,
) -> None:
    ven = Peer(start(POLICY).mqtt_port, VEN, version=mqtt.MQTTv311)
    ven.client.subscribe([(f"ven/cmd/{VEN}", 1), ("#", 1)])
    until(lambda: ven.lost, "the end of the link")
    assert not ven.granted
    ven.client.loop_stop()


def test_a_subscription_is_allowed_or_refused_one_by_one(start: Maker) -> None:
    one = Raw(start(POLICY).mqtt_port, VEN)
    base = f"$aws/things/{VEN}/shadow"
    patterns = [f"ven/cmd/{VEN}", "#", f"{base}/get/+", f"{base}/#", "ven/cmd/other"]
    one.send(
        mqtt5.SubscribePacket(1, [mqtt5.TopicFilter(p, max_qos=mqtt5.QoS(1)) for p in patterns])
    )
    assert [int(code) for code in one.next().reason_codes] == [1, 0x87, 1, 0x87, 0x87]
    one.close()


@pytest.mark.parametrize("retain", [True, False])
def test_a_connect_whose_will_is_not_allowed_is_refused_whole(start: Maker, retain: bool) -> None:
    cloud = start(without(STATUS))
    will = mqtt5.Will(STATUS, payload=b"gone", retain=retain, qos=mqtt5.QoS.AT_LEAST_ONCE)
    refused = Raw(cloud.mqtt_port, VEN, will=will)
    assert int(refused.let_in.reason_code) == 0x87 and refused.next() is None
    assert int(Raw(cloud.mqtt_port, VEN).let_in.reason_code) == 0


def test_a_message_that_may_not_be_received_does_not_arrive(start: Maker) -> None:
    cloud = start(without(f"ven/cmd/{VEN}"))
    ven, operator = Peer(cloud.mqtt_port, VEN, clean=False), Peer(cloud.mqtt_port, "script")
    ven.subscribe(f"ven/cmd/{VEN}")
    base = f"$aws/things/{VEN}/shadow"
    ven.subscribe(f"{base}/get/+")
    operator.publish(f"ven/cmd/{VEN}", b"1")
    operator.publish(f"{base}/get", b"")
    until(lambda: ven.heard, "the answer")
    assert ven.topics() == [f"{base}/get/rejected"]
    assert not cloud._broker.roster.sessions[VEN].under_way
    ven.close()
    operator.close()


def test_an_operator_may_do_everything_but_speak_for_the_services(start: Maker) -> None:
    cloud = start(without("*"))
    one = Peer(cloud.mqtt_port, "anything", topic="x/y", payload=b"", retain=True)
    assert one.subscribe("#") == 1 and one.subscribe("$aws/#") == 1
    assert one.publish(f"ven/cmd/{VEN}", b"1") == 0
    assert one.publish("$aws/things/other/shadow/get", b"") == 0
    assert one.publish("$aws/things/other/shadow/get/accepted", b"{}") == 0x87
    assert one.publish("$aws/things/other/shadow/update", b"{}", retain=True) == 0x87
    one.close()


def test_a_site_may_name_a_policy_of_its_own_and_lacks_what_it_lacks(tmp_path: Path) -> None:
    policy = tmp_path / "my.json"
    site = Site(tmp_path, with_cloud("policy: my.json"))
    policy.write_text(venctl("aws", "policy", cwd=tmp_path).stdout.replace("topic/ven/ack", "x"))
    site.start().connected()
    backend = Backend(int(site.ready["mqtt"].rpartition(":")[2]))
    try:
        backend.send({"op": "ping"})
        until(lambda: backend.on("ven/telemetry"), "telemetry")
        assert not backend.acks()
    finally:
        backend.close()
        site.close()


def test_a_site_of_a_hundred_circuits_is_served_under_its_policy(tmp_path: Path) -> None:
    head, _, rest = STEADY.partition("circuits:\n")
    circuits = "".join(f"  c{n}: {{rated: 0.1 kW, shed: 100 %}}\n" for n in range(100))
    tail = rest[rest.index("\nlimits:") :]
    site = Site(tmp_path, f"{head}circuits:\n{circuits}{tail}").start().connected()
    client = iot_data(f"http://{site.ready['data']}")
    name = {"thingName": VEN, "shadowName": "circuits-1"}
    try:
        until(lambda: len(_names(client)) == 3, "three shadows for the circuits", 30)
        wish = {"state": {"desired": {"circuits": [{"id": "c60", "enabled": False}]}}}
        client.update_thing_shadow(payload=json.dumps(wish), **name)
        until(lambda: "desired" not in _state(client, name), "the wish is consumed", 30)
        said = {c["id"]: c["enabled"] for c in _state(client, name)["reported"]["circuits"]}
        assert len(said) == 40 and not said["c60"]
    finally:
        site.close()


def _names(client: Any) -> list[str]:
    return list(client.list_named_shadows_for_thing(thingName=VEN)["results"])


def _state(client: Any, name: dict[str, str]) -> dict[str, Any]:
    return dict(json.loads(client.get_thing_shadow(**name)["payload"].read())["state"])


@pytest.mark.parametrize("tls", ["false", "true"])
def test_without_the_right_to_its_status_a_site_works_and_says_what_is_denied(
    tmp_path: Path, tls: str
) -> None:
    site = Site(tmp_path, with_cloud(f"policy: my.json, tls: {tls}"))
    printed = json.loads(venctl("aws", "policy", "--json", cwd=tmp_path).stdout)
    (tmp_path / "my.json").write_text(json.dumps([*printed, without(STATUS)[-1]]))
    site.start().connected()
    try:
        event = ("trigger", "event", "--via", "mqtt", "--shed", "2 kW", "--for", "5 min", "--json")
        assert json.loads(site.venctl(*event).stdout)["actual_shed_kw"] == 2.0
        until(lambda: site.state()["power_kw"] == 8.0, "8 kW")
        until(lambda: STATUS in site.state()["link"]["denied"], "what is denied is told")
        denied = site.state()["link"]["denied"]
        assert all(STATUS in word for word in denied)
        heard = site.venctl("listen", "telemetry", "--count", "1")
        assert heard.returncode == 0 and site.state()["link"]["state"] == "connected"
    finally:
        site.close()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "No such file"),
        ("{", "my.json is not JSON"),
        ('{"Statement": []}', "has no Statement"),
    ],
)
def test_a_policy_that_cannot_be_used_is_told_before_anything_starts(
    tmp_path: Path, text: str | None, words: str
) -> None:
    (tmp_path / "ven.yaml").write_text(with_cloud("policy: my.json"))
    if text is not None:
        (tmp_path / "my.json").write_text(text)
    refused = venctl("run", "--port", "0", "--mqtt-port", "0", "--data-port", "0", cwd=tmp_path)
    assert refused.returncode == 2 and words in refused.stderr


def test_only_the_stand_in_takes_a_policy(tmp_path: Path) -> None:
    (tmp_path / "ven.yaml").write_text(
        STEADY.replace("{kind: local}", "{kind: mqtt, host: h, policy: p, tls: true}", 1)
    )
    said = venctl("check", cwd=tmp_path).stderr
    assert "kind mqtt has no setting `policy`" in said and "kind mqtt has no setting `tls`" in said


def with_cloud(more: str) -> str:
    return STEADY.replace("cloud: {kind: local}", f"cloud: {{kind: local, {more}}}", 1)
