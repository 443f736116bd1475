"""`venctl cloud`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from ..claim import Taken
from ..standin import CannotStart, Ports, serve_alone
from . import DONE, USAGE
from .logs import to_stderr


def cloud(args: argparse.Namespace) -> int:
    """Run broker, shadow service and data plane until Ctrl-C or SIGTERM."""
    to_stderr("text", args.verbose)
    os.umask(0o077)
    folder = args.state or Path(os.environ.get("STATE_DIRECTORY") or ".venctl/cloud")
    ports = Ports(args.mqtt_port, args.data_port)
    try:
        asyncio.run(serve_alone(folder, ports, args.tls, args.ready_file))
    except (CannotStart, Taken) as error:
        print(f"venctl: {error}", file=sys.stderr)
        return USAGE
    return DONE
