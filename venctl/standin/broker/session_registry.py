"""The broker's sessions: they begin, are taken over, wait for their client, and end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import mqtt5

from .policy_rights import AllowAll, Rights
from .session_store import SessionStore, StoredSession
from .sessions import MAX_UNDER_WAY, ByteBudget, ClientChannel, Session, Subscription
from .topics import TopicFilters, is_name

MAX_SESSIONS = 1_000
LONGEST_S = 3_600
MAX_CLIENT_ID_BYTES = 128
RightsOf = Callable[[str, str | None, frozenset[str]], Rights]


class ConnectRefused(Exception):
    """A refused CONNECT; `code` goes into the CONNACK."""

    def __init__(self, code: Any) -> None:
        super().__init__(code.name)
        self.code = code


class SessionRegistry:
    """All sessions. `rights_of` takes a client's id, the name in its certificate, and attributes.

    `speak` publishes the will of a client. After a kill, the clients of restored sessions count as
    gone since the restart.
    """

    def __init__(
        self,
        shelf: SessionStore,
        clock: Callable[[], float],
        rights_of: RightsOf,
        speak: Callable[[Any, str], None],
    ) -> None:
        self._shelf, self._clock, self._rights_of, self._speak = shelf, clock, rights_of, speak
        self._loop = asyncio.get_running_loop()
        self._auto, self._room = count(1), ByteBudget()
        self.filters: TopicFilters[str, Subscription] = TopicFilters()
        self.sessions: dict[str, Session] = {}

    def restore(self, kept: StoredSession) -> None:
        """Restore a stored session, unless its client has begun a new one."""
        left_s = kept.left_s or self._clock()
        wait_s = left_s + kept.expiry_s - self._clock()
        there = self.sessions.get(kept.client)
        if there is not None or wait_s <= 0 or len(self.sessions) >= MAX_SESSIONS:
            self._shelf.forget_session(kept.client)
            if there is not None and there.expiry_s:
                self._shelf.keep_session(there)
                self._keep_all(there)
            return
        session = self._new(kept.client)
        session.subscriptions, session.expiry_s = kept.subscriptions, kept.expiry_s
        for pattern, wanted in kept.subscriptions.items():
            self.filters.put(pattern, kept.client, wanted)
        for parcel in kept.letters:
            session.wait(parcel)
        session.left_s = left_s
        self._shelf.keep_session(session)
        session.end = self._loop.call_later(wait_s, self._forget, session)

    def connect(self, packet: Any, wire: ClientChannel, name: str | None) -> tuple[Session, bool]:
        """The session of a CONNECT, and whether it was there before. Raises `ConnectRefused`."""
        client = str(packet.client_id) or f"auto-{next(self._auto)}-{time.monotonic_ns():x}"
        rights = self._rights_of(client, name, _attributes(packet))
        _check(client, packet.will, rights)
        old = self.sessions.get(client)
        if old is not None:
            self._take_over(old, packet.clean_start)
        if old is not None and packet.clean_start:
            self._forget(old)
            old = None
        session = old or self._new(client)
        session.wire, session.will, session.rights = wire, packet.will, rights
        session.quota = min(packet.receive_max or MAX_UNDER_WAY, MAX_UNDER_WAY)
        session.max_packet = packet.max_packet_size
        self._set_expiry(session, packet.session_expiry_interval or 0)
        return session, old is not None

    def goodbye(self, session: Session, packet: Any) -> None:
        """Handle DISCONNECT. It may end a session, but not make a temporary one permanent."""
        if int(packet.reason_code) == 0:
            session.will = None
        if packet.session_expiry_interval is not None and session.expiry_s:
            self._set_expiry(session, packet.session_expiry_interval)

    def leave(self, session: Session, wire: ClientChannel) -> None:
        """Handle a closed connection; publishes the will, unless it was withdrawn."""
        if session.wire is not wire:
            return
        session.wire = None
        if delay_s := min(_delay_s(session), session.expiry_s):
            session.speaking = self._loop.call_later(delay_s, self._speak_will, session)
        else:
            self._speak_will(session)
        self._wait_for(session, session.expiry_s)

    def close(self) -> None:
        """Disconnect every client; its session waits from now on."""
        for session in list(self.sessions.values()):
            for timer in (session.end, session.speaking):
                if timer is not None:
                    timer.cancel()
            if session.wire is not None:
                session.left_s = self._clock()
                if session.expiry_s:
                    self._shelf.keep_session(session)
                session.wire.bye(mqtt5.DisconnectReasonCode.SERVER_SHUTTING_DOWN)

    def _new(self, client: str) -> Session:
        if len(self.sessions) >= MAX_SESSIONS:
            absent = [session for session in self.sessions.values() if session.wire is None]
            if not absent:
                raise ConnectRefused(mqtt5.ConnAckReasonCode.QUOTA_EXCEEDED)
            self._forget(min(absent, key=lambda session: session.left_s))
        session = Session(client, self._shelf, AllowAll(), self._room)
        return self.sessions.setdefault(client, session)

    def _take_over(self, old: Session, clean: bool) -> None:
        if old.wire is not None:
            there, old.wire = old.wire, None
            there.bye(mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER)
            if clean or not _delay_s(old):
                self._speak_will(old)
        for timer in (old.end, old.speaking):
            if timer is not None:
                timer.cancel()
        old.end = old.speaking = None

    def _set_expiry(self, session: Session, asked_s: int) -> None:
        before, session.expiry_s = session.expiry_s, min(asked_s, LONGEST_S)
        session.left_s = 0.0
        if session.expiry_s:
            self._shelf.keep_session(session)
            if not before:
                self._keep_all(session)
        elif before:
            self._shelf.forget_session(session.client)
            for parcel in (*session.under_way.values(), *session.waiting):
                parcel.row = None

    def _keep_all(self, session: Session) -> None:
        for pattern, wanted in session.subscriptions.items():
            self._shelf.keep_subscription(session.client, pattern, wanted)
        for parcel in (*session.under_way.values(), *session.waiting):
            if not parcel.late:
                parcel.row = self._shelf.put(session.client, parcel)

    def _wait_for(self, session: Session, expiry_s: int) -> None:
        if expiry_s == 0:
            self._forget(session)
            return
        session.left_s = self._clock()
        self._shelf.keep_session(session)
        session.end = self._loop.call_later(expiry_s, self._forget, session)

    def _forget(self, session: Session) -> None:
        if session.wire is None:
            self._speak_will(session)
        for pattern in session.subscriptions:
            self.filters.drop(pattern, session.client)
        session.clear()
        if session.expiry_s:
            self._shelf.forget_session(session.client)
        if self.sessions.get(session.client) is session:
            del self.sessions[session.client]

    def _speak_will(self, session: Session) -> None:
        will, session.will = session.will, None
        if will is not None:
            self._speak(will, session.client)


def _check(client: str, will: Any, rights: Rights) -> None:
    codes = mqtt5.ConnAckReasonCode
    if client.startswith("$") or len(client.encode()) > MAX_CLIENT_ID_BYTES:
        raise ConnectRefused(codes.CLIENT_ID_NOT_VALID)
    if not rights.may("iot:Connect", f"client/{client}"):
        raise ConnectRefused(codes.NOT_AUTHORIZED)
    if will is None:
        return
    if not is_name(will.topic):
        raise ConnectRefused(codes.TOPIC_NAME_INVALID)
    if int(will.qos) == 2:
        raise ConnectRefused(codes.QUALITY_NOT_SUPPORTED)
    if not may_publish(rights, will.topic, will.retain):
        raise ConnectRefused(codes.NOT_AUTHORIZED)


def may_publish(rights: Rights, topic: str, retain: bool) -> bool:
    """Whether these rights allow the message or will."""
    on = f"topic/{topic}"
    return rights.may("iot:Publish", on) and (not retain or rights.may("iot:RetainPublish", on))


def _attributes(packet: Any) -> frozenset[str]:
    lasting = not packet.clean_start or packet.session_expiry_interval
    named = {"PersistentConnect": lasting, "LastWill": packet.will is not None}
    return frozenset(name for name, used in named.items() if used)


def _delay_s(session: Session) -> int:
    return session.will.will_delay_interval or 0 if session.will else 0
