"""Quantities as people write them, `1.5 kW`, `5 min`, `70 %`, kept as whole numbers.

Watts, milliseconds and percent are integers inside, so that sums are exact. A bare `50` is
refused, because it could be kW or W.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_SHAPE = re.compile(r"([+-]?\d{1,9}(?:[.,]\d{1,6})?)\s*([a-zA-Z%]+)")
_POWER = {"W": 1, "kW": 1_000, "MW": 1_000_000}
_TIME = {
    "ms": 1,
    "s": 1_000,
    "sec": 1_000,
    "min": 60_000,
    "h": 3_600_000,
    "hour": 3_600_000,
    "hours": 3_600_000,
    "d": 86_400_000,
    "days": 86_400_000,
}
_MOST_MS = 400 * 86_400_000


def watts(text: object) -> int:
    """`1.5 kW` as 1500. Raises ValueError with a message for people."""
    return _whole(text, _POWER, "a power", "1.5 kW", 1_000_000_000)


def millis(text: object) -> int:
    """`5 min` as 300000. Raises ValueError with a message for people."""
    return _whole(text, _TIME, "a duration", "30 s or 5 min", _MOST_MS)


def percent(text: object) -> int:
    """`70 %` as 70. Raises ValueError with a message for people."""
    share = _whole(text, {"%": 1}, "a percentage", "70 %", 1_000_000)
    if share > 100:
        raise ValueError(f"{text!r} is more than 100 %; write 0 % to 100 %")
    return share


def watts_text(watts: int) -> str:
    """1500 as `1.5 kW`, which `watts` reads back."""
    if watts and watts % _POWER["MW"] == 0:
        return f"{watts // _POWER['MW']} MW"
    return f"{watts} W" if watts % 10 else f"{Decimal(watts) / 1000:f} kW"


def millis_text(ms: int) -> str:
    """300000 as `5 min`, which `millis` reads back."""
    units = [unit for unit in ("h", "min", "s") if ms >= _TIME[unit] and not ms % _TIME[unit]]
    unit = units[0] if units else "ms" if 0 < ms < 10**9 else "s"
    return f"{Decimal(ms) / _TIME[unit]:f} {unit}"


def percent_text(share: int) -> str:
    """70 as `70 %`."""
    return f"{share} %"


def _whole(value: object, units: dict[str, int], what: str, example: str, most: int) -> int:
    if not isinstance(value, str) or not (match := _SHAPE.fullmatch(value.strip())):
        raise ValueError(f"{_shown(value)} is not {what}; write it like {example}")
    number, unit = match.groups()
    factor = units.get(unit) or {name.lower(): n for name, n in units.items()}.get(unit.lower())
    if factor is None:
        raise ValueError(f"{value!r} is not {what}; write it like {example}")
    exact = Decimal(number.replace(",", ".")) * factor
    if exact < 0:
        raise ValueError(f"{value!r} is below 0; write it like {example}")
    if exact != exact.to_integral_value():
        raise ValueError(f"{value!r} is too precise; write it like {example}")
    if exact > most:
        raise ValueError(f"{value!r} is too large; write it like {example}")
    return int(exact)


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else "this"


def _schema(units: dict[str, int], *examples: str) -> WithJsonSchema:
    names = "|".join(units)
    pattern = rf"^\s*[+]?\d{{1,9}}([.,]\d{{1,6}})?\s*({names})\s*$"
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": list(examples)})


def _written(text: Callable[[int], str]) -> PlainSerializer:
    return PlainSerializer(text, return_type=str, when_used="json")


Watts = Annotated[
    int, BeforeValidator(watts), _written(watts_text), _schema(_POWER, "1.5 kW", "400 W")
]
Millis = Annotated[
    int, BeforeValidator(millis), _written(millis_text), _schema(_TIME, "5 min", "30 s", "4 h")
]
Percent = Annotated[
    int, BeforeValidator(percent), _written(percent_text), _schema({"%": 1}, "70 %")
]
