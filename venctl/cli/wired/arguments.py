"""The arguments of the commands about wired circuits."""

from __future__ import annotations

from argparse import ArgumentParser


def circuits_arguments(command: ArgumentParser) -> None:
    """Those of `venctl circuits`."""
    command.add_argument("what", choices=("test",))
    command.add_argument("--yes", action="store_true", help="switch without asking")
    also = "also switch this one, although it is critical, never shed, or comes back by hand"
    for name, help in (("--circuit", "test only this one; may be repeated"), ("--also", also)):
        command.add_argument(name, action="append", default=[], metavar="NAME", help=help)
    command.add_argument(
        "--read-only", action="store_true", help="read devices, meters and settings; switch nothing"
    )
    command.add_argument(
        "--lease", action="store_true", help="also prove that devices give back by themselves"
    )


def discover_arguments(command: ArgumentParser) -> None:
    """Those of `venctl discover`."""
    command.add_argument("hosts", nargs="*", metavar="HOST", help="ask this host what it is")
    command.add_argument(
        "--through", action="append", default=[], metavar="LINK", help="a link to Home Assistant"
    )
    command.add_argument("--mdns", action="store_true", help="also ask what announces itself")
