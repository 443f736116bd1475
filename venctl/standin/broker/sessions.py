"""What the broker keeps of a client: subscriptions, messages in flight, and waiting ones."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

import mqtt5

from .policy_rights import Rights

MAX_WAITING = 1_000
MAX_WAITING_BYTES = 8 * 1024 * 1024
MAX_TOGETHER_BYTES = 64 * 1024 * 1024
MAX_UNDER_WAY = 100
MAX_BEHIND, BEHIND_S = 250, 0.3  # waiting messages of a connected client that is too slow


class ClientChannel(Protocol):
    """A client's connection, as its session needs it."""

    def send(self, packet: Any) -> None: ...
    def bye(self, code: Any) -> None: ...
    @property
    def full(self) -> bool: ...


class MessageStore(Protocol):
    """Stores messages for clients whose sessions outlive their connections."""

    def put(self, client: str, parcel: QueuedMessage) -> int: ...
    def take(self, client: str, row: int) -> None: ...


@dataclass(slots=True)
class ByteBudget:
    """The size of the waiting messages of all clients, in bytes."""

    taken: int = 0


@dataclass(frozen=True, slots=True)
class Subscription:
    qos: int
    no_local: bool
    as_published: bool


@dataclass(slots=True)
class QueuedMessage:
    """A message on its way to one client. `expires` and `since`, when it came, are on the monotonic
    clock, `row` is on disk.
    """

    fields: dict[str, Any]
    expires: float | None
    row: int | None = None
    done: bool = False
    size: int = field(init=False)
    since: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.size = size_of(self.fields["topic"], self.fields["payload"])

    @property
    def late(self) -> bool:
        return self.expires is not None and self.expires <= time.monotonic()

    def packet(self, number: int | None) -> Any:
        """The packet to send now, with the remaining expiry."""
        if self.expires is None:
            return mqtt5.PublishPacket(packet_id=number, **self.fields)
        expiry_s = max(1, round(self.expires - time.monotonic()))
        return mqtt5.PublishPacket(
            packet_id=number, message_expiry_interval=expiry_s, **self.fields
        )


@dataclass(slots=True)
class Session:
    """The session of one client id. It outlives its connection for as long as the client asked."""

    client: str
    letters: MessageStore
    rights: Rights
    room: ByteBudget
    wire: ClientChannel | None = None
    expiry_s: int = 0
    will: Any = None
    quota: int = MAX_UNDER_WAY
    max_packet: int | None = None
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    under_way: dict[int, QueuedMessage] = field(default_factory=dict)
    waiting: deque[QueuedMessage] = field(default_factory=deque)
    waiting_bytes: int = 0
    dropped: int = 0
    left_s: float = 0.0
    end: asyncio.TimerHandle | None = None
    speaking: asyncio.TimerHandle | None = None
    _last: int = 0

    def deliver(self, parcel: QueuedMessage, qos: int) -> None:
        """Send a message. For a client that is away or slow, QoS 1 waits and QoS 0 is dropped."""
        if qos == 0:
            if self.wire is not None and not self.wire.full:
                self._send(parcel, None)
            return
        if not self.has_room_for(parcel.size):
            self.dropped += 1
            return
        self.wait(parcel)
        self.send_waiting()
        if (
            self.expiry_s and not parcel.done
        ):  # stored after it is sent, before its sender gets the PUBACK
            parcel.row = self.letters.put(self.client, parcel)

    def has_room_for(self, size: int) -> bool:
        """Whether a message of `size` bytes can wait."""
        return (
            len(self.waiting) < MAX_WAITING
            and self.waiting_bytes + size <= MAX_WAITING_BYTES
            and self.room.taken + size <= MAX_TOGETHER_BYTES
        )

    @property
    def behind(self) -> bool:
        """Whether it is connected and does not keep up: what comes next would wait for long."""
        if self.wire is None or len(self.waiting) < MAX_BEHIND:
            return False
        return time.monotonic() - self.waiting[0].since > BEHIND_S

    def wait(self, parcel: QueuedMessage) -> None:
        """Add a message at the end of the queue."""
        self.waiting.append(parcel)
        self._count(parcel.size)

    def send_waiting(self) -> None:
        """Send waiting messages, within the client's Receive Maximum and while it reads."""
        while self.wire is not None and self.waiting and len(self.under_way) < self.quota:
            if self.wire.full:
                return
            parcel = self.waiting.popleft()
            self._count(-parcel.size)
            number = self._next()
            if self._send(parcel, number):
                self.under_way[number] = parcel
            else:
                self._done(parcel)

    def resume(self) -> None:
        """After a reconnect, resend messages in flight, then send waiting ones.

        As at AWS IoT, a resent message has another packet id and no DUP flag.
        """
        again, self.under_way = list(self.under_way.values()), {}
        self.waiting.extendleft(reversed(again))
        self._count(sum(parcel.size for parcel in again))
        self.send_waiting()

    def clear(self) -> None:
        """Drop all waiting messages."""
        self.waiting.clear()
        self._count(-self.waiting_bytes)

    def acked(self, number: int) -> None:
        if (parcel := self.under_way.pop(number, None)) is not None:
            self._done(parcel)
            self.send_waiting()

    def _count(self, size: int) -> None:
        self.waiting_bytes += size
        self.room.taken += size

    def _done(self, parcel: QueuedMessage) -> None:
        parcel.done = True
        if parcel.row is not None:
            self.letters.take(self.client, parcel.row)

    def _next(self) -> int:
        while True:
            self._last = self._last % 65_535 + 1
            if self._last not in self.under_way:
                return self._last

    def _send(self, parcel: QueuedMessage, number: int | None) -> bool:
        """Send a message; False if it expired, is not permitted, or is too large for the client."""
        if parcel.late or self.wire is None:
            return False
        if not self.rights.may("iot:Receive", f"topic/{parcel.fields['topic']}"):
            return False
        packet = parcel.packet(number)
        if self.max_packet is not None and len(packet.write()) > self.max_packet:
            return False
        self.wire.send(packet)
        return True


def size_of(topic: str, payload: bytes) -> int:
    """The size of a message for these limits, in bytes."""
    return len(payload) + len(topic)
