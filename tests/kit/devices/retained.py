"""What a broker has kept: a program of ours leaves no command there."""

from __future__ import annotations

import time

from tests.kit.mqtt.peers import Peer


def retained(port: int, wait_s: float = 0.2) -> dict[str, bytes]:
    """Retained messages by topic; a broker hands them all out after the SUBACK."""
    peer = Peer(port, "who-keeps-what")
    peer.subscribe("#")
    time.sleep(wait_s)
    peer.close()
    return {one.topic: bytes(one.payload) for one in peer.heard if one.retain}
