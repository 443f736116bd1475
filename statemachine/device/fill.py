"""Turns a template, with its parameters filled in, into what is asked and what is told.

A text that is one placeholder becomes the value itself, so that a number stays a number. A value
never changes where a request goes: in a path it is percent-encoded, and what would change a topic
or a message is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from ..kit.strict_json import compact_text
from .coded import Coded
from .faults import texts
from .filling import Amount, FillError, amount_text, path_with, topic_with, whole_amps
from .form import Order, Template, Value
from .parts import MOVED_REGISTER, PLACEHOLDER, WORDS_OF
from .registers import encoded
from .requests import HttpRequest, Listen, Publish, Query, ReadRegisters, WriteRegisters
from .requests import Order as Told

Params: TypeAlias = Mapping[str, str]
Amounts: TypeAlias = Mapping[str, Amount]
METHODS = ("get", "post", "put", "delete")
# One of everything that a write may use, to try whether it can be filled in.
SAMPLE: Amounts = {
    "lease_s": 120,
    "lease_ms": 120_000,
    "watts": 1_380,
    "kw": 1.38,
    "amps": 6.0,
    "percent": 50,
    "now_iso": "2026-11-28T20:55:00Z",
    "until_iso": "2026-11-28T20:57:00Z",
}


def queries(template: Template, params: Params) -> dict[str, Query]:
    """What is asked for each read; two names may have equal queries. Raises `FillError`.

    A read that needs an optional parameter which was left empty is not among them.
    """
    return _asked(template, template.read, params)


def wanted_settings(template: Template, params: Params) -> dict[str, Query]:
    """What is asked for each of `wants`, like `queries`."""
    return _asked(template, template.wants, params)


def identifying(template: Template, params: Params) -> dict[str, Query]:
    """What is asked for each of `identify`, like `queries`."""
    return _asked(template, template.identify, params)


def orders(template: Template, params: Params, write: str, ordered: Amounts) -> tuple[Told, ...]:
    """What is sent for a write, in order. Raises `FillError`.

    `ordered` has lease_s, lease_ms, watts, kw, amps, percent, now_iso and until_iso, or those that
    are known. KeyError: the template has no such write.
    """
    fill = _Fill(template, params, ordered)
    told: Mapping[Any, tuple[Order, ...]] = template.write
    return tuple(fill.order(order) for order in told[write])


def param_faults(template: Template, params: Params) -> dict[str, str]:
    """What is wrong with which parameter, in words; {} if everything can be asked and told.

    Parameters that the template does not have are not looked at.
    """
    found = dict.fromkeys(_missing(template, params), "it is missing")
    for name, parameter in template.params.items():
        if name in params and (why := parameter.fault(params[name])):
            found[name] = why
    if not found:
        found.update(_tried(template, params))
    return found


def _missing(template: Template, params: Params) -> list[str]:
    needed = [name for name, parameter in template.params.items() if parameter.default is None]
    return [name for name in needed if name not in params]


def _tried(template: Template, params: Params) -> Iterator[tuple[str, str]]:
    for section in (template.read, template.wants, template.identify):
        try:
            _asked(template, section, params)
        except FillError as error:
            yield error.param, error.why
    for write in template.write:
        try:
            orders(template, params, write, SAMPLE)
        except FillError as error:
            yield error.param, error.why


def _asked(template: Template, section: Mapping[Any, Value], params: Params) -> dict[str, Query]:
    fill = _Fill(template, params, {})
    return {name: fill.query(value) for name, value in section.items() if not fill.left_out(value)}


class _Fill:
    """The values for the placeholders of one template."""

    def __init__(self, template: Template, params: Params, ordered: Amounts) -> None:
        self._template = template
        defaults = {
            name: parameter.default
            for name, parameter in template.params.items()
            if parameter.default is not None
        }
        self._params = {**defaults, **{n: t for n, t in params.items() if n in template.params}}
        self._ordered = {**ordered, **whole_amps(ordered)}
        self._coded = Coded(self._params, self._ordered, self._written)

    def left_out(self, value: Value) -> bool:
        """Whether a value needs an optional parameter that was left empty."""
        empty = {
            name
            for name, parameter in self._template.params.items()
            if parameter.optional and self._params.get(name, "") == ""
        }
        return bool(empty) and any(name in empty for name in _names(value.model_dump()))

    def query(self, value: Value) -> Query:
        if value.topic is not None:
            ask = None if value.ask is None else self._publish(value.ask)
            return Listen(topic_with(value.topic, self._text), ask)
        if value.table is not None:
            bits = value.table in ("coil", "discrete")
            count = max(1 if bits else WORDS_OF[value.number], (value.ten_to or 0) + 1)
            return ReadRegisters(self._unit(), value.table, self._register(value), count)
        return self._coded.query(value) or self._request(value)

    def order(self, order: Order) -> Told:
        if order.topic is not None:
            return self._publish(order)
        if order.table is None:
            return self._coded.order(order) or self._request(order)
        number = self._typed(order.write or "")
        words = encoded(order, number)
        function = order.function or (5 if order.table == "coil" else 6 if len(words) == 1 else 16)
        return WriteRegisters(self._unit(), order.table, self._register(order), words, function)

    def _publish(self, order: Order) -> Publish:
        return Publish(topic_with(order.topic or "", self._text), self._message(order))

    def _request(self, said: Order | Value) -> HttpRequest:
        for method in METHODS:
            if (path := getattr(said, method, None)) is not None:
                body = None if said.body is None else self._json(said.body)
                return HttpRequest(method.upper(), path_with(path, self._text), body)  # type: ignore[arg-type]
        raise FillError("", "it does not say where")

    def _message(self, order: Order) -> str:
        if order.body is not None:
            return self._json(order.body)
        payload = order.payload or ""
        if PLACEHOLDER.fullmatch(payload):
            return amount_text(self._typed(payload))
        return PLACEHOLDER.sub(lambda match: self._in_message(match[1]), payload)

    def _written(self, said: str) -> str:
        return PLACEHOLDER.sub(lambda match: self._text(match[1]), said)

    def _in_message(self, name: str) -> str:
        text = self._text(name)
        if name in self._template.params and re.search(r'["\\]', text):
            raise FillError(name, f"{text!r} has a character that would change a message")
        return text

    def _json(self, body: Mapping[str, Any]) -> str:
        return compact_text(self._tree(body))

    def _tree(self, said: Any) -> Any:
        """JSON with its placeholders filled in; names stay as they are."""
        if isinstance(said, dict):
            return {name: self._tree(entry) for name, entry in said.items()}
        if isinstance(said, list):
            return [self._tree(entry) for entry in said]
        if not isinstance(said, str):
            return said
        if PLACEHOLDER.fullmatch(said):
            return self._typed(said)
        return PLACEHOLDER.sub(lambda match: self._text(match[1]), said)

    def _unit(self) -> int:
        return self._number("unit")

    def _register(self, said: Order | Value) -> int:
        if isinstance(said.register_, int):
            return said.register_
        match = MOVED_REGISTER.fullmatch(said.register_ or "")
        if match is None:
            raise FillError("", "there is no register")
        register = self._number(match[1]) + int(match[2] or 0)
        if not 0 <= register <= 65_535:
            raise FillError(match[1], f"there is no register {register}; they go from 0 to 65535")
        return register

    def _number(self, name: str) -> int:
        number = self._typed(f"{{{name}}}")
        if not isinstance(number, int):
            raise FillError(name, f"{number!r} is not a whole number")
        return number

    def _typed(self, said: str) -> Amount:
        """The value of a text that is one placeholder; the text itself if it is not."""
        match = PLACEHOLDER.fullmatch(said)
        if match is None:
            return said
        name = match[1]
        parameter = self._template.params.get(name)
        text = self._text(name)
        if parameter is None:
            amount = self._ordered[name]
            return int(amount) if isinstance(amount, float) and amount.is_integer() else amount
        return int(text) if parameter.whole else text

    def _text(self, name: str) -> str:
        parameter = self._template.params.get(name)
        if parameter is None:
            if name not in self._ordered:
                raise FillError(name, "it is not known here")
            return amount_text(self._ordered[name], name)
        text = self._params.get(name)
        if text is None:
            raise FillError(name, "it is missing")
        if why := parameter.fault(text):
            raise FillError(name, why)
        if text == "" and parameter.optional:
            raise FillError(name, "it is needed to write")
        return text


def _names(given: Any) -> Iterator[str]:
    for text in texts(given):
        yield from PLACEHOLDER.findall(text)
