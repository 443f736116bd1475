"""A real controller for hours, with clients that come, ask and go: does anything grow?

`python -m bench.soak [HOURS]`, one if not said: `make soak HOURS=24`. First come as many commands
as the journal keeps, so that it and SQLite's cache of it are full; then one a second, and each
minute a sample. An hour of that is warm-up: as long as that the stand-in remembers clients that
have gone. The slopes are least squares over the hours after it. Tasks are counted in simulated time
(`tests/system/test_soak.py`): nothing outside a program can count them.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import mqtt5

from venctl.store.journal import KEEP_DECISIONS

from .brokers import Client, resident_kb, status
from .children import SITE, controller

EVERY_S, SAMPLE_S, WARM_H = 1.0, 60.0, 1.0
HEADS = ("minute", "memory kB", "descriptors", "threads", "journal kB", "state kB", "log lines")
GOALS = {"memory kB": 1_024.0, "descriptors": 1.0, "threads": 1.0}  # more in 24 hours at most
MOST_JOURNAL_KB = 20 * 1_024
Sample = tuple[float, ...]


class Churn:
    """What clients do, a little each second."""

    def __init__(self, web: str, port: int) -> None:
        self._web, self._port = web, port
        self._operator = Client(port, "soak-operator")
        self._operator.subscribe("ven/ack/bench")
        self._number = 0

    def second(self) -> None:
        """A command and its ack; now and then a page, a stream and another client of the broker."""
        self._number += 1
        self._ask(self._number)
        if self._number % 2 == 0:
            self._get("/api/v1/state")
        if self._number % 5 == 0:
            self._get("/api/v1/stream", 1_024)
        if self._number % 10 == 0:
            passing = Client(self._port, f"soak-{self._number}")
            passing.subscribe("ven/#")
            passing.close()

    def _ask(self, number: int) -> None:
        payload = json.dumps(asked(number)).encode()
        qos = mqtt5.QoS.AT_LEAST_ONCE
        self._operator.send(mqtt5.PublishPacket("ven/cmd/bench", payload, qos=qos, packet_id=1))
        while not isinstance(self._operator.next(), mqtt5.PublishPacket):
            pass

    def _get(self, path: str, most: int | None = None) -> None:
        with urllib.request.urlopen(f"http://{self._web}{path}", timeout=10) as answer:
            answer.read(most)


def asked(number: int) -> dict[str, object]:
    """A ping, a switch, a newer revision of one of ten events, or its end."""
    event = {"event_id": f"e{number // 4 % 10}"}
    match number % 4:
        case 0:
            return {"op": "ping"}
        case 1:
            return {"op": "setLoad", "data": {"loadId": "lights1", "enabled": number % 8 == 1}}
        case 2:
            return {"op": "event", **event, "revision": number, "shed_kw": 1, "duration_sec": 600}
    return {"op": "cancel", **event}


def main(hours: float) -> int:
    """Run, print, and 1 where something grows."""
    with tempfile.TemporaryDirectory() as name, controller(Path(name), SITE) as (process, said):
        churn = Churn(said["web"], int(said["mqtt"].rpartition(":")[2]))
        for _ in range(KEEP_DECISIONS):
            churn.second()
        samples = watched(hours, churn.second, lambda: sample(process, Path(name)))
    slopes = {head: slope(samples, n) for n, head in enumerate(HEADS) if n}
    print("in 24 h ", *(f"{slopes[head]:>12,.1f}" for head in HEADS[1:]))
    grown = [head for head, most in GOALS.items() if slopes[head] > most]
    if samples[-1][4] > MOST_JOURNAL_KB:
        grown.append("journal kB")
    print(f"goals: {GOALS}, journal {MOST_JOURNAL_KB} kB; grows: {', '.join(grown) or 'nothing'}")
    return int(bool(grown))


def watched(hours: float, second: Callable[[], None], look: Callable[[], Sample]) -> list[Sample]:
    """A sample each minute, as it is taken."""
    print(*(f"{head:>12}" for head in HEADS))
    began_s, samples, next_s = time.monotonic(), list[Sample](), 0.0
    while (at_s := time.monotonic() - began_s) < (WARM_H + hours) * 3_600:
        second()
        if at_s >= next_s:
            next_s += SAMPLE_S
            samples.append((at_s / 60, *look()))
            print(*(f"{value:>12,.0f}" for value in samples[-1]), flush=True)
        time.sleep(EVERY_S)
    return samples


def sample(process: int, folder: Path) -> Sample:
    """Everything but the time, as `HEADS` names it."""
    files = [file for file in (folder / ".venctl").rglob("*") if file.is_file()]
    journal = sum(file.stat().st_size for file in files if file.name.startswith("journal.db"))
    return (
        resident_kb(process),
        len(list(Path(f"/proc/{process}/fd").iterdir())),
        status(process, "Threads"),
        journal / 1_024,
        sum(file.stat().st_size for file in files) / 1_024,
        len((folder / "out.txt").read_text().splitlines()),
    )


def slope(samples: list[Sample], column: int) -> float:
    """How much more in 24 hours, by least squares, once it is warm."""
    warm = [one for one in samples if one[0] >= WARM_H * 60]
    if len(warm) < 2:
        return 0.0
    days, values = [one[0] / 1_440 for one in warm], [one[column] for one in warm]
    middle, level = sum(days) / len(days), sum(values) / len(values)
    apart = sum((day - middle) ** 2 for day in days)
    return sum((d - middle) * (v - level) for d, v in zip(days, values, strict=True)) / apart


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
