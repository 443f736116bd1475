"""Requests to devices that are spoken to by code: chargers over OCPP, and objects of BACnet/IP.

Their templates say what is read and written, and their parameters have fixed names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .filling import Amount, FillError
from .parts import Order, Value
from .requests import (
    Connector,
    FreeCharger,
    LimitCharger,
    ReadCharger,
    ReadObject,
    WriteObject,
)

# The parameters that every template of a protocol has; True: a whole number.
NEEDS: Mapping[str, Mapping[str, bool]] = {
    "ocpp": {"charger": False, "connector": True, "password": False},
    "bacnet": {"device": False, "priority": True},
}
CHARGER = re.compile(r"[A-Za-z0-9*_=:+|@.-]{1,48}")
OBJECT = re.compile(r"(?:analog|binary)-(?:input|output|value),\d{1,7}")
DEVICE = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?:/\d{1,7})?")
NULL = "null"
LEASE_MS = 120_000


class Coded:
    """Fills in the requests of one device.

    `params` has the defaults filled in, and `written` fills in a text with placeholders.
    """

    def __init__(
        self,
        params: Mapping[str, str],
        amounts: Mapping[str, Amount],
        written: Callable[[str], str],
    ) -> None:
        self._params, self._amounts, self._written = params, amounts, written

    def query(self, value: Value) -> ReadCharger | ReadObject | None:
        """None: it is asked in another way."""
        if value.ocpp is not None:
            return ReadCharger(self._connector(), value.ocpp)
        if value.object_ is not None:
            return ReadObject(self._device(), self._object(value.object_), self._priority())
        return None

    def order(self, order: Order) -> LimitCharger | FreeCharger | WriteObject | None:
        """None: it is sent in another way."""
        if order.ocpp is not None:
            return self._charger(order.ocpp)
        if order.object_ is None:
            return None
        value = self._written(order.write or "")
        given = None if value == NULL else value
        return WriteObject(self._device(), self._object(order.object_), given, self._priority())

    def _charger(self, what: str) -> LimitCharger | FreeCharger:
        outlet = self._connector()
        amps, watts = self._amount("whole_amps"), self._amount("watts")
        if what == "free":
            return FreeCharger(outlet, amps, watts)
        lease_ms = self._amount("lease_ms") or LEASE_MS
        return LimitCharger(outlet, *((0, 0) if what == "pause" else (amps, watts)), lease_ms)

    def _connector(self) -> Connector:
        charger = self._written("{charger}")
        if not CHARGER.fullmatch(charger):
            raise FillError("charger", f"{charger!r} cannot be the identity of a charger")
        # Not a placeholder: where the secret is, not the secret.
        return Connector(charger, self._whole("connector"), self._params.get("password", ""))

    def _device(self) -> str:
        device = self._written("{device}")
        if not DEVICE.fullmatch(device):
            raise FillError("device", f"{device!r} is no device; write it like 192.168.1.9/3456")
        return device

    def _object(self, text: str) -> str:
        found = self._written(text)
        if not OBJECT.fullmatch(found):
            name = text.strip("{}") if text.startswith("{") else ""
            raise FillError(name, f"{found!r} is no object; write it like analog-input,1")
        return found

    def _priority(self) -> int:
        return self._whole("priority")

    def _whole(self, name: str) -> int:
        return int(self._written(f"{{{name}}}"))

    def _amount(self, name: str) -> int:
        amount = self._amounts.get(name, 0)
        return int(amount) if isinstance(amount, int | float) else 0
