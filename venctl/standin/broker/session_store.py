"""The broker's sessions and retained messages on disk, so that they survive a kill.

While the disk works, a change is committed before a client is told (PUBACK, SUBACK, CONNACK).
Commits reach the operating system but not the disk itself: they survive a kill, but the last ones
do not survive a power cut.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mqtt5

from ..disk.database import Key, Rows, SqlTable
from ..disk.writer import FIRST_S, Writer
from .sessions import QueuedMessage, Session, Subscription

ALONE = " WITHOUT ROWID"
TABLES = {
    "session": SqlTable(
        "session", ("client TEXT", "expiry_s INTEGER NOT NULL", "left_s REAL NOT NULL"), 1, ALONE
    ),
    "subscription": SqlTable(
        "subscription",
        (
            *("client TEXT", "pattern TEXT", "qos INTEGER NOT NULL", "no_local INTEGER NOT NULL"),
            # The last column is from earlier versions, and unused.
            *("as_published INTEGER NOT NULL", "number INTEGER"),
        ),
        2,
        ALONE,
    ),
    "letter": SqlTable(
        "letter",
        ("row INTEGER", "client TEXT NOT NULL", "packet BLOB NOT NULL", "expires_s REAL"),
        1,
        "",
    ),
    "retained": SqlTable(
        "retained",
        ("topic TEXT", "packet BLOB NOT NULL", "at_ms INTEGER NOT NULL", "expires_s REAL"),
        1,
        ALONE,
    ),
}
Note = tuple[Any, int, float | None]


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A stored session. `left_s` is when its client left; 0 if it was connected to the end."""

    client: str
    expiry_s: int
    left_s: float
    subscriptions: dict[str, Subscription]
    letters: list[QueuedMessage]


@dataclass(frozen=True, slots=True)
class StoredSessions:
    """The content of the file: sessions with their messages in order of arrival, and retained
    messages: the packet, when it was stored, and when it expires on the monotonic clock.
    """

    sessions: list[StoredSession]
    retained: list[Note]


class SessionStore:
    """Collects changes until `settle`. `clock` returns UTC seconds. For the thread that created it;
    `post` calls a function there.
    """

    def __init__(self, file: Path, clock: Callable[[], float], post: Callable[..., object]) -> None:
        self._clock, self._post = clock, post
        self._hear: Callable[[StoredSessions], object] = _nobody
        self._of: defaultdict[str, dict[Key, None]] = defaultdict(dict)
        # From the clock, so that these come after those in a file that is read later.
        self._last = int(clock() * 1e6)
        self._writer = Writer(
            file, "NORMAL", TABLES, self._read, lambda stored: post(self._learn, stored)
        )

    @property
    def dirty(self) -> bool:
        return self._writer.dirty

    def open(self, hear: Callable[[StoredSessions], object]) -> None:
        """`hear` gets the content of the file, now if the disk answers within 1.5 s, or later."""
        self._hear = hear
        if (stored := self._writer.first(FIRST_S)) is not None:
            self._learn(stored)

    def settle(self) -> None:
        """Commit, so that everything so far survives a kill if the disk works; 50 ms at most."""
        self._writer.settle()

    def settle_behind(self) -> None:
        """Commit in the background."""
        self._writer.settle_behind()

    def close(self) -> None:
        """Write what the disk accepts within half a second, and close."""
        self._writer.close()

    def put(self, client: str, parcel: QueuedMessage) -> int:
        """Keep a message for a client; returns its row."""
        self._last += 1
        packet = bytes(parcel.packet(1).write())
        expires_s = _moved(parcel.expires, self._clock() - time.monotonic())
        self._keep("letter", 1, client, (self._last, client, packet, expires_s))
        return self._last

    def take(self, client: str, row: int) -> None:
        self._let_go(client, ("letter", row), pressing=False)

    def keep_session(self, session: Session) -> None:
        row = session.client, session.expiry_s, session.left_s
        self._writer.put(("session", session.client), row)

    def forget_session(self, client: str) -> None:
        self._writer.drop(("session", client))
        for key in self._of.pop(client, ()):
            self._writer.drop(key)

    def keep_subscription(self, client: str, pattern: str, wanted: Subscription) -> None:
        self._keep("subscription", 2, client, (client, pattern, *asdict(wanted).values(), None))

    def drop_subscription(self, client: str, pattern: str) -> None:
        self._let_go(client, ("subscription", client, pattern))

    def retain(self, packet: Any, at_ms: int, expires: float | None) -> None:
        expires_s = _moved(expires, self._clock() - time.monotonic())
        row = packet.topic, bytes(packet.write()), at_ms, expires_s
        self._writer.put(("retained", packet.topic), row)

    def drop_retained(self, topic: str) -> None:
        self._writer.drop(("retained", topic))

    def _keep(self, table: str, known_by: int, client: str, row: tuple[Any, ...]) -> None:
        key = (table, *row[:known_by])
        self._of[client][key] = None
        self._writer.put(key, row)

    def _let_go(self, client: str, key: Key, pressing: bool = True) -> None:
        self._of[client].pop(key, None)
        if not self._of[client]:
            del self._of[client]
        self._writer.drop(key, pressing)

    def _learn(self, stored: StoredSessions) -> None:
        for kept in stored.sessions:
            mine = self._of[kept.client]
            for pattern in kept.subscriptions:
                mine["subscription", kept.client, pattern] = None
            for parcel in kept.letters:
                mine["letter", parcel.row] = None
                self._last = max(self._last, parcel.row or 0)
        self._hear(stored)

    def _read(self, rows: Rows) -> StoredSessions:
        """Parse the rows. May raise any exception."""
        shift_s = time.monotonic() - self._clock()
        subscriptions: defaultdict[str, dict[str, Subscription]] = defaultdict(dict)
        letters: defaultdict[str, list[QueuedMessage]] = defaultdict(list)
        for client, pattern, qos, no_local, as_published, _ in _of(rows, "subscription"):
            subscription = Subscription(qos, bool(no_local), bool(as_published))
            subscriptions[client][pattern] = subscription
        for row, client, packet, expires_s in sorted(_of(rows, "letter")):
            parcel = QueuedMessage(fields_of(_packet(packet)), _moved(expires_s, shift_s), row)
            letters[client].append(parcel)
        sessions = [
            StoredSession(client, expiry_s, left_s, subscriptions[client], letters[client])
            for client, expiry_s, left_s in _of(rows, "session")
        ]
        retained = [
            (_packet(packet), at_ms, _moved(expires_s, shift_s))
            for _, packet, at_ms, expires_s in _of(rows, "retained")
        ]
        return StoredSessions(sessions, retained)


def fields_of(packet: Any) -> dict[str, Any]:
    """The parts of a PUBLISH that are passed on unchanged: all but packet id and expiry."""
    return {
        "topic": packet.topic,
        "payload": packet.payload,
        "qos": packet.qos,
        "retain": packet.retain,
        "payload_format_indicator": packet.payload_format_indicator,
        "content_type": packet.content_type,
        "response_topic": packet.response_topic,
        "correlation_data": packet.correlation_data,
        "user_properties": packet.user_properties,
    }


def _of(rows: Rows, table: str) -> Iterator[tuple[Any, ...]]:
    return (row for key, row in rows.items() if key[0] == table)


def _packet(packet: bytes) -> Any:
    return mqtt5.read(memoryview(packet))[0]


def _moved(at: float | None, by: float) -> float | None:
    return None if at is None else at + by


def _nobody(stored: StoredSessions) -> None:
    pass
