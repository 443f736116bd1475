"""`venctl doctor`: its lines on a healthy set-up of each kind, and on broken ones."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest

from statemachine import read
from tests.kit.mqtt.certificates import Authority, Pair
from tests.kit.mqtt.mosquitto import Mosquitto, ServerTls, free_port
from tests.kit.process.site import STEADY, Backend, Site, until, venctl
from tests.kit.simulated.storing import look_and_open
from tests.system.test_flap import PACE, eventually, stage
from tests.venctl.reach.test_shadow_server import SECRET, guarded
from venctl.doctor.probes import RunningController
from venctl.link.tls import ConfigProblem
from web.resources import state

STEPS = ["files", "controller", "dns", "tcp", "tls"]
STEPS += ["connect", "subscribe", "publish", "shadow", "clock"]
LOCAL = "cloud: {kind: local}"


def steps(done: subprocess.CompletedProcess[str]) -> list[tuple[str, str, str]]:
    """Mark, step and words of every line; that it took some time is part of the shape."""
    lines = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    shape = re.compile(r"([✓✗]) (\w+) +\d+\.\d ms  (.+)")
    found = [shape.fullmatch(line) for line in lines]
    assert all(found), done.stdout + done.stderr
    return [(one[1], one[2], one[3]) for one in found if one]


def file_at(folder: Path, cloud: str) -> None:
    (folder / "ven.yaml").write_text(STEADY.replace(LOCAL, f"cloud: {cloud}", 1))


class Tls:
    """A mosquitto that asks for certificates, and a thing that has one."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.authority = folder, Authority(folder, "ca")
        self.mine = self.authority.client("ven")
        self.brokers: list[Mosquitto] = []

    def serve(self, own: Pair, extra: str = "") -> int:
        (self.folder / "broker").mkdir(exist_ok=True)
        tls = ServerTls(own.cert, own.key, self.authority.ca)
        self.brokers.append(Mosquitto(self.folder / "broker", tls, extra))
        return self.brokers[-1].port

    def healthy(self, extra: str = "") -> int:
        return self.serve(self.authority.server("s", host="127.0.0.1", days=1), extra)

    def cloud(self, kind: str, port: int, more: str = "") -> str:
        where = "endpoint" if kind == "aws" else "host"
        files = f"cert: {self.mine.cert.name}, key: {self.mine.key.name}, ca: ca.pem"
        return f"{{kind: {kind}, {where}: 127.0.0.1, port: {port}, {files}{more}}}"


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[Tls]:
    made = Tls(tmp_path)
    yield made
    for broker in made.brokers:
        broker.kill()


# ---------------------------------------------------------------- healthy


