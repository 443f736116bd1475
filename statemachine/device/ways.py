"""How a value is read and an order is sent: whether it is said in one way, and can be done so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .parts import MOVED_REGISTER, PLACEHOLDER, UNITS, WORDS_OF, Order, Value

WAYS = {"http": ("get", "post", "put", "delete"), "mqtt": ("topic",), "modbus": ("table",),
        "ocpp": ("ocpp",), "bacnet": ("object_",)}  # fmt: skip
ALL_WAYS = tuple(way for ways in WAYS.values() for way in ways)
# Which fields go with which ways alone.
ALONE = {
    "register_": ("table",), "function": ("table",), "ten_to": ("table",),
    "write": ("table", "object_"), "payload": ("topic",), "ask": ("topic",),
}  # fmt: skip
MOST_TOPIC = 200
MOST_PATH = 1_000
PATH = re.compile(r"/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@%/?\[\]-]*")
POINTER = re.compile(r"(/([^~]|~[01])*)?")


def value_faults(speaks: str, value: Value) -> Iterator[str]:
    """What is wrong with how a value is read and taken out of the answer."""
    yield from _way(speaks, value)
    if value.table is not None:
        yield from _register(value)
    if value.ask is not None:
        yield from order_faults(speaks, value.ask)
    for pointer in value.at or ():
        if value.table is not None:
            yield "a register has no `at`"
        elif not POINTER.fullmatch(pointer):
            yield f"{pointer!r} is no JSON pointer; write it like /ENERGY/Power"
    yield from _taken(value)


def _taken(value: Value) -> Iterator[str]:
    if value.unit is not None and value.unit not in UNITS:
        yield f"{value.unit!r} is no unit; use one of: {', '.join(UNITS)}"
    if value.words is not None and (value.unit is not None or len(value.at or ()) > 1):
        yield "words are those of one value, which has no unit"
    if value.words is not None and value.nothing in value.words:
        yield f"{value.nothing!r} means no reading, and also is one of the words"
    if isinstance(value.scale, str) and not PLACEHOLDER.fullmatch(value.scale):
        yield f"{value.scale!r} is no scale; write a number or one placeholder"
    if not isinstance(value.scale, str) and (not value.scale.is_finite() or value.scale == 0):
        yield "`scale` is a number other than 0"


def order_faults(speaks: str, order: Order) -> Iterator[str]:
    """What is wrong with how an order is sent."""
    yield from _way(speaks, order)
    if order.topic is not None and (order.payload is None) == (order.body is None):
        yield "a message needs `payload`, or `json` in its place"
    if order.object_ is not None and order.write is None:
        yield "an object needs `write`: a value, one placeholder, or null"
    if order.table is None:
        return
    yield from _register(order)
    if order.write is None or not re.fullmatch(r"-?\d+(\.\d+)?|\{[a-z_]+\}", order.write):
        yield "a register needs `write`: a number or one placeholder"
    fits = {None: True, 5: order.table == "coil", 16: order.table == "holding"}
    fits[6] = order.table == "holding" and WORDS_OF[order.number] == 1
    if not fits[order.function]:
        yield f"function {order.function} does not write {order.table} as {order.number}"
    if not order.scale.is_finite() or order.scale == 0:
        yield "`scale` is a number other than 0"


def _way(speaks: str, said: Order | Value) -> Iterator[str]:
    ways = [way for way in ALL_WAYS if getattr(said, way, None) is not None]
    allowed = WAYS[speaks]
    if len(ways) != 1:
        yield f"exactly one of {_or(allowed)} says where; here: {_or(ways) or 'none'}"
    for way in ways:
        if way not in allowed:
            yield f"{speaks} has no `{way.rstrip('_')}`; use {_or(allowed)}"
        elif speaks == "http":
            yield from _path(getattr(said, way))
        elif speaks == "mqtt":
            yield from _topic(str(said.topic))
    if said.body is not None and (not {*ways} & {"post", "put", "topic"} or said.topic == ""):
        yield "`json` goes with post, put or topic"
    for field, with_ways in ALONE.items():
        if not {*with_ways} & {*ways} and getattr(said, field, None) is not None:
            yield f"`{field.rstrip('_')}` goes with {_or(with_ways)}"


def _or(ways: Iterable[str]) -> str:
    return ", ".join(way.rstrip("_") for way in ways)


def _path(path: str) -> Iterator[str]:
    bare = PLACEHOLDER.sub("x", path)
    if not PATH.fullmatch(bare) or len(path) > MOST_PATH:
        yield f"{path!r} is no path; write it like /rpc/Switch.GetStatus?id=0"
    elif {".", ".."} & {*re.split(r"[/?]", bare)}:
        yield f"{path!r} leads out of its folder"


def _topic(topic: str) -> Iterator[str]:
    bare = PLACEHOLDER.sub("x", topic)
    if not bare or not bare.isprintable() or len(topic) > MOST_TOPIC:
        yield f"{topic!r} is no topic"
    elif re.search(r"[+#{}]", bare):
        yield f"{topic!r} has a wildcard or a curly bracket; a topic is written out"
    elif bare.startswith("$"):
        yield f"{topic!r} is the broker's own"


def _register(said: Order | Value) -> Iterator[str]:
    register = said.register_
    if register is None:
        yield "a table needs a register"
    elif isinstance(register, str) and not MOVED_REGISTER.fullmatch(register):
        yield f"{register!r} is no register; write 261, 0x34, {{start}} or {{start}}+18"
    elif isinstance(register, int) and not 0 <= register <= 65_535:
        yield f"there is no register {register}; they go from 0 to 65535"
    bits = said.table in ("coil", "discrete")
    if said.number == "bit" and not bits:
        yield "a register is no bit; read it as uint16, with words"
    if isinstance(said, Value) and said.ten_to is not None and not 1 <= said.ten_to <= 100:
        yield "`ten_to` is 1 to 100 registers further on"
