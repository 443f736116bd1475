"""`venctl discover`: devices that can be reached, as lines to paste. Nothing is switched."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from statemachine import Spec
from statemachine.device.catalog import Catalog
from statemachine.device.declaration import LinkDeclaration
from statemachine.kit.errors import suggestion

from ...devices.catalog import devices_beside
from ...discovery.broker import LISTEN_S, retained
from ...discovery.candidate import Candidate, DiscoveredDevice, look, usable
from ...discovery.hass import DEVICE, switches_of
from ...discovery.hosts import devices_at
from ...discovery.mdns import announced_hosts
from ...discovery.topics import AnnouncedDevice, devices_of, others_of
from ...drivers.links import DeviceLink, LinkFault, open_link, secret_reader
from .. import DONE, NOBODY
from ..kit.site import site


@dataclass(slots=True)
class _Place:
    """What was found in one place."""

    where: str
    found: list[DiscoveredDevice] = field(default_factory=list)
    more: list[str] = field(default_factory=list)
    """What else is there, in words."""
    fault: str | None = None


def discover(args: argparse.Namespace) -> int:
    """Print what is found. Returns 3 if nothing could be asked at all."""
    spec = site(args.file) if args.file.exists() else None
    links = {} if spec is None else _links(spec)
    brokers = [one for one in links.values() if one.speaks == "mqtt" and not _named(args)]
    if not brokers and not _named(args):
        raise ValueError(
            f"{args.file} has no MQTT broker in `links:` to ask; name a host, such as "
            "`venctl discover 192.168.1.20`, or --through a link to Home Assistant"
        )
    look_round = _Round(devices_beside(args.file), args.file.resolve().parent, links)
    told = asyncio.run(_all(args, look_round, brokers))
    if args.json:
        print(json.dumps([asdict(one) for one in told]))
    return NOBODY if told and all(one.fault for one in told) else DONE


def _named(args: argparse.Namespace) -> bool:
    return bool(args.hosts or args.through or args.mdns)


def _links(spec: Spec) -> dict[str, LinkDeclaration]:
    return {name: link.declaration(name) for name, link in spec.links.items()}


async def _all(
    args: argparse.Namespace, look_round: _Round, brokers: list[LinkDeclaration]
) -> list[_Place]:
    told = []
    async for one in look_round.everywhere(args, brokers):
        told.append(one)
        if not args.json:
            print("\n".join(_lines(one)), flush=True)
    return told


def _lines(told: _Place) -> list[str]:
    lines = [told.where, *(f"  {one.text}" for one in told.found)]
    lines += [f"  # {text}" for text in told.more]
    if told.fault is not None:
        return [*lines, f"  {told.fault}"]
    return lines if told.found or told.more else [*lines, "  nothing that a template knows"]


class _Round:
    """The places that are looked at, one after another."""

    def __init__(self, catalog: Catalog, beside: Path, links: dict[str, LinkDeclaration]) -> None:
        self._catalog, self._beside, self._links = catalog, beside, links
        self._secrets = secret_reader(beside)
        self._open = partial(open_link, secrets=self._secrets, beside=beside)

    async def everywhere(
        self, args: argparse.Namespace, brokers: list[LinkDeclaration]
    ) -> AsyncIterator[_Place]:
        """All that was asked for."""
        for broker in brokers:
            yield await self._at_broker(broker)
        for name in args.through:
            yield await self._through(name)
        for host in args.hosts:
            yield await self._at_host(host, host)
        if args.mdns:
            announced = await announced_hosts()
            for host, name in announced.items():
                yield await self._at_host(host, f"{host} ({name})")
            if not announced:
                yield _Place("mDNS", more=["nothing is announced"])

    async def _at_broker(self, broker: LinkDeclaration) -> _Place:
        told = _Place(f"the broker {broker.name} ({broker.to}), retained topics of {LISTEN_S:g} s")
        link = self._open(broker)
        try:
            messages = await retained(broker, self._secrets, self._beside)
            for heard in devices_of(messages):
                candidate = self._candidate(heard, broker)
                if candidate is not None:
                    told.found.append(await self._looked(candidate, link))
            told.more = others_of(messages)
        except LinkFault as fault:
            told.fault = str(fault)
        finally:
            await link.close()
        return told

    def _candidate(self, heard: AnnouncedDevice, broker: LinkDeclaration) -> Candidate | None:
        template = self._catalog.get(heard.device)
        if template is None:
            return None
        link = broker if heard.host is None else LinkDeclaration("http", f"http://{heard.host}")
        candidate = Candidate(template, heard.params, link, heard.about, heard.note)
        return candidate if usable(candidate) else None

    async def _looked(self, candidate: Candidate, through: DeviceLink) -> DiscoveredDevice:
        if candidate.link.speaks == "mqtt":
            return await look(candidate, through)
        own = self._open(candidate.link)
        try:
            return await look(candidate, own)
        finally:
            await own.close()

    async def _through(self, name: str) -> _Place:
        if name not in self._links:
            raise ValueError(f"no link is called {name!r}; {suggestion(name, self._links)}")
        link = self._links[name]
        told = _Place(f"Home Assistant, through {name} ({link.to})")
        if link.speaks != "http":
            told.fault = f"{name} speaks {link.speaks}, and Home Assistant HTTP"
            return told
        try:
            told.found = await switches_of(link, self._catalog[DEVICE], self._secrets, self._beside)
        except LinkFault as fault:
            told.fault = str(fault)
        return told

    async def _at_host(self, host: str, where: str) -> _Place:
        told = _Place(where)
        try:
            async for found in devices_at(host, self._catalog, self._open):
                told.found.append(found)
        except LinkFault as fault:
            told.fault = str(fault)
        return told
