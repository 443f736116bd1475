"""Who asked for what, for 13 months, whatever the journal forgets."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from statemachine import Ven
from statemachine.state.cloud_triggers import Document
from statemachine.state.desires import Wish
from statemachine.state.triggers import Connected, Trigger
from statemachine.wire.commands import Origin, command_from
from tests.kit.core.sample_sites import MAPLE, site
from tests.kit.process.site import Backend, Site, until
from tests.kit.simulated.storing import AtOnce
from venctl.audit_log import MONTHS, AuditLog, read
from venctl.runtime.decision import sort_decision

NOW_MS = 1_700_000_000_000
VEN = Ven(site(MAPLE))
MONTH_MS = 31 * 86_400_000


def asked(at_ms: int = NOW_MS, door: str = "page", **said: Any) -> Trigger:
    stamps = Origin(door, "r", at_ms, 1_000, who="session 1 from 10.0.0.7")
    return command_from(said, VEN.spec.site.id, stamps)


def noted(folder: Path, *triggers: Trigger) -> list[dict[str, Any]]:
    """What is read after these were decided upon."""
    audit, memory = AuditLog(folder, AtOnce()), VEN.start()
    for trigger in triggers:
        after, effects = VEN.decide(memory, trigger)
        audit.note(sort_decision(trigger, memory, after, effects, lambda: 1))
        memory = after
    return list(read(folder))


def test_each_command_has_a_line_with_who_asked_for_what_and_what_was_answered(
    tmp_path: Path,
) -> None:
    taken, refused = noted(
        tmp_path,
        asked(op="event", event_id="e1", shed_kw=2.0, duration_sec=60, correlationId="c1"),
        asked(op="restore", event_id="e9", reason="guests"),
    )[:2]
    assert (taken["door"], taken["who"]) == ("page", "session 1 from 10.0.0.7")
    assert (taken["op"], taken["event_id"], taken["correlation"]) == ("event", "e1", "c1")
    assert taken["asked"]["shed_w"] == 2_000 and taken["asked"]["duration_ms"] == 60_000
    assert refused["why"] == "guests"


def test_questions_leave_no_line(tmp_path: Path) -> None:
    assert noted(tmp_path, asked(op="ping"), asked(op="get", what="loads")) == []


def test_what_is_refused_has_its_line_and_its_reason(tmp_path: Path) -> None:
    (row,) = noted(tmp_path, asked(op="setLoad", loadId="nobody", enabled=True, door="operator"))
    assert (row["status"], row["reason"], row["door"]) == ("rejected", "not_found", "operator")


def test_every_wish_of_the_cloud_has_one_line_whatever_becomes_of_it(tmp_path: Path) -> None:
    """Locked at the site, metered only, and simply carried out; the document read twice."""
    at = {"at_ms": NOW_MS, "mono_ms": 1_000}
    wishes = (Wish("lights1", False, 0), Wish("misc1", False, 0), Wish("nobody", True, 0))
    document: dict[str, Any] = {"token": 1, "version": 3, "wishes": wishes, "wished": ("circuits",)}
    rows = noted(
        tmp_path,
        asked(op="setLock", loadId="lights1", locked=True),
        Connected(**at),
        Document(**at, **document),
        Document(**at, **{**document, "token": 2}),
    )
    wished = [row for row in rows if row["op"] == "wish"]
    assert [(row["loadId"], row["status"], row.get("reason")) for row in wished] == [
        ("lights1", "rejected", "423"),
        ("misc1", "taken", None),
        ("nobody", "rejected", "404"),
    ]
    assert wished[0]["detail"] == "locked by page" and wished[0]["who"] == "shadow classic"


def test_thirteen_months_are_kept_and_the_oldest_goes(tmp_path: Path) -> None:
    calls = [
        asked(NOW_MS + n * MONTH_MS, op="setLoad", loadId="lights1", enabled=bool(n % 2))
        for n in range(MONTHS + 4)
    ]
    rows = noted(tmp_path, *calls)
    assert len(list((tmp_path / "audit").iterdir())) == MONTHS
    assert rows[-1]["at_ms"] == calls[-1].at_ms
    assert all((one.stat().st_mode & 0o077) == 0 for one in (tmp_path / "audit").iterdir())


def test_a_line_that_was_cut_off_hides_no_other(tmp_path: Path) -> None:
    noted(tmp_path, asked(op="setLoad", loadId="lights1", enabled=False))
    (file,) = (tmp_path / "audit").iterdir()
    file.write_bytes(b'{"at_ms": 17\n' + file.read_bytes() + b"\xff\xfe")
    assert [row["op"] for row in read(tmp_path)] == ["setLoad"]


def test_a_disk_that_refuses_is_told_by_the_next_line(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("no folder")
    audit = AuditLog(tmp_path, AtOnce())
    trigger, memory = asked(op="setLoad", loadId="lights1", enabled=False), VEN.start()
    after, effects = VEN.decide(memory, trigger)
    for _ in range(3):
        audit.note(sort_decision(trigger, memory, after, effects, lambda: 1))
    (tmp_path / "audit").unlink()
    audit.note(sort_decision(trigger, memory, after, effects, lambda: 1))
    (row,) = read(tmp_path)
    assert row["missed"] == 3


def test_the_command_line_exports_it_with_every_door(site: Site, backend: Backend) -> None:
    backend.ask({"op": "event", "event_id": "e1", "shed_kw": 1.0, "duration_sec": 600})
    assert site.http("PATCH", "/api/v1/circuits/lights1", {"enabled": False})[0] == 200
    site.venctl("trigger", "restore", "--confirm", "--reason", "too warm, sorry")

    def exported() -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(site.venctl("log", "--csv").stdout)))

    rows = until(lambda: exported() if len(exported()) == 4 else None, "four lines")
    assert [(row["op"], row["door"], row["status"]) for row in rows] == [
        ("event", "operator", "accepted"),
        ("setLoad", "page", "taken"),
        ("setLoad", "", "success"),
        ("restore", "cli", "success"),
    ]
    assert rows[0]["who"].startswith("MQTT ven/cmd/")
    assert rows[1]["who"] == "nobody signed in from 127.0.0.1"
    assert rows[3]["why"] == "too warm, sorry" and json.loads(rows[0]["asked"])["shed_w"] == 1_000


@pytest.mark.parametrize("name", ["", "--json"])
def test_without_a_line_the_export_has_its_header(tmp_path: Path, name: str) -> None:
    from tests.kit.process.site import venctl

    (tmp_path / "ven.yaml").write_text(MAPLE)
    done = venctl("log", "--csv", *filter(None, [name]), cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("at,door,who,op,status")
