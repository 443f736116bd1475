"""The page's server over the real core, and a client of it, in one process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer, unused_port

from statemachine import Spec
from tests.kit.core.web_controller import Client, WebController, site
from web.app import access_for, make_app

EVENT = {"shed_kw": 2.0, "duration_s": 300, "id": "evt-1"}


class Page:
    """A client of one site."""

    def __init__(self, client: Client, desk: WebController) -> None:
        self.client, self.desk = client, desk

    async def get(self, path: str) -> Any:
        answer = await self.client.get(path)
        assert answer.status == 200, await answer.text()
        return await answer.json()

    async def tell(
        self, method: str, path: str, body: Any, key: str | None = None
    ) -> tuple[int, Any]:
        headers = {"Idempotency-Key": key} if key else {}
        answer = await self.client.request(method, path, json=body, headers=headers)
        return answer.status, await answer.json()

    async def raw(self, path: str, body: bytes) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        answer = await self.client.post(path, data=body, headers=headers)
        return answer.status, await answer.json()


class open_page:
    """A client of the sample site, or of another, for as long as it is entered."""

    def __init__(self, spec: Spec | None = None) -> None:
        self._spec = spec

    async def __aenter__(self) -> Page:
        port, desk = unused_port(), WebController(self._spec or site())
        app = make_app(desk, access_for("127.0.0.1", port, (), {}, "token"))
        self._client = TestClient(TestServer(app, port=port))
        await self._client.start_server()
        return Page(self._client, desk)

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()


@pytest.fixture
async def api() -> AsyncIterator[Page]:
    async with open_page() as opened:
        yield opened
