"""`venctl cloud`: the stand-in for AWS IoT on its own."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ..folder.claim import StateFolderInUse
from ..standin.start import CannotStart, Ports, serve_alone
from . import DONE, USAGE
from .kit.logs import to_stderr
from .kit.until_stopped import run_until_stopped


def cloud(args: argparse.Namespace) -> int:
    """Run the broker, the shadow service and the data plane until Ctrl-C or SIGTERM."""
    to_stderr("text", args.verbose)
    os.umask(0o077)
    folder = args.state or Path(os.environ.get("STATE_DIRECTORY") or ".venctl/cloud")
    ports = Ports(args.mqtt_port, args.data_port)
    return run_until_stopped(_cloud(folder, ports, args.tls, args.ready_file))


async def _cloud(folder: Path, ports: Ports, tls: bool, ready_file: Path | None) -> int:
    try:
        await serve_alone(folder, ports, tls, ready_file)
    except (CannotStart, StateFolderInUse) as error:
        print(f"venctl: {error}", file=sys.stderr)
        return USAGE
    return DONE
