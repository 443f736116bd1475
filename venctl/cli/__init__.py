"""The `venctl` command: arguments in, words out.

Exit codes: 0 done, 1 refused (the reason on stderr), 2 usage or a faulty file, 3 nobody answers.
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

DONE, REFUSED, USAGE, NOBODY = 0, 1, 2, 3
THINGS = (
    *("event", "restore", "all-back", "cancel", "opt-out", "opt-in"),
    *("ping", "circuit", "lock", "unlock"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; answers its exit code."""
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
    """What is still to be written goes nowhere; else Python tries once more, and complains."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        return
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _said(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        hint = "; `venctl init` writes one" if str(error.filename).endswith(".yaml") else ""
        return f"{error.filename} is not there{hint}"
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename} cannot be used: {error.strerror[0].lower()}{error.strerror[1:]}"
    return "the answer is missing" if isinstance(error, EOFError) else str(error)


def _lazy(module: str, name: str) -> Callable[[argparse.Namespace], int]:
    def run(args: argparse.Namespace) -> int:
        answer: int = getattr(import_module(f"{__name__}.{module}"), name)(args)
        return answer

    return run


def parser() -> argparse.ArgumentParser:
    """Every command with its arguments."""
    parser = argparse.ArgumentParser(prog="venctl", description="Run and steer a virtual end node.")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, module: str, help: str, file: bool = True) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=help, description=help)
        one.set_defaults(run=_lazy(module, name))
        one.add_argument("--json", action="store_true", help="answer as JSON")
        kept = Path if name == "cloud" else folder  # the stand-in waits for what lies in the way
        one.add_argument("--state", type=kept, help="the folder the site's state is kept in")
        if file:
            one.add_argument("file", type=Path, nargs="?", default=Path("ven.yaml"))
        else:
            one.add_argument("--file", type=Path, default=Path("ven.yaml"))
        return one

    one = add("run", "run", "run the controller of a ven.yaml")
    one.add_argument("--port", type=port, help="the page's port (8080; $WEB_PORT)")
    one.add_argument("--mqtt-port", type=port, help="the stand-in broker's port (1883)")
    one.add_argument("--data-port", type=port, help="the stand-in's iot-data port (8090)")
    one.add_argument("--ready-file", type=new_file, help="written once everything serves")
    one.add_argument("--log-format", choices=("text", "json"), default="text")
    one.add_argument("--verbose", "-v", action="store_true")

    one = add("cloud", "cloud", "run the stand-in for AWS IoT alone, without a VEN", False)
    one.add_argument("--mqtt-port", type=port, help="the broker's port (1883; 8883 with --tls)")
    one.add_argument("--data-port", type=port, help="the iot-data port (8090)")
    one.add_argument("--tls", action="store_true", help="client certificates and https")
    one.add_argument("--ready-file", type=new_file, help="written once it serves")
    one.add_argument("--verbose", "-v", action="store_true")

    one = add(
        "trigger", "trigger", "call, end or cancel an event; switch or lock a circuit; ping", False
    )
    one.add_argument("what", choices=THINGS)
    one.add_argument("circuit", nargs="?", help="with `circuit`, `lock` and `unlock`: its id")
    one.add_argument("position", nargs="?", choices=("on", "off"), help="with `circuit`")
    one.add_argument("--shed", help='how much: "2 kW"')
    one.add_argument("--shed-kw", type=number(0, 1_000_000))
    one.add_argument("--for", dest="length", help='how long: "5 min"')
    one.add_argument("--duration-sec", type=number(0, 34_560_000))
    when = "18:00 or 2026-11-24T18:00 on the site's clock, 2026-11-24T18:00+01:00 on any"
    one.add_argument("--at", help=when)
    one.add_argument("--id", help="the event's id")
    one.add_argument(
        "--circuit", dest="only", help="with `opt-out` and `opt-in`: this circuit alone"
    )
    one.add_argument("--wait", action="store_true", help="return when the event is over")
    one.add_argument(
        "--confirm", action="store_true", help="yes, also what is critical or the operator's"
    )
    one.add_argument("--reason", help="why an event is ended or kept out of, for the record")
    one.add_argument("--via", choices=("http", "mqtt"))
    _broker(one)

    one = add("listen", "remote", "print what a VEN says over MQTT", False)
    choices = ("telemetry", "ack", "status", "shadow", "all")
    one.add_argument("what", nargs="?", choices=choices, default="all")
    one.add_argument("--count", type=whole(1, 10**9), help="stop after so many messages")
    _broker(one)

    one = add("plan", "plan", "what an event would do now, and why", False)
    one.add_argument("--shed", required=True, help='how much: "2 kW"')
    one.add_argument("--for", dest="length", default="15 min", help='how long: "10 min"')
    add("events", "status", "the events that live, and those before them", False)
    one = add("alarms", "alarms", "what is wrong, and what to do about it", False)
    one.add_argument("--acknowledge", metavar="ID", help="say that you have seen this one")
    add("reload", "reload", "take an edited ven.yaml without a restart")
    add("state", "status", "the page in six lines", False)
    add("shadow", "shadow", "the device shadow: desired, reported, why a wish was refused", False)
    one = add("log", "status", "what was decided, newest last", False)
    one.add_argument("--csv", action="store_true", help="who asked for what, as CSV, 13 months")
    one.add_argument("--follow", "-f", action="store_true", help="go on as things happen")
    one.add_argument("--lines", "-n", type=whole(1, 1_000_000), default=20)
    add("env", "status", 'for eval "$(venctl env)": the aws command talks to the stand-in', False)
    one = add("check", "check", "say everything that is wrong with a ven.yaml")
    show = one.add_mutually_exclusive_group()
    show.add_argument("--names", action="store_true", help="list guards, actions and triggers")
    show.add_argument("--keys", action="store_true", help="list every setting")
    show.add_argument("--defaults", action="store_true", help="print every value in force")
    add("schema", "check", "print the JSON Schema of a ven.yaml", False)
    add("doctor", "doctor", "walk the way to the cloud and say where it ends")
    one = add("verify", "simulate", "try every rule on this site with random days of all kinds")
    one.add_argument(
        "--examples", type=whole(1, 1_000_000), default=400, help="days to try at most"
    )
    one.add_argument("--seed", type=whole(0, 10**18 - 1), help="the same search again")
    one.add_argument(
        "--seconds", type=number(0, 604_800), default=45.0, help="how long to try at most"
    )
    one.add_argument("--story", type=Path, default=Path("story.yaml"), help="where a fault is kept")
    one = add("simulate", "simulate", "play a scenario or a recorded day in simulated time", False)
    played = "a scenario in YAML, or a day in CSV or JSON lines; a quiet day if left out"
    one.add_argument("scenario", type=Path, nargs="?", help=played)
    one.add_argument("--site", type=Path, dest="file", help="the ven.yaml to play it against")
    one.add_argument("--chart", action="store_true", help="also a chart in text")
    one.add_argument("--svg", type=Path, help="also a chart in a file")
    one.add_argument("--every", default="1 h", help="a row at least so often")
    one.add_argument("--look", help='how often circuits are read: "1 s"')
    one.add_argument("--shed", help='with an event of so much: "2 kW"')
    one.add_argument("--for", dest="length", default="1 h", help="of such a length")
    one.add_argument("--at", default="1:00:00", help="that begins so long after the start: 1:00:00")
    one = add("graph", "graph", "print a chart as mermaid", False)
    one.add_argument("chart", nargs="?", choices=("event", "shadow"), default="event")
    one.add_argument("--yaml", action="store_true", help="print the default chart to paste")
    one = add("aws", "aws", "what an AWS account needs for this site", False)
    one.add_argument("what", choices=("policy",))
    one.add_argument("--region", help="of the account (that of cloud.endpoint; $AWS_REGION)")
    one.add_argument("--account", type=account, help="its twelve digits")
    one = add("init", "init", "write a first ven.yaml; asks on a terminal")
    one.add_argument("--id", default="my_ven", help="the thing name")
    one.add_argument("--name", help="what people call the site")
    one.add_argument("--service", help='the main breaker: "24 kW"')
    circuit = "TYPE:RATED:SHED[:critical], like heater:1.5kW:100%%; may be repeated"
    one.add_argument("--circuit", action="append", metavar="CIRCUIT", help=circuit)
    one.add_argument("--schema", action="store_true", help="also its JSON Schema, beside it")
    return parser


def _broker(one: argparse.ArgumentParser) -> None:
    one.add_argument("--ven-id", help="the thing name, where there is no ven.yaml")
    one.add_argument("--endpoint", help="the broker's host")
    one.add_argument("--port", type=whole(1, 65_535), help="the broker's port")
    one.add_argument("--cert", type=Path, help="our certificate, PEM; with --key")
    one.add_argument("--key", type=Path)
    one.add_argument("--ca", type=Path, help="the CA that signed the broker's certificate")
    one.add_argument("--user", help="the broker's name for us")
    one.add_argument("--password-file", type=Path, help="its password, in a file of mode 600")
    one.add_argument("--corr-id", help="the correlation id of the command")
