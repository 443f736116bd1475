"""What announces itself by mDNS, on the loopback; and what is said without the package for it."""

from __future__ import annotations

import socket
import sys

import pytest

from venctl.discovery.mdns import announced_hosts


async def test_without_the_package_one_sentence_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    with pytest.raises(ValueError, match=r"pip install 'venctl\[discover\]'"):
        await announced_hosts(0)


async def test_a_shelly_is_heard_and_any_other_web_server_is_not() -> None:
    zeroconf = pytest.importorskip("zeroconf")
    aio = pytest.importorskip("zeroconf.asyncio")
    voice = aio.AsyncZeroconf(interfaces=["127.0.0.1"])
    try:
        for kind, name, port in (
            ("_http._tcp.local.", "shellyplus1pm-1", 80),
            ("_http._tcp.local.", "printer", 80),
            ("_hwenergy._tcp.local.", "p1meter", 8080),
        ):
            info = zeroconf.ServiceInfo(
                kind, f"{name}.{kind}", port, addresses=[socket.inet_aton("127.0.0.1")]
            )
            await (await voice.async_register_service(info))
        hosts = await announced_hosts(1.5, ["127.0.0.1"])
    finally:
        await voice.async_close()
    assert set(hosts) == {"127.0.0.1", "127.0.0.1:8080"}
    assert hosts["127.0.0.1"].startswith("shellyplus1pm-1")
