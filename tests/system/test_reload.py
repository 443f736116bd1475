"""A site that is edited while it runs, end to end: reload, SIGHUP, kills in between, observe."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.paths import ROOT
from tests.kit.process.data_plane import iot_data_of, shadow
from tests.kit.process.site import STEADY, Backend, Site, until, venctl
from tests.kit.simulated.faulty_panel import faulty, set_faults

TWO_KW = {"op": "event", "shed_kw": 2.0, "duration_sec": 300, "event_id": "evt-1"}
HEATER = next(line for line in STEADY.splitlines(True) if line.startswith("  heater1:"))
NO_HEATER = STEADY.replace(HEATER, "")
HALF = STEADY.replace("rated: 1.5 kW, shed: 100 %", "rated: 1.5 kW, shed: 50 %")
OBSERVE = STEADY.replace("mode: act", "mode: observe")
RENAMED = STEADY.replace("shedding", "curtailed")


@pytest.fixture
def backend(site: Site) -> Iterator[Backend]:
    one = Backend(int(site.ready["mqtt"].rpartition(":")[2]))
    yield one
    one.close()


def edit(site: Site, text: str) -> None:
    (site.folder / "ven.yaml").write_text(text)


def breakers(site: Site) -> dict[str, Any]:
    file = site.folder / ".venctl" / "volttron_local" / "panel.json"
    return json.loads(file.read_text()) if file.exists() else {}


def held(site: Site) -> dict[str, int]:
    found = {id: breaker["hold_w"] for id, breaker in breakers(site).items()}
    return {id: watts for id, watts in found.items() if watts is not None}


def call(site: Site) -> None:
    assert site.venctl("trigger", "event", "--shed", "2 kW", "--for", "5 min").returncode == 0
    until(lambda: held(site), "holds")


def remembered(site: Site) -> dict[str, Any]:
    db = sqlite3.connect(site.folder / ".venctl" / "volttron_local" / "journal.db")
    row = db.execute("SELECT value FROM part WHERE name = 'site'").fetchone()
    db.close()
    return json.loads(row[0])


def wish(site: Site, circuit: str, enabled: bool) -> None:
    """What the cloud would like."""
    desired = {"circuits": [{"id": circuit, "enabled": enabled}]}
    payload = json.dumps({"state": {"desired": desired}})
    iot_data_of(site).update_thing_shadow(thingName="volttron_local", payload=payload)


# -- reload ----------------------------------------------------------------------------------------


def test_an_edited_file_is_told_in_words_and_taken(site: Site) -> None:
    call(site)
    edit(site, HALF.replace("  lights1:", "  pump1: {rated: 1.1 kW, shed: 100 %}\n  lights1:"))
    done = site.venctl("reload")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        str(site.folder / "ven.yaml"),
        "  heater1: shed 100 % -> 50 %",
        "  pump1 new",
    ]
    until(lambda: held(site).get("heater1") == 750, "half of the heater")
    until(lambda: site.state()["shed_kw"] == 2.0, "the others take over")
    ids = [circuit["id"] for circuit in site.state()["circuits"]]
    assert ids[:2] == ["heater1", "pump1"]
    assert "heater1: shed 100 % -> 50 %" in site.venctl("log").stdout


def test_a_faulty_file_is_refused_with_the_old_one_in_force(site: Site) -> None:
    edit(site, STEADY.replace("type: fridge", "type: a fridge"))
    done = site.venctl("reload")
    assert done.returncode == 2
    assert "'a fridge' is not a word" in done.stderr
    assert "The previous settings stay in effect." in done.stderr
    (site.folder / "ven.yaml").write_bytes(b"site: {id: volttron_local}\n# \xff\n")
    done = site.venctl("reload")
    assert done.returncode == 1 and "UTF-8" in done.stderr
    edit(site, "site: [")
    assert site.venctl("reload").returncode == 2
    assert len(site.state()["circuits"]) == 6


def test_what_needs_a_restart_is_said_and_not_done(site: Site) -> None:
    edit(site, STEADY.replace("127.0.0.1:8080", "127.0.0.1:8099"))
    done = site.venctl("reload", "--json")
    assert done.returncode == 0
    said = json.loads(done.stdout)
    assert said["restart"] == ["web: listen 127.0.0.1:8080 -> 127.0.0.1:8099"]
    assert said["lines"] == ["web: listen 127.0.0.1:8080 -> 127.0.0.1:8099; needs a restart"]


def test_another_name_of_the_site_is_told_though_its_state_is_kept_under_the_old(
    site: Site,
) -> None:
    edit(site, STEADY.replace("id: volttron_local", "id: other"))
    done = site.venctl("reload")
    assert "site: id volttron_local -> other; needs a restart" in done.stdout, done.stderr
    assert site.state()["site"]["id"] == "volttron_local"


def test_sighup_takes_an_edited_file_and_refuses_a_faulty_one(site: Site) -> None:
    edit(site, HALF)
    site.process.send_signal(signal.SIGHUP)
    until(lambda: site.state()["circuits"][0]["limit_percent"] == 50, "half")
    assert "heater1: shed 100 % -> 50 %" in site.said()
    edit(site, "site: [")
    site.process.send_signal(signal.SIGHUP)
    until(lambda: "the old settings stay in effect" in site.said(), "refusal in the log")
    assert site.state()["circuits"][0]["limit_percent"] == 50


def test_a_held_circuit_that_is_gone_is_let_go_with_its_breaker_on(site: Site) -> None:
    call(site)
    assert held(site)["heater1"] == 0
    edit(site, NO_HEATER)
    assert "heater1 removed" in site.venctl("reload").stdout
    until(lambda: "heater1" not in held(site), "the heater is free")
    assert breakers(site)["heater1"]["on"] is True
    until(lambda: remembered(site)["leaving"] == {}, "nothing is left to do")


def test_a_chart_waits_until_no_event_is_live_and_is_then_taken(site: Site) -> None:
    call(site)
    edit(site, RENAMED)
    done = site.venctl("reload")
    assert "event chart:" in done.stdout and "waits until no event is live" in done.stdout
    assert site.state()["waits"][0].startswith("event chart: curtailed new")
    assert site.state()["events"][0]["state"] == "shedding"
    site.venctl("trigger", "restore")
    until(lambda: site.state()["waits"] == [], "the chart")
    chart = site.http("GET", "/api/v1/machine")[1]["charts"][0]
    assert "curtailed" in {state["name"] for state in chart["states"]}
    call(site)
    assert site.state()["events"][0]["state"] == "curtailed"


def test_a_new_chart_of_the_shadow_begins_anew_on_the_link_there_is(site: Site) -> None:
    edit(site, STEADY.replace("in_sync:  {enter: report, for: 15 min}",
                              "in_sync:  {enter: report, for: 14 min}"))  # fmt: skip
    assert "shadow chart: in_sync changed" in site.venctl("reload").stdout
    wish(site, "lights1", False)
    until(lambda: site.state()["power_kw"] == 9.6, "the wish, under the new chart")


def test_the_shared_topic_is_spoken_on_once_an_edit_says_so(tmp_path: Path) -> None:
    quiet = STEADY.replace("metering: true", "metering: false")
    site = Site(tmp_path, quiet).start().connected()
    backend = Backend(int(site.ready["mqtt"].rpartition(":")[2]))
    try:
        edit(site, STEADY)
        assert "telemetry: metering false -> true" in site.venctl("reload").stdout
        until(lambda: backend.on("volttron/metering"), "the stand-in lets it")
    finally:
        backend.close()
        site.close()


def _reported(iot: Any, named: dict[str, str]) -> bool:
    try:
        document = json.loads(iot.get_thing_shadow(**named)["payload"].read())
    except iot.exceptions.ResourceNotFoundException:
        return False
    return "circuits" in document["state"].get("reported", {})


def test_a_site_that_outgrows_its_shadow_is_heard_through_the_named_ones(site: Site) -> None:
    desks = "".join(f"  desk{n}: {{rated: 100 W, shed: 50 %}}\n" for n in range(40))
    edit(site, STEADY.replace("  hvac1:", f"{desks}  hvac1:"))
    assert "desk39 new" in site.venctl("reload").stdout
    named = {"thingName": "volttron_local", "shadowName": "circuits-1"}
    iot = iot_data_of(site)
    until(lambda: _reported(iot, named), "the named shadow")
    desired = {"circuits": [{"id": "desk39", "enabled": False}]}
    iot.update_thing_shadow(**named, payload=json.dumps({"state": {"desired": desired}}))
    until(lambda: site.state()["power_kw"] == 13.9, "the wish in the second named shadow")


# -- kills in between ------------------------------------------------------------------------------


def test_a_kill_before_the_driver_did_it_leaves_nothing_held(tmp_path: Path) -> None:
    """The heater's driver fails while its line is taken out of the file; then a kill."""
    site = Site(tmp_path, env=faulty(tmp_path)).start()
    try:
        call(site)
        until(lambda: held(site).get("heater1") == 0, "the heater is off")
        set_faults(tmp_path, {"heater1": {"hold": "raise"}})
        edit(site, NO_HEATER)
        assert site.venctl("reload").returncode == 0
        until(lambda: remembered(site)["leaving"] == {"heater1": "sim"}, "remembered")
        site.kill()
        assert held(site)["heater1"] == 0
        set_faults(tmp_path, {})
        site.start()
        until(lambda: "heater1" not in held(site), "let go after the kill")
        until(lambda: remembered(site)["leaving"] == {}, "and done with")
    finally:
        site.close()


