"""The grammar of a template: what a device can do, and the words it does it in.

A template is one YAML file. `Template.model_validate` reads what YAML gives, with every value as
text or not, and raises pydantic's ValidationError.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ..kit.quantity import Millis

PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
# What a write may use beside the parameters of the template.
ORDERED = frozenset(
    ("lease_s", "lease_ms", "watts", "kw", "amps", "percent", "now_iso", "until_iso")
)
POWER_UNITS = {"W": Decimal(1), "kW": Decimal(1000), "mW": Decimal("0.001")}
UNITS = {
    **POWER_UNITS,
    "A": Decimal(1),
    "mA": Decimal("0.001"),
    "Wh": Decimal(1),
    "kWh": Decimal(1000),
    "s": Decimal(1),
    "ms": Decimal("0.001"),
}
NumberType = Literal[
    "int16", "uint16", "int32", "uint32", "float32", "int64", "uint64", "float64", "bit"
]


def _bool_text(value: object) -> object:
    """YAML reads the bare words on, off, true and false as booleans."""
    return {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value


def _word_key(value: object) -> object:
    if not isinstance(value, dict):
        return value
    words = {True: "true", False: "false"}
    return {words.get(k, str(k)) if isinstance(k, bool) else str(k): v for k, v in value.items()}


def _text_keys(value: object) -> object:
    """The keys `on` and `off` of a section, which YAML reads as booleans."""
    if not isinstance(value, dict):
        return value
    return {_bool_text(key): entry for key, entry in value.items()}


def _one_or_more(value: object) -> object:
    return value if isinstance(value, list) else [value]


# on, off: the state of a relay. The rest says who moved it (`by`) or whether it lives (`alive`).
Meaning = Annotated[
    Literal["on", "off", "person", "device", "reboot", "us"], BeforeValidator(_bool_text)
]
Words = Annotated[dict[str, Meaning], BeforeValidator(_word_key)]


class Form(BaseModel):
    """A section of a template. Unknown settings are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Order(Form):
    """One thing to send: an HTTP request, a message, or registers to write."""

    get: str | None = None
    post: str | None = None
    put: str | None = None
    delete: str | None = None
    body: dict[str, Any] | None = Field(default=None, alias="json")
    topic: str | None = None
    payload: str | None = None
    table: Literal["coil", "holding"] | None = None
    register_: int | str | None = Field(default=None, alias="register")
    number: NumberType = Field(default="uint16", alias="as")
    word_order: Literal["big", "little"] = "big"
    write: str | None = None
    """A number, or one placeholder; `scale` times it is written."""
    scale: Decimal = Decimal(1)
    function: Literal[5, 6, 16] | None = None


class Value(Form):
    """One value to read: from where, and how it is taken out of the answer."""

    get: str | None = None
    post: str | None = None
    body: dict[str, Any] | None = Field(default=None, alias="json")
    topic: str | None = None
    ask: Order | None = None
    """With `topic`: a message that makes the device report."""
    table: Literal["coil", "discrete", "holding", "input"] | None = None
    register_: int | str | None = Field(default=None, alias="register")
    number: NumberType = Field(default="uint16", alias="as")
    word_order: Literal["big", "little"] = "big"
    at: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)] | None = None
    """JSON pointers (RFC 6901); several are added up."""
    unit: str | None = None
    scale: Decimal = Decimal(1)
    words: Words | None = None
    nothing: str | None = None
    """The word or number that means: no reading."""


class Want(Value):
    """A setting of the device as `circuits test` wants it: one of these texts, or in a range."""

    one_of: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)] | None = None
    least: Decimal | None = None
    most: Decimal | None = None
    why: str
    """What happens otherwise, for the person who reads it."""


class Lease(Form):
    """How a device gives back by itself what was taken."""

    by: tuple[str, ...]
    """The writes that carry the end of the lease, or that feed its watchdog."""
    longest: Millis | None = None
    """The longest lease it takes, or the time of its watchdog; None: 2 min are fine."""
    ends_in: Literal["free", "failsafe"] = "free"
    """free: the circuit draws what it likes again; failsafe: it stays limited."""
    after_reboot: str = "not known"


class Parameter(Form):
    """One parameter of `driver: {...}`. Without a default it must be given."""

    means: str
    default: str | None = None
    secret: bool = False
    """Given as `env:NAME` or `file:NAME` only."""
    whole: bool = False
    """A whole number."""


class Pace(Form):
    """How fast a device may be asked."""

    poll: Millis = 5_000
    between: Millis = 0
    seen: Millis = 2_000
    """How long it may take until a write can be read back."""


Auth = Annotated[Literal["basic", "digest", "bearer"], "how the link proves who it is"]
Reads: TypeAlias = Literal[
    "on", "power", "limit", "energy", "alive", "by", "uptime", "lease_left", "model", "firmware"
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
    params: dict[str, Parameter] = {}
    auth: Auth | None = None
    user: str | None = None
    """The user name of `auth`, where the device has a fixed one."""
    control: Literal["relay", "modulating", "ev_pilot", "duty_cycle", "none"]
    read: Annotated[dict[Reads, Value], BeforeValidator(_text_keys)] = {}
    write: Annotated[
        dict[Writes, Annotated[tuple[Order, ...], BeforeValidator(_one_or_more)]],
        BeforeValidator(_text_keys),
    ] = {}
    lease: Lease | None = None
    pace: Pace = Pace()
    wants: dict[str, Want] = {}
    identify: dict[str, Want] = {}
    still_when_off: bool = False
    """Its meter keeps its last value while the relay is off, so that off is 0 W."""
    terms: str | None = None
    """Terms of use to be shown once."""
    sources: tuple[str, ...] = ()
    tested: tuple[str, ...] = ()

    @property
    def measures(self) -> bool:
        return "power" in self.read

    @property
    def switches(self) -> bool:
        return "off" in self.write or "off_for" in self.write

    @property
    def limits(self) -> bool:
        return "limit" in self.write

    @property
    def gives_back(self) -> bool:
        """Whether it gives a circuit back by itself when this program dies."""
        return self.lease is not None and self.lease.ends_in == "free"

    @model_validator(mode="after")
    def _whole(self) -> Template:
        faults = list(_faults(self))
        if faults:
            raise ValueError("; ".join(faults))
        return self


def texts(value: Any) -> Iterator[str]:
    """Every text in nested lists, tuples and dicts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for entry in value.values():
            yield from texts(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from texts(entry)


def _faults(template: Template) -> Iterator[str]:
    """What a template says that cannot be, in words."""
    yield from ()
