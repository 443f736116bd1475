"""Generates random days for a site: events, loads, people, faults and crashes, as a scenario.

A day depends only on the dice, so that a seed repeats it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from ...kit.quantity import millis_text, watts_text
from ...site.panel import Circuit
from ...site.spec import Spec
from ..world.elapsed import elapsed_text
from ..world.scenario import SITE

T = TypeVar("T")
Words = dict[str, Any]
HOUR_MS = 3_600_000
GAPS_S = (0, 0, 1, 5, 9, 10, 11, 29, 31, 41, 60, 61, 119, 121, 180, 290, 301, 600, 1_801, 7_200)
SHORT_S = (15, 40, 90, 140, 200, 280)  # within five minutes of the step before
LONG_S = (310, 400, 900)
LENGTHS_S = (1, 5, 20, 60, 119, 300, 600, 1_200, 1_900, 3_600)
IDS = ("e1", "e2", "e3", "e4")
KINDS = (
    *("deaf", "deaf", "silent", "odd", "stuck", "mute", "mute", "none"),
    *("dead", "dead", "flapping", "flapping", "slow", "late", "none", "none"),
    *("reboots", "reboots"),
)
DOORS = ("operator", "operator", "page", "cli")


class RandomSource(Protocol):
    """The random source of a day: a seeded `random.Random`."""

    def randint(self, a: int, b: int, /) -> int: ...

    def choice(self, seq: Sequence[T], /) -> T: ...


def generate_day(spec: Spec, dice: RandomSource, most: int) -> Words:
    """A day of up to `most` steps, as `Scenario` reads it."""
    day = _Day(spec, dice)
    steps = dice.randint(min(5, most), most)
    while len(day.steps) < steps:
        day.go_on()
    loads = dice.choice(("steady", "steady", "steady", "drift", "cycling"))
    zone = {"start": dice.choice(STARTS)}
    return {**zone, "look": "10 s", "skip": "true", "loads": loads, "draws": day.draws(),
            "steps": [*day.steps, *day.last()]}  # fmt: skip


# The second ends across midnight, the third across the spring gap of many time zones.
STARTS = ("2026-07-14T00:00", "2026-07-14T22:30", "2026-03-28T23:00")


class _Day:
    """One day while it is generated: the time reached, and the steps so far."""

    def __init__(self, spec: Spec, dice: RandomSource) -> None:
        self.spec, self.dice = spec, dice
        self.ms, self.revisions = 20_000, dict.fromkeys(IDS, 0)
        self.steps: list[Words] = []
        self.called: list[str] = []

    def go_on(self) -> None:
        """Add the next step, or a few that belong together, some time after the last."""
        self.ms += self.dice.choice(GAPS_S) * 1_000 + self.dice.choice((0, 0, 0, 1, 250, 999))
        deed = self.dice.choice(DEEDS)
        if deed in TALES:
            deed(self)
        else:
            self._note(deed(self))

    def draws(self) -> dict[str, str]:
        """The power of some circuits from the start; the others draw as `loads` says."""
        return {
            id: watts_text(self._load_w(circuit))
            for id, circuit in self.spec.circuits.items()
            if self.dice.randint(0, 3)
        }

    def last(self) -> list[Words]:
        """Steps that end all faults, so that the site can come to rest."""
        self.ms += 1_000
        faulty = {step["fault"]["circuit"] for step in self.steps if "fault" in step}
        well = [
            {"at": elapsed_text(self.ms), "fault": {"circuit": id, "kind": "none"}}
            for id in sorted(faulty)
        ]
        lost = any("link" in step for step in self.steps)
        return [*well, *([{"at": elapsed_text(self.ms), "link": "back"}] if lost else ())]

    # -- deeds --------------------------------------------------------------------------------

    def call(self) -> Words:
        """An event, new or revised, that starts now, later or in the past."""
        id = self.dice.choice(IDS)
        self.called.append(id)
        self.revisions[id] += 1
        event: Words = {
            "id": id,
            "shed": watts_text(self._shed_w()),
            "for": millis_text(self._length_ms()),
        }
        if self.dice.randint(0, 2):
            event["revision"] = str(self.revisions[id])
        if not self.dice.randint(0, 2):
            later_s = self.dice.choice((-600, -30, 0, 1, 30, 90, 600, 3_600))
            event["start"] = elapsed_text(max(0, self.ms + later_s * 1_000))
        if not self.dice.randint(0, 5):
            event["random"] = millis_text(self.dice.choice((1_000, 60_000, 600_000)))
        if not self.dice.randint(0, 7):
            event["issued"] = elapsed_text(max(0, self.ms - self.dice.choice((0, 30_000, 90_000))))
        return {"event": {**event, "door": self.dice.choice(DOORS), **self._confirming()}}

    def prolong(self) -> Words:
        """A revision that starts an event again, as if it had not run yet."""
        id = self.dice.choice(IDS)
        self.called.append(id)
        self.revisions[id] += 1
        event = {"id": id, "shed": watts_text(self._shed_w()), "start": elapsed_text(self.ms)}
        length_ms = self.dice.choice((self.spec.limits.longest_event, self._length_ms()))
        more = {"for": millis_text(length_ms), "revision": str(self.revisions[id])}
        return {"event": {**event, **more, "door": self.dice.choice(DOORS)}}

    def fresh_call(self) -> Words:
        """A new event from the site: always accepted, unless it is too long."""
        id = f"n{len(self.called)}"
        self.called.append(id)
        event = {
            "id": id,
            "shed": watts_text(self._shed_w()),
            "for": millis_text(self._length_ms()),
        }
        return {"event": {**event, "door": self.dice.choice(DOORS)}}

    def restore(self) -> Words:
        event = self.dice.choice(("all", self._event()))
        shuts = {"shuts": "true"} if event == "all" and not self.dice.randint(0, 4) else {}
        return {"restore": {"event": event, **shuts, **self._door(), **self._confirming()}}

    def cancel(self) -> Words:
        door = self.dice.choice(DOORS)
        return {"cancel": {"event": self._event(), "door": door, **self._confirming()}}

    def again(self) -> Words:
        return {"again": self._event()}

    def opt_out(self) -> Words:
        fields = {"event": self._event(), **self._confirming()}
        if self.dice.randint(0, 3):
            fields |= {"circuit": self._circuit()}
            fields |= {} if self.dice.randint(0, 2) else {"out": "false"}
        return {"opt_out": fields}

    def switch(self) -> Words:
        to = self.dice.choice(("on", "off"))
        return {"switch": {"circuit": self._circuit(), "to": to, **self._door()}}

    def lock(self) -> Words:
        return {"lock": {"circuit": self._circuit(), "to": self.dice.choice(("on", "off"))}}

    def wish(self) -> Words:
        return {"wish": {"circuit": self._circuit(), "to": self.dice.choice(("on", "off"))}}

    def load(self) -> Words:
        if not self.dice.randint(0, 9):
            beside_w = self.dice.randint(0, self.spec.site.service)
            return {"load": {"circuit": SITE, "draws": watts_text(beside_w)}}
        id = self._circuit()
        return {"load": {"circuit": id, "draws": watts_text(self._load_w(self.spec.circuits[id]))}}

    # -- a few deeds that belong together -------------------------------------------------------

    def changes_by_itself(self) -> None:
        """A load starts, stops or falls by itself, shortly before or during an event."""
        circuit, before = self._on(), self.dice.randint(0, 2)
        was, is_now = self.dice.choice(((0, 100), (0, 100), (100, 40), (100, 0), (40, 100)))
        self._load(circuit, was)
        self._wait(LONG_S)
        if not before:
            self._note(self.fresh_call())
            self._wait(SHORT_S)
        self._load(circuit, is_now)
        self._wait(SHORT_S)
        if before:
            self._note(self.fresh_call())

    def off_and_on(self) -> None:
        """A person switches something off and on again, with or without an event."""
        if self.dice.randint(0, 1):
            self._note(self.fresh_call())
            self._wait(SHORT_S)
        circuit = self._on()
        for to in ("off", "on"):
            self._wait((3, 3, 60, 240))
            self._note({"switch": {"circuit": circuit, "to": to, "door": "page"}})
        if not self.dice.randint(0, 2):
            self._wait(SHORT_S)
            self._note(self.fresh_call())

    def _on(self) -> str:
        """A circuit that draws power, switched on if it is off."""
        circuit = self._circuit()
        if not self.spec.circuits[circuit].enabled:
            self._note({"switch": {"circuit": circuit, "to": "on", "door": "page"}})
        return circuit

    def _load(self, circuit: str, percent: int) -> None:
        watts = self.spec.circuits[circuit].rated * percent // 100
        self._note({"load": {"circuit": circuit, "draws": watts_text(watts)}})

    def _note(self, deed: Words) -> None:
        self.steps.append({"at": elapsed_text(self.ms), **deed})

    def _wait(self, seconds: Sequence[int]) -> None:
        self.ms += self.dice.choice(seconds) * 1_000

    # -- what fails -----------------------------------------------------------------------------

    def fault(self) -> Words:
        kind = self.dice.choice(KINDS)
        return {"fault": {"circuit": self._circuit(), "kind": kind}}

    def link(self) -> Words:
        return {"link": self.dice.choice(("lost", "back"))}

    def crash(self) -> Words:
        down_ms = self.dice.choice((0, 0, 1_000, 30_000, 119_000, 121_000, 600_000))
        reboot, amid = self.dice.choice((0, 0, 1)), self.dice.choice((0, 0, 1))
        flags = {"reboot": "true"} if reboot else {}
        return {
            "crash": {"down": millis_text(down_ms), **flags, **({"amid": "true"} if amid else {})}
        }

    def set_clock(self) -> Words:
        step_s = self.dice.choice((2, 61, 3_600, 7_200))
        return {"clock": self.dice.choice(("", "-")) + millis_text(step_s * 1_000)}

    # -- events, watts and times --------------------------------------------------------------

    def _door(self) -> Words:
        """The sender. The grid often repeats a command with the same correlationId."""
        door = self.dice.choice(DOORS)
        again = door == "operator" and self.dice.randint(0, 1)
        return {"door": door, **({"as": self.dice.choice(("c1", "c2"))} if again else {})}

    def _event(self) -> str:
        """Mostly one of the last events, because it may still run."""
        return self.dice.choice((*IDS, *self.called[-2:] * 4))

    def _confirming(self) -> Words:
        return {} if self.dice.randint(0, 2) else {"confirm": "false"}

    def _circuit(self) -> str:
        return self.dice.choice(list(self.spec.circuits))

    def _load_w(self, circuit: Circuit) -> int:
        if not self.dice.randint(0, 5):
            return 0
        return self.dice.choice((circuit.rated, self.dice.randint(0, circuit.rated)))

    def _shed_w(self) -> int:
        """From 1 W to the most that is accepted, mostly about what the site can shed."""
        there_w = sum(circuit.rated for circuit in self.spec.circuits.values())
        service_w = max(1, self.spec.site.service)
        return min(service_w, self.dice.randint(1, self.dice.choice((there_w, there_w, service_w))))

    def _length_ms(self) -> int:
        """Sometimes exactly the longest event, or a second longer."""
        longest_ms = min(self.spec.limits.longest_event, 5 * HOUR_MS)
        odd_ms = {0: longest_ms + 1_000, 1: longest_ms}
        return odd_ms.get(self.dice.randint(0, 9)) or self.dice.choice(LENGTHS_S) * 1_000


TALES: tuple[Callable[[_Day], None], ...] = (_Day.changes_by_itself, _Day.off_and_on)
DEEDS: tuple[Callable[[_Day], Any], ...] = (
    *[_Day.changes_by_itself] * 3,
    _Day.off_and_on,
    *[_Day.call] * 5,
    *[_Day.fresh_call] * 5,
    *[_Day.prolong] * 2,
    *[_Day.load] * 3,
    *[_Day.switch] * 3,
    *[_Day.restore] * 2,
    *[_Day.crash] * 2,
    *[_Day.cancel] * 2,
    *[_Day.opt_out] * 2,
    *[_Day.fault] * 2,
    _Day.again,
    _Day.lock,
    _Day.wish,
    _Day.link,
    _Day.set_clock,
)
