"""A BACnet/IP device of the library's own: a relay, a limit, and their meters."""

from __future__ import annotations

from typing import Any, Self

from bacpypes3.basetypes import BinaryPV
from bacpypes3.errors import PropertyError
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.analog import AnalogInputObject, AnalogValueObject
from bacpypes3.local.binary import BinaryValueObject
from bacpypes3.local.cmd import Commandable
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import IPv4Address
from bacpypes3.primitivedata import Null

from tests.kit.devices.udp import free_udp_port

FINE = {"statusFlags": [0, 0, 0, 0], "eventState": "normal", "outOfService": False}


class Relay(Commandable, BinaryValueObject):  # type: ignore[misc]
    """`_null`: takes Null, refuses it, or takes it and keeps its value."""

    _null = "takes"

    async def write_property(
        self, attr: Any, value: Any, index: Any = None, priority: Any = None
    ) -> None:
        if self._null != "takes" and isinstance(value, Null):
            if self._null == "refuses":
                raise PropertyError(errorCode="invalidDataType")
            return
        await super().write_property(attr, value, index, priority)


class Limit(Commandable, AnalogValueObject):  # type: ignore[misc]
    pass


class BacnetDevice:
    """Number 3456, with binary-value,2 and analog-value,2, analog-input,1 and binary-value,3, which
    has no priorities.
    """

    def __init__(self) -> None:
        self.port = free_udp_port()
        self.relay = Relay(
            objectIdentifier=("binary-value", 2),
            objectName="relay",
            presentValue="active",
            relinquishDefault="active",
            **FINE,
        )
        self.limit = Limit(
            objectIdentifier=("analog-value", 2),
            objectName="limit",
            presentValue=11.0,
            relinquishDefault=11.0,
            units="kilowatts",
            **FINE,
        )
        self.meter = AnalogInputObject(
            objectIdentifier=("analog-input", 1),
            objectName="power",
            presentValue=1.5,
            units="kilowatts",
            **FINE,
        )
        self.plain = BinaryValueObject(
            objectIdentifier=("binary-value", 3),
            objectName="plain",
            presentValue="active",
            **FINE,
        )

    @property
    def at(self) -> str:
        return f"127.0.0.1:{self.port}/3456"

    async def __aenter__(self) -> Self:
        device = DeviceObject(
            objectIdentifier=("device", 3456), objectName="device", vendorIdentifier=999
        )
        self._application = NormalApplication(device, IPv4Address(f"127.0.0.1/24:{self.port}"))
        for one in (self.relay, self.limit, self.meter, self.plain):
            self._application.add_object(one)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._application.close()

    def is_on(self) -> bool:
        return str(self.relay.presentValue) == "active"

    def takes_null(self, how: str) -> None:
        """It refuses Null, or keeps its value."""
        self.relay._null = how

    def is_broken(self) -> None:
        """Its meter says that it is faulty."""
        self.meter.reliability = "no-sensor"

    async def person(self, value: str | None, priority: int) -> None:
        """A person at the building's own controller writes a value."""
        given = Null(()) if value is None else BinaryPV(value)
        await self.relay.write_property("presentValue", given, None, priority)
