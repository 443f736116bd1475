"""Findings as sentences: what was seen, and what to do."""

from __future__ import annotations

from .judgement import MAIN, WiringFinding

STEP_S = 60  # the longest that a circuit is off


def sentence(finding: WiringFinding) -> str:
    """What a finding means, for the owner."""
    watts, of_w = f"{abs(finding.watts):,}", f"{abs(finding.of_w):,}"
    match finding.kind:
        case "ok":
            return "its own meter followed"
        case "ok_by_main":
            return f"the main meter fell by {watts} W and came back; it has no meter of its own"
        case "exchanged":
            other, fell = finding.others[0], "fell" if finding.watts > 0 else "rose"
            return (
                f"no change at the own meter, but {other}'s {fell} by {watts} W: "
                "the two are exchanged"
            )
        case "elsewhere":
            fell = "fell" if finding.watts > 0 else "rose"
            return (
                f"no change at the own meter, which shows {finding.of_w:,} W, but the main meter "
                f"{fell} by {watts} W: the own meter is at another cable, or dead"
            )
        case "reversed":
            return (
                f"its own meter showed {finding.of_w:,} W and rose by {watts} W when it went off: "
                "the meter is reversed; turn it round, or give it `scale: -1`"
            )
        case "not_seen":
            return "told, but not seen off, and no meter moved: is the device alive?"
        case "unconfirmed":
            return (
                f"its own meter moved by {watts} W, but the device never says that it is off: "
                "is it the device that the template means?"
            )
        case "deaf":
            return (
                f"the device says that it is off, but its meter still shows {watts} W: its contact "
                "does not open, or the meter is at a cable that it does not switch"
            )
        case "partly":
            return (
                f"its meter fell by {watts} W only, and {of_w} W were still drawn: something else "
                "hangs at this meter, or the load does not go off"
            )
        case "not_back":
            return (
                f"it went off ({watts} W less), but had not drawn power again when the test of it "
                "ended: does the load wait before it starts?"
            )
        case "lost_link":
            names = " and ".join(finding.others)
            verb = "was" if len(finding.others) == 1 else "were"
            return (
                f"while it was off, {names} {verb} out of reach: it feeds a router, a broker, "
                "a gateway or this machine; set `shed: never`, or feed them from elsewhere"
            )
        case "too_small":
            return f"it draws {finding.watts:,} W now, which proves nothing; test it while it runs"
        case "no_meter":
            return "told and seen; no meter could show whether its load went off"
        case _:
            return _about_main(finding, watts, of_w)


def _about_main(finding: WiringFinding, watts: str, of_w: str) -> str:
    match finding.kind:
        case "main_restless":
            return f"{MAIN} moves by {watts} W by itself, too much to show these {of_w} W"
        case "main_unmoved":
            return f"{MAIN} did not move: is this circuit behind it?"
        case "main_reversed":
            return f"{MAIN} rose by {watts} W when it went off: it is reversed"
        case _:
            fell = "fell" if finding.watts > 0 else "rose"
            return (
                f"{MAIN} {fell} by {watts} W, its own meter by {of_w} W: do both see all its "
                "phases, and is their unit right?"
            )
