"""How a decision grows with the events that live, and a site at rest with its circuits."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import venctl  # noqa: F401  (puts the rooms on the path)
from statemachine import Ven, read
from statemachine.state.effects import Hold
from statemachine.state.triggers import Held, Readings, Trigger
from statemachine.wire.commands import Origin, command_from

from .children import controller

START_MS = 1_700_000_000_000
EVENTS, CIRCUITS = (1, 10, 100, 300), (6, 100, 400)
LOOKS, SETTLE_S, REST_S = 100, 10.0, 30.0  # a heartbeat of the shadow lies within a rest


def main() -> None:
    _events()
    _circuits()


def _events() -> None:
    took = dict(zip(EVENTS, _medians_s([_calling(count) for count in EVENTS]), strict=True))
    for count, seconds in took.items():
        print(f"Ven.decide  {count:>6} live events {seconds * 1e3:9.3f} ms")
    print(f"  300 live events of one               {took[300] / took[1]:8.1f} x (3)")
    rest = dict(zip(CIRCUITS, _medians_s([_Stage(count) for count in CIRCUITS]), strict=True))
    for count, seconds in rest.items():
        print(f"Ven.decide  {count:>6} circuits    {seconds * 1e3:9.3f} ms, a look at rest")
    print(f"  400 circuits of 100                  {rest[400] / rest[100]:8.1f} x (4)")


def _circuits() -> None:
    """The processor time of a whole controller that only reads and reports."""
    used = {count: _cpu_share(count) for count in CIRCUITS}
    for count, share in used.items():
        print(f"venctl run  {count:>6} circuits    {share * 100:9.2f} % of a core, at rest")
    print(f"  400 circuits of 100                  {used[400] / used[100]:8.1f} x (4)")


class _Stage:
    """A site that hears one trigger a second."""

    def __init__(self, circuits: int) -> None:
        self.ven, self.seconds = Ven(read(_site(circuits), "bench.yaml")), 0
        self.memory = self.ven.start()
        self.hear(self.look())

    def hear(self, trigger: Trigger) -> float:
        """The processor time of the decision, before any driver answers."""
        began = time.process_time()
        self.memory, effects = self.ven.decide(self.memory, trigger)
        took = time.process_time() - began
        for hold in [one for one in effects if isinstance(one, Hold)]:
            answer = Held(**self.stamps(), circuit=hold.circuit, watts=hold.watts, fault=None)
            self.memory, _ = self.ven.decide(self.memory, answer)
        self.seconds += 1
        return took

    def stamps(self) -> dict[str, Any]:
        return {"at_ms": START_MS + self.seconds * 1_000, "mono_ms": self.seconds * 1_000}

    def look(self) -> Trigger:
        """Loads that move by a watt or two, and obey what they are held at."""
        drawn_w = {}
        for id, live in self.memory.circuits.items():
            free_w = self.ven.spec.circuits[id].rated - self.seconds % 3
            drawn_w[id] = free_w if live.held_w is None else min(live.held_w, free_w)
        return Readings(**self.stamps(), drawn_w=drawn_w, unmetered_w=0)


def _calling(count: int) -> _Stage:
    """Six circuits. Half of the events run beside each other, the others start later."""
    stage = _Stage(6)
    for number in range(count):
        later = {"start_ts": START_MS // 1000 + 7_200 + 60 * number} if number % 2 else {}
        said = {"op": "event", "event_id": f"e{number}", "duration_sec": 7_200, **later}
        door = Origin("operator", "r", **stage.stamps())
        stage.hear(command_from({**said, "shed_kw": 2.0 - number / 1000}, "bench", door))
    return stage


def _medians_s(stages: Sequence[_Stage]) -> list[float]:
    """In turns, so that a busy machine slows all of them."""
    rounds = [[stage.hear(stage.look()) for stage in stages] for _ in range(LOOKS)]
    return [median(times) for times in zip(*rounds, strict=True)]


def _site(count: int) -> str:
    lines = [f"  c{number}: {{rated: 1 kW, shed: 100 %}}" for number in range(1, count + 1)]
    return "\n".join(["site: {id: bench, service: 999 kW}", "circuits:", *lines, ""])


def _cpu_share(count: int) -> float:
    with TemporaryDirectory() as folder, controller(Path(folder), _site(count)) as (pid, _):
        time.sleep(SETTLE_S)
        began, cpu = time.monotonic(), _cpu_s(pid)
        time.sleep(REST_S)
        return (_cpu_s(pid) - cpu) / (time.monotonic() - began)


def _cpu_s(pid: int) -> float:
    """Of all its threads, in user and in system mode (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
