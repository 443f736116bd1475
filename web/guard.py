"""Who is let in, by name, origin and token; and the headers that every answer carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from aiohttp.typedefs import Middleware
from aiohttp.web import Request, StreamResponse, middleware

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
_SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Access:
    """Who may talk to the page.

    `hosts` are the Host values we answer to, with their port where it is not the scheme's own;
    `origins` the Origin values that may ask. `token` is asked of whoever comes under another
    name than this machine's own or through a proxy; `always`: of everybody. An empty one is the
    token of nobody: it lets nobody in where one is asked for.
    """

    hosts: frozenset[str]
    origins: frozenset[str]
    token: str
    always: bool


def access_for(
    host: str, port: int, hostnames: Sequence[str], environ: Mapping[str, str], token: str
) -> Access:
    """Who may talk to a page that listens on `host` and `port`.

    Under GitHub Codespaces the forwarded address is one of ours. Its proxy rewrites Host and
    Origin to localhost, which is why Origin is held against a list and never against Host.
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
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on `host`."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def guard(access: Access, sessions: Sessions) -> Middleware:
    """Turns away, in this order: 421 wrong name, 403 foreign page, 401 no token, 415 no JSON."""

    @middleware
    async def watchman(request: Request, handler: Answer) -> StreamResponse:
        _check_host(access, request)
        _check_origin(access, request)
        if _asks_token(access, request) and not sessions.admits(request):
            raise Problem(401, "token-required", "This controller asks for its token")
        _check_type(request)
        return await handler(request)

    return watchman


async def add_headers(request: Request, response: StreamResponse) -> None:
    """The same block on every answer: pages, errors, files and streams."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    if request.secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"


def _check_host(access: Access, request: Request) -> None:
    host = request.headers.get("Host", "").lower()
    if host not in access.hosts and not (access.always and host == _own(request)):
        detail = "Add the name to `web: hostnames` in ven.yaml if it is this controller's."
        raise Problem(421, "wrong-host", "This controller does not answer to that name", detail)


def _check_origin(access: Access, request: Request) -> None:
    origin = request.headers.get("Origin")
    own = f"http://{_own(request)}" if access.always else None
    foreign = origin is not None and origin.lower() not in access.origins and origin != own
    # A link on another site may open the page, but nothing there may use the API. The browser
    # tells the truth here even where a proxy rewrote Origin.
    site = request.headers.get("Sec-Fetch-Site", "none")
    reaches_in = _is_api(request) or request.method not in _SAFE
    if foreign or (reaches_in and site not in ("same-origin", "none")):
        raise Problem(403, "cross-site", "Requests from other sites are refused")


def _asks_token(access: Access, request: Request) -> bool:
    signs_in = request.path == SESSION_PATH and request.method == "POST"
    if signs_in or not _is_api(request):
        return False
    host = request.headers.get("Host", "").lower()
    at_home = host.rpartition(":")[0] in _HOME or host in _HOME
    # A tunnel arrives from loopback too, often as localhost; it can be told by what it adds.
    tunnelled = any(
        name.lower() == "forwarded" or name.lower().startswith("x-forwarded-")
        for name in request.headers
    )
    return access.always or tunnelled or not at_home


def _check_type(request: Request) -> None:
    if request.method in _SAFE:
        return
    said = "Content-Type" in request.headers or request.can_read_body
    if (said or request.method != "DELETE") and request.content_type != "application/json":
        raise Problem(415, "json-only", "Send JSON", "Content-Type must be application/json.")


def _is_api(request: Request) -> bool:
    return request.path.startswith("/api/")


def _own(request: Request) -> str | None:
    """The address this very connection came in on: nobody can rebind a name to a literal.

    A page that listens on `::` has IPv4 visitors too, whose address is said in IPv6 there.
    """
    name = request.transport.get_extra_info("sockname") if request.transport else None
    if not isinstance(name, tuple):
        return None
    return f"{_bracketed(str(name[0]).removeprefix('::ffff:'))}:{name[1]}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
