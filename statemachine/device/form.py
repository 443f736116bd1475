"""The grammar of a template: what a device can do, and the words it does it in.

A template is one YAML file. `Template.model_validate` reads what the project's YAML reader gives,
with every value as text, and raises pydantic's ValidationError.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, model_validator

from .faults import TemplateError, faults
from .parts import (
    ORDERED,
    PLACEHOLDER,
    POWER_UNITS,
    UNITS,
    Form,
    Lease,
    Meaning,
    NumberType,
    Order,
    Orders,
    Pace,
    Parameter,
    Texts,
    Value,
    Want,
)

__all__ = [
    "ORDERED",
    "PLACEHOLDER",
    "POWER_UNITS",
    "UNITS",
    "Form",
    "Lease",
    "Meaning",
    "NumberType",
    "Order",
    "Pace",
    "Parameter",
    "Reads",
    "Template",
    "TemplateError",
    "Value",
    "Want",
    "Writes",
    "inline",
]

Auth = Annotated[Literal["basic", "digest", "bearer"], "how the link proves who it is"]
Reads: TypeAlias = Literal[
    "on",
    "power",
    "limit",
    "energy",
    "alive",
    "by",
    "uptime",
    "lease_left",
    "last_seen",
    "model",
    "firmware",
]
Writes: TypeAlias = Literal["on", "off", "off_for", "limit", "free"]


class Template(Form):
    """What a kind of device can do.

    `off` stays off, `off_for` carries the end of its lease, `limit` sets the most it may draw,
    `free` removes a limit, and `on` switches on.
    """

    device: str
    title: str
    speaks: Literal["http", "mqtt", "modbus", "ocpp", "bacnet"]
    key: str
    """The parameter that is given as `driver: {DEVICE: ...}`."""
    params: dict[str, Parameter] = Field(default={})
    auth: Auth | None = None
    user: str | None = None
    """The user name of `auth`, where the device has a fixed one."""
    control: Literal["relay", "modulating", "ev_pilot", "duty_cycle", "none"]
    read: dict[Reads, Value] = Field(default={})
    write: dict[Writes, Orders] = Field(default={})
    lease: Lease | None = None
    pace: Pace = Pace()
    wants: dict[str, Want] = Field(default={})
    identify: dict[str, Want] = Field(default={})
    """What tells that it is this device: settings with what they say."""
    notes: tuple[str, ...] = ()
    """What the owner should know before trusting it."""
    still_when_off: bool = False
    """Its meter keeps its last value while the relay is off, so that off is 0 W."""
    restarts: str | None = None
    """What makes such a device start anew again and again, to be told when it does."""
    terms: str | None = None
    """Terms of use to be shown once."""
    sources: tuple[str, ...] = ()
    tested: Texts = ()

    @property
    def measures(self) -> bool:
        """Whether it tells the power that is drawn."""
        return "power" in self.read

    @property
    def switches(self) -> bool:
        """Whether it can switch its circuit off."""
        return "off" in self.write or "off_for" in self.write

    @property
    def limits(self) -> bool:
        """Whether it can hold its circuit below a power or current."""
        return "limit" in self.write

    @property
    def gives_back(self) -> bool:
        """Whether it gives a circuit back by itself when this program dies."""
        return self.lease is not None and self.lease.ends_in == "free"

    @model_validator(mode="after")
    def _whole(self) -> Template:
        if found := list(faults(self)):
            raise TemplateError(found)
        return self


_INLINE: Mapping[str, Mapping[str, Any]] = {
    "http": {
        "title": "A device over HTTP",
        "key": "host",
        "params": {
            "host": {"means": "the device's address"},
            "password": {
                "means": "its password, if it has one",
                "secret": True,
                "optional": True,
                "default": "",
            },
        },
    },
    "mqtt": {"title": "A device over MQTT", "key": "", "params": {}},
    "modbus": {
        "title": "A device over Modbus TCP",
        "key": "unit",
        "params": {
            "unit": {
                "means": "its unit id",
                "whole": True,
                "least": 1,
                "most": 247,
                "default": "1",
            },
        },
    },
}
INLINE = frozenset(_INLINE)


def inline(kind: str, mapping: Mapping[str, Any]) -> Template:
    """The template that `driver: {http: {...}}` writes out in place; `kind` is one of `INLINE`.

    The mapping holds the blocks of a template: read, write, lease, control and so on. Raises
    pydantic's ValidationError, with locations inside the mapping.
    """
    control = "relay" if mapping.get("write") else "none"
    return Template.model_validate(
        {"device": kind, "speaks": kind, "control": control, **_INLINE[kind], **mapping}
    )
