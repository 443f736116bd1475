"""What a broker's policy denies costs exactly that, and is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.mqtt.strict_broker import StrictBroker
from tests.kit.process.site import STEADY, Backend, Site, until, venctl
from venctl.link.permissions import (
    AGAIN_MS,
    BARRED,
    CARRIED,
    DENIED,
    DROPPED,
    LATER_MS,
    Permissions,
    will_after,
)

ID = "volttron_local"
CMD, ACK, STATUS = f"ven/cmd/{ID}", f"ven/ack/{ID}", f"ven/status/{ID}"
TELEMETRY = f"ven/telemetry/{ID}"
WILL = f"a last will on {STATUS}"
RETAINED = f"retained messages on {STATUS}"
SHED = {"op": "event", "shed_kw": 2.0, "duration_sec": 300}

deeds = st.lists(
    st.tuples(
        st.sampled_from(["allowed", "refused", "cut_off", "connected"]),
        st.sampled_from(["a", "b"]),
        st.integers(0, 2 * LATER_MS),
    )
)


@given(deeds)
def test_what_works_is_never_held_against_us(done: list[tuple[str, str, int]]) -> None:
    rights, now_ms = Permissions({"b"}), 0
    for deed, thing, wait_ms in done:
        now_ms += wait_ms
        match deed:
            case "connected":
                rights.connected()
            case "allowed":
                rights.allowed(thing)
                assert rights.may(thing, now_ms) and thing not in rights.denied()
            case _:
                before = rights.denied()
                news = getattr(rights, deed)(thing, now_ms)
                assert news == (thing not in before and thing in rights.denied())


def test_a_refusal_is_asked_again_after_five_minutes_or_a_reconnect() -> None:
    rights = Permissions(())
    assert rights.refused("ack", 0) and not rights.refused("ack", 1)
    assert not rights.may("ack", AGAIN_MS) and rights.may("ack", AGAIN_MS + 1)
    assert rights.refused("status", 0)
    rights.connected()
    assert rights.may("status", 0) and rights.denied() == ("ack", "status")


def test_what_ends_the_connection_twice_in_a_row_is_left_alone_over_reconnects() -> None:
    rights = Permissions({"status"})
    for thing in ("status", "telemetry"):
        assert not rights.cut_off(thing, 0)
        rights.allowed(thing)
        assert not rights.cut_off(thing, 0) and rights.may(thing, 0)
        assert rights.cut_off(thing, 0)
    rights.connected()
    assert not rights.may("status", 10 * LATER_MS)
    assert not rights.may("telemetry", LATER_MS - 1) and rights.may("telemetry", LATER_MS)


@pytest.mark.parametrize(
    ("answers", "stands"),
    [
        (["entered"], CARRIED),
        (["refused"], DROPPED),
        (["refused", "entered"], DENIED),
        (["refused", "entered", "refused", "entered"], DENIED),
        (["refused", "refused", "refused"], BARRED),
        (["refused", "refused", "entered"], CARRIED),
    ],
)
def test_a_will_is_blamed_only_where_a_connect_without_it_gets_in(
    answers: list[str], stands: str
) -> None:
    will = CARRIED
    for answer in answers:
        will = will_after(will, answer)
    assert will == stands


# ---------------------------------------------------------------- a whole controller

Start = Callable[..., tuple[StrictBroker, Site]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a broker of such a policy and a controller that uses it."""
    brokers: list[StrictBroker] = []
    sites: list[Site] = []

    def run(**policy: Any) -> tuple[StrictBroker, Site]:
        brokers.append(StrictBroker(**policy))
        cloud = f"cloud: {{kind: mqtt, host: 127.0.0.1, port: {brokers[-1].port}}}"
        text = STEADY.replace("cloud: {kind: local}", cloud, 1).replace("every: 5 s", "every: 1 s")
        sites.append(Site(tmp_path, text).start())
        return brokers[-1], sites[-1]

    yield run
    for site in sites:
        site.close()
    for broker in brokers:
        broker.stop()


def denied(site: Site, *things: str) -> None:
    until(lambda: set(site.state()["link"]["denied"]) == set(things), f"denied: {things}")


def works(broker: StrictBroker, site: Site) -> None:
    """A command is heard, done and answered; telemetry tells of it."""
    backend = Backend(broker.port)
    try:
        assert backend.ask(SHED)["status"] == "accepted"
        until(lambda: [t for t in backend.on(TELEMETRY) if t["power_kw"] == 8.0], "telemetry")
        assert backend.ask({"op": "restore", "correlationId": "r"})["status"] == "success"
    finally:
        backend.close()


def test_a_ven_whose_last_will_is_not_allowed_works_without_it_and_says_so(start: Start) -> None:
    broker, site = start(will=False)
    site.connected()
    denied(site, WILL)
    assert broker.connected(ID) == [True, False]
    works(broker, site)
    assert "last will" in site.said()
    assert WILL in site.venctl("state").stdout
    assert broker.connected(ID) == [True, False]


