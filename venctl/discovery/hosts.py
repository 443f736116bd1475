"""Asks a named host which device it is, by what the templates tell of themselves. Only reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress

from statemachine.device.address import address
from statemachine.device.catalog import Catalog
from statemachine.device.declaration import HOST, LinkDeclaration
from statemachine.device.extract import meets, reading
from statemachine.device.fill import identifying
from statemachine.device.filling import FillError
from statemachine.device.form import Template
from statemachine.device.requests import LinkAnswer, Query

from ..drivers.links import DeviceLink, LinkFault
from .candidate import Candidate, DiscoveredDevice, look, with_defaults
from .sunspec import meters_of

UNITS = range(1, 11)
MOST_CHANNELS = 4
OpenLink = Callable[[LinkDeclaration], DeviceLink]


async def devices_at(
    host: str, catalog: Catalog, open_link: OpenLink, units: range = UNITS
) -> AsyncIterator[DiscoveredDevice]:
    """Every device that answers at a host, over HTTP and Modbus TCP.

    Raises ValueError if that is no address, and LinkFault if nothing answers there.
    """
    if "/" in host:
        raise ValueError(f"{host!r} is no host; name one device, since networks are not scanned")
    faults: list[str] = []
    for found in _likeliest([one async for one in _over_http(host, catalog, open_link, faults)]):
        yield found
    async for found in _over_modbus(host, catalog, open_link, faults, units):
        yield found
    if len(faults) > 1:
        raise LinkFault("; ".join(dict.fromkeys(faults)))


def _likeliest(found: list[DiscoveredDevice]) -> list[DiscoveredDevice]:
    """Several templates may fit one device: those that measure something there."""
    measuring = [one for one in found if one.power_w is not None]
    return measuring or found


async def _over_http(
    host: str, catalog: Catalog, open_link: OpenLink, faults: list[str]
) -> AsyncIterator[DiscoveredDevice]:
    link = open_link(LinkDeclaration("http", address("http", host)))
    asked = _AskedHost(link)
    try:
        for template in catalog.values():
            if template.speaks != "http" or template.key != HOST or not template.identify:
                continue
            if asked.away is None and await _is(template, {HOST: host}, asked):
                async for found in _channels(template, host, link):
                    yield found
    finally:
        await link.close()
    if asked.away is not None:
        faults.append(asked.away)


async def _channels(
    template: Template, host: str, link: DeviceLink
) -> AsyncIterator[DiscoveredDevice]:
    """A device with several relays is one line each; what shows nothing is of another kind."""
    channels = MOST_CHANNELS if "channel" in template.params else 1
    for channel in range(channels):
        params = {HOST: host} | ({"channel": str(channel)} if channel else {})
        declared = LinkDeclaration("http", address("http", host))
        found = await look(Candidate(template, params, declared), link)
        if found.on is None and found.power_w is None and not _guarded(found):
            return
        yield found
        if found.fault is not None:
            return


def _guarded(found: DiscoveredDevice) -> bool:
    """Whether it wants a password before it says more."""
    return found.fault is not None and " 401" in found.fault


async def _over_modbus(
    host: str, catalog: Catalog, open_link: OpenLink, faults: list[str], units: range
) -> AsyncIterator[DiscoveredDevice]:
    templates = [one for one in catalog.values() if one.speaks == "modbus" and one.identify]
    try:
        declared = LinkDeclaration("modbus", address("modbus", host))
    except ValueError:
        return
    for unit in units:
        link = open_link(declared)  # a new one: what one unit does not answer holds up no other
        asked = _AskedHost(link)
        try:
            async for found in _unit(unit, templates, declared, link, asked):
                yield found
        finally:
            await link.close()
        if asked.away is not None:
            faults.append(asked.away)
            return


async def _unit(
    unit: int,
    templates: list[Template],
    declared: LinkDeclaration,
    link: DeviceLink,
    asked: _AskedHost,
) -> AsyncIterator[DiscoveredDevice]:
    for template in templates:
        params = {"unit": str(unit)}
        if asked.away is not None or asked.silent:
            return
        if "start" not in template.params and await _is(template, params, asked):
            found = await look(Candidate(template, params, declared), link)
            if found.fault is None:
                yield found
    by_name = {template.device: template for template in templates}
    if (meter := by_name.get("sunspec_meter")) is not None:
        for start in await meters_of(link, unit):
            params = {"unit": str(unit), "start": str(start)}
            yield await look(Candidate(meter, params, declared), link)


class _AskedHost:
    """A link, on which each question is asked once."""

    def __init__(self, link: DeviceLink) -> None:
        self._link = link
        self._answers: dict[Query, LinkAnswer | None] = {}
        self.away: str | None = None
        """Why there is no connection to the host; None: there is one."""
        self.silent = False
        """It takes connections, and gives no answer."""

    async def ask(self, query: Query) -> LinkAnswer | None:
        """The answer; None: there is none."""
        if query not in self._answers:
            self._answers[query] = await self._once(query)
        return self._answers[query]

    async def _once(self, query: Query) -> LinkAnswer | None:
        try:
            return await self._link.ask(query)
        except LinkFault as fault:
            if fault.away:
                self.away = self.away or str(fault)
            self.silent = self.silent or fault.up is False
            return None


async def _is(template: Template, params: Mapping[str, str], asked: _AskedHost) -> bool:
    """Whether a device says of itself what the template expects."""
    queries: Mapping[str, Query] = {}
    params = with_defaults(template, params)
    with suppress(FillError):
        queries = identifying(template, params)
    for name, query in queries.items():
        answer = await asked.ask(query)
        want = template.identify[name]
        said = None if answer is None else reading(want, params, answer.raw)
        bound = want.one_of is not None or want.least is not None or want.most is not None
        if said is None or (bound and meets(want, params, said, {}) is not True):
            return False
    return bool(queries)
