"""The broker's sessions and retained messages on disk, so that they outlive a kill.

What a client was told (PUBACK, SUBACK, CONNACK) is committed before it is told. Commits reach the
operating system, not the platter: they survive a kill, the last of them not a power cut.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mqtt5

from .database import open_database
from .sessions import Parcel, Session, Subscription

SCHEMA = """
CREATE TABLE IF NOT EXISTS session (
  client TEXT PRIMARY KEY, expiry_s INTEGER NOT NULL, left_s REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subscription (
  client TEXT, pattern TEXT, qos INTEGER NOT NULL, no_local INTEGER NOT NULL,
  as_published INTEGER NOT NULL, number INTEGER, PRIMARY KEY (client, pattern)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS letter (
  row INTEGER PRIMARY KEY, client TEXT NOT NULL, packet BLOB NOT NULL, expires_s REAL);
CREATE INDEX IF NOT EXISTS letter_client ON letter (client);
CREATE TABLE IF NOT EXISTS retained (
  topic TEXT PRIMARY KEY, packet BLOB NOT NULL, at_ms INTEGER NOT NULL, expires_s REAL);
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A session as it was found. `left_s`: when its client left; 0 if it was there to the end."""

    client: str
    expiry_s: int
    left_s: float
    subscriptions: dict[str, Subscription]
    letters: list[Parcel]


class Shelf:
    """Changes gather until `commit`. `clock` tells UTC seconds. For the thread that made it."""

    def __init__(self, file: Path, clock: Callable[[], float]) -> None:
        self._db = open_database(file, "NORMAL", SCHEMA)
        self._clock = clock
        self._last: int = self._db.execute("SELECT coalesce(max(row), 0) FROM letter").fetchone()[0]

    @property
    def dirty(self) -> bool:
        return self._db.in_transaction

    def commit(self) -> None:
        """Everything so far survives a kill. Raises sqlite3.Error, and then it does not."""
        if not self._db.in_transaction:
            return
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error:
            self._db.rollback()
            raise

    def close(self) -> None:
        self.commit()
        self._db.close()

    def put(self, client: str, parcel: Parcel) -> int:
        """Keep a message for a client; answers its row."""
        self._last += 1
        packet = bytes(parcel.packet(1).write())
        expires_s = _moved(parcel.expires, self._clock() - time.monotonic())
        self._do("INSERT INTO letter VALUES (?, ?, ?, ?)", self._last, client, packet, expires_s)
        return self._last

    def take(self, row: int) -> None:
        self._do("DELETE FROM letter WHERE row = ?", row)

    def keep_session(self, session: Session) -> None:
        row = session.client, session.expiry_s, session.left_s
        self._do("INSERT OR REPLACE INTO session VALUES (?, ?, ?)", *row)

    def forget_session(self, client: str) -> None:
        for table in ("session", "subscription", "letter"):
            self._do(f"DELETE FROM {table} WHERE client = ?", client)

    def keep_subscription(self, client: str, pattern: str, wanted: Subscription) -> None:
        row = client, pattern, *asdict(wanted).values()
        self._do("INSERT OR REPLACE INTO subscription VALUES (?, ?, ?, ?, ?, ?)", *row)

    def drop_subscription(self, client: str, pattern: str) -> None:
        self._do("DELETE FROM subscription WHERE client = ? AND pattern = ?", client, pattern)

    def retain(self, packet: Any, at_ms: int, expires: float | None) -> None:
        expires_s = _moved(expires, self._clock() - time.monotonic())
        row = packet.topic, bytes(packet.write()), at_ms, expires_s
        self._do("INSERT OR REPLACE INTO retained VALUES (?, ?, ?, ?)", *row)

    def drop_retained(self, topic: str) -> None:
        self._do("DELETE FROM retained WHERE topic = ?", topic)

    def retained(self) -> Iterator[tuple[Any, int, float | None]]:
        """Packet, when it was stored, and when it expires on the monotonic clock."""
        rows = self._db.execute("SELECT packet, at_ms, expires_s FROM retained").fetchall()
        for packet, at_ms, expires_s in rows:
            yield _read(packet), at_ms, _moved(expires_s, time.monotonic() - self._clock())

    def sessions(self) -> Iterator[Kept]:
        """Every session, with its messages in the order they came."""
        rows = self._db.execute("SELECT client, expiry_s, left_s FROM session").fetchall()
        for client, expiry_s, left_s in rows:
            subscriptions, letters = self._subscriptions(client), self._letters(client)
            yield Kept(client, expiry_s, left_s, subscriptions, letters)

    def _subscriptions(self, client: str) -> dict[str, Subscription]:
        query = (
            "SELECT pattern, qos, no_local, as_published, number FROM subscription WHERE client = ?"
        )
        return {
            pattern: Subscription(qos, bool(no_local), bool(as_published), number)
            for pattern, qos, no_local, as_published, number in self._db.execute(query, (client,))
        }

    def _letters(self, client: str) -> list[Parcel]:
        query = "SELECT row, packet, expires_s FROM letter WHERE client = ? ORDER BY row"
        rows = self._db.execute(query, (client,)).fetchall()
        shift = time.monotonic() - self._clock()
        return [
            Parcel(fields_of(_read(packet)), _moved(expires_s, shift), row)
            for row, packet, expires_s in rows
        ]

    def _do(self, statement: str, *values: object) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN")
        self._db.execute(statement, values)


def fields_of(packet: Any) -> dict[str, Any]:
    """What of a PUBLISH is passed on as it came; its number and its expiry are not."""
    return {
        "topic": packet.topic,
        "payload": packet.payload,
        "qos": packet.qos,
        "retain": packet.retain,
        "payload_format_indicator": packet.payload_format_indicator,
        "content_type": packet.content_type,
        "response_topic": packet.response_topic,
        "correlation_data": packet.correlation_data,
        "subscription_ids": packet.subscription_ids or None,
        "user_properties": packet.user_properties,
    }


def _read(packet: bytes) -> Any:
    return mqtt5.read(memoryview(packet))[0]


def _moved(at: float | None, by: float) -> float | None:
    return None if at is None else at + by
