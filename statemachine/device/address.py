"""Addresses as people write them, and the one spelling in which they are compared.

A message never repeats an address: it may hold a password.
"""

from __future__ import annotations

import re

PORTS = {"modbus": 502, "mqtt": 1883, "ocpp": 8887}
TLS_PORT = 8883
_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})"
_SIX = r"[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9]+)?"
_HOST = re.compile(rf"(?:({_NAME})|\[({_SIX})\])(?::(\d{{1,5}}))?")
_BARE_SIX = re.compile(_SIX)
_URL = re.compile(r"(?i:(https?)://)?([^/?#]+)((?:/[A-Za-z0-9._~-]+)*)/?")
_BACNET = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,6})?(?::\d{1,5})?")


def address(speaks: str, text: str, tls: bool = False) -> str:
    """Where a link leads: `http://192.168.1.40`, or host and port. Raises ValueError with a
    message for people.
    """
    if "@" in text:
        raise ValueError(
            "an address has no user and no password in it; write `username` and `password`"
        )
    if speaks == "http":
        return _url(text)
    if speaks == "bacnet":
        if not _BACNET.fullmatch(text):
            raise ValueError("this is no BACnet address; write it like 192.168.1.9/24:47808")
        return text
    port = TLS_PORT if speaks == "mqtt" and tls else PORTS[speaks]
    return _host(text, port, f"192.168.1.20:{port}")


def _url(text: str) -> str:
    match = _URL.fullmatch(text)
    if match is None:
        raise ValueError("this is no address; write it like 192.168.1.40 or http://plug.local:8080")
    scheme, host, path = match.groups()
    return f"{(scheme or 'http').lower()}://{_host(host, None, '192.168.1.40')}{path}"


def _host(text: str, port: int | None, example: str) -> str:
    if _BARE_SIX.fullmatch(text):
        text = f"[{text}]"
    match = _HOST.fullmatch(text)
    if match is None:
        raise ValueError(f"this is no address; write it like {example}")
    name, six, given = match.groups()
    number = port if given is None else int(given)
    if number is not None and not 1 <= number <= 65_535:
        raise ValueError(f"{number} is no port; write 1 to 65535")
    host = f"[{six.lower()}]" if six else name.lower()
    return host if number is None else f"{host}:{number}"
