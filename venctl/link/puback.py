"""PUBACKs: the broker's for our messages, and ours for the broker's messages."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from awscrt import mqtt5

from ..base.reason_codes import code_text, is_permanent, is_refusal
from .events import SendFailed, SendRefused

log = logging.getLogger(__name__)


async def wait_for_puback(topic: str, waiting: asyncio.Future[Any]) -> None:
    """Wait until the broker has a message. Raises LinkDown, or NotAllowed if refused for good."""
    code = (await waiting).puback.reason_code
    if is_refusal(code):
        why = f"the broker refuses messages on {topic}: {code_text(code)}"
        raise SendRefused(why) if is_permanent(code) else SendFailed(why)


def send_puback(client: mqtt5.Client, control: Any) -> None:
    """Acknowledge a message to the broker."""
    try:
        client.invoke_publish_acknowledgement(control)
    except Exception:
        log.exception("a message could not be acknowledged; the broker will send it again")


def no_puback() -> None:
    """Do nothing: a message of QoS 0 is not acknowledged."""
