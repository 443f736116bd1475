"""All circuits of a site: each with its device over a link, or simulated; and the main meter."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from statemachine.device.catalog import Catalog, template_of
from statemachine.device.control import WiredLoad
from statemachine.device.declaration import DeviceDeclaration, LinkDeclaration, device_of
from statemachine.device.form import Template
from statemachine.site.panel import Circuit
from statemachine.site.spec import Spec

from .device import DeviceDriver
from .device_notes import DeviceListener
from .driver import Driver
from .farewell import Farewells
from .links import DeviceLink, LinkFault
from .meter import DeviceMeter, MainMeter, MeasuredOnly
from .stagger import Stagger
from .unusable import Unusable

log = logging.getLogger(__name__)
STALE_MS = 60_000
NO_TEMPLATE = "there is no template for its meter any more; see venctl devices"
OpenLink = Callable[[LinkDeclaration], DeviceLink]


class Simulated(Driver, Protocol):
    """The driver of all circuits without a device, and of the load that no circuit meters."""

    def unmetered_w(self) -> int:
        """The power drawn outside the circuits, in W."""

    def use(self, spec: Spec) -> None:
        """Use a changed ven.yaml."""


@dataclass(slots=True)
class _Wired:
    """A circuit's driver as it was built, from what, and the queue of its commands."""

    driver: Driver
    source: tuple[object, ...]
    queue: str = ""


