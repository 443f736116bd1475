"""One connection of a charger, in the library's words. The only module that sees `ocpp`."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from aiohttp import WSMsgType
from aiohttp.web import WebSocketResponse
from ocpp.exceptions import NotImplementedError as NotImplementedByCharger
from ocpp.exceptions import NotSupportedError, OCPPError
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result

from statemachine.kit.localtime import utc_text

from ..faults import LinkFault, device_words

logging.getLogger("ocpp").setLevel(logging.CRITICAL)  # else it logs every message
log = logging.getLogger(__name__)
HEARTBEAT_S = 30
MOST_ANSWERS = 50
_transactions = itertools.count(int(time.time()) % 1_000_000_000 + 1)
_ACCEPTED = {"status": "Accepted"}


F = TypeVar("F", bound=Callable[..., Any])


def _answers(action: str) -> Callable[[F], F]:
    """The answer to what a charger sends. Its message is not compared with the schema: chargers
    send more than that, and nothing here relies on it.
    """
    answers: Callable[[F], F] = on(action, skip_schema_validation=True)
    return answers


class Unsupported(LinkFault):
    """The charger does not know this request."""


class Hearer(Protocol):
    """Who keeps what a charger says."""

    def utc_ms(self) -> int: ...

    def heard(self) -> None:
        """It said something."""

    def booted(self, model: str, firmware: str) -> None:
        """It started anew."""

    def metered(self, connector: Any, meter_value: Any) -> None:
        """What its meter says."""

    def status(self, connector: Any, status: Any, error: Any, timestamp: Any) -> None:
        """The state of an outlet."""


class ChargerSession(ChargePoint):  # type: ignore[misc]
    """A charger's connection, until it closes. `ask` is called by one at a time."""

    def __init__(self, charger: str, socket: WebSocketResponse, hearer: Hearer) -> None:
        super().__init__(charger, self, response_timeout=3600)
        self._socket, self._hearer = socket, hearer
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Answer what it says until the connection closes."""
        try:
            async for message in self._socket:
                if message.type is not WSMsgType.TEXT or self._flooded():
                    break
                self._hearer.heard()
                await self.route_message(message.data)
        except ConnectionError:
            pass
        except Exception:  # whatever a charger says, the others go on
            log.warning("%s is closed: it said what is not OCPP", self.id, exc_info=True)
        finally:
            self._gone.set_result(None)
            await self._socket.close()

    async def close(self) -> None:
        """Close the connection."""
        await self._socket.close(drain=False)

    async def send(self, message: str) -> None:
        await self._socket.send_str(message)

    async def ask(self, action: str, seconds: float, **payload: Any) -> Mapping[str, Any]:
        """What the charger answers. Raises LinkFault, with its own words if it refuses.

        An answer that comes later meets no other request: each has an id. So the connection stays
        open; closing it would make some chargers forget their limit.
        """
        request = getattr(call, action)(**payload)
        asking = asyncio.ensure_future(self.call(request, suppress=False))
        try:
            await asyncio.wait({asking, self._gone}, timeout=seconds, return_when="FIRST_COMPLETED")
            if asking.done():
                return dict(vars(asking.result()))
        except (NotImplementedByCharger, NotSupportedError):
            raise Unsupported(f"{self.id} does not know {action}", up=True) from None
        except OCPPError as error:
            words = device_words(str(error.description or error))
            raise LinkFault(f"{self.id} refuses {action}: {words}", up=True) from None
        except (ConnectionError, RuntimeError):
            pass
        except (TypeError, ValueError, AttributeError) as error:
            said = f"{self.id} answers {action} with something else: {device_words(str(error))}"
            raise LinkFault(said, up=True) from None
        finally:
            asking.cancel()
        if self._gone.done():
            raise LinkFault(f"{self.id} closed the connection", away=True)
        raise LinkFault(f"{self.id} gave no answer to {action} within {seconds:g} s", up=False)

    def _flooded(self) -> bool:
        return bool(self._response_queue.qsize() > MOST_ANSWERS)

    @_answers("BootNotification")
    def _boot(self, **said: Any) -> Any:
        vendor, model = said.get("charge_point_vendor"), said.get("charge_point_model")
        self._hearer.booted(f"{vendor} {model}", str(said.get("firmware_version") or ""))
        now = utc_text(self._hearer.utc_ms())
        return call_result.BootNotification(now, HEARTBEAT_S, "Accepted")

    @_answers("Heartbeat")
    def _heartbeat(self, **said: Any) -> Any:
        return call_result.Heartbeat(utc_text(self._hearer.utc_ms()))

    @_answers("MeterValues")
    def _meter_values(self, **said: Any) -> Any:
        self._hearer.metered(said.get("connector_id"), said.get("meter_value"))
        return call_result.MeterValues()

    @_answers("StatusNotification")
    def _status(self, **said: Any) -> Any:
        self._hearer.status(
            said.get("connector_id"),
            said.get("status"),
            said.get("error_code"),
            said.get("timestamp"),
        )
        return call_result.StatusNotification()

    @_answers("Authorize")
    def _authorize(self, **said: Any) -> Any:
        return call_result.Authorize(_ACCEPTED)

    @_answers("StartTransaction")
    def _start(self, **said: Any) -> Any:
        return call_result.StartTransaction(next(_transactions), _ACCEPTED)

    @_answers("StopTransaction")
    def _stop(self, **said: Any) -> Any:
        return call_result.StopTransaction()

    @_answers("DataTransfer")
    def _data(self, **said: Any) -> Any:
        return call_result.DataTransfer("UnknownVendorId")

    @_answers("FirmwareStatusNotification")
    def _firmware(self, **said: Any) -> Any:
        return call_result.FirmwareStatusNotification()

    @_answers("DiagnosticsStatusNotification")
    def _diagnostics(self, **said: Any) -> Any:
        return call_result.DiagnosticsStatusNotification()