def test_a_healthy_stand_in_has_a_tick_on_every_line(site: Site) -> None:
    until(lambda: site.state()["link"]["last_sent"], "telemetry")
    since = site.state()["link"]["since"]
    done = site.venctl("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    found = steps(done)
    assert [(mark, step) for mark, step, _ in found] == [("✓", step) for step in STEPS]
    said = {step: words for _, step, words in found}
    assert said["controller"].startswith("is running; doctor connects as venctl-doctor-")
    assert said["tcp"] == f"{site.ready['mqtt']} is open"
    assert said["subscribe"] == "5 topics granted"
    assert said["publish"] == "on ven/ack/volttron_local, ven/status/volttron_local"
    assert said["shadow"].startswith("answers, version ")
    assert said["clock"] == "correct to within a second"
    assert site.state()["link"]["since"] == since, "the controller's own link stays up"


def test_an_alarm_that_nobody_has_seen_is_a_step_that_fails(site: Site) -> None:
    site.stop()
    (journal,) = site.folder.glob(".venctl/*/journal.db")
    journal.unlink()
    site.start().connected()
    until(lambda: site.state()["link"]["last_sent"], "telemetry")
    done = site.venctl("doctor")
    assert done.returncode == 1 and "memory_lost: the journal is missing" in done.stdout
    assert "then acknowledge this" in done.stdout
    assert site.venctl("alarms", "--acknowledge", "memory_lost").stdout == "no alarms\n"
    assert site.venctl("doctor").returncode == 0


def test_a_stand_in_with_certificates_is_asked_with_those_of_an_operator(tmp_path: Path) -> None:
    text = STEADY.replace(LOCAL, "cloud: {kind: local, tls: true}", 1)
    site = Site(tmp_path, text).start().connected()
    try:
        done = site.venctl("doctor")
        assert done.returncode == 0, done.stdout + done.stderr
        said = {step: words for _, step, words in steps(done)}
        assert said["tls"].startswith("TLSv1.3; the broker's certificate is valid until 20")
        assert said["shadow"].startswith("answers")
    finally:
        site.close()


def test_json_says_the_same(site: Site) -> None:
    said = json.loads(site.venctl("doctor", "--json").stdout)
    assert said["ok"] is True and [one["step"] for one in said["steps"]] == STEPS
    assert all(one["took_ms"] >= 0 and one["advice"] == "" for one in said["steps"])


def test_a_healthy_broker_with_certificates(tmp_path: Path, tls: Tls) -> None:
    file_at(tmp_path, tls.cloud("mqtt", tls.healthy()))
    done = venctl("doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    said = {step: words for _, step, words in steps(done)}
    assert "the client certificate is valid until 20" in said["files"]
    assert said["controller"].startswith("is not running; doctor connects as venctl-doctor-")
    assert said["tls"].startswith("TLSv1.3; the broker's certificate is valid until 20")
    assert said["shadow"] == "none, because ven.yaml says `shadow: off`"
    assert said["clock"] == "not checked: there is no server time to compare with"


def test_what_waits_for_a_device_still_waits_after_the_doctor_went_by_its_name(
    tmp_path: Path, tls: Tls
) -> None:
    port = tls.healthy(f"listener {(plain := free_port())} 127.0.0.1\nallow_anonymous true\n")
    file_at(tmp_path, tls.cloud("aws", port))
    site = Site(tmp_path, (tmp_path / "ven.yaml").read_text()).start().connected()
    backend = Backend(plain)
    try:
        site.kill()
        backend.send({"op": "ping", "correlationId": "kept"})
        done = venctl("doctor", cwd=tmp_path)
        assert steps(done)[1][2] == "is not running; doctor connects as volttron_local"
        assert not backend.acks("kept")
        site.start().connected()
        until(lambda: backend.acks("kept"), "the ack of what waited")
    finally:
        backend.close()
        site.close()


def test_a_running_controller_of_aws_is_asked_and_not_cut_off(tmp_path: Path, tls: Tls) -> None:
    port = tls.healthy()
    file_at(tmp_path, tls.cloud("aws", port))
    site = Site(tmp_path, (tmp_path / "ven.yaml").read_text()).start().connected()
    try:
        until(lambda: site.state()["link"]["last_sent"], "telemetry")
        since = site.state()["link"]["since"]
        done = site.venctl("doctor")
        said = {step: (mark, words) for mark, step, words in steps(done)}
        word = "is running; the steps from `connect` on report its connection"
        assert said["controller"] == ("✓", word)
        assert said["connect"][1].startswith("the running controller has been connected since 20")
        assert said["publish"][1].startswith("the last message was sent ")
        # mosquitto is no AWS: nobody answers for the shadow, and that is what is wrong here
        assert said["shadow"][0] == "✗" and done.returncode == 1
        assert site.state()["link"]["since"] == since
        assert tls.brokers[0].log().count("as volttron_local") == 1
    finally:
        site.close()


# ---------------------------------------------------------------- broken


def last(done: subprocess.CompletedProcess[str]) -> tuple[str, str]:
    """The step that failed and the whole of what was said about it; the others went well."""
    assert done.returncode == 1, done.stdout + done.stderr
    *well, (mark, step, words) = steps(done)
    assert mark == "✗" and all(one[0] == "✓" for one in well)
    advice = done.stdout.splitlines()[-1]
    assert advice.startswith(" " * 20), "what to do stands below"
    return step, f"{words}; {advice.strip()}"


def test_a_stand_in_that_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "ven.yaml").write_text(STEADY)
    assert last(venctl("doctor", cwd=tmp_path)) == (
        "controller",
        "is not running, and it provides the stand-in for the cloud; "
        "start it with `venctl run`, then run `venctl doctor` again",
    )


def test_a_key_that_others_may_read(tmp_path: Path, tls: Tls) -> None:
    file_at(tmp_path, tls.cloud("aws", tls.healthy()))
    tls.mine.key.chmod(0o644)
    step, said = last(venctl("doctor", cwd=tmp_path))
    assert step == "files" and "is open to other users (mode 0644); run `chmod 600 " in said


def test_a_name_that_leads_nowhere(tmp_path: Path) -> None:
    file_at(tmp_path, "{kind: mqtt, host: no-such-host.invalid}")
    step, said = last(venctl("doctor", cwd=tmp_path))
    assert step == "dns" and said.startswith(
        "the host name no-such-host.invalid cannot be resolved"
    )


def test_a_port_where_nobody_listens(tmp_path: Path) -> None:
    port = free_port()
    file_at(tmp_path, f"{{kind: mqtt, host: 127.0.0.1, port: {port}}}")
    assert last(venctl("doctor", cwd=tmp_path)) == (
        "tcp",
        f"127.0.0.1:{port} cannot be reached: Connection refused; "
        "check that the broker is running and that this is its port",
    )


def test_a_broker_whose_certificate_has_expired(tmp_path: Path, tls: Tls) -> None:
    port = tls.serve(tls.authority.server("s", host="127.0.0.1", days=-1))
    file_at(tmp_path, tls.cloud("aws", port))
    step, said = last(venctl("doctor", cwd=tmp_path))
    assert step == "tls" and f"the certificate of 127.0.0.1:{port} expired on 20" in said


def test_a_wrong_password(tmp_path: Path) -> None:
    broker = guarded(tmp_path)
    try:
        head = f"{{kind: mqtt, host: 127.0.0.1, port: {broker.port}, username: ven"
        file_at(tmp_path, f"{head}, password: wrong-{SECRET}}}")
        done = venctl("doctor", cwd=tmp_path)
        step, said = last(done)
        assert step == "connect" and "not authorized" in said and "`password`" in said
        assert SECRET not in done.stdout + done.stderr
        file_at(tmp_path, f"{head}, password_file: secret}}")
        assert venctl("doctor", cwd=tmp_path).returncode == 0
    finally:
        broker.kill()


@contextmanager
def another(answer: bytes) -> Iterator[int]:
    """The port of something that answers a CONNECT so, and ends the connection."""

    class Other(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            self.request.sendall(answer)

    with ThreadingTCPServer(("127.0.0.1", 0), Other) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.parametrize(
    ("answer", "found", "also"),
    [
        (b"\x20\x02\x00\x01", "the broker's answer to CONNECT is not MQTT 5", ""),
        (b"\x20\x02\x00\x05", "the broker's answer to CONNECT is not MQTT 5", ""),
        (b"\x20\x03\x00\x84\x00", "the broker's answer to CONNECT is not MQTT 5", ""),
        (
            b"",
            "the broker closed the connection instead of answering CONNECT",
            "; if it does, check `username` and `password` in ven.yaml, and the broker's log",
        ),
    ],
)
def test_a_broker_that_speaks_an_older_mqtt_only(
    tmp_path: Path, answer: bytes, found: str, also: str
) -> None:
    with another(answer) as port:
        file_at(tmp_path, f"{{kind: mqtt, host: 127.0.0.1, port: {port}}}")
        advice = "check that it supports MQTT 5, which venctl needs"
        assert last(venctl("doctor", cwd=tmp_path)) == ("connect", f"{found}; {advice}{also}")
        site = Site(tmp_path, (tmp_path / "ven.yaml").read_text()).start()
        try:
            until(lambda: site.state()["link"]["detail"], "the link has tried")
            assert site.state()["link"]["detail"] == f"{found}; check that it supports MQTT 5"
        finally:
            site.close()


def test_a_right_to_publish_that_is_missing(tmp_path: Path, tls: Tls) -> None:
    (tmp_path / "rights").write_text("topic read #\ntopic write ven/status/volttron_local\n")
    file_at(tmp_path, tls.cloud("mqtt", tls.healthy(f"acl_file {tmp_path / 'rights'}\n")))
    step, said = last(venctl("doctor", cwd=tmp_path))
    assert step == "publish"
    refusal = "the broker refuses messages on ven/ack/volttron_local: not authorized; "
    assert said.startswith(refusal) and "venctl aws policy" in said


def test_our_additions_may_be_denied(tmp_path: Path, tls: Tls) -> None:
    (tmp_path / "rights").write_text("topic read #\ntopic write ven/ack/volttron_local\n")
    file_at(tmp_path, tls.cloud("mqtt", tls.healthy(f"acl_file {tmp_path / 'rights'}\n")))
    done = venctl("doctor", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    said = {step: words for _, step, words in steps(done)}
    assert "ven/status/volttron_local: not authorized, but everything" in said["publish"]


def test_a_shadow_that_nobody_keeps(tmp_path: Path, tls: Tls) -> None:
    file_at(tmp_path, tls.cloud("aws", tls.healthy()))
    step, said = last(venctl("doctor", cwd=tmp_path))
    assert step == "shadow" and said.startswith("the shadow of volttron_local does not answer; ")


def test_a_faulty_ven_yaml_is_an_error_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "ven.yaml").write_text(STEADY.replace("critical: true", "critcal: true", 1))
    done = venctl("doctor", cwd=tmp_path)
    assert done.returncode == 2 and "did you mean 'critical'?" in done.stderr
    (tmp_path / "ven.yaml").unlink()
    assert venctl("doctor", cwd=tmp_path).returncode == 2


def test_a_terminal_without_ticks_gets_plain_ones(tmp_path: Path) -> None:
    (tmp_path / "ven.yaml").write_text(STEADY)
    done = venctl("doctor", cwd=tmp_path, env={"PYTHONIOENCODING": "ascii"})
    assert done.stdout.startswith("+ files") and "\nx controller" in done.stdout


async def test_the_word_of_a_connected_controller_is_of_its_last_message_and_answer(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path, PACE) as on:
        await eventually(lambda: on.operator.reported("misc1"), "a report")
        await eventually(lambda: on.controller.memory.shadows[""].version, "an answer with a time")
        word = RunningController(on.controller.spec, state(on.controller), tmp_path / "journal.db")
        assert (await word.connect()).startswith(
            "the running controller has been connected since 20"
        )
        assert await word.subscribe() == "granted"
        assert (await word.publish()).startswith("the last message was sent ")
        assert (await word.shadow()).startswith("answered the running controller ")
        _journal(tmp_path / "empty.db").close()
        with pytest.raises(ConfigProblem, match="the shadow has never answered"):
            await RunningController(
                on.controller.spec, {"link": {}}, tmp_path / "empty.db"
            ).shadow()
        assert await word.clock() == "correct to within a second"


def _journal(file: Path) -> sqlite3.Connection:
    return look_and_open(file, lambda parts: None)[0]


def word_of(folder: Path, link: dict[str, object], trigger: str) -> RunningController:
    """The word of a controller with this link, whose journal ends with this trigger."""
    db = _journal(folder / "journal.db")
    row = "INSERT INTO decision (at_ms, trigger, effects) VALUES (0, ?, '')"
    db.execute(row, (trigger,))
    return RunningController(read(STEADY, "ven.yaml"), {"link": link}, folder / "journal.db")


@pytest.mark.parametrize(("off_s", "said"), [(600, "600 s behind"), (-600, "600 s ahead of")])
async def test_a_wrong_clock_is_told_against_the_shadows(
    tmp_path: Path, off_s: int, said: str
) -> None:
    answered = json.dumps({"at_ms": 1_700_000_000_500, "server_s": 1_700_000_000 + off_s})
    with pytest.raises(
        ConfigProblem, match=rf"this machine's clock is ({said}) the server's.*with NTP"
    ):
        await word_of(tmp_path, {}, f"Answered {answered}").clock()


async def test_the_word_of_a_controller_that_fares_badly_is_what_fares_badly(
    tmp_path: Path,
) -> None:
    refused = json.dumps({"at_ms": 0, "code": 403, "message": "Forbidden"})
    lost = {"state": "disconnected", "detail": "no route", "last_sent": None, "denied": []}
    word = word_of(tmp_path, lost, f"Refused {refused}")
    with pytest.raises(ConfigProblem, match="is not connected: no route"):
        await word.connect()
    with pytest.raises(ConfigProblem, match="has sent nothing yet"):
        await word.publish()
    with pytest.raises(ConfigProblem, match="the shadow refused the last request: 403 Forbidden"):
        await word.shadow()
    deaf = {**lost, "denied": ["ven/cmd/volttron_local"]}
    with pytest.raises(
        ConfigProblem, match="the broker refuses a subscription to ven/cmd/volttron_local"
    ):
        await word_of(tmp_path, deaf, f"Refused {refused}").subscribe()
