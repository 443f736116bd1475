"""All properties by number, in a sentence each, and what holds a site to them.

P1 to P36 are those of domain.md, the others of what the field has shown.

`plan`: every answer of the planner (properties.py). `site`: what a circuit may give (there too).
`day`: every moment of a played day (day_rules.py, circuit_rules.py, meter_rules.py, copy_rules.py,
wire_rules.py). `twin`: two days that must come out the same (twins.py). `test`: a test of its own.
`false`: known not to hold.
"""

from __future__ import annotations

PROPERTIES: dict[str, tuple[str, str]] = {
    "P1": ("plan", "a circuit gives from nothing to all it may, in whole watts"),
    "P2": ("day", "nothing is taken below its floor, or further than its share"),
    "P3": ("day", "what is off, locked, unread or not controlled gives nothing"),
    "P4": ("day", "a relay gives nothing or all, a car is left nothing or at least 6 A"),
    "P5": ("plan", "the target is met, or everything is given"),
    "P6": ("plan", "nothing asked is nothing given"),
    "P7": ("plan", "no other choice serves the target better, tier by tier"),
    "P8": ("plan", "a circuit gives only when every tier before it has given all"),
    "P9": ("plan", "the order of the list does not matter"),
    "P10": ("plan", "planning again changes nothing"),
    "P11": ("plan", "asking more never gives less"),
    "P12": ("false", "asking more never takes less of any one circuit: not so with relays"),
    "P13": ("plan", "circuits that stop at any watt simply give in turn"),
    "P14": ("plan", "no step is taken in vain"),
    "P15": ("plan", "one more circuit never delivers less"),
    "P16": ("plan", "what draws nothing gives nothing"),
    "P17": ("plan", "a huge target takes all there is"),
    "P18": ("test", "no NaN, infinity, negative, bool or text reaches the planner"),
    "P19": ("site", "a higher floor or a lower limit never lets a circuit give more"),
    "P20": ("day", "once all is over nothing is held, and commanded equals intent"),
    "P21": ("day", "an event sheds nothing from its end on"),
    "P22": ("twin", "any number of redeliveries equals one"),
    "P23": ("twin", "the order in which events arrive never changes what is required"),
    "P24": ("day", "ending one event leaves exactly the others"),
    "P25": ("twin", "a crash of the program at any instant equals none, within one tick"),
    "P26": ("day", "what is shed and what is left make the counterfactual"),
    "P27": ("day", "no circuit changes within its dwell time"),
    "P28": ("day", "constant load is not switched once settled"),
    "P29": ("day", "load returns in steps, below the main breaker and within the ramp"),
    "P30": ("day", "no step of the clock shortens a dwell time"),
    "P31": ("day", "every command is answered exactly once"),
    "P32": ("day", "no power is negative"),
    "P33": ("test", "no baseline uses a sample of an event or its recovery"),
    "P34": ("day", "a random start is pure, and within its bounds"),
    "P35": (
        "day",
        "an opt-out holds at once: a circuit's until it is taken back, a whole event's for good",
    ),
    "P36": ("test", "equal events over equal relays take each equally often, give or take one"),
    "P37": ("day", "a plan is made on what circuits draw now"),
    "P38": ("day", "what is said to be shed is missing at the meters"),
    "P39": ("day", "nothing is taken off soon after its own start"),
    "P40": ("day", "without an event nothing is shed"),
    "P41": ("day", "what a person takes off is said, and spares the others"),
    "P42": ("day", "no chain of revisions makes an event run longer than the longest event"),
    "P43": ("test", "what a broker has retained is nobody's command"),
    "P44": ("day", "nothing that is asked anew is taken for a copy"),
    "P45": ("day", "every ack names all ids that could be read of what it answers"),
    "P46": ("day", "a site without a shadow asks nobody for one, and hears of its link"),
    "P47": (
        "day",
        "at the site an operator's event is ended, changed or kept out of only where confirmed",
    ),
    "P48": ("day", "for ten minutes after all back only people at the site call events"),
}
