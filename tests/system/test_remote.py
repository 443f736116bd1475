"""`venctl listen` and `venctl trigger --via mqtt` over TLS, to a broker that wants certificates."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.kit.mqtt.certificates import Authority, Pair
from tests.kit.mqtt.mosquitto import Mosquitto, ServerTls, free_port
from tests.kit.mqtt.peers import Peer
from tests.kit.process.site import STEADY, Site, until, venctl
from tests.venctl.reach.test_shadow_server import SECRET, guarded
from venctl.cli import main, remote

VEN = "volttron_local"


@dataclass
class Stage:
    """A site on a broker that asks for certificates, and somebody else's laptop."""

    folder: Path
    authority: Authority
    mine: Pair
    port: int

    def flags(self) -> list[str]:
        return [
            *("--ven-id", VEN, "--endpoint", "127.0.0.1", "--port", str(self.port)),
            *("--cert", str(self.mine.cert), "--key", str(self.mine.key)),
            *("--ca", str(self.authority.ca)),
        ]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return venctl(*words, cwd=self.folder)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "broker").mkdir()
    (folder / "laptop").mkdir()
    authority = Authority(folder, "ca")
    own, ven = authority.server("s", host="127.0.0.1", days=1), authority.client("ven")
    broker = Mosquitto(folder / "broker", ServerTls(own.cert, own.key, authority.ca), "")
    files = f"cert: {ven.cert.name}, key: {ven.key.name}, ca: {authority.ca.name}"
    cloud = f"cloud: {{kind: mqtt, host: 127.0.0.1, port: {broker.port}, {files}}}"
    site = Site(folder, STEADY.replace("cloud: {kind: local}", cloud, 1)).start().connected()
    yield Stage(folder / "laptop", authority, authority.client("laptop"), broker.port)
    site.close()
    broker.kill()


def test_a_command_goes_there_and_its_ack_comes_back(stage: Stage) -> None:
    done = stage.run("trigger", "ping", "--via", "mqtt", *stage.flags(), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["pong"] is True


def test_a_command_over_mqtt_says_when_it_was_issued(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(remote, "send", lambda args, said, clock: sent.append(said) or 0)
    elsewhere = ["--via", "mqtt", "--ven-id", "v1", "--endpoint", "127.0.0.1"]
    before_s = time.time()
    for words in (["event", "--shed", "1 kW"], ["restore"], ["circuit", "ev1", "off"]):
        assert main(["trigger", *words, *elsewhere]) == 0
    assert all(before_s - 1 <= said["issued_at"] <= time.time() + 1 for said in sent)
    assert len(sent) == 3


def test_telemetry_is_heard(stage: Stage) -> None:
    heard = stage.run("listen", "telemetry", *stage.flags(), "--count", "1")
    assert heard.returncode == 0, heard.stderr
    assert heard.stdout.startswith(f"ven/telemetry/{VEN} {{")


def test_beside_the_ven_yaml_no_flag_is_needed(stage: Stage) -> None:
    heard = venctl("listen", "telemetry", "--count", "1", cwd=stage.folder.parent)
    assert heard.returncode == 0, heard.stderr


@pytest.mark.parametrize("flag", ["--cert", "--key", "--ca"])
@pytest.mark.parametrize("command", [["listen"], ["trigger", "ping", "--via", "mqtt"]])
def test_a_missing_file_is_an_error_with_a_sentence(
    stage: Stage, command: list[str], flag: str
) -> None:
    flags = stage.flags()
    flags[flags.index(flag) + 1] = "not-there.pem"
    done = stage.run(*command, *flags)
    assert done.returncode == 2
    assert done.stderr == (
        "venctl: not-there.pem cannot be read: No such file or directory; "
        "create it, or name another file\n"
    )


def test_half_a_pair_is_an_error_with_a_sentence(stage: Stage) -> None:
    flags = stage.flags()
    at = flags.index("--key")
    done = stage.run("listen", *flags[:at], *flags[at + 2 :])
    assert done.returncode == 2 and "set both `cert` and `key`" in done.stderr


def test_a_broker_that_cannot_be_reached_or_trusted_is_named(stage: Stage, tmp_path: Path) -> None:
    nobody = [*stage.flags(), "--port", str(free_port())]
    done = stage.run("trigger", "ping", "--via", "mqtt", *nobody)
    assert done.returncode == 3 and "cannot be reached: Connection refused" in done.stderr
    stranger = [*stage.flags(), "--ca", str(Authority(tmp_path, "stranger").ca)]
    done = stage.run("listen", *stranger)
    assert done.returncode == 3 and "is not signed by the CA in" in done.stderr


def test_a_name_and_a_password_file_let_in(tmp_path: Path) -> None:
    broker = guarded(tmp_path)
    flags = ["--ven-id", "v1", "--endpoint", "127.0.0.1", "--port", str(broker.port)]
    flags += ["--user", "ven", "--password-file", str(tmp_path / "secret")]
    hearing = subprocess.Popen(
        [sys.executable, "-m", "venctl", "listen", "ack", *flags, "--count", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert hearing.stderr is not None
        assert "listening on" in hearing.stderr.readline()
        assert SECRET not in " ".join(map(str, hearing.args))  # type: ignore[arg-type]
        (tmp_path / "secret").chmod(0o644)
        refused = venctl("listen", *flags, cwd=tmp_path)
        assert refused.returncode == 2 and "run `chmod 600" in refused.stderr
    finally:
        hearing.kill()
        hearing.communicate()
        broker.kill()


def test_a_command_waits_at_a_broker_no_longer_than_its_sender_waits(site: Site) -> None:
    """Who was told that nobody answered finds nothing done later."""
    port = int(site.ready["mqtt"].rpartition(":")[2])
    ear = Peer(port, "ear")
    try:
        ear.subscribe("ven/cmd/#")
        done = site.venctl("trigger", "ping", "--via", "mqtt")
        assert done.returncode == 0, done.stderr
        (command,) = until(lambda: ear.heard, "the command")
        assert 0 < command.properties.MessageExpiryInterval <= remote.WAIT_S
    finally:
        ear.close()
