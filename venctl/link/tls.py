"""Whom we trust and who we are over TLS: the files, and in one sentence why one of them is no good.

The MQTT client and the checks of `way.py` trust the same files.
"""

from __future__ import annotations

import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from awscrt import io

from ..base.private_files import Found, look

ALPN_PORT, ALPN = 443, "x-amzn-mqtt-ca"
SOON_S = 30 * 86_400  # a certificate that ends within this time wants another
NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which Python has no name for


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


class Wrong(ValueError):
    """What is wrong, and what to do about it: `said` and `advice`, a sentence of both as text."""

    def __init__(self, said: str, advice: str) -> None:
        super().__init__(f"{said}; {advice}" if advice else said)
        self.said, self.advice = said, advice


@dataclass(frozen=True, slots=True)
class Dates:
    """From when until when a certificate holds, in epoch seconds."""

    begins_s: int
    ends_s: int

    def wrong(self, whose: str, advice: str) -> Wrong | None:
        """Why a certificate does not hold by this machine's clock, which may be wrong itself."""
        now_s = time.time()
        if now_s >= self.ends_s:
            return Wrong(f"{whose} expired on {utc(self.ends_s)}, it is {utc(now_s)} here", advice)
        if now_s < self.begins_s:
            said = f"{whose} is not valid before {utc(self.begins_s)}, it is {utc(now_s)} here"
            return Wrong(said, "set this machine's clock, or wait")
        return None


def client_context(place: Place) -> io.ClientTlsContext | None:
    """What the MQTT client connects with; None for plain TCP.

    Raises OSError or RuntimeError where a file cannot be used; `usable` says why in words.
    """
    if not secured(place):
        return None
    if place.cert is not None and place.key is not None:
        own = look(place.cert).content, look(place.key).content
        options = io.TlsContextOptions.create_client_with_mtls(*own)
    else:
        options = io.TlsContextOptions()
    if place.ca is not None:
        options.override_default_trust_store(look(place.ca).content)
    if needs_alpn(place):
        options.alpn_list = [ALPN]
    return io.ClientTlsContext(options)


def context(place: Place) -> ssl.SSLContext:
    """The same trust and identity as `client_context`. Raises `Wrong`."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if place.ca is None:
        made.load_default_certs()
    else:
        _trust(made, place.ca)
    if place.cert is not None and place.key is not None:
        _identify(made, place.cert, place.key)
    if needs_alpn(place):
        made.set_alpn_protocols([ALPN])
    return made


def check_files(place: Place) -> Dates | None:
    """The dates of our certificate, if we have one. Raises `Wrong` for what is of no use now."""
    usable(place)
    if place.cert is None or place.key is None:
        return None
    dates = _dates(place.cert, place.key)
    if dates and (wrong := dates.wrong(f"our certificate {place.cert}", "have a new one made")):
        raise wrong
    return dates


def usable(place: Place) -> None:
    """Raises `Wrong` for a file that will not do on any day."""
    for file in (place.cert, place.key, place.ca):
        if file is not None:
            readable(file)
    if (place.cert is None) != (place.key is None):
        said = "a client certificate and its key come together"
        raise Wrong(said, "give both `cert` and `key`")
    if place.key is not None:
        owner_only(place.key, "key")
    if secured(place):
        context(place)
        try:
            client_context(place)
        except (OSError, RuntimeError) as error:
            said = f"the MQTT client cannot use {place.cert or place.ca}: {error}"
            raise Wrong(said, "take a key of RSA or EC P-256") from None


def secured(place: Place) -> bool:
    """Whether the way to this broker is TLS."""
    return place.aws or place.cert is not None or place.ca is not None


def needs_alpn(place: Place) -> bool:
    """AWS tells MQTT from HTTPS by it; on 8883 nothing is needed."""
    return place.aws and place.port == ALPN_PORT


def readable(file: Path) -> Found:
    """What a file holds. Raises `Wrong` where it cannot be read or holds nothing."""
    try:
        found = look(file)
    except OSError as error:
        advice = "put it there, or name another"
        raise Wrong(f"{file} cannot be read: {error.strerror}", advice) from None
    if not found.content.strip():
        raise Wrong(f"{file} is empty", "put it there anew, or name another")
    return found


def owner_only(file: Path, what: str) -> Found:
    """What a secret file holds. Raises `Wrong` as `readable`, and where others may read it."""
    found = readable(file)
    if found.exposed:
        give = "have it owned by the user that venctl runs as"
        advice = f"run `chmod 600 {file}`" if found.open_to_others else give
        raise Wrong(f"the {what} {file} is {found.exposed}", advice)
    return found


def dates_of(shown: dict[str, Any]) -> Dates:
    """The dates of a certificate as `getpeercert` shows it."""
    begins, ends = shown["notBefore"], shown["notAfter"]
    return Dates(ssl.cert_time_to_seconds(begins), ssl.cert_time_to_seconds(ends))


def utc(epoch_s: float) -> str:
    """A moment as certificates count it."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(epoch_s))


def _trust(made: ssl.SSLContext, ca: Path) -> None:
    try:
        made.load_verify_locations(ca)
    except ssl.SSLError:
        said = f"{ca} holds no CA certificate in PEM form"
        raise Wrong(said, "for AWS take AmazonRootCA1.pem, or leave `ca` out") from None
    dates = [dates_of(dict(shown)) for shown in made.get_ca_certs()]
    wrong = [one.wrong(f"the CA in {ca}", "take the CA of today") for one in dates]
    if wrong and all(wrong) and wrong[0] is not None:
        raise wrong[0]


def _identify(made: ssl.SSLContext, cert: Path, key: Path) -> None:
    try:
        # An empty password, or OpenSSL would ask for one on the terminal.
        made.load_cert_chain(cert, key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            said = f"the key {key} does not belong to the certificate {cert}"
            raise Wrong(said, "take the two that were made together") from None
        why = f" ({error.reason.lower().replace('_', ' ')})" if error.reason else ""
        said = f"{cert} and {key} are not a certificate and a plain key in PEM{why}"
        raise Wrong(said, "put both there anew, as they were made") from None


def _dates(cert: Path, key: Path) -> Dates | None:
    """The dates of our certificate, shown to ourselves: only a verified one is read by `ssl`."""
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
        return None  # no certificate for a client; the broker says so in its own words
    return dates_of(dict(shown)) if shown else None
