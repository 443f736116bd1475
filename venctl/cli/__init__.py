"""The `venctl` command line.

Exit codes: 0 done, 1 refused (the reason is on stderr), 2 wrong usage or a faulty file,
3 no answer.
Each command is imported when it is called, so that `venctl trigger` starts quickly.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from .kit.arguments import account, folder, new_file, number, port, whole
from .wired.arguments import circuits_arguments, discover_arguments

DONE, REFUSED, USAGE, NOBODY = 0, 1, 2, 3
THINGS = (
    *("event", "restore", "all-back", "cancel", "opt-out", "opt-in"),
    *("ping", "circuit", "lock", "unlock"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    args = parser().parse_args(argv)
    try:
        code = int(args.run(args))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _nobody_reads()
        return DONE
    except (EOFError, OSError, ValueError) as error:
        print(f"venctl: {_said(error)}", file=sys.stderr)
        _nobody_reads()
        return USAGE


def _nobody_reads() -> None:
    """Discard unwritten output, which Python would otherwise try to write again at exit."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        return
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _said(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        hint = "; create one with `venctl init`" if str(error.filename).endswith(".yaml") else ""
        return f"{error.filename} does not exist{hint}"
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename} cannot be used: {error.strerror[0].lower()}{error.strerror[1:]}"
    return (
        "the input ended before this question was answered"
        if isinstance(error, EOFError)
        else str(error)
    )


def _lazy(module: str, name: str) -> Callable[[argparse.Namespace], int]:
    def run(args: argparse.Namespace) -> int:
        answer: int = getattr(import_module(f"{__name__}.{module}"), name)(args)
        return answer

    return run


