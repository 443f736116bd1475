"""The registers of one Modbus unit: typed cells that read and write what lies behind them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Table = Literal["coil", "discrete", "holding", "input"]
Kind = Literal["uint16", "int16", "uint32", "int32", "float32", "uint64", "float64", "text"]
FORMATS = {
    "uint16": ">H", "int16": ">h", "uint32": ">I", "int32": ">i", "float32": ">f", "uint64": ">Q",
    "float64": ">d",
}  # fmt: skip

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
NOT_THERE = 11  # a gateway: no answer from the unit behind it


class Refused(Exception):
    """A Modbus exception with its code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


def words(kind: Kind, value: float) -> tuple[int, ...]:
    """Registers, high word first; a whole number is held inside its bounds."""
    form = FORMATS[kind]
    if not kind.startswith("float"):
        size = 8 * struct.calcsize(form)
        low = -(2 ** (size - 1)) if kind.startswith("int") else 0
        value = int(max(low, min(round(value), low + 2**size - 1)))
    raw = struct.pack(form, value)
    return struct.unpack(f">{len(raw) // 2}H", raw)


def number(kind: Kind, registers: tuple[int, ...]) -> float:
    """What registers say."""
    raw = struct.pack(f">{len(registers)}H", *registers)
    value: float = struct.unpack(FORMATS[kind], raw)[0]
    return value


def text_words(text: str, length: int) -> tuple[int, ...]:
    """A text in so many registers."""
    raw = text.encode().ljust(2 * length, b"\0")[: 2 * length]
    return struct.unpack(f">{length}H", raw)


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a table."""

    kind: Kind
    length: int
    read: Callable[[], tuple[int, ...]] | None
    write: Callable[[float], None] | None


class Unit:
    """One device behind a port. `single`: it refuses a read that is not exactly one value."""

    single = False

    def __init__(self) -> None:
        self.cells: dict[tuple[Table, int], Cell] = {}

    def heard(self) -> None:
        """Somebody spoke to it: what a watchdog waits for."""

    def has(
        self,
        table: Table,
        register: int,
        kind: Kind,
        read: Callable[[], float] | None,
        write: Callable[[float], None] | None = None,
    ) -> None:
        """It has this value here, to read, to write, or both; `write` may raise `Refused`."""
        length = struct.calcsize(FORMATS[kind]) // 2
        shown = None if read is None else lambda: words(kind, read())
        self.cells[table, register] = Cell(kind, length, shown, write)

    def says(self, table: Table, register: int, text: str, length: int) -> None:
        self.cells[table, register] = Cell("text", length, lambda: text_words(text, length), None)

    def read(self, table: Table, register: int, count: int) -> list[int]:
        """Every register asked for must be part of a cell."""
        if self.single:
            cell = self.cells.get((table, register))
            if cell is None or cell.length != count:
                raise Refused(ILLEGAL_ADDRESS)
        return [self._word(table, each) for each in range(register, register + count)]

    def write(self, table: Table, register: int, values: tuple[int, ...]) -> None:
        """Whole cells only, all of them writable."""
        deeds: list[Callable[[], None]] = []
        while values:
            cell = self.cells.get((table, register))
            if cell is None or cell.write is None or cell.length > len(values):
                raise Refused(ILLEGAL_ADDRESS)
            value, put = number(cell.kind, values[: cell.length]), cell.write
            deeds.append(lambda put=put, value=value: put(value))  # type: ignore[misc]
            register, values = register + cell.length, values[cell.length :]
        for deed in deeds:
            deed()

    def _word(self, table: Table, register: int) -> int:
        for start in range(register, register - 40, -1):
            cell = self.cells.get((table, start))
            if cell is not None and cell.read and register < start + cell.length:
                return cell.read()[register - start]
        raise Refused(ILLEGAL_ADDRESS)
