"""The AWS IoT Core policy documents of a VEN, which allow what it needs and nothing else. Pure.

A policy variable stands for the thing's name, so one set of documents serves every site with the
same topics. The client id must equal the thing name, and the certificate be attached to the thing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from statemachine.site.spec import Spec

Document = dict[str, Any]
MAX_CHARACTERS = 2_048  # of one document, without white space
THING = "${iot:Connection.Thing.ThingName}"
ATTACHED = {"Bool": {"iot:Connection.Thing.IsAttached": "true"}}
CIRCUITS_A_SHADOW = 40


@dataclass(frozen=True, slots=True)
class Grant:
    """One action on one resource; `resource` is the end of an ARN."""

    action: str
    resource: str


def documents(spec: Spec, region: str, account: str) -> list[Document]:
    """The least that this site needs, in as many documents as AWS's length limit requires."""
    start = f"arn:{_partition(region)}:iot:{region}:{account}:"
    policies: list[Document] = []
    held: list[Grant] = []
    for grant in grants(spec):
        if held and characters(_document([*held, grant], start)) > MAX_CHARACTERS:
            policies.append(_document(held, start))
            held = []
        held.append(grant)
    return [*policies, _document(held, start)]


def grants(spec: Spec) -> Iterator[Grant]:
    """Everything a VEN does, Connect first."""
    topics, shadow = spec.topics, f"$aws/things/{THING}/shadow"
    shadows = [shadow]
    if len(spec.circuits) > CIRCUITS_A_SHADOW:
        shadows.append(f"{shadow}/name/circuits-*")
    published = [topics.ack, topics.telemetry, topics.status]
    published += [topics.metering] if spec.telemetry.metering else []
    yield Grant("iot:Connect", f"client/{THING}")
    for topic in filter(None, published):
        yield Grant("iot:Publish", f"topic/{_named(topic)}")
    if topics.status:
        yield Grant("iot:RetainPublish", f"topic/{_named(topics.status)}")
    if topics.command:
        yield Grant("iot:Subscribe", f"topicfilter/{_named(topics.command)}")
        yield Grant("iot:Receive", f"topic/{_named(topics.command)}")
    for prefix in shadows:
        yield from _of_shadow(prefix)


def characters(document: Mapping[str, Any]) -> int:
    """The length of a document as AWS counts it: without white space."""
    return len(re.sub(r"\s", "", json.dumps(document, ensure_ascii=False)))


def _of_shadow(prefix: str) -> Iterator[Grant]:
    for end in ("get", "update"):
        yield Grant("iot:Publish", f"topic/{prefix}/{end}")
    # The SDK subscribes to `get/+` literally; in a policy, `+` is not a wildcard.
    for end in ("get/+", "update/accepted", "update/rejected", "update/delta"):
        yield Grant("iot:Subscribe", f"topicfilter/{prefix}/{end}")
    for end in ("get/*", "update/*"):
        yield Grant("iot:Receive", f"topic/{prefix}/{end}")


def _document(held: Sequence[Grant], start: str) -> Document:
    statements = []
    for action in dict.fromkeys(grant.action for grant in held):
        resources = [start + grant.resource for grant in held if grant.action == action]
        statement: Document = {"Effect": "Allow", "Action": action, "Resource": resources}
        if action == "iot:Connect":
            statement["Condition"] = ATTACHED
        statements.append(statement)
    return {"Version": "2012-10-17", "Statement": statements}


def _named(topic: str) -> str:
    """A topic of ven.yaml, with a policy's wildcards and variables escaped."""
    literal = topic.replace("${", "${$}{").replace("*", "${*}").replace("?", "${?}")
    return literal.replace("{venId}", THING)


def _partition(region: str) -> str:
    for start, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")):
        if region.startswith(start):
            return partition
    return "aws"
