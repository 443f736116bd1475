"""Checks the circuits of a ven.yaml: each one alone, then all of them together."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from ..kit.errors import Finding
from ..kit.quantity import millis_text, watts_text
from ..shadow.report import MOST_BYTES, largest_bytes
from ..site.named_shadows import circuits_by_shadow
from ..site.panel import DWELL_MS, LEAST_AMPS, SHEDDING, Circuit
from ..site.source import Path
from .draft import Draft

LEAST_STALE_MS = 2_000  # circuits are read once a second
DAY_MS = 86_400_000
NEARLY = 0.75
EXAMPLE = "write one, like `heater: {rated: 1.5 kW, shed: 100 %}`"


def circuit_findings(draft: Draft) -> Iterator[Finding]:
    """Every finding about the circuits."""
    for id, circuit in draft.spec.circuits.items():
        if draft.source.has(("circuits", id)):
            yield from _one(draft, ("circuits", id), id, circuit)
    if draft.sound("circuits"):
        yield from _whole(draft)
        yield from _chance_tiers(draft)
        yield from _shadows(draft)


def _one(draft: Draft, at: Path, id: str, circuit: Circuit) -> Iterator[Finding]:
    yield from _type(draft, at, id, circuit)
    yield from _ranges(draft, at, id, circuit)
    yield from _control(draft, at, id, circuit)
    yield from _pilot(draft, at, id, circuit)
    yield from _dwell(draft, at, id, circuit)
    yield from _budgets(draft, at, id, circuit)
    yield from _idle(draft, at, id, circuit)
    if draft.sound("site"):
        yield from _service(draft, at, id, circuit)


def _type(draft: Draft, at: Path, id: str, circuit: Circuit) -> Iterator[Finding]:
    """Any type is allowed. A misspelled known type would lose its default dwell times."""
    word = circuit.type.casefold()
    if word not in DWELL_MS and (near := get_close_matches(word, DWELL_MS, 1, NEARLY)):
        problem = f"{circuit.type!r} is not a known type, so {id} is treated as type other"
        yield draft.at((*at, "type"), "near-type", problem, f"did you mean {near[0]!r}?")


def _ranges(draft: Draft, at: Path, id: str, circuit: Circuit) -> Iterator[Finding]:
    def wrong(name: str, problem: str, hint: str = "") -> Finding:
        return draft.at((*at, name), "out-of-range", problem, hint)

    rated = watts_text(circuit.rated)
    if not circuit.rated:
        yield wrong("rated", f"rated of {id} is 0", "write the most it can draw, like 1.5 kW")
    if circuit.floor > circuit.rated:
        yield wrong("floor", f"floor of {id} is above its rated power", "write at most " + rated)
    if circuit.typical is not None and circuit.typical > circuit.rated:
        yield wrong(
            "typical", f"typical of {id} is above its rated power", "write at most " + rated
        )
    if not LEAST_STALE_MS <= circuit.stale_after <= DAY_MS:
        shown = f"{millis_text(LEAST_STALE_MS)} to {millis_text(DAY_MS)}"
        yield wrong("stale_after", f"stale_after of {id} is out of range", f"write {shown}")
    if not 100 <= circuit.volts <= 1_000:
        yield wrong("volts", f"volts of {id} is out of range", "write 100 to 1000, like 240")
    if circuit.phases not in (1, 3):
        yield wrong("phases", f"phases of {id} cannot be {circuit.phases}", "write 1 or 3")
    if circuit.max_off == 0:
        hint = "write a longer time, or a lower `shed` to keep it on"
        yield wrong("max_off", f"with max_off: 0 s no event can switch {id} off", hint)


def _control(draft: Draft, at: Path, id: str, circuit: Circuit) -> Iterator[Finding]:
    shed = (*at, "shed")
    if circuit.control == "relay" and 0 < circuit.shed < 100:
        problem = f"a relay can only switch {id} on or off, so it cannot shed {circuit.shed} %"
        yield draft.at(shed, "partial-relay", problem, "write shed: 100 % or shed: never")
    if circuit.control == "relay" and circuit.shed > 0 and 0 < circuit.floor <= circuit.rated:
        problem = f"a relay can only switch {id} on or off, so it cannot keep a floor"
        yield draft.at((*at, "floor"), "partial-relay", problem, "remove `floor`")
    if circuit.control == "none" and circuit.shed > 0:
        problem = f"{id} has control: none, so it cannot shed {circuit.shed} %"
        yield draft.at(shed, "not-controlled", problem, "remove `shed`, or change `control`")
    if circuit.locked and not circuit.enabled:
        problem = f"{id} starts switched off, and shed: never means that nobody can switch it on"
        yield draft.at((*at, "enabled"), "locked-off", problem, "write enabled: true")
    if circuit.control == "duty_cycle" and circuit.kind in ("lights", "ev"):
        problem = f"control: duty_cycle does not suit {id}, which is of type {circuit.type}"
        hint = "write ev_pilot" if circuit.kind == "ev" else "write modulating or relay"
        yield draft.at((*at, "control"), "bad-duty-cycle", problem, hint)


def _pilot(draft: Draft, at: Path, id: str, circuit: Circuit) -> Iterator[Finding]:
    if circuit.control != "ev_pilot" or circuit.phases not in (1, 3):
        return
    least_w = LEAST_AMPS * circuit.amp_w
    if circuit.rated < least_w:
        problem = f"{id} could never charge: the minimum of {LEAST_AMPS} A is {watts_text(least_w)}"
        hint = f"check volts and phases, or write rated of at least {watts_text(least_w)}"
        yield draft.at((*at, "rated"), "bad-pilot", problem, hint)
    if circuit.kind not in ("ev", "other"):
        problem = f"control: ev_pilot is only for EV chargers, and {id} is of type {circuit.type}"
        yield draft.at(
            (*at, "control"), "bad-pilot", problem, "write modulating, relay or duty_cycle"
        )


def _dwell(draft: Draft, at: Path, id: str, circuit: Circuit) -> Iterator[Finding]:
    off_ms, rest_ms, day_ms = circuit.max_off_ms, circuit.min_off_ms, circuit.max_shed_per_day
    if off_ms and off_ms < rest_ms:
        problem = f"max_off of {id} ({millis_text(off_ms)}) is shorter than its min_off"
        setting = "max_off" if circuit.max_off is not None else "min_off"
        hint = "write a longer max_off or a shorter min_off"
        yield draft.at((*at, setting), "dwell-clash", f"{problem} ({millis_text(rest_ms)})", hint)
    if day_ms and circuit.goes_off and day_ms < rest_ms:
        problem = f"max_shed_per_day of {id} ({millis_text(day_ms)}) is shorter than its min_off"
        hint = "write a longer max_shed_per_day or a shorter min_off"
        problem = f"{problem} ({millis_text(rest_ms)})"
        yield draft.at((*at, "max_shed_per_day"), "dwell-clash", problem, hint)
    longest_ms = draft.spec.limits.longest_event
    for name, ms in (("min_off", rest_ms), ("min_on", circuit.min_on_ms)):
        if circuit.shed_percent and draft.sound("limits") and ms > longest_ms:
            problem = f"{name} of {id} is {millis_text(ms)}, which is longer than any event"
            hint = f"limits.longest_event is {millis_text(longest_ms)}"
            yield draft.at((*at, name), "long-dwell", problem, hint)


def _budgets(draft: Draft, at: Path, id: str, circuit: Circuit) -> Iterator[Finding]:
    for name in ("max_events_per_day", "max_shed_per_day"):
        if getattr(circuit, name) == 0 and circuit.shed_percent:
            problem = f"with {name} at 0, {id} never sheds"
            hint = f"write a higher {name}, or remove `shed`"
            yield draft.at((*at, name), "never-asked", problem, hint)
    if circuit.shed_percent and 0 < circuit.floor == circuit.rated:
        problem = f"floor of {id} equals its rated power, so it never sheds"
        hint = "write a lower floor, or remove `shed`"
        yield draft.at((*at, "floor"), "gives-nothing", problem, hint)
    elif circuit.control == "ev_pilot" and circuit.shed_percent and not _steps(circuit):
        problem = f"{circuit.shed} % of {id} is less than 1 A, the smallest step of ev_pilot"
        yield draft.at((*at, "shed"), "gives-nothing", problem, "write a higher `shed`")


def _steps(circuit: Circuit) -> bool:
    """A car that draws its rated power can give at least 1 A, or pause."""
    least_w = LEAST_AMPS * circuit.amp_w
    return circuit.most_w >= (circuit.rated % circuit.amp_w or circuit.amp_w) or (
        circuit.rated < least_w
    )


def _idle(draft: Draft, at: Path, id: str, circuit: Circuit) -> Iterator[Finding]:
    settings = circuit.model_fields_set
    idle = [(name, f"{id} is never shed") for name in SHEDDING if not circuit.shed_percent]
    idle += [("stale_after", f"{id} has no meter")] if not circuit.metered else []
    for name, why in idle:
        if name in settings:
            problem = f"{name} has no effect, because {why}"
            yield draft.of((*at, name), "idle-setting", problem, "remove it")


def _service(draft: Draft, at: Path, id: str, circuit: Circuit) -> Iterator[Finding]:
    service_w, rest_w = draft.spec.site.service, draft.spec.site.unmetered
    if 0 < service_w < circuit.rated:
        problem = f"rated of {id} is above what the main breaker carries"
        hint = f"site.service is {watts_text(service_w)}; correct one of them"
        yield draft.at((*at, "rated"), "small-service", problem, hint)
    elif circuit.rated + rest_w > service_w > 0 and circuit.shed_percent and not circuit.critical:
        problem = f"{id} and site.unmetered ({watts_text(rest_w)}) together exceed the main breaker"
        hint = f"after an event {id} may have to stay off; site.service is {watts_text(service_w)}"
        yield draft.at((*at, "rated"), "little-service", problem, hint)


def _whole(draft: Draft) -> Iterator[Finding]:
    circuits = draft.spec.circuits
    if not circuits:
        yield draft.at(("circuits",), "no-circuit", "this site has no circuit", EXAMPLE)
        return
    given = [circuit for circuit in circuits.values() if circuit.shed_percent]
    if not given:
        problem, hint = "no circuit of this site can be shed", "write `shed: 100 %` for one"
        yield draft.of(("circuits",), "nothing-to-shed", problem, hint)
    elif all(circuit.critical for circuit in given):
        problem = "all circuits that can be shed are critical, so an event starts with those"
        yield draft.of(
            ("circuits",), "only-critical", problem, "write critical only for what sheds last"
        )


def _shadows(draft: Draft) -> Iterator[Finding]:
    """AWS IoT takes 8,192 bytes. A shadow refused as too large is sent again without names."""
    for key, size in largest_bytes(draft.spec).items():
        if size > MOST_BYTES:
            what = f"the shadow {key}" if key else "the shadow of the site"
            problem = f"{what} can grow to {size:,} bytes; the safe limit is {MOST_BYTES:,}"
            first = (circuits_by_shadow(draft.spec)[key] or tuple(draft.spec.circuits))[0]
            hint = "write shorter names and ids for the circuits"
            yield draft.of(("circuits", first), "large-shadow", problem, hint)


def _chance_tiers(draft: Draft) -> Iterator[Finding]:
    """A written priority that equals the file position of a circuit without one."""
    circuits = draft.spec.circuits
    given = {id: circuit for id, circuit in circuits.items() if circuit.shed_percent}
    positions = {id: position for position, id in enumerate(circuits, start=1)}
    for id, circuit in given.items():
        for other, beside in given.items():
            same = circuit.priority == positions[other] and circuit.critical == beside.critical
            if circuit.priority is not None and beside.priority is None and same:
                number = positions[other]
                problem = f"{id} has priority {number}, like {other} by its place in the file"
                hint = f"write a priority for {other} too"
                yield draft.at(("circuits", id, "priority"), "chance-tier", problem, hint)
