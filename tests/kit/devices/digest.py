"""Digest authentication as a Shelly asks for it: SHA-256, user `admin`, nonces good till reboot."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any
from urllib.request import parse_http_list, parse_keqv_list

from aiohttp import web

USER = "admin"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Digest:
    """Knows one password; hands out nonces."""

    def __init__(self, realm: str, password: str) -> None:
        self._realm, self._password = realm, password
        self._nonces: set[str] = set()

    def forget(self) -> None:
        """After a reboot no old nonce counts."""
        self._nonces.clear()

    def lets_in(self, request: web.BaseRequest) -> bool:
        """Whether the header proves the password."""
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "digest":
            return False
        said = parse_keqv_list(parse_http_list(rest))
        ha2 = _hash(f"{request.method}:{said.get('uri', '')}")
        return said.get("uri") == request.raw_path and self._proves(said, said.get("nc", ""), ha2)

    def lets_frame_in(self, frame: dict[str, Any]) -> bool:
        """Whether the `auth` inside a JSON-RPC frame proves the password."""
        said = frame.get("auth") or {}
        return self._proves(said, str(said.get("nc", "")), _hash("dummy_method:dummy_uri"))

    def challenge(self) -> dict[str, Any]:
        """As it stands in the error of a frame."""
        return {
            "auth_type": "digest",
            "nonce": self._nonce(),
            "nc": 1,
            "realm": self._realm,
            "algorithm": "SHA-256",
        }

    def refusal(self) -> web.Response:
        """As HTTP has it."""
        wanted = f'Digest qop="auth", realm="{self._realm}", nonce="{self._nonce()}"'
        return web.Response(
            status=401, headers={"WWW-Authenticate": f"{wanted}, algorithm=SHA-256"}
        )

    def _nonce(self) -> str:
        nonce = secrets.token_hex(4)
        self._nonces.add(nonce)
        return nonce

    def _proves(self, said: dict[str, Any], nc: str, ha2: str) -> bool:
        if said.get("nonce") not in self._nonces or said.get("username") != USER:
            return False
        ha1 = _hash(f"{USER}:{self._realm}:{self._password}")
        wanted = _hash(f"{ha1}:{said['nonce']}:{nc}:{said.get('cnonce', '')}:auth:{ha2}")
        return secrets.compare_digest(wanted, str(said.get("response", "")))