def test_a_circuit_whose_line_went_while_nothing_ran_is_let_go_at_the_start(site: Site) -> None:
    call(site)
    site.kill()
    edit(site, NO_HEATER)
    site.start()
    until(lambda: "heater1" not in held(site), "let go")
    until(lambda: held(site).get("hvac1"), "the others go on with the event")


def test_a_kill_while_a_chart_waits_ends_its_event_as_failed_and_says_so(
    site: Site, backend: Backend
) -> None:
    call(site)
    edit(site, RENAMED)
    assert site.venctl("reload").returncode == 0
    site.kill()
    backend.close()
    site.start()
    site.connected()
    assert site.state()["events"] == []
    until(lambda: not held(site), "the load comes back")
    until(lambda: site.state()["power_kw"] == 10.0, "all of it")
    assert '"state": "failed"' in site.venctl("log", "--lines", "200").stdout


def test_a_failed_event_is_told_to_the_backend(site: Site) -> None:
    call(site)
    site.kill()
    edit(site, RENAMED)
    site.start()
    backend = Backend(int(site.ready["mqtt"].rpartition(":")[2]))
    try:
        words = until(
            lambda: [s["state"] for s in backend.on("ven/status") if s["type"] == "event"],
            "failed",
        )
        assert words[-1] == "failed"
    except AssertionError:
        rows = site.venctl("log", "--lines", "200").stdout
        assert '"state": "failed"' in rows, "it was said before this backend listened"
    finally:
        backend.close()


