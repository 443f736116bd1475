"""A real site on a disk that goes bad: the stage, the troubles, and the account of what happened.

`CHAOS=all` plays every trouble with every cloud, `SEED=n` the timings of another run.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.kit.mqtt.mosquitto import Mosquitto
from tests.kit.process.bystander import HTTP_S, SHADOW, VEN, Operator, Stream, Watcher, http
from tests.kit.process.data_plane import iot_data_of
from tests.kit.process.faulty_disk import Disk, Locker, SmallDisk
from tests.kit.process.site import STEADY, Site, until

ALL = os.environ.get("CHAOS") == "all"
SEED = int(os.environ.get("SEED", "1"))
LOCAL, MOSQUITTO = "stand-in", "mosquitto"
CLOUDS = (LOCAL, MOSQUITTO)
LEAST_S = 8.0  # how long a trouble lasts at least
SITE = STEADY.replace("telemetry: {every: 5 s", "telemetry: {every: 1 s")
OUTPUT_CHARS = 6_000


class Trouble:
    """One way for a state folder to go bad, from `begin` to `end`."""

    def __init__(self, name: str, folder: Path, disk: Disk | SmallDisk) -> None:
        self.name, self._disk = name, disk
        self._journal = folder / "journal.db"
        self._locker: Locker | None = None
        self.began = self.ended = 0.0

    def begin(self) -> None:
        match self.name:
            case "locked" | "locked_exclusive":
                exclusive = self.name == "locked_exclusive"
                self._locker = Locker(self._journal, exclusive=exclusive)
            case "slow":
                assert isinstance(self._disk, Disk)
                self._disk.slow(2000)
            case "really_full":
                self._disk.full()
            case _:
                getattr(self._disk, self.name)()
        self.began = time.time()

    def end(self) -> None:
        """It lasts a while at least; with it, nobody gets away with merely waiting."""
        time.sleep(max(0.0, self.began + LEAST_S - time.time()))
        self.end_now()

    def end_now(self) -> None:
        if self._locker is not None:
            self._locker.release()
            self._locker = None
        self._disk.well()
        self.ended = time.time()


@dataclass(repr=False)
class Stage:
    """A site with its cloud, its operator and whoever looks on."""

    site: Site
    cloud: str
    state: Path
    trouble: Trouble
    operator: Operator
    dice: random.Random
    watcher: Watcher = field(init=False)
    notes: list[str] = field(default_factory=list)
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.watcher = Watcher(self.site)

    def http(self, name: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Asked at the site, and noted under `name`."""
        self.answers[name] = http(self.site, method, path, body)
        return self.answers[name]

    def switch(self, name: str, circuit: str, enabled: bool) -> int:
        body = {"enabled": enabled, "confirm_critical": True}
        return self.http(name, "PATCH", f"/api/v1/circuits/{circuit}", body)[0]

    def mark(self, what: str) -> float:
        """Write down that something was done now."""
        self.notes.append(f"{clock(now := time.time())}  {what}")
        return now

    @contextmanager
    def story(self) -> Iterator[None]:
        """One that breaks off is judged by what there is of it; the account says where."""
        try:
            yield
        except Exception as error:
            self.mark(f"THE STORY BROKE OFF: {type(error).__name__}: {error}")

    def wish(self, circuit: str, enabled: bool) -> None:
        """As `aws iot-data update-thing-shadow` does; over MQTT where there is no data plane."""
        circuits = [{"id": circuit, "enabled": enabled}]
        payload = json.dumps({"state": {"desired": {"circuits": circuits}}})
        self.mark(f"wish {circuit} {enabled}")
        if self.cloud == MOSQUITTO:
            self.operator.client.publish(f"{SHADOW}/update", payload, qos=1)
            return
        try:
            iot_data_of(self.site, HTTP_S).update_thing_shadow(thingName=VEN, payload=payload)
        except Exception as error:
            self.mark(f"the wish was not taken: {error}")

    def stream(self) -> Stream:
        return Stream(self.site)

    def site_events(self) -> list[str]:
        """The live events, as the site tells them now."""
        return [one["id"] for one in self.site.state()["events"]]

    def kill(self) -> None:
        self.mark("kill -9")
        self.site.kill()

    def start(self) -> None:
        """Again; the operator is back too."""
        began = self.mark("start")
        self.site.start()
        self.mark(f"ready after {time.time() - began:.1f} s")
        until(lambda: self.operator.connected, "the operator's return")
        self.site.connected()

    def account(self) -> str:
        """Everything of use to whoever finds out what went wrong."""
        lines = [f"seed {SEED}, {self.trouble.name}, {self.cloud}"]
        for name in ("began", "ended"):
            if at := getattr(self.trouble, name):
                self.notes.append(f"{clock(at)}  trouble {name}")
        lines += sorted(self.notes)
        lines += ["---- sent, and what was answered"]
        for at, said in self.operator.sent:
            acks = self.operator.acks(said["correlationId"])
            if len(acks) == 1 and said["correlationId"].startswith("flood"):
                continue
            lines.append(f"{clock(at)}  {_short(said)}")
            lines += [f"    {clock(when)}  {_short(ack)}" for when, ack in acks] or ["    NOTHING"]
        lines += ["---- asked at the site"]
        lines += [f"{name}: {code} {_short(body)}" for name, (code, body) in self.answers.items()]
        lines += ["---- power, by the page", *self._powers()]
        lines += ["---- the site's output, its end", self.site.said()[-OUTPUT_CHARS:]]
        return "\n".join(lines)

    def _powers(self) -> list[str]:
        lines, last = [], ""
        for look in self.watcher.looks:
            word = repr(look)
            if word != last or look.took_s > 1:
                lines.append(f"{clock(look.asked)}  {word}, answered in {look.took_s:.2f} s")
            last = word
        return lines


