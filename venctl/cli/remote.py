"""Commands over MQTT, from any machine: `trigger --via mqtt` and `listen`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

from ..link.link import Denied, Link, LinkLost, LinkUp, Message, News, SendFailed, SendRefused
from ..link.tls import check_usable
from ..reach.preflight import preflight
from . import DONE, NOBODY, REFUSED
from .kit.clock import SiteClock
from .kit.target import Target, target
from .trigger import answer

WAIT_S = 10.0


def send(args: argparse.Namespace, command: dict[str, Any], clock: SiteClock) -> int:
    """Publish a command, wait for its ack and print it, with times in the zone of `clock`."""
    to = _usable(args)
    if wrong := preflight(to.endpoint):
        print(f"venctl: {wrong}", file=sys.stderr)
        return NOBODY
    return asyncio.run(_send(to, command, lambda ack: answer(ack, args.json, lambda: clock)))


def listen(args: argparse.Namespace) -> int:
    """Print messages as they arrive, one per line: the topic, then the payload."""
    to = _usable(args)
    shadow = f"$aws/things/{to.ven_id}/shadow/update"
    groups: dict[str, list[str | None]] = {
        "telemetry": [to.topics.telemetry],
        "ack": [to.topics.ack],
        "status": [to.topics.status],
        "shadow": [f"{shadow}/documents", f"{shadow}/delta"],
    }
    chosen = groups.get(args.what) or [topic for group in groups.values() for topic in group]
    topics = [topic for topic in chosen if topic]
    if wrong := preflight(to.endpoint):
        print(f"venctl: {wrong}", file=sys.stderr)
        return NOBODY
    return asyncio.run(_listen(to, topics, args.count, args.json))


def _usable(args: argparse.Namespace) -> Target:
    to = target(args)
    check_usable(to.endpoint)
    return to


async def _send(to: Target, command: dict[str, Any], tell: Callable[[dict[str, Any]], int]) -> int:
    command_topic, ack_topic = to.topics.command or "", to.topics.ack or ""
    news: asyncio.Queue[News] = asyncio.Queue()
    link = Link(to.endpoint, [ack_topic], None, news.put_nowait)
    link.start()
    why = "no answer"
    try:
        async with asyncio.timeout(WAIT_S):
            while True:
                match await news.get():
                    case LinkUp():
                        why = await _asked(link, command_topic, command)
                    case Message(_, payload, puback, stored):
                        puback()
                        ack = None if stored else _ack(payload, command["correlationId"])
                        if ack is not None:
                            return tell(ack)
                    case Denied(topic, reason):
                        why = f"the broker refuses a subscription to {topic}: {reason}"
                        break
                    case LinkLost(reason):
                        why = reason
    except TimeoutError:
        pass
    except SendRefused as refusal:
        print(f"venctl: {refusal}", file=sys.stderr)
        return REFUSED
    finally:
        await link.forget()
    print(
        f"venctl: no ack within {WAIT_S:.0f} s from {to.endpoint.host}:{to.endpoint.port} "
        f"({why}); published on {command_topic}, listened on {ack_topic}",
        file=sys.stderr,
    )
    return NOBODY


def _ack(payload: bytes, correlation: str) -> dict[str, Any] | None:
    try:
        ack = json.loads(payload)
    except ValueError:
        return None
    return ack if isinstance(ack, dict) and ack.get("correlationId") == correlation else None


async def _asked(link: Link, topic: str, command: dict[str, Any]) -> str:
    """Publish the command; if the link is lost meanwhile, it is published again on reconnect.

    The message expires with our wait, so a command reported as unanswered is not executed later.
    """
    try:
        await link.publish(topic, json.dumps(command).encode(), expiry_s=round(WAIT_S))
    except SendFailed as lost:
        return str(lost)
    return "no answer"


async def _listen(to: Target, topics: list[str], most: int | None, as_json: bool) -> int:
    news: asyncio.Queue[News] = asyncio.Queue()
    link = Link(to.endpoint, topics, None, news.put_nowait, stored=True)
    link.start()
    seen = 0
    try:
        while most is None or seen < most:
            match await news.get():
                case Message(topic, payload, puback, stored):
                    puback()
                    print(_line(topic, payload, stored, as_json), flush=True)
                    seen += 1
                case Denied(topic, why):
                    print(
                        f"venctl: the broker refuses a subscription to {topic}: {why}",
                        file=sys.stderr,
                    )
                case LinkLost(why):
                    print(f"venctl: not connected: {why}", file=sys.stderr)
                case LinkUp():
                    print(f"listening on {to.endpoint.host}:{to.endpoint.port}", file=sys.stderr)
    finally:
        await link.forget()
    return DONE


def _line(topic: str, payload: bytes, stored: bool, as_json: bool) -> str:
    text = payload.decode("utf-8", "replace")
    if as_json:
        kept = {"retained": True} if stored else {}
        return json.dumps({"topic": topic, "payload": text, **kept})
    return f"{topic}{' (retained)' if stored else ''} {text}"
