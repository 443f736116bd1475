"""What the broker keeps of a client: subscriptions, messages under way, and those that wait."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

import mqtt5

MAX_QUEUE = 1_000
FOR_EVER = 0xFFFFFFFF


class Wire(Protocol):
    """A client's connection, as its session needs it."""

    def send(self, packet: Any) -> None: ...
    def bye(self, code: Any) -> None: ...
    @property
    def full(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Subscription:
    qos: int
    no_local: bool
    as_published: bool
    number: int | None


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message on its way to one client. `expires` is on the monotonic clock."""

    fields: dict[str, Any]
    expires: float | None

    def packet(self, number: int | None, again: bool) -> Any:
        """The packet as it goes out now, with the expiry that is left; None if it is too late."""
        fields = dict(self.fields)
        if self.expires is not None:
            left = self.expires - time.monotonic()
            if left <= 0:
                return None
            fields["message_expiry_interval"] = max(1, round(left))
        return mqtt5.PublishPacket(packet_id=number, duplicate=again, **fields)


@dataclass(slots=True)
class Session:
    """One client id. It outlives its connection as long as the client asked for."""

    client: str
    wire: Wire | None = None
    expiry_s: int = 0
    will: Any = None
    quota: int = 65_535
    max_packet: int | None = None
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    under_way: dict[int, Parcel] = field(default_factory=dict)
    waiting: deque[Parcel] = field(default_factory=deque)
    dropped: int = 0
    end: asyncio.TimerHandle | None = None
    _last: int = 0

    def deliver(self, parcel: Parcel, qos: int) -> None:
        """Send, or keep: QoS 0 is dropped for who is away or reads too slowly, QoS 1 waits."""
        if qos == 0:
            packet = parcel.packet(None, False)
            if self.wire is not None and not self.wire.full and self._fits(packet):
                self.wire.send(packet)
            return
        if len(self.waiting) >= MAX_QUEUE:
            self.dropped += 1
            return
        self.waiting.append(parcel)
        self.pump()

    def pump(self) -> None:
        """Send what waits, as far as the client's Receive Maximum and its reading allow."""
        while self.wire is not None and self.waiting and len(self.under_way) < self.quota:
            if self.wire.full:
                return
            parcel = self.waiting.popleft()
            number = self._next()
            packet = parcel.packet(number, False)
            if self._fits(packet):
                self.under_way[number] = parcel
                self.wire.send(packet)

    def resume(self) -> None:
        """After a reconnect: what was under way once more, then what waits."""
        for number, parcel in list(self.under_way.items()):
            packet = parcel.packet(number, True)
            if packet is None or self.wire is None:
                del self.under_way[number]
            else:
                self.wire.send(packet)
        self.pump()

    def acked(self, number: int) -> None:
        if self.under_way.pop(number, None) is not None:
            self.pump()

    def _next(self) -> int:
        while True:
            self._last = self._last % 65_535 + 1
            if self._last not in self.under_way:
                return self._last

    def _fits(self, packet: Any) -> bool:
        """MQTT-3.1.2-24: nothing larger than the client said it takes."""
        if packet is None:
            return False
        return self.max_packet is None or len(packet.write()) <= self.max_packet