def test_the_last_switch_outlives_an_edit_and_a_kill_and_is_shown(site: Site) -> None:
    site.venctl("trigger", "circuit", "lights1", "off")
    edit(site, HALF)
    assert site.venctl("reload").returncode == 0
    site.kill()
    site.start()
    lights = next(c for c in site.state()["circuits"] if c["id"] == "lights1")
    assert (lights["enabled"], lights["switched_by"]) == (False, "cli")
    assert "last change: Lights off by the command line" in site.venctl("state").stdout
    checked = site.venctl("check").stdout
    assert "lights1 has been off since" in checked and "first start" in checked


def test_cut_off_in_the_middle_of_an_edit_it_goes_on_with_the_file_that_was_in_force(
    site: Site,
) -> None:
    edit(site, HALF)
    assert site.venctl("reload").returncode == 0
    call(site)
    edit(site, HALF.replace("rated: 1.5 kW", "rated: 1.5"))
    site.kill()
    site.start()
    said = site.said()
    assert "'1.5' is not a power" in said and "the last run was interrupted" in said
    assert site.state()["events"][0]["state"] == "shedding" and held(site)
    edit(site, HALF.replace("lights1", "lamps1"))
    assert site.venctl("reload").returncode == 0
    assert "lamps1" in {circuit["id"] for circuit in site.state()["circuits"]}


