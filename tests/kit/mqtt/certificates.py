"""A certificate authority for one test run, and the certificates it signs."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)
Key = CertificateIssuerPrivateKeyTypes


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, as PEM files; the key is open to its owner only."""

    cert: Path
    key: Path


class Authority:
    """Signs certificates and writes them into `folder`; `ca` is its own certificate."""

    def __init__(self, folder: Path, name: str, *, days: int = 1) -> None:
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.ca = folder / f"{name}.pem"
        now = datetime.now(UTC)
        builder = self._builder(self._name, now - 2 * DAY, now + days * DAY)
        builder = builder.public_key(self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        self.ca.write_bytes(_pem(builder.sign(self._key, hashes.SHA256())))

    def server(self, name: str, *, host: str, days: int, begins: int = -2) -> Pair:
        """For `host`, a name or an address, from two days ago until `days` from now."""
        try:
            alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            alternative = x509.DNSName(host)
        return self._issue(name, x509.SubjectAlternativeName([alternative]), begins, days)

    def client(self, name: str, *, days: int = 1, begins: int = -2, key: Key | None = None) -> Pair:
        """For a device of this name, with a key of P-256 or this one."""
        return self._issue(name, None, begins, days, key)

    def _issue(
        self,
        name: str,
        names: x509.SubjectAlternativeName | None,
        begins: int,
        days: int,
        own: Key | None = None,
    ) -> Pair:
        key = own or ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(subject, now + begins * DAY, now + days * DAY)
        builder = builder.public_key(key.public_key())
        if names is not None:
            builder = builder.add_extension(names, False)
        pair = Pair(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        pair.cert.write_bytes(_pem(builder.sign(self._key, hashes.SHA256())))
        pair.key.touch(0o600)
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return pair

    def _builder(
        self, subject: x509.Name, begins: datetime, ends: datetime
    ) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder(issuer_name=self._name, subject_name=subject)
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(begins).not_valid_after(ends)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
