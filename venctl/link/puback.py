"""PUBACKs: what the broker says of a message of ours, and what we say of one of its own."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from awscrt import mqtt5

from .events import LinkDown, NotAllowed
from .reason_codes import for_good, refused, word

log = logging.getLogger(__name__)


async def arrival(topic: str, waiting: asyncio.Future[Any]) -> None:
    """Wait until the broker has it. Raises LinkDown, or NotAllowed where it refuses for good."""
    code = (await waiting).puback.reason_code
    if refused(code):
        why = f"the broker refuses a publish on {topic}: {word(code)}"
        raise NotAllowed(why) if for_good(code) else LinkDown(why)


def puback(client: mqtt5.Client, control: Any) -> None:
    """Tell the broker that its message was taken."""
    try:
        client.invoke_publish_acknowledgement(control)
    except Exception:
        log.exception("a message could not be acknowledged; it will come again")


def nothing() -> None:
    """A message of QoS 0 is not acknowledged."""
