"""`venctl shadow` and `venctl trigger lock`, against a controller that runs."""

from __future__ import annotations

import json

from tests.kit.process.data_plane import iot_data_of, shadow
from tests.kit.process.site import Site, until


def test_the_command_line_locks_a_circuit_and_says_why_a_wish_was_refused(site: Site) -> None:
    assert site.venctl("trigger", "lock").returncode == 2
    assert site.venctl("trigger", "lock", "ev1").returncode == 0
    refused = site.venctl("trigger", "circuit", "ev1", "on")
    assert refused.returncode == 1 and "locked by cli" in refused.stderr
    desired = {"circuits": [{"id": "ev1", "enabled": True}, {"id": "nix", "enabled": True}]}
    payload = json.dumps({"state": {"desired": {**desired, "welcome": "aws"}}})
    iot_data_of(site).update_thing_shadow(thingName="volttron_local", payload=payload)
    until(lambda: "circuits" not in shadow(site)["state"].get("desired", {}), "settled")
    ack = shadow(site)["state"]["reported"]["ack"]
    assert ack["r"] == {"ev1": [423, "locked by cli"], "nix": [404, "unknown"]}
    said = site.venctl("shadow").stdout
    assert "in sync, version" in said and "rejected: locked by cli (423)" in said
    assert "refused  nix: unknown (404)" in said
    told = json.loads(site.venctl("shadow", "--json").stdout)
    assert {one["id"] for one in told["refused"]} == {"ev1", "nix"}
    assert site.venctl("trigger", "unlock", "ev1").returncode == 0
    assert site.venctl("trigger", "circuit", "ev1", "on").returncode == 0


def test_a_setting_from_the_cloud_is_echoed_and_its_delta_clears(site: Site) -> None:
    payload = json.dumps({"state": {"desired": {"report_interval_seconds": 2}}})
    iot_data_of(site).update_thing_shadow(thingName="volttron_local", payload=payload)

    def echoed() -> bool:
        reported = shadow(site)["state"].get("reported", {})
        return reported.get("report_interval_seconds") == 2

    until(echoed, "echo")
    state = shadow(site)["state"]
    assert state["desired"] == {"report_interval_seconds": 2} and "delta" not in state


def test_shadow_without_a_controller_says_so(site: Site) -> None:
    site.stop()
    done = site.venctl("shadow")
    assert done.returncode == 3 and "venctl run" in done.stderr
