"""Listens to what a broker has retained about devices, for a few seconds. Publishes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

from statemachine.device.declaration import LinkDeclaration

from ..drivers.links import Secrets
from ..drivers.links.mqtt import MqttLink
from .topics import TOPICS

LISTEN_S = 5.0
MOST_MESSAGES, MOST_BYTES = 2_000, 1 << 20


async def retained(
    declaration: LinkDeclaration, secrets: Secrets, beside: Path, listen_s: float = LISTEN_S
) -> dict[str, str]:
    """The newest retained message of each topic that announces devices. Raises LinkFault."""
    messages: dict[str, str] = {}

    def took(topic: str, payload: bytes, kept: bool) -> None:
        """On awscrt's threads."""
        if kept and len(payload) <= MOST_BYTES and len(messages) < MOST_MESSAGES:
            messages[topic] = payload.decode("utf-8", "replace")

    broker = MqttLink(declaration, secrets, beside).listener(took)
    try:
        await broker.ready()
        for topic in TOPICS:
            await broker.subscribe(topic)
        await asyncio.sleep(listen_s)
    finally:
        await broker.close()
    return dict(messages)
