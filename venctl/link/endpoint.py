"""Where a broker is, and awscrt's settings to connect and reconnect to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from awscrt import io, mqtt5

from statemachine.site.cloud import Cloud

from ..base.backoff import FAR, NEAR, BackoffPace
from .tls import ConfigProblem, client_context, read_secret

PORT, TLS_PORT = 1883, 8883
SESSION_EXPIRY_S = 3600
RECEIVE_MAXIMUM = 100  # messages that AWS sends before the first is acknowledged
KEEP_ALIVE_S = 30
ACK_TIMEOUT_S = 5
PING_TIMEOUT_MS = 10_000  # a frozen broker is given up after 40 s at the latest
CONNACK_TIMEOUT_MS = 5000
NEVER_MS = 3_600_000
MOST_PASSWORD = 65_535  # bytes, the limit of MQTT
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of the broker and our identity there.

    Uses TLS if there is a `cert` or a `ca`, and always for `aws`, which also respects the limits of
    AWS IoT Core. The broker keeps our session for `session_s` after a disconnect, and sends at most
    `receive_maximum` messages before the first is acknowledged. None sets no limit: mosquitto 2.0
    exceeds any limit, and the messages beyond it overtake those that wait.
    """

    host: str
    port: int
    client_id: str
    cert: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    aws: bool = False
    session_s: int = SESSION_EXPIRY_S
    receive_maximum: int | None = None
    pace: BackoffPace = NEAR


@dataclass(frozen=True, slots=True)
class LastWill:
    """What the broker publishes, retained, if the connection is lost without a DISCONNECT.

    `payload` is called for each CONNECT, because the message has a timestamp.
    """

    topic: str
    payload: Callable[[], bytes]


def plain_endpoint(host: str, port: int, client_id: str) -> Endpoint:
    """A stand-in without TLS, which respects the Receive Maximum as AWS does."""
    return Endpoint(host, port, client_id, receive_maximum=RECEIVE_MAXIMUM, pace=pace_of(host))


def stand_in_endpoint(address: str, files: Mapping[str, str], client_id: str) -> Endpoint:
    """The stand-in of a running controller; `files` has `cert`, `key` and `ca`, if any."""
    host, _, port = address.rpartition(":")
    shown = {name: Path(file) for name, file in files.items()}
    return replace(plain_endpoint(host, int(port), client_id), **shown)  # type: ignore[arg-type]


def declared_endpoint(cloud: Cloud, beside: Path, client_id: str) -> Endpoint:
    """The broker in a ven.yaml; its files are relative to the folder `beside`.

    Raises `ConfigProblem` if the password cannot be read.
    """
    host = cloud.endpoint or cloud.host or ""
    cert, key, ca = (path and beside / path for path in (cloud.cert, cloud.key, cloud.ca))
    aws = cloud.kind == "aws"
    return Endpoint(
        host=host,
        port=cloud.port or (TLS_PORT if aws or cert or ca else PORT),
        client_id=client_id,
        cert=cert or None,
        key=key or None,
        ca=ca or None,
        username=cloud.username,
        password=password_of(cloud, beside),
        aws=aws,
        receive_maximum=RECEIVE_MAXIMUM if aws else None,
        pace=pace_of(host),
    )


def pace_of(host: str) -> BackoffPace:
    """Reconnects are quick for a broker on this machine, and slow for one that a fleet shares."""
    return NEAR if host in LOOPBACK else FAR


def password_of(cloud: Cloud, folder: Path) -> str | None:
    """The password from `password`, from the variable that `env:NAME` names, or from
    `password_file`.

    Raises `ConfigProblem`, never with the password in its text, also for one that `_sendable`
    refuses.
    """
    if cloud.password_file is not None:
        return secret_of(folder / cloud.password_file)
    if cloud.password is None:
        return None
    if cloud.password.startswith("env:"):
        return _of_environment(cloud.password.removeprefix("env:"))
    return _sendable(cloud.password, "`password`", "set it, or remove `password` from ven.yaml")


