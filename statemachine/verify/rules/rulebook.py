"""All properties by number, in one sentence each, with the kind of check.

P1 to P36 are those of domain.md, the others come from experience in the field.

`plan`: every answer of the planner (properties.py). `site`: what a circuit can shed (there too).
`day`: every moment of a played day (the other modules here). `twin`: two days that must have the
same result (pairs.py). `test`: a test of its own. `false`: known not to hold.
"""

from __future__ import annotations

PROPERTIES: dict[str, tuple[str, str]] = {
    "P1": ("plan", "a circuit sheds from nothing to its limit, in whole watts"),
    "P2": ("day", "no circuit is held below its floor or sheds more than its share"),
    "P3": ("day", "a circuit that is off, locked, not read or not controlled sheds nothing"),
    "P4": ("day", "a relay sheds nothing or all, a car is left with nothing or at least 6 A"),
    "P5": ("plan", "the target is met, or everything is shed"),
    "P6": ("plan", "with a target of 0 nothing is shed"),
    "P7": ("plan", "no other choice of circuits meets the target better, tier by tier"),
    "P8": ("plan", "a circuit sheds only when every tier before it sheds all it can"),
    "P9": ("plan", "the order of the list does not matter"),
    "P10": ("plan", "planning again changes nothing"),
    "P11": ("plan", "a higher target never sheds less"),
    "P12": ("false", "a higher target never sheds less of any one circuit (false with relays)"),
    "P13": ("plan", "circuits that can be held at any watt shed one after another"),
    "P14": ("plan", "no step is taken that the target does not need"),
    "P15": ("plan", "one more circuit never makes the site shed less"),
    "P16": ("plan", "a circuit that draws nothing sheds nothing"),
    "P17": ("plan", "a huge target sheds all there is"),
    "P18": ("test", "no NaN, infinity, negative, bool or text reaches the planner"),
    "P19": ("site", "a higher floor or a lower limit never lets a circuit shed more"),
    "P20": ("day", "after all events nothing is held, and every circuit is as commanded"),
    "P21": ("day", "an event sheds nothing after its end"),
    "P22": ("twin", "a command delivered several times has the same effect as once"),
    "P23": ("twin", "the order in which events arrive never changes what is required"),
    "P24": ("day", "ending one event leaves the others as they are"),
    "P25": ("twin", "a crash of the program at any moment changes nothing, within one tick"),
    "P26": ("day", "power plus shed is the base power"),
    "P27": ("day", "no circuit changes within its dwell time"),
    "P28": ("day", "constant load is not switched again and again"),
    "P29": ("day", "load comes back in steps, below the main breaker and within the ramp"),
    "P30": ("day", "no step of the clock shortens a dwell time"),
    "P31": ("day", "every command is answered exactly once"),
    "P32": ("day", "no power is negative"),
    "P33": ("test", "no baseline uses a sample of an event or its recovery"),
    "P34": ("day", "a random start is repeatable, and within its bounds"),
    "P35": (
        "day",
        "an opt-out works at once: of a circuit until it is withdrawn, of an event for good",
    ),
    "P36": ("test", "equal events shed equal relays equally often, give or take one"),
    "P37": ("day", "a plan is based on what circuits draw now"),
    "P38": ("day", "load reported as shed is missing at the meters"),
    "P39": ("day", "no circuit is switched off soon after its load started"),
    "P40": ("day", "without an event nothing is shed"),
    "P41": ("day", "load that people switch off is reported, and others shed less"),
    "P42": ("day", "revisions cannot make an event run longer than the longest event"),
    "P43": ("test", "a retained message is not a command"),
    "P44": ("day", "a new request is never treated as a copy"),
    "P45": ("day", "every ack names all ids that can be read in its command"),
    "P46": ("day", "a site without a shadow requests none, and still follows its link"),
    "P47": (
        "day",
        "at the site an operator's event is only ended, changed or opted out of when confirmed",
    ),
    "P48": ("day", "for ten minutes after `all back` only people at the site can start events"),
}
