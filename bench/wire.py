"""MQTT 5 by hand, for a sender that must cost next to nothing."""

from __future__ import annotations


def publish(topic: str, number: int, payload: str) -> bytes:
    """A PUBLISH of QoS 1."""
    name = topic.encode()
    rest = len(name).to_bytes(2, "big") + name + number.to_bytes(2, "big") + b"\0"
    return b"\x32" + _length(len(rest) + len(payload)) + rest + payload.encode()


def packet(data: bytearray, at: int) -> tuple[int, int, int] | None:
    """Its first byte, where its body begins and where it ends; None: it is not whole."""
    length, shift, place = 0, 0, at + 1
    while place < len(data):
        byte = data[place]
        length |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return (data[at], place, place + length) if place + length <= len(data) else None
    return None


def _length(n: int) -> bytes:
    made = bytearray()
    while True:
        n, low = n >> 7, n & 0x7F
        made.append(low | (0x80 if n else 0))
        if not n:
            return bytes(made)
