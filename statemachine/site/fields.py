"""The types of settings in a ven.yaml: how one value is read, and the message if it is not valid.

Every value arrives as text and its field says what it means, so that `off`, `22:00` and `010` do
not surprise. A message reads `what is wrong; what to write instead`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import core_schema

from ..kit.errors import suggestion
from ..kit.quantity import percent, percent_text

NEVER = -1
_ID = re.compile(r"[a-zA-Z0-9_-]{1,32}")
_STATE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_THING = re.compile(r"[a-zA-Z0-9:_-]{1,128}")
# A joiner is allowed inside a word, where Persian and emoji need it, but not at its ends.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
    "|^[\u200c\u200d]|[\u200c\u200d]$"
)
_GAP = re.compile(rf"\s|{_UNSEEN.pattern}")
_PLAIN = "of the characters a-z A-Z 0-9"
_STATE_FORM = "1 to 32 of the characters a-z 0-9 _, beginning with a letter"
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)")


class Model(BaseModel):
    """A section of the file. Missing settings have their default; unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _empty(cls, value: Any) -> Any:
        return {} if value is None else value

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As in pydantic, but values computed from the fields are computed again."""
        copy = super().model_copy(update=update, deep=deep)
        for name in copy.__dict__.keys() - type(self).model_fields.keys():
            del copy.__dict__[name]
        return copy


class OneOf:
    """A word of a closed list; messages name the setting `what`."""

    def __init__(self, what: str, *known: str) -> None:
        self.what, self.known = what, known

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"enum": list(self.known)}

    def _check(self, value: object) -> str:
        if value not in self.known:
            hint = suggestion(str(value), self.known)
            raise ValueError(f"{value!r} is not valid for `{self.what}`; {hint}")
        return str(value)


def _flag(value: object) -> bool:
    if value not in ("true", "false"):
        raise ValueError(f"{value!r} is not valid; write true or false")
    return value == "true"


def _count(value: object) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,9}", value):
        raise ValueError(f"{value!r} is not a whole number; write it like 3")
    return int(value)


def _list(value: object) -> object:
    return value if isinstance(value, list) else [] if value is None else [value]


def _share(value: object) -> int:
    return NEVER if value == "never" else percent(value)


def _name(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 64 or _UNSEEN.search(value):
        raise ValueError(f"{value!r} is not a name; write 1 to 64 visible characters")
    return value


def _word(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 32 or _GAP.search(value):
        raise ValueError(f"{value!r} is not a word; write 1 to 32 characters without spaces")
    return value


def _matching(shape: re.Pattern[str], what: str, form: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if not isinstance(value, str) or not shape.fullmatch(value):
            raise ValueError(f"{value!r} is not {what}; write {form}")
        return value

    return check


def _topic(value: object) -> str | None:
    if value == "off":
        return None
    if not isinstance(value, str) or not re.fullmatch(r"[^+#\0]{1,256}", value):
        raise ValueError(f"{value!r} is not a topic; write 1 to 256 characters without + and #")
    return value


def _hours(value: object) -> tuple[int, int]:
    match = _HOURS.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not a range of hours; write it like 22:00-06:00")
    from_h, from_min, to_h, to_min = map(int, match.groups())
    return from_h * 60 + from_min, to_h * 60 + to_min


def _share_text(share: int) -> str:
    return "never" if share == NEVER else percent_text(share)


def _hours_text(hours: tuple[int, int]) -> str:
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in hours)


def _topic_text(topic: str | None) -> str:
    return topic or "off"


def _schema(pattern: str, *examples: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": list(examples)})


def _written(text: Callable[[Any], str]) -> PlainSerializer:
    return PlainSerializer(text, return_type=str, when_used="json")


Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
Count = Annotated[int, BeforeValidator(_count), WithJsonSchema({"type": "integer", "minimum": 0})]
Words = Annotated[
    list[str],
    BeforeValidator(_list),
    WithJsonSchema({"type": ["string", "array", "null"], "items": {"type": "string"}}),
]
Share = Annotated[
    int,
    BeforeValidator(_share),
    _written(_share_text),
    _schema(r"^(never|\s*\d+([.,]0+)?\s*%\s*)$", "70 %", "never"),
]
Name = Annotated[
    str,
    BeforeValidator(_name),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 64}),
]
Word = Annotated[str, BeforeValidator(_word), _schema(r"^\S{1,32}$", "dryer")]
Topic = Annotated[
    str | None,
    BeforeValidator(_topic),
    _written(_topic_text),
    _schema(r"^[^+#]{1,256}$", "ven/cmd/{venId}", "off"),
]
CircuitId = Annotated[
    str,
    BeforeValidator(_matching(_ID, "a circuit id", f"1 to 32 {_PLAIN}, _ and -")),
    _schema(f"^{_ID.pattern}$", "heater1"),
]
LinkId = Annotated[
    str,
    BeforeValidator(_matching(_ID, "a name of a link", f"1 to 32 {_PLAIN}, _ and -")),
    _schema(f"^{_ID.pattern}$", "house"),
]
StateId = Annotated[
    str,
    BeforeValidator(_matching(_STATE, "a state name", _STATE_FORM)),
    _schema(f"^{_STATE.pattern}$", "on"),
]
ThingName = Annotated[
    str,
    BeforeValidator(_matching(_THING, "a thing name", f"1 to 128 {_PLAIN}, : _ and -")),
    _schema(f"^{_THING.pattern}$", "ven1"),
]
# Minutes of the day, from and to; past midnight if `to` is not after `from`.
Hours = Annotated[
    tuple[int, int],
    BeforeValidator(_hours),
    _written(_hours_text),
    _schema(r"^\s*\d\d:\d\d\s*-\s*\d\d:\d\d\s*$", "22:00-06:00"),
]
