"""How planning and deciding grow with the site."""

from __future__ import annotations

import random
import time
from statistics import median

import venctl  # noqa: F401  (puts the rooms on the path)
from statemachine import Ven, read
from statemachine.curtail.plan import Load, as_relay, plan_shed
from statemachine.state.triggers import Readings
from statemachine.wire.commands import Origin, command_from

SITE = """
site: {id: bench, service: 24 kW}
circuits:
  heater1: {rated: 1.5 kW, shed: 100 %}
  lights1: {rated: 0.4 kW, shed: 70 %}
  misc1: {rated: 1.0 kW, shed: 60 %}
  ev1: {rated: 7.2 kW, shed: 100 %}
  hvac1: {rated: 3.5 kW, shed: 20 %, critical: true}
  fridge1: {rated: 0.2 kW, shed: 20 %, critical: true}
"""


def main() -> None:
    took: dict[int, float] = {}
    for count in (6, 200, 1_000, 10_000):
        dice = random.Random(count)
        loads = [
            Load(f"c{n}", (False, n), w := dice.randrange(100, 8_000), w) for n in range(count)
        ]
        target_w = sum(load.cap_w for load in loads) // 2
        took[count] = _median(lambda loads=loads, w=target_w: plan_shed(loads, w, {}))
        times = took[count] / took[6]
        print(f"plan_shed {count:>6} circuits  {took[count] * 1e3:9.3f} ms  {times:8.1f} x six")
    print(f"  10,000 of 1,000                        {took[10_000] / took[1_000]:8.1f} x (15)")
    relays = [as_relay(Load(f"r{n}", (False, 0), w := 500 + 7 * n, w)) for n in range(200)]
    target_w = sum(load.cap_w for load in relays) // 2
    took_s = _median(lambda: plan_shed(relays, target_w, {}))
    bare_s = _median(lambda: _sums([load.cap_w for load in relays], target_w))
    times = took_s / bare_s
    print(f"plan_shed    200 relays    {took_s * 1e3:9.3f} ms  {times:8.1f} x a bit-set pass (3)")
    _decisions()


def _sums(caps_w: list[int], target_w: int) -> list[int]:
    """The least that an exact choice costs: which sums the last k relays make, as bits.

    All are kept, for the choice is found by going back through them.
    """
    sums, within = [1], (1 << (target_w + max(caps_w) + 1)) - 1
    for cap_w in reversed(caps_w):
        sums.append((sums[-1] | sums[-1] << cap_w) & within)
    return sums


def _decisions() -> None:
    ven = Ven(read(SITE, "bench.yaml"))
    memory = ven.start()
    drawn = {id: circuit.rated for id, circuit in ven.spec.circuits.items()}
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < 2.0:
        at_ms = 1_700_000_000_000 + done * 1_000
        door = Origin("operator", "r", at_ms, done * 1_000)
        said = {"op": "event", "shed_kw": 2.0, "duration_sec": 60, "event_id": f"e{done}"}
        look = Readings(at_ms=at_ms, mono_ms=done * 1_000, drawn_w=drawn, unmetered_w=0)
        memory, _ = ven.decide(memory, look)
        memory, _ = ven.decide(memory, command_from(said, "bench", door))
        memory, _ = ven.decide(memory, command_from({"op": "restore"}, "bench", door))
        done += 3
    print(f"Ven.decide  {done / (time.perf_counter() - began):9.0f} decisions a second, 6 circuits")


def _median(work: object) -> float:
    times = []
    for _ in range(7):
        began = time.perf_counter()
        work()  # type: ignore[operator]
        times.append(time.perf_counter() - began)
    return median(times)
