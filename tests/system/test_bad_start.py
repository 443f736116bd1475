"""A site starts on a disk that is bad: it serves, holds nothing for nothing, and forgets nothing.

A journal that cannot be read or is locked just now is no damaged one. Two controllers on one state
are two too many also where neither can write.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.kit.process.bystander import Look, breakers, event, free_to_draw, same_kw, seen
from tests.kit.process.site import Site, until
from tests.kit.process.trouble import LOCAL, MOSQUITTO, Stage, cases, stage

TROUBLES = (
    "full", "failing", "read_only", "unreadable", "bad_pages", "locked", "locked_exclusive",
)  # fmt: skip
WITHIN, AFTER = "over-within", "over-after"  # when the event ends that was live at the kill
SHORT = [
    ("full", MOSQUITTO, WITHIN), ("read_only", LOCAL, AFTER), ("unreadable", LOCAL, WITHIN),
    ("failing", MOSQUITTO, AFTER), ("locked", LOCAL, AFTER),
    ("locked_exclusive", MOSQUITTO, WITHIN), ("bad_pages", LOCAL, AFTER),
]  # fmt: skip
EVERY = [(one, cloud, end) for one in TROUBLES for cloud in (LOCAL, MOSQUITTO)
         for end in (WITHIN, AFTER)]  # fmt: skip
TAKEN = ("folder deleted", "folder moved", "file deleted", "file replaced")
READY_S, RECOVER_S, SETTLE_S = 10.0, 10.0, 4.0
LONG_S = 900
FREE_KW = 9.0  # a person had switched misc1 off before
BLIND_KW = 10.0  # the simulated wall is in a file too: unreadable, it stands as on the first day


@dataclass(repr=False)
class Story:
    """What a site lived through, and when."""

    on: Stage
    end: float = 0.0
    began_to_start: float = 0.0
    ready: float = 0.0
    cleared: Look | None = None
    set_aside: list[str] = field(default_factory=list)
    recovered: Look | None = None
    after_the_end: list[Look] = field(default_factory=list)
    last: Look | None = None


def live_through(story: Story, end: str) -> None:
    """A kill in mid-event, a start on a bad disk, a disk that is well, a kill, a start."""
    on, operator = story.on, story.on.operator
    on.switch("off-before", "misc1", False)
    operator.ask("later", event("later", 1.0, 600, start_ts=int(time.time()) + 3600))
    length_s = on.dice.uniform(5, 6) if end == WITHIN else on.dice.uniform(18, 20)
    story.end = time.time() + length_s
    operator.ask("running", event("running", 1.7, length_s))
    on.watcher.wait(time.time(), lambda look: look.power_kw == 7.3, 3)
    on.kill()
    on.trouble.begin()
    start_on_the_bad_disk(story)
    seen(lambda: operator.connected, 3)
    operator.ask("refused", event("refused", 1.0, LONG_S))
    operator.ask("ping", {"op": "ping"})
    long_enough = max(story.ready + SETTLE_S + 1, story.end + SETTLE_S if end == WITHIN else 0)
    seen(lambda: time.time() > long_enough, 30)
    on.trouble.end()
    clear = on.watcher.wait(on.trouble.ended, lambda x: x.state and not x.alarms(), RECOVER_S)
    story.cleared = clear
    story.recovered = on.watcher.wait(time.time() + 1, lambda look: look.state, 3)
    operator.ask("fresh", event("fresh", 0.3, LONG_S))
    seen(lambda: time.time() > story.end + SETTLE_S, 30)  # a fast start leaves more of it
    story.set_aside = sorted(p.name for p in on.state.rglob("*") if set_aside(p.name))
    on.kill()
    on.start()
    story.last = on.watcher.wait(time.time() + 1.5, lambda look: look.state, 4)


def start_on_the_bad_disk(story: Story) -> None:
    story.began_to_start = time.time()
    story.on.site.start()
    story.ready = time.time()
    story.on.mark(f"ready after {story.ready - story.began_to_start:.1f} s")


def set_aside(name: str) -> bool:
    return ".corrupt-" in name or ".format" in name


@pytest.fixture(scope="module", params=cases(SHORT, EVERY))
def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    trouble, cloud, end = request.param
    with stage(tmp_path_factory.mktemp("start"), trouble, cloud) as on:
        story = Story(on)
        with on.story():
            live_through(story, end)
        story.set_aside = story.set_aside or [
            p.name for p in on.state.rglob("*") if set_aside(p.name)
        ]
        yield story, on.account()


@pytest.fixture
def story(lived: tuple[Story, str]) -> Iterator[Story]:
    """What happened is printed with every test that fails."""
    print(lived[1])
    yield lived[0]


def bad_time(story: Story) -> list[Look]:
    """The looks between the start and the end of the trouble."""
    assert story.ready, "it never got ready"
    return story.on.watcher.between(story.ready, story.on.trouble.ended)


def test_a_site_gets_ready_on_a_bad_disk(story: Story) -> None:
    assert story.ready and story.ready - story.began_to_start < READY_S


def test_the_alarm_is_there_from_the_start(story: Story) -> None:
    looks = bad_time(story)
    assert looks and any("storage" in {one["id"] for one in x.alarms()} for x in looks)


def test_commands_are_answered_and_nothing_is_promised(story: Story) -> None:
    assert story.ready, "it never got ready"
    refused, pong = story.on.operator.ack("refused"), story.on.operator.ack("ping")
    assert refused and (refused["status"], refused.get("reason")) == ("rejected", "storage")
    assert story.on.operator.acked_at("refused") < story.on.trouble.ended
    assert pong and pong["pong"] is True


def test_the_event_of_before_is_known_or_everything_is_given_back(story: Story) -> None:
    looks = [look for look in bad_time(story) if look.asked > story.ready + SETTLE_S]
    assert looks
    for look in looks:
        free = same_kw(look.power_kw, FREE_KW) or same_kw(look.power_kw, BLIND_KW)
        returning = story.end - 1 < look.asked < story.end + SETTLE_S
        assert "running" in look.events() or free or returning, look


def test_no_load_is_held_once_the_event_is_over(story: Story) -> None:
    assert story.ready, "it never got ready"
    looks = story.on.watcher.between(story.end + SETTLE_S, time.time())
    ended = story.on.trouble.ended  # what is read only then is told until each circuit is free
    late = [look for look in looks if not ended < look.asked < ended + SETTLE_S]
    assert late and all("running" not in look.events() for look in late)
    for look in (one for one in looks if one.state):
        asked_kw = 0.3 if "fresh" in look.events() else 0.0
        assert FREE_KW - look.power_kw < asked_kw + 0.05, look


def test_readings_stay_fresh_on_a_bad_disk(story: Story) -> None:
    looks = bad_time(story)
    assert looks and all(x.state and x.answered - x.state["reading_at"] < 3 for x in looks)


def test_the_alarm_goes_once_the_disk_is_well(story: Story) -> None:
    assert story.ready and story.cleared, f"an alarm was still there after {RECOVER_S} s"
    assert any(look.alarms() for look in bad_time(story))


def test_a_journal_that_only_could_not_be_used_just_now_is_not_set_aside(story: Story) -> None:
    assert story.on.trouble.began and story.set_aside == []


def test_what_was_remembered_is_in_force_again(story: Story) -> None:
    look = story.recovered
    assert story.ready and look, "the disk was well again"
    assert "later" in look.events(), "an event that was scheduled"
    assert not look.circuits()["misc1"]["enabled"], "a circuit that a person switched off"
    assert breakers(story.on.state)["misc1"]["on"] is False


def test_events_are_taken_again_and_a_kill_loses_nothing(story: Story) -> None:
    assert story.ready, "it never got ready"
    ack, last = story.on.operator.ack("fresh"), story.last
    assert ack and ack["status"] == "accepted"
    assert last and set(last.events()) == {"fresh", "later"}
    assert not last.circuits()["misc1"]["enabled"]
    assert "refused" not in {id for look in story.on.watcher.looks for id in look.events()}
    held = [id for id, one in breakers(story.on.state).items() if not free_to_draw(one)]
    assert set(held) <= {id for id, one in last.circuits().items() if one["held_kw"] is not None}


# ---------------------------------------------------------------- two controllers


def second_controller(on: Stage) -> subprocess.CompletedProcess[str]:
    """What another start on the same state comes to."""
    return on.site.venctl("run", "--port", "0", "--mqtt-port", "0", "--data-port", "0")


@pytest.mark.parametrize("trouble", ["read_only", "full"])
@pytest.mark.parametrize("first", ["started-before", "started-on-it"])
def test_a_second_controller_is_refused_where_nobody_can_write(
    tmp_path: Path, trouble: str, first: str
) -> None:
    with stage(tmp_path, trouble, LOCAL) as on:
        if first == "started-on-it":
            on.kill()
        on.trouble.begin()
        if first == "started-on-it":
            on.site.start()
        second = second_controller(on)
        print(on.account(), second.stderr, sep="\n")
        assert second.returncode == 2 and "already running" in second.stderr
        assert on.site.process.poll() is None and on.site.state()["power_kw"] == 10.0


@pytest.mark.parametrize("trouble", ["read_only", "full"])
def test_a_second_controller_is_refused_also_where_nobody_could_ever_write(
    tmp_path: Path, trouble: str
) -> None:
    with stage(tmp_path, trouble, LOCAL) as on:
        on.kill()
        for file in sorted(on.state.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        on.trouble.begin()
        on.site.start()
        second = second_controller(on)
        print(on.account(), second.stderr, sep="\n")
        assert second.returncode == 2 and "already running" in second.stderr


# ---------------------------------------------------------------- taken away while it is in use


@pytest.mark.parametrize("what", TAKEN)
def test_what_is_taken_away_is_written_anew_and_the_folder_is_still_claimed(
    tmp_path: Path, what: str
) -> None:
    with stage(tmp_path, "full", MOSQUITTO) as on:
        on.switch("off", "misc1", False)
        on.operator.ask("before", event("before", 1.5, LONG_S))
        taken_away(on.state, what)
        alarmed = on.watcher.wait(time.time(), lambda look: look.state and look.alarms(), 4)
        until(lambda: on.site.state()["alarms"] in ([], journal_alarm(on.site)), "all is well")
        time.sleep(1.5)  # the lock is looked after once a second
        on.operator.ask("after", event("after", 0.3, LONG_S))
        second = second_controller(on)
        on.kill()
        on.start()
        last = on.watcher.wait(time.time() + 1, lambda look: look.state, 4)
        print(on.account(), second.stderr, sep="\n")
        assert alarmed and {one["id"] for one in alarmed.alarms()} <= {"storage", "memory_lost"}
        assert on.operator.ack("after")["status"] == "accepted"
        assert second.returncode == 2 and "already running" in second.stderr
        assert last and set(last.events()) == {"before", "after"}
        assert not last.circuits()["misc1"]["enabled"]


def taken_away(folder: Path, what: str) -> None:
    journal = folder / "journal.db"
    match what:
        case "folder deleted":
            shutil.rmtree(folder)
        case "folder moved":
            folder.rename(folder.with_name("elsewhere"))
        case "file deleted":
            journal.unlink()
        case "file replaced":
            shutil.copyfile(journal, folder / "other.db")
            (folder / "other.db").rename(journal)


def journal_alarm(site: Site) -> list[dict[str, Any]]:
    """What is left to say is that a file was set aside."""
    return [one for one in site.state()["alarms"] if one["id"] == "memory_lost"]
