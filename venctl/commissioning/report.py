"""The lines that a test prints."""

from __future__ import annotations

from collections.abc import Iterator

from statemachine.commissioning.judgement import Grade, WiringFinding
from statemachine.commissioning.series import Levels
from statemachine.commissioning.words import sentence

from .reads import DeviceReads, Setting
from .switching import SEEN_S, CommandResult
from .trial import LeaseOutcome, Outcome

WORDS = {"ok": "ok", "unproved": "NOT PROVED", "warning": "WARNING", "failed": "FAILED"}
SHOWS_AT = 96


def report_line(label: str, text: str, grade: Grade | None) -> str:
    """One line: what was done, what was seen, and how good that is."""
    line = f"  {label:<9} {text}"
    return line if grade is None else f"{line:<{SHOWS_AT}}  {WORDS[grade]}"


def head(id: str, title: str, reads: DeviceReads, where: str) -> str:
    """Which device it is."""
    model = title if reads.model is None else f"{title}, {reads.model}"
    firmware = "" if reads.firmware is None else f", firmware {reads.firmware}"
    return f"{id}  {model}{firmware}, {where}"


def read_lines(reads: DeviceReads) -> Iterator[str]:
    """What the device says, and how it is set."""
    if reads.seen is None:
        yield report_line("reads", f"{reads.fault}", "failed")
        return
    seen = reads.seen
    said = ["no power" if seen.power_w is None else f"{seen.power_w:,} W"]
    said += [] if seen.on is None else ["on" if seen.on else "off"]
    said += [] if seen.limit is None else [f"limit {seen.limit:f}"]
    text = f"{', '.join(said)}; answer in {reads.took_ms} ms"
    if seen.uptime_s is not None:
        text += f"; up {_span(seen.uptime_s)}"
    yield report_line("reads", text, None)
    good = [one for one in reads.settings if one.good]
    if good:
        yield report_line("wants", "; ".join(f"{one.name} {one.said}" for one in good), "ok")
    for one in reads.settings:
        if not one.good:
            yield report_line("wants", _wrong(one), setting_grade(one))


def setting_grade(setting: Setting) -> Grade:
    """A setting that cannot be read proves nothing."""
    return "ok" if setting.good else "unproved" if setting.good is None else "warning"


def _wrong(setting: Setting) -> str:
    if setting.good is None:
        return f"{setting.name} cannot be read, or not be compared ({setting.said})"
    return f"{setting.name} is {setting.said}: {setting.why}"


def switch_lines(outcome: Outcome) -> Iterator[str]:
    """How the circuit went off and came on."""
    off_main, on_main = _main_off(outcome.main), _main_on(outcome.main)
    own_off = own_on = ""
    if (own := outcome.own) is not None:
        own_off = f"; own meter {own.before_w:,} -> {own.off_w:,} W{_in(outcome.meter_off_ms)}"
        if own.move == "still":
            own_off = f"; own meter unchanged at {own.before_w:,} W"
        elif own.after_w is not None:
            own_on = f"; own meter back to {own.after_w:,} W{_in(outcome.meter_on_ms)}"
    findings = outcome.findings
    grade: Grade = "ok" if findings and findings[0].kind in ("ok", "ok_by_main") else "failed"
    if findings and findings[0].grade in ("unproved", "warning"):
        grade = findings[0].grade
    yield report_line("off", f"{_told(outcome.off)}{own_off}{off_main}", grade)
    back: Grade = "ok" if outcome.on.seen_ms is not None else "failed"
    yield report_line("on", f"{_told(outcome.on)}{own_on}{on_main}", back)
    if outcome.second:
        yield "            seen twice"
    for finding in findings:
        if finding.kind not in ("ok",):
            yield f"            {sentence(finding)}"
    if outcome.off.fault is not None:
        yield f"            {outcome.off.fault}"


def lease_line(lease: LeaseOutcome) -> str:
    """Whether it came back by itself."""
    asked = f"{lease.asked_ms / 1000:g} s asked, not renewed"
    if lease.back_ms is not None:
        return report_line("lease", f"{asked}: back after {lease.back_ms / 1000:.1f} s", "ok")
    why = lease.fault or "it did not come back by itself, and was switched on"
    return report_line("lease", f"{asked}: {why}", "failed")


def sentences(findings: tuple[WiringFinding, ...]) -> tuple[str, ...]:
    """The findings that a person should read."""
    return tuple(sentence(finding) for finding in findings if finding.kind != "ok")


def _told(told: CommandResult) -> str:
    if told.took_ms is None:
        return f"told in {told.told_ms} ms, NOT SEEN in {SEEN_S:g} s"
    return f"told in {told.told_ms} ms, seen in {told.took_ms / 1000:.1f} s"


def _main_off(main: Levels | None) -> str:
    if main is None:
        return ""
    if main.move == "still":
        return "; main meter unchanged"
    return f"; main meter {main.before_w:,} -> {main.off_w:,} W ({-main.fall_w:+,})"


def _main_on(main: Levels | None) -> str:
    if main is None or main.after_w is None or main.move == "still":
        return ""
    return f"; main meter {main.after_w - main.off_w:+,}"


def _in(ms: int | None) -> str:
    return "" if ms is None else f" in {ms / 1000:.1f} s"


def _span(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
