"""Random sites for tests: every kind of control, dwell times, budgets, tiers, charts, limits."""

from __future__ import annotations

from statemachine import Spec, read
from statemachine.audit.reader import examine
from statemachine.verify.search.generate_days import RandomSource

RAMP = """
event:
  initial: received
  states:
    received:
    scheduled:  {until: start}
    noticed:    {for: 30 s, report: noticed}
    ramping:    {for: 2 min, sheds: 50 %, report: ramping}
    shedding:   {until: end, sheds: 100 %, report: started}
    restoring:  {report: restoring}
    completed:  {final: true, report: completed}
    cancelled:  {final: true, report: cancelled}
    failed:     {final: true, report: failed}
  transitions:
    - {trigger: dr_event, from: [received, scheduled, noticed, ramping, shedding], to: scheduled, if: starts_later, do: accept}
    - {trigger: dr_event, from: [received, scheduled], to: noticed, do: accept}
    - {trigger: dr_event, from: [noticed, ramping, shedding], to: same, do: accept}
    - {trigger: started,  from: scheduled, to: failed, if: over}
    - {trigger: started,  from: scheduled, to: noticed}
    - {trigger: elapsed,  from: noticed, to: ramping}
    - {trigger: elapsed,  from: ramping, to: shedding}
    - {trigger: ended,    from: shedding, to: restoring}
    - {trigger: restore,  from: [noticed, ramping, shedding], to: restoring}
    - {trigger: restore,  from: scheduled, to: cancelled}
    - {trigger: cancel,   from: scheduled, to: cancelled}
    - {trigger: cancel,   from: [noticed, ramping, shedding], to: restoring}
    - {trigger: released, from: restoring, to: completed}
"""  # noqa: E501


def invent_panel(dice: RandomSource) -> str:
    """The text of a ven.yaml with one to nine circuits."""
    circuits = [f"  c{n}: {{{_circuit(dice)}}}" for n in range(dice.randint(1, 9))]
    site = f"site: {{id: site{dice.randint(1, 99)}, service: {dice.choice((8, 12, 24))} kW, "
    site += f"unmetered: {dice.choice((0, 1, 3))} kW, timezone: {dice.choice(ZONES)}}}"
    every = dice.choice(("1 s", "10 s", "10 s", "30 s"))
    spread, bridge = dice.choice(("0 s", "0 s", "2 min")), dice.choice(("0 s", "60 s"))
    ramp = dice.choice(("", "", ", ramp: 700 W"))
    policy = dice.choice(("at_least", "at_least", "closest", "at_most"))
    return "\n".join(
        [
            site,
            "circuits:",
            *circuits,
            f"restore: {{every: {every}, spread: {spread}, bridge: {bridge}{ramp}}}",
            f"curtail: {{policy: {policy}, overlap: {dice.choice(('max', 'max', 'sum'))}}}",
            f"mode: {dice.choice(('act', 'act', 'act', 'act', 'act', 'observe'))}",
            dice.choice(("", "", f"limits: {{{_limits(dice)}}}")),
            dice.choice(("", "", "", RAMP)),
        ]
    )


def invent_site(dice: RandomSource) -> Spec:
    """A random site that `venctl check` takes."""
    return read(invent_valid(dice), "panel.yaml")


def invent_valid(dice: RandomSource) -> str:
    """The text of a random site that `venctl check` takes: most of those thrown are."""
    while True:
        text = invent_panel(dice)
        if examine(text, "panel.yaml")[0] is not None:
            return text


ZONES = ("America/Los_Angeles", "Europe/Berlin", "UTC", "Australia/Lord_Howe")


TYPES = {
    "modulating": ("other", "heater", "hvac", "lights"),
    "relay": ("other", "heater", "hvac", "fridge", "motor"),
    "ev_pilot": ("ev",),
    "duty_cycle": ("heater", "water_heater"),
    "none": ("other", "fridge"),
}


def _circuit(dice: RandomSource) -> str:
    control = dice.choice(
        ("modulating", "modulating", "relay", "relay", "relay", "ev_pilot", "duty_cycle", "none")
    )
    shed = dice.choice(("100 %", "100 %", "70 %", "20 %", "never", "0 %"))
    if shed != "never":
        shed = {"relay": "100 %", "none": "0 %"}.get(control, shed)
    rated = dice.choice((200, 500, 700, 900, 1500, 3000))
    said = {
        "rated": f"{dice.choice((3600, 7200)) if control == 'ev_pilot' else rated} W",
        "control": control,
        "shed": shed,
        "type": dice.choice(TYPES[control]),
    }
    for name, values in EXTRAS.items():
        if not dice.randint(0, 4):
            said[name] = dice.choice(values)
    if control == "relay":
        said.pop("floor", None)
    return ", ".join(f"{name}: {value}" for name, value in said.items())


EXTRAS = {
    "critical": ("true",),
    "priority": ("1", "1", "2", "5"),
    "enabled": ("false",),
    "floor": ("50 W", "150 W"),
    "min_on": ("1 min", "10 min"),
    "min_off": ("1 min", "10 min"),
    "max_off": ("2 min", "15 min"),
    "min_release": ("3 min", "20 min"),
    "max_events_per_day": ("1", "2", "4"),
    "max_shed_per_day": ("5 min", "20 min"),
    "remote": ("no",),
    "comes_back": ("by_hand",),
    "meter": ("none",),
    "stale_after": ("20 s", "5 min"),
}


def _limits(dice: RandomSource) -> str:
    said = [
        f"longest_event: {dice.choice(('2 h', '5 min'))}",
        "events_per_day: 3",
        "min_gap: 5 min",
        "hours_per_month: 2",
    ]
    said.append("blackout: [22:00-06:00]")
    return ", ".join(one for one in said if dice.randint(0, 1))
