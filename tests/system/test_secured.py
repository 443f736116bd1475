"""The whole controller against a broker that asks for certificates, as AWS IoT Core does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.mqtt.certificates import Authority
from tests.kit.mqtt.mosquitto import Mosquitto, ServerTls
from tests.kit.process.site import STEADY, Site, until, venctl

ID = "volttron_local"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    authority = Authority(tmp_path, "ca")
    own, mine = authority.server("s", host="127.0.0.1", days=1), authority.client(ID)
    broker = Mosquitto(tmp_path, ServerTls(own.cert, own.key, authority.ca), "")
    cloud = (
        f"cloud: {{kind: aws, endpoint: 127.0.0.1, port: {broker.port}, "
        f"cert: {mine.cert.name}, key: {mine.key.name}, ca: {authority.ca.name}}}"
    )
    one = Site(tmp_path, STEADY.replace("cloud: {kind: local}", cloud, 1)).start().connected()
    yield one
    one.close()
    broker.kill()


def flags(site: Site, *files: str) -> list[str]:
    """How somebody without a ven.yaml names the VEN and its broker."""
    port = site.ready["mqtt"].rpartition(":")[2]
    shown = [str(site.folder / word) if "." in word else word for word in files]
    return ["--ven-id", ID, "--endpoint", "127.0.0.1", "--port", port, *shown]


def test_commands_reach_it_over_tls_from_a_machine_without_the_file(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    mine = flags(site, "--cert", f"{ID}.crt", "--key", f"{ID}.key", "--ca", "ca.pem")
    event = ["--shed-kw", "2.0", "--duration-sec", "600", "--corr-id", "test-event-001"]
    done = venctl("trigger", "event", "--via", "mqtt", *mine, *event, cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    assert "shed   2.00 of 2.00 kW" in done.stdout
    until(lambda: site.state()["power_kw"] == 8.0, "8 kW")
    heard = venctl("listen", "telemetry", *mine, "--count", "1", cwd=elsewhere)
    assert heard.stdout.startswith(f"ven/telemetry/{ID} {{")


def test_without_its_key_the_site_runs_says_so_and_connects_once_the_key_is_there(
    site: Site,
) -> None:
    site.stop()
    key = site.folder / f"{ID}.key"
    kept = key.rename(site.folder / "kept.key")
    site.start()
    link = site.state()["link"]
    assert link["state"] == "disconnected"
    assert link["detail"] == f"{key} cannot be read: No such file or directory; " + (
        "create it, or name another file"
    )
    assert link["detail"] in site.said()
    site.venctl("trigger", "event", "--shed-kw", "2", "--duration-sec", "600")
    until(lambda: site.state()["power_kw"] == 8.0, "8 kW without a cloud")
    kept.rename(key)
    site.connected()
    assert site.state()["power_kw"] == 8.0
    assert site.stop() == 0


def test_beside_the_file_no_flag_is_needed(site: Site) -> None:
    assert site.venctl("trigger", "ping", "--via", "mqtt").stdout == "ping success\n"
    assert site.venctl("listen", "telemetry", "--count", "1").returncode == 0


def test_whoever_shows_no_certificate_is_told_so(site: Site) -> None:
    done = site.venctl("trigger", "ping", "--via", "mqtt", *flags(site, "--ca", "ca.pem"))
    assert done.returncode == 3
    assert "refuses the client certificate" in done.stderr
