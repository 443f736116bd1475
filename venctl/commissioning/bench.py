"""The devices and meters of a site on the test bench: each link is timed, nothing is simulated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from statemachine.device.catalog import Catalog
from statemachine.device.declaration import LinkDeclaration
from statemachine.device.form import Template
from statemachine.device.requests import LinkAnswer, Order, Query
from statemachine.site.spec import Spec

from ..drivers.circuits import Circuits, OpenLink
from ..drivers.device import DeviceDriver
from ..drivers.links import DeviceLink, LinkFault, LinkState
from ..drivers.readback import ReadBack
from ..drivers.unusable import Unusable

Clocks = Callable[[], tuple[int, int]]


class TimedLink:
    """A link, with how long the last orders took, in ms."""

    def __init__(self, link: DeviceLink) -> None:
        self._link = link
        self.told_ms = 0
        self.first_s: float | None = None
        """When the first order since `begin` was sent, by the loop's clock."""
        self.refused: str | None = None
        """Why an order since then was not taken."""

    def begin(self) -> None:
        """Time the orders that follow."""
        self.told_ms, self.first_s, self.refused = 0, None, None

    async def ask(self, query: Query) -> LinkAnswer:
        """As in `DeviceLink`."""
        return await self._link.ask(query)

    async def tell(self, order: Order) -> None:
        """As in `DeviceLink`."""
        began_s = asyncio.get_running_loop().time()
        self.first_s = began_s if self.first_s is None else self.first_s
        try:
            await self._link.tell(order)
        except LinkFault as fault:
            self.refused = str(fault)
            raise
        finally:
            self.told_ms += round((asyncio.get_running_loop().time() - began_s) * 1000)

    def state(self) -> LinkState:
        """As in `DeviceLink`."""
        return self._link.state()

    async def close(self) -> None:
        """As in `DeviceLink`."""
        await self._link.close()


@dataclass(frozen=True, slots=True)
class Metered:
    """Where a power is read, and how often its device is asked otherwise."""

    back: ReadBack
    poll_ms: int
    what: str


class _NoListener:
    """Whatever happens at a device is seen by the test itself."""

    def doubted(self, circuit: str) -> None: ...

    def moved(self, circuit: str, on: bool) -> None: ...

    def noticed(self, circuit: str, text: str | None) -> None: ...


class _NotSimulated(Unusable):
    """Simulated circuits are not on the bench."""

    def unmetered_w(self) -> int:
        return 0

    def use(self, spec: Spec) -> None: ...


class Bench:
    """All devices of a site. Connects to nothing before something is asked."""

    def __init__(
        self,
        spec: Spec,
        catalog: Catalog,
        open_link: OpenLink,
        clocks: Clocks,
        leaving: Mapping[str, str],
    ) -> None:
        """`leaving`: circuits that a test has left off, and which are no longer declared so."""
        self.spec, self.clocks = spec, clocks
        self._timed: dict[str, TimedLink] = {}
        self._open = open_link
        simulated = _NotSimulated("it is simulated")
        self._circuits = Circuits(spec, simulated, catalog, _NoListener(), clocks, self._timed_link)
        drivers = self._circuits.build(leaving, lambda id: True)
        self.devices = self._circuits.devices()
        self.unusable = {
            id: driver.why
            for id, driver in drivers.items()
            if isinstance(driver, Unusable) and driver is not simulated
        }
        self.meters = {id: one for id in spec.circuits if (one := self._metered(id)) is not None}
        self.main = self._main()

    def timed(self, device: DeviceDriver) -> TimedLink:
        """The link of a device."""
        link = device.link
        assert isinstance(link, TimedLink)
        return link

    async def close(self) -> None:
        """Close every connection."""
        await self._circuits.close()

    def _timed_link(self, declaration: LinkDeclaration) -> DeviceLink:
        return TimedLink(self._open(declaration))

    def _metered(self, id: str) -> Metered | None:
        device = self.devices.get(id)
        if device is None or self.spec.circuits[id].meter == "none":
            return None
        if device.meter is not None:
            return _metered(device.meter.back, device.meter.template)
        return _metered(device.back, device.template) if device.template.measures else None

    def _main(self) -> Metered | None:
        main = self._circuits.main
        if main is None or main.meter is None:
            return None
        return _metered(main.meter.back, main.meter.template)


def _metered(back: ReadBack, template: Template) -> Metered:
    return Metered(back, template.pace.poll, template.title)
