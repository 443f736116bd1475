"""The files for TLS, and one sentence on why one of them cannot be used.

The MQTT client and the checks of `venctl/reach/preflight.py` use the same files.
"""

from __future__ import annotations

import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from awscrt import io

from ..base.private_files import FileContent, read_file

ALPN_PORT, ALPN = 443, "x-amzn-mqtt-ca"
SOON_S = 30 * 86_400  # a certificate that expires within this time needs renewal
RENEW = "get a new certificate"
NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which Python has no name for


class BrokerAddress(Protocol):
    """The address of a broker and its files, such as `endpoint.Endpoint`."""

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


class ConfigProblem(ValueError):
    """What is wrong (`said`) and what to do about it (`advice`); the text has both."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(f"{problem}; {advice}" if advice else problem)
        self.said, self.advice = problem, advice


@dataclass(frozen=True, slots=True)
class CertificateDates:
    """The validity of a certificate, in epoch seconds."""

    begins_s: int
    ends_s: int

    def wrong(self, whose: str, advice: str) -> ConfigProblem | None:
        """Why a certificate is not valid by this machine's clock, which may be wrong; or None."""
        now_s = time.time()
        if now_s >= self.ends_s:
            problem = (
                f"{whose} expired on {utc(self.ends_s)}; this machine's clock says {utc(now_s)}"
            )
            return ConfigProblem(problem, advice)
        if now_s < self.begins_s:
            begins, now = utc(self.begins_s), utc(now_s)
            problem = f"{whose} is not valid before {begins}; this machine's clock says {now}"
            return ConfigProblem(problem, "correct this machine's clock, or wait")
        return None


def client_context(address: BrokerAddress) -> io.ClientTlsContext | None:
    """The TLS context of the MQTT client; None for plain TCP.

    Raises OSError or RuntimeError if a file cannot be used; `usable` explains why.
    """
    if not uses_tls(address):
        return None
    if address.cert is not None and address.key is not None:
        own = read_file(address.cert).content, read_file(address.key).content
        options = io.TlsContextOptions.create_client_with_mtls(*own)
    else:
        options = io.TlsContextOptions()
    if address.ca is not None:
        options.override_default_trust_store(read_file(address.ca).content)
    if needs_alpn(address):
        options.alpn_list = [ALPN]
    return io.ClientTlsContext(options)


def ssl_context(address: BrokerAddress) -> ssl.SSLContext:
    """The same trust and identity as `client_context`. Raises `ConfigProblem`."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if address.ca is None:
        made.load_default_certs()
    else:
        _trust(made, address.ca)
    if address.cert is not None and address.key is not None:
        _identify(made, address.cert, address.key)
    if needs_alpn(address):
        made.set_alpn_protocols([ALPN])
    return made


def check_files(address: BrokerAddress) -> CertificateDates | None:
    """The dates of our certificate, if we have one. Raises `ConfigProblem` if it cannot be used
    now.
    """
    check_usable(address)
    if address.cert is None or address.key is None:
        return None
    dates = _dates(address.cert, address.key)
    if dates and (wrong := dates.wrong(f"the client certificate {address.cert}", RENEW)):
        raise wrong
    return dates


def check_usable(address: BrokerAddress) -> None:
    """Raises `ConfigProblem` if a file cannot be used, whatever the date."""
    for file in (address.cert, address.key, address.ca):
        if file is not None:
            read_nonempty(file)
    if (address.cert is None) != (address.key is None):
        problem = "a client certificate and its key are only used together"
        raise ConfigProblem(problem, "set both `cert` and `key`")
    if address.key is not None:
        read_secret(address.key, "key")
    if uses_tls(address):
        ssl_context(address)
        try:
            client_context(address)
        except (OSError, RuntimeError) as error:
            problem = f"the MQTT client cannot use {address.cert or address.ca}: {error}"
            raise ConfigProblem(problem, "use an RSA or EC P-256 key") from None


def uses_tls(address: BrokerAddress) -> bool:
    """Whether to use TLS for this broker."""
    return address.aws or address.cert is not None or address.ca is not None


def needs_alpn(address: BrokerAddress) -> bool:
    """Whether AWS needs ALPN to tell MQTT from HTTPS; on 8883 it does not."""
    return address.aws and address.port == ALPN_PORT


def read_nonempty(file: Path) -> FileContent:
    """Read a file. Raises `ConfigProblem` if it cannot be read or is empty."""
    try:
        file_content = read_file(file)
    except OSError as error:
        advice = "create it, or name another file"
        raise ConfigProblem(f"{file} cannot be read: {error.strerror}", advice) from None
    if not file_content.content.strip():
        raise ConfigProblem(f"{file} is empty", "replace it, or name another file")
    return file_content


def read_secret(file: Path, what: str) -> FileContent:
    """Read a secret file. Raises `ConfigProblem` like `read_nonempty`, and if others may read
    it.
    """
    secret = read_nonempty(file)
    if secret.exposed:
        give = "make the user that runs venctl its owner"
        advice = f"run `chmod 600 {file}`" if secret.open_to_others else give
        raise ConfigProblem(f"the {what} {file} is {secret.exposed}", advice)
    return secret


def dates_of(shown: dict[str, Any]) -> CertificateDates:
    """The dates of a certificate from `getpeercert`."""
    begins, ends = shown["notBefore"], shown["notAfter"]
    return CertificateDates(ssl.cert_time_to_seconds(begins), ssl.cert_time_to_seconds(ends))


def utc(epoch_s: float) -> str:
    """Format a time in UTC, to the minute."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(epoch_s))


def _trust(made: ssl.SSLContext, ca: Path) -> None:
    try:
        made.load_verify_locations(ca)
    except ssl.SSLError:
        problem = f"{ca} contains no CA certificate in PEM format"
        raise ConfigProblem(problem, "for AWS use AmazonRootCA1.pem, or remove `ca`") from None
    dates = [dates_of(dict(shown)) for shown in made.get_ca_certs()]
    whose, advice = f"the CA in {ca}", "use a current CA certificate"
    wrong = [certificate.wrong(whose, advice) for certificate in dates]
    if wrong and all(wrong) and wrong[0] is not None:
        raise wrong[0]


def _identify(made: ssl.SSLContext, cert: Path, key: Path) -> None:
    try:
        # Without an empty password, OpenSSL would ask for one on the terminal.
        made.load_cert_chain(cert, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            problem = f"the key {key} does not belong to the certificate {cert}"
            raise ConfigProblem(
                problem, "use a key and a certificate that belong together"
            ) from None
        why = f" ({error.reason.lower().replace('_', ' ')})" if error.reason else ""
        problem = (
            f"{cert} and {key} are not a certificate and an unencrypted key in PEM format{why}"
        )
        raise ConfigProblem(problem, "replace both with the original files") from None


def _dates(cert: Path, key: Path) -> CertificateDates | None:
    """The dates of our certificate, from a handshake with ourselves: `ssl` reads verified ones
    only.
    """
    judge, holder = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    judge.load_verify_locations(cert)
    judge.verify_mode = ssl.CERT_REQUIRED
    judge.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | NO_CHECK_TIME
    holder.check_hostname, holder.verify_mode = False, ssl.CERT_NONE
    judge.load_cert_chain(cert, key, password="")
    holder.load_cert_chain(cert, key, password="")
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    showing, seeing = holder.wrap_bio(back, there), judge.wrap_bio(there, back, server_side=True)
    try:
        for end in (showing, seeing) * 3:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()
        shown = seeing.getpeercert()
    except (ssl.SSLError, ValueError):
        return None  # not a client certificate; the broker will say so
    return dates_of(dict(shown)) if shown else None
