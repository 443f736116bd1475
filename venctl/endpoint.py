"""Where a broker is, and how awscrt is told to reach it and to come back to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from awscrt import io, mqtt5

from statemachine.spec import Cloud

from .tls import client_context

PORT, TLS_PORT = 1883, 8883
SESSION_EXPIRY_S = 3600
RECEIVE_MAXIMUM = 20  # messages the broker may send before the first is acknowledged
KEEP_ALIVE_S = 30
ACK_TIMEOUT_S = 5
PING_TIMEOUT_MS = 10_000  # a broker that froze is given up after 40 s at the latest
CONNACK_TIMEOUT_MS = 5000


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the broker is and who we are there.

    TLS where there is a `cert` or a `ca`, and always for `aws`, which also keeps to the limits of
    AWS IoT Core and comes back more slowly after a failure.
    """

    host: str
    port: int
    client_id: str
    cert: Path | None
    key: Path | None
    ca: Path | None
    username: str | None
    password: str | None
    aws: bool


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, once we are gone without a goodbye."""

    topic: str
    payload: bytes


def plain(host: str, port: int, client_id: str) -> Endpoint:
    """A broker without TLS, without a name and a password."""
    return Endpoint(host, port, client_id, None, None, None, None, None, False)


def declared(cloud: Cloud, beside: Path, client_id: str) -> Endpoint:
    """The broker that a ven.yaml names; its files are looked for in the folder `beside`."""
    cert, key, ca = (
        (beside / path) if path else None for path in (cloud.cert, cloud.key, cloud.ca)
    )
    host = cloud.endpoint or cloud.host or "127.0.0.1"
    port = cloud.port or (TLS_PORT if cert or ca else PORT)
    aws = cloud.kind == "aws"
    return Endpoint(host, port, client_id, cert, key, ca, cloud.username, cloud.password, aws)


def settings(endpoint: Endpoint, will: Will | None) -> dict[str, Any]:
    """The client's options but for its callbacks.

    Nothing waits in the client while it is offline: its queue has no bound and no memory.
    Raises OSError or RuntimeError where certificate, key or CA cannot be used.
    """
    limits = mqtt5.ExtendedValidationAndFlowControlOptions
    return {
        "host_name": endpoint.host,
        "port": endpoint.port,
        "tls_ctx": client_context(endpoint),
        "socket_options": _socket(endpoint),
        "connect_options": _connect_packet(endpoint, will),
        "session_behavior": mqtt5.ClientSessionBehaviorType.REJOIN_ALWAYS,
        "extended_validation_and_flow_control_options": (
            limits.AWS_IOT_CORE_DEFAULTS if endpoint.aws else limits.NONE
        ),
        "offline_queue_behavior": mqtt5.ClientOperationQueueBehaviorType.FAIL_ALL_ON_DISCONNECT,
        "retry_jitter_mode": mqtt5.ExponentialBackoffJitterMode.FULL,
        "min_reconnect_delay_ms": 1000 if endpoint.aws else 100,
        "max_reconnect_delay_ms": 120_000 if endpoint.aws else 1000,
        "min_connected_time_to_reset_reconnect_delay_ms": 30_000 if endpoint.aws else 1000,
        "ack_timeout_sec": ACK_TIMEOUT_S,
        "ping_timeout_ms": PING_TIMEOUT_MS,
        "connack_timeout_ms": CONNACK_TIMEOUT_MS,
        "disable_metrics": True,
    }


def _connect_packet(endpoint: Endpoint, will: Will | None) -> mqtt5.ConnectPacket:
    return mqtt5.ConnectPacket(
        client_id=endpoint.client_id,
        keep_alive_interval_sec=KEEP_ALIVE_S,
        username=endpoint.username,
        password=endpoint.password,
        session_expiry_interval_sec=SESSION_EXPIRY_S,
        receive_maximum=RECEIVE_MAXIMUM,
        will=will
        and mqtt5.PublishPacket(
            topic=will.topic, payload=will.payload, qos=mqtt5.QoS.AT_LEAST_ONCE, retain=True
        ),
    )


def _socket(endpoint: Endpoint) -> io.SocketOptions:
    options = io.SocketOptions()
    # Over a mobile network, one lost packet alone costs a second.
    options.connect_timeout_ms = 5000 if endpoint.aws else 1000
    return options
