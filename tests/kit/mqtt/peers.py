"""A paho client that keeps what it hears, and raw MQTT 5 over a socket."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

import mqtt5
import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.kit.process.site import until


class Peer:
    """One client. `clean`: its session ends with its connection; else 300 s later.

    `tls`: CA, certificate and key.
    """

    def __init__(
        self,
        port: int,
        name: str,
        *,
        clean: bool = True,
        tls: tuple[Path, Path, Path] | None = None,
        version: int = mqtt.MQTTv5,
        **will: Any,
    ) -> None:
        self.heard: list[mqtt.MQTTMessage] = []
        self.let_in: list[tuple[bool, Any]] = []
        self.lost: list[Any] = []
        self.granted: list[list[Any]] = []
        self.acked: dict[int, Any] = {}
        old = {} if version == mqtt.MQTTv5 else {"clean_session": clean}
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=version, **old
        )
        if will:
            self.client.will_set(**will)
        if tls is not None:
            ca, cert, key = map(str, tls)
            self.client.tls_set(ca, cert, key, tls_version=ssl.PROTOCOL_TLS_CLIENT)
        self.client.on_message = lambda c, d, message: self.heard.append(message)
        self.client.on_connect = lambda c, d, flags, reason, p: self.let_in.append(
            (flags.session_present, reason)
        )
        self.client.on_disconnect = lambda c, d, f, reason, p: self.lost.append(reason)
        self.client.on_subscribe = lambda c, d, m, codes, p: self.granted.append(codes)
        self.client.on_publish = lambda c, d, number, reason, p: self.acked.update({number: reason})
        fresh: dict[str, Any] = {}
        if version == mqtt.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 0 if clean else 300
            fresh = {"clean_start": clean, "properties": properties}
        self.client.connect("127.0.0.1", port, **fresh)
        self.client.loop_start()
        until(lambda: self.let_in or self.lost, "CONNACK")

    @property
    def present(self) -> bool:
        """Whether the broker still had a session."""
        return self.let_in[-1][0]

    def subscribe(self, topic: str, **options: Any) -> Any:
        """The reason code of the SUBACK."""
        before = len(self.granted)
        self.client.subscribe(topic, options=SubscribeOptions(qos=1, **options))
        until(lambda: len(self.granted) > before, "SUBACK")
        return self.granted[-1][0].value

    def publish(self, topic: str, payload: bytes, retain: bool = False, **more: Any) -> Any:
        """The reason code of the PUBACK."""
        properties = None
        if more:
            properties = Properties(PacketTypes.PUBLISH)
            for name, value in more.items():
                setattr(properties, name, value)
        sent = self.client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        until(lambda: sent.mid in self.acked, "PUBACK")
        return self.acked[sent.mid].value

    def topics(self) -> list[str]:
        return [message.topic for message in self.heard]

    def cut(self) -> None:
        """Gone without a goodbye."""
        self.client.loop_stop()
        self.client.socket().close()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Raw:
    """MQTT 5 packet by packet, for what no client library does."""

    def __init__(self, port: int, name: str, **connect: Any) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self._rest = b""
        self.send(mqtt5.ConnectPacket(client_id=name, **{"clean_start": True, **connect}))
        self.let_in = self.next()

    def send(self, packet: Any) -> None:
        self.socket.sendall(bytes(packet.write()))

    def next(self) -> Any:
        """The next packet; None once the other side has closed."""
        while True:
            try:
                packet, length = mqtt5.read(memoryview(self._rest))
            except IndexError:
                if not (more := self.socket.recv(65_536)):
                    return None
                self._rest += more
            else:
                self._rest = self._rest[length:]
                return packet

    def subscribe(self, pattern: str, qos: int = 1) -> Any:
        """The SUBACK, or whatever else comes."""
        wanted = mqtt5.TopicFilter(pattern, max_qos=mqtt5.QoS(qos))
        self.send(mqtt5.SubscribePacket(1, [wanted]))
        return self.next()

    def close(self) -> None:
        self.socket.close()
