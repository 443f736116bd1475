"""The parts of a template: what is sent, what is read, what a device is asked to be set to."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ..kit.quantity import Millis

PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
# A register that a parameter tells, or one that lies so many after it.
MOVED_REGISTER = re.compile(r"\{([a-z_]+)\}(?:\+(\d{1,5}))?")
# What a write may use beside the parameters of the template. For `on` and `free`, which give back,
# the powers and currents are those of the whole circuit.
ORDERED = frozenset(
    (
        "lease_s",
        "lease_ms",
        "watts",
        "kw",
        "amps",
        "whole_amps",
        "percent",
        "now_iso",
        "until_iso",
    )
)
LEASED = frozenset(("lease_s", "lease_ms", "until_iso"))
# What `wants` may compare with beside the parameters: all that the circuit may draw.
OF_CIRCUIT = frozenset(("full_amps", "full_watts"))
POWER_UNITS = {"W": Decimal(1), "kW": Decimal(1000), "mW": Decimal("0.001")}
CURRENT_UNITS = {"A": Decimal(1), "mA": Decimal("0.001")}
ENERGY_UNITS = {"Wh": Decimal(1), "kWh": Decimal(1000)}
TIME_UNITS = {"s": Decimal(1), "ms": Decimal("0.001")}
UNITS = {**POWER_UNITS, **CURRENT_UNITS, **ENERGY_UNITS, **TIME_UNITS}
MOST_TEXT = 256  # characters of a parameter, and of a text that is read
NumberType = Literal[
    "int16", "uint16", "int32", "uint32", "float32", "int64", "uint64", "float64", "bit"
]
WORDS_OF = {
    "bit": 1,
    "int16": 1,
    "uint16": 1,
    "int32": 2,
    "uint32": 2,
    "float32": 2,
    "int64": 4,
    "uint64": 4,
    "float64": 4,
}


def _one_or_more(value: object) -> object:
    return value if isinstance(value, list | tuple) else [value]


def _whole(value: object) -> object:
    """A whole number, which may be written as text or as 0x34; another text stays as it is."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}|0x[0-9a-fA-F]{1,8}", value):
        return int(value, 16 if value.startswith("0x") else 10)
    return value


def _typed(value: object) -> object:
    """What reads as a JSON number or word is one: ven.yaml gives every value as text."""
    if isinstance(value, dict):
        return {str(name): _typed(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_typed(entry) for entry in value]
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_constant=lambda constant: constant)
    except (ValueError, RecursionError):
        return value


def _or_nothing(value: object) -> object:
    """An empty text: YAML gives none for a value that is left out."""
    return "" if value is None else value


# on, off: the state of a relay. The rest says who moved it (`by`).
Meaning = Literal["on", "off", "person", "device", "reboot", "us"]
Register = Annotated[int | str | None, BeforeValidator(_whole), Field(alias="register")]
Number = Annotated[Decimal | str, Field(union_mode="left_to_right")]
Text = Annotated[str, BeforeValidator(_or_nothing)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_one_or_more)]
Body = Annotated[dict[str, Any] | None, BeforeValidator(_typed), Field(alias="json")]


class Form(BaseModel):
    """A section of a template. Unknown settings are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Order(Form):
    """One thing to send: an HTTP request, a message, or registers to write."""

    get: str | None = None
    post: str | None = None
    put: str | None = None
    delete: str | None = None
    body: Body = None
    """With `topic`: the message, in place of `payload`."""
    topic: str | None = None
    payload: Annotated[str | None, BeforeValidator(_or_nothing)] = None
    table: Literal["coil", "holding"] | None = None
    register_: Register = None
    number: NumberType = Field(default="uint16", alias="as")
    word_order: Literal["big", "little"] = "big"
    write: str | None = None
    """A number, or one placeholder; `scale` times it is written."""
    scale: Decimal = Decimal(1)
    function: Annotated[Literal[5, 6, 16] | None, BeforeValidator(_whole)] = None
    ocpp: Literal["limit", "pause", "free"] | None = None
    object_: Annotated[str | None, Field(alias="object")] = None
    """A BACnet object, as `binary-value,2`; `write` is its value, `null` takes it back."""


Orders = Annotated[tuple[Order, ...], BeforeValidator(_one_or_more)]


class Value(Form):
    """One value to read: from where, and how it is taken out of the answer."""

    get: str | None = None
    post: str | None = None
    body: Body = None
    topic: str | None = None
    ask: Order | None = None
    """With `topic`: a message that makes the device report."""
    table: Literal["coil", "discrete", "holding", "input"] | None = None
    register_: Register = None
    number: NumberType = Field(default="uint16", alias="as")
    word_order: Literal["big", "little"] = "big"
    ten_to: Annotated[int | None, BeforeValidator(_whole)] = None
    """How many registers further on the power of ten stands (int16), as in SunSpec."""
    ocpp: Literal["power", "limit", "state", "settings"] | None = None
    object_: Annotated[str | None, Field(alias="object")] = None
    """A BACnet object, as `analog-input,1`."""
    at: Texts | None = None
    """JSON pointers (RFC 6901); several are added up."""
    unit: str | None = None
    scale: Number = Decimal(1)
    """A number, or one parameter."""
    words: dict[str, Meaning] | None = None
    nothing: str | None = None
    """The word or number that means: no reading."""


class Want(Value):
    """A setting of the device as `circuits test` wants it: one of these texts, or in a range."""

    one_of: Texts | None = None
    least: Number | None = None
    """A number, or one placeholder: a parameter, full_amps or full_watts."""
    most: Number | None = None
    why: str = ""
    """What happens otherwise, for the person who reads it."""


class Lease(Form):
    """How a device gives back by itself what was taken."""

    by: Texts
    """The writes that carry the end of the lease, or that feed its watchdog."""
    longest: Millis | None = None
    """The longest lease it takes, or the time of its watchdog; None: 2 min are fine."""
    ends_in: Literal["free", "failsafe"] = "free"
    """free: the circuit draws what it likes again; failsafe: it stays limited."""
    after_reboot: str = "not known"


class Parameter(Form):
    """One parameter of `driver: {...}`. Without a default it must be given."""

    means: str
    default: Annotated[str | None, BeforeValidator(_or_nothing)] = None
    secret: bool = False
    """Given as `env:NAME` or `file:NAME` only."""
    optional: bool = False
    """If it is left empty, what it is needed for is not read."""
    whole: bool = False
    """A whole number."""
    least: int = 0
    most: int = 65_535

    def fault(self, text: str) -> str | None:
        """What is wrong with a value, in words; None if it can be used."""
        if text == "":
            return None if self.default == "" or self.optional else "it is empty"
        if len(text) > MOST_TEXT:
            return f"it is longer than {MOST_TEXT} characters"
        if not text.isprintable():
            return f"{text!r} has a character that cannot be printed"
        if self.secret and not re.fullmatch(r"(env|file):\S+", text):
            return "a secret is given as env:NAME or file:NAME"
        if "{" in text or "}" in text:
            return f"{text!r} has a curly bracket"
        if self.whole and not (
            re.fullmatch(r"-?[0-9]{1,9}", text) and self.least <= int(text) <= self.most
        ):
            return f"{text!r} is not a whole number from {self.least} to {self.most}"
        return None


class Pace(Form):
    """How fast a device may be asked."""

    poll: Millis = 5_000
    between: Millis = 0
    seen: Millis = 2_000
    """How long it may take until a write can be read back."""
