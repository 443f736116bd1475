"""What the broker's answers, or missing answers, mean, and whether to try again."""

from __future__ import annotations

from typing import Any

from awscrt import mqtt5

_Puback, _Connect = mqtt5.PubackReasonCode, mqtt5.ConnectReasonCode
_Disconnect = mqtt5.DisconnectReasonCode

UNSUPPORTED = _Connect.UNSUPPORTED_PROTOCOL_VERSION
FOREIGN = "the broker's answer to CONNECT is not MQTT 5"
VERSION = "check that it supports MQTT 5"

FOR_GOOD = {_Puback.NOT_AUTHORIZED, _Puback.TOPIC_NAME_INVALID, _Puback.PAYLOAD_FORMAT_INVALID}
WILL_MAY_BE_WHY = {
    _Connect.NOT_AUTHORIZED,
    _Connect.TOPIC_NAME_INVALID,
    _Connect.PAYLOAD_FORMAT_INVALID,
    _Connect.RETAIN_NOT_SUPPORTED,
    _Connect.QOS_NOT_SUPPORTED,
}
# These do not concern the message being published.
INNOCENT = {
    _Disconnect.SERVER_SHUTTING_DOWN,
    _Disconnect.SERVER_BUSY,
    _Disconnect.KEEP_ALIVE_TIMEOUT,
    _Disconnect.SESSION_TAKEN_OVER,
    _Disconnect.USE_ANOTHER_SERVER,
    _Disconnect.SERVER_MOVED,
    _Disconnect.MESSAGE_RATE_TOO_HIGH,
    _Disconnect.CONNECTION_RATE_EXCEEDED,
    _Disconnect.MAXIMUM_CONNECT_TIME,
}


def is_refusal(code: Any) -> bool:
    """Whether a PUBACK refuses the message."""
    return bool(code >= _Puback.UNSPECIFIED_ERROR)


def is_permanent(code: Any) -> bool:
    """Whether a PUBACK's refusal would be repeated next time."""
    return code in FOR_GOOD


def will_may_be_why(connack: Any) -> bool:
    """Whether a CONNECT may have been refused because of its last will."""
    return connack is not None and connack.reason_code in WILL_MAY_BE_WHY


def broker_closed(error: BaseException | None, disconnect: Any) -> bool:
    """Whether the broker ended the connection, perhaps because of what we sent."""
    if disconnect is not None:
        return disconnect.reason_code not in INNOCENT
    name = str(getattr(error, "name", ""))
    return "CLOSED" in name or "HANGUP" in name


def older_mqtt_hint(error: BaseException | None, connack: Any) -> str:
    """Why a CONNECT was not understood, if the broker may only support an older MQTT; else "".
    Advice follows after a semicolon.
    """
    name = str(getattr(error, "name", ""))
    unsupported = connack is not None and connack.reason_code == UNSUPPORTED
    if unsupported or "DECODE" in name:
        return f"{FOREIGN}; {VERSION}"
    if connack is not None:
        return ""
    if broker_closed(error, None):
        return f"the broker closed the connection instead of answering CONNECT; {VERSION}"
    silent = "CONNACK_TIMEOUT" in name
    return f"the broker does not answer CONNECT; {VERSION}" if silent else ""


def failure_text(error: BaseException | None, packet: Any) -> str:
    """Why a connection failed or ended, with the broker's reason from `packet`, if any."""
    text = (getattr(error, "message", None) or str(error or "closed")).rstrip(".")
    return f"{text} ({code_text(packet.reason_code)})" if packet else text


def code_text(code: Any) -> str:
    """A reason code in words: `not authorized`."""
    return str(getattr(code, "name", code)).lower().replace("_", " ")
