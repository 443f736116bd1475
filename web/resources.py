"""The state of a site for the page: kW, epoch seconds, and null for unknown values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from statemachine.curtail.delivery import circuit_fault, readings_are_fresh
from statemachine.curtail.delivery_tracking import underperforms
from statemachine.curtail.dwell import duration, must_stay_off_ms, must_stay_on_ms, shed_today_ms
from statemachine.curtail.plan import Load, Plan
from statemachine.curtail.replan import plan_in_force
from statemachine.curtail.requirement import (
    active_events,
    event_required_w,
    opted_out_circuits,
    required_w,
    saved_w,
    taken_by_people_w,
)
from statemachine.curtail.site_rules import broken_rules
from statemachine.kit.localtime import day_of
from statemachine.returns.forecast import forecast_returns
from statemachine.returns.release import circuits_to_return
from statemachine.returns.return_order import ReturnForecast
from statemachine.site.panel import Circuit
from statemachine.site.spec import Spec
from statemachine.state.measures import commanded_w, known_power_w, planned_w, shed_w, taken_w
from statemachine.state.memory import Event, Memory
from statemachine.state.triggers import OPERATOR
from statemachine.wire.messages import kw
from statemachine.wire.schedule import events_in_order

from .alarms import alarm_list
from .controller_port import ControllerPort, DevicesView, LinkView
from .devices import device, main_meter
from .devices import link as device_link
from .outlook import circuit_return, event_service, restore_preview
from .shadow import label, summary
from .shapes.circuit import CircuitBody, ProtectionBody
from .shapes.event import EventBody, PastEventBody
from .shapes.site_state import LinkBody, RecentBody, RestoringBody, SiteBody, StateBody
from .time_zone import zone_of


@cache
def program_version() -> str:
    """The installed version; a checkout that is not installed has none."""
    try:
        return version("venctl")
    except PackageNotFoundError:
        return "0+checkout"


def state(desk: ControllerPort) -> StateBody:
    """The answer of GET /api/v1/state and the data of the stream."""
    spec, memory, now_ms = desk.spec, desk.memory, desk.clocks()[0]
    all_loads, plan = plan_in_force(spec, memory)
    binding = next(iter(active_events(spec, memory, now_ms)), None)
    known = memory.read_ms is not None
    drawn_w, taken, backs = known_power_w(memory), shed_w(memory), forecast_returns(spec, memory)
    site_w, devices = drawn_w if known else None, desk.devices()
    return {
        "t": now_ms / 1000,
        "rev": desk.rev,
        "version": program_version(),
        "mode": spec.mode,
        "site": _site(spec),
        "power_kw": _kw(site_w),
        "shed_kw": kw(taken) if known else None,
        "by_person_kw": kw(taken_by_people_w(spec, memory, now_ms)),
        "base_power_kw": None if site_w is None else kw(site_w + taken),
        "unmetered_kw": None if site_w is None else kw(memory.unmetered_w),
        "reading_at": seconds(memory.read_ms),
        "required_kw": kw(required_w(spec, memory, now_ms)),
        "commanded_kw": kw(commanded_w(spec, memory)),
        "planned_kw": kw(planned_w(memory)),
        "achievable_kw": kw(sum(load.cap_w for load in all_loads)),
        "link": _link(desk.link),
        "shadow": summary(spec, memory, now_ms),
        "circuits": [_circuit(desk, load.circuit, plan, backs, devices) for load in all_loads],
        "device_links": [device_link(link) for link in devices.links],
        "main_meter": main_meter(devices.main_meter),
        "events": events(spec, memory, now_ms),
        "binding": binding.id if binding else None,
        "restoring": _restoring(spec, memory, all_loads, backs),
        "restore": restore_preview(spec, memory) if binding else None,
        "waits": list(desk.waits),
        "shut_until": memory.shut_ms / 1000 if memory.shut_ms else None,
        "alarms": alarm_list(memory),
        "breaches": [
            {"rule": breach.rule, "found": breach.found} for breach in broken_rules(spec, memory)
        ],
    }


def circuit(desk: ControllerPort, id: str) -> CircuitBody:
    """One circuit, as in `state`. Raises KeyError if there is no such circuit."""
    plan, backs = plan_in_force(desk.spec, desk.memory)[1], forecast_returns(desk.spec, desk.memory)
    return _circuit(desk, id, plan, backs, desk.devices())


def events(spec: Spec, memory: Memory, now_ms: int) -> list[EventBody]:
    """Every live event: active ones, the decisive one first, then the others by start."""
    return [_event(spec, memory, event, now_ms) for event in events_in_order(spec, memory, now_ms)]


def past(memory: Memory) -> list[PastEventBody]:
    """Every remembered event, newest first: its id, source, start and end."""
    newest_first = sorted(memory.past.values(), key=lambda event: (-event.start_ms, event.id))
    return [
        {
            "id": event.id,
            "source": event.source,
            "start": event.start_ms / 1000,
            "end": event.end_ms / 1000,
            "live": event.id in memory.events,
        }
        for event in newest_first
    ]


def recent(desk: ControllerPort) -> RecentBody:
    """The last minutes in columns, for the chart."""
    points = desk.recent
    return {
        "t": [point.at_ms / 1000 for point in points],
        "series": {
            "power": [_kw(point.power_w) for point in points],
            "base": [_kw(point.base_w) for point in points],
            "target": [_kw(point.target_w) for point in points],
        },
    }


def seconds(ms: int | None) -> float | None:
    """Convert milliseconds to seconds."""
    return None if ms is None else ms / 1000


def _kw(watts: int | None) -> float | None:
    return None if watts is None else kw(watts)


def _site(spec: Spec) -> SiteBody:
    return {
        "id": spec.site.id,
        "name": spec.site.name or spec.site.id,
        "timezone": zone_of(spec.site.timezone).key,
        "service_kw": kw(spec.site.service),
        "longest_event_s": spec.limits.longest_event / 1000,
        "simulated": any(circuit.simulated for circuit in spec.circuits.values()),
    }


def _link(link: LinkView) -> LinkBody:
    return {
        "state": link.state,
        "kind": link.kind,
        "broker": link.broker,
        "since": link.since,
        "waiting": link.waiting,
        "last_sent": link.last_sent,
        "detail": link.detail,
        "denied": list(link.denied),
    }


def _circuit(
    desk: ControllerPort,
    id: str,
    plan: Plan,
    backs: Mapping[str, ReturnForecast],
    devices: DevicesView,
) -> CircuitBody:
    spec, memory, now_ms = desk.spec, desk.memory, desk.clocks()[0]
    circuit, live = spec.circuits[id], memory.circuits[id]
    known, gives = live.drawn_w is not None, id in plan.cuts
    return {
        "id": id,
        "name": spec.name_of(id),
        "type": circuit.type,
        "critical": circuit.critical,
        "enabled": live.enabled,
        "rated_kw": kw(circuit.rated),
        "power_kw": kw(live.drawn_w or 0) if known else None,
        "free_kw": kw(live.free_w) if known else None,
        "shed_kw": kw(taken_w(memory, id)),
        "held_kw": None if live.held_w is None else kw(live.held_w),
        "planned_kw": kw(plan.cuts.get(id, 0)),
        "order": _order(spec, id),
        "limit_percent": circuit.shed_percent or None,
        "control": circuit.control,
        "driver": circuit.driver if circuit.device is None else circuit.device.device,
        "device": device(devices.circuits.get(id)),
        "simulated": circuit.simulated,
        "metered": circuit.metered,
        "remote": circuit.switchable_from_afar,
        "locked": circuit.locked,
        **circuit_return(backs.get(id)),
        "reason": plan.reasons[id] if gives else _waits(spec, memory, id) or plan.reasons[id],
        "fault": live.trouble,
        "ails": circuit_fault(spec, memory, id, now_ms),
        "read_at": seconds(live.read_ms),
        "switched_by": live.switched_by,
        "switched_at": seconds(live.switched_ms),
        "locked_by": live.locked_by,
        "locked_at": seconds(live.locked_ms),
        "comes_back": circuit.comes_back,
        "opted_out": id in opted_out_circuits(spec, memory),
        **_protection(spec, memory, id),
    }


def _waits(spec: Spec, memory: Memory, id: str) -> str:
    """Why a circuit that no longer sheds has not returned yet; "" if it has."""
    live = memory.circuits[id]
    if live.held_w is None:
        return ""
    left_ms = must_stay_off_ms(spec.circuits[id], live, memory.mono_ms) if live.enabled else 0
    return f"must stay off for {duration(left_ms)}" if left_ms else "waiting for its turn to return"


def _protection(spec: Spec, memory: Memory, id: str) -> ProtectionBody:
    """Until when a circuit must stay off or on, and its sheds today against its limits."""
    circuit, live, mono_ms = spec.circuits[id], memory.circuits[id], memory.mono_ms
    rests, runs = must_stay_off_ms(circuit, live, mono_ms), must_stay_on_ms(circuit, live, mono_ms)
    day = day_of(memory.at_ms, spec.site.timezone)
    most_ms = circuit.max_shed_per_day
    return {
        "rests_until": seconds(memory.at_ms + rests) if rests else None,
        "runs_until": seconds(memory.at_ms + runs) if runs else None,
        "dwell_left_s": max(rests, runs) / 1000,
        "sheds_today": live.sheds_today if live.day == day else 0,
        "max_sheds_per_day": circuit.max_events_per_day,
        "shed_today_s": shed_today_ms(live, mono_ms, day) / 1000,
        "max_shed_per_day_s": seconds(most_ms),
    }


def _order(spec: Spec, id: str) -> int | None:
    def gives(circuit: Circuit) -> bool:
        return circuit.shed_percent > 0

    order = [circuit_id for circuit_id in spec.shed_order() if gives(spec.circuits[circuit_id])]
    return order.index(id) + 1 if id in order else None


def _event(spec: Spec, memory: Memory, event: Event, now_ms: int) -> EventBody:
    required, waits = event_required_w(spec, event, now_ms), now_ms < event.start_ms
    known, sheds = readings_are_fresh(spec, memory, now_ms), required > 0
    next_ms, next_word = min(((at, word) for word, at in event.wakes.items()), default=(None, None))
    return {
        "id": event.id,
        "state": event.state,
        "label": label(event.state),
        "active": sheds,
        "source": event.source,
        "requested_kw": kw(event.shed_w),
        "required_kw": kw(required),
        "commanded_kw": kw(commanded_w(spec, memory)) if sheds else 0.0,
        "would_shed_kw": kw(planned_w(memory)) if sheds and spec.observes else None,
        "measured_kw": 0.0 if waits else kw(shed_w(memory)) if known else None,
        "start": event.start_ms / 1000,
        "end": event.end_ms / 1000,
        "entered": event.entered_ms / 1000,
        "scheduled": waits,
        "short_since": seconds(event.short_ms) if underperforms(event, now_ms) else None,
        "by_person_kw": kw(saved_w(spec, memory, [event.id]) if sheds else 0),
        **event_service(spec, memory, event, now_ms, sheds),
        "opted_out": list(event.opted_out),
        "theirs": event.source == OPERATOR,
        "next": next_word,
        "next_at": seconds(next_ms),
    }


def _restoring(
    spec: Spec, memory: Memory, all_loads: list[Load], backs: Mapping[str, ReturnForecast]
) -> RestoringBody | None:
    """How many circuits have returned, and which is next; None if no return is under way.

    Circuits that only a person switches on do not count.
    """
    left, lives = circuits_to_return(spec, memory, all_loads), memory.circuits
    if memory.coming.due_ms is None and not any(lives[id].giving for id in left):
        return None
    coming = {id: backs[id] for id in left if id in backs and backs[id].how != "by_hand"}
    known = {id: back.at_ms for id, back in coming.items() if back.how != "following"}
    times_ms = {id: at_ms for id, at_ms in known.items() if at_ms is not None}
    next_id = min(times_ms, key=lambda id: times_ms[id], default=None)  # the first one if equal
    done = memory.coming.done
    return {
        "done": done,
        "of": done + len(coming),
        "next": next_id,
        "next_name": spec.name_of(next_id) if next_id else None,
        "next_at": seconds(times_ms[next_id]) if next_id else None,
    }
