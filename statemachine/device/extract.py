"""What an answer of a device means: closed extraction, in which nothing is evaluated.

Whatever is in the answer, the result is a reading or None. It never raises.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from .filling import pointer_with
from .parts import MOST_TEXT, PLACEHOLDER, UNITS, Value, Want
from .registers import decoded, power_of_ten

Reading: TypeAlias = Decimal | str | None
MAX_BYTES = 64 * 1024
MAX_DEPTH = 20
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?")
_INDEX = re.compile(r"0|[1-9][0-9]{0,5}")
_MOST_EXPONENT = 30


def reading(value: Value, params: Mapping[str, str], raw: str | tuple[int, ...]) -> Reading:
    """What was read, in W, A, Wh or s; a word as its meaning; a text if it has neither.

    None: no reading, because the answer is too large, of another shape, says `nothing`, or a word
    that the template does not know. `params` has the defaults filled in.
    """
    try:
        return (
            _registers(value, params, raw) if isinstance(raw, tuple) else _text(value, params, raw)
        )
    except (ArithmeticError, ValueError, TypeError, RecursionError):
        return None


def meets(
    want: Want, params: Mapping[str, str], said: Reading, circuit: Mapping[str, Decimal]
) -> bool | None:
    """Whether a setting is as wanted; None: it could not be read, or not be compared.

    `circuit` has full_amps and full_watts, where they are known.
    """
    if said is None:
        return None
    if want.one_of is not None:
        wanted = [_filled(text, params, circuit) for text in want.one_of]
        if any(text is not None and _same(text, said) for text in wanted):
            return True
        if want.least is None and want.most is None:
            return None if None in wanted else False
    return _within(want, params, said, circuit)


def _within(
    want: Want, params: Mapping[str, str], said: Reading, circuit: Mapping[str, Decimal]
) -> bool | None:
    if want.least is None and want.most is None:
        return True
    number = said if isinstance(said, Decimal) else as_number(said)
    if number is None:
        return False
    for bound, sign in ((want.least, 1), (want.most, -1)):
        if bound is None:
            continue
        limit = bound if isinstance(bound, Decimal) else as_number(_filled(bound, params, circuit))
        if limit is None:
            return None
        if sign * (number - limit) < 0:
            return False
    return True


def as_number(said: Any) -> Decimal | None:
    """A number, or a text that is one; None for anything else, and beyond all bounds."""
    if isinstance(said, bool):
        return None
    if isinstance(said, str):
        if not _NUMBER.fullmatch(said.strip()):
            return None
        said = Decimal(said.strip())
    if isinstance(said, int):
        said = Decimal(said)
    if not isinstance(said, Decimal) or not said.is_finite():
        return None
    return said if said == 0 or abs(said.adjusted()) <= _MOST_EXPONENT else None


def parsed(raw: str) -> Any:
    """The JSON in an answer, with its fractions as Decimal. Raises ValueError or RecursionError."""
    if len(raw) > MAX_BYTES or len(raw.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise ValueError("the answer is over 64 KB")
    value = _DECODER.decode(raw.removeprefix("\ufeff"))
    if _depth(value) > MAX_DEPTH:
        raise ValueError("the answer is nested more than 20 levels deep")
    return value


def _registers(value: Value, params: Mapping[str, str], words: tuple[int, ...]) -> Reading:
    number = decoded(value, words) if value.table is not None else None
    power = power_of_ten(value, words) if number is not None else None
    if number is None or power is None or _is_nothing(value, number):
        return None
    number = number.scaleb(power)
    if value.words is not None:
        return value.words.get(f"{number:f}")
    if value.table in ("coil", "discrete") and value.unit is None:
        return "on" if number else "off"
    return _scaled(value, params, number)


def _text(value: Value, params: Mapping[str, str], raw: str) -> Reading:
    if value.table is not None or len(raw) > MAX_BYTES:
        return None
    found: list[Any] = [raw.strip()]
    if value.at is not None:
        document = parsed(raw)
        found = [_pointed(document, pointer_with(at, params)) for at in value.at]
    if any(_is_nothing(value, one) for one in found):
        return None
    if value.words is not None:
        return value.words.get(_word(found[0]) or "")
    if value.unit is None and len(found) == 1 and value.scale == 1:
        return _word(found[0]) or None
    return _sum(value, params, found)


def _sum(value: Value, params: Mapping[str, str], found: list[Any]) -> Reading:
    total = Decimal(0)
    for one in found:
        number = as_number(one)
        if number is None:
            return None
        total += number
    return _scaled(value, params, total)


def _scaled(value: Value, params: Mapping[str, str], number: Decimal) -> Reading:
    scale = value.scale
    if isinstance(scale, str):
        filled = as_number(_filled(scale, params, {}))
        if not filled:
            return None
        scale = filled
    return number * scale * UNITS.get(value.unit or "W", Decimal(1))


def _is_nothing(value: Value, said: Any) -> bool:
    if value.nothing is None:
        return False
    return _word(said) == value.nothing or _same(value.nothing, said)


def _same(text: str, said: Any) -> bool:
    """Whether a text says the same, as a number if both are numbers."""
    if isinstance(said, str) and said == text:
        return True
    one, other = as_number(text), as_number(said)
    return one is not None and other is not None and one == other


def _word(said: Any) -> str | None:
    """A single value as text, as JSON writes it; None for null, lists and objects."""
    if isinstance(said, bool):
        return "true" if said else "false"
    if isinstance(said, int):
        return str(said)
    if isinstance(said, Decimal):
        return f"{said:f}" if as_number(said) is not None else None
    return said if isinstance(said, str) and len(said) <= MOST_TEXT else None


def _filled(text: str, params: Mapping[str, str], circuit: Mapping[str, Decimal]) -> str | None:
    """A text with its placeholders filled in; None if one of them is not known."""
    known = {**params, **{name: f"{number:f}" for name, number in circuit.items()}}
    if any(name not in known for name in PLACEHOLDER.findall(text)):
        return None
    return PLACEHOLDER.sub(lambda match: known[match[1]], text)


def _pointed(document: Any, pointer: str) -> Any:
    """The value that a JSON pointer leads to; None if there is none."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(name)
        elif isinstance(document, list) and _INDEX.fullmatch(name) and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return document


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level := [inner for outer in level for inner in _inside(outer)]:
        depth += 1
    return depth


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number")


def _whole(text: str) -> int:
    if len(text) > 40:
        raise ValueError("a number is too long")
    return int(text)


def _fraction(text: str) -> Decimal:
    return Decimal(text) if len(text) <= 80 else Decimal("NaN")


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_fraction, parse_int=_whole)
