"""Times on the command line: typed and printed by the clock of the site."""

from __future__ import annotations

import json
import shlex
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemachine.device.catalog import NO_DEVICES
from statemachine.kit.localtime import instant_s
from tests.kit.process.site import STEADY, Site, venctl
from venctl.base.local_site import read_local_site
from venctl.cli.kit import clock
from venctl.cli.kit.clock import SiteClock
from web import time_zone as zones

ZONES = ["America/Los_Angeles", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]
BERLIN = STEADY.replace("timezone: America/Los_Angeles", "timezone: Europe/Berlin", 1)
NOWHERE = STEADY.replace("timezone: America/Los_Angeles", "", 1)
TOKYO = {"TZ": "Asia/Tokyo"}
HALF_PAST_TWO = "2027-01-29T02:30"
IN_BERLIN = round(datetime(2027, 1, 29, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")).timestamp())
LATER = f"trigger event --shed-kw 1 --duration-sec 600 --at {HALF_PAST_TWO}"


@given(st.sampled_from(ZONES), st.sampled_from(ZONES), st.integers(0, 4_000_000_000))
def test_a_printed_time_typed_in_again_is_the_same_second(here: str, site: str, at: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "machine_zone", lambda: here)
        printed = SiteClock(ZoneInfo(site)).text(at)
    typed = printed.removesuffix(f" {site}").replace(" ", "T", 1)
    assert instant_s(typed, ZoneInfo(site)) == at
    assert printed.endswith(site) is (here != site)


def test_a_span_names_its_zone_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "machine_zone", lambda: "UTC")
    span = SiteClock(ZoneInfo("Europe/Berlin")).span(IN_BERLIN, IN_BERLIN + 600)
    assert span == "2027-01-29 02:30:00 to 2027-01-29 02:40:00 Europe/Berlin"


def test_where_the_site_s_zone_is_not_known_this_machine_s_is_printed_and_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "machine_zone", lambda: "UTC")
    monkeypatch.setattr(zones, "machine_zone", lambda: "UTC")
    assert SiteClock(None).text(IN_BERLIN) == "2027-01-29 01:30:00 UTC"


def test_a_file_that_names_no_zone_means_this_machine_s_everywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(zones, "machine_zone", lambda: "Asia/Tokyo")
    assert read_local_site(NOWHERE, "ven.yaml", NO_DEVICES).site.timezone == "Asia/Tokyo"
    assert read_local_site(BERLIN, "ven.yaml", NO_DEVICES).site.timezone == "Europe/Berlin"


def test_a_machine_whose_clock_is_a_copy_of_a_zone_has_the_name_it_wrote_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "localtime").write_bytes(b"TZif2")
    (tmp_path / "timezone").write_text("Asia/Tokyo\n")
    monkeypatch.setattr(zones, "_LINK", tmp_path / "localtime")
    monkeypatch.setattr(zones, "_NAME", tmp_path / "timezone")
    monkeypatch.delenv("TZ", raising=False)
    assert zones.machine_zone.__wrapped__() == "Asia/Tokyo"


def test_every_door_reads_and_prints_times_by_the_clock_of_the_site(tmp_path: Path) -> None:
    site = Site(tmp_path, BERLIN, TOKYO).start().connected()
    try:
        typed = [site.venctl(*shlex.split(f"{LATER} --id {via} --via {via}"), "--json")
                 for via in ("http", "mqtt")]  # fmt: skip
        assert [json.loads(done.stdout)["start_ts"] for done in typed] == [IN_BERLIN] * 2
        words = ["trigger event --shed-kw 1 --duration-sec 600 --id http --at " + HALF_PAST_TWO]
        words += [words[0] + " --via mqtt", "events", "state"]
        printed = [site.venctl(*shlex.split(one)).stdout for one in words]
        assert all("2027-01-29 02:40:00 Europe/Berlin" in one for one in printed), printed
        (tmp_path / "ven.yaml").write_text(NOWHERE)
        assert "Europe/Berlin" in site.venctl("events").stdout
        site.venctl("reload")
        assert "2027-01-29 10:40:00  1.00 kW" in site.venctl("events").stdout
        assert site.venctl("log", "-n", "1").stdout.startswith("20")
    finally:
        site.close()


@pytest.mark.parametrize(
    "text", [None, BERLIN.replace("volttron_local", "another"), NOWHERE, "site: ["]
)
def test_over_mqtt_an_offset_is_demanded_where_the_site_s_zone_is_not_known(
    text: str | None, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "ven.yaml").write_text(text)
    there = "--ven-id volttron_local --endpoint 127.0.0.1 --port 9"
    done = venctl(*shlex.split(f"{LATER} --via mqtt {there}"), cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert f"'{HALF_PAST_TWO}' has no time zone" in done.stderr
    dated = venctl(*shlex.split(f"{LATER}+01:00 --via mqtt {there}"), cwd=tmp_path)
    assert dated.returncode == 3 and "cannot be reached" in dated.stderr


def test_a_scenario_says_on_which_day_and_in_which_zone_it_begins(tmp_path: Path) -> None:
    (tmp_path / "ven.yaml").write_text(BERLIN)
    (tmp_path / "day.yaml").write_text("start: 2026-11-24T17:00\nlength: 10 min\n")
    done = venctl("simulate", "day.yaml", cwd=tmp_path, env=TOKYO)
    assert "from 2026-11-24 17:00:00 Europe/Berlin in" in done.stdout, done