def test_of_two_sites_cut_off_beside_each_other_each_goes_on_with_its_own_file(
    site: Site,
) -> None:
    other = site.folder / "other.yaml"
    other.write_text(STEADY.replace("id: volttron_local", "id: other", 1))
    ports = ("--port", "0", "--mqtt-port", "0", "--data-port", "0")
    second = subprocess.Popen(
        [sys.executable, "-m", "venctl", "run", "other.yaml", *ports],
        cwd=site.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    until((site.folder / ".venctl" / "other" / "in-force.yaml").exists, "the other site")
    second.kill()
    second.wait(10)
    site.kill()
    (site.folder / "ven.yaml").unlink()
    third = site.venctl("run", "vem.yaml")
    assert third.returncode == 2 and "interrupted" not in third.stderr, "nobody ran on this file"
    site.start()
    assert site.ready["ven_id"] == "volttron_local"
    assert site.venctl("state").returncode == 0, "it is found without its file"
    again = site.venctl("run")
    assert again.returncode == 2 and "interrupted" not in again.stderr, "it runs"


def test_stopped_in_good_order_it_does_not_start_on_a_faulty_file(site: Site) -> None:
    site.stop()
    edit(site, HALF.replace("rated: 1.5 kW", "rated: 1.5"))
    done = site.venctl("run")
    assert done.returncode == 2 and "'1.5' is not a power" in done.stderr


# -- observe ---------------------------------------------------------------------------------------


def test_who_only_observes_says_what_it_would_do_and_touches_no_breaker(tmp_path: Path) -> None:
    site = Site(tmp_path, OBSERVE).start().connected()
    backend = Backend(int(site.ready["mqtt"].rpartition(":")[2]))
    try:
        before = breakers(site)
        ack = backend.ask(TWO_KW)
        assert (ack["mode"], ack["actual_shed_kw"], ack["would_shed_kw"]) == ("observe", 0, 2.0)
        assert [c["id"] for c in ack["circuits_curtailed"]] == ["heater1", "lights1", "misc1"]
        said = until(
            lambda: [t for t in backend.on("ven/telemetry") if t["active_event"]], "telemetry"
        )[-1]
        assert (said["mode"], said["would_shed_kw"], said["shed_kw"]) == ("observe", 2.0, 0)
        assert said["power_kw"] == 10.0
        assert "nothing is switched" in site.venctl("state").stdout
        refused = site.venctl("trigger", "circuit", "heater1", "off")
        assert refused.returncode == 1 and "observes" in refused.stderr
        wish(site, "lights1", False)
        until(lambda: "only observes" in json.dumps(shadow(site)["state"]["reported"]), "refusal")
        site.kill()
        site.start()
        assert site.state()["events"][0]["id"] == "evt-1"
        assert site.stop() == 0
        assert breakers(site) == before == {}
    finally:
        backend.close()
        site.close()


def test_from_act_to_observe_by_a_reload_all_comes_back(site: Site) -> None:
    call(site)
    edit(site, OBSERVE)
    assert "mode: act -> observe" in site.venctl("reload").stdout
    until(lambda: not held(site), "all is free")
    now = until(lambda: site.state()["power_kw"] == 10.0 and site.state(), "10 kW")
    assert (now["mode"], now["commanded_kw"], now["planned_kw"]) == ("observe", 0, 2.0)
    assert now["events"][0]["would_shed_kw"] == 2.0


def test_from_act_to_observe_over_a_kill_all_comes_back(site: Site) -> None:
    call(site)
    site.kill()
    edit(site, OBSERVE)
    site.start()
    until(lambda: not held(site), "all is free")


# -- the plan, opt-outs, events --------------------------------------------------------------------


def test_the_plan_is_the_same_on_the_page_and_at_the_command_line(site: Site) -> None:
    asked = ("plan", "--shed", "2 kW", "--for", "10 min")
    said = json.loads(site.venctl(*asked, "--json").stdout)
    seen = site.http("GET", "/api/v1/preview?shed_kw=2&duration_s=600")[1]
    ends_at = said.pop("ends_at")
    assert ends_at == pytest.approx(seen.pop("ends_at"), abs=30) and said == seen
    lines = site.venctl(*asked).stdout.splitlines()
    assert lines[0] == "sheds 2.00 of 2.00 kW for 10 min, from 10.00 to 8.00 kW"
    assert "sheds 1.50 kW, all it can" in lines[1] and "switched off" in lines[4]
    assert lines[-1] == "  5 kW     3.12    1.88  Heater, Lights, House Load, HVAC!, Fridge!"


def test_the_plan_of_a_file_alone_takes_typical_loads(tmp_path: Path) -> None:
    (tmp_path / "ven.yaml").write_text(STEADY)
    done = venctl("plan", "--shed", "1 kW", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith(
        "no controller is running; each circuit is assumed at its typical load"
    )
    assert "1.05 ->  0.05 kW" in done.stdout
    (tmp_path / "ven.yaml").write_text("site: {id: x}\ncircuits: {a: {rated: 5}}\n")
    done = venctl("plan", "--shed", "1 kW", cwd=tmp_path)
    assert done.returncode == 2 and "is not a power" in done.stderr


def test_the_occupant_keeps_a_circuit_and_then_the_site_out_of_an_event(
    site: Site, backend: Backend
) -> None:
    backend.ask(TWO_KW)
    until(lambda: held(site).get("heater1") == 0, "shed")
    kept_out = ("trigger", "opt-out", "--id", "evt-1", "--circuit", "heater1")
    done = site.venctl(*kept_out)
    assert done.returncode == 1 and "the grid operator requested evt-1: 2 kW" in done.stderr
    assert "--confirm" in done.stderr and "heater1" in held(site)
    done = site.venctl(*kept_out, "--confirm")
    assert done.returncode == 0, done.stderr
    until(lambda: "heater1" not in held(site), "the heater is back")
    heater = next(c for c in site.state()["circuits"] if c["id"] == "heater1")
    assert heater["opted_out"] and site.state()["events"][0]["opted_out"] == ["heater1"]
    done = site.venctl("trigger", "opt-in", "--id", "evt-1", "--circuit", "heater1")
    assert done.returncode == 0, done.stderr
    until(lambda: held(site).get("heater1") == 0, "the heater gives again")
    assert site.venctl("trigger", "opt-out", "--id", "evt-1").returncode == 1
    whole = ("trigger", "opt-out", "--id", "evt-1", "--confirm", "--reason", "guests at home")
    assert site.venctl(*whole).returncode == 0
    until(lambda: not held(site), "all is back")
    told = [one for one in backend.on("ven/status/") if one.get("event_id") == "evt-1"]
    assert (told[-1]["ended_by"], told[-1]["ended_because"]) == ("cli", "guests at home")
    assert "guests at home" in site.venctl("log").stdout
    again = backend.ask({**TWO_KW, "revision": 1})
    assert (again["status"], again["reason"]) == ("rejected", "opted_out")
    assert site.venctl("trigger", "opt-out", "--id", "evt-9").returncode == 1
    assert site.venctl("trigger", "opt-out").returncode == 2


def test_events_are_listed_while_they_live_and_after(site: Site, backend: Backend) -> None:
    assert site.venctl("events").stdout == "no events yet\n"
    backend.ask(TWO_KW)
    line = site.venctl("events").stdout
    assert line.startswith("shedding") and "evt-1, called by the grid operator" in line
    backend.ask({"op": "restore", "correlationId": "r"})
    until(lambda: site.state()["events"] == [], "over")
    assert site.venctl("events").stdout.startswith("over")
    said = json.loads(site.venctl("events", "--json").stdout)
    assert (said["events"], said["past"][0]["id"]) == ([], "evt-1")
