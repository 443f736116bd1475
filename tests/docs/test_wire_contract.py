"""docs/wire-contract.md: its examples are sent to a running controller, and what comes back is what
it says; its lists of topics, reasons and states are those of the program.
"""

from __future__ import annotations

import ast
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, get_args

from statemachine import read
from statemachine.curtail import delivery_tracking
from statemachine.decide import switches
from statemachine.kit import strict_json
from statemachine.state.alarm import Alarm, alarm_body
from statemachine.state.reasons import Reason
from statemachine.wire.messages import circuit_status
from tests.kit.mqtt.mosquitto import Mosquitto
from tests.kit.mqtt.peers import Peer
from tests.kit.paths import ROOT
from tests.kit.process.site import STEADY, Site, until
from venctl.base.policy import THING, grants
from venctl.link import endpoint

VEN = "volttron_local"
PAGE = (ROOT / "docs" / "wire-contract.md").read_text("utf-8")
COMMANDS, ACKS, STATUS = f"ven/cmd/{VEN}", f"ven/ack/{VEN}", f"ven/status/{VEN}"
SHADOW = f"$aws/things/{VEN}/shadow/"
DAWN_S = 1_700_000_000  # when the examples begin
# What differs from one run to the next, or is a sentence: only its type is compared.
LOOSE = {"ts", "timestamp", "at", "av", "message_num", "start_ts", "end_ts", "version", "detail"}
LOOSE |= {"measured_shed_kw"}
LOOSE_IN_SHADOW = LOOSE | {"power_kw", "shed_kw", "base_power_kw", "current_kw"}


@dataclass(frozen=True)
class Example:
    """One JSON block of the document: what is said on a topic."""

    topic: str
    body: dict[str, Any]

    @property
    def is_sent(self) -> bool:
        """By a backend, not by the VEN or by the shadow service."""
        wishes = self.topic == SHADOW + "update" and "reported" not in self.body["state"]
        return self.topic in (COMMANDS, SHADOW + "get") or wishes


EXAMPLES = [
    Example(topic, json.loads(body))
    for topic, body in re.findall(r"```json (\S+)\n(.*?)```", PAGE, re.DOTALL)
]


def differs(said: Any, shown: Any, loose: set[str], at: str = "") -> str:
    """Where `said` is not what the document shows, or "". A list shown may be its beginning."""
    if isinstance(shown, dict) and isinstance(said, dict):
        if said.keys() != shown.keys():
            return f"{at}: {sorted(said.keys() ^ shown.keys())}"
        pairs = [(f"{at}.{key}", said[key], value, key in loose) for key, value in shown.items()]
    elif isinstance(shown, list) and isinstance(said, list):
        if len(said) < len(shown):
            return f"{at}: {len(said)} entries, {len(shown)} are shown"
        pairs = [(f"{at}[{n}]", said[n], value, False) for n, value in enumerate(shown)]
    else:
        return (
            "" if (type(said), said) == (type(shown), shown) else f"{at}: {said!r}, not {shown!r}"
        )
    for place, one, other, is_loose in pairs:
        if is_loose and type(one) is not type(other):
            return f"{place}: {one!r} is of another type than {other!r}"
        if not is_loose and (found := differs(one, other, loose, place)):
            return found
    return ""


class Listener(Peer):
    """A backend that keeps all it hears on the topics of the document."""

    def __init__(self, port: int) -> None:
        super().__init__(port, "backend")
        own = sorted({example.topic for example in EXAMPLES if not example.topic.startswith("$")})
        for topic in (*own, "volttron/metering", SHADOW + "#"):  # a wildcard gets nothing retained
            self.subscribe(topic)

    def on(self, topic: str) -> list[dict[str, Any]]:
        """Every payload heard there that is JSON, oldest first."""
        return [json.loads(one.payload) for one in list(self.heard) if one.topic == topic]


def play(backend: Listener, now_s: int) -> None:
    """Send what the document sends, in its order, and wait for all that it says comes back."""
    answered = 0
    for example in by_when_it_is_heard():
        if example.is_sent:
            backend.publish(example.topic, json.dumps(shifted(example.body, now_s)).encode())
        elif example.topic == ACKS:
            answered += 1
            said = until(lambda n=answered: backend.on(ACKS)[n - 1 : n], f"ack of {example.body}")
            assert (found := differs(said[0], example.body, LOOSE)) == "", (found, said[0])
        else:
            try:
                until(heard(backend, example), str(example))
            finally:
                assert (found := nearest(backend, example)) == "", (found, example)


def by_when_it_is_heard() -> Iterator[Example]:
    """The examples in order, but telemetry of the first event while that event still runs."""
    later = [one for one in EXAMPLES if one.topic.startswith("ven/telemetry")]
    for example in EXAMPLES:
        if example not in later:
            yield example
        if example.topic == ACKS and example.body["op"] == "event":
            yield from later
            later.clear()


def shifted(body: dict[str, Any], now_s: int) -> dict[str, Any]:
    """A command of the document, said today."""
    starts = {"start_ts": body["start_ts"] - DAWN_S + now_s} if "start_ts" in body else {}
    return {**body, **starts}


def heard(backend: Listener, example: Example) -> Callable[[], bool]:
    return lambda: nearest(backend, example) == ""


