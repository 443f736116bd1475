"""The library's BACnet stack on one UDP socket. The only module that sees `bacpypes3`."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from bacpypes3.apdu import ErrorRejectAbortNack
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import IPv4Address
from bacpypes3.primitivedata import Null

from ..faults import LinkFault, device_words

REQUEST_S = 2.0


class BacnetRefusal(LinkFault):
    """The device says no; `word` is its own, such as `unknown-property`."""

    def __init__(self, said: str, word: str) -> None:
        super().__init__(f"{said}: {word}", up=True)
        self.word = word


class Stack:
    """This program as a BACnet device of its own. Must be made on the loop."""

    def __init__(self, address: str, number: int) -> None:
        """Raises LinkFault if the address cannot be used."""
        try:
            own = IPv4Address(address)
            _try_to_bind(own)
        except ValueError:
            said = f"{device_words(address)!r} is no BACnet address of this machine"
            raise LinkFault(said, lasting=True, everywhere=True) from None
        except OSError as error:
            raise LinkFault(
                f"cannot use {address} for BACnet: {error.strerror}", up=False
            ) from None
        self._application = NormalApplication(
            DeviceObject(
                objectIdentifier=("device", number),
                objectName=f"venctl {number}",
                vendorIdentifier=999,
                apduTimeout=1_000,
                numberOfApduRetries=1,
            ),
            own,
        )

    async def read(self, host: str, object: str, property: str) -> Any:
        """A property. Raises BacnetRefusal, or LinkFault if there is no answer."""
        reading = self._application.read_property(host, object, property)
        return await self._answer(reading, host, f"{host} refuses to tell {property} of {object}")

    async def write(self, host: str, object: str, value: str | float | None, priority: int) -> None:
        """A present value; None is Null. Raises BacnetRefusal, or LinkFault without an answer."""
        writing = self._application.write_property(
            host,
            object,
            "present-value",
            Null(()) if value is None else value,
            priority=priority,
        )
        await self._answer(writing, host, f"{host} refuses {value or 'Null'} for {object}")

    def close(self) -> None:
        self._application.close()

    async def _answer(self, asking: Any, host: str, refusal: str) -> Any:
        try:
            async with asyncio.timeout(REQUEST_S):
                answer = await asking
        except TimeoutError:
            raise LinkFault(f"{host} gave no answer within {REQUEST_S:g} s", up=False) from None
        except ErrorRejectAbortNack as error:  # no Exception
            answer = error
        except Exception as error:
            raise BacnetRefusal(refusal, device_words(str(error)) or type(error).__name__) from None
        if isinstance(answer, ErrorRejectAbortNack):
            word = str(answer.reason)
            if word in ("no-response", "tsm-timeout"):
                raise LinkFault(f"{host} gave no answer", up=False)
            raise BacnetRefusal(refusal, word)
        return answer


def _try_to_bind(own: Any) -> None:
    """The library binds later, where nobody hears that it cannot."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        trial.bind(own.addrTuple)
