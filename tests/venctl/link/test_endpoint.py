"""`cloud:` in ven.yaml: which broker, which files, whose password, and who keeps the shadow."""

from __future__ import annotations

from pathlib import Path

import pytest
from awscrt import mqtt5

from statemachine import Spec, SpecError, read
from tests.kit.mqtt.certificates import Authority
from venctl.base.backoff import FAR, NEAR
from venctl.link.endpoint import LastWill, client_options, declared_endpoint
from venctl.link.tls import ConfigProblem

SECRET = "marker-secret"


def site(cloud: str) -> Spec:
    text = f"site: {{id: v1}}\ncloud: {cloud}\ncircuits: {{heater: {{rated: 1 kW}}}}\n"
    return read(text, "ven.yaml")


def fault(cloud: str) -> str:
    with pytest.raises(SpecError) as caught:
        site(cloud)
    assert len(caught.value.faults) == 1
    return caught.value.faults[0].pretty()


def test_three_lines_lead_to_aws(tmp_path: Path) -> None:
    spec = site("{kind: aws, endpoint: x-ats.iot.us-west-2.amazonaws.com, cert: c.pem, key: k.pem}")
    where = declared_endpoint(spec.cloud, tmp_path, spec.site.id)
    assert (where.host, where.port) == ("x-ats.iot.us-west-2.amazonaws.com", 8883)
    assert (where.client_id, where.aws, where.pace) == ("v1", True, FAR)
    assert (where.cert, where.key, where.ca) == (tmp_path / "c.pem", tmp_path / "k.pem", None)


def test_a_broker_on_this_machine_is_asked_again_sooner_than_one_that_many_share(
    tmp_path: Path,
) -> None:
    def pace(host: str) -> object:
        return declared_endpoint(site(f"{{kind: mqtt, host: {host}}}").cloud, tmp_path, "v1").pace

    assert (pace("127.0.0.1"), pace("192.168.1.5")) == (NEAR, FAR)


@pytest.mark.parametrize(
    ("cloud", "said"),
    [
        ("{kind: aws, endpoint: https://x.amazonaws.com, cert: c, key: k}", "write the host alone"),
        ("{kind: mqtt, host: broker.example:1883}", "write the host alone"),
        ("{kind: mqtt}", "kind mqtt needs `host`"),
        ("{kind: aws, endpoint: x, cert: c}", "kind aws needs `key`"),
        ("{kind: aws, endpoint: x, cert: c, key: k, shadow: serve}", "aws has no setting `shadow`"),
        ("{kind: mqtt, host: h, shadow: on}", "use one of: off, serve"),
        ("{kind: mqtt, host: h, password_file: f, password: p}", "there are two passwords"),
    ],
)
def test_what_cannot_be_is_refused_with_advice(cloud: str, said: str) -> None:
    assert said in fault(cloud)


@pytest.mark.parametrize("host", ["broker", "my_broker", "192.168.1.5", "::1", "fe80::1", "a-b.c"])
def test_names_and_addresses_are_hosts(host: str) -> None:
    assert site(f'{{kind: mqtt, host: "{host}"}}').cloud.host == host


def test_nobody_keeps_a_shadow_on_a_broker_unless_we_do() -> None:
    assert site("{kind: local}").cloud.has_shadow
    assert site("{kind: aws, endpoint: x, cert: c, key: k}").cloud.has_shadow
    assert not site("{kind: mqtt, host: h}").cloud.has_shadow
    assert not site("{kind: mqtt, host: h, shadow: off}").cloud.has_shadow
    assert site("{kind: mqtt, host: h, shadow: serve}").cloud.has_shadow


@pytest.mark.parametrize(
    "cloud",
    [
        f"{{kind: aws, endpoint: x, cert: c, key: k, password: {SECRET}}}",
        f'{{kind: mqtt, hst: h, host: h, password: "{SECRET}"}}',
        f"\n  kind: mqtt\n  host: h\n  host: h\n  password: a {SECRET}",
        f"\n  kind: mqtt\n  host: h\n  password : [{SECRET}]",
        f"{{kind: mqtt, host: h, password: {SECRET}]",
    ],
)
def test_a_fault_does_not_show_the_password(cloud: str) -> None:
    with pytest.raises(SpecError) as caught:
        site(cloud)
    shown = "\n".join(one.pretty() for one in caught.value.faults)
    assert SECRET not in shown + str(caught.value)


def test_aws_is_asked_within_its_limits(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    mine = authority.client("v1")
    files = f"cert: {mine.cert.name}, key: {mine.key.name}, ca: {authority.ca.name}"
    where = declared_endpoint(site(f"{{kind: aws, endpoint: x, {files}}}").cloud, tmp_path, "v1")
    said = client_options(where, LastWill("ven/status/v1", lambda: b"gone"))
    limits = mqtt5.ExtendedValidationAndFlowControlOptions.AWS_IOT_CORE_DEFAULTS
    assert said["extended_validation_and_flow_control_options"] == limits
    packet = said["connect_options"]
    assert packet.client_id == "v1", "the thing's name, or the policy's variables name nobody"
    assert 30 <= packet.keep_alive_interval_sec <= 1200
    assert 0 < packet.session_expiry_interval_sec <= 7 * 86_400
    assert packet.receive_maximum <= 100


def test_a_broker_of_ones_own_may_send_all_it_has(tmp_path: Path) -> None:
    """With a limit mosquitto 2.0 delivers some messages before older ones, see bench/flood.py."""
    where = declared_endpoint(site("{kind: mqtt, host: broker.local}").cloud, tmp_path, "v1")
    assert client_options(where, None)["connect_options"].receive_maximum is None


# ---------------------------------------------------------------- the password


def password(cloud: str, folder: Path) -> str | None:
    return declared_endpoint(site(cloud).cloud, folder, "v1").password


def test_a_password_is_the_word_or_comes_from_the_environment_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER_PASSWORD", "from outside")
    (tmp_path / "secret").write_text("from a file\n")
    (tmp_path / "secret").chmod(0o600)
    head = "{kind: mqtt, host: h, username: u"
    assert password(f"{head}, password: word}}", tmp_path) == "word"
    assert password(f"{head}, password: 'env:BROKER_PASSWORD'}}", tmp_path) == "from outside"
    assert password(f"{head}, password_file: secret}}", tmp_path) == "from a file"
    assert password(f"{head}}}", tmp_path) is None


def test_a_password_that_cannot_be_had_is_told_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BROKER_PASSWORD", raising=False)
    head = "{kind: mqtt, host: h, username: u"
    with pytest.raises(
        ConfigProblem, match=r"the environment variable BROKER_PASSWORD.*is not set; set it"
    ):
        password(f"{head}, password: 'env:BROKER_PASSWORD'}}", tmp_path)
    with pytest.raises(ConfigProblem, match="secret cannot be read"):
        password(f"{head}, password_file: secret}}", tmp_path)
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(ConfigProblem, match=r"open to other users.*chmod 600") as found:
        password(f"{head}, password_file: secret}}", tmp_path)
    assert SECRET not in str(found.value)


def test_no_form_of_a_site_shows_the_password(tmp_path: Path) -> None:
    spec = site(f"{{kind: mqtt, host: h, username: u, password: {SECRET}}}")
    assert SECRET not in repr(spec) + str(spec)
    assert SECRET not in repr(declared_endpoint(spec.cloud, tmp_path, "v1"))
