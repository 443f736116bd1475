"""Bytes to packets and back, whatever the bytes are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mqtt5

from . import v311

MAX_PACKET = 128 * 1024 + 1024


class Malformed(ValueError):
    """Bytes that are no packet of the protocol."""


class Packets:
    """One connection's stream. Whole packets come out, the rest waits for more.

    `old`: the first packet was one of MQTT 3.1.1, so all of them are.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._first = True
        self.old = False

    def read(self, data: bytes) -> Iterator[Any]:
        """The packets that are now complete. Raises `Malformed`."""
        self._rest += data
        while (length := _length(self._rest)) <= len(self._rest):
            whole = bytes(self._rest[:length])
            del self._rest[:length]
            if self._first:
                self._first, self.old = False, v311.is_old(whole)
            yield _packet(v311.modern(whole) if self.old else whole)

    def written(self, packet: Any) -> bytes:
        return v311.old(packet) if self.old else bytes(packet.write())


def _length(data: bytearray) -> int:
    """How long the packet is that begins here, as far as can be told: at least one byte more."""
    length = 0
    for place in range(1, 5):
        if place >= len(data):
            return len(data) + 1
        length += (data[place] & 0x7F) << (7 * (place - 1))
        if data[place] < 0x80:
            if length > MAX_PACKET:
                raise Malformed("a packet over 128 KB")
            return place + 1 + length
    raise Malformed("a length of more than four bytes")


def _packet(whole: bytes) -> Any:
    try:
        packet, length = mqtt5.read(memoryview(whole))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # the codec panics on some bad UTF-8, past Exception
        raise Malformed(str(error)[:80]) from None
    if length != len(whole):
        raise Malformed("a packet shorter than it says")
    return packet
