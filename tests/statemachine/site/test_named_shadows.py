"""A site of a hundred circuits: its shadows, what they weigh, and the real program with them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine import SpecError
from statemachine.kit.strict_json import compact
from statemachine.shadow.reconcile import judge
from statemachine.shadow.report import MOST_BYTES, largest_bytes, reported_section
from statemachine.site.named_shadows import circuits_by_shadow
from statemachine.state.cloud_triggers import Document
from statemachine.state.desires import Wish
from statemachine.state.shadow import WishOutcome
from tests.kit.core.sample_sites import NOW_MS, site
from tests.kit.harness import Harness
from tests.kit.process.data_plane import iot_data_of
from tests.kit.process.site import Site, until, venctl

SERVICE_BYTES = 8_192


def panel(count: int, name: str = "") -> str:
    head = "site: {id: tower, service: 900 kW}\nsim: {load: steady}\ncircuits:\n"
    named = f"name: {name}, " if name else ""
    return head + "".join(
        f"  c{n}: {{{named}rated: 1.5 kW, shed: 50 %}}\n" for n in range(1, count + 1)
    )


@pytest.mark.parametrize(
    ("code", "undone"), [(200, False), (202, False), (502, False), (504, False), (423, True)]
)
def test_a_wish_in_one_shadow_does_not_undo_a_newer_one_in_another(code: int, undone: bool) -> None:
    """Also where the newer one was tried in vain: what is wanted last counts."""
    desk = Harness(site(panel(50)))
    desk.read()
    newer = WishOutcome(False, 144, code, "", desk.ms)
    first = desk.memory.shadows["circuits-0"]
    known = {**desk.memory.shadows, "circuits-0": replace(first, decided={"c1": newer})}
    wishes = (Wish("c1", False, 132),)
    older = Document(**desk.stamp(), key="circuits-1", token=1, version=1, wishes=wishes)
    found = judge(desk.spec, replace(desk.memory, shadows=known), older)
    assert bool(found.open) is undone
    if not undone:
        assert found.decided["c1"].code == 409


def test_up_to_forty_circuits_stand_in_the_classic_shadow() -> None:
    assert {key: len(ids) for key, ids in circuits_by_shadow(site(panel(40))).items()} == {"": 40}


def test_more_go_into_named_shadows_of_forty_in_the_order_of_the_file() -> None:
    found = circuits_by_shadow(site(panel(100)))
    assert {key: len(ids) for key, ids in found.items()} == {
        "": 0,
        "circuits-0": 40,
        "circuits-1": 40,
        "circuits-2": 20,
    }
    assert [id for ids in found.values() for id in ids] == [f"c{n}" for n in range(1, 101)]
    assert len(circuits_by_shadow(site(panel(400)))) == 11


def test_a_site_that_shrinks_or_grows_takes_what_moved_out_of_the_classic_shadow() -> None:
    for count, gone in ((40, "circuit_shadows"), (41, "circuits")):
        desk = Harness(site(panel(count)))
        assert reported_section(desk.spec, desk.memory, "", NOW_MS)[gone] is None


names = st.text("aZ9äöß語\U0001f50c", min_size=1, max_size=9)


@settings(deadline=None)
@given(count=st.integers(1, 90), name=names)
def test_no_document_outgrows_what_was_computed_for_it(count: int, name: str) -> None:
    spec = site(panel(count, f'"{name}"'))
    desk = Harness(spec)
    for id in desk.memory.circuits:
        desk.memory = desk.memory.circuit(id, drawn_w=1_999, free_w=1_999, enabled=False)
    desk.ask(op="event", event_id="e" * 128, shed_kw=100, duration_sec=600)
    for key, most in largest_bytes(spec).items():
        said = reported_section(spec, desk.memory, key, NOW_MS)
        said["ack"] = {"r": "x" * 500}
        wishes = {
            "circuits": [{"id": id, "enabled": False} for id in circuits_by_shadow(spec)[key]]
        }
        whole = len(compact({k: v for k, v in said.items() if v is not None}))
        assert whole + len(compact(wishes)) <= most <= MOST_BYTES < SERVICE_BYTES


def test_names_that_make_a_shadow_too_large_are_a_fault_of_the_file() -> None:
    with pytest.raises(
        SpecError, match=r"circuits-0 can grow to 7,\d+ bytes; the safe limit is 7,000"
    ):
        site(panel(100, "n" * 64))


def test_check_prints_the_bytes_of_every_shadow(tmp_path: Path) -> None:
    (tmp_path / "ven.yaml").write_text(panel(100))
    said = venctl("check", cwd=tmp_path).stdout
    assert "shadow classic" in said and "shadow circuits-2" in said and "of 8,192 bytes" in said
    told = json.loads(venctl("check", "--json", cwd=tmp_path).stdout)
    assert told["shadow_bytes"] == largest_bytes(site(panel(100)))
    (tmp_path / "ven.yaml").write_text(panel(100, "n" * 64))
    assert venctl("check", cwd=tmp_path).returncode == 2


# -- the real program -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tower(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    one = Site(tmp_path_factory.mktemp("tower"), panel(100)).start().connected()
    yield one
    one.close()


class Cloud:
    """Somebody with boto3."""

    def __init__(self, of: Site) -> None:
        self.client = iot_data_of(of)

    def document(self, name: str) -> dict[str, Any]:
        time.sleep(0.1)  # a thing has 20 requests a second, for everybody
        named = {"shadowName": name} if name else {}
        answer = self.client.get_thing_shadow(thingName="tower", **named)
        found: dict[str, Any] = json.loads(answer["payload"].read())
        return found

    def state(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.document(name)["state"]
        return found

    def wish(self, name: str, id: str, enabled: bool) -> None:
        named = {"shadowName": name} if name else {}
        desired = {"circuits": [{"id": id, "enabled": enabled}]}
        payload = json.dumps({"state": {"desired": desired}})
        self.client.update_thing_shadow(thingName="tower", payload=payload, **named)

    def named(self) -> list[str]:
        found: list[str] = self.client.list_named_shadows_for_thing(thingName="tower")["results"]
        return found

    def reads(self, name: str, id: str) -> bool:
        circuits = self.state(name)["reported"]["circuits"]
        found: bool = next(c["enabled"] for c in circuits if c["id"] == id)
        return found


def synced(tower: Site) -> Cloud:
    cloud = Cloud(tower)

    names = ["circuits-0", "circuits-1", "circuits-2"]
    until(lambda: cloud.named() == names, "three named shadows")
    return cloud


def test_a_hundred_circuits_are_reported_in_three_named_shadows(tower: Site) -> None:
    cloud = synced(tower)
    classic = cloud.state("")["reported"]
    assert classic["circuit_shadows"] == ["circuits-0", "circuits-1", "circuits-2"]
    assert "circuits" not in classic and classic["power_kw"] == 150.0
    told = [one["id"] for name in classic["circuit_shadows"] for one in
            cloud.state(name)["reported"]["circuits"]]  # fmt: skip
    assert told == [f"c{n}" for n in range(1, 101)]


@pytest.mark.parametrize(("name", "enabled"), [("circuits-1", False), ("", True)])
def test_circuit_73_is_switched_through_its_own_shadow_and_through_the_classic_one(
    tower: Site, name: str, enabled: bool
) -> None:
    cloud = synced(tower)
    cloud.wish(name, "c73", enabled)
    until(lambda: cloud.reads("circuits-1", "c73") is enabled, "reported in its own shadow")
    until(lambda: "desired" not in cloud.state(name), "wish taken out")
    assert "delta" not in cloud.document(name)["state"]
    assert cloud.state(name)["reported"]["ack"]["ac"] == 200
    on = {one["id"]: one["enabled"] for one in tower.state()["circuits"]}
    assert on["c73"] is enabled and sum(on.values()) == 99 + enabled
    shown = tower.http("GET", "/api/v1/shadow")[1]
    assert [one["name"] for one in shown["shadows"]] == list(circuits_by_shadow(site(panel(100))))


def test_after_a_kill_every_shadow_is_in_sync_again(tower: Site) -> None:
    cloud = synced(tower)
    tower.kill()
    tower.start().connected()
    cloud = Cloud(tower)
    cloud.wish("circuits-2", "c100", False)
    until(lambda: cloud.reads("circuits-2", "c100") is False, "c100 off")
    until(lambda: tower.http("GET", "/api/v1/shadow")[1]["state"] == "in_sync", "all in sync")


def test_a_site_that_is_edited_to_forty_circuits_and_past_it_moves_them(tmp_path: Path) -> None:
    one = Site(tmp_path, panel(41)).start().connected()
    try:
        cloud = Cloud(one)
        until(lambda: cloud.named() == ["circuits-0", "circuits-1"], "two named shadows")
        (tmp_path / "ven.yaml").write_text(panel(40))
        assert one.venctl("reload").returncode == 0
        until(lambda: len(classic(cloud).get("circuits", [])) == 40, "all in the classic shadow")
        assert "circuit_shadows" not in classic(cloud)
        (tmp_path / "ven.yaml").write_text(panel(41))
        assert one.venctl("reload").returncode == 0
        until(lambda: "circuits" not in classic(cloud), "moved")
        assert classic(cloud)["circuit_shadows"] == ["circuits-0", "circuits-1"]
        cloud.wish("circuits-1", "c41", False)
        until(lambda: cloud.reads("circuits-1", "c41") is False, "c41 off")
    finally:
        one.close()


def classic(cloud: Cloud) -> dict[str, Any]:
    try:
        found: dict[str, Any] = cloud.state("").get("reported", {})
    except ClientError:  # not reported yet
        return {}
    return found
