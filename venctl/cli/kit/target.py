"""Which VEN an MQTT command is for, through which broker and on which topics."""

from __future__ import annotations

import argparse
import secrets
from dataclasses import dataclass, replace

from statemachine import Spec
from statemachine.site.spec import Topics

from ...folder.state_folder import find_running
from ...link.endpoint import (
    PORT,
    RECEIVE_MAXIMUM,
    TLS_PORT,
    Endpoint,
    declared_endpoint,
    pace_of,
    secret_of,
    stand_in_endpoint,
)
from .site import site


@dataclass(frozen=True, slots=True)
class Target:
    """`topics` are complete names with the VEN's id."""

    ven_id: str
    endpoint: Endpoint
    topics: Topics


def target(args: argparse.Namespace) -> Target:
    """Taken from the flags, and from the ven.yaml for what the flags leave open.

    Raises OSError or ValueError with a message for people.
    """
    me = f"venctl-{secrets.token_hex(4)}"
    if args.ven_id and args.endpoint:
        return Target(args.ven_id, _flagged(args, me), Topics().named(args.ven_id))
    spec = site(args.file)
    ven_id = args.ven_id or spec.site.id
    where = _flagged(args, me) if args.endpoint else _of_file(args, spec, me)
    return Target(ven_id, where, spec.topics.named(ven_id))


def _flagged(args: argparse.Namespace, me: str) -> Endpoint:
    return Endpoint(
        host=args.endpoint,
        port=args.port or (TLS_PORT if args.cert or args.ca or _aws(args.endpoint) else PORT),
        client_id=me,
        cert=args.cert,
        key=args.key,
        ca=args.ca,
        username=args.user,
        password=None if args.password_file is None else secret_of(args.password_file),
        aws=_aws(args.endpoint),
        session_s=0,
        receive_maximum=RECEIVE_MAXIMUM if _aws(args.endpoint) else None,
        pace=pace_of(args.endpoint),
    )


def _of_file(args: argparse.Namespace, spec: Spec, me: str) -> Endpoint:
    if spec.cloud.kind != "local":
        return replace(declared_endpoint(spec.cloud, args.file.resolve().parent, me), session_s=0)
    running = find_running(args.file, args.state)
    address = running.mqtt if running else f"127.0.0.1:{PORT}"
    endpoint = stand_in_endpoint(address, running.tls if running else {}, me)
    return replace(endpoint, port=args.port or endpoint.port, session_s=0)


def _aws(host: str) -> bool:
    return host.endswith("amazonaws.com")
