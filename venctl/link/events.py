"""The events of a link, and its exceptions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """A message on one of our topics. `puback` may be called late, twice or offline.

    `stored`: a retained message, which the broker sends because we subscribed.
    """

    topic: str
    payload: bytes
    puback: Callable[[], None]
    stored: bool = False


@dataclass(frozen=True, slots=True)
class LinkUp:
    """Connected, with every subscription answered. `resumed`: the broker still had our session."""

    resumed: bool


@dataclass(frozen=True, slots=True)
class Denied:
    """The broker refuses a subscription; a `LinkUp` follows anyway."""

    topic: str
    why: str


@dataclass(frozen=True, slots=True)
class LinkLost:
    """The link is lost, or an attempt failed for a new reason.

    `barred`: the broker refused the CONNECT, perhaps because of its last will.
    `cut_off`: topic and `retain` of the message for which the broker closed the connection, which
    is how AWS IoT refuses a message.
    """

    why: str
    barred: bool
    cut_off: tuple[str, bool] | None


News = Message | LinkUp | Denied | LinkLost


class SendFailed(ConnectionError):
    """A message did not reach the broker, or may not have; says why."""


class SendRefused(PermissionError):
    """A message that the broker would refuse every time; says why."""
