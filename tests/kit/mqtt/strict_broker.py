"""The stand-in's broker with a policy, as AWS IoT has one: what is not allowed is refused."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

import mqtt5

from venctl.standin.broker.broker import Broker
from venctl.standin.broker.connection import MOST, Connection
from venctl.standin.broker.policy_rights import AllowAll
from venctl.standin.broker.session_store import SessionStore
from venctl.standin.broker.sessions import Session
from venctl.standin.shadow.service import ShadowService
from venctl.standin.shadow.topics import ShadowTopics
from web.http.admission import Admission

NOT_ALLOWED = mqtt5.ConnAckReasonCode.NOT_AUTHORIZED


class StrictBroker:
    """In a thread of its own, on a free port.

    `denied` topics are answered with a PUBACK or a SUBACK that says so, `fatal` ones with a
    DISCONNECT. With `barred` nobody gets in at all. All of them may be changed while it runs.
    """

    def __init__(
        self,
        denied: Collection[str] = (),
        fatal: Collection[str] = (),
        retained: bool = True,
        will: bool = True,
        barred: bool = False,
    ) -> None:
        self.denied, self.fatal, self.retained = denied, fatal, retained
        self.will, self.barred = will, barred
        self.connects: list[tuple[str, float, bool]] = []
        self.published: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.port: int = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)

    def connected(self, client: str) -> list[bool]:
        """Whether each CONNECT of this client carried a will."""
        return [with_will for name, _, with_will in self.connects if name == client]

    def sessions(self) -> list[str]:
        """The clients it keeps something for."""
        return list(self._broker.roster.sessions)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._broker.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    async def _open(self) -> int:
        shelf = SessionStore(Path(":memory:"), time.time, self._loop.call_soon_threadsafe)
        self._broker = Broker(shelf, time.time, lambda *_: AllowAll())
        service = ShadowService({}, time.time)
        self._broker.service = ShadowTopics(self._broker, service, None)
        admission: Admission[Connection] = Admission(MOST, MOST)
        server = await self._loop.create_server(
            lambda: _Strict(self, self._broker, admission), "127.0.0.1", 0
        )
        port: int = server.sockets[0].getsockname()[1]
        return port


class _Strict(Connection):
    def __init__(
        self, policy: StrictBroker, broker: Broker, admission: Admission[Connection]
    ) -> None:
        super().__init__(broker, admission)
        self._policy = policy

    def _connect(self, packet: Any) -> None:
        policy = self._policy
        with_will = packet.will is not None
        policy.connects.append((packet.client_id, time.monotonic(), with_will))
        if policy.barred or (with_will and not policy.will):
            self.send(mqtt5.ConnAckPacket(reason_code=NOT_ALLOWED))
            self._flush()
            self._transport.close()
        else:
            super()._connect(packet)

    def _subscribe(self, session: Session, packet: Any) -> None:
        if any(wanted.pattern in self._policy.denied for wanted in packet.topic_filters):
            code = mqtt5.SubAckReasonCode.NOT_AUTHORIZED
            self.send(mqtt5.SubAckPacket(packet.packet_id, [code] * len(packet.topic_filters)))
        else:
            super()._subscribe(session, packet)

    def _publish(self, session: Session, packet: Any) -> None:
        policy, topic = self._policy, packet.topic
        policy.published.append(topic)
        if topic in policy.fatal or (packet.retain and not policy.retained):
            self.bye(mqtt5.DisconnectReasonCode.NOT_AUTHORIZED)
        elif topic in policy.denied:
            code = mqtt5.PubAckReasonCode.NOT_AUTHORIZED
            self.send(mqtt5.PubAckPacket(packet.packet_id, reason_code=code))
        else:
            super()._publish(session, packet)
