"""`venctl cloud`: the stand-in for AWS IoT on its own."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ..folder.claim import Taken
from ..standin.start import CannotStart, Ports, serve_alone
from . import DONE, USAGE
from .kit.ending import to_the_end
from .kit.logs import to_stderr


def cloud(args: argparse.Namespace) -> int:
    """Run the broker, the shadow service and the data plane until Ctrl-C or SIGTERM."""
    to_stderr("text", args.verbose)
    os.umask(0o077)
    folder = args.state or Path(os.environ.get("STATE_DIRECTORY") or ".venctl/cloud")
    ports = Ports(args.mqtt_port, args.data_port)
    return to_the_end(_cloud(folder, ports, args.tls, args.ready_file))


async def _cloud(folder: Path, ports: Ports, tls: bool, ready_file: Path | None) -> int:
    try:
        await serve_alone(folder, ports, tls, ready_file)
    except (CannotStart, Taken) as error:
        print(f"venctl: {error}", file=sys.stderr)
        return USAGE
    return DONE
