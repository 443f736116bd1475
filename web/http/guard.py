"""Checks host name, origin and token of requests; and the headers of every answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from aiohttp.typedefs import Middleware
from aiohttp.web import Request, StreamResponse, middleware

from statemachine.describe.writer import scalar

from .problems import Answer, Problem
from .session import SESSION_PATH, Sessions

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), usb=(), payment=()",
    "Server": "ven",
}
_HOME = ("localhost", "127.0.0.1", "[::1]")
_LOOPBACK = re.compile(rf"({'|'.join(map(re.escape, _HOME))})(:\d{{1,5}})?", re.ASCII)
_NAME = re.compile(r"([a-z0-9_.-]{1,253}|\[[0-9a-f:.]+\])(:\d{1,5})?", re.ASCII)
_SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use the page.

    `hosts` are the accepted Host values, with their port unless it is the default; `origins` the
    accepted Origin values. `token` is required for another name or port than this machine's own,
    and through a proxy; with `always`, for every request. With an empty token, no request that
    needs one is allowed. `listen` and `hostnames` are as in ven.yaml.
    """

    hosts: frozenset[str]
    origins: frozenset[str]
    token: str
    always: bool
    listen: str
    hostnames: tuple[str, ...]


def access_for(
    host: str,
    port: int,
    hostnames: Sequence[str],
    environ: Mapping[str, str],
    token: str,
    listen: str | None = None,
) -> Access:
    """The access rules of a page that listens on `host` and `port`, or `listen` in ven.yaml.

    In GitHub Codespaces, the forwarded address is accepted. Its proxy rewrites Host and Origin to
    localhost, which is why Origin is compared with a list and never with Host.
    """
    home = is_loopback(host)
    names = [*_HOME, *([] if host in ("", "0.0.0.0", "::") else [_bracketed(host)])]
    hosts = {f"{name}:{port}" for name in [*names, *hostnames]} | set(hostnames)
    if port == 80:
        hosts |= set(names)
    origins = {f"http://{name}" for name in hosts} | {f"https://{name}" for name in hostnames}
    name, domain = (
        environ.get("CODESPACE_NAME"),
        environ.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN"),
    )
    if name and domain:
        hosts.add(f"{name}-{port}.{domain}".lower())
        origins |= {f"https://{name}-{port}.{domain}".lower(), f"https://localhost:{port}"}
    return Access(
        frozenset(h.lower() for h in hosts),
        frozenset(o.lower() for o in origins),
        token,
        not home,
        listen or f"{host}:{port}",
        tuple(hostnames),
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def guard(access: Access, sessions: Sessions) -> Middleware:
    """Refuses, in this order: 421 wrong name, 403 foreign page, 401 no token, 415 not JSON."""

    @middleware
    async def watchman(request: Request, handler: Answer) -> StreamResponse:
        _check_host(access, request)
        _check_origin(access, request)
        if _asks_token(access, request) and not sessions.admits(request):
            raise Problem(401, "token-required", "This controller requires its token")
        _check_type(request)
        return await handler(request)

    return watchman


async def add_headers(request: Request, response: StreamResponse) -> None:
    """Add the same headers to every answer: pages, errors, files and streams."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    if request.secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"


def _check_host(access: Access, request: Request) -> None:
    host = _host(request)
    # A loopback name cannot be made to lead elsewhere, so one with another port is a tunnel, such
    # as `ssh -L 9000:localhost:8080` or an editor's. It needs the token.
    known = (
        host in access.hosts or (access.always and host == _own(request)) or is_loopback_name(host)
    )
    if not known:
        why = "This controller does not accept this host name"
        raise Problem(421, "wrong-host", why, _to_let_in(access, host))


def _to_let_in(access: Access, host: str) -> str:
    """How to make a host name accepted, if it is a valid one."""
    if not _NAME.fullmatch(host):
        return "It is not a valid host name."
    line = scalar({"listen": access.listen, "hostnames": [*access.hostnames, host]})
    return f"If the name is correct, write this in ven.yaml and restart: web: {line}"


def _check_origin(access: Access, request: Request) -> None:
    origin = request.headers.get("Origin")
    host = _host(request)
    own = {f"http://{_own(request)}"} if access.always else set()
    own |= {f"http://{host}", f"https://{host}"} if is_loopback_name(host) else set()
    foreign = origin is not None and origin.lower() not in access.origins | own
    # A link on another site may open the page, but another site may not use the API. This header
    # is correct even if a proxy rewrote Origin.
    site = request.headers.get("Sec-Fetch-Site", "none")
    reaches_in = _is_api(request) or request.method not in _SAFE
    if foreign or (reaches_in and site not in ("same-origin", "none")):
        raise Problem(403, "cross-site", "Requests from other sites are refused")


def _asks_token(access: Access, request: Request) -> bool:
    signs_in = request.path == SESSION_PATH and request.method == "POST"
    if signs_in or not _is_api(request):
        return False
    host = _host(request)
    at_home = is_loopback_name(host) and host in access.hosts
    # A tunnel also arrives from loopback, often as localhost; its added headers reveal it.
    tunnelled = any(
        name.lower() == "forwarded" or name.lower().startswith("x-forwarded-")
        for name in request.headers
    )
    return access.always or tunnelled or not at_home


def _check_type(request: Request) -> None:
    if request.method in _SAFE:
        return
    has_body = "Content-Type" in request.headers or request.can_read_body
    if (has_body or request.method != "DELETE") and request.content_type != "application/json":
        raise Problem(
            415, "json-only", "The request must be JSON", "Set Content-Type to application/json."
        )


def _is_api(request: Request) -> bool:
    return request.path.startswith("/api/")


def _host(request: Request) -> str:
    return request.headers.get("Host", "").lower()


def is_loopback_name(host: str) -> bool:
    """Whether a Host value is a loopback name, which cannot be made to lead elsewhere."""
    return _LOOPBACK.fullmatch(host) is not None


def _own(request: Request) -> str | None:
    """The address that this connection used; DNS rebinding cannot fake an address literal.

    A page that listens on `::` also gets IPv4 connections, with addresses in IPv6 form.
    """
    name = request.transport.get_extra_info("sockname") if request.transport else None
    if not isinstance(name, tuple):
        return None
    return f"{_bracketed(str(name[0]).removeprefix('::ffff:'))}:{name[1]}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
