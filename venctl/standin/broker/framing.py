"""Converts bytes to packets and back; the bytes may be anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mqtt5

from . import v311

NOBODY_SENDS = "\0"  # MQTT 5, 1.5.4: the receiver closes the connection
TEXTS = (
    *("topic", "pattern", "response_topic", "content_type", "reason_str"),
    *("client_id", "username", "authentication_method"),
)
MAX_PAYLOAD = 128 * 1024
MAX_PACKET = 149_504  # as in the CONNACK of AWS


class MalformedPacket(ValueError):
    """Bytes that are not a valid packet."""


class PacketTooLarge(MalformedPacket):
    """A packet longer than `MAX_PACKET`, according to its header."""


class UnsupportedVersion(MalformedPacket):
    """A CONNECT of an unsupported version of MQTT."""


class PacketStream:
    """The stream of one connection. Returns complete packets and keeps the rest.

    `old`: the first packet was MQTT 3.1.1, so all of them are.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._first = True
        self.old = False

    def read(self, data: bytes) -> Iterator[Any]:
        """The packets that are now complete. Raises `MalformedPacket`."""
        self._rest += data
        while (length := _length(self._rest)) <= len(self._rest):
            whole = bytes(self._rest[:length])
            del self._rest[:length]
            if self._first:
                self._first, self.old = False, v311.is_mqtt311(whole)
                if v311.is_unsupported(whole):
                    raise UnsupportedVersion("neither MQTT 3.1.1 nor MQTT 5")
            yield _packet(v311.to_mqtt5(whole) if self.old else whole)

    def written(self, packet: Any) -> bytes:
        return v311.to_mqtt311(packet) if self.old else bytes(packet.write())


def _length(data: bytearray) -> int:
    """The length of the packet that begins here; if unknown, one byte more than there is."""
    length = 0
    for index in range(1, 5):
        if index >= len(data):
            return len(data) + 1
        length += (data[index] & 0x7F) << (7 * (index - 1))
        if data[index] < 0x80:
            if length > MAX_PACKET:
                raise PacketTooLarge(f"a packet over {MAX_PACKET} bytes")
            return index + 1 + length
    raise MalformedPacket("a length of more than four bytes")


def _packet(whole: bytes) -> Any:
    try:
        packet, length = mqtt5.read(memoryview(whole))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # the codec panics on some invalid UTF-8, which is no Exception
        raise MalformedPacket(str(error)[:80]) from None
    if length != len(whole):
        raise MalformedPacket("a packet shorter than it says")
    if any(NOBODY_SENDS in text for text in _texts(packet)):
        raise MalformedPacket("a text with U+0000")
    return packet


def _texts(packet: Any) -> Iterator[str]:
    """Every text in a client's packet, without its payload."""
    parts = [packet, *getattr(packet, "topic_filters", ()), getattr(packet, "will", None)]
    for part in parts:
        yield from (text for name in TEXTS if isinstance(text := getattr(part, name, None), str))
        yield from (text for pair in getattr(part, "user_properties", None) or () for text in pair)
    yield from getattr(packet, "patterns", ())
