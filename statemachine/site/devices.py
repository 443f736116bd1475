"""How a driver and a meter are kept once a ven.yaml is read: a word, or the text of a device."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from ..device.declaration import device_of

DRIVER_WORDS, METER_WORDS = ("sim",), ("own", "none")


def _read(what: str, words: tuple[str, ...]) -> BeforeValidator:
    def check(value: object) -> str:
        if value in words or (isinstance(value, str) and device_of(value) is not None):
            return str(value)
        raise ValueError(f"this is no {what}; {' or '.join([*words, 'a device'])} is expected")

    return BeforeValidator(check)


def as_written(text: str) -> Any:
    """A driver or meter as in the file: a word, or the settings of a device."""
    device = device_of(text)
    return text if device is None else device.written


def _shape(words: tuple[str, ...], **example: str) -> WithJsonSchema:
    shapes: list[dict[str, Any]] = [{"enum": list(words)}] if words else []
    return WithJsonSchema({"anyOf": [*shapes, {"type": "object"}], "examples": [example]})


_WRITTEN = PlainSerializer(as_written, return_type=Any, when_used="json")
DriverText = Annotated[
    str, _read("driver", DRIVER_WORDS), _WRITTEN, _shape(DRIVER_WORDS, shelly="192.168.1.40")
]
MeterText = Annotated[
    str, _read("meter", METER_WORDS), _WRITTEN, _shape(METER_WORDS, homewizard="192.168.1.31")
]
MainMeterText = Annotated[str, _read("meter", ()), _WRITTEN, _shape((), homewizard="192.168.1.30")]
