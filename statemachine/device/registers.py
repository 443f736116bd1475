"""Numbers in Modbus registers: read out of words, and written as words."""

from __future__ import annotations

import math
import struct
from decimal import ROUND_DOWN, Decimal

from .filling import Amount, FillError
from .parts import WORDS_OF, NumberType, Order, Value

_CODES = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "float32": ">f",
    "int64": ">q",
    "uint64": ">Q",
    "float64": ">d",
}
_MOST_POWER = 10
_NO_POWER = -32_768  # SunSpec: there is no scale factor


def decoded(value: Value, words: tuple[int, ...]) -> Decimal | None:
    """The number in the words that were read; None if they are not of the declared shape."""
    if not words or not all(type(word) is int and 0 <= word <= 65_535 for word in words):
        return None
    if value.table in ("coil", "discrete"):
        return Decimal(words[0]) if words[0] in (0, 1) else None
    size, code = WORDS_OF[value.number], _CODES.get(value.number)
    if code is None or len(words) < size:
        return None
    own = words[:size] if value.word_order == "big" else words[:size][::-1]
    (number,) = struct.unpack(code, struct.pack(f">{size}H", *own))
    if isinstance(number, int):
        return Decimal(number)
    if not math.isfinite(number):
        return None
    return Decimal(f"{number:.9g}") if value.number == "float32" else Decimal(repr(number))


def power_of_ten(value: Value, words: tuple[int, ...]) -> int | None:
    """The power of ten that was read with the number; None if it says nothing usable."""
    if value.ten_to is None:
        return 0
    if len(words) <= value.ten_to:
        return None
    power: int = struct.unpack(">h", struct.pack(">H", words[value.ten_to]))[0]
    return None if power == _NO_POWER or abs(power) > _MOST_POWER else power


def encoded(order: Order, amount: Amount) -> tuple[int, ...]:
    """The words to write, rounded down where the device takes whole numbers. Raises `FillError`."""
    try:
        exact = Decimal(str(amount)) * order.scale
    except ArithmeticError:
        raise FillError("", f"{amount!r} is no number") from None
    if not exact.is_finite():
        raise FillError("", f"{amount!r} is no number")
    if order.table == "coil":
        if exact not in (0, 1):
            raise FillError("", f"{exact} is neither 0 nor 1")
        return (int(exact),)
    words = _words(order.number, exact)
    return words if order.word_order == "big" else words[::-1]


def _words(number: NumberType, exact: Decimal) -> tuple[int, ...]:
    floating = number in ("float32", "float64")
    if not floating and abs(exact) >= 2**64:
        raise FillError("", f"{exact:.3g} does not fit into {number}")
    plain = float(exact) if floating else int(exact.to_integral_value(ROUND_DOWN))
    try:
        raw = struct.pack(_CODES.get(number, ">H"), plain)
    except (struct.error, OverflowError):
        raise FillError("", f"{exact:f} does not fit into {number}") from None
    words: tuple[int, ...] = struct.unpack(f">{len(raw) // 2}H", raw)
    return words
