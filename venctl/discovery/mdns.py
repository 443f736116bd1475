"""Hosts that announce themselves by mDNS, with the package zeroconf of the extra `discover`."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any

LISTEN_S = 5.0
KINDS = ("_shelly._tcp", "_http._tcp", "_hwenergy._tcp", "_esphomelib._tcp", "_ebus._tcp")
MOST_HOSTS = 100
ABSENT = (
    "mDNS needs the package zeroconf, which is not installed; "
    "run `pip install 'venctl[discover]'`, or name the hosts"
)


async def announced_hosts(
    listen_s: float = LISTEN_S, interfaces: list[str] | None = None
) -> dict[str, str]:
    """Addresses, with port where it is not the usual one, and what is announced there.

    Raises ValueError if the package is not installed.
    """
    try:
        zeroconf: Any = import_module("zeroconf")
        aio: Any = import_module("zeroconf.asyncio")
    except ImportError:
        raise ValueError(ABSENT) from None
    heard: set[tuple[str, str]] = set()

    def changed(zeroconf: Any, service_type: str, name: str, state_change: Any) -> None:
        if len(heard) < MOST_HOSTS:
            heard.add((service_type, name))

    chosen = zeroconf.InterfaceChoice.All if interfaces is None else interfaces
    ear = aio.AsyncZeroconf(interfaces=chosen)
    try:
        types = [f"{kind}.local." for kind in KINDS]
        browser = aio.AsyncServiceBrowser(ear.zeroconf, types, handlers=[changed])
        await asyncio.sleep(listen_s)
        await browser.async_cancel()
        hosts: dict[str, str] = {}
        for kind, name in sorted(heard):
            info = aio.AsyncServiceInfo(kind, name)
            if _fits(kind, name) and await info.async_request(ear.zeroconf, 2_000):
                hosts |= _addresses(info, name)
        return hosts
    finally:
        await ear.async_close()


def _fits(kind: str, name: str) -> bool:
    """Any program may announce a web server; only Shellys among them are asked."""
    return not kind.startswith("_http.") or name.lower().startswith("shelly")


def _addresses(info: Any, name: str) -> dict[str, str]:
    port = "" if info.port in (None, 80, 502) else f":{info.port}"
    return {f"{one}{port}": name for one in info.parsed_addresses() if ":" not in one}
