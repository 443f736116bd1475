"""A shadow on a broker that has no shadow service: real mosquitto, real `venctl run`."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.kit.mqtt.mosquitto import Mosquitto
from tests.kit.process.faulty_disk import Locker
from tests.kit.process.site import STEADY, Backend, Site, until
from tests.kit.tools import tool

SHADOW = "$aws/things/volttron_local/shadow"
SECRET = "marker-secret"
LOCAL = "cloud: {kind: local}"


def site_at(folder: Path, cloud: str, env: dict[str, str] | None = None) -> Site:
    said = f"cloud: {{kind: mqtt, host: 127.0.0.1, {cloud}}}"
    return Site(folder, STEADY.replace(LOCAL, said, 1), env)


class Operator(Backend):
    """A backend that also speaks to the shadow."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.client.subscribe("$aws/things/#", 1)

    def ask_shadow(self, operation: str, body: dict[str, Any], place: str = "") -> dict[str, Any]:
        token = f"t{len(self.heard)}-{operation}"
        self.say_shadow(operation, {**body, "clientToken": token}, place)

        def answer() -> list[dict[str, Any]]:
            heard = self.on(f"{SHADOW}{place}/{operation}/")
            return [a for a in heard if isinstance(a, dict) and a.get("clientToken") == token]

        return until(answer, f"answer to {operation}")[0]

    def say_shadow(self, operation: str, body: dict[str, Any], place: str = "") -> None:
        topic = f"{SHADOW}{place}/{operation}"
        self.client.publish(topic, json.dumps(body), qos=1).wait_for_publish(10)


def off(circuit: str) -> dict[str, Any]:
    return {"state": {"desired": {"circuits": [{"id": circuit, "enabled": False}]}}}


def test_a_wish_is_carried_out_consumed_and_survives_a_kill(
    tmp_path: Path, broker: Mosquitto
) -> None:
    site = site_at(tmp_path, f"port: {broker.port}, shadow: serve").start().connected()
    operator = Operator(broker.port)
    try:
        until(lambda: "reported" in operator.ask_shadow("get", {}).get("state", {}), "a report")
        assert operator.ask_shadow("update", off("hvac1"))["version"] >= 2
        until(lambda: site.state()["power_kw"] == 6.5, "HVAC off")
        until(lambda: "desired" not in operator.ask_shadow("get", {})["state"], "consumed")
        version = operator.ask_shadow("get", {})["version"]
        site.kill()
        operator.say_shadow("update", off("lights1"))
        site.start().connected()
        until(lambda: site.state()["power_kw"] == 6.1, "the wish made while nobody was here")
        assert operator.ask_shadow("get", {})["version"] > version
    finally:
        operator.close()
        site.close()


def test_while_its_file_is_locked_the_shadow_is_answered_and_written_afterwards(
    tmp_path: Path, broker: Mosquitto
) -> None:
    site = site_at(tmp_path, f"port: {broker.port}, shadow: serve").start().connected()
    operator, place = Operator(broker.port), "/name/other"
    try:
        file = tmp_path / ".venctl" / "volttron_local" / "shadows.db"
        state = {"state": {"desired": {"a": 1}}}
        assert operator.ask_shadow("update", state, place)["version"] == 1
        locked = Locker(file)
        for version in range(2, 12):
            assert operator.ask_shadow("update", state, place)["version"] == version
        assert locked.holds
        locked.release()
        until(lambda: "shadows.db can be written again" in site.said(), "the end of the trouble")
        site.kill()
        site.start().connected()
        until(lambda: operator.ask_shadow("get", {}, place).get("version") == 11, "all of it")
    finally:
        operator.close()
        site.close()


def test_named_shadows_and_refusals_are_answered_too(tmp_path: Path, broker: Mosquitto) -> None:
    site = site_at(tmp_path, f"port: {broker.port}, shadow: serve").start().connected()
    operator = Operator(broker.port)
    try:
        place = "/name/circuits-1"
        assert operator.ask_shadow("get", {}, place)["code"] == 404
        state = {"state": {"desired": {"a": 1}}}
        assert operator.ask_shadow("update", state, place)["version"] == 1
        assert operator.ask_shadow("get", {}, place)["state"]["desired"] == {"a": 1}
        assert operator.ask_shadow("update", {**state, "version": 7}, place)["code"] == 409
        assert operator.ask_shadow("delete", {}, place)["version"] == 1
    finally:
        operator.close()
        site.close()