@contextmanager
def stage(folder: Path, trouble: str, cloud: str) -> Iterator[Stage]:
    """A site at work that is connected, with its state on a disk that will go bad."""
    at_site, state = folder / "site", folder / "site" / ".venctl" / VEN
    at_site.mkdir()
    disk = SmallDisk(state) if trouble == "really_full" else Disk(state)
    broker: Mosquitto | None = None
    text, close = SITE, [disk.close]
    try:
        if cloud == MOSQUITTO:
            (folder / "broker").mkdir()
            broker = Mosquitto(folder / "broker", None, "")
            close.append(broker.kill)
            where = f"cloud: {{kind: mqtt, host: 127.0.0.1, port: {broker.port}, shadow: serve}}"
            text = SITE.replace("cloud: {kind: local}", where, 1)
        site = Site(at_site, text, disk.env)
        close.append(site.close)
        site.start().connected()
        operator = Operator(broker.port if broker else int(site.ready["mqtt"].rpartition(":")[2]))
        close.append(operator.close)
        dice = random.Random(f"{SEED} {trouble} {cloud}")
        made = Stage(site, cloud, state, Trouble(trouble, state, disk), operator, dice)
        close.append(made.watcher.close)
        until(lambda: made.site.state()["power_kw"] is not None, "the first reading")
        yield made
        made.trouble.end_now()
    finally:
        for one in reversed(close):
            with suppress(Exception):
                one()


def cases(short: list[tuple[str, ...]], every: list[tuple[str, ...]]) -> list[Any]:
    """What is played: a few pairs that cover, or with CHAOS=all every one."""
    return [pytest.param(case, id=named(case)) for case in (every if ALL else short)]


def named(case: tuple[str, ...]) -> str:
    return "-".join(case)


def clock(at: float) -> str:
    """A moment, as people and tests read it."""
    return f"{time.strftime('%H:%M:%S', time.localtime(at))}.{int(at * 1000) % 1000:03d}"


def _short(said: object) -> str:
    return json.dumps(said)[:400]
