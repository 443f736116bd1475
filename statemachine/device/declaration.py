"""Which device a circuit or meter is, as ven.yaml declares it: one text that says everything.

The text is JSON with the template's name, its parameters, and the link it is reached over. A
circuit that has left the file keeps it until it is given back. Secrets are in it as `env:NAME` or
`file:NAME` only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SIM = "sim"
HOST = "host"  # the parameter that says where a device is reached without a link of `links:`
OWN_HOST = ("http", "modbus")  # what a device can speak that has its link for itself
FORM = "template"  # what stands for the key of a device that is described in ven.yaml: its JSON


@dataclass(frozen=True, slots=True)
class LinkDeclaration:
    """A connection: its protocol, where it leads, and its other settings as they were written."""

    speaks: str
    """http, mqtt, modbus, ocpp or bacnet."""
    to: str
    """Host with port, URL, or the address to listen on."""
    settings: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    """Its name in `links:`; "" if the device has it for itself."""

    @property
    def key(self) -> str:
        """The same for all who share the connection."""
        return json.dumps([self.speaks, self.to, dict(self.settings)], sort_keys=True)


@dataclass(frozen=True, slots=True)
class DeviceDeclaration:
    """A device: the name of its template, its parameters with the defaults filled in, its link."""

    device: str
    params: Mapping[str, str]
    link: LinkDeclaration
    load: tuple[str, int, int] | None = None
    """Of a circuit that has left the file: its control, one ampere and its rating in watts."""

    @property
    def text(self) -> str:
        """What `device_of` reads back."""
        link = {
            "speaks": self.link.speaks,
            "to": self.link.to,
            "settings": dict(self.link.settings),
            "name": self.link.name,
        }
        load = {} if self.load is None else {"load": list(self.load)}
        declared = {"device": self.device, "params": dict(self.params), "link": link}
        return json.dumps(declared | load)

    @property
    def written(self) -> dict[str, Any]:
        """As a ven.yaml says it: `{shelly: 192.168.1.40, channel: 1}`.

        The key is the first parameter. An empty parameter is one that was not given.
        """
        (key, value), *others = self.params.items()
        link = {"on": self.link.name} if self.link.name else {}
        if not link and HOST not in self.params and self.link.speaks in OWN_HOST:
            link = {HOST: self.link.to}
        form = json.loads(value) if key == FORM else value
        return {self.device: form, **{name: text for name, text in others if text}, **link}


def device_of(text: str) -> DeviceDeclaration | None:
    """The device that a text declares; None: a simulated circuit, or no device of its own.

    Raises ValueError if it is neither: it was written by another version.
    """
    if not text.startswith("{"):
        return None
    try:
        declared = json.loads(text)
        link, load = declared["link"], declared.get("load")
        return DeviceDeclaration(
            declared["device"],
            declared["params"],
            LinkDeclaration(link["speaks"], link["to"], link["settings"], link["name"]),
            None if load is None else (str(load[0]), int(load[1]), int(load[2])),
        )
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"this declares no device: {text}") from error