def nearest(backend: Listener, example: Example) -> str:
    """ "" once a message is what the example shows, else where the last one differs."""
    found = "nothing was heard"
    for said in backend.on(example.topic):
        if example.topic.startswith(SHADOW):  # the service adds versions, tokens and metadata
            shown = {key: said.get(key) for key in example.body}
            found = differs(shown, example.body, LOOSE_IN_SHADOW)
        else:
            found = differs(said, example.body, LOOSE)
        if not found:
            return ""
    return found


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    text = PAGE.partition(f"\n{heading}\n")[2]
    table = next(
        list(lines)
        for is_row, lines in groupby(text.splitlines(), lambda x: x[:1] == "|")
        if is_row
    )
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[2:]]


def test_every_example_is_taken_and_answered_as_the_document_says(site: Site) -> None:
    backend = Listener(int(site.ready["mqtt"].rpartition(":")[2]))
    try:
        play(backend, int(time.time()))
    finally:
        backend.close()
    flags: dict[str, set[tuple[int, bool]]] = {}
    for message in backend.heard:
        flags.setdefault(message.topic, set()).add((message.qos, message.retain))
    assert flags[STATUS] == {(1, True), (1, False)}, "the link is retained, events are not"
    for topic, qos, retained in (
        (cells[0].strip("`"), cells[2], cells[3]) for cells in rows("## Topics")
    ):
        if topic in flags and topic != STATUS:
            assert flags[topic] == {(int(qos), retained != "no")}, topic


def test_the_last_will_says_offline_and_is_retained(tmp_path: Path, broker: Mosquitto) -> None:
    where = f"cloud: {{kind: mqtt, host: 127.0.0.1, port: {broker.port}}}"
    site = Site(tmp_path, STEADY.replace("cloud: {kind: local}", where, 1)).start().connected()
    site.kill()
    site.close()
    backend = Peer(broker.port, "backend")
    try:
        backend.subscribe(STATUS)
        will = until(lambda: backend.heard, "the retained message")[0]
        shown = next(one.body for one in EXAMPLES if one.body.get("type") == "link")
        assert (will.retain, will.qos) == (True, 1)
        assert differs(json.loads(will.payload), {**shown, "state": "offline"}, LOOSE) == ""
    finally:
        backend.close()


def test_the_topics_are_those_that_the_policy_of_the_sample_site_grants() -> None:
    granted = {
        (one.action, one.resource.partition("/")[2].replace(THING, VEN))
        for one in grants(read((ROOT / "ven.yaml").read_text(), "ven.yaml"))
        if one.action in ("iot:Publish", "iot:Subscribe")
    }
    table = {(cells[0].strip("`"), cells[1]) for cells in rows("## Topics")}
    told = {("iot:Publish" if "VEN" in who else "iot:Subscribe", topic) for topic, who in table}
    assert told == granted


def test_every_reason_of_a_refusal_is_in_the_document_and_no_other() -> None:
    table = {cells[0].strip("`") for cells in rows("### Refusals")}
    assert table == set(reasons()) == set(get_args(Reason))


def reasons() -> Iterator[str]:
    """Every reason that the program gives: to `rejected` and its like, or as a `Refusal`."""
    places = {"rejected": 1, "_refused": 1, "answer": 1, "_invalid": 3}
    files = [*(ROOT / "statemachine").rglob("*.py"), *(ROOT / "venctl" / "runtime").glob("*.py")]
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func).rpartition(".")[2]
                if (place := places.get(name, 99)) < len(node.args):
                    yield from texts(node.args[place])
            elif isinstance(node, ast.FunctionDef) and node.returns is not None:
                answers = ast.unparse(node.returns)
                if "Refusal" in answers or (
                    answers == "tuple[str, str]" and "runtime" in str(file)
                ):
                    yield from first_words(node)


def first_words(function: ast.FunctionDef) -> Iterator[str]:
    """The first text of every pair that a function returns."""
    for returned in (one for one in ast.walk(function) if isinstance(one, ast.Return)):
        for pair in (one for one in ast.walk(returned) if isinstance(one, ast.Tuple)):
            if len(pair.elts) == 2:
                yield from texts(pair.elts[0])


def texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*texts(node.body), *texts(node.orelse))


def test_every_state_of_an_event_that_is_told_is_in_the_document_and_no_other() -> None:
    spec = read((ROOT / "ven.yaml").read_text(), "ven.yaml")
    charted = {state.report for state in spec.event.states.values() if state.report}
    tree = ast.parse(Path(str(delivery_tracking.__file__)).read_text("utf-8"))
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call)]
    own = {word for one in calls if ast.unparse(one.func) == "_tell" for word in texts(one.args[1])}
    assert {cells[0].strip("`") for cells in rows("### Events")} == charted | own


def test_the_messages_that_no_example_can_provoke_have_the_keys_of_the_program() -> None:
    circuit, alarm = (json.loads(one) for one in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
    assert circuit.keys() == circuit_status("heater1", "broken", None, True, 0).keys()
    told = {
        "type": "alarm",
        "state": "raised",
        **alarm_body("no_room", Alarm("no_room", 0, "")),
        "ts": 0,
    }
    assert alarm.keys() == told.keys()


def test_the_figures_are_those_of_the_program() -> None:
    for said in (
        f"at most {strict_json.MAX_BYTES >> 10} KB and {strict_json.MAX_DEPTH} levels deep",
        f"keeps its session for {endpoint.SESSION_EXPIRY_S} s",
        f"keep-alive every {endpoint.KEEP_ALIVE_S} s",
        f"not followed within {switches.PATIENCE_MS // 1000} s",
        f"{delivery_tracking.ENOUGH_PERCENT} % of what the event requires",
        f"less than that for {delivery_tracking.SHORT_MS // 1000} s",
    ):
        assert said in PAGE, said
