"""What the device shadow says: what the cloud desires, and how it takes what we ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from .desires import Interval, Wish
from .triggers import Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired(Trigger):
    """What the cloud desires. `wishes` None: nothing of the circuits.

    `key` names the shadow, "" the classic one; `wished` are the keys of desired that the wishes
    stand under. `refusals` are entries that say nothing sensible, `doubled` the circuits that were
    named twice. `server_s` is the service's own time. Not `storable`: what is decided cannot be
    kept, so wishes that take load are refused.
    """

    key: str = ""
    version: int
    wishes: tuple[Wish, ...] | None
    wished: tuple[str, ...] = ("circuits",)
    refusals: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    doubled: tuple[str, ...] = ()
    interval: Interval | None = None
    server_s: int | None = None
    storable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Desired):
    """The answer to our GET: the whole document. `acked` are the ids in its ack record."""

    name: ClassVar[str] = "document"
    token: int
    acked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta(Desired):
    """The shadow says that desired and reported differ, and in what."""

    name: ClassVar[str] = "delta"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Trigger):
    """The shadow took an update of ours; `settles` tells a settle from a plain report."""

    key: str = ""
    token: int
    settles: bool
    version: int
    server_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Trigger):
    """The shadow took no request of ours: its code (404, 409, 413, 504 for silence) and words."""

    name: ClassVar[str] = "refused"
    key: str = ""
    token: int
    code: int
    message: str
