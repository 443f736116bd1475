"""Events that are yet to start are told to who asks, and in the shadow as far as it has room."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine.kit.frozen import changed
from statemachine.kit.strict_json import compact
from statemachine.shadow.report import MOST_BYTES, fingerprint, largest_bytes, reported_section
from statemachine.site.named_shadows import circuits_by_shadow
from statemachine.wire.schedule import MOST, MOST_AHEAD
from tests.kit.core.sample_sites import MAPLE, NOW_S, site
from tests.kit.harness import Harness


def calling(desk: Harness, id: str, in_s: int = 0, **said: Any) -> dict[str, Any]:
    terms = {"op": "event", "event_id": id, "shed_kw": 1.0, "duration_sec": 600}
    start = {"start_ts": NOW_S + in_s} if in_s else {}
    return desk.ask(**{**terms, **start, **said})


def at_desk(text: str = MAPLE) -> Harness:
    desk = Harness(site(text))
    desk.read()
    return desk


def told(desk: Harness) -> list[dict[str, Any]]:
    ack = desk.ask(op="get", what="events")
    assert ack["status"] == "success"
    events: list[dict[str, Any]] = ack["data"]["events"]
    return events


def ahead(desk: Harness) -> list[dict[str, Any]] | None:
    found: list[dict[str, Any]] | None = reported_section(desk.spec, desk.memory, "", desk.ms)[
        "scheduled_events"
    ]
    return found


def test_a_backend_hears_of_every_live_event_the_binding_one_first_then_by_their_start() -> None:
    desk = at_desk()
    assert told(desk) == []
    calling(desk, "last", 7200, revision=3)
    calling(desk, "next", 3600)
    calling(desk, "small")
    calling(desk, "great", shed_kw=2.0)
    assert [one["event_id"] for one in told(desk)] == ["great", "small", "next", "last"]
    assert told(desk)[-1] == {
        "event_id": "last",
        "requested_shed_kw": 1.0,
        "start_ts": NOW_S + 7200,
        "end_ts": NOW_S + 7800,
        "revision": 3,
        "source": "operator",
        "state": "scheduled",
    }
    desk.ask(op="cancel", event_id="next")
    assert "next" not in [one["event_id"] for one in told(desk)]


def test_what_one_answer_cannot_hold_is_counted() -> None:
    desk = at_desk()
    for number in range(MOST + 7):
        calling(desk, f"e{number:03}", 60 + number)
    data = desk.ask(op="get", what="events")["data"]
    assert (len(data["events"]), data["more"]) == (MOST, 7)


def test_the_shadow_names_what_starts_next_until_it_starts_or_is_called_off() -> None:
    desk = at_desk()
    assert ahead(desk) is None, "a null, which takes the key out of the document"
    calling(desk, "later", 3600)
    calling(desk, "soon", 60)
    assert [one["event_id"] for one in ahead(desk) or []] == ["soon", "later"]
    assert (ahead(desk) or [])[0]["start_ts"] == NOW_S + 60
    desk.wait(61)
    said = reported_section(desk.spec, desk.memory, "", desk.ms)
    assert said["active_event"]["event_id"] == "soon"
    assert [one["event_id"] for one in said["scheduled_events"]] == ["later"]
    desk.ask(op="cancel", event_id="later")
    assert ahead(desk) is None


@pytest.mark.parametrize(
    "change", [{"shed_kw": 1.5}, {"duration_sec": 900}, {"start_ts": NOW_S + 90}, {"op": "cancel"}]
)
def test_news_of_a_scheduled_event_is_reported_at_once(change: dict[str, Any]) -> None:
    desk = at_desk()
    seen = [fingerprint(desk.spec, desk.memory, "", desk.ms)]
    calling(desk, "e", 60)
    seen.append(fingerprint(desk.spec, desk.memory, "", desk.ms))
    calling(desk, "e", 60, **{"revision": 1, **change})
    seen.append(fingerprint(desk.spec, desk.memory, "", desk.ms))
    assert len(set(seen)) == (2 if change == {"op": "cancel"} else 3)


@settings(deadline=None)
@given(
    count=st.integers(1, 45),
    name=st.text("aZ9äö\U0001f50c", min_size=1, max_size=24),
    ids=st.lists(st.text("eß\U0001f50c", min_size=1, max_size=128), unique=True, max_size=9),
)
def test_events_ahead_fill_no_more_of_the_shadow_than_is_left(
    count: int, name: str, ids: list[str]
) -> None:
    panel = "".join(
        f'\n  c{n}: {{name: "{name}", rated: 1 kW, shed: 100 %}}' for n in range(1, count + 1)
    )
    desk = at_desk(f"site: {{id: v, service: 999 kW}}\ncircuits:{panel}\n")
    for id in desk.memory.circuits:
        desk.memory = desk.memory.circuit(id, drawn_w=999, free_w=999, enabled=False)
    calling(desk, "e" * 128)
    for place, id in enumerate(ids, start=1):
        calling(desk, id, 60 * place)
    said = reported_section(desk.spec, desk.memory, "", desk.ms)
    listed = said["scheduled_events"] or []
    assert [one["event_id"] for one in listed] == ids[: len(listed)]
    assert len(listed) + (said["scheduled_more"] or 0) == len(ids)
    assert len(listed) <= MOST_AHEAD
    said["ack"] = {"r": "x" * 500}
    wishes = {
        "circuits": [{"id": id, "enabled": False} for id in circuits_by_shadow(desk.spec)[""]]
    }
    whole = len(compact({k: v for k, v in said.items() if v is not None}))
    assert whole + len(compact(wishes)) <= largest_bytes(desk.spec)[""] <= MOST_BYTES


def test_a_document_that_was_refused_as_too_large_names_no_events_to_come() -> None:
    desk = at_desk()
    calling(desk, "soon", 60)
    lean = changed(desk.memory.shadow, lean=1)
    desk.memory = changed(desk.memory, shadows={"": lean})
    said = reported_section(desk.spec, desk.memory, "", desk.ms)
    assert (said["scheduled_events"], said["scheduled_more"]) == (None, 1)
