"""The way to a broker, step by step and without MQTT: its name, its port, its TLS.

The MQTT client reports a wrong CA only after 13 to 23 s; this needs milliseconds, because it asks
with the standard library.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

from ..link.tls import (
    ALPN,
    NO_CHECK_TIME,
    Dates,
    Place,
    Wrong,
    check_files,
    context,
    dates_of,
    needs_alpn,
    secured,
)

TIMEOUT_S = 5.0
VERDICT_S = 0.3  # with TLS 1.3 a broker refuses our certificate only after the handshake
EXPIRED, NOT_YET_VALID = 10, 9
WRONG_NAME, WRONG_ADDRESS = 62, 64
UNKNOWN_ISSUER = (2, 18, 19, 20, 21)
REFUSALS = {
    "TLSV1_ALERT_UNKNOWN_CA": "it does not know the CA that signed it",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it has expired by the broker's clock",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "it was revoked",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the broker does not know it",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the broker takes it for damaged",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants one, and we have none",
}


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the broker showed: the TLS version, and the dates of its certificate."""

    version: str
    dates: Dates


def preflight(place: Place) -> str | None:
    """What is wrong with the files or with the way to the broker, in one sentence; None: nothing.

    Blocks, for about 10 s in the worst case. Sends no MQTT.
    """
    try:
        check_files(place)
        addresses(place)
        with open_port(place) as plain:
            if secured(place):
                greet(place, plain)
    except Wrong as wrong:
        return str(wrong)
    return None


def addresses(place: Place) -> list[str]:
    """Where the broker's name leads. Raises `Wrong`."""
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        said = f"the name {place.host} cannot be resolved"
        advice = "correct it in ven.yaml, or see whether this machine has a network and DNS"
        raise Wrong(said, advice) from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def open_port(place: Place) -> socket.socket:
    """A TCP connection to the broker, to be closed by the caller. Raises `Wrong`."""
    where = f"{place.host}:{place.port}"
    try:
        return socket.create_connection((place.host, place.port), TIMEOUT_S)
    except TimeoutError:
        said = f"{where} does not answer within {TIMEOUT_S:.0f} s"
        advice = "a firewall may be in the way" + ("; try `port: 443`" if place.aws else "")
        raise Wrong(said, advice) from None
    except OSError as error:
        said = f"{where} cannot be reached: {error.strerror or error}"
        raise Wrong(said, "is the broker running, and is this its port?") from None


def greet(place: Place, plain: socket.socket) -> Greeting:
    """Shake hands as the MQTT client would. Raises `Wrong`."""
    where = f"{place.host}:{place.port}"
    try:
        with context(place).wrap_socket(plain, server_hostname=place.host) as secure:
            shown = dates_of(dict(secure.getpeercert() or {}))
            _agreed(place, secure, where)
            _hear_out(secure, where)
            return Greeting(secure.version() or "TLS", shown)
    except ssl.SSLCertVerificationError as error:
        raise _distrust(error, place, where) from None
    except ssl.SSLError as error:
        raise _refusal(error, where) from None
    except TimeoutError:
        raise Wrong(f"{where} does not answer in TLS", "is this the port for TLS?") from None
    except OSError:
        said = f"{where} closes the connection instead of speaking TLS"
        raise Wrong(said, "is this the port for TLS?") from None


def _agreed(place: Place, secure: ssl.SSLSocket, where: str) -> None:
    if needs_alpn(place) and secure.selected_alpn_protocol() != ALPN:
        said = f"{where} speaks TLS, but does not agree on {ALPN}"
        raise Wrong(said, "leave `port` out to go by 8883")


def _hear_out(secure: ssl.SSLSocket, where: str) -> None:
    """Wait a moment for the broker's verdict on our certificate."""
    secure.settimeout(VERDICT_S)
    try:
        silent = bool(secure.recv(1))
    except TimeoutError:
        return  # it waits for our CONNECT: all is well
    except ConnectionError:
        silent = False
    if not silent:
        said = f"{where} closes the connection on our certificate"
        raise Wrong(said, "is it registered there, and active?")


def _refusal(error: ssl.SSLError, where: str) -> Wrong:
    if why := REFUSALS.get(error.reason or ""):
        advice = "take the certificate that was made for this broker"
        return Wrong(f"{where} refuses our certificate: {why}", advice)
    said = (error.reason or str(error)).lower().replace("_", " ")
    return Wrong(f"{where} does not agree on TLS: {said}", "is this the port for TLS?")


def _distrust(error: ssl.SSLCertVerificationError, place: Place, where: str) -> Wrong:
    whose = f"the certificate of {where}"
    match error.verify_code:
        case code if code in UNKNOWN_ISSUER and place.ca is None:
            said = f"{whose} is not signed by a CA that this machine trusts"
            return Wrong(said, "give its CA as `ca`; for AWS that is AmazonRootCA1.pem")
        case code if code in UNKNOWN_ISSUER:
            said = f"{whose} is not signed by the CA in {place.ca}"
            return Wrong(said, "give the CA of this broker as `ca`")
        case code if code in (EXPIRED, NOT_YET_VALID):
            advice = "the broker needs a new one"
            return _dated(place, whose, advice) or Wrong(f"{whose} is out of date", advice)
        case code if code in (WRONG_NAME, WRONG_ADDRESS):
            said = f"{whose} is for another name than {place.host}"
            return Wrong(said, "write the name that the certificate carries")
    return Wrong(f"{whose} is refused: {error.verify_message}", "")


def _dated(place: Place, whose: str, advice: str) -> Wrong | None:
    """Ask once more, whatever the date, for the date itself."""
    made = context(place)
    made.verify_flags |= NO_CHECK_TIME
    try:
        with (
            open_port(place) as plain,
            made.wrap_socket(plain, server_hostname=place.host) as secure,
        ):
            return dates_of(dict(secure.getpeercert() or {})).wrong(whose, advice)
    except (OSError, Wrong):
        return None
