"""What of the panel cannot be, or is hardly meant: one circuit by itself, and all together."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from ..kit.errors import Fault
from ..kit.quantity import millis_text, watts_text
from ..shadow.report import MOST_BYTES, largest
from ..site.named_shadows import shards
from ..site.panel import DWELL_MS, LEAST_AMPS, SHEDDING, Circuit
from ..site.source import Path
from .draft import Draft

LEAST_STALE_MS = 2_000  # circuits are read once a second
DAY_MS = 86_400_000
NEARLY = 0.75


def circuit_faults(draft: Draft) -> Iterator[Fault]:
    """Every fault of the panel."""
    for id, circuit in draft.spec.circuits.items():
        if draft.source.has(("circuits", id)):
            yield from _one(draft, ("circuits", id), id, circuit)
    if draft.sound("circuits"):
        yield from _whole(draft)
        yield from _chance_tiers(draft)
        yield from _shadows(draft)


def _one(draft: Draft, at: Path, id: str, circuit: Circuit) -> Iterator[Fault]:
    yield from _type(draft, at, id, circuit)
    yield from _ranges(draft, at, id, circuit)
    yield from _control(draft, at, id, circuit)
    yield from _pilot(draft, at, id, circuit)
    yield from _dwell(draft, at, id, circuit)
    yield from _budgets(draft, at, id, circuit)
    yield from _idle(draft, at, id, circuit)
    if draft.sound("site"):
        yield from _service(draft, at, id, circuit)


def _type(draft: Draft, at: Path, id: str, circuit: Circuit) -> Iterator[Fault]:
    """Any word will do; one that is nearly ours may have lost a compressor its rest."""
    word = circuit.type.casefold()
    if word not in DWELL_MS and (near := get_close_matches(word, DWELL_MS, 1, NEARLY)):
        problem = f"{circuit.type!r} is no type known here, so {id} behaves as other"
        yield draft.at((*at, "type"), "near-type", problem, f"did you mean {near[0]!r}?")


def _ranges(draft: Draft, at: Path, id: str, circuit: Circuit) -> Iterator[Fault]:
    def wrong(name: str, problem: str, hint: str = "") -> Fault:
        return draft.at((*at, name), "out-of-range", problem, hint)

    if not circuit.rated:
        yield wrong("rated", f"{id} draws nothing at most", "write what its breaker carries")
    if circuit.floor > circuit.rated:
        yield wrong("floor", f"the floor of {id} is above its rated power")
    if circuit.typical is not None and circuit.typical > circuit.rated:
        yield wrong("typical", f"what {id} draws as a rule is above its rated power")
    if not LEAST_STALE_MS <= circuit.stale_after <= DAY_MS:
        shown = f"{millis_text(LEAST_STALE_MS)} to {millis_text(DAY_MS)}"
        yield wrong("stale_after", f"a reading of {id} cannot age so", f"it is {shown}")
    if not 100 <= circuit.volts <= 1_000:
        yield wrong("volts", f"{circuit.volts} volts are not a charger's", "write it like 240")
    if circuit.phases not in (1, 3):
        yield wrong("phases", f"a charger has no {circuit.phases} phases", "it has 1 or 3")
    if circuit.max_off == 0:
        yield wrong("max_off", f"an event could not take {id} off at all", "write a lower `shed`")


def _control(draft: Draft, at: Path, id: str, circuit: Circuit) -> Iterator[Fault]:
    shed = (*at, "shed")
    if circuit.control == "relay" and 0 < circuit.shed < 100:
        problem = f"a relay cannot shed {circuit.shed} % of {id}"
        yield draft.at(shed, "partial-relay", problem, "write 100 %, or never")
    if circuit.control == "relay" and circuit.shed > 0 and 0 < circuit.floor <= circuit.rated:
        problem = f"a relay cannot keep {id} at {watts_text(circuit.floor)}"
        yield draft.at((*at, "floor"), "partial-relay", problem, "leave `floor` out")
    if circuit.control == "none" and circuit.shed > 0:
        problem = f"nothing controls {id}, and it is to give {circuit.shed} %"
        yield draft.at(shed, "not-controlled", problem, "leave `shed` out, or write its `control`")
    if circuit.locked and not circuit.enabled:
        problem = f"{id} begins switched off, and with shed: never nobody may switch it on"
        yield draft.at((*at, "enabled"), "locked-off", problem, "write enabled: true")
    if circuit.control == "duty_cycle" and circuit.kind in ("lights", "ev"):
        problem = f"{id} must not be switched to and fro: its type is {circuit.type}"
        hint = "ev_pilot is for cars" if circuit.kind == "ev" else "write modulating or relay"
        yield draft.at((*at, "control"), "bad-duty-cycle", problem, hint)


def _pilot(draft: Draft, at: Path, id: str, circuit: Circuit) -> Iterator[Fault]:
    if circuit.control != "ev_pilot" or circuit.phases not in (1, 3):
        return
    least_w = LEAST_AMPS * circuit.amp_w
    if circuit.rated < least_w:
        problem = f"{id} could never charge: {LEAST_AMPS} A are {watts_text(least_w)}"
        hint = f"that is more than its rated {watts_text(circuit.rated)}; look at volts and phases"
        yield draft.at((*at, "rated"), "bad-pilot", problem, hint)
    if circuit.kind not in ("ev", "other"):
        problem = f"ev_pilot is a car's, and {id} is of type {circuit.type}"
        yield draft.at((*at, "control"), "bad-pilot", problem, "write another `control`")


def _dwell(draft: Draft, at: Path, id: str, circuit: Circuit) -> Iterator[Fault]:
    off_ms, rest_ms, day_ms = circuit.max_off_ms, circuit.min_off_ms, circuit.max_shed_per_day
    if off_ms and off_ms < rest_ms:
        problem = f"{id} must come back after {millis_text(off_ms)} off, and may not before"
        said = "max_off" if circuit.max_off is not None else "min_off"
        hint = "write a longer max_off, or a shorter min_off"
        yield draft.at((*at, said), "dwell-clash", f"{problem} {millis_text(rest_ms)}", hint)
    if day_ms and circuit.goes_off and day_ms < rest_ms:
        problem = f"{id} may give {millis_text(day_ms)} a day, and once off it stays off longer"
        hint = f"its min_off is {millis_text(rest_ms)}"
        yield draft.at((*at, "max_shed_per_day"), "dwell-clash", problem, hint)
    longest_ms = draft.spec.limits.longest_event
    for name, ms in (("min_off", rest_ms), ("min_on", circuit.min_on_ms)):
        if circuit.shed_percent and draft.sound("limits") and ms > longest_ms:
            problem = f"the {name} of {id} is {millis_text(ms)}, longer than any event"
            hint = f"limits.longest_event is {millis_text(longest_ms)}"
            yield draft.at((*at, name), "long-dwell", problem, hint)


def _budgets(draft: Draft, at: Path, id: str, circuit: Circuit) -> Iterator[Fault]:
    for name in ("max_events_per_day", "max_shed_per_day"):
        if getattr(circuit, name) == 0 and circuit.shed_percent:
            problem = f"with {name} of nothing {id} never gives"
            yield draft.at((*at, name), "never-asked", problem, "leave `shed` out instead")
    if circuit.shed_percent and 0 < circuit.floor == circuit.rated:
        problem = f"the floor of {id} is all it draws"
        yield draft.at((*at, "floor"), "gives-nothing", problem, "leave `shed` out instead")
    elif circuit.control == "ev_pilot" and circuit.shed_percent and not _steps(circuit):
        problem = f"not even one ampere of {id} is within {circuit.shed} %"
        yield draft.at((*at, "shed"), "gives-nothing", problem, "write a higher `shed`")


def _steps(circuit: Circuit) -> bool:
    """A car that draws all it may can give at least an ampere, or pause."""
    least_w = LEAST_AMPS * circuit.amp_w
    return circuit.most_w >= (circuit.rated % circuit.amp_w or circuit.amp_w) or (
        circuit.rated < least_w
    )


def _idle(draft: Draft, at: Path, id: str, circuit: Circuit) -> Iterator[Fault]:
    said = circuit.model_fields_set
    idle = [(name, f"{id} is never shed") for name in SHEDDING if not circuit.shed_percent]
    idle += [("stale_after", f"{id} has no meter")] if circuit.meter == "none" else []
    for name, why in idle:
        if name in said:
            problem = f"{name} means nothing here, for {why}"
            yield draft.of((*at, name), "idle-setting", problem, "leave it out")


def _service(draft: Draft, at: Path, id: str, circuit: Circuit) -> Iterator[Fault]:
    service_w, rest_w = draft.spec.site.service, draft.spec.site.unmetered
    if 0 < service_w < circuit.rated:
        problem = f"{id} draws more than the main breaker carries"
        hint = f"site.service is {watts_text(service_w)}"
        yield draft.at((*at, "rated"), "small-service", problem, hint)
    elif circuit.rated + rest_w > service_w > 0 and circuit.shed_percent and not circuit.critical:
        problem = f"{id} can come back only while less than {watts_text(rest_w)} is unmetered"
        hint = f"site.service is {watts_text(service_w)}"
        yield draft.at((*at, "rated"), "little-service", problem, hint)


def _whole(draft: Draft) -> Iterator[Fault]:
    circuits = draft.spec.circuits
    if not circuits:
        yield draft.at(("circuits",), "no-circuit", "a site has at least one circuit")
        return
    given = [circuit for circuit in circuits.values() if circuit.shed_percent]
    if not given:
        problem, hint = "no circuit of this site may be shed", "write `shed: 100 %` for one"
        yield draft.of(("circuits",), "nothing-to-shed", problem, hint)
    elif all(circuit.critical for circuit in given):
        problem = "all that may be shed is critical, so critical circuits give first"
        yield draft.of(("circuits",), "only-critical", problem, "critical is for what gives last")


def _shadows(draft: Draft) -> Iterator[Fault]:
    """AWS IoT takes 8,192 bytes; where a shadow is refused as too large, names are left out."""
    for key, size in largest(draft.spec).items():
        if size > MOST_BYTES:
            what = f"the shadow {key or 'of the site'}"
            problem = f"{what} can grow to {size:,} bytes, of {MOST_BYTES:,} that are safe"
            first = (shards(draft.spec)[key] or tuple(draft.spec.circuits))[0]
            hint = "give the circuits shorter names"
            yield draft.of(("circuits", first), "large-shadow", problem, hint)


def _chance_tiers(draft: Draft) -> Iterator[Fault]:
    """A priority somebody wrote, and the place in the file of a circuit that has none."""
    circuits = draft.spec.circuits
    given = {id: circuit for id, circuit in circuits.items() if circuit.shed_percent}
    places = {id: place for place, id in enumerate(circuits, start=1)}
    for id, circuit in given.items():
        for other, beside in given.items():
            same = circuit.priority == places[other] and circuit.critical == beside.critical
            if circuit.priority is not None and beside.priority is None and same:
                problem = f"{id} and {other} take turns, for {other} is number {places[other]}"
                hint = f"write a priority for {other} too"
                yield draft.at(("circuits", id, "priority"), "chance-tier", problem, hint)