class Circuits:
    """`drivers` has every circuit that this program switches or reads, also one that left ven.yaml.

    `leaving` are those that left, with their declarations; `may_be_off` says of a circuit whether
    this program may have switched it off before it stopped.
    """

    def __init__(
        self,
        spec: Spec,
        simulated: Simulated,
        catalog: Catalog,
        listener: DeviceListener,
        clocks: Callable[[], tuple[int, int]],
        open_link: OpenLink,
    ) -> None:
        self.simulated, self._listener, self._clocks = simulated, listener, clocks
        self._open_link = open_link
        self._catalog = catalog
        self._links: dict[str, tuple[LinkDeclaration, DeviceLink]] = {}
        self._wired: dict[str, _Wired] = {}
        self._farewells = Farewells()
        self.main: MainMeter | None = None
        self._main_source: object = None
        self._spec = spec
        self._stagger: Stagger | None = None

    def build(
        self, leaving: Mapping[str, str], may_be_off: Callable[[str], bool | None]
    ) -> Mapping[str, Driver]:
        """The drivers at the start, which move one after another."""
        self._stagger = Stagger(len(self._spec.circuits) + len(leaving))
        for id in self._spec.circuits:
            self._wire(id, self._spec.circuits[id].driver, may_be_off(id))
        for id, declared in leaving.items():
            if id not in self._wired:
                self._wire(id, declared, True)
        self._use_main()
        self._stagger = None
        return self.drivers()

    def use(self, spec: Spec, catalog: Catalog) -> Mapping[str, Driver]:
        """The drivers of a changed ven.yaml; those whose declaration did not change stay."""
        self._spec, self._catalog = spec, catalog
        self.simulated.use(spec)
        for id, circuit in spec.circuits.items():
            before = self._wired.get(id)
            self._wire(id, circuit.driver, True)
            self._part_with(before, circuit.driver)
        self._use_main()
        return {id: self._wired[id].driver for id in spec.circuits}

    def drivers(self) -> dict[str, Driver]:
        return {id: wired.driver for id, wired in self._wired.items()}

    def devices(self) -> dict[str, DeviceDriver]:
        """The circuits that have a device."""
        drivers = self.drivers().items()
        return {id: driver for id, driver in drivers if isinstance(driver, DeviceDriver)}

    def links(self) -> Iterable[tuple[LinkDeclaration, DeviceLink]]:
        """Every connection in use, as it is declared."""
        return self._links.values()

    def queue_of(self, circuit: str) -> str:
        """Circuits of the same queue are commanded one after another: those behind a gateway."""
        wired = self._wired.get(circuit)
        return wired.queue if wired is not None and wired.queue else circuit

    def beside_w(self, drawn_w: Mapping[str, int]) -> int | None:
        """The power drawn outside the circuits, in W; None: the main meter is not readable."""
        if self.main is None:
            return self.simulated.unmetered_w()
        site_w = self.main.site_w(STALE_MS)
        return None if site_w is None else site_w - sum(drawn_w.values())

    async def close(self) -> None:
        """Close every connection."""
        if self.main is not None:
            self.main.stop()
        self._farewells.stop()
        for _, link in self._links.values():
            await link.close()

    def _wire(self, id: str, declared: str, may_be_off: bool | None) -> None:
        """Build the driver of a circuit, unless it stands already as declared."""
        circuit = self._spec.circuits.get(id)
        meter = circuit.meter if circuit is not None else "own"
        device = device_of(declared)
        if device is None:
            self._wired[id] = self._without_device(id, meter)
            return
        template = self.template(device)
        load = WiredLoad(*device.load) if device.load is not None else _load_of(circuit)
        source = (declared, meter, template, load)
        if id in self._wired and self._wired[id].source == source:
            return
        driver = self._driver(id, device, template, load, meter, may_be_off)
        queue = device.link.key if device.link.speaks == "modbus" else ""
        self._wired[id] = _Wired(driver, source, queue)

    def _part_with(self, before: _Wired | None, declared: str) -> None:
        """Give a device back that its circuit no longer names."""
        former = None if before is None else before.driver
        if before is not None and isinstance(former, DeviceDriver) and before.source[0] != declared:
            self._farewells.say(former)

    def _without_device(self, id: str, meter: str) -> _Wired:
        """A simulated circuit, or one that is only measured."""
        if device_of(meter) is None:
            return _Wired(self.simulated, ())
        source, known = ("sim", meter), self._wired.get(id)
        if known is not None and known.source == source:
            return known
        try:
            measuring = self._meter(meter)
        except LinkFault as fault:
            return _Wired(Unusable(str(fault)), source)
        if measuring is None:
            return _Wired(Unusable(NO_TEMPLATE), source)
        return _Wired(MeasuredOnly(id, measuring), source)

    def _driver(
        self,
        id: str,
        device: DeviceDeclaration,
        template: Template | None,
        load: WiredLoad,
        meter: str,
        may_be_off: bool | None,
    ) -> Driver:
        if template is None:
            return Unusable(f"there is no template {device.device!r} any more; see venctl devices")
        try:
            link, measuring = self._link(device.link), self._meter(meter)
        except LinkFault as fault:
            return Unusable(str(fault))
        return DeviceDriver(
            id,
            template,
            device.params,
            load,
            link,
            measuring,
            self._listener,
            self._clocks,
            may_be_off,
            self._stagger,
        )

    def _meter(self, declared: str) -> DeviceMeter | None:
        """The meter of a circuit that another device measures; None: its own device does."""
        device = device_of(declared)
        template = None if device is None else self.template(device)
        if device is None or template is None:
            return None
        return DeviceMeter(template, device.params, self._link(device.link), self._clocks)

    def _use_main(self) -> None:
        declared = self._spec.meter
        device = None if declared is None else device_of(declared)
        template = None if device is None else self.template(device)
        if (declared, template) == self._main_source:
            return
        self._main_source = declared, template
        if self.main is not None:
            self.main.stop()
        self.main = None if declared is None else self._main_meter(declared)

    def _main_meter(self, declared: str) -> MainMeter:
        try:
            meter = self._meter(declared)
            why = None if meter else NO_TEMPLATE
        except LinkFault as fault:
            meter, why = None, str(fault)
        if why is not None:
            log.warning("the main meter cannot be used: %s", why)
        return MainMeter(meter, self._clocks, why)

    def template(self, device: DeviceDeclaration) -> Template | None:
        """What a device can do; None: the catalog no longer has its template."""
        return template_of(device, self._catalog)

    def _link(self, declaration: LinkDeclaration) -> DeviceLink:
        if declaration.key not in self._links:
            self._links[declaration.key] = declaration, self._open_link(declaration)
        return self._links[declaration.key][1]


def _load_of(circuit: Circuit | None) -> WiredLoad:
    """What hangs on the device of a circuit; a relay is assumed of one that nobody declares."""
    if circuit is None:
        return WiredLoad("relay", 1, 1)
    return WiredLoad(circuit.control, circuit.amp_w, circuit.rated)
