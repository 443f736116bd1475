"""Which VEN a command over MQTT is for, over which broker and on which topics."""

from __future__ import annotations

import argparse
import json
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from statemachine import Spec
from statemachine.spec import Topics

from ..endpoint import PORT, TLS_PORT, Endpoint, declared, plain
from ..place import find, state_folder
from .site import site


@dataclass(frozen=True, slots=True)
class Reach:
    """`topics` are names, with the VEN's id in them."""

    ven_id: str
    endpoint: Endpoint
    topics: Topics


def reach(args: argparse.Namespace) -> Reach:
    """From the flags; what they leave open, from the ven.yaml.

    Raises OSError or ValueError with a sentence for people.
    """
    me = f"venctl-{secrets.token_hex(4)}"
    if args.ven_id and args.endpoint:
        return Reach(args.ven_id, _flagged(args, me), Topics().named(args.ven_id))
    spec = site(args.file)
    ven_id = args.ven_id or spec.site.id
    where = _flagged(args, me) if args.endpoint else _of_file(args, spec, me)
    return Reach(ven_id, where, spec.topics.named(ven_id))


def _flagged(args: argparse.Namespace, me: str) -> Endpoint:
    return Endpoint(
        host=args.endpoint,
        port=args.port or (TLS_PORT if args.cert or args.ca or _aws(args.endpoint) else PORT),
        client_id=me,
        cert=args.cert,
        key=args.key,
        ca=args.ca,
        username=None,
        password=None,
        aws=_aws(args.endpoint),
    )


def _of_file(args: argparse.Namespace, spec: Spec, me: str) -> Endpoint:
    if spec.cloud.kind != "local":
        return declared(spec.cloud, args.file.resolve().parent, me)
    said = _controller(args.file, spec.site.id, args.state)
    port = args.port or int(said.get("mqtt", f":{PORT}").rpartition(":")[2])
    found = plain("127.0.0.1", port, me)
    if (operator := said.get("tls")) is None:
        return found
    ca, cert, key = (Path(operator[name]) for name in ("ca", "cert", "key"))
    return replace(found, ca=ca, cert=cert, key=key)


def _controller(file: Path, ven_id: str, chosen: Path | None) -> dict[str, Any]:
    """What the controller that runs says of itself; nothing if none runs."""
    if find(file, chosen) is None:
        return {}
    said = (state_folder(file, ven_id, chosen) / "controller.json").read_text()
    return dict(json.loads(said))


def _aws(host: str) -> bool:
    return host.endswith("amazonaws.com")
