"""The policy a site needs at AWS IoT: enough for all it does, and nothing for anybody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statemachine import Spec, read
from statemachine.site.named_shadows import circuits_by_shadow
from tests.kit.paths import ROOT
from tests.kit.process.site import venctl
from venctl.base.policy import characters, documents
from venctl.standin.broker.policy_rights import PolicyRights, Principal, read_policy

SITE = (ROOT / "ven.yaml").read_text()
REGIONS = ("us-west-2", "ap-northeast-1", "us-gov-west-1", "cn-northwest-1", "REGION")
THING = "volttron_local"
ATTRIBUTES = frozenset({"PersistentConnect", "LastWill"})
P = f"$aws/things/{THING}/shadow"


def spec_of(circuits: int, text: str = SITE) -> Spec:
    spec = read(text, "ven.yaml")
    one = spec.circuits["heater1"]
    return spec.model_copy(update={"circuits": {f"c{n}": one for n in range(circuits)}})


def rights(spec: Spec, region: str = "us-west-2", client: str = THING) -> PolicyRights:
    """Held to what the file says, once it went through JSON and the checks of AWS."""
    text = json.dumps(documents(spec, region, "123456789012"))
    return PolicyRights(read_policy(text, "policy"), Principal(client, THING, ATTRIBUTES))


def uses(spec: Spec) -> Iterator[tuple[str, str]]:
    """What a VEN does over MQTT: its own topics, and those of the SDK's shadow client."""
    topics = spec.topics.named(THING)
    yield "iot:Connect", f"client/{THING}"
    for topic in (topics.ack, topics.telemetry, topics.metering, topics.status):
        yield "iot:Publish", f"topic/{topic}"
    yield "iot:RetainPublish", f"topic/{topics.status}"
    yield "iot:Subscribe", f"topicfilter/{topics.command}"
    yield "iot:Receive", f"topic/{topics.command}"
    for prefix in (f"{P}/name/{name}" if name else P for name in circuits_by_shadow(spec)):
        for end in ("get", "update"):
            yield "iot:Publish", f"topic/{prefix}/{end}"
        for end in ("get/+", "update/accepted", "update/rejected", "update/delta"):
            yield "iot:Subscribe", f"topicfilter/{prefix}/{end}"
        for end in ("get/accepted", "get/rejected", "update/accepted", "update/delta"):
            yield "iot:Receive", f"topic/{prefix}/{end}"


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("circuits", [6, 40, 41, 100, 400])
def test_everything_a_ven_does_is_allowed_and_each_document_fits(
    circuits: int, region: str
) -> None:
    spec = spec_of(circuits)
    may = rights(spec, region).may
    assert all(may(action, resource) for action, resource in uses(spec))
    found = documents(spec, region, "123456789012")
    assert all(characters(document) <= 2_048 for document in found) and len(found) <= 10


def test_the_defaults_need_one_document_in_the_region_of_the_users_endpoint() -> None:
    assert len(documents(read(SITE, "ven.yaml"), "us-west-2", "123456789012")) == 1


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iot:Connect", "client/other"),
        ("iot:Publish", "topic/ven/cmd/volttron_local"),
        ("iot:Publish", "topic/ven/ack/other"),
        ("iot:Publish", "topic/ven/ack/volttron_local/x"),
        ("iot:Publish", "topic/$aws/things/other/shadow/update"),
        ("iot:Publish", f"topic/{P}/delete"),
        ("iot:Publish", f"topic/{P}/update/accepted"),
        ("iot:Publish", f"topic/{P}/name/circuits-0/update"),
        ("iot:RetainPublish", "topic/ven/telemetry/volttron_local"),
        ("iot:Subscribe", "topicfilter/#"),
        ("iot:Subscribe", "topicfilter/ven/cmd/+"),
        ("iot:Subscribe", "topicfilter/ven/cmd/other"),
        ("iot:Subscribe", f"topicfilter/{P}/#"),
        ("iot:Subscribe", "topicfilter/$aws/things/+/shadow/update/delta"),
        ("iot:Subscribe", "topicfilter/$aws/things/other/shadow/update/delta"),
        ("iot:Receive", "topic/ven/telemetry/other"),
        ("iot:Receive", "topic/$aws/things/other/shadow/get/accepted"),
        ("iot:GetThingShadow", "thing/volttron_local"),
        ("iot:DeleteThingShadow", "thing/volttron_local"),
    ],
)
def test_nothing_else_is_allowed(action: str, resource: str) -> None:
    assert not rights(spec_of(6)).may(action, resource)


def test_another_client_id_may_do_nothing_at_all() -> None:
    spec = spec_of(100)
    may = rights(spec, client="script").may
    assert not any(may(action, resource) for action, resource in uses(spec) if THING in resource)
    assert not may("iot:Connect", "client/script")


def test_a_topic_that_is_off_needs_no_right() -> None:
    spec = read(SITE.replace("status: ven/status/{venId}", "status: off"), "ven.yaml")
    may = rights(spec).may
    assert not may("iot:Publish", "topic/ven/status/volttron_local")
    assert not may("iot:RetainPublish", "topic/ven/status/volttron_local")
    silent = read(SITE.replace("metering: true", "metering: false"), "ven.yaml")
    assert not rights(silent).may("iot:Publish", "topic/volttron/metering")


LEVELS = st.text(alphabet="ab*?$-_", min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(LEVELS, min_size=1, max_size=4), st.lists(LEVELS, min_size=1, max_size=4))
def test_a_topic_template_is_taken_by_the_letter(levels: list[str], other: list[str]) -> None:
    template, foreign = "/".join(levels), "/".join(other)
    spec = read(SITE, "ven.yaml")
    topics = spec.topics.model_copy(update={"ack": f"{template}/{{venId}}"})
    may = rights(spec.model_copy(update={"topics": topics})).may
    assert may("iot:Publish", f"topic/{template}/{THING}")
    assert may("iot:Publish", f"topic/{foreign}/{THING}") == (template == foreign)


def test_the_command_prints_what_create_policy_takes(tmp_path: Path) -> None:
    (tmp_path / "ven.yaml").write_text(SITE)
    where = ("--region", "us-west-2", "--account", "123456789012")
    plain = venctl("aws", "policy", *where, cwd=tmp_path)
    assert plain.returncode == 0 and not plain.stderr
    spec = read(SITE, "ven.yaml")
    assert [json.loads(plain.stdout)] == documents(spec, "us-west-2", "123456789012")
    assert json.loads(venctl("aws", "policy", "--json", *where, cwd=tmp_path).stdout) == [
        json.loads(plain.stdout)
    ]


def test_the_command_says_what_is_left_to_fill_in(tmp_path: Path) -> None:
    text = SITE.replace("cloud: {kind: local}", "cloud: {kind: aws, endpoint: "
        "x-ats.iot.eu-west-1.amazonaws.com, cert: a.pem, key: a.key}", 1)  # fmt: skip
    (tmp_path / "ven.yaml").write_text(text)
    said = venctl("aws", "policy", cwd=tmp_path, env={"AWS_REGION": "us-east-1"})
    assert "arn:aws:iot:eu-west-1:ACCOUNT:client/" in said.stdout
    assert said.stderr == "venctl: replace ACCOUNT in the output, or pass --account\n"
