"""Retained messages: one per topic, kept until it expires or is cleared."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .session_store import SessionStore

MAX_MESSAGES = 1_000
MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class RetainedMessage:
    """`at_ms` is UTC; `expires` is on the monotonic clock, infinity for never."""

    packet: Any
    at_ms: int
    expires: float


class RetainedMessages:
    """All retained messages. `clock` returns UTC seconds."""

    def __init__(self, shelf: SessionStore, clock: Callable[[], float]) -> None:
        self._shelf, self._clock = shelf, clock
        self._notes: dict[str, RetainedMessage] = {}
        self._bytes = 0

    def restore(self, packet: Any, at_ms: int, expires: float | None) -> None:
        """Restore a stored message, unless a newer one has arrived on its topic."""
        if packet.topic not in self._notes and self.room_for(packet):
            self._put(RetainedMessage(packet, at_ms, float("inf") if expires is None else expires))

    def keep(self, packet: Any, expires: float | None) -> None:
        """Replace the message of the topic; an empty payload clears it."""
        self._drop(packet.topic)
        if packet.payload:
            at_ms = int(self._clock() * 1000)
            self._put(RetainedMessage(packet, at_ms, float("inf") if expires is None else expires))
            self._shelf.retain(packet, at_ms, expires)

    def room_for(self, packet: Any) -> bool:
        """Whether the message fits within the limits."""
        known = packet.topic in self._notes or len(self._notes) < MAX_MESSAGES
        return not packet.payload or (known and self._bytes + len(packet.payload) <= MAX_BYTES)

    def on(self, topic: str) -> RetainedMessage | None:
        note = self._notes.get(topic)
        if note is not None and note.expires <= time.monotonic():
            self._drop(topic)
            return None
        return note

    def all(self) -> list[RetainedMessage]:
        """All messages, sorted by topic."""
        return [note for topic in sorted(self._notes) if (note := self.on(topic))]

    def _put(self, note: RetainedMessage) -> None:
        self._notes[note.packet.topic] = note
        self._bytes += len(note.packet.payload)

    def _drop(self, topic: str) -> None:
        if (note := self._notes.pop(topic, None)) is not None:
            self._bytes -= len(note.packet.payload)
            self._shelf.drop_retained(topic)
