"""The stand-in on a disk that is full, fails, hangs or is locked: it goes on, and writes later."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.kit.mqtt.peers import Peer, Raw
from tests.kit.process.data_plane import iot_data
from tests.kit.process.faulty_disk import Disk, Locker, SmallDisk
from tests.kit.process.site import until
from tests.kit.process.standin import StandIn
from tests.kit.process.trouble import ALL

SAID, OVER = "cannot be written: ", "can be written again"
FILES = ("broker.db", "shadows.db")
REFUSALS = ("full", "failing", "unreadable", "read_only")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    one = Disk(tmp_path / "state")
    yield one
    one.close()


@pytest.fixture
def cloud(tmp_path: Path, disk: Disk) -> Iterator[StandIn]:
    one = StandIn(tmp_path, env=disk.env)
    yield one
    one.close()


def shadows(cloud: StandIn) -> Any:
    return iot_data(f"http://127.0.0.1:{cloud.data_port}")


def wish(cloud: StandIn, thing: str, value: int) -> int:
    """The version of a shadow once it desires `value`."""
    said = json.dumps({"state": {"desired": {"a": value}}})
    answer = shadows(cloud).update_thing_shadow(thingName=thing, payload=said)
    return int(json.loads(answer["payload"].read())["version"])


def shadow(cloud: StandIn, thing: str) -> dict[str, Any]:
    answer = shadows(cloud).get_thing_shadow(thingName=thing)
    return dict(json.loads(answer["payload"].read()))


def sleeper(cloud: StandIn, name: str) -> None:
    """A session that waits for its client."""
    one = Raw(cloud.mqtt_port, name, session_expiry_interval=300)
    one.subscribe("cmd/site")
    one.close()


@contextmanager
def peers(cloud: StandIn, *names: str) -> Iterator[list[Peer]]:
    made = [Peer(cloud.mqtt_port, name) for name in names]
    try:
        yield made
    finally:
        for one in made:
            one.client.loop_stop()


def work(cloud: StandIn) -> None:
    """What is done while the disk is in trouble, and must be answered then."""
    sleeper(cloud, "late")
    with peers(cloud, "listener", "sender") as (listener, sender):
        listener.subscribe("cmd/site")
        for n in range(20):
            assert sender.publish("cmd/site", str(n).encode(), retain=True) == 0
        until(lambda: len(listener.heard) == 20, "twenty commands")
        assert [int(m.payload) for m in listener.heard] == list(range(20))
    assert [wish(cloud, "site", n) for n in range(3)] == [1, 2, 3]


def is_there(cloud: StandIn) -> None:
    """After a restart: the sessions, what waits in them, what is retained, and the shadow."""
    back = Raw(cloud.mqtt_port, "late", clean_start=False, session_expiry_interval=300)
    assert back.let_in.session_present
    assert [int(bytes(back.next().payload)) for _ in range(20)] == list(range(20))
    back.close()
    with peers(cloud, "new") as (new,):
        new.subscribe("cmd/site")
        until(lambda: new.heard, "the retained message")
        assert new.heard[0].payload == b"19"
    found = shadow(cloud, "site")
    assert (found["version"], found["state"]["desired"]) == (3, {"a": 2})


def lines(cloud: StandIn, text: str, name: str) -> int:
    said = cloud.output().splitlines()
    return sum(text in line and f"/{name} " in f"{line} " for line in said)


def over(cloud: StandIn, *names: str) -> None:
    """Every file is written again, and trouble was told once."""
    for name in names or FILES:
        until(lambda name=name: lines(cloud, OVER, name), f"{name} is written again")
        assert (lines(cloud, SAID, name), lines(cloud, OVER, name)) == (1, 1)
    assert "Traceback" not in cloud.output()


def none_set_aside(cloud: StandIn) -> bool:
    return not list((cloud.folder / "state").glob("*.corrupt-*"))


def again(cloud: StandIn) -> None:
    cloud.kill()
    cloud.start()


@pytest.mark.parametrize("how", REFUSALS)
def test_on_a_disk_that_refuses_all_goes_on_and_is_written_once_it_can_be(
    cloud: StandIn, disk: Disk, how: str
) -> None:
    getattr(disk, how)()
    work(cloud)
    assert disk.hits and cloud.process.poll() is None
    disk.well()
    over(cloud)
    again(cloud)
    is_there(cloud)
    assert none_set_aside(cloud)


def test_on_a_disk_that_is_really_full_all_goes_on_and_is_written_once_there_is_room(
    tmp_path: Path,
) -> None:
    disk = SmallDisk(tmp_path / "state")
    try:
        cloud = StandIn(tmp_path)
        try:
            disk.full()
            work(cloud)
            with peers(cloud, "large") as (large,):  # more than what is left in a page
                for n in range(4):
                    large.publish(f"large/{n}", b"x" * 50_000, retain=True)
            until(lambda: lines(cloud, SAID, "broker.db"), "trouble")
            disk.well()
            over(cloud, "broker.db")
            until(lambda: lines(cloud, SAID, FILES[1]) == lines(cloud, OVER, FILES[1]), "both")
            again(cloud)
            is_there(cloud)
        finally:
            cloud.close()
    finally:
        disk.close()


def test_while_a_sync_hangs_everything_is_answered(cloud: StandIn, disk: Disk) -> None:
    disk.hang()
    work(cloud)
    assert disk.hits, "the disk hung, and hangs still"
    disk.well()
    until(lambda: kept_version(cloud) == 3, "the third wish")
    again(cloud)
    is_there(cloud)


def test_a_hang_of_a_second_is_told_and_its_end_too(cloud: StandIn, disk: Disk) -> None:
    disk.hang()
    until(lambda: wish(cloud, "site", 1) and lines(cloud, SAID, "shadows.db"), "a word about it")
    disk.well()
    over(cloud, "shadows.db")


def kept_version(cloud: StandIn) -> int:
    file = cloud.folder / "state" / "shadows.db"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as db:
        row = db.execute("SELECT body FROM shadow WHERE thing = 'site'").fetchone()
    return int(json.loads(row[0])["version"]) if row else 0


def test_while_another_program_locks_the_files_everything_is_answered(cloud: StandIn) -> None:
    lockers = [Locker(cloud.folder / "state" / name) for name in FILES]
    work(cloud)
    assert all(locker.holds for locker in lockers)
    for locker in lockers:
        locker.release()
    over(cloud)
    again(cloud)
    is_there(cloud)


def test_what_was_told_while_the_disk_was_well_outlives_a_kill_in_trouble(
    cloud: StandIn, disk: Disk
) -> None:
    work(cloud)
    until(lambda: kept_version(cloud) == 3, "a busy machine has the third wish on its disk")
    disk.full()
    with peers(cloud, "sender") as (sender,):
        sender.publish("cmd/other", b"x", retain=True)
    wish(cloud, "other", 1)
    cloud.kill()
    disk.well()
    cloud.start()
    is_there(cloud)


@pytest.mark.parametrize("how", ["hang", "full"])
def test_it_stops_in_good_order_while_the_disk_is_in_trouble(
    cloud: StandIn, disk: Disk, how: str
) -> None:
    getattr(disk, how)()
    work(cloud)
    assert cloud.stop() == 0
    assert disk.hits


# ---------------------------------------------------------------- starts


@pytest.mark.parametrize("how", REFUSALS)
def test_a_first_start_on_a_disk_that_refuses_succeeds_and_all_is_written_later(
    tmp_path: Path, disk: Disk, how: str
) -> None:
    disk.folder.mkdir()
    getattr(disk, how)()
    started_in_memory(tmp_path, disk.env, disk.well)


@pytest.mark.parametrize("name", ["state", *(f"state/{name}" for name in FILES)])
def test_what_lies_in_the_way_of_a_start_is_waited_for(tmp_path: Path, name: str) -> None:
    place = tmp_path / name
    if name == "state":
        place.write_text("a file where the folder should be")
        started_in_memory(tmp_path, {}, place.unlink)
    else:
        place.mkdir(parents=True)
        started_in_memory(tmp_path, {}, place.rmdir, place.name)


def started_in_memory(
    folder: Path, env: dict[str, str], mend: Callable[[], object], *names: str
) -> None:
    cloud = StandIn(folder, env=env)
    try:
        work(cloud)
        mend()
        over(cloud, *names)
        again(cloud)
        is_there(cloud)
        assert none_set_aside(cloud)
    finally:
        cloud.close()


@pytest.mark.parametrize("how", REFUSALS)
@pytest.mark.parametrize("end", ["kill", "stop"] if ALL else ["kill"])
def test_a_start_on_a_disk_that_refuses_costs_nothing_of_what_was_kept(
    cloud: StandIn, disk: Disk, how: str, end: str
) -> None:
    work(cloud)
    until(lambda: kept_version(cloud) == 3, "a busy machine has the third wish on its disk")
    getattr(cloud, end)()
    getattr(disk, how)()
    cloud.start()
    with peers(cloud, "sender") as (sender,):
        sender.publish("cmd/another", b"x", retain=True)
    first = wish(cloud, "another", 1)
    disk.well()
    over(cloud)
    is_there(cloud)
    again(cloud)
    is_there(cloud)
    assert (first, shadow(cloud, "another")["version"]) == (1, 1)


def test_a_start_while_nobody_can_even_read_costs_nothing_of_what_was_kept(
    cloud: StandIn,
) -> None:
    work(cloud)
    cloud.stop()
    lockers = [Locker(cloud.folder / "state" / name, exclusive=True) for name in FILES]
    cloud.start()
    first = wish(cloud, "another", 1)
    assert all(locker.holds for locker in lockers)
    for locker in lockers:
        locker.release()
    over(cloud)
    again(cloud)
    is_there(cloud)
    assert (first, shadow(cloud, "another")["version"]) == (1, 1)


def test_a_shadow_begun_before_the_old_one_could_be_read_goes_on_from_both(
    cloud: StandIn, disk: Disk
) -> None:
    assert [wish(cloud, "site", n) for n in range(3)] == [1, 2, 3]
    cloud.stop()
    disk.unreadable()
    cloud.start()
    said = json.dumps({"state": {"reported": {"a": 0}}})
    shadows(cloud).update_thing_shadow(thingName="site", payload=said)
    disk.well()
    over(cloud, "shadows.db")
    until(lambda: shadow(cloud, "site")["version"] == 4, "both together")
    assert shadow(cloud, "site")["state"] == {
        "desired": {"a": 2}, "reported": {"a": 0}, "delta": {"a": 2}
    }  # fmt: skip


def test_a_session_begun_before_the_old_one_could_be_read_is_the_one_that_counts(
    cloud: StandIn, disk: Disk
) -> None:
    sleeper(cloud, "site")
    with peers(cloud, "sender") as (sender,):
        sender.publish("cmd/site", b"old")
        cloud.stop()
        disk.unreadable()
        cloud.start()
    new = Raw(cloud.mqtt_port, "site", clean_start=False, session_expiry_interval=300)
    assert not new.let_in.session_present
    new.subscribe("cmd/new")
    new.close()
    disk.well()
    over(cloud, "broker.db")
    again(cloud)
    back = Raw(cloud.mqtt_port, "site", clean_start=False, session_expiry_interval=300)
    assert back.let_in.session_present
    with peers(cloud, "sender") as (sender,):
        assert sender.publish("cmd/site", b"x") == 0x10, "nobody hears it any more"
        assert sender.publish("cmd/new", b"new") == 0
    assert bytes(back.next().payload) == b"new"
    back.close()


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("shadows.db", "UPDATE shadow SET body = '{'"),
        ("shadows.db", "ALTER TABLE shadow ADD COLUMN another"),
        ("broker.db", "UPDATE retained SET packet = x'00'"),
        ("broker.db", "ALTER TABLE letter RENAME COLUMN client TO sender"),
    ],
)
def test_only_what_cannot_be_understood_is_set_aside(
    cloud: StandIn, name: str, statement: str
) -> None:
    work(cloud)
    cloud.stop()
    file = cloud.folder / "state" / name
    db = sqlite3.connect(file)
    db.execute(statement)
    db.commit()
    db.close()
    cloud.start()
    kept = list(file.parent.glob("*.corrupt-*"))
    if "RENAME" in statement:
        assert not kept, "a column may be called what it likes"
        is_there(cloud)
    else:
        assert [one.name.partition(".corrupt-")[0] for one in kept] == [name]
        assert "is kept as" in cloud.output() and wish(cloud, "later", 1) == 1
