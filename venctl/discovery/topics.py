"""What retained messages of a broker tell of the devices there. Pure: messages in, devices out.

Anybody may publish there, so nothing is believed to have a shape.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TOPICS = (
    "tasmota/discovery/#",
    "ebus/5/+/$description",
    "zigbee2mqtt/bridge/devices",
    "homeassistant/+/+/config",
    "homeassistant/+/+/+/config",
    "shellies/announce",
)
MOST_DEVICES = 500


@dataclass(frozen=True, slots=True)
class AnnouncedDevice:
    """A device of a template, with its parameters; `host` if it is not reached by the broker."""

    device: str
    params: Mapping[str, str]
    about: str = ""
    host: str | None = None
    note: str = ""


def devices_of(messages: Mapping[str, str]) -> list[AnnouncedDevice]:
    """The devices that the newest message of each topic tells of, each once."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], AnnouncedDevice] = {}
    for topic, text in sorted(messages.items()):
        said = _json(text)
        for heard in _of(topic, said):
            key = heard.device, tuple(heard.params.items())
            if len(found) < MOST_DEVICES:
                found.setdefault(key, heard)
    return list(found.values())


def others_of(messages: Mapping[str, str]) -> list[str]:
    """Switches that are announced for Home Assistant, and that no template knows."""
    known = [text for heard in devices_of(messages) for text in heard.params.values()]
    return [
        f"{name}: state on {state}, commands on {command}"
        for name, state, command in _announced(messages)
        if not any(word in state.split("/") for word in known)
    ][:MOST_DEVICES]


def _of(topic: str, said: Any) -> Iterator[AnnouncedDevice]:
    levels = topic.split("/")
    if topic.startswith("tasmota/discovery/") and levels[-1] == "config":
        yield from _tasmota(said)
    elif topic == "zigbee2mqtt/bridge/devices":
        yield from _zigbee(said)
    elif topic.startswith("ebus/5/") and levels[-1] == "$description":
        yield from _ebus(levels[2], said)
    elif topic == "shellies/announce":
        yield from _shelly(said)


def _tasmota(said: Any) -> Iterator[AnnouncedDevice]:
    topic, relays = _text(said, "t"), _list(said, "rl")
    numbers = [at + 1 for at, kind in enumerate(relays) if kind == 1]
    note = ""
    if _text(said, "ft") not in ("%prefix%/%topic%/", None):
        note = "its FullTopic is its own; the template needs %prefix%/%topic%/"
    about = f"Tasmota {_text(said, 'sw') or ''} {_text(said, 'md') or ''}".strip()
    for number in numbers if topic else []:
        more = {} if number == 1 else {"relay": str(number)}
        if len(numbers) > 1:
            more["report"] = f"POWER{number}"
        yield AnnouncedDevice("tasmota", {"topic": topic or "", **more}, about, note=note)


def _zigbee(said: Any) -> Iterator[AnnouncedDevice]:
    for one in said if isinstance(said, list) else []:
        name = _text(one, "friendly_name")
        definition = one.get("definition") if isinstance(one, dict) else None
        if not name or _text(one, "type") == "Coordinator" or not _switchable(definition):
            continue
        words = [_text(definition, "vendor"), _text(definition, "model")]
        about = " ".join(word for word in words if word)
        yield AnnouncedDevice("zigbee2mqtt", {"name": name}, about)


def _switchable(definition: Any) -> bool:
    """Whether it is a switch; unknown devices are shown too."""
    exposes = _list(definition, "exposes")
    return not exposes or any(_text(one, "type") == "switch" for one in exposes)


def _ebus(id: str, said: Any) -> Iterator[AnnouncedDevice]:
    nodes = said.get("nodes") if isinstance(said, dict) else None
    about = _text(said, "name") or ""
    for node, content in nodes.items() if isinstance(nodes, dict) else ():
        properties = content.get("properties") if isinstance(content, dict) else None
        if not isinstance(properties, dict) or "relay" not in properties:
            continue
        if node == "switch":
            yield AnnouncedDevice("span_homie", {"circuit": id}, about)
        else:
            label = _text(content, "name") or about
            yield AnnouncedDevice("span", {"circuit": str(node), "panel": id}, label)


def _shelly(said: Any) -> Iterator[AnnouncedDevice]:
    host = _text(said, "ip")
    if host:
        about = f"{_text(said, 'model') or ''} {_text(said, 'fw_ver') or ''}".strip()
        yield AnnouncedDevice("shelly1", {"host": host}, about, host=host)


def _announced(messages: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for topic, text in sorted(messages.items()):
        if not topic.startswith("homeassistant/switch/"):
            continue
        said = _json(text)
        base = _text(said, "~") or ""
        state = _text(said, "state_topic") or _text(said, "stat_t")
        command = _text(said, "command_topic") or _text(said, "cmd_t")
        if state and command:
            name = _text(said, "name") or topic.split("/")[-2]
            yield name, state.replace("~", base), command.replace("~", base)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(said: Any, name: str) -> str | None:
    value = said.get(name) if isinstance(said, dict) else None
    return value if isinstance(value, str) and value.isprintable() and value else None


def _list(said: Any, name: str) -> list[Any]:
    value = said.get(name) if isinstance(said, dict) else None
    return value if isinstance(value, list) else []
