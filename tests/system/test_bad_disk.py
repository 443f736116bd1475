"""The disk goes bad while a site sheds: control goes on in memory, and nothing is promised.

Each story is lived through once and then asked about: full, failing, read-only, or locked by
another program. `make chaos` plays all of them with both clouds, and more.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.kit.process.bystander import Look, breakers, event, free_to_draw, seen
from tests.kit.process.trouble import LOCAL, MOSQUITTO, Stage, cases, stage

TROUBLES = ("full", "failing", "read_only", "locked")
SHORT = [
    ("full", LOCAL), ("failing", MOSQUITTO), ("locked", MOSQUITTO), ("read_only", LOCAL),
]  # fmt: skip
CASES = cases(SHORT, [(one, cloud) for one in TROUBLES for cloud in (LOCAL, MOSQUITTO)])
LONG_S = 900
FRESH_S, RECOVER_S, ON_TIME_S = 3.0, 10.0, 2.0
MANY = 60
SHEDDING_KW = 7.5  # 9.6 without lights and EV, less 2.1
REFUSED_OVER_MQTT = ("refused", "promised", "more", "off-from-afar", "config")
KEPT_OUT = {"circuit": "heater1", "confirm_operator": True}
IN_MEMORY_OVER_MQTT = ("less", "cancel", "restore")
ANSWERED = ("ping", "get")


@dataclass(repr=False)
class Story:
    """What a site lived through, and when."""

    on: Stage
    short_end: float = 0.0
    flood: list[str] = field(default_factory=list)
    flood_sent: float = 0.0
    flood_done: float = 0.0
    wishes: list[dict[str, Any]] = field(default_factory=list)
    told_by_command: str = ""
    streamed: list[str] = field(default_factory=list)
    hung_up: float = 0.0
    after: list[str] = field(default_factory=list)
    cleared: Look | None = None
    killed: float = 0.0
    restarted: float = 0.0
    last: Look | None = None
    taken_on: list[str] = field(default_factory=list)

    @property
    def began(self) -> float:
        return self.on.trouble.began

    @property
    def ended(self) -> float:
        return self.on.trouble.ended

    def during(self) -> list[Look]:
        """The looks while the disk was bad."""
        return self.on.watcher.between(self.began, self.ended)

    def ack(self, name: str) -> dict[str, Any]:
        found = self.on.operator.ack(name)
        assert found, f"{name} was never answered"
        return found


def before(story: Story) -> None:
    """An event goes on, one ends soon, two come later; circuits are off, another is locked."""
    on, ask = story.on, story.on.operator.ask
    on.switch("lights-off", "lights1", False)
    on.http("lock-before", "PUT", "/api/v1/circuits/fridge1/lock", {"locked": True})
    ask("base", event("base", 1.0, LONG_S))
    ask("given", event("given", 1.5, LONG_S))
    for id, hours in (("later", 1), ("kept", 2)):
        ask(id, event(id, 1.0, 600, start_ts=int(time.time()) + 3600 * hours))
    length_s = round(on.dice.uniform(5, 8), 1)
    story.short_end = time.time() + length_s
    ask("short", event("short", 2.1, length_s))
    on.watcher.wait(time.time(), lambda look: look.power_kw == SHEDDING_KW, 3)


def during(story: Story) -> None:
    """What the operator and people at the site ask for in the meantime."""
    on, ask = story.on, story.on.operator.ask
    time.sleep(on.dice.uniform(0, 0.5))
    ask("refused", event("refused", 2.2, LONG_S))
    ask("promised", event("promised", 1.0, 600, start_ts=int(time.time()) + 1800))
    ask("more", event("base", 1.8, LONG_S, revision=1))
    ask("off-from-afar", {"op": "setLoad", "loadId": "hvac1", "enabled": False})
    ask("config", {"op": "setConfig", "report_interval_seconds": 7})
    on.http("lock", "PUT", "/api/v1/circuits/heater1/lock", {"locked": True})
    ask("ping", {"op": "ping"})
    ask("get", {"op": "get", "data": {"what": "status"}})
    on.switch("off-here", "misc1", False)
    on.switch("on-here", "lights1", True)
    on.http("unlock", "PUT", "/api/v1/circuits/fridge1/lock", {"locked": False})
    on.http("opt-out", "POST", "/api/v1/events/base/opt-out", KEPT_OUT)
    ask("less", event("base", 0.4, LONG_S, revision=2))
    ask("cancel", {"op": "cancel", "event_id": "later"})
    ask("restore", {"op": "restore", "event_id": "given"})


def flood(story: Story) -> None:
    """Sixty commands in a row: more than a site takes before it has acknowledged some."""
    on = story.on
    kinds: list[dict[str, Any]] = [
        {"op": "ping"},
        event("refused-again", 2.0, LONG_S),
        {"op": "get", "data": {"what": "config"}},
        {"op": "restore", "event_id": "given"},
    ]
    story.flood = [f"flood-{n}" for n in range(MANY)]
    story.flood_sent = time.time()
    for n, name in enumerate(story.flood):
        on.operator.send(name, kinds[n % len(kinds)])
    seen(lambda: all(on.operator.acks(name) for name in story.flood), 10)
    story.flood_done = time.time()


def look_at_everything(story: Story, name: str) -> list[str]:
    """A new stream, a reload both ways: what of it worked."""
    on, worked = story.on, []
    stream = on.stream()
    if seen(lambda: "snapshot" in stream.names(0), 3):
        worked.append("snapshot")
    if seen(lambda: "state" in stream.names(0), 3):
        worked.append("stream")
    on.site.process.send_signal(signal.SIGHUP)
    if on.http(f"reload-{name}", "POST", "/api/v1/reload", {})[0]:
        worked.append("reload")
    return worked


def live_through(story: Story) -> None:
    """From a site that is well to the same site after a kill; whatever fails is only noted."""
    on = story.on
    before(story)
    long_open = on.stream()
    on.trouble.begin()
    during(story)
    on.mark("flood")
    flood(story)
    on.wish("hvac1", False)
    seen(lambda: any(507 in _codes(ack) for ack in on.operator.wish_answers()), 4)
    on.wish("ev1", True)
    on.watcher.wait(time.time(), lambda look: _enabled(look, "ev1"), 4)
    story.wishes = on.operator.wish_answers()
    story.told_by_command = on.site.venctl("state").stdout
    story.streamed = look_at_everything(story, "during")
    seen(lambda: time.time() > story.short_end + 4, 10)
    on.trouble.end()
    story.cleared = on.watcher.wait(story.ended, lambda x: x.state and not x.alarms(), RECOVER_S)
    on.operator.ask("fresh", event("fresh", 1.0, LONG_S))
    story.after = look_at_everything(story, "after")
    if "state" in long_open.names(time.time() - 3):
        story.after.append("the old stream")
    on.wish("heater1", False)
    on.watcher.wait(time.time(), lambda look: not _enabled(look, "heater1"), 5)
    seen(lambda: on.operator.telemetry(story.ended + 1, time.time()), 6)
    story.killed = time.time()
    on.kill()
    on.start()
    story.restarted = time.time()
    seen(lambda: len(on.operator.telemetry(story.restarted, time.time())) >= 3, 6)
    story.last = on.watcher.wait(time.time(), lambda look: look.state, 3)
    past = on.http("events", "GET", "/api/v1/events")[1]
    story.taken_on = [one["id"] for one in past["past"]]


@pytest.fixture(scope="module", params=CASES)
def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with stage(tmp_path_factory.mktemp("bad"), *request.param) as on:
        story = Story(on)
        with on.story():
            live_through(story)
        yield story, on.account()


@pytest.fixture
def story(lived: tuple[Story, str]) -> Iterator[Story]:
    """What happened is printed with every test that fails."""
    print(lived[1])
    yield lived[0]


def _enabled(look: Look, circuit: str) -> bool:
    return bool(look.circuits().get(circuit, {}).get("enabled"))


def _codes(ack: dict[str, Any]) -> list[int]:
    return [ack["ac"], *(entry[0] for entry in (ack.get("r") or {}).values())]


# ---------------------------------------------------------------- while the disk is bad


def test_it_sheds_when_the_disk_goes_bad(story: Story) -> None:
    looks = story.on.watcher.between(story.began - 1, story.began)
    assert looks and looks[-1].power_kw == SHEDDING_KW, "the story begins in mid-event"


@pytest.mark.parametrize("name", REFUSED_OVER_MQTT)
def test_what_takes_load_or_promises_is_refused_for_want_of_storage(
    story: Story, name: str
) -> None:
    ack = story.ack(name)
    assert (ack["status"], ack.get("reason")) == ("rejected", "storage")


def test_a_lock_is_refused_for_want_of_storage(story: Story) -> None:
    status, problem = story.on.answers["lock"]
    assert status == 503 and problem["reason"] == "storage"


@pytest.mark.parametrize("name", IN_MEMORY_OVER_MQTT)
def test_what_gives_back_is_done_in_memory_and_says_that_it_is_not_stored(
    story: Story, name: str
) -> None:
    ack = story.ack(name)
    assert ack["status"] != "rejected" and ack.get("stored") is False


@pytest.mark.parametrize("name", ANSWERED)
def test_what_only_asks_is_answered(story: Story, name: str) -> None:
    assert story.ack(name)["status"] == "success"


def test_an_occupant_may_opt_out(story: Story) -> None:
    status, ack = story.on.answers["opt-out"]
    assert status == 200 and ack.get("stored") is False


@pytest.mark.parametrize("name", ["off-here", "on-here", "unlock"])
def test_a_person_at_the_site_switches_both_ways_and_unlocks(story: Story, name: str) -> None:
    status, body = story.on.answers[name]
    assert status == 200 and body.get("stored", False) is False


def test_what_a_person_switched_shows_at_once(story: Story) -> None:
    shown = story.on.watcher.first(
        story.began, lambda look: _enabled(look, "lights1") and not _enabled(look, "misc1")
    )
    assert shown and shown.answered < story.ended


def test_no_command_is_left_without_an_answer_and_none_is_withheld_from_the_site(
    story: Story,
) -> None:
    unheard = [name for name in story.flood if not story.on.operator.acks(name)]
    assert story.flood and not unheard, f"{len(unheard)} of {MANY}: {unheard[:5]} ..."
    assert story.flood_done < story.ended, "and not only when the disk was well"


def test_every_command_is_answered_once(story: Story) -> None:
    assert story.killed, "the story was lived to its end"
    for at, said in story.on.operator.sent:
        if at < story.killed:
            acks = story.on.operator.acks(said["correlationId"])
            heard = [body["status"] for when, body in acks if when < story.killed]
            assert len(heard) == 1, (said, heard)


def test_an_event_ends_on_time_and_its_load_is_back(story: Story) -> None:
    since = story.short_end + ON_TIME_S
    looks = story.on.watcher.between(since, story.ended)
    assert looks, "the page answers"
    late = [look for look in looks if look.events().get("short", {}).get("active")]
    assert not late, "the event is over"
    still_kw = looks[-1].free_kw() - (looks[-1].power_kw or 0)
    assert still_kw < 1.0, "load is back, but for the 0.4 kW of `base`, and an amp of the EV"


def test_telemetry_goes_on_and_counts_up(story: Story) -> None:
    said = story.on.operator.telemetry(story.began + 1, story.ended)
    numbers = [one["message_num"] for one in said]
    assert len(numbers) >= (story.ended - story.began) / 2 - 1, "about one a second"
    assert all(one < another for one, another in pairwise(numbers)), numbers


def test_readings_stay_fresh(story: Story) -> None:
    looks = story.during()
    assert looks and all(look.state for look in looks), "the page answers"
    ages = [round(look.answered - look.state["reading_at"], 1) for look in looks]
    assert max(ages) <= FRESH_S, f"{max(ages)} s old"


def test_the_state_tells_of_the_trouble_with_the_disk(story: Story) -> None:
    look = story.on.watcher.first(story.began, lambda look: look.alarms())
    assert look and look.answered < story.ended, "an alarm while it lasts"
    alarm = next(one for one in look.alarms() if one["id"] == "storage")
    assert alarm["text"] and story.began - 2 <= alarm["since"] <= look.answered


def test_the_command_line_tells_of_the_trouble_with_the_disk(story: Story) -> None:
    texts = [x["text"] for look in story.during() for x in look.alarms() if x["id"] == "storage"]
    assert any(text in story.told_by_command for text in texts), story.told_by_command


def test_a_wish_that_takes_load_is_refused_with_507(story: Story) -> None:
    assert any(507 in _codes(ack) for ack in story.wishes), story.wishes
    assert all(_enabled(look, "hvac1") for look in story.during() if look.state)


def test_a_wish_that_gives_back_is_applied(story: Story) -> None:
    shown = story.on.watcher.first(story.began, lambda look: _enabled(look, "ev1"))
    assert shown and shown.answered < story.ended


def test_streams_and_reloads_answer_while_the_disk_is_bad(story: Story) -> None:
    assert story.streamed == ["snapshot", "stream", "reload"]


# ---------------------------------------------------------------- when it is well again


def test_the_alarm_is_gone_and_an_event_taken_once_the_disk_is_well(story: Story) -> None:
    assert story.cleared, f"an alarm was still there after {RECOVER_S} s"
    assert "storage" in {x["id"] for look in story.during() for x in look.alarms()}
    assert story.ack("fresh")["status"] == "accepted"


def test_everything_still_works_afterwards(story: Story) -> None:
    assert story.after == ["snapshot", "stream", "reload", "the old stream"]
    assert story.on.answers["reload-after"][0] == 200
    told = story.on.operator.telemetry(story.ended + 1, story.killed)
    assert told, "telemetry"
    fresh = story.on.watcher.between(story.ended, story.killed)
    assert all(look.state and look.answered - look.state["reading_at"] < 3 for look in fresh)
    assert not _enabled(_last(story), "heater1"), "a wish that takes load is applied again"


def test_what_memory_decided_meanwhile_outlives_a_kill(story: Story) -> None:
    last = _last(story)
    assert _enabled(last, "lights1") and not _enabled(last, "misc1"), "as a person switched them"
    assert _enabled(last, "ev1"), "as the cloud wished"
    assert {"given", "later", "short"}.isdisjoint(last.events()), "what ended is over"
    assert {"base", "kept", "fresh"} <= set(last.events()), "what was taken on is known"
    assert last.events()["base"]["requested_kw"] == 0.4, "the smaller revision counts"
    assert last.events()["base"]["opted_out"] == ["heater1"]
    assert last.circuits()["fridge1"]["locked_by"] is None, "unlocked"


def test_the_breakers_stand_as_people_want_them_after_the_kill(story: Story) -> None:
    last = _last(story)
    on_the_wall = {id: breaker["on"] for id, breaker in breakers(story.on.state).items()}
    assert on_the_wall == {id: one["enabled"] for id, one in last.circuits().items()}
    held = [id for id, one in breakers(story.on.state).items() if not free_to_draw(one)]
    assert set(held) <= {id for id, one in last.circuits().items() if one["held_kw"] is not None}


def test_message_numbers_count_on_through_trouble_and_kill(story: Story) -> None:
    before = story.on.operator.telemetry(0, story.killed)
    after = story.on.operator.telemetry(story.restarted, time.time())
    assert before and after and before[-1]["message_num"] < after[0]["message_num"]


def test_what_was_refused_is_never_executed_later(story: Story) -> None:
    refused, last = {"refused", "promised", "refused-again"}, _last(story)
    assert story.ack("refused")["status"] == "rejected"
    shown = [id for look in story.on.watcher.looks for id in look.events()]
    assert refused.isdisjoint(shown) and refused.isdisjoint(story.taken_on)
    assert _enabled(last, "hvac1"), "nor is a switch"
    assert last.circuits()["heater1"]["locked_by"] is None, "nor a lock"
    told = story.on.operator.telemetry(story.restarted, time.time())
    assert len(told) >= 3, "nor a setting: telemetry comes every second"


def _last(story: Story) -> Look:
    assert story.last is not None and story.last.state, "the site is back after the kill"
    return story.last


# ---------------------------------------------------------------- a kill while it is bad


@pytest.mark.parametrize("case", CASES)
def test_a_kill_while_the_disk_is_bad_revives_nothing_that_was_refused(
    tmp_path: Path, case: tuple[str, str]
) -> None:
    with stage(tmp_path, *case) as on:
        on.trouble.begin()
        for name in ("refused-1", "refused-2"):
            on.operator.ask(name, event(name, 2.0, LONG_S))
        on.operator.ask("off", {"op": "setLoad", "loadId": "lights1", "enabled": False})
        on.kill()
        on.trouble.end_now()
        on.start()
        since = time.time()
        seen(lambda: len(on.operator.telemetry(since, time.time())) >= 3, 6)
        looks = on.watcher.between(since, time.time())
        print(on.account())
        for name in ("refused-1", "refused-2", "off"):
            ack = on.operator.ack(name)
            assert ack and ack.get("reason") == "storage", (name, ack)
        assert looks and all(x.power_kw == 10.0 and not x.events() for x in looks)
        assert all(free_to_draw(breaker) for breaker in breakers(on.state).values())


# ---------------------------------------------------------------- a disk that really fills


@pytest.mark.parametrize("cloud", [MOSQUITTO, LOCAL])
def test_on_a_disk_that_really_fills_every_answer_holds_through_a_kill(
    tmp_path: Path, cloud: str
) -> None:
    with stage(tmp_path, "really_full", cloud) as on:
        on.trouble.begin()
        names = [f"event-{n}" for n in range(MANY)]
        start = int(time.time()) + 3600
        for n, name in enumerate(names):
            on.operator.ask(name, event(name, 1.0, 60, start_ts=start + 120 * n))
            unheard = [one for one in names[: n + 1] if not on.operator.acks(one)]
            if len(unheard) + sum(_reason(on, one) == "storage" for one in names) >= 3:
                break
        on.trouble.end()
        looks = on.watcher.between(on.trouble.began + 1, on.trouble.ended)
        clear = on.watcher.wait(on.trouble.ended, lambda x: x.state and not x.alarms(), RECOVER_S)
        fresh = on.operator.ask("fresh", event("fresh", 1.0, LONG_S))
        on.kill()
        on.start()
        print(on.account())
        assert not unheard
        asked = [name for name in names if on.operator.acks(name)]
        promised = {one for one in asked if on.operator.ack(one)["status"] == "scheduled"}
        refused = {one for one in asked if _reason(on, one) == "storage"}
        assert refused and promised | refused == set(asked), "each was answered, one way"
        assert set(on.site_events()) == promised | {"fresh"}
        assert clear and fresh and fresh["status"] == "accepted"
        assert all(x.state and x.answered - x.state["reading_at"] < FRESH_S for x in looks)
        assert any(one["id"] == "storage" for look in looks for one in look.alarms())


def _reason(on: Stage, name: str) -> str | None:
    return (on.operator.ack(name) or {}).get("reason")
