"""What a link tells whoever listens to it, and what it raises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """A message on one of our topics. `puback` may be called late, twice, or offline: no harm.

    `stored`: the broker had it on its shelf and sends it because we subscribed, not because anybody
    says it now.
    """

    topic: str
    payload: bytes
    puback: Callable[[], None]
    stored: bool = False


@dataclass(frozen=True, slots=True)
class Up:
    """Connected, and every subscription answered. `resumed`: the broker still had our session."""

    resumed: bool


@dataclass(frozen=True, slots=True)
class Denied:
    """The broker refuses a subscription; an `Up` follows all the same."""

    topic: str
    why: str


@dataclass(frozen=True, slots=True)
class Down:
    """The link is lost, or an attempt failed for a new reason.

    `barred`: the broker answered the CONNECT, and its last will may be what is not allowed.
    `cut_off`: the topic, and `retain`, of the publish that the broker ended the connection over
    instead of answering it, which is how AWS IoT says that it is not allowed.
    """

    why: str
    barred: bool
    cut_off: tuple[str, bool] | None


News = Message | Up | Denied | Down


class LinkDown(ConnectionError):
    """A publish did not reach the broker, or nobody knows whether it did; says why."""


class NotAllowed(PermissionError):
    """A publish that would be refused every time; says why."""
