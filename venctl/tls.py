"""Whom we trust and who we are over TLS, and in one sentence why a broker does not agree.

The MQTT client reports a wrong CA only after 13 to 23 s; `preflight` needs milliseconds, because it
asks with the standard library. Both trust the same files.
"""

from __future__ import annotations

import os
import socket
import ssl
import stat
from pathlib import Path
from typing import Protocol

from awscrt import io

TIMEOUT_S = 5.0
VERDICT_S = 0.3  # with TLS 1.3 a broker refuses our certificate only after the handshake
ALPN_PORT, ALPN = 443, "x-amzn-mqtt-ca"
EXPIRED, NOT_YET_VALID = 10, 9
WRONG_NAME, WRONG_ADDRESS = 62, 64
UNKNOWN_ISSUER = (2, 18, 19, 20, 21)


class Place(Protocol):
    """Where a broker is, and the files that belong to it; `endpoint.Endpoint` is one."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def cert(self) -> Path | None: ...
    @property
    def key(self) -> Path | None: ...
    @property
    def ca(self) -> Path | None: ...
    @property
    def aws(self) -> bool: ...


def client_context(place: Place) -> io.ClientTlsContext | None:
    """What the MQTT client connects with; None for plain TCP.

    Raises OSError or RuntimeError where a file cannot be used; `wrong_files` says why in words.
    """
    if not _secured(place):
        return None
    if place.cert is not None and place.key is not None:
        options = io.TlsContextOptions.create_client_with_mtls_from_path(
            str(place.cert), str(place.key)
        )
    else:
        options = io.TlsContextOptions()
    if place.ca is not None:
        options.override_default_trust_store_from_path(None, str(place.ca))
    if _needs_alpn(place):
        options.alpn_list = [ALPN]
    return io.ClientTlsContext(options)


def preflight(place: Place) -> str | None:
    """What is wrong with the files or with the way to the broker, in one sentence; None: nothing.

    Blocks, for about 10 s in the worst case. Sends no MQTT.
    """
    return wrong_files(place) or _wrong_way(place)


def wrong_files(place: Place) -> str | None:
    """What is wrong with the certificate, the key or the CA on this disk; None: nothing."""
    for file in (place.cert, place.key, place.ca):
        if file is not None and (wrong := _unreadable(file)):
            return wrong
    if (place.cert is None) != (place.key is None):
        return "a client certificate and its key come together; give both `cert` and `key`"
    if place.key is not None and (wrong := _open_to_others(place.key)):
        return wrong
    try:
        _context(place)
    except _Unusable as unusable:
        return str(unusable)
    return None


def _secured(place: Place) -> bool:
    return place.aws or place.cert is not None or place.ca is not None


def _needs_alpn(place: Place) -> bool:
    """AWS tells MQTT from HTTPS by it; on 8883 nothing is needed."""
    return place.aws and place.port == ALPN_PORT


class _Unusable(Exception):
    """Which file the TLS library does not take, and why."""


def _unreadable(file: Path) -> str | None:
    try:
        with file.open("rb"):
            return None
    except OSError as error:
        return f"{file} cannot be read: {error.strerror}"


def _open_to_others(key: Path) -> str | None:
    mode = stat.S_IMODE(key.stat().st_mode)
    if os.name != "posix" or not mode & 0o077:
        return None
    return f"the key {key} is open to other users (mode {mode:04o}); run `chmod 600 {key}`"


def _context(place: Place) -> ssl.SSLContext | None:
    """The same trust and identity as `client_context`. Raises `_Unusable`."""
    if not _secured(place):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if place.ca is None:
        context.load_default_certs()
    else:
        try:
            context.load_verify_locations(place.ca)
        except ssl.SSLError:
            raise _Unusable(f"{place.ca} holds no CA certificate in PEM form") from None
    if place.cert is not None and place.key is not None:
        _identify(context, place.cert, place.key)
    if _needs_alpn(place):
        context.set_alpn_protocols([ALPN])
    return context


def _identify(context: ssl.SSLContext, cert: Path, key: Path) -> None:
    try:
        # An empty password, or OpenSSL would ask for one on the terminal.
        context.load_cert_chain(cert, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise _Unusable(f"the key {key} does not belong to the certificate {cert}") from None
        raise _Unusable(f"{cert} and {key} are not a certificate and a plain key in PEM") from None


def _wrong_way(place: Place) -> str | None:
    where = f"{place.host}:{place.port}"
    try:
        with socket.create_connection((place.host, place.port), TIMEOUT_S) as plain:
            context = _context(place)
            return _wrong_tls(context, plain, place.host, where) if context else None
    except socket.gaierror:
        return f"the name {place.host} cannot be resolved"
    except TimeoutError:
        return f"{where} does not answer within {TIMEOUT_S:.0f} s"
    except OSError as error:
        return f"{where} cannot be reached: {error.strerror or error}"


def _wrong_tls(context: ssl.SSLContext, plain: socket.socket, host: str, where: str) -> str | None:
    try:
        with context.wrap_socket(plain, server_hostname=host) as secured:
            return _refusal(secured, where)
    except ssl.SSLCertVerificationError as error:
        return _distrust(error, host, where)
    except ssl.SSLError as error:
        return f"{where} does not agree on TLS: {_reason(error)}"
    except ConnectionError:
        return f"{where} closes the connection instead of speaking TLS"


def _refusal(secured: ssl.SSLSocket, where: str) -> str | None:
    secured.settimeout(VERDICT_S)
    try:
        silent = bool(secured.recv(1))
    except TimeoutError:
        return None  # it waits for our CONNECT: all is well
    except ssl.SSLError as error:
        return f"{where} refuses our certificate: {_reason(error)}"
    except ConnectionError:
        silent = False
    return None if silent else f"{where} closes the connection on our certificate"


def _distrust(error: ssl.SSLCertVerificationError, host: str, where: str) -> str:
    match error.verify_code:
        case code if code in UNKNOWN_ISSUER:
            return f"the certificate of {where} is not signed by a CA we trust; is `ca` the right?"
        case code if code == EXPIRED:
            return f"the certificate of {where} has expired"
        case code if code == NOT_YET_VALID:
            return f"the certificate of {where} is not valid yet; is this machine's clock right?"
        case code if code in (WRONG_NAME, WRONG_ADDRESS):
            return f"the certificate of {where} is for another name than {host}"
        case _:
            return f"the certificate of {where} is refused: {error.verify_message}"


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).lower().replace("_", " ")
