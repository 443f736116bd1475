"""The stand-in's shadow service against the recorded cases, through MQTT and through REST."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from botocore.exceptions import ClientError

from tests.kit.paths import DATA, ROOT
from tests.kit.process.data_plane import iot_data
from tests.kit.process.site import until
from venctl.standin.server import StandInServer

CASES = json.loads((DATA / "shadow" / "cases.json").read_text())["cases"]
things = (f"thing-{n}" for n in count())


class Refused(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code, self.message = code, message


class Ear:
    """Hears everything on the shadow topics and asks over MQTT."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.on_message = lambda c, d, m: self._hear(m.topic, m.payload)
        granted: list[bool] = []
        self.client.on_subscribe = lambda *_: granted.append(True)
        self.client.on_connect = lambda client, *_: client.subscribe("$aws/#", 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        until(lambda: granted, "subscription")

    def _hear(self, topic: str, payload: bytes) -> None:
        if not topic.endswith(("/get", "/update", "/delete")):
            self.heard.append((topic, json.loads(payload)))

    def ask(self, thing: str, name: str | None, what: str, payload: bytes) -> Any:
        base = _base(thing, name)
        before = len(self.heard)
        self.client.publish(f"{base}/{what}", payload, qos=1)
        ends = (f"{base}/{what}/accepted", f"{base}/{what}/rejected")
        topic, said = until(
            lambda: next((h for h in self.heard[before:] if h[0] in ends), None), "an answer"
        )
        if topic.endswith("rejected"):
            raise Refused(said["code"], said["message"])
        return said

    def on(self, thing: str, name: str | None, end: str) -> list[Any]:
        return [said for topic, said in self.heard if topic == f"{_base(thing, name)}/{end}"]


def _base(thing: str, name: str | None) -> str:
    return f"$aws/things/{thing}/shadow" + (f"/name/{name}" if name else "")


class Rest:
    """Asks over REST, with boto3 as it comes."""

    def __init__(self, port: int) -> None:
        self.client = iot_data(f"http://127.0.0.1:{port}")

    def ask(self, thing: str, name: str | None, what: str, payload: bytes) -> Any:
        more = {"shadowName": name} if name else {}
        operation = getattr(self.client, f"{what}_thing_shadow")
        if what == "update":
            more["payload"] = payload
        try:
            return json.loads(operation(thingName=thing, **more)["payload"].read())
        except ClientError as error:
            code = error.response["ResponseMetadata"]["HTTPStatusCode"]
            raise Refused(code, error.response["Error"]["Message"]) from None

    def names(self, thing: str) -> list[str]:
        return list(self.client.list_named_shadows_for_thing(thingName=thing)["results"])


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInServer]:
    one = StandInServer.start(mqtt_port=0, data_port=0, folder=tmp_path_factory.mktemp("cloud"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def ear(cloud: StandInServer) -> Iterator[Ear]:
    one = Ear(cloud.mqtt_port)
    yield one
    one.client.disconnect()
    one.client.loop_stop()


@pytest.fixture(scope="module")
def rest(cloud: StandInServer) -> Rest:
    return Rest(cloud.data_port)


def payload_of(request: Any) -> bytes:
    if isinstance(request, dict) and "raw_latin1" in request:
        return str(request["raw_latin1"]).encode("latin-1")
    return json.dumps(request).encode()


def play(door: Ear | Rest, rest: Rest, thing: str, request: Any) -> Any:
    match request:
        case ["get" | "delete" as what, name]:
            return door.ask(thing, name, what, b"")
        case ["named", name, body]:
            return door.ask(thing, name, "update", payload_of(body))
        case ["list"]:
            return rest.names(thing)
        case ["list_unknown"]:
            return rest.names(f"{thing}-unknown")
        case ["sleep", seconds]:
            time.sleep(seconds)
            return None
    return door.ask(thing, None, "update", payload_of(request))


def unstamped(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: 0 if k == "timestamp" else unstamped(v) for k, v in value.items()}
    return [unstamped(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("way", ["mqtt", "rest"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_service_does_as_aws_does(case: Any, way: str, ear: Ear, rest: Rest) -> None:
    door, thing = (ear if way == "mqtt" else rest), next(things)
    for request in case["setup"] or ():
        with suppress(Refused):  # a refusal is part of some set-ups
            play(door, rest, thing, request)
    expect = case["expect"] or {}
    if "error" in expect:
        with pytest.raises(Refused) as refusal:
            play(door, rest, thing, case["request"])
        assert refusal.value.code == expect["error"]
        assert expect.get("message", refusal.value.message) == refusal.value.message
        assert re.search(expect.get("message_re", ""), refusal.value.message)
        return
    answer = play(door, rest, thing, case["request"])
    if "list" in expect:
        assert answer == expect["list"]
        return
    whole = door.ask(thing, None, "get", b"")
    assert whole["version"] == expect["version"]
    state = {k: v for k, v in whole["state"].items() if k != "delta"}
    assert json.dumps(state, sort_keys=True) == json.dumps(expect["doc"], sort_keys=True)
    assert whole["state"].get("delta") == expect["delta"]
    messages = case.get("expected_messages") or {}
    for end, wanted in messages.items():
        _heard(ear, thing, end, unstamped(wanted))
    if "meta_older" in expect:
        older, newer = expect["meta_older"]
        assert _stamp(whole["metadata"], older) < _stamp(whole["metadata"], newer)


def _heard(ear: Ear, thing: str, end: str, wanted: Any) -> None:
    until(
        lambda: wanted in [unstamped(said) for said in ear.on(thing, None, end)],
        f"{end} {wanted}; heard {ear.on(thing, None, end)}",
        5.0,
    )


def _stamp(metadata: Any, path: list[str]) -> int:
    for key in path:
        metadata = metadata[key]
    return int(metadata["timestamp"])


def test_shadows_outlive_a_kill(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"

    def start() -> tuple[subprocess.Popen[bytes], Rest]:
        process = subprocess.Popen(
            [sys.executable, "-m", "venctl", "cloud", "--mqtt-port", "0", "--data-port", "0",
             "--state", str(tmp_path), "--ready-file", str(ready)], cwd=ROOT,
        )  # fmt: skip
        said = until(lambda: ready.exists() and json.loads(ready.read_text()), "ready file")
        ready.unlink()
        return process, Rest(int(said["data"].rpartition(":")[2]))

    process, rest = start()
    for n in range(20):
        rest.ask("t", None, "update", payload_of({"state": {"reported": {"n": n}}}))
    process.kill()
    process.wait()
    process, rest = start()
    try:
        whole = rest.ask("t", None, "get", b"")
        assert (whole["version"], whole["state"]) == (20, {"reported": {"n": 19}})
    finally:
        process.kill()
        process.wait()


def test_nobody_else_speaks_for_the_service(ear: Ear) -> None:
    codes: list[int] = []
    ear.client.on_publish = lambda c, d, mid, reason, p: codes.append(reason.value)
    ear.client.publish("$aws/things/victim/shadow/update/accepted", b"{}", qos=1)
    until(lambda: codes, "an answer")
    ear.client.on_publish = None
    assert codes[0] == 0x87
    assert not ear.on("victim", None, "update/accepted")


def test_the_token_is_echoed_in_every_answer(ear: Ear) -> None:
    thing, token = next(things), b'{"clientToken":"mine"}'
    assert ear.ask(thing, None, "update", b'{"state":{},"clientToken":"mine"}')["clientToken"]
    assert ear.ask(thing, None, "get", token)["clientToken"] == "mine"
    assert ear.ask(thing, None, "delete", token)["clientToken"] == "mine"
    with pytest.raises(Refused):
        ear.ask(thing, None, "get", token)
    assert ear.on(thing, None, "get/rejected")[-1]["clientToken"] == "mine"
