"""The page's addresses that `venctl run` prints at the start."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence

from web.http.guard import is_loopback

EVERYWHERE = ("", "0.0.0.0", "::")
# Nothing is sent to these addresses: the system only tells which local address it would use.
_BEYOND = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}


def addresses(web: str, hostnames: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """The addresses at which the page answers; the first one works on this machine.

    If the page listens on all addresses, those by which other devices reach this machine are given.
    """
    host, _, port = web.rpartition(":")
    names = ["127.0.0.1", *_own(host)] if host in EVERYWHERE else [host]
    if not is_loopback(host):
        names += hostnames
    urls = [f"http://{_bracketed(name)}:{port}" for name in names]
    return [*dict.fromkeys(urls), *_forwarded(port, environ)]


def lines(web: str, pages: Sequence[str], secret: str) -> list[str]:
    """The lines to print: each address, with the token if the page asks for it there."""
    free = pages[:1] if is_loopback(web.rpartition(":")[0]) else []
    links = [page if page in free else f"{page}/#token={secret}" for page in pages]
    return [f"{'page' if not index else '':<8} {page}" for index, page in enumerate(links)]


def _own(host: str) -> list[str]:
    families = (socket.AF_INET,) if host == "0.0.0.0" else tuple(_BEYOND)
    return [address for family in families if (address := _as_seen(family)) is not None]


def _as_seen(family: socket.AddressFamily) -> str | None:
    """This machine's address towards the network; None if it has no route."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect((_BEYOND[family], 9))
            return str(asking.getsockname()[0])
    except OSError:
        return None


def _forwarded(port: str, environ: Mapping[str, str]) -> list[str]:
    name = environ.get("CODESPACE_NAME")
    domain = environ.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN")
    return [f"https://{name}-{port}.{domain}"] if name and domain else []


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
