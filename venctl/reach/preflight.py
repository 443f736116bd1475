"""Checks the connection to a broker without MQTT: host name, port, TLS.

The MQTT client reports a wrong CA only after 13 to 23 s; this takes milliseconds, because it uses
the standard library.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

from ..link.tls import (
    ALPN,
    NO_CHECK_TIME,
    BrokerAddress,
    CertificateDates,
    ConfigProblem,
    check_files,
    dates_of,
    needs_alpn,
    ssl_context,
    uses_tls,
)

TIMEOUT_S = 5.0
VERDICT_S = 0.3  # with TLS 1.3 a broker refuses our certificate only after the handshake
EXPIRED, NOT_YET_VALID = 10, 9
WRONG_NAME, WRONG_ADDRESS = 62, 64
UNKNOWN_ISSUER = (2, 18, 19, 20, 21)
CHECK_PORT = "check that this is the port for TLS"
REFUSALS = {
    "TLSV1_ALERT_UNKNOWN_CA": "the broker does not trust the CA that signed it",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it has expired, according to the broker's clock",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "it was revoked",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the broker does not know it",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the broker considers it damaged",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the broker requires one, and ven.yaml names none",
}


@dataclass(frozen=True, slots=True)
class Handshake:
    """What the broker presented: the TLS version, and the dates of its certificate."""

    version: str
    dates: CertificateDates


def preflight(address: BrokerAddress) -> str | None:
    """The problem with the files or the connection to the broker, in one sentence; or None.

    Blocks, for about 10 s in the worst case. Sends no MQTT.
    """
    try:
        check_files(address)
        resolve_addresses(address)
        with open_port(address) as plain:
            if uses_tls(address):
                handshake(address, plain)
    except ConfigProblem as wrong:
        return str(wrong)
    return None


def resolve_addresses(address: BrokerAddress) -> list[str]:
    """The addresses of the broker's host name. Raises `ConfigProblem`."""
    try:
        results = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError):
        problem = f"the host name {address.host} cannot be resolved"
        advice = "correct it in ven.yaml, or check this machine's network and DNS"
        raise ConfigProblem(problem, advice) from None
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in results))


def open_port(address: BrokerAddress) -> socket.socket:
    """A TCP connection to the broker, to be closed by the caller. Raises `ConfigProblem`."""
    where = f"{address.host}:{address.port}"
    try:
        return socket.create_connection((address.host, address.port), TIMEOUT_S)
    except TimeoutError:
        problem = f"{where} does not answer within {TIMEOUT_S:.0f} s"
        advice = "a firewall may block the connection" + (
            "; try `port: 443`" if address.aws else ""
        )
        raise ConfigProblem(problem, advice) from None
    except OSError as error:
        problem = f"{where} cannot be reached: {error.strerror or error}"
        raise ConfigProblem(
            problem, "check that the broker is running and that this is its port"
        ) from None


def handshake(address: BrokerAddress, plain: socket.socket) -> Handshake:
    """Do the TLS handshake as the MQTT client would. Raises `ConfigProblem`."""
    where = f"{address.host}:{address.port}"
    try:
        with ssl_context(address).wrap_socket(plain, server_hostname=address.host) as secure:
            shown = dates_of(dict(secure.getpeercert() or {}))
            _agreed(address, secure, where)
            _hear_out(secure, where)
            return Handshake(secure.version() or "TLS", shown)
    except ssl.SSLCertVerificationError as error:
        raise _distrust(error, address, where) from None
    except ssl.SSLError as error:
        raise _refusal(error, where) from None
    except TimeoutError:
        raise ConfigProblem(f"{where} does not answer in TLS", CHECK_PORT) from None
    except OSError:
        problem = f"{where} closed the connection instead of starting TLS"
        raise ConfigProblem(problem, CHECK_PORT) from None


def _agreed(address: BrokerAddress, secure: ssl.SSLSocket, where: str) -> None:
    if needs_alpn(address) and secure.selected_alpn_protocol() != ALPN:
        problem = f"{where} uses TLS, but does not accept the protocol {ALPN}"
        raise ConfigProblem(problem, "remove `port` from ven.yaml to use 8883")


def _hear_out(secure: ssl.SSLSocket, where: str) -> None:
    """Give the broker a moment to refuse our certificate."""
    secure.settimeout(VERDICT_S)
    try:
        silent = bool(secure.recv(1))
    except TimeoutError:
        return  # the broker waits for our CONNECT: all is well
    except ConnectionError:
        silent = False
    if not silent:
        problem = f"{where} closed the connection when it received the client certificate"
        raise ConfigProblem(problem, "check that the certificate is registered there and active")


def _refusal(error: ssl.SSLError, where: str) -> ConfigProblem:
    if why := REFUSALS.get(error.reason or ""):
        advice = "use the certificate that was issued for this broker"
        return ConfigProblem(f"{where} refuses the client certificate: {why}", advice)
    reason = (error.reason or str(error)).lower().replace("_", " ")
    return ConfigProblem(f"the TLS handshake with {where} failed: {reason}", CHECK_PORT)


def _distrust(
    error: ssl.SSLCertVerificationError, address: BrokerAddress, where: str
) -> ConfigProblem:
    whose = f"the certificate of {where}"
    match error.verify_code:
        case code if code in UNKNOWN_ISSUER and address.ca is None:
            problem = f"{whose} is not signed by a CA that this machine trusts"
            return ConfigProblem(
                problem, "set `ca` to its CA certificate; for AWS that is AmazonRootCA1.pem"
            )
        case code if code in UNKNOWN_ISSUER:
            problem = f"{whose} is not signed by the CA in {address.ca}"
            return ConfigProblem(problem, "set `ca` to the CA certificate of this broker")
        case code if code in (EXPIRED, NOT_YET_VALID):
            advice = "renew the broker's certificate"
            return _dated(address, whose, advice) or ConfigProblem(
                f"{whose} has expired or is not valid yet", advice
            )
        case code if code in (WRONG_NAME, WRONG_ADDRESS):
            problem = f"{whose} is not valid for the host name {address.host}"
            return ConfigProblem(problem, "use the name in the certificate as the host")
    return ConfigProblem(f"{whose} is not valid: {error.verify_message}", "")


def _dated(address: BrokerAddress, whose: str, advice: str) -> ConfigProblem | None:
    """Connect once more, ignoring the dates, to read the dates themselves."""
    made = ssl_context(address)
    made.verify_flags |= NO_CHECK_TIME
    try:
        with (
            open_port(address) as plain,
            made.wrap_socket(plain, server_hostname=address.host) as secure,
        ):
            return dates_of(dict(secure.getpeercert() or {})).wrong(whose, advice)
    except (OSError, ConfigProblem):
        return None
