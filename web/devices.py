"""Devices, their links and the main meter as the API answers them."""

from __future__ import annotations

from statemachine.wire.messages import kw

from .controller_port import (
    DeviceLinkView,
    DeviceView,
    LastCommandView,
    LastTestView,
    MainMeterView,
    MeterView,
)
from .shapes.device import (
    DeviceBody,
    DeviceLinkBody,
    LastCommandBody,
    LastTestBody,
    MainMeterBody,
    MeterBody,
)


def device(seen: DeviceView | None) -> DeviceBody | None:
    """The device of a circuit; None: it is simulated."""
    if seen is None:
        return None
    return {
        **_meter(seen),
        "switches": seen.switches,
        "lease": seen.lease,
        "lease_s": seen.lease_s,
        "last_command": None if seen.last_command is None else _last_command(seen.last_command),
        "meter": None if seen.meter is None else _meter(seen.meter),
        "test": None if seen.test is None else _test(seen.test),
    }


def link(seen: DeviceLinkView) -> DeviceLinkBody:
    """A link to devices."""
    return {
        "id": seen.id,
        "what": seen.what,
        "up": seen.up,
        "since": seen.since,
        "pace_s": seen.pace_s,
        "errors": seen.errors,
        "fault": seen.fault,
        "circuits": list(seen.circuits),
        "main_meter": seen.main_meter,
    }


def main_meter(seen: MainMeterView | None) -> MainMeterBody | None:
    """The main meter; None: the site has none."""
    if seen is None:
        return None
    power_kw = None if seen.power_w is None else kw(seen.power_w)
    return {**_meter(seen), "power_kw": power_kw, "read_at": seen.read_at}


def _meter(seen: MeterView) -> MeterBody:
    return {
        "kind": seen.kind,
        "title": seen.title,
        "address": seen.address,
        "link": seen.link,
        "fault": seen.fault,
    }


def _last_command(last: LastCommandView) -> LastCommandBody:
    return {"what": last.what, "at": last.at, "read_back": last.seen}


def _test(test: LastTestView) -> LastTestBody:
    return {
        "at": test.at,
        "grade": test.grade,
        "findings": list(test.findings),
        "model": test.model,
        "firmware": test.firmware,
    }
