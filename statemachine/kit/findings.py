"""Every kind of fault that a ven.yaml is told of, by the name that `check --json` gives it.

An error refuses the file; a warning is printed by `venctl check` and the file is taken. Each kind
has a bad file and its message under `tests/data/bad`.
"""

from __future__ import annotations

ERRORS: dict[str, str] = {
    # The text and its settings.
    "yaml": "this is not YAML, or YAML of a kind that is not read (anchors, tags, over 256 KB)",
    "twice": "a key is written twice",
    "unknown-setting": "no setting is called so",
    "missing": "a setting that has no default is missing",
    "bad-value": "a quantity, name or word that cannot be meant",
    "out-of-range": "a value with which the setting cannot do its work",
    # The site.
    "no-circuit": "a site without circuits",
    "unknown-zone": "no time zone is called so",
    "wrong-cloud": "a setting that this kind of cloud needs, or does not take",
    "topic-clash": "two topics are the same, or a command is published to itself",
    "bad-topic": "a topic that no broker takes, or with a placeholder that nothing fills",
    "always-blackout": "blackout hours that cover the whole day",
    "large-shadow": "a shadow document that can grow to over 7,000 bytes",
    "small-service": "a circuit, or what is unmetered, that the main breaker cannot carry",
    "unknown-circuit": "a rule about a circuit that is not in the panel",
    "empty-rule": "a rule that forbids nothing",
    "impossible-rule": "a rule that the site breaks without any event",
    # The circuits.
    "partial-relay": "a relay with a limit between nothing and all",
    "not-controlled": "a circuit that is to be shed and that nothing controls",
    "locked-off": "a circuit that nobody may switch and that begins switched off",
    "bad-pilot": "a car's pilot that could never charge, or on what is no car",
    "bad-duty-cycle": "a duty cycle on what must not be switched to and fro",
    "dwell-clash": "rest and run times that contradict each other",
    # The charts.
    "unknown-state": "no state is called so",
    "unknown-trigger": "nothing that can happen is called so",
    "unknown-guard": "no guard is called so",
    "unknown-action": "no action is called so",
    "wrong-chart": "a guard, an action or a setting that belongs to the other chart",
    "reserved-name": "a state with a name that rows use otherwise",
    "contradiction": "a row that asks for a guard and its opposite",
    "dead-row": "a row that can never fire, for rows before it take every case",
    "no-such-moment": "a row for what cannot happen in its state",
    "from-final": "a row from a final state",
    "final-setting": "a final state with settings that would need time",
    "never-entered": "an initial state with settings that count on being entered",
    "unreached": "a state that nothing leads to",
    "no-event-taken": "a chart that takes no event on",
    "timer-not-taken": "a state whose `until` or `for` runs out, and no row takes it",
    "missed-moment": "a moment that comes once, and in some case no row takes it",
    "endless-shedding": "a state that sheds load and has no end in time",
    "no-way-out": "a state from which nothing leads to a final one",
    "only-by-hand": "a state that only a person's command leads out of",
    "spinning": "states that follow each other for ever in one moment",
    "cannot-end": "a state that sheds load and takes no `restore` or no `cancel`",
    "stale-end": "new terms move the end of an event, and its timer stays",
}

WARNINGS: dict[str, str] = {
    "idle-setting": "a setting that means nothing beside another",
    "near-type": "a circuit's type that is none of those known, and nearly one of them",
    "nothing-to-shed": "a site in which no circuit may be shed",
    "only-critical": "a site in which only critical circuits may be shed",
    "never-asked": "limits or budgets of nothing",
    "long-dwell": "a rest or run time longer than any event",
    "gives-nothing": "a circuit whose share, floor or steps leave it nothing to give",
    "chance-tier": "a priority that is the same as another's only by the place in the file",
    "little-service": "a circuit that cannot come back beside what is unmetered",
    "surge": "load that returns all at once",
    "shared-topic": "a topic for commands or acks that does not name its VEN",
    "idle-rule": "a rule about a circuit that is never shed",
    "unkept-rule": "a rule that the circuit's own settings allow to be broken",
    "half-dead-row": "a row that can never fire from one of its states",
    "terms-not-taken": "an event is revised, answered `accepted`, and its terms are not taken over",
    "idle-action": "an action where it has nothing to work on",
    "early-shedding": "a state that sheds before the event starts",
    "cannot-take-back": "a state before the event that takes no `restore` or no `cancel`",
    "link-not-heard": "a state of the shadow that does not hear of the link or of a restart",
    "instant-release": "`released` from a state that sheds comes at once",
}

KINDS = ERRORS | WARNINGS
SEVERITY = dict.fromkeys(ERRORS, "error") | dict.fromkeys(WARNINGS, "warning")
