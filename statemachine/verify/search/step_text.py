"""The steps of a scenario as sentences."""

from __future__ import annotations

from ...curtail.dwell import lasting
from ..world.scenario import (
    ALL,
    SITE,
    Crash,
    Ending,
    Loading,
    Locking,
    OptOut,
    Step,
    Switching,
    TakingBack,
    Trouble,
    Wishing,
)

TROUBLES = {
    "deaf": "obeys no hold from now on",
    "silent": "is not read from now on",
    "odd": "is read as what cannot be from now on",
    "stuck": "is not switched from now on",
    "mute": "answers no hold and no switch from now on",
    "none": "is well again",
}


def said(step: Step) -> str:
    """What happens in a step, but for the call of an event, whose times want a clock."""
    (name,) = step.deeds
    match step.deed(name):
        case Ending(shuts=True, door=door):
            return f"{door} wants everything back, and nothing new for 10 min"
        case Ending(event=event, door=door):
            return f"{door} wants {'all load' if event == ALL else f'the load of {event}'} back"
        case TakingBack(event=event, door=door):
            return f"{door} cancels {event}"
        case OptOut(event=event, circuit=circuit, out=False):
            return f"the occupant lets {circuit} give to {event} again"
        case OptOut(event=event, circuit=circuit):
            return f"the occupant keeps {circuit or 'the site'} out of {event}"
        case Switching(circuit=circuit, to=to, door=door):
            return f"{door} switches {circuit} {to}"
        case Locking(circuit=circuit, to=to):
            return f"a person {'locks' if to == 'on' else 'unlocks'} {circuit}"
        case Wishing(circuit=circuit, to=to):
            return f"the shadow desires {circuit} {to}"
        case Loading(circuit=circuit, draws=watts):
            what = "what is beside all circuits" if circuit == SITE else circuit
            return f"{what} now draws {watts / 1000:g} kW"
        case Trouble(circuit=circuit, kind=kind):
            return f"{circuit} {TROUBLES[kind]}"
        case Crash() as crash:
            return _crash(crash)
        case int() as step_ms:
            return f"the clock is set {lasting(abs(step_ms))} {'ahead' if step_ms > 0 else 'back'}"
        case str() as word:
            return f"the link is {word}" if name == "link" else f"the call of {word} comes again"
    raise AssertionError(name)


def _crash(crash: Crash) -> str:
    what = "the machine goes down" if crash.reboot else "the program dies"
    when = ", once its next decision is journaled" if crash.amid else ""
    return f"{what}{when}, for {lasting(crash.down)}"
