"""The stand-in's own certificate authority, and its certificates: server, device, operator.

All files are in one folder; only their owner can read the keys. A start renews a certificate long
before it expires, so that one process may run for a year.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ..base.private_files import read_file, write_files
from .server import DEVICE, TlsContexts

log = logging.getLogger(__name__)
OPERATOR = "operator"
CA_DAYS, LEAF_DAYS, RENEW_DAYS = 3650, 800, 400
ALPN = "x-amzn-mqtt-ca"
NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its key, as PEM files."""

    cert: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Identities:
    """The identities for TLS. The VEN is the device; scripts are operators."""

    ca: Path
    server: KeyPair
    device: KeyPair
    operator: KeyPair


@dataclass(frozen=True, slots=True)
class _Authority:
    cert: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class _UnusableFile(Exception):
    """A file that cannot be used, and why."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(f"{file} was {why}")


def identities(folder: Path, now: datetime) -> Identities:
    """The identities in `folder`, created or renewed if due; damaged files are logged.

    If nothing can be written, existing ones stay in use. Raises OSError if one is missing.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    authority = _authority(folder, now)
    pairs = {name: _pair(folder, name, authority, now) for name in ("server", DEVICE, OPERATOR)}
    return Identities(folder / "ca.pem", pairs["server"], pairs[DEVICE], pairs[OPERATOR])


def contexts(who: Identities) -> TlsContexts:
    """TLS contexts: the broker requires a client certificate, as AWS does on port 8883.

    On the data plane a client may use one; otherwise it signs its requests.
    """
    mqtt, data = _context(who), _context(who)
    mqtt.verify_mode = ssl.CERT_REQUIRED
    mqtt.set_alpn_protocols([ALPN])
    return TlsContexts(mqtt, data)


def _context(who: Identities) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(who.server.cert, who.server.key)
    context.load_verify_locations(who.ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _authority(folder: Path, now: datetime) -> _Authority:
    pair = KeyPair(folder / "ca.pem", folder / "ca.key")
    stored, wrong = _read(pair)
    if stored is not None and _lasts(stored.cert, now, LEAF_DAYS):
        return stored
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"stand-in for AWS IoT {now:%Y-%m-%d}")
    builder = _builder(name, name, key, key, now, CA_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
    builder = builder.add_extension(_usage(signs_certificates=True), True)
    made = _Authority(builder.sign(key, hashes.SHA256()), key)
    kept = _renewed(pair, made, stored, now)
    if wrong:
        log.warning("the stand-in created a new CA and new certificates, because %s", wrong)
    return kept


def _pair(folder: Path, name: str, authority: _Authority, now: datetime) -> KeyPair:
    pair = KeyPair(folder / f"{name}.pem", folder / f"{name}.key")
    stored, wrong = _read(pair)
    if stored is not None and not _signed(stored, authority):
        stored = None
    if stored is None or not _lasts(stored.cert, now, RENEW_DAYS):
        _renewed(pair, _issued(name, authority, now), stored, now)
        if wrong:
            log.warning("the stand-in created a new %s certificate, because %s", name, wrong)
    return pair


def _renewed(
    pair: KeyPair, made: _Authority, before: _Authority | None, now: datetime
) -> _Authority:
    """Write new files; returns what is in effect. Raises OSError if nothing usable is."""
    try:
        _write(pair, made)
    except OSError as error:
        if before is None or not _lasts(before.cert, now, 0):
            raise
        log.warning("%s cannot be renewed (%s) and stays in use", pair.cert, error)
        return before
    return made


def _issued(name: str, authority: _Authority, now: datetime) -> _Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(
        _name(name), authority.cert.subject, key, authority.key, now, LEAF_DAYS
    ).add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    purpose = ExtendedKeyUsageOID.CLIENT_AUTH
    if name == "server":
        purpose = ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_alternative(host) for host in NAMES]), False
        )
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), False)
    builder = builder.add_extension(_usage(signs_certificates=False), True)
    return _Authority(builder.sign(authority.key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder(issuer_name=issuer, subject_name=subject)
    builder = builder.serial_number(x509.random_serial_number()).public_key(key.public_key())
    builder = builder.not_valid_before(now - timedelta(days=1))
    builder = builder.not_valid_after(now + timedelta(days=days))
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return builder.add_extension(own, False).add_extension(above, False)


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _lasts(cert: x509.Certificate, now: datetime, days: int) -> bool:
    return (
        cert.not_valid_before_utc <= now and now + timedelta(days=days) <= cert.not_valid_after_utc
    )


def _signed(leaf: _Authority, authority: _Authority) -> bool:
    try:
        leaf.cert.verify_directly_issued_by(authority.cert)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _read(pair: KeyPair) -> tuple[_Authority | None, str]:
    """The usable content; or None and what is wrong, "" if there are no files yet."""
    if not os.path.lexists(pair.cert) and not os.path.lexists(pair.key):
        return None, ""
    try:
        cert, key = _cert_in(pair.cert), _key_in(pair.key)
        # An interrupted write leaves a new key next to an old certificate.
        if cert.public_key() != key.public_key():
            raise _UnusableFile(pair.cert, f"for another key than {pair.key.name}")
        return _Authority(cert, key), ""
    except OSError as error:
        return None, f"{error.filename} could not be read: {error.strerror}"
    except _UnusableFile as error:
        return None, str(error)


def _cert_in(file: Path) -> x509.Certificate:
    content = read_file(file).content
    try:
        return x509.load_pem_x509_certificate(content)
    except ValueError:
        raise _UnusableFile(file, "damaged" if content.strip() else "empty") from None


def _key_in(file: Path) -> ec.EllipticCurvePrivateKey:
    file_content = read_file(file)
    if file_content.exposed:
        raise _UnusableFile(file, file_content.exposed)
    try:
        key = serialization.load_pem_private_key(file_content.content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _UnusableFile(file, "damaged" if file_content.content.strip() else "empty") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _UnusableFile(file, "not an elliptic-curve key")
    return key


def _write(pair: KeyPair, made: _Authority) -> None:
    plain = serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    write_files(
        {
            pair.key: made.key.private_bytes(pem, pkcs8, plain),
            pair.cert: made.cert.public_bytes(pem),
        }
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
