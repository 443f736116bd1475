"""The stand-in's REST door with boto3 and the aws command, and the limits of the shadow service."""

from __future__ import annotations

import http.client
import json
import os
import random
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mqtt5
import pytest
from botocore.exceptions import ClientError

from tests.kit.mqtt.peers import Peer, Raw
from tests.kit.process.data_plane import iot_data
from tests.kit.process.site import Site, until
from venctl.standin.server import StandInServer
from venctl.standin.shadow.throttle import Throttle

VEN = "volttron_local"
PROPERTIES, CORRELATION = "x-amz-mqtt5-user-properties", "x-amz-mqtt5-correlation-data"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInServer]:
    one = StandInServer.start(mqtt_port=0, data_port=0, folder=tmp_path_factory.mktemp("cloud"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def client(cloud: StandInServer) -> Any:
    return iot_data(f"http://127.0.0.1:{cloud.data_port}")


def update(client: Any, thing: str, name: str = "", **state: Any) -> Any:
    more = {"shadowName": name} if name else {}
    payload = json.dumps({"state": state})
    answer = client.update_thing_shadow(thingName=thing, payload=payload, **more)
    return json.loads(answer["payload"].read())


def refused(error: Any) -> tuple[int, str, str]:
    said = error.value.response
    code = said["ResponseMetadata"]["HTTPStatusCode"]
    return code, said["Error"]["Code"], said["Error"]["Message"]


def test_named_shadows_are_listed_page_by_page(client: Any) -> None:
    update(client, "shelf", reported={"a": 1})
    for n in range(5):
        update(client, "shelf", f"circuits-{n}", reported={"a": n})
    client.delete_thing_shadow(thingName="shelf", shadowName="circuits-1")
    first = client.list_named_shadows_for_thing(thingName="shelf", pageSize=3)
    rest = client.list_named_shadows_for_thing(thingName="shelf", nextToken=first["nextToken"])
    assert first["results"] + rest["results"] == [f"circuits-{n}" for n in (0, 2, 3, 4)]
    assert "nextToken" not in rest and first["timestamp"] > 1_700_000_000
    unknown = client.list_named_shadows_for_thing(thingName="nobody")
    assert unknown["results"] == [] and unknown["timestamp"]


@pytest.mark.parametrize("size", ["0", "101", "x"])
def test_a_page_has_1_to_100_names(client: Any, cloud: StandInServer, size: str) -> None:
    path = f"/api/things/shadow/ListNamedShadowsForThing/t?pageSize={size}"
    assert _plain(cloud, "GET", path)[0] == 400


def test_retained_messages_are_listed_and_got(client: Any, cloud: StandInServer) -> None:
    one = Peer(cloud.mqtt_port, "keeper")
    one.publish("kept/b", b"\x00\xffb", retain=True, UserProperty=("who", "me"))
    client.publish(topic="kept/a", qos=0, retain=True, payload=b"aa")
    pages = client.get_paginator("list_retained_messages").paginate(
        PaginationConfig={"PageSize": 1}
    )
    found = [note for page in pages for note in page["retainedTopics"]]
    assert [(n["topic"], n["payloadSize"], n["qos"]) for n in found] == [
        ("kept/a", 2, 0),
        ("kept/b", 3, 1),
    ]
    got = client.get_retained_message(topic="kept/b")
    assert (got["topic"], got["payload"], got["qos"]) == ("kept/b", b"\x00\xffb", 1)
    assert json.loads(got["userProperties"]) == [{"who": "me"}]
    assert got["lastModifiedTime"] == found[1]["lastModifiedTime"] > 1_700_000_000_000
    client.publish(topic="kept/a", qos=1, retain=True, payload=b"")
    with pytest.raises(ClientError) as error:
        client.get_retained_message(topic="kept/a")
    assert refused(error)[:2] == (404, "ResourceNotFoundException")
    one.close()


def test_a_message_published_over_http_carries_all_its_properties(
    client: Any, cloud: StandInServer
) -> None:
    ear = Peer(cloud.mqtt_port, "ear")
    ear.subscribe("http/#")
    client.publish(
        topic="http/x", qos=1, payload=b"hello", contentType="text/plain", responseTopic="answers",
        messageExpiry=60, payloadFormatIndicator="UTF8_DATA", correlationData="YWJj",
    )  # fmt: skip
    until(lambda: ear.heard, "the message")
    said = ear.heard[0].properties
    assert (said.ContentType, said.ResponseTopic) == ("text/plain", "answers")
    assert (said.CorrelationData, said.PayloadFormatIndicator) == (b"abc", 1)
    assert 50 < said.MessageExpiryInterval <= 60
    ear.close()


def test_a_shadow_request_may_be_published_over_http_and_nothing_else_reserved(
    client: Any, cloud: StandInServer
) -> None:
    payload = json.dumps({"state": {"reported": {"a": 1}}})
    client.publish(topic="$aws/things/byhttp/shadow/update", qos=1, payload=payload)
    until(lambda: _exists(client, "byhttp"), "the shadow")
    for topic in ("$aws/things/byhttp/shadow/update/accepted", "$aws/rules/x"):
        with pytest.raises(ClientError) as error:
            client.publish(topic=topic, qos=1, payload=payload)
        assert refused(error)[:2] == (403, "ForbiddenException")


def _exists(client: Any, thing: str) -> bool:
    try:
        return bool(client.get_thing_shadow(thingName=thing))
    except ClientError:
        return False


@pytest.mark.parametrize("said", [[{"a": "1"}, {"a": "2"}], '[{"a": "1"}, {"a": "2"}]'])
def test_user_properties_come_as_json_or_as_text_that_holds_json(
    client: Any, cloud: StandInServer, said: Any
) -> None:
    ear = Peer(cloud.mqtt_port, "ear2")
    ear.subscribe("http/properties")
    client.publish(topic="http/properties", qos=1, payload=b"", userProperties=said)
    until(lambda: ear.heard, "the message")
    assert ear.heard[0].properties.UserProperty == [("a", "1"), ("a", "2")]
    ear.close()


@pytest.mark.parametrize(
    ("method", "path", "headers", "code", "name"),
    [
        ("PUT", "/things/t/shadow", {}, 405, "MethodNotAllowedException"),
        ("GET", "/nowhere", {}, 404, "ResourceNotFoundException"),
        ("POST", "/topics/a%2Fb?qos=2", {}, 400, "InvalidRequestException"),
        ("POST", "/topics/a%2Fb?messageExpiry=soon", {}, 400, "InvalidRequestException"),
        ("POST", "/topics/a%2F%23", {}, 400, "InvalidRequestException"),
        ("POST", "/topics/" + "a%2F" * 8, {}, 400, "InvalidRequestException"),
        ("POST", "/topics/a", {PROPERTIES: "!"}, 400, "InvalidRequestException"),
        ("POST", "/topics/a", {PROPERTIES: "W3siYSI6MX1d"}, 400, "InvalidRequestException"),
        ("POST", "/topics/a", {CORRELATION: "!"}, 400, "InvalidRequestException"),
        ("GET", "/things/t/shadow", {"Authorization": "Basic x"}, 403, "ForbiddenException"),
        ("GET", "/things/t/shadow", {"Origin": "http://localhost"}, 403, "ForbiddenException"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_the_name_aws_gives_it(
    cloud: StandInServer, method: str, path: str, headers: dict[str, str], code: int, name: str
) -> None:
    status, said, body = _plain(cloud, method, path, headers)
    assert (status, said["x-amzn-ErrorType"]) == (code, name)
    assert body["message"] and len(body["traceId"]) == 32


def _plain(
    cloud: StandInServer, method: str, path: str, headers: dict[str, str] | None = None
) -> tuple[int, Any, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", cloud.data_port, timeout=10)
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=x"}
    connection.request(method, path, b"x" if method != "GET" else None, signed | (headers or {}))
    answer = connection.getresponse()
    said = answer.status, answer.headers, json.loads(answer.read())
    connection.close()
    return said


def test_a_body_over_128_kb_is_too_large(client: Any) -> None:
    with pytest.raises(ClientError) as error:
        client.publish(topic="big", qos=1, payload=b"x" * (128 * 1024 + 1))
    assert refused(error) == (
        413,
        "RequestEntityTooLargeException",
        "The payload exceeds the maximum size allowed",
    )
    client.publish(topic="big", qos=1, payload=b"x" * (128 * 1024))


def test_a_thing_has_twenty_requests_a_second(cloud: StandInServer) -> None:
    one = Raw(cloud.mqtt_port, "eager")
    base = "$aws/things/eager/shadow/get"
    one.subscribe(f"{base}/+")
    codes: list[int] = []
    for _ in range(3):
        one.socket.sendall(bytes(mqtt5.PublishPacket(base, b"").write()) * 10)
        said = [one.next() for _ in range(10)]
        codes += [json.loads(packet.payload)["code"] for packet in said]
    one.close()
    assert codes[:20] == [404] * 20 and 429 in codes[20:]


def test_over_http_too_many_requests_are_a_throttling_exception(tmp_path: Path) -> None:
    cloud = StandInServer.start(mqtt_port=0, data_port=0, folder=tmp_path, rate=1)
    client = iot_data(f"http://127.0.0.1:{cloud.data_port}")
    update(client, "eager", reported={"a": 1})
    with pytest.raises(ClientError) as error:
        client.get_thing_shadow(thingName="eager")
    assert refused(error) == (429, "ThrottlingException", "Too Many Requests")
    assert update(client, "another", reported={"a": 1})["version"] == 1
    cloud.stop()


def test_a_bucket_fills_as_time_goes_on_and_never_over_its_brim() -> None:
    now = [0.0]
    throttle = Throttle(2, lambda: now[0])
    assert [throttle.admits("a") for _ in range(3)] == [True, True, False]
    now[0] = 0.5
    assert [throttle.admits("a") for _ in range(2)] == [True, False]
    now[0] = 100.0
    assert [throttle.admits("a") for _ in range(3)] == [True, True, False]
    now[0] = 50.0  # a clock may be set back
    assert not throttle.admits("a") and throttle.admits("b")


def test_more_than_ten_requests_in_flight_on_a_connection_are_throttled(
    cloud: StandInServer,
) -> None:
    one = Raw(cloud.mqtt_port, "burst")
    base = "$aws/things/inflight/shadow/get"
    one.subscribe(f"{base}/+")
    packets = [
        mqtt5.PublishPacket(base, json.dumps({"clientToken": str(n)}).encode()) for n in range(15)
    ]
    one.socket.sendall(b"".join(bytes(packet.write()) for packet in packets))
    said = [json.loads(one.next().payload) for _ in packets]
    assert [s["clientToken"] for s in said] == [str(n) for n in range(15)]
    assert [s["code"] for s in said] == [404] * 10 + [429] * 5
    assert said[-1]["message"] == "Too Many Requests"
    one.send(packets[0])
    assert json.loads(one.next().payload)["code"] == 404
    one.close()


def test_no_order_is_promised_among_the_messages_about_one_update(tmp_path: Path) -> None:
    dice = random.Random(4)
    cloud = StandInServer.start(mqtt_port=0, data_port=0, folder=tmp_path, order=dice, rate=1_000)
    one = Raw(cloud.mqtt_port, "order")
    one.subscribe("$aws/things/t/shadow/update/+")
    orders = set()
    for n in range(40):
        payload = json.dumps({"state": {"desired": {"n": n}}}).encode()
        one.send(mqtt5.PublishPacket("$aws/things/t/shadow/update", payload))
        said = [one.next() for _ in range(3)]
        assert {json.loads(p.payload).get("version", n + 1) for p in said} == {n + 1}
        orders.add(tuple(p.topic.rpartition("/")[2] for p in said))
        for packet in said:
            one.send(mqtt5.PubAckPacket(packet.packet_id))
    one.close()
    cloud.stop()
    assert len(orders) == 6


def test_the_four_commands_of_the_users_document_run(site: Site) -> None:
    until(lambda: site.state()["link"]["last_sent"], "telemetry")
    lines = [shlex.split(line)[1] for line in site.venctl("env").stdout.splitlines()]
    said = dict(line.split("=", 1) for line in lines)
    for words in COMMANDS:
        run = [str(Path(sys.executable).with_name("aws")), *shlex.split(words)[1:]]
        done = subprocess.run(
            run, cwd=site.folder, env=os.environ | said, text=True, capture_output=True, timeout=60
        )
        assert done.returncode == 0, (words, done.stderr)
    reported = json.loads((site.folder / "shadow.json").read_text())["state"]["reported"]
    assert {c["id"] for c in reported["circuits"]} >= {"hvac1", "ev1"}
    until(lambda: site.state()["power_kw"] == 6.5, "hvac1 off")


def _wish(circuit: str) -> str:
    return json.dumps({"state": {"desired": {"circuits": [{"id": circuit, "enabled": False}]}}})


COMMANDS = (
    f"aws iot-data get-thing-shadow --thing-name {VEN} shadow.json",
    f"aws iot-data update-thing-shadow --thing-name {VEN} --payload '{_wish('hvac1')}' up.json",
    f"aws iot-data get-thing-shadow --thing-name {VEN} shadow.json",
    f"aws iot-data update-thing-shadow --thing-name {VEN} --payload '{_wish('ev1')}' up.json",
)
