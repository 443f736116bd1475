"""The disk takes seconds for each sync, or hangs: what gives back goes first, what takes waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.kit.process.bystander import Look, breakers, event, free_to_draw, same_kw, seen
from tests.kit.process.trouble import LOCAL, MOSQUITTO, Stage, cases, stage

SHORT = [("slow", MOSQUITTO), ("hang", MOSQUITTO)]
CASES = cases(SHORT, [(one, cloud) for one in ("slow", "hang") for cloud in (LOCAL, MOSQUITTO)])
LONG_S = 900
SYNC_S = 2.0
AT_ONCE_S = 1.6  # less than one slow sync: whoever waited for the disk is later than this
HANG_S = 5.0
RECOVER_S = 10.0


@dataclass(repr=False)
class Story:
    """What a site lived through, and when."""

    on: Stage
    short_end: float = 0.0
    restored: float = 0.0
    sent: float = 0.0
    shed: Look | None = None
    killed: float = 0.0
    last: Look | None = None

    def during(self) -> list[Look]:
        return self.on.watcher.between(self.on.trouble.began, self.on.trouble.ended)

    def acked_at(self, name: str) -> float:
        at = self.on.operator.acked_at(name)
        assert at is not None, f"{name} was never answered"
        return at


def live_through(story: Story) -> None:
    """A restore, the end of an event and a new event, all while the disk takes its time."""
    on, operator = story.on, story.on.operator
    operator.ask("given", event("given", 1.5, LONG_S))
    length_s = round(on.dice.uniform(3.5, 4.0), 1)
    story.short_end = time.time() + length_s
    operator.ask("short", event("short", 0.5, length_s))
    on.watcher.wait(time.time(), lambda look: same_kw(look.power_kw, 8.5), 2)
    on.trouble.begin()
    time.sleep(on.dice.uniform(0, 0.3))
    story.restored = operator.send("restore", {"op": "restore", "event_id": "given"})
    on.watcher.wait(story.short_end, lambda look: look.free, 3)
    story.sent = operator.send("new", event("new", 1.9, LONG_S))
    operator.send("ping", {"op": "ping"})
    if on.trouble.name == "hang":
        left_s = on.trouble.began + HANG_S - time.time()
        time.sleep(max(1.0, left_s))
        on.trouble.end_now()
    seen(lambda: operator.acks("new"), RECOVER_S)
    story.shed = on.watcher.wait(story.sent, lambda look: same_kw(look.power_kw, 8.1), RECOVER_S)
    if on.trouble.name == "slow":
        on.trouble.end_now()
    seen(lambda: all(operator.acks(name) for name in ("restore", "ping")), RECOVER_S)
    on.watcher.wait(time.time(), lambda look: look.state and not look.alarms(), RECOVER_S)
    story.killed = time.time()
    on.kill()
    on.start()
    story.last = on.watcher.wait(time.time(), lambda look: same_kw(look.power_kw, 8.1), 5)


@pytest.fixture(scope="module", params=CASES)
def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with stage(tmp_path_factory.mktemp("slow"), *request.param) as on:
        story = Story(on)
        with on.story():
            live_through(story)
        yield story, on.account()


@pytest.fixture
def story(lived: tuple[Story, str]) -> Iterator[Story]:
    """What happened is printed with every test that fails."""
    print(lived[1])
    yield lived[0]


def test_it_sheds_when_the_disk_becomes_slow(story: Story) -> None:
    looks = story.on.watcher.between(story.on.trouble.began - 0.5, story.on.trouble.began)
    assert looks and same_kw(looks[-1].power_kw, 8.5), "the story begins in mid-event"


def test_the_page_answers_while_the_disk_takes_its_time(story: Story) -> None:
    looks = story.during()
    assert looks and all(look.state for look in looks)
    assert max(look.took_s for look in looks) < AT_ONCE_S


def test_circuits_are_read_every_second_all_the_while(story: Story) -> None:
    read = sorted({look.state["reading_at"] for look in story.during() if look.state})
    assert len(read) > 2
    assert max(after - before for before, after in pairwise(read)) < SYNC_S
    assert story.on.trouble.ended - read[-1] < SYNC_S


def test_a_restore_gives_its_load_back_at_once(story: Story) -> None:
    back = story.on.watcher.first(
        story.restored, lambda look: look.power_kw is not None and look.power_kw >= 9.49
    )
    assert back and back.asked - story.restored < AT_ONCE_S


def test_an_event_ends_on_time(story: Story) -> None:
    back = story.on.watcher.first(story.restored, lambda look: look.free)
    assert back and back.asked - story.short_end < AT_ONCE_S
    assert back.asked >= story.short_end - 0.1, "and not before its time"


def test_an_event_is_answered_once_it_is_committed(story: Story) -> None:
    acked = story.acked_at("new")
    assert story.on.operator.ack("new")["status"] == "accepted"
    if story.on.trouble.name == "hang":
        assert acked >= story.on.trouble.ended, "nothing was committed before"
    else:
        assert acked - story.sent >= SYNC_S, "no sync was through before"


def test_load_is_shed_only_after_the_commit(story: Story) -> None:
    committed = story.sent + SYNC_S
    if story.on.trouble.name == "hang":
        committed = story.on.trouble.ended
    looks = story.on.watcher.between(story.sent, committed)
    shed_kw = [10.0 - (look.power_kw or 0) for look in looks]
    assert looks and max(shed_kw) < 0.55, "the short one at most, while its load returns"
    assert story.shed, "but then it is"


def test_every_command_is_answered_once(story: Story) -> None:
    for name in ("given", "short", "restore", "new", "ping"):
        acks = [body for at, body in story.on.operator.acks(name) if at < story.killed]
        assert len(acks) == 1 and acks[0]["status"] != "rejected", (name, acks)


def test_nothing_is_lost_by_a_kill_afterwards(story: Story) -> None:
    assert story.last, "the new event sheds again"
    assert set(story.last.events()) == {"new"}


# ---------------------------------------------------------------- a restore overtakes


@pytest.mark.parametrize("cloud", [MOSQUITTO, LOCAL])
@pytest.mark.parametrize("named_id", [True, False], ids=["by-id", "all"])
def test_a_restore_ends_an_event_that_still_waits_for_the_disk(
    tmp_path: Path, cloud: str, named_id: bool
) -> None:
    with stage(tmp_path, "hang", cloud) as on:
        operator = on.operator
        on.trouble.begin()
        since = operator.send("event", event("event", 2.0, LONG_S))
        seen(lambda: operator.acks("event"), 1.0)
        id = {"event_id": "event"} if named_id else {}
        operator.send("restore", {"op": "restore", **id})
        time.sleep(on.dice.uniform(0.5, 1.0))
        on.trouble.end_now()
        seen(lambda: operator.acks("event") and operator.acks("restore"), RECOVER_S)
        operator.ask("ping", {"op": "ping"})
        on.watcher.wait(time.time() + 2, lambda look: look.state, 4)
        on.kill()
        on.start()
        on.watcher.wait(time.time() + 1, lambda look: look.state, 4)
        looks = on.watcher.between(since, time.time())
        print(on.account())
        statuses = [body["status"] for _, body in operator.acks("event")]
        assert statuses == ["rejected"], "answered once, and told the truth"
        assert [body["status"] for _, body in operator.acks("restore")] == ["success"]
        assert all(x.power_kw == 10.0 for x in looks if x.state), "nothing was ever shed"
        assert not looks[-1].events() and all(map(free_to_draw, breakers(on.state).values()))


# ---------------------------------------------------------------- a start


@pytest.mark.parametrize("trouble", ["slow", "hang"])
def test_a_start_on_such_a_disk_goes_on_where_the_site_stood(tmp_path: Path, trouble: str) -> None:
    with stage(tmp_path, trouble, MOSQUITTO) as on:
        on.operator.ask("running", event("running", 1.5, LONG_S))
        on.watcher.wait(time.time(), lambda look: same_kw(look.power_kw, 8.5), 2)
        on.kill()
        on.trouble.begin()
        on.start()
        on.watcher.wait(time.time() + 2, lambda look: look.state, 4)
        looks = [look for look in on.watcher.between(on.trouble.began, time.time()) if look.state]
        on.trouble.end_now()
        print(on.account())
        assert looks and all(same_kw(look.power_kw, 8.5) for look in looks), "it never let go"
        assert all(set(look.events()) == {"running"} for look in looks)
        assert not any("remembered" in one["text"] for look in looks for one in look.alarms())
