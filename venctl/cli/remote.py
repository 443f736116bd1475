"""Commands over MQTT, from any machine: `trigger --via mqtt` and `listen`."""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..endpoint import Endpoint
from ..link import Denied, Down, Link, LinkDown, Message, News, NotAllowed, Up
from ..place import find, site_id, state_folder
from . import DONE, NOBODY, REFUSED
from .trigger import answer

WAIT_S = 10.0


def send(args: argparse.Namespace, command: dict[str, Any]) -> int:
    """Publish a command, wait for its ack, print it."""
    ven_id, endpoint = _where(args)
    return asyncio.run(_send(endpoint, ven_id, command, args.json))


def listen(args: argparse.Namespace) -> int:
    """Print messages as they come, one JSON object a line behind its topic."""
    ven_id, endpoint = _where(args)
    topics = {
        "telemetry": [f"ven/telemetry/{ven_id}"],
        "ack": [f"ven/ack/{ven_id}"],
        "status": [f"ven/status/{ven_id}"],
        "shadow": [f"$aws/things/{ven_id}/shadow/update/{x}" for x in ("documents", "delta")],
    }
    chosen = topics.get(args.what) or [t for group in topics.values() for t in group]
    return asyncio.run(_listen(endpoint, chosen, args.count))


async def _send(endpoint: Endpoint, ven_id: str, command: dict[str, Any], as_json: bool) -> int:
    asked, acked = f"ven/cmd/{ven_id}", f"ven/ack/{ven_id}"
    news: asyncio.Queue[News] = asyncio.Queue()
    link = Link(endpoint, [acked], None, news.put_nowait)
    link.start()
    why = "no answer"
    try:
        async with asyncio.timeout(WAIT_S):
            while True:
                match await news.get():
                    case Up():
                        why = await _asked(link, asked, command)
                    case Message(_, payload, puback):
                        puback()
                        said = json.loads(payload)
                        if said.get("correlationId") == command["correlationId"]:
                            return answer(said, as_json)
                    case Denied(topic, reason):
                        why = f"the broker refuses {topic}: {reason}"
                        break
                    case Down(reason):
                        why = reason
    except TimeoutError:
        pass
    except NotAllowed as refusal:
        print(f"venctl: {refusal}", file=sys.stderr)
        return REFUSED
    finally:
        await link.forget()
    print(
        f"venctl: no ack within {WAIT_S:.0f} s from {endpoint.host}:{endpoint.port} ({why}); "
        f"tried {asked} and {acked}",
        file=sys.stderr,
    )
    return NOBODY


async def _listen(endpoint: Endpoint, topics: Sequence[str], most: int | None) -> int:
    news: asyncio.Queue[News] = asyncio.Queue()
    link = Link(endpoint, topics, None, news.put_nowait)
    link.start()
    seen = 0
    try:
        while most is None or seen < most:
            match await news.get():
                case Message(topic, payload, puback):
                    puback()
                    print(f"{topic} {payload.decode('utf-8', 'replace')}", flush=True)
                    seen += 1
                case Denied(topic, why):
                    print(f"venctl: the broker refuses {topic}: {why}", file=sys.stderr)
                case Down(why):
                    print(f"venctl: not connected: {why}", file=sys.stderr)
                case Up():
                    print(f"listening on {endpoint.host}:{endpoint.port}", file=sys.stderr)
    finally:
        await link.forget()
    return DONE


async def _asked(link: Link, topic: str, command: dict[str, Any]) -> str:
    """Publish; a link that is lost meanwhile comes back, and then it is published again."""
    try:
        await link.publish(topic, json.dumps(command).encode())
    except LinkDown as lost:
        return str(lost)
    return "no answer"


def _where(args: argparse.Namespace) -> tuple[str, Endpoint]:
    """The VEN and the broker: from the flags, else from ven.yaml and the controller that runs."""
    ven_id = args.ven_id or site_id(args.file)
    host, port = args.endpoint, args.port
    if host is None:
        host, found = _of_controller(args.file, ven_id, args.state)
        port = port or found
    tls = args.cert is not None
    me = f"venctl-{secrets.token_hex(4)}"
    return ven_id, Endpoint(
        host=host,
        port=port or (8883 if tls else 1883),
        client_id=me,
        cert=args.cert,
        key=args.key,
        ca=args.ca,
        username=None,
        password=None,
        aws="amazonaws.com" in host,
    )


def _of_controller(file: Path, ven_id: str, chosen: Path | None) -> tuple[str, int]:
    if find(file, chosen) is None:
        return "127.0.0.1", 1883
    said = json.loads((state_folder(file, ven_id, chosen) / "controller.json").read_text())
    host, _, port = said["mqtt"].rpartition(":")
    return host, int(port)
