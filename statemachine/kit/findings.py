"""Every kind of finding about a ven.yaml, under the name that `venctl check --json` gives it.

A file with an error is refused. A file with a warning is accepted, and `venctl check` prints the
warning. `tests/data/bad` has an example file and its message for each kind.
"""

from __future__ import annotations

ERRORS: dict[str, str] = {
    # The text and its settings.
    "yaml": "not YAML, or YAML that is not supported (anchors, aliases, over 256 KB)",
    "twice": "a key that is written twice",
    "unknown-setting": "a setting that does not exist",
    "missing": "a required setting that is missing",
    "bad-value": "a value that is not valid for its setting",
    "out-of-range": "a value outside the allowed range",
    # The site.
    "no-circuit": "a site without circuits",
    "unknown-zone": "a time zone that does not exist",
    "wrong-cloud": "a setting that this kind of cloud needs, or does not have",
    "topic-clash": "two topics that are the same",
    "bad-topic": "a topic that a broker refuses, or with an unknown placeholder",
    "always-blackout": "blackout hours that cover the whole day",
    "large-shadow": "a shadow document that can grow to over 7,000 bytes",
    "small-service": "a circuit, or unmetered load, above what the main breaker carries",
    "unknown-circuit": "a rule about a circuit that is not in `circuits`",
    "empty-rule": "a rule without a limit",
    "impossible-rule": "a rule that the site always breaks",
    # The devices.
    "unknown-device": "a device that has no template",
    "unknown-link": "a link that is not in `links`",
    "wrong-link": "a link without a kind, of the wrong kind for a device, or none at all",
    "plain-secret": "a password or token that is written out",
    "cannot-switch": "a driver that only measures",
    "cannot-measure": "a meter that does not measure power",
    "wrong-control": "a `control` that the device of the circuit cannot do",
    "shared-device": "a device that switches two circuits",
    "shared-meter": "a meter of two circuits",
    # The circuits.
    "partial-relay": "a relay that is to shed a part of its load",
    "not-controlled": "a circuit with `shed` and without `control`",
    "locked-off": "a circuit that starts switched off and that nobody can switch on",
    "bad-pilot": "an ev_pilot that could never charge, or on another type of circuit",
    "bad-duty-cycle": "a duty cycle on a type of circuit that it does not suit",
    "dwell-clash": "minimum and maximum times that contradict each other",
    # The charts.
    "unknown-state": "a state that does not exist",
    "unknown-trigger": "a trigger that does not exist",
    "unknown-guard": "a guard that does not exist",
    "unknown-action": "an action that does not exist",
    "wrong-chart": "a trigger, guard, action or setting of the other chart",
    "reserved-name": "a state with a name that has a meaning of its own in rows",
    "contradiction": "a row with the same guard in `if` and `unless`",
    "dead-row": "a row that can never fire",
    "no-such-moment": "a row for a trigger that cannot come in its state",
    "from-final": "a row from a final state",
    "final-setting": "a final state with settings that have no effect there",
    "never-entered": "an initial state that is never entered, with settings that need that",
    "unreached": "a state that no row leads to",
    "no-event-taken": "a chart that refuses every event",
    "timer-not-taken": "a state whose `until` or `for` ends, and no row takes the trigger",
    "missed-moment": "a trigger that comes once, and in some cases no row takes it",
    "endless-shedding": "a state that sheds load and has no time limit",
    "no-way-out": "a state from which no final state can be reached",
    "only-by-hand": "a state that only a command leads out of",
    "spinning": "states that follow each other forever without any time passing",
    "cannot-end": "a state that sheds load and has no row for `restore` or `cancel`",
    "stale-end": "a revision that moves the end of an event but not its timer",
}

WARNINGS: dict[str, str] = {
    "idle-setting": "a setting that has no effect",
    "near-type": "a type that looks like a known one, misspelled",
    "nothing-to-shed": "a site in which no circuit can be shed",
    "only-critical": "a site in which only critical circuits can be shed",
    "never-asked": "a limit of 0",
    "long-dwell": "a min_off or min_on that is longer than any event",
    "gives-nothing": "a circuit with `shed` that has nothing to shed",
    "chance-tier": "a priority that equals the position of another circuit in the file",
    "little-service": "a circuit that may not fit below the main breaker after an event",
    "no-lease": "a circuit that stays off or limited if this program dies",
    "failsafe": "a circuit that its device limits while this program is not running",
    "surge": "load that comes back all at the same moment",
    "shared-topic": "a topic for commands or acks that all VENs share",
    "idle-rule": "a rule about a circuit that is never shed",
    "unkept-rule": "a rule that the settings of the circuit do not ensure",
    "half-dead-row": "a row that can never fire from some of its states",
    "terms-not-taken": "a revision that is answered `accepted` and not used",
    "idle-action": "an action on a trigger that it does not work on",
    "early-shedding": "a state that sheds before the event starts",
    "cannot-take-back": "a state before the start that has no row for `restore` or `cancel`",
    "link-not-heard": "a state of the shadow without a row for the link or a restart",
    "instant-release": "a row for `released` in a state that sheds: it fires at once",
}

KINDS = ERRORS | WARNINGS
SEVERITY = dict.fromkeys(ERRORS, "error") | dict.fromkeys(WARNINGS, "warning")