def test_without_a_shadow_nothing_is_asked_and_its_chart_rests_offline(
    tmp_path: Path, broker: Mosquitto
) -> None:
    site = site_at(tmp_path, f"port: {broker.port}").start().connected()
    backend = Backend(broker.port)
    try:
        assert backend.ask({"op": "ping", "correlationId": "p"})["pong"] is True
        until(lambda: len(backend.on("ven/telemetry")) >= 2, "telemetry")
        assert "$aws" not in broker.log()
        file = site.folder / "ven.yaml"
        file.write_text(
            file.read_text().replace("circuits:\n", "circuits:\n  new: {rated: 1 kW}\n")
        )
        assert site.venctl("reload").returncode == 0
        assert backend.ask({"op": "ping", "correlationId": "q"})["pong"] is True
        said = site.venctl("log", "-n", "200").stdout
        assert "Reloaded" in said
        assert "GetShadow" not in said and "Report" not in said and "Connected" in said
        assert site.state()["link"]["state"] == "connected"
    finally:
        backend.close()
        site.close()


@pytest.mark.parametrize("how", ["word", "environment", "file"])
def test_a_password_lets_in_and_is_read_nowhere_but_where_it_was_written(
    tmp_path: Path, how: str
) -> None:
    broker = guarded(tmp_path)
    said = {
        "word": f"password: {SECRET}",
        "environment": "password: 'env:BROKER_PASSWORD'",
        "file": "password_file: secret",
    }[how]
    cloud = f"port: {broker.port}, shadow: serve, username: ven, {said}"
    site = site_at(tmp_path, cloud, {"BROKER_PASSWORD": SECRET})
    try:
        site.start("--verbose").connected()
        shown = json.dumps(site.state()) + site.venctl("log", "-n", "100").stdout
        shown += site.venctl("state", "--json").stdout + site.venctl("check").stdout
        shown += "".join(
            page(site, path) for path in ("/", "/api/v1/state", "/api/v1/openapi.json")
        )
        files = [file for file in (tmp_path / ".venctl").rglob("*") if file.is_file()]
        telling = [file for file in files if SECRET.encode() in file.read_bytes()]
        # A word in ven.yaml is in the copy of it, too, which only its owner reads.
        assert [file.name for file in telling] == ["in-force.yaml"] * (how == "word")
        assert all(file.stat().st_mode & 0o077 == 0 for file in telling)
        assert site.stop() == 0
        assert SECRET not in shown + site.said()
        assert not any(file.exists() for file in telling)
    finally:
        site.close()
        broker.kill()


def test_a_wrong_password_is_told_on_the_page(tmp_path: Path) -> None:
    broker = guarded(tmp_path)
    cloud = f"port: {broker.port}, username: ven, password: another-secret"
    site = site_at(tmp_path, cloud)
    try:
        site.start()
        link = until(lambda: denied(site), "a refusal")
        assert "not authorized" in link["detail"] and link["state"] == "disconnected"
        assert "another-secret" not in site.said()
    finally:
        site.close()
        broker.kill()


def denied(site: Site) -> dict[str, Any] | None:
    link = site.state()["link"]
    return link if link["detail"] else None


def guarded(folder: Path) -> Mosquitto:
    """A broker that lets in `ven` with the marker as its password; it is in `secret` too."""
    passwords = folder / "passwords"
    passwords.write_text(f"ven:{SECRET}\n")
    subprocess.run([tool("mosquitto_passwd"), "-U", str(passwords)], check=True)
    (folder / "secret").touch(0o600)
    (folder / "secret").write_text(f"{SECRET}\n")
    (folder / "broker").mkdir()
    rule = f"allow_anonymous false\npassword_file {passwords}\n"
    return Mosquitto(folder / "broker", None, rule)


def page(site: Site, path: str) -> str:
    try:
        with urllib.request.urlopen(site.url + path, timeout=10) as reply:
            return str(reply.read().decode())
    except urllib.error.HTTPError as error:
        return str(error.read().decode())
