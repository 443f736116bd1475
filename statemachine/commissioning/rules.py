"""Which circuits a test may switch, when, and for how long."""

from __future__ import annotations

from collections.abc import Collection

from ..device.control import Position, WiredLoad, leased, writes_for
from ..device.faults import texts
from ..device.form import PLACEHOLDER, Template
from ..device.parts import LEASED
from ..kit.quantity import millis_text
from ..returns.ending import begun_events
from ..site.panel import Circuit
from ..site.spec import Spec
from ..state.circuit import CircuitState
from ..state.memory import Memory

MOST_OFF_MS = 60_000
SHORT_LEASE_MS = 20_000
SOON_MS = 15 * 60_000  # an event that starts within this time is too close
SIM = "sim"


def why_not_now(spec: Spec, memory: Memory, now_ms: int) -> str | None:
    """Why no circuit of the site may be switched now; None: nothing is against it."""
    if spec.observes:
        return "the site only observes (mode: observe), so nothing may be switched"
    live = begun_events(spec, memory, now_ms)
    running = [id for id in live if now_ms < memory.events[id].end_ms]
    if running:
        return f"the event {running[0]} is live; test when it is over"
    soon = [one for one in memory.events.values() if now_ms <= one.start_ms < now_ms + SOON_MS]
    if soon:
        return f"the event {soon[0].id} starts within {millis_text(SOON_MS)}; test when it is over"
    held = [id for id, state in memory.circuits.items() if state.held_w is not None]
    if held or memory.leaving:
        which = ", ".join(held or memory.leaving)
        return f"{which} was not given back yet; start `venctl run` and wait until it is"
    return None


def why_not(
    id: str, circuit: Circuit, state: CircuitState | None, also: Collection[str]
) -> str | None:
    """Why a circuit is left alone, in words; None: it may be switched."""
    if circuit.driver == SIM:
        return "simulated"
    if circuit.min_off_ms > MOST_OFF_MS:
        least = millis_text(circuit.min_off_ms)
        return f"once off it must stay off for {least} (min_off), longer than a test may take"
    if state is not None and not state.enabled:
        return "it is switched off; switch it on first"
    if id in also:
        return None
    hint = f"to switch it all the same, add --also {id}"
    if circuit.critical:
        return f"it is critical; {hint}"
    if circuit.locked:
        return f"`shed: never`; {hint}"
    if circuit.comes_back == "by_hand":
        return f"`comes_back: by_hand`; {hint}"
    if state is not None and state.locked_by is not None:
        return f"somebody locked it; {hint}"
    return None


def most_off_ms(template: Template) -> int:
    """The longest that a device may be off: 1 min, and never longer than its lease."""
    if leased(template, Position("off_for")) and template.lease and template.lease.longest:
        return min(MOST_OFF_MS, template.lease.longest)
    return MOST_OFF_MS


def lease_to_prove_ms(template: Template) -> int | None:
    """How long a device is off that is told nothing more; None: it cannot be proved in a test."""
    writes = {*writes_for(template, Position("off_for"))}
    lease = template.lease
    if lease is None or not template.gives_back or not writes & {*lease.by}:
        return None
    orders = [order.model_dump() for write in writes for order in template.write[write]]
    named = {name for text in texts(orders) for name in PLACEHOLDER.findall(text)}
    if named & LEASED:
        return min(SHORT_LEASE_MS, lease.longest or SHORT_LEASE_MS)
    return lease.longest if lease.longest is not None and lease.longest < MOST_OFF_MS else None


def stood(load: WiredLoad, limit_w: int | None) -> int | None:
    """What a circuit is held at after the test, so that it stands as before; None: it is free."""
    return limit_w if limit_w is not None and limit_w * 100 < load.rated_w * 98 else None
