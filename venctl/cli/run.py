"""`venctl run`: the controller."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from statemachine import Spec, SpecError

from ..base.local_site import read_local_site
from ..base.private_files import read_text
from ..controller import Options
from ..devices.catalog import devices_beside
from ..folder.claim import StateFolderInUse
from ..folder.state_folder import IN_FORCE, interrupted_text, state_folder
from ..run import serve
from ..standin.start import CannotStart
from . import DONE, USAGE
from .kit.logs import to_stderr
from .kit.until_stopped import run_until_stopped


def run(args: argparse.Namespace) -> int:
    """Run the controller until Ctrl-C or SIGTERM."""
    to_stderr(args.log_format, args.verbose)
    os.umask(0o077)
    try:
        spec, text, folder = _in_force(args)
        port = args.port if args.port is not None else _port_of_environment()
        options = Options(
            args.file, folder, port, args.mqtt_port, args.data_port, args.ready_file, args.json
        )
    except SpecError as error:
        print("\n".join(fault.pretty() for fault in error.faults), file=sys.stderr)
        return USAGE
    return run_until_stopped(_run(spec, text, options))


async def _run(spec: Spec, text: str, options: Options) -> int:
    try:
        await serve(spec, text, options)
    except (CannotStart, StateFolderInUse) as error:
        print(f"venctl: {error}", file=sys.stderr)
        return USAGE
    return DONE


def _in_force(args: argparse.Namespace) -> tuple[Spec, str, Path]:
    """Read the site from the file; returns it with the file's text and its state folder.

    After a power cut during an edit, the text from before the edit is used.
    """
    try:
        text = read_text(args.file)
        spec = read_local_site(text, str(args.file), devices_beside(args.file))
        return spec, text, state_folder(args.file, spec.site.id, args.state)
    except (SpecError, OSError) as error:
        before = interrupted_text(args.file, args.state)
        if before is None:
            raise
        folder, text = before
        spec = read_local_site(text, str(folder / IN_FORCE), devices_beside(args.file))
        faults = error.faults if isinstance(error, SpecError) else ()
        print("\n".join(fault.pretty() for fault in faults) or f"venctl: {error}", file=sys.stderr)
        print(
            "venctl: the last run was interrupted, so the site uses the settings from before, "
            f"{folder / IN_FORCE}; correct {args.file} and run `venctl reload`",
            file=sys.stderr,
        )
        return spec, text, folder


def _port_of_environment() -> int | None:
    text = os.environ.get("WEB_PORT", "")
    if text and (not text.isdecimal() or int(text) > 65535):
        raise ValueError(f"WEB_PORT is {text!r}; set it to a port from 0 to 65535")
    return int(text) if text else None
