"""Requests to the controller on this machine."""

from __future__ import annotations

import argparse
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from typing import Any

from ...folder.state_folder import Running, find_running

TIMEOUT_S, MOST_ANSWER = 10, 16 << 20
NOT_LET_IN = (401, 429)


class NoControllerError(Exception):
    """No controller answers; the message says which address was tried."""


class TokenRefusedError(NoControllerError):
    """A controller answers but rejects our token; the message says why."""


def ask(args: argparse.Namespace, path: str) -> tuple[int, Any]:
    """Get `path` from the controller for these arguments. Raises `NoControllerError`."""
    return call(running_controller(find_running(args.file, args.state)), "GET", path, None)


def running_controller(running: Running | None) -> Running:
    """Return `running`. Raises `NoControllerError` if it is None."""
    if running is None:
        raise NoControllerError(
            "no controller is running for this ven.yaml; start it with `venctl run`"
        )
    return running


def call(
    running: Running, method: str, path: str, body: Mapping[str, Any] | None
) -> tuple[int, Any]:
    """Send a request; returns the status and the JSON. Raises `NoControllerError` or
    `TokenRefusedError`.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(_request(running, method, path, body), timeout=TIMEOUT_S) as reply:
            return reply.status, json.loads(_whole(reply) or b"null")
    except urllib.error.HTTPError as refusal:
        if refusal.code in NOT_LET_IN:
            raise TokenRefusedError(_not_let_in(running)) from None
        text = refusal.read(MOST_ANSWER)
        try:
            return refusal.code, json.loads(text)
        except ValueError:
            return refusal.code, {"detail": text.decode("utf-8", "replace")[:200]}
    except (OSError, ValueError, HTTPException) as error:
        raise NoControllerError(f"no controller answers at {running.web}: {error}") from None


def _whole(reply: HTTPResponse) -> bytes:
    """Read the response, up to a limit: another program may have taken the port."""
    text = reply.read(MOST_ANSWER)
    if len(text) == MOST_ANSWER:
        raise ValueError(
            f"the response is longer than {MOST_ANSWER:,} bytes, so this is not a controller"
        )
    return text


def _request(
    running: Running, method: str, path: str, body: Mapping[str, Any] | None
) -> urllib.request.Request:
    sent = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    if running.token:
        headers["Authorization"] = f"Bearer {running.token}"
    url = f"http://{_from_here(running.web)}{path}"
    return urllib.request.Request(url, sent, headers, method=method)


def _from_here(web: str) -> str:
    """The address to connect to, also if the page listens on every address."""
    host, _, port = web.rpartition(":")
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _not_let_in(running: Running) -> str:
    why = running.no_token or "the token in its state folder has changed since it started"
    return f"the controller at {running.web} requires its token, but {why}; restart the controller"
