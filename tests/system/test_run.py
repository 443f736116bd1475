"""The main job, end to end: one VEN on real MQTT, its page's API and its command line."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path

import pytest

from tests.kit.process.data_plane import iot_data_of, shadow
from tests.kit.process.site import STEADY, Backend, Site, until, venctl

TWO_KW = {"op": "event", "shed_kw": 2.0, "duration_sec": 300, "event_id": "evt-1"}


def power(site: Site) -> float:
    return site.state()["power_kw"]


def test_the_worked_example_comes_out_to_the_digit(site: Site, backend: Backend) -> None:
    assert power(site) == 10.0
    ack = backend.ask({**TWO_KW, "correlationId": "c1"})
    assert ack["status"] == "accepted" and ack["correlationId"] == "c1"
    assert (ack["requested_shed_kw"], ack["actual_shed_kw"]) == (2.0, 2.0)
    gave = [
        (c["name"], c["original_kw"], c["curtailed_kw"], c["final_kw"])
        for c in ack["circuits_curtailed"]
    ]
    assert gave == [
        ("Heater", 1.5, 1.5, 0.0),
        ("Lights", 0.4, 0.28, 0.12),
        ("House Load", 1.0, 0.22, 0.78),
    ]
    until(lambda: power(site) == 8.0, "8 kW")
    now = site.state()
    assert (now["shed_kw"], now["base_power_kw"]) == (2.0, 10.0)
    until(lambda: [t for t in backend.on("ven/telemetry") if t["power_kw"] == 8.0], "telemetry")
    said = backend.on("ven/telemetry")[-1]
    assert said["active_event"] == said["eventId"] == "evt-1"
    assert said["requestedReductionKw"] == 2.0 and said["baselinePowerKw"] == 10.0
    until(lambda: [t for t in backend.on("volttron/metering") if t["usedPowerKw"] == 8.0], "both")


def test_a_restore_brings_the_load_back_in_steps(site: Site, backend: Backend) -> None:
    backend.ask(TWO_KW)
    until(lambda: power(site) == 8.0, "8 kW")
    assert backend.ask({"op": "restore", "correlationId": "r"})["status"] == "success"
    until(lambda: power(site) == 10.0, "10 kW")
    words = until(
        lambda: (
            [s["state"] for s in backend.on("ven/status") if s["type"] == "event"][3:]
            and [s["state"] for s in backend.on("ven/status") if s["type"] == "event"]
        ),
        "completed",
    )
    assert words == ["started", "achieved", "restoring", "completed"]


def test_an_event_ends_by_itself_also_without_the_broker(tmp_path: Path) -> None:
    site = Site(
        tmp_path,
        STEADY.replace("cloud: {kind: local}", "cloud: {kind: mqtt, host: 127.0.0.1, port: 9}", 1),
    )
    site.start()
    try:
        status, ack = site.http("POST", "/api/v1/events", {"shed_kw": 2, "duration_s": 1})
        assert status == 201 and ack["status"] == "accepted"
        until(lambda: power(site) == 8.0, "8 kW")
        until(lambda: power(site) == 10.0, "10 kW")
        assert site.state()["link"]["state"] != "connected"
    finally:
        site.close()


def test_a_copy_of_an_event_sheds_once_and_is_acked_as_duplicate(
    site: Site, backend: Backend
) -> None:
    first = backend.ask({**TWO_KW, "correlationId": "c"})
    again = backend.ask({**TWO_KW, "correlationId": "c"})
    assert again == {**first, "status": "duplicate"}
    until(lambda: power(site) == 8.0, "8 kW")
    assert backend.ask({**TWO_KW, "shed_kw": 1.0})["reason"] == "conflict"


def test_who_sends_the_same_restore_after_another_event_means_that_one(
    site: Site, backend: Backend
) -> None:
    restore = {"op": "restore", "correlationId": "r1"}
    assert backend.ask(restore)["status"] == "success"
    assert backend.ask(restore)["status"] == "duplicate"
    until(lambda: len(backend.acks("r1")) == 2, "both acks")
    backend.ask(TWO_KW)
    backend.send(restore)
    until(lambda: len(backend.acks("r1")) == 3, "the third")
    assert backend.acks("r1")[-1]["status"] == "success"
    until(lambda: power(site) == 10.0, "10 kW")


@pytest.mark.parametrize(
    "garbage",
    [b"", b"{", b"\xff\xfe", b"[]", b'{"op":"event","shed_kw":NaN}', b"[" * 50_000, b'{"op":7}',
     b'{"op":"event","shed_kw":"abc","correlationId":"x"}', b'{"op":"dance","correlationId":"x"}',
     b'{"op":"event","shed_kw":2,"duration_sec":0}', b'{"op":"event","shed_kw":true}'],
)  # fmt: skip
def test_garbage_gets_one_ack_and_changes_nothing(
    site: Site, backend: Backend, garbage: bytes
) -> None:
    before = site.state()["events"]
    backend.send(garbage)
    until(lambda: backend.acks(), "ack")
    assert backend.ask({"op": "ping", "correlationId": "p"})["pong"] is True
    assert [a["status"] for a in backend.acks()] == ["rejected", "success"]
    assert site.state()["events"] == before == []


def test_two_events_are_both_honoured_and_the_weaker_goes_on(site: Site, backend: Backend) -> None:
    backend.ask({"op": "event", "shed_kw": 1.0, "duration_sec": 300, "event_id": "long"})
    backend.ask({"op": "event", "shed_kw": 2.0, "duration_sec": 300, "event_id": "strong"})
    until(lambda: power(site) == 8.0, "8 kW, the maximum and not the sum")
    backend.ask({"op": "restore", "event_id": "strong", "correlationId": "r"})
    until(lambda: power(site) == 9.0, "9 kW")
    assert site.state()["binding"] == "long"


def test_a_toggle_during_an_event_is_acked_and_the_event_goes_on(
    site: Site, backend: Backend
) -> None:
    backend.ask(TWO_KW)
    ack = backend.ask(
        {"op": "setLoad", "data": {"loadId": "heater1", "enabled": False}, "correlationId": "t"}
    )
    assert ack["status"] == "success"
    until(lambda: site.state()["commanded_kw"] < 2.0 or site.state()["commanded_kw"] == 2.0, "plan")
    backend.ask({"op": "restore", "correlationId": "r"})
    until(lambda: power(site) == 8.5, "all but the heater")
    assert not next(c for c in site.state()["circuits"] if c["id"] == "heater1")["enabled"]


def test_an_event_in_the_future_waits(site: Site, backend: Backend) -> None:
    ack = backend.ask({**TWO_KW, "start_ts": int(time.time()) + 600})
    assert ack["status"] == "scheduled" and ack["end_ts"] - ack["start_ts"] == 300
    assert power(site) == 10.0
    assert (
        backend.ask({"op": "cancel", "event_id": "evt-1", "correlationId": "c"})["status"]
        == "success"
    )
    assert site.state()["events"] == []


def test_what_is_too_long_or_too_large_is_refused_with_advice(site: Site, backend: Backend) -> None:
    assert backend.ask({**TWO_KW, "shed_kw": 900})["reason"] == "invalid"
    assert "24 kW" in backend.acks()[-1]["detail"]
    assert backend.ask({**TWO_KW, "duration_sec": 20_000})["reason"] == "limit"


def test_a_kill_in_mid_event_is_followed_by_the_time_that_is_left(site: Site) -> None:
    site.http("POST", "/api/v1/events", {"shed_kw": 2, "duration_s": 4, "id": "e"})
    until(lambda: power(site) == 8.0, "8 kW")
    end = site.state()["events"][0]["end"]
    site.kill()
    site.start()
    now = site.state()
    assert [e["id"] for e in now["events"]] == ["e"] and now["events"][0]["end"] == end
    until(lambda: power(site) == 10.0, "10 kW")


def test_an_event_that_ended_while_we_were_dead_is_restored(site: Site) -> None:
    site.http("POST", "/api/v1/events", {"shed_kw": 2, "duration_s": 1, "id": "e"})
    site.kill()
    until(lambda: time.time() > 0, "")
    site.start()
    until(lambda: power(site) == 10.0 and not site.state()["events"], "restored")


def test_the_cloud_switches_a_circuit_and_the_wish_is_consumed(site: Site) -> None:
    wish = {"state": {"desired": {"circuits": [{"id": "hvac1", "enabled": False}]}}}
    iot_data_of(site).update_thing_shadow(thingName="volttron_local", payload=json.dumps(wish))
    until(lambda: power(site) == 6.5, "HVAC off")
    until(lambda: "desired" not in shadow(site)["state"], "wish consumed")
    said = until(lambda: shadow(site)["state"]["reported"], "report")
    assert not next(c for c in said["circuits"] if c["id"] == "hvac1")["enabled"]
    assert said["ack"]["ac"] == 200 and "delta" not in shadow(site)["state"]


def test_a_wish_made_while_we_were_away_is_found_on_return(site: Site) -> None:
    until(lambda: _reported(site), "first report")
    site.stop()
    site.start().connected()
    wish = {
        "state": {
            "desired": {"circuits": {"lights1": {"enabled": False}, "nix": {"enabled": True}}}
        }
    }
    iot_data_of(site).update_thing_shadow(thingName="volttron_local", payload=json.dumps(wish))
    until(lambda: power(site) == 9.6, "lights off")
    ack = until(lambda: shadow(site)["state"]["reported"].get("ack"), "ack")
    assert ack["ac"] == 207 and ack["r"]["nix"][0] == 404


def _reported(site: Site) -> bool:
    try:
        return "reported" in shadow(site)["state"]
    except Exception:
        return False


def test_the_shadow_tells_of_an_event_at_once_and_forgets_it(site: Site) -> None:
    until(lambda: _reported(site), "first report")
    site.http("POST", "/api/v1/events", {"shed_kw": 2, "duration_s": 60, "id": "e"})
    event = until(lambda: shadow(site)["state"]["reported"].get("active_event"), "active_event")
    assert event["event_id"] == "e" and event["shed_kw"] == 2.0
    site.http("POST", "/api/v1/restore", {})
    until(lambda: "active_event" not in shadow(site)["state"]["reported"], "forgotten")


def test_publishing_a_command_through_the_data_plane_works(site: Site, backend: Backend) -> None:
    payload = json.dumps({"op": "ping", "correlationId": "rest"})
    iot_data_of(site).publish(topic="ven/cmd/volttron_local", qos=1, payload=payload)
    until(lambda: backend.acks("rest"), "pong")


def test_the_command_line_steers_the_controller(site: Site) -> None:
    done = site.venctl("trigger", "event", "--shed", "2 kW", "--for", "5 min", "--id", "evt-9")
    assert done.returncode == 0, done.stderr
    assert "shed   2.00 of 2.00 kW" in done.stdout and "Heater" in done.stdout
    assert "evt-9 shedding" in site.venctl("state").stdout
    assert json.loads(site.venctl("trigger", "ping", "--json").stdout)["pong"] is True
    assert site.venctl("trigger", "circuit", "ev1", "on").returncode == 0
    refused = site.venctl("trigger", "circuit", "fridge1", "off")
    assert refused.returncode == 1 and "critical" in refused.stderr
    assert site.venctl("trigger", "restore").returncode == 0
    assert (
        "Timer" in site.venctl("log", "-n", "200").stdout
        or "Restore" in site.venctl("log", "-n", "200").stdout
    )
    assert "AWS_ENDPOINT_URL_IOT_DATA_PLANE" in site.venctl("env").stdout
    assert "sheds 1.50 kW" in site.venctl("plan", "--shed", "2 kW").stdout


def test_a_command_goes_over_mqtt_from_a_machine_without_the_file(
    site: Site, tmp_path: Path
) -> None:
    port = site.ready["mqtt"].rpartition(":")[2]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    where = [
        "--via",
        "mqtt",
        "--ven-id",
        "volttron_local",
        "--endpoint",
        "127.0.0.1",
        "--port",
        port,
    ]
    done = venctl("trigger", "event", *where, "--shed-kw", "2.5", "--duration-sec", "600",
                  "--corr-id", "test-event-001", cwd=elsewhere)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2.16 of 2.50" in done.stdout or "shed   2.50 of 2.50 kW" in done.stdout
    assert venctl("trigger", "restore", *where, "--corr-id", "r1", cwd=elsewhere).returncode == 0
    heard = venctl("listen", "telemetry", *where[2:], "--count", "1", cwd=elsewhere)
    assert heard.stdout.startswith("ven/telemetry/volttron_local {")


def test_run_says_where_the_page_and_the_broker_are_whether_it_is_connected_and_what_it_keeps(
    site: Site, tmp_path: Path
) -> None:
    until(lambda: "state    " in site.said(), "the greeting")
    assert site.said().splitlines() == [
        "venctl   Maple Street 12 (volttron_local), 6 circuits",
        f"page     http://{site.ready['web']}",
        f"broker   {site.ready['mqtt']}, connected",
        f'shadow   http://{site.ready["data"]} (eval "$(venctl env)", then aws iot-data ...)',
        f"state    {tmp_path}/.venctl/volttron_local",
    ]


def test_nobody_answers_is_told_apart_from_refused(tmp_path: Path) -> None:
    (tmp_path / "ven.yaml").write_text(STEADY)
    gone = venctl("trigger", "ping", cwd=tmp_path)
    assert gone.returncode == 3 and "venctl run" in gone.stderr


def test_sigterm_gives_the_load_back_and_says_goodbye(site: Site, backend: Backend) -> None:
    backend.ask(TWO_KW)
    until(lambda: power(site) == 8.0, "8 kW")
    assert site.stop() == 0
    until(lambda: backend.on("ven/status") and True, "status")
    panel = json.loads((site.folder / ".venctl/volttron_local/panel.json").read_text())
    assert all(breaker["hold_w"] is None for breaker in panel.values())


def test_a_second_controller_on_the_same_state_is_refused(site: Site) -> None:
    second = site.venctl("run", "--port", "0", "--mqtt-port", "0", "--data-port", "0")
    assert second.returncode == 2 and "already running" in second.stderr


def test_a_taken_page_port_says_who_has_it(site: Site, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "ven.yaml").write_text(STEADY)
    port = site.ready["web"].rpartition(":")[2]
    refused = venctl("run", "--port", port, "--mqtt-port", "0", "--data-port", "0", cwd=other)
    assert refused.returncode == 2 and "--port" in refused.stderr


def test_eight_lines_are_enough(tmp_path: Path) -> None:
    assert venctl("init", cwd=tmp_path).returncode == 0
    lines = (tmp_path / "ven.yaml").read_text().splitlines()
    assert len([line for line in lines if not line.lstrip().startswith("#")]) == 8
    assert venctl("init", cwd=tmp_path).returncode == 1
    assert venctl("check", cwd=tmp_path).returncode == 0


def test_message_numbers_count_on_through_a_restart(site: Site, backend: Backend) -> None:
    until(lambda: backend.on("ven/telemetry"), "telemetry")
    before = backend.on("ven/telemetry")[-1]["message_num"]
    site.kill()
    site.start().connected()
    said = Backend(int(site.ready["mqtt"].rpartition(":")[2]))
    number = until(lambda: said.on("ven/telemetry"), "telemetry")[0]["message_num"]
    said.close()
    assert number > before


def journal_of(site: Site) -> Path:
    return site.folder / ".venctl" / "volttron_local" / "journal.db"


def test_a_journal_of_a_newer_version_is_set_aside_and_every_circuit_given_back(
    site: Site, backend: Backend
) -> None:
    backend.ask(TWO_KW)
    until(lambda: power(site) == 8.0, "8 kW")
    site.kill()
    journal = journal_of(site)
    with sqlite3.connect(journal) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    site.start()
    until(lambda: power(site) == 10.0, "all load is back")
    assert site.state()["events"] == []
    assert list(journal.parent.glob("journal.db.format99-*Z"))


def test_a_journal_of_an_older_version_goes_on_with_its_event(site: Site, backend: Backend) -> None:
    backend.ask(TWO_KW)
    until(lambda: power(site) == 8.0, "8 kW")
    ends = site.state()["events"][0]["end"]
    site.kill()
    with sqlite3.connect(journal_of(site)) as db:  # what it keeps has the shape of format 3 too
        db.execute("PRAGMA user_version=3")
    db.close()
    site.start()
    assert [event["end"] for event in site.state()["events"]] == [ends]
    assert power(site) == 8.0 and not list(journal_of(site).parent.glob("journal.db.*Z*"))


@pytest.mark.parametrize("damage", ["a header of zeros", "half of it", "a part that is no JSON"])
def test_a_damaged_journal_costs_its_event_and_no_start(site: Site, damage: str) -> None:
    site.kill()
    journal = journal_of(site)
    with sqlite3.connect(journal) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if damage == "a part that is no JSON":
            db.execute("UPDATE part SET value = '{' WHERE name = 'site'")
    db.close()
    whole = journal.read_bytes()
    if damage == "a header of zeros":
        journal.write_bytes(bytes(100) + whole[100:])
    if damage == "half of it":
        journal.write_bytes(whole[: len(whole) // 2])
    site.start()
    assert power(site) == 10.0 and site.state()["events"] == []
    assert "Traceback" not in site.said() and "a new one was started" in site.said()
    assert list(journal.parent.glob("journal.db.corrupt-*Z"))
