"""The steps of a scenario as sentences."""

from __future__ import annotations

from ...curtail.dwell import duration
from ..world.scenario import (
    ALL,
    SITE,
    CancelStep,
    CrashStep,
    FaultStep,
    LoadStep,
    LockStep,
    OptOutStep,
    RestoreStep,
    Step,
    SwitchStep,
    WishStep,
)

TROUBLES = {
    "deaf": "ignores every hold from now on",
    "silent": "has no readings from now on",
    "odd": "has impossible readings from now on",
    "stuck": "cannot be switched from now on",
    "mute": "does not answer its driver from now on",
    "dead": "neither answers nor has readings from now on",
    "flapping": "is away for 20 s out of every 40 s from now on",
    "slow": "answers after 3 s from now on",
    "reboots": "starts anew, and is told again 5 s later",
    "late": "does what it is told from now on, but answers too late to be heard",
    "none": "works again",
}


def describe(step: Step) -> str:
    """A step in words, except the request of an event, whose times need a clock."""
    (name,) = step.deeds
    match step.deed(name):
        case RestoreStep(shuts=True, door=door):
            return f"{door} requests all load back, and no new event for 10 min"
        case RestoreStep(event=event, door=door):
            return f"{door} requests {'all load' if event == ALL else f'the load of {event}'} back"
        case CancelStep(event=event, door=door):
            return f"{door} cancels {event}"
        case OptOutStep(event=event, circuit=circuit, out=False):
            return f"the occupant opts {circuit} in to {event} again"
        case OptOutStep(event=event, circuit=circuit):
            return f"the occupant opts {circuit or 'the site'} out of {event}"
        case SwitchStep(circuit=circuit, to=to, door=door):
            return f"{door} switches {circuit} {to}"
        case LockStep(circuit=circuit, to=to):
            return f"a person {'locks' if to == 'on' else 'unlocks'} {circuit}"
        case WishStep(circuit=circuit, to=to):
            return f"the cloud desires {circuit} {to}"
        case LoadStep(circuit=circuit, draws=watts):
            what = "the load in no circuit" if circuit == SITE else circuit
            return f"{what} now draws {watts / 1000:g} kW"
        case FaultStep(circuit=circuit, kind=kind):
            return f"{circuit} {TROUBLES[kind]}"
        case CrashStep() as crash:
            return _crash(crash)
        case int() as step_ms:
            return f"the clock is set {duration(abs(step_ms))} {'ahead' if step_ms > 0 else 'back'}"
        case str() as word:
            return (
                f"the link is {word}"
                if name == "link"
                else f"the request of {word} is delivered again"
            )
    raise AssertionError(name)


def _crash(crash: CrashStep) -> str:
    what = "the machine reboots" if crash.reboot else "the program crashes"
    when = " after its next decision is journaled" if crash.amid else ""
    return f"{what}{when}, and is down for {duration(crash.down)}"
