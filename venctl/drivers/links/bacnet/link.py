"""Objects of BACnet/IP devices, asked and told like any other device.

| setting | what it is |
|---|---|
| `device` | the number of this program as a BACnet device; by default 4190000 |

The address is this machine's own, with its network, as `192.168.1.2/24:47808`. Only one program
of a machine can use it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from statemachine.device.declaration import LinkDeclaration
from statemachine.device.requests import LinkAnswer, Order, Query, ReadObject, WriteObject

from ....base.clocks import clocks
from ....base.extras import missing
from ..faults import LinkFault
from ..state import Clocks, LinkState, Tally
from ..turn import LinkTurn
from .objects import POWER_UNITS, Facts, by_of, filled, value_of, watts_of

if TYPE_CHECKING:
    from .stack import Stack

T = TypeVar("T")
NUMBER = 4_190_000
PORT = 47_808


class BacnetLink:
    """One socket for all BACnet devices; one request at a time to each."""

    def __init__(self, declaration: LinkDeclaration, clock: Clocks = clocks) -> None:
        if (said := missing("bacnet")) is not None:
            raise LinkFault(said, lasting=True, everywhere=True)
        self._own = declaration.to
        self._number = int(declaration.settings.get("device", str(NUMBER)))
        self._tally = Tally(f"bacnet {self._own}", clock)
        self._stack: Stack | None = None
        self._turns: dict[str, LinkTurn] = {}
        self._known: set[str] = set()
        self._facts: dict[tuple[str, str], Facts] = {}

    async def ask(self, query: Query) -> LinkAnswer:
        """The object's value, and whose it is, as JSON. Raises LinkFault."""
        if not isinstance(query, ReadObject):
            raise LinkFault("a BACnet device is asked otherwise", lasting=True)
        answer = await self._carry_out(query.device, False, lambda host: self._read(host, query))
        return LinkAnswer(json.dumps(answer))

    async def tell(self, order: Order) -> None:
        """Write a value, or take it back. Raises LinkFault."""
        if not isinstance(order, WriteObject):
            raise LinkFault("a BACnet device is told otherwise", lasting=True)
        await self._carry_out(order.device, True, lambda host: self._write(host, order))

    def state(self) -> LinkState:
        """Up, if the device that was asked last answered."""
        return self._tally.state(0)

    async def close(self) -> None:
        """Close the socket; the next request opens it again."""
        stack, self._stack = self._stack, None
        if stack is not None:
            stack.close()

    async def _carry_out(self, device: str, urgent: bool, do: Callable[[str], Awaitable[T]]) -> T:
        turn = self._turns.setdefault(device, LinkTurn(0))
        try:
            async with turn.take(urgent):
                host = await self._host(device)
                answer = await do(host)
        except LinkFault as fault:
            self._tally.erred(str(fault))
            if fault.up is not None:
                self._tally.stands(fault.up)
            raise
        self._tally.stands(True)
        return answer

    async def _host(self, device: str) -> str:
        """Where a device is; the first time, whether it is that one."""
        host, _, number = device.partition("/")
        host = host if ":" in host else f"{host}:{PORT}"
        if number and device not in self._known:
            from .stack import BacnetRefusal

            try:
                await self._opened().read(host, f"device,{number}", "object-name")
            except BacnetRefusal as fault:
                if fault.word != "unknown-object":
                    raise
                said = f"the BACnet device at {host} is not number {number}"
                raise LinkFault(said, up=True, lasting=True) from None
        self._known.add(device)
        return host

    async def _read(self, host: str, query: ReadObject) -> dict[str, float | str]:
        facts = await self._facts_of(host, query.object)
        value = value_of(await self._opened().read(host, query.object, "present-value"))
        if value is None or await self._is_faulty(host, query.object, facts):
            return {}
        answer: dict[str, float | str] = {"value": value}
        if (watts := watts_of(value, facts.unit)) is not None:
            answer["watts"] = watts
        slots = await self._slots(host, query.object)
        return answer if slots is None else answer | {"by": by_of(slots, query.priority)}

    async def _write(self, host: str, order: WriteObject) -> None:
        facts = await self._facts_of(host, order.object)
        value = None if order.value is None else self._value(order, facts)
        if value is not None and not facts.relinquishes:
            await self._relinquish(host, order)  # what cannot be given back is not taken
            facts.relinquishes = True
        if value is None:
            await self._relinquish(host, order)
        else:
            await self._opened().write(host, order.object, value, order.priority)

    async def _relinquish(self, host: str, order: WriteObject) -> None:
        from .stack import BacnetRefusal

        said = f"{host} cannot relinquish {order.object}"
        if await self._slots(host, order.object) is None:
            raise LinkFault(f"{said}: it has no priorities", up=True, lasting=True)
        try:
            await self._opened().write(host, order.object, None, order.priority)
        except BacnetRefusal as fault:
            words = f"{said}: it does not take Null ({fault.word})"
            raise LinkFault(words, up=True, lasting=True) from None
        slots = await self._slots(host, order.object)
        if slots is not None and order.priority in slots:
            raise LinkFault(f"{said}: it takes Null and keeps its value", up=True, lasting=True)

    async def _facts_of(self, host: str, object: str) -> Facts:
        """Its unit; an analog one has to be in watts or kilowatts."""
        facts = self._facts.setdefault((host, object), Facts())
        if object.startswith("analog") and facts.unit is None:
            unit = str(await self._opened().read(host, object, "units"))
            if unit not in POWER_UNITS:
                said = f"{object} of {host} is in {unit}, not in watts or kilowatts"
                raise LinkFault(said, up=True, lasting=True)
            facts.unit = unit
        return facts

    async def _is_faulty(self, host: str, object: str, facts: Facts) -> bool:
        """Whether the device itself says that its value is no good."""
        if not facts.flags:
            return False
        said = await self._optional(host, object, "status-flags")
        facts.flags = said is not None
        return said is not None and len(said) > 1 and bool(said[1])  # alarm, fault, ...

    async def _slots(self, host: str, object: str) -> dict[int, str] | None:
        if "input" in object:
            return None
        return filled(await self._optional(host, object, "priority-array"))

    async def _optional(self, host: str, object: str, property: str) -> Any:
        from .stack import BacnetRefusal

        try:
            return await self._opened().read(host, object, property)
        except BacnetRefusal:
            return None

    def _value(self, order: WriteObject, facts: Facts) -> float | str:
        value = order.value or ""
        if facts.unit is None:
            return value
        try:
            return float(value) / POWER_UNITS[facts.unit]
        except ValueError:
            raise LinkFault(f"{order.object} takes no {value!r}", lasting=True) from None

    def _opened(self) -> Stack:
        if self._stack is None:
            from .stack import Stack

            self._stack = Stack(self._own, self._number)
        return self._stack
