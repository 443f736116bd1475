"""A request to the controller that runs on this machine."""

from __future__ import annotations

import argparse
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from ..place import Running, find

TIMEOUT_S = 10


class NobodyAnswers(Exception):
    """No controller answers; says where it was looked for."""


def ask(args: argparse.Namespace, path: str) -> tuple[int, Any]:
    """What the controller that runs for these arguments answers. Raises `NobodyAnswers`."""
    return call(found(find(args.file, args.state)), "GET", path, None)


def found(running: Running | None) -> Running:
    """The controller that runs. Raises `NobodyAnswers` where there is none."""
    if running is None:
        raise NobodyAnswers("no controller runs for this ven.yaml; start one with `venctl run`")
    return running


def call(
    running: Running, method: str, path: str, body: Mapping[str, Any] | None
) -> tuple[int, Any]:
    """The status and the JSON of an answer. Raises `NobodyAnswers`."""
    request = urllib.request.Request(
        f"http://{running.web}{path}",
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {running.token}"},
        method=method,
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT_S) as reply:
            return reply.status, json.loads(reply.read() or b"null")
    except urllib.error.HTTPError as refusal:
        text = refusal.read()
        try:
            return refusal.code, json.loads(text)
        except ValueError:
            return refusal.code, {"detail": text.decode("utf-8", "replace")[:200]}
    except (OSError, ValueError) as error:
        raise NobodyAnswers(f"no controller answers at {running.web}: {error}") from None