def parser() -> argparse.ArgumentParser:
    """The parser for every command and its arguments."""
    parser = argparse.ArgumentParser(
        prog="venctl", description="Run and control a demand-response site (VEN)."
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, module: str, help: str, file: bool = True) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help, description=help)
        command.set_defaults(run=_lazy(module, name))
        command.add_argument("--json", action="store_true", help="print the result as JSON")
        kept = (
            Path if name == "cloud" else folder
        )  # the stand-in runs even if it cannot write there
        command.add_argument("--state", type=kept, help="folder that holds the site's state")
        if file:
            command.add_argument("file", type=Path, nargs="?", default=Path("ven.yaml"))
        else:
            command.add_argument("--file", type=Path, default=Path("ven.yaml"))
        return command

    command = add("run", "run", "run the controller for a ven.yaml")
    command.add_argument(
        "--port", type=port, help="port of the web page (default: $WEB_PORT, else 8080)"
    )
    command.add_argument(
        "--mqtt-port", type=port, help="port of the stand-in broker (default: 1883)"
    )
    command.add_argument(
        "--data-port", type=port, help="port of the stand-in's iot-data service (default: 8090)"
    )
    command.add_argument(
        "--ready-file", type=new_file, help="file to write when everything is ready"
    )
    command.add_argument("--log-format", choices=("text", "json"), default="text")
    command.add_argument("--verbose", "-v", action="store_true")

    command = add(
        "cloud", "cloud", "run only the stand-in for AWS IoT, without a controller", False
    )
    command.add_argument(
        "--mqtt-port", type=port, help="port of the broker (default: 1883, or 8883 with --tls)"
    )
    command.add_argument(
        "--data-port", type=port, help="port of the iot-data service (default: 8090)"
    )
    command.add_argument(
        "--tls", action="store_true", help="use TLS: client certificates for MQTT, and https"
    )
    command.add_argument("--ready-file", type=new_file, help="file to write when it is ready")
    command.add_argument("--verbose", "-v", action="store_true")

    command = add(
        "trigger", "trigger", "start, end or cancel an event; switch or lock a circuit; ping", False
    )
    command.add_argument("what", choices=THINGS)
    command.add_argument(
        "circuit", nargs="?", help="the circuit's id, for `circuit`, `lock` and `unlock`"
    )
    command.add_argument("position", nargs="?", choices=("on", "off"), help="for `circuit`")
    command.add_argument("--shed", help='how much to shed, such as "2 kW"')
    command.add_argument("--shed-kw", type=number(0, 1_000_000))
    command.add_argument("--for", dest="length", help='how long the event lasts, such as "5 min"')
    command.add_argument("--duration-sec", type=number(0, 34_560_000))
    when = "start time: 18:00 or 2026-11-24T18:00 (site time), or 2026-11-24T18:00+01:00"
    command.add_argument("--at", help=when)
    command.add_argument("--id", help="the event's id")
    command.add_argument(
        "--circuit", dest="only", help="only this circuit, for `opt-out` and `opt-in`"
    )
    command.add_argument("--wait", action="store_true", help="wait until the event is over")
    command.add_argument(
        "--confirm",
        action="store_true",
        help="confirm a change to a critical circuit or to the grid operator's event",
    )
    command.add_argument("--reason", help="why you end or leave the event, for the audit log")
    command.add_argument("--via", choices=("http", "mqtt"))
    _broker(command)

    command = add("listen", "remote", "print the MQTT messages of a VEN", False)
    choices = ("telemetry", "ack", "status", "shadow", "all")
    command.add_argument("what", nargs="?", choices=choices, default="all")
    command.add_argument("--count", type=whole(1, 10**9), help="stop after this many messages")
    _broker(command)

    command = add("plan", "plan", "show what an event would do now, and why", False)
    command.add_argument("--shed", required=True, help='how much to shed, such as "2 kW"')
    command.add_argument(
        "--for", dest="length", default="15 min", help="how long (default: 15 min)"
    )
    add("events", "status", "list current and past events", False)
    command = add("alarms", "alarms", "list alarms, and what to do about each", False)
    command.add_argument("--acknowledge", metavar="ID", help="mark this alarm as seen")
    add("reload", "reload", "load the edited ven.yaml without a restart")
    add("state", "status", "show the site's current state", False)
    add(
        "shadow",
        "shadow",
        "show the device shadow: desired, reported, and why a value was refused",
        False,
    )
    command = add("log", "status", "show past decisions, newest last", False)
    command.add_argument(
        "--csv",
        action="store_true",
        help="print the audit log as CSV: who requested what in the last 13 months",
    )
    command.add_argument("--follow", "-f", action="store_true", help="keep printing new decisions")
    command.add_argument("--lines", "-n", type=whole(1, 1_000_000), default=20)
    add(
        "env",
        "status",
        'print exports for the aws command to use the stand-in: eval "$(venctl env)"',
        False,
    )
    command = add("check", "check", "check a ven.yaml and list every error")
    show = command.add_mutually_exclusive_group()
    show.add_argument("--names", action="store_true", help="list guards, actions and triggers")
    show.add_argument("--keys", action="store_true", help="list every setting")
    show.add_argument(
        "--defaults", action="store_true", help="print every setting with the value in effect"
    )
    add("schema", "check", "print the JSON Schema of a ven.yaml", False)
    command = add("devices", "devices", "list the devices that a ven.yaml can name", False)
    command.add_argument("name", nargs="?", help="print everything about this device")
    command.add_argument("--table", action="store_true", help="print a table in Markdown")
    command = add(
        "circuits",
        "wired.circuits",
        "test the wired circuits: switch each, and watch every meter",
        False,
    )
    circuits_arguments(command)
    command = add(
        "discover", "wired.discover", "find devices, as lines to paste; nothing is switched", False
    )
    discover_arguments(command)
    add("doctor", "doctor", "test the connection to the cloud step by step")
    command = add("verify", "simulate", "test every rule on this site with random days")
    command.add_argument(
        "--examples",
        type=whole(1, 1_000_000),
        default=400,
        help="how many days to try at most (default: 400)",
    )
    command.add_argument(
        "--seed", type=whole(0, 10**18 - 1), help="repeat the search that had this seed"
    )
    command.add_argument(
        "--seconds",
        type=number(0, 604_800),
        default=45.0,
        help="how long to search at most, in seconds (default: 45)",
    )
    command.add_argument(
        "--story",
        type=Path,
        default=Path("story.yaml"),
        help="file for the scenario of a broken rule",
    )
    command = add(
        "simulate", "simulate", "play a scenario or a recorded day in simulated time", False
    )
    played = "scenario in YAML, or recorded day in CSV or JSON lines; default: a day without events"
    command.add_argument("scenario", type=Path, nargs="?", help=played)
    command.add_argument("--site", type=Path, dest="file", help="ven.yaml of the site to simulate")
    command.add_argument("--chart", action="store_true", help="also print a text chart")
    command.add_argument("--svg", type=Path, help="also write a chart to this SVG file")
    command.add_argument(
        "--every", default="1 h", help="print a row at least this often (default: 1 h)"
    )
    command.add_argument("--look", help='how often to read the circuits, such as "1 s"')
    command.add_argument("--shed", help='add an event that sheds this much, such as "2 kW"')
    command.add_argument(
        "--for", dest="length", default="1 h", help="length of that event (default: 1 h)"
    )
    command.add_argument(
        "--at", default="1:00:00", help="its start after the day begins (default: 1:00:00)"
    )
    command = add("graph", "graph", "print a state chart as Mermaid", False)
    command.add_argument("chart", nargs="?", choices=("event", "shadow"), default="event")
    command.add_argument(
        "--yaml", action="store_true", help="print the default chart as YAML, to copy"
    )
    command = add("aws", "aws", "print the AWS IoT policy for this site", False)
    command.add_argument("what", choices=("policy",))
    command.add_argument(
        "--region", help="AWS region (default: from cloud.endpoint, else $AWS_REGION)"
    )
    command.add_argument("--account", type=account, help="AWS account number, 12 digits")
    command = add("init", "init", "create a ven.yaml; asks questions on a terminal")
    command.add_argument("--id", default="my_ven", help="AWS thing name (default: my_ven)")
    command.add_argument("--name", help="display name of the site")
    command.add_argument("--service", help='rating of the main breaker, such as "24 kW"')
    circuit = "TYPE:RATED:SHED[:critical], such as heater:1.5kW:100%%; repeat for more circuits"
    command.add_argument("--circuit", action="append", metavar="CIRCUIT", help=circuit)
    command.add_argument(
        "--schema", action="store_true", help="also write its JSON Schema next to it"
    )
    return parser


def _broker(command: argparse.ArgumentParser) -> None:
    command.add_argument("--ven-id", help="AWS thing name, if there is no ven.yaml")
    command.add_argument("--endpoint", help="host name of the broker")
    command.add_argument("--port", type=whole(1, 65_535), help="port of the broker")
    command.add_argument("--cert", type=Path, help="client certificate in PEM; needs --key")
    command.add_argument("--key", type=Path, help="private key of the client certificate")
    command.add_argument(
        "--ca", type=Path, help="CA certificate that signed the broker's certificate"
    )
    command.add_argument("--user", help="user name at the broker")
    command.add_argument("--password-file", type=Path, help="file with the password (mode 600)")
    command.add_argument("--corr-id", help="correlation id to send with the command")
