"""The device shadows, as the API answers them: desired beside reported."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from .base import shape, words


@shape
class RefusedWishBody(TypedDict):
    """A wish of the cloud that was refused of late."""

    id: str
    """The circuit or setting that it was about."""
    name: str
    """Its name for people."""
    wanted: bool | None
    """On or off; null: unknown."""
    code: int
    """Why, as a number like those of HTTP."""
    meaning: str
    """What the number means."""
    reason: str
    """Why, in words."""
    at: float
    """When it was refused."""


@shape
class ShadowAlarmBody(TypedDict):
    """Something that is wrong with a shadow."""

    name: str
    """For programs."""
    text: str
    """For people."""
    since: float
    """Since when."""


@shape
class ShadowSummaryBody(TypedDict):
    """Whether everything is in sync, what waits, and what was refused in the last day."""

    state: str
    """A state of the shadow's chart; `off` if there is no shadow."""
    label: str
    """That state as a word for people."""
    open: int
    """How many wishes wait for their circuit."""
    refused: list[RefusedWishBody]
    """The newest first, one for each circuit."""
    alarms: list[ShadowAlarmBody]
    """What is wrong."""


@shape
class OpenWishBody(TypedDict):
    """A wish that waits for its circuit."""

    id: str
    """The circuit."""
    name: str
    """Its name for people."""
    enabled: bool
    """On or off."""
    asked_at: int | None
    """When the cloud asked for it; null: unknown."""


@shape
class AckRecordBody(TypedDict):
    """The `ack` section of the reported shadow: the outcome of the wishes of one version."""

    av: int | None
    """The version that is answered."""
    at: int
    """When it was answered."""
    ac: int
    """200: all applied; 202: some are open; 207: some were refused; 400: all were refused."""
    r: NotRequired[dict[str, tuple[int, str]]]
    """By circuit, code and text of each wish that was not simply applied."""
    more: NotRequired[int]
    """How many others there are."""


@shape
class ShadowRefusalBody(TypedDict):
    """The last error of the shadow service."""

    code: int
    """Its code."""
    message: str
    """Its text."""


@shape
class ShadowDocumentBody(TypedDict):
    """One shadow."""

    name: str
    """Its name in the cloud; empty: the classic shadow."""
    title: str
    """Its name for people."""
    circuits: int
    """How many circuits it reports."""
    state: str
    """Its state in the chart of shadows."""
    label: str
    """That state as a word for people."""
    version: int | None
    """The newest version known."""
    reported_at: float | None
    """When the site last reported."""
    wishes: list[OpenWishBody]
    """The wishes that wait."""
    ack: AckRecordBody | None
    """The outcome of the last wishes."""
    refusals: int
    """How many updates in a row the cloud refused."""
    last_refusal: ShadowRefusalBody | None
    """The last refusal."""


@shape
class ShadowRowBody(TypedDict):
    """One key of the shadow: desired beside reported."""

    key: str
    """`circuits.ID.enabled`, or the name of a setting."""
    name: str
    """Its name for people."""
    reported: bool | float
    """The value in force."""
    desired: bool | float | None
    """The value the cloud wants; null: no other."""
    state: Annotated[str, words("in_sync", "pending", "rejected", "unknown", "off")]
    """The state of the desired value."""
    since: NotRequired[float | None]
    """Since when it waits, or when it was refused."""
    code: NotRequired[int]
    """Why it was refused, as a number like those of HTTP."""
    reason: NotRequired[str]
    """Why it was refused, in words."""


@shape
class ShadowBody(ShadowSummaryBody):
    """All shadows of the site."""

    shadows: list[ShadowDocumentBody]
    """Each of them."""
    rows: list[ShadowRowBody]
    """Each key."""
