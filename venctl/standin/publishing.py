"""Converts a message published over HTTP to an MQTT packet (AWS IoT data plane, Publish)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import mqtt5

HEADER = "x-amz-mqtt5-"
FORMATS = {"UNSPECIFIED_BYTES": 0, "UTF8_DATA": 1}


class BadRequest(ValueError):
    """A part of the request is not valid; says which."""


def packet_of(
    topic: str, query: Mapping[str, str], headers: Mapping[str, str], payload: bytes
) -> Any:
    """The PUBLISH packet. Raises `BadRequest`."""
    qos, expiry = query.get("qos", "0"), query.get("messageExpiry")
    if qos not in ("0", "1"):
        raise BadRequest("qos must be 0 or 1")
    if expiry is not None and not (expiry.isdecimal() and int(expiry) < 2**32):
        raise BadRequest("messageExpiry must be a number of seconds")
    form = headers.get(HEADER + "payload-format-indicator", "UNSPECIFIED_BYTES")
    if form not in FORMATS:
        raise BadRequest(f"the payload format indicator must be one of {', '.join(FORMATS)}")
    fields: dict[str, Any] = {
        "qos": mqtt5.QoS(int(qos)),
        "packet_id": 1 if qos == "1" else None,
        "retain": query.get("retain", "false").lower() == "true",
        "payload_format_indicator": FORMATS[form],
        "message_expiry_interval": None if expiry is None else int(expiry),
        "content_type": query.get("contentType"),
        "response_topic": query.get("responseTopic"),
        "correlation_data": _correlation(headers),
        "user_properties": _properties(headers),
    }
    try:
        return mqtt5.PublishPacket(topic, payload, **fields)
    except (
        ValueError,
        UnicodeEncodeError,
    ) as error:  # such as a wildcard, a surrogate, or a long value
        raise BadRequest(f"the message is not valid: {error}") from None


def _correlation(headers: Mapping[str, str]) -> bytes | None:
    text = headers.get(HEADER + "correlation-data")
    return None if text is None else _decoded(text, "correlation data")


def _properties(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    text = headers.get(HEADER + "user-properties")
    if text is None:
        return []
    try:
        listed = json.loads(_decoded(text, "user properties"))
        if isinstance(listed, str):  # an SDK encodes JSON text once more
            listed = json.loads(listed)
        pairs = [pair for entry in listed for pair in entry.items()]
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise BadRequest("the user properties must be a list of JSON objects") from None
    if not all(isinstance(value, str) for _, value in pairs):
        raise BadRequest("every user property must be a string")
    return pairs


def _decoded(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise BadRequest(f"the {what} are not base64") from None