def test_a_ven_that_was_locked_out_keeps_its_will_once_it_is_let_in(start: Start) -> None:
    broker, site = start(barred=True)
    until(lambda: len(broker.connects) > 3, "attempts")
    assert site.state()["link"]["state"] == "disconnected"
    assert "not authorized" in site.state()["link"]["detail"]
    broker.barred = False
    site.connected()
    until(lambda: broker.connected(ID)[-1], "a CONNECT with the will")
    site.connected()
    denied(site)


def test_commands_go_on_where_acks_are_refused(start: Start) -> None:
    broker, site = start(denied={ACK})
    site.connected()
    backend = Backend(broker.port)
    for number in range(30):  # ten more than the broker sends before a PUBACK
        backend.send({"op": "ping", "correlationId": f"p{number}"})
    backend.send(SHED)
    until(lambda: site.state()["power_kw"] == 8.0, "the event behind thirty pings")
    until(lambda: [t for t in backend.on(TELEMETRY) if t["power_kw"] == 8.0], "telemetry")
    denied(site, ACK)
    assert broker.published.count(ACK) <= 20, "after the first refusal nobody asks again"
    assert site.state()["link"]["waiting"] == 0
    assert site.said().count("this is tried again later") == 1
    backend.close()


def test_a_ven_that_may_hear_no_commands_is_not_called_connected_and_still_tells(
    start: Start,
) -> None:
    broker, site = start(denied={CMD})
    denied(site, CMD)
    link = site.state()["link"]
    assert (link["state"], link["detail"]) == (
        "disconnected",
        "the broker refuses the subscription for commands",
    )
    backend = Backend(broker.port)
    until(lambda: backend.on(TELEMETRY), "telemetry")
    assert site.http("POST", "/api/v1/events", {"shed_kw": 2, "duration_s": 60})[0] == 201
    until(lambda: [t for t in backend.on(TELEMETRY) if t["power_kw"] == 8.0], "telemetry")
    backend.close()


@pytest.mark.parametrize("topic", [STATUS, TELEMETRY, "volttron/metering"])
def test_one_refused_topic_costs_no_other(start: Start, topic: str) -> None:
    broker, site = start(denied={topic})
    site.connected()
    backend = Backend(broker.port)
    assert backend.ask({"op": "ping", "correlationId": "p"})["pong"] is True
    for other in {TELEMETRY, "volttron/metering"} - {topic}:
        until(lambda other=other: len(backend.on(other)) > 1, other)
    until(lambda: topic in " ".join(site.state()["link"]["denied"]), "told")
    assert len(broker.connected(ID)) == 1
    backend.close()


def test_rights_that_come_with_a_reconnect_are_used(start: Start) -> None:
    broker, site = start(denied={ACK})
    site.connected()
    backend = Backend(broker.port)
    backend.send({"op": "ping", "correlationId": "lost"})
    denied(site, ACK)
    broker.denied = ()
    site.stop()
    site.start().connected()
    assert backend.ask({"op": "ping", "correlationId": "found"})["pong"] is True
    denied(site)
    backend.close()


def test_a_status_topic_that_ends_the_connection_is_left_alone_after_two_times(
    start: Start,
) -> None:
    broker, site = start(fatal={STATUS}, will=False)
    denied(site, WILL, RETAINED)
    site.connected()
    works(broker, site)
    denied(site, WILL, RETAINED, STATUS)
    site.connected()
    came = len(broker.connected(ID))
    assert broker.published.count(STATUS) <= 4
    backend = Backend(broker.port)
    assert backend.ask({**SHED, "event_id": "second"})["status"] == "accepted"
    until(lambda: [t for t in backend.on(TELEMETRY) if t["eventId"] == "second"], "telemetry")
    backend.close()
    assert len(broker.connected(ID)) == came, "it does not go on reconnecting"


def test_without_the_right_to_retain_the_status_messages_still_go_out(start: Start) -> None:
    broker, site = start(retained=False, will=False)
    denied(site, WILL, RETAINED)
    site.connected()
    backend = Backend(broker.port)
    backend.ask(SHED)
    until(lambda: "started" in [s["state"] for s in backend.on(STATUS)], "status message")
    backend.close()


def test_a_command_line_that_may_not_publish_is_told_and_leaves_no_session(tmp_path: Path) -> None:
    broker = StrictBroker(denied={CMD})
    where = ["--via", "mqtt", "--ven-id", ID, "--endpoint", "127.0.0.1", "--port", str(broker.port)]
    try:
        done = venctl("trigger", "ping", *where, cwd=tmp_path)
        assert done.returncode == 1
        assert done.stderr == f"venctl: the broker refuses messages on {CMD}: not authorized\n"
        until(lambda: not broker.sessions(), "the session forgotten")
    finally:
        broker.stop()
