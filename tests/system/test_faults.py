"""A real controller over circuits that fail: nothing is said to be done that is not, and all of it
is done in the end.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.process.site import STEADY, Backend, Site, until
from tests.kit.simulated.faulty_panel import WORDS, faulty, set_faults

TWO_KW = {"op": "event", "shed_kw": 2.0, "duration_sec": 300, "event_id": "evt-1"}
OFF = {"op": "setLoad", "data": {"loadId": "heater1", "enabled": False}, "correlationId": "off"}


@pytest.fixture
def sick(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path, STEADY.replace("every: 5 s", "every: 1 s"), faulty(tmp_path))
    site.start()
    yield site.connected()
    site.close()


@pytest.fixture
def backend(sick: Site) -> Iterator[Backend]:
    backend = Backend(int(sick.ready["mqtt"].rpartition(":")[2]))
    yield backend
    backend.close()


def circuit(site: Site, id: str = "heater1") -> dict[str, Any]:
    found: dict[str, Any] = site.http("GET", f"/api/v1/circuits/{id}")[1]
    return found


def breaker(site: Site, id: str = "heater1") -> dict[str, Any]:
    """How it stands on the wall."""
    (file,) = site.folder.rglob("panel.json")
    found: dict[str, Any] = json.loads(file.read_text())[id]
    return found


def shed(site: Site, backend: Backend) -> None:
    backend.ask(TWO_KW)
    until(lambda: site.state()["power_kw"] == 8.0, "8 kW")


def words(backend: Backend) -> list[str]:
    return [said["state"] for said in backend.on("ven/status") if said["type"] == "event"]


def last(backend: Backend) -> dict[str, Any]:
    (found,) = [said for said in backend.on("ven/status") if said.get("state") == "completed"]
    return found


def test_a_release_that_fails_for_a_while_is_tried_again_and_completed_after(
    sick: Site, backend: Backend
) -> None:
    shed(sick, backend)
    set_faults(sick.folder, {"heater1": {"release": "raise"}})
    backend.ask({"op": "restore"})
    until(lambda: circuit(sick)["fault"] == WORDS, "its fault on the page")
    assert "completed" not in words(backend)
    set_faults(sick.folder, {})
    until(lambda: "completed" in words(backend), "completed")
    assert "not_free" not in last(backend) and breaker(sick)["hold_w"] is None
    until(lambda: sick.state()["power_kw"] == 10.0, "10 kW")
    assert circuit(sick)["fault"] is None
    told = [(one["id"], one["state"]) for one in backend.on("ven/status") if "id" in one]
    assert told == [("heater1", "fault"), ("heater1", "well")]


def test_a_dead_relay_is_named_and_freed_once_it_answers_also_over_a_kill(
    sick: Site, backend: Backend
) -> None:
    shed(sick, backend)
    set_faults(sick.folder, {"heater1": {"release": "raise"}})
    backend.ask({"op": "restore"})
    until(lambda: "completed" in words(backend), "completed")
    assert last(backend)["not_free"] == ["heater1"] and last(backend)["faults"]
    assert breaker(sick)["hold_w"] == 0 and circuit(sick)["fault"] == WORDS
    sick.kill()
    sick.start()
    until(lambda: circuit(sick)["fault"] == WORDS, "its fault after the restart")
    assert breaker(sick)["hold_w"] == 0
    set_faults(sick.folder, {})
    until(lambda: breaker(sick)["hold_w"] is None, "free")
    until(lambda: circuit(sick)["fault"] is None, "well")


def test_a_circuit_taken_out_of_the_file_is_an_alarm_until_it_is_free(
    sick: Site, backend: Backend
) -> None:
    shed(sick, backend)
    set_faults(sick.folder, {"heater1": {"release": "raise"}})
    file = sick.folder / "ven.yaml"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith("  heater1:")))
    assert sick.venctl("reload").returncode == 0
    (alarm,) = until(lambda: sick.state()["alarms"], "an alarm")
    said = f"heater1 is no longer in ven.yaml and cannot be released: {WORDS}"
    assert (alarm["id"], alarm["text"]) == ("device", said)
    assert f"ALARM    {said}" in sick.venctl("state").stdout
    sick.kill()
    (again,) = sick.start().state()["alarms"]
    assert (again["text"], again["since"]) == (said, alarm["since"])
    set_faults(sick.folder, {})
    until(lambda: not sick.state()["alarms"], "well")
    assert breaker(sick)["hold_w"] is None


def test_a_kill_while_a_release_fails_forgets_neither_the_circuit_nor_the_event(
    sick: Site, backend: Backend
) -> None:
    shed(sick, backend)
    set_faults(sick.folder, {"heater1": {"release": "raise"}})
    backend.ask({"op": "restore"})
    until(lambda: circuit(sick)["fault"] == WORDS, "its fault on the page")
    sick.kill()
    assert breaker(sick)["hold_w"] == 0
    set_faults(sick.folder, {})
    sick.start()
    until(lambda: not sick.state()["events"], "the event is over")
    assert breaker(sick)["hold_w"] is None and circuit(sick)["fault"] is None


def test_a_switch_of_a_dead_relay_is_refused_and_done_once_it_answers(
    sick: Site, backend: Backend
) -> None:
    set_faults(sick.folder, {"heater1": {"switch": "raise"}})
    ack = backend.ask(OFF)
    assert (ack["status"], ack["reason"]) == ("rejected", "device") and WORDS in ack["detail"]
    assert breaker(sick)["on"] is True
    set_faults(sick.folder, {})
    until(lambda: breaker(sick)["on"] is False, "off")
    until(lambda: circuit(sick)["fault"] is None, "well")
    assert backend.ask({**OFF, "correlationId": "again"})["status"] == "success"


def test_the_page_is_answered_when_the_relay_has_moved_or_has_not(sick: Site) -> None:
    set_faults(sick.folder, {"heater1": {"switch": 1.0}})
    status, said = sick.http("PATCH", "/api/v1/circuits/heater1", {"enabled": False})
    assert status == 200 and said["enabled"] is False and breaker(sick)["on"] is False
    set_faults(sick.folder, {"heater1": {"switch": "hang"}})
    status, said = sick.http("PATCH", "/api/v1/circuits/heater1", {"enabled": True})
    assert (status, said["code"], said["reason"]) == (409, "device", "device")
    assert "no answer" in said["detail"]


def test_a_circuit_that_hangs_delays_no_other(sick: Site, backend: Backend) -> None:
    set_faults(sick.folder, {"heater1": {"hold": "hang"}})
    backend.ask(TWO_KW)
    until(lambda: breaker(sick, "lights1")["hold_w"] == 120, "the lights act")
    assert breaker(sick, "misc1")["hold_w"] == 780 and breaker(sick)["hold_w"] is None
    assert circuit(sick)["fault"] is None, "the heater has not even been given up"


def test_readings_that_hang_stop_neither_telemetry_nor_page(sick: Site, backend: Backend) -> None:
    until(lambda: circuit(sick)["read_at"], "a reading")
    set_faults(sick.folder, {"heater1": {"readings": "hang"}})
    until(lambda: time.time() - circuit(sick)["read_at"] > 2, "a reading that grows old")
    before = len(backend.on("ven/telemetry"))
    until(lambda: len(backend.on("ven/telemetry")) >= before + 2, "telemetry goes on")
    assert sick.http("PATCH", "/api/v1/circuits/lights1", {"enabled": False})[0] == 200
    set_faults(sick.folder, {})
    until(lambda: time.time() - circuit(sick)["read_at"] < 2, "read again")


@pytest.mark.parametrize("answer", ["nan", "none", "text", "huge"])
def test_a_reading_that_cannot_be_is_dropped_for_its_circuit_alone(sick: Site, answer: str) -> None:
    until(lambda: circuit(sick)["read_at"], "a reading")
    set_faults(sick.folder, {"heater1": {"readings": answer}})
    until(lambda: time.time() - circuit(sick)["read_at"] > 2, "the heater is not read")
    assert time.time() - circuit(sick, "lights1")["read_at"] < 2
    assert sick.state()["power_kw"] == 10.0
    assert circuit(sick)["fault"].startswith("its meter reports ")
    assert sick.said().count("its meter reports") == 1
    set_faults(sick.folder, {})
    until(lambda: circuit(sick)["fault"] is None, "believed again")