def secret_of(file: Path) -> str:
    """The content of a file that only its owner may read. Raises `ConfigProblem`."""
    what, advice = f"the password file {file}", "write only the password into it"
    try:
        held = read_secret(file, "password file").content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigProblem(f"{what} is not text in UTF-8", advice) from None
    return _sendable(held.strip("\r\n"), what, advice)


def _of_environment(name: str) -> str:
    if not name:
        raise ConfigProblem(
            "`password` names no environment variable", "write it like env:BROKER_PASSWORD"
        )
    if name not in os.environ:
        problem = f"the environment variable {name}, which `password` names, is not set"
        raise ConfigProblem(problem, "set it before you start venctl")
    what, advice = f"the environment variable {name}", "set it to the broker's password"
    return _sendable(os.environ[name], what, advice)


def _sendable(word: str, what: str, advice: str) -> str:
    """Check that a password can be sent; `what` names it in messages. Raises `ConfigProblem`.

    A password without a visible character counts as empty.
    """
    if not any(letter.isprintable() and not letter.isspace() for letter in word):
        raise ConfigProblem(f"{what} is empty", advice)
    try:
        length = len(word.encode())
    except UnicodeEncodeError:
        raise ConfigProblem(f"{what} is not text in UTF-8", advice) from None
    if length > MOST_PASSWORD:
        raise ConfigProblem(f"{what} is longer than MQTT allows ({MOST_PASSWORD} bytes)", advice)
    return word


def client_options(endpoint: Endpoint, will: LastWill | None) -> dict[str, Any]:
    """The client's options, without its callbacks.

    The client queues nothing while offline, because its queue is unbounded and not stored.
    Raises OSError or RuntimeError if certificate, key or CA cannot be used.
    """
    limits = mqtt5.ExtendedValidationAndFlowControlOptions
    return {
        "host_name": endpoint.host,
        "port": endpoint.port,
        "tls_ctx": client_context(endpoint),
        "socket_options": _socket(endpoint),
        "connect_options": connect_packet(endpoint, will),
        "session_behavior": mqtt5.ClientSessionBehaviorType.REJOIN_ALWAYS,
        "extended_validation_and_flow_control_options": (
            limits.AWS_IOT_CORE_DEFAULTS if endpoint.aws else limits.NONE
        ),
        "offline_queue_behavior": mqtt5.ClientOperationQueueBehaviorType.FAIL_ALL_ON_DISCONNECT,
        # `Link` uses its own backoff: awscrt's full jitter starts at 0 s and ends at the cap.
        "retry_jitter_mode": mqtt5.ExponentialBackoffJitterMode.NONE,
        "min_reconnect_delay_ms": NEVER_MS,
        "max_reconnect_delay_ms": NEVER_MS,
        "ack_timeout_sec": ACK_TIMEOUT_S,
        "ping_timeout_ms": PING_TIMEOUT_MS,
        "connack_timeout_ms": CONNACK_TIMEOUT_MS,
        "disable_metrics": True,
    }


def connect_packet(endpoint: Endpoint, will: LastWill | None) -> mqtt5.ConnectPacket:
    """A CONNECT packet with the present last will."""
    return mqtt5.ConnectPacket(
        client_id=endpoint.client_id,
        keep_alive_interval_sec=KEEP_ALIVE_S,
        username=endpoint.username,
        password=endpoint.password,
        session_expiry_interval_sec=endpoint.session_s,
        receive_maximum=endpoint.receive_maximum,
        will=will
        and mqtt5.PublishPacket(
            topic=will.topic, payload=will.payload(), qos=mqtt5.QoS.AT_LEAST_ONCE, retain=True
        ),
    )


def _socket(endpoint: Endpoint) -> io.SocketOptions:
    options = io.SocketOptions()
    # Over a mobile network, a single lost packet costs a second.
    options.connect_timeout_ms = 5000 if endpoint.aws else 1000
    return options
