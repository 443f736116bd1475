"""The devices of a site for the page: what they are, how they and their links do. No secrets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from statemachine.device.control import LEASE_MS
from statemachine.device.declaration import (
    FORM,
    HOST,
    DeviceDeclaration,
    LinkDeclaration,
    device_of,
)
from statemachine.device.form import Template
from statemachine.site.panel import Circuit
from statemachine.site.spec import Spec
from web.controller_port import (
    DeviceLinkView,
    DevicesView,
    DeviceView,
    LastCommandView,
    LastTestView,
    MainMeterView,
    MeterView,
)

from .base.clocks import clocks
from .commissioning.results import LastTest, valid_tests
from .drivers.circuits import STALE_MS, Circuits
from .drivers.device import DeviceDriver
from .drivers.driver import Driver
from .drivers.links import DeviceLink
from .drivers.meter import DeviceMeter, MainMeter, MeasuredOnly
from .drivers.unusable import Unusable

MOST_TEXT = 120
SECRET = ("env:", "file:")


@dataclass(frozen=True, slots=True)
class _Described:
    """What a declaration says of a device; it changes only with ven.yaml."""

    kind: str
    title: str
    address: str
    switches: bool = False
    lease: str | None = None
    lease_s: float | None = None


class DeviceViews:
    """Makes the views. `tests` are the last ones: none is made while a controller runs."""

    def __init__(
        self,
        circuits: Circuits,
        spec: Callable[[], Spec],
        tests: Mapping[str, LastTest] = MappingProxyType({}),
    ) -> None:
        self._circuits, self._spec, self._kept = circuits, spec, tests
        self._tests: dict[str, LastTestView] = {}
        self._described: dict[str, _Described] = {}
        self._described_of: Spec | None = None

    def view(self) -> DevicesView:
        """All of it, at this moment."""
        spec = self._spec()
        if self._described_of is not spec:
            self._described, self._described_of = {}, spec
            valid = valid_tests(spec, self._kept).items()
            self._tests = {id: _last_test(test) for id, test in valid}
        ids = _link_ids(self._circuits.links())
        drivers = self._circuits.drivers()
        return DevicesView(
            {
                id: self._device(circuit, device, drivers.get(id), ids, self._tests.get(id))
                for id, circuit in spec.circuits.items()
                if (device := circuit.device or circuit.measured_by) is not None
            },
            tuple(self._links(drivers, ids)),
            self._main_meter(ids),
        )

    def _device(
        self,
        circuit: Circuit,
        device: DeviceDeclaration,
        driver: Driver | None,
        ids: Mapping[int, str],
        test: LastTestView | None,
    ) -> DeviceView:
        said, measured_by = self._describe(device), circuit.measured_by
        return DeviceView(
            said.kind,
            said.title,
            said.address,
            _link_of(driver, ids),
            _fault_of(driver),
            switches=said.switches,
            lease=said.lease,
            lease_s=said.lease_s,
            last_command=_last_command(driver),
            meter=None
            if measured_by is None or measured_by is device
            else self._meter(measured_by, _meter_of(driver), ids),
            test=test,
        )

    def _meter(
        self, device: DeviceDeclaration, meter: DeviceMeter | None, ids: Mapping[int, str]
    ) -> MeterView:
        said = self._describe(device)
        link = None if meter is None else ids.get(id(meter.link))
        fault = None if meter is None else meter.fault
        return MeterView(said.kind, said.title, said.address, link, fault)

    def _main_meter(self, ids: Mapping[int, str]) -> MainMeterView | None:
        main, device = self._circuits.main, device_of(self._spec().meter or "")
        if main is None or device is None:
            return None
        said, link = self._describe(device), ids.get(id(main.meter and main.meter.link))
        watts, at_s = _newest(main)
        return MainMeterView(said.kind, said.title, said.address, link, main.fault, watts, at_s)

    def _links(
        self, drivers: Mapping[str, Driver], ids: Mapping[int, str]
    ) -> Iterable[DeviceLinkView]:
        """The links that something uses; those of a former ven.yaml are left out."""
        users: dict[int, list[str]] = defaultdict(list)
        for circuit, driver in drivers.items():
            for link in _links_of(driver):
                users[id(link)].append(circuit)
        meter = self._circuits.main.meter if self._circuits.main is not None else None
        for _, link in self._circuits.links():
            state, main = link.state(), meter is not None and meter.link is link
            if id(link) in users or main:
                yield DeviceLinkView(
                    ids[id(link)],
                    _plain(state.what),
                    state.up,
                    state.since_ms / 1000,
                    state.pace_ms / 1000,
                    state.errors,
                    state.fault,
                    tuple(users.get(id(link), ())),
                    main,
                )

    def _describe(self, device: DeviceDeclaration) -> _Described:
        said = self._described.get(device.text)
        if said is None:
            template = self._circuits.template(device)
            said = self._described[device.text] = _described(device, template)
        return said


def _described(device: DeviceDeclaration, template: Template | None) -> _Described:
    where = _address(device, template)
    if template is None:
        return _Described(device.device, device.device, where)
    lease, switches = template.lease, bool(template.write)
    lease_ms = None if lease is None else min(lease.longest or LEASE_MS, LEASE_MS)
    return _Described(
        device.device,
        template.title,
        where,
        switches,
        lease.ends_in if lease is not None and switches else None,
        lease_ms / 1000 if lease_ms is not None and switches else None,
    )


def _address(device: DeviceDeclaration, template: Template | None) -> str:
    """Where it is: `192.168.1.40, channel 1`, or `unit 4 on cellar`. Never a secret."""
    given = template.params if template is not None else {}
    words = [
        _plain(value if name == HOST or value.startswith(f"{name}.") else f"{name} {value}")
        for place, (name, value) in enumerate(device.params.items())
        if value
        and name != FORM
        and not value.startswith(SECRET)
        and not (name in given and (given[name].secret or (place and given[name].default == value)))
    ]
    where = ", ".join(words)
    if device.link.name:
        return f"{where} on {device.link.name}".strip()
    return where if device.params.get(HOST) else f"{where} at {_plain(device.link.to)}".strip()


def _plain(text: str) -> str:
    """An address without a user name, no longer than can be shown."""
    before, sign, host = text.rpartition("@")
    return (host if sign and before else text)[:MOST_TEXT]


def _link_ids(links: Iterable[tuple[LinkDeclaration, DeviceLink]]) -> dict[int, str]:
    """A name for each link: its own in `links:`, or where it leads. No two are alike."""
    names: dict[int, str] = {}
    for declared, link in links:
        name, number = declared.name or _plain(link.state().what), 2
        while name in names.values():
            name, number = f"{declared.name or _plain(link.state().what)} ({number})", number + 1
        names[id(link)] = name
    return names


def _links_of(driver: Driver) -> set[DeviceLink]:
    match driver:
        case DeviceDriver(link=link, meter=DeviceMeter(link=other)):
            return {link, other}
        case DeviceDriver():
            return {driver.link}
        case MeasuredOnly():
            return {driver.meter.link}
    return set()


def _link_of(driver: Driver | None, ids: Mapping[int, str]) -> str | None:
    match driver:
        case DeviceDriver():
            return ids.get(id(driver.link))
        case MeasuredOnly():
            return ids.get(id(driver.meter.link))
    return None


def _meter_of(driver: Driver | None) -> DeviceMeter | None:
    return driver.meter if isinstance(driver, DeviceDriver) else None


def _fault_of(driver: Driver | None) -> str | None:
    match driver:
        case Unusable():
            return driver.why
        case DeviceDriver():
            return driver.fault
        case MeasuredOnly():
            return driver.meter.fault
    return None


def _last_command(driver: Driver | None) -> LastCommandView | None:
    told = driver.last_command if isinstance(driver, DeviceDriver) else None
    return None if told is None else LastCommandView(told.position, told.at_ms / 1000, told.seen)


def _last_test(test: LastTest) -> LastTestView:
    at_s = test.at_ms / 1000
    return LastTestView(at_s, test.grade, test.findings, test.model, test.firmware)


def _newest(main: MainMeter) -> tuple[int | None, float | None]:
    """The watts of the newest reading unless they are too old, and when it was, in seconds."""
    last = main.last()
    if last is None:
        return None, None
    watts, age_ms = last
    return watts if age_ms <= STALE_MS else None, (clocks()[0] - age_ms) / 1000
