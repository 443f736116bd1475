"""Policy documents, evaluated as AWS evaluates them; the examples are of its developer guide."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venctl.standin.broker.policy_rights import PolicyError, PolicyRights, Principal, read_policy

ARN = "arn:aws:iot:us-east-1:123456789012:"
DEVICE = Principal("ven1", "ven1", frozenset())


def allow(action: object, resource: object, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: object, resource: object, **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def held(*statements: Any, who: Principal = DEVICE) -> PolicyRights:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return PolicyRights(read_policy(text, "my.json"), who)


def test_what_nothing_allows_is_denied() -> None:
    rights = held(allow("iot:Publish", ARN + "topic/a"))
    assert rights.may("iot:Publish", "topic/a")
    assert not rights.may("iot:Publish", "topic/b")
    assert not rights.may("iot:Subscribe", "topic/a")


def test_an_explicit_deny_wins_wherever_it_stands() -> None:
    for statements in (
        (allow("iot:*", "*"), deny("iot:Publish", ARN + "topic/a")),
        (deny("iot:Publish", ARN + "topic/a"), allow("iot:*", "*")),
    ):
        rights = held(*statements)
        assert not rights.may("iot:Publish", "topic/a") and rights.may("iot:Publish", "topic/b")


def test_a_star_stands_for_any_letters_slashes_too_and_a_question_mark_for_one() -> None:
    rights = held(allow("iot:Publish", [ARN + "topic/foo/*", ARN + "topic/b?r"]))
    assert all(rights.may("iot:Publish", f"topic/{t}") for t in ("foo/", "foo/a/b", "bar"))
    assert not any(rights.may("iot:Publish", f"topic/{t}") for t in ("foo", "baar", "br", "xbar"))


def test_plus_and_hash_are_letters_in_a_policy() -> None:
    rights = held(
        allow("iot:Subscribe", [ARN + "topicfilter/a/+", ARN + "topicfilter/b/*"]),
        allow("iot:Receive", ARN + "topic/a/#"),
    )
    assert rights.may("iot:Subscribe", "topicfilter/a/+")
    assert not rights.may("iot:Subscribe", "topicfilter/a/x")
    assert rights.may("iot:Subscribe", "topicfilter/b/#")
    assert not rights.may("iot:Receive", "topic/a/x")


@given(
    st.text(alphabet="ab/+#*?.[(", max_size=12),
    st.text(alphabet="ab/+#*?.[(", max_size=12),
)
def test_matching_is_what_its_definition_says(pattern: str, name: str) -> None:
    def matches(p: str, n: str) -> bool:
        if not p:
            return not n
        if p[0] == "*":
            return any(matches(p[1:], n[i:]) for i in range(len(n) + 1))
        return bool(n) and (p[0] in ("?", n[0])) and matches(p[1:], n[1:])

    rights = held(allow("iot:Publish", ARN + "topic/" + pattern))
    assert rights.may("iot:Publish", "topic/" + name) == matches(pattern, name)


def test_a_variable_has_the_value_of_who_asks() -> None:
    statements = [
        allow("iot:Publish", ARN + "topic/ven/ack/${iot:Connection.Thing.ThingName}"),
        allow("iot:Connect", ARN + "client/${iot:ClientId}"),
    ]
    for who in (DEVICE, Principal("ven2", "ven2", frozenset())):
        rights = held(*statements, who=who)
        assert rights.may("iot:Publish", f"topic/ven/ack/{who.client}")
        assert rights.may("iot:Connect", f"client/{who.client}")
        assert not rights.may("iot:Publish", "topic/ven/ack/other")


@pytest.mark.parametrize(
    "who",
    [Principal("script", "ven1", frozenset()), Principal("ven1", None, frozenset())],
    ids=["another client id", "over HTTP"],
)
def test_a_variable_without_a_value_makes_its_statement_match_nothing(who: Principal) -> None:
    thing = "${iot:Connection.Thing.ThingName}"
    rights = held(
        allow("iot:Publish", [ARN + f"topic/{thing}", ARN + f"topic/{thing}*", ARN + "topic/a"]),
        deny("iot:Publish", ARN + "topic/${iot:Connection.Thing.Attributes[x]}*"),
        who=who,
    )
    assert rights.may("iot:Publish", "topic/a")
    assert not rights.may("iot:Publish", "topic/ven1")


def test_a_special_letter_can_be_escaped() -> None:
    rights = held(allow("iot:Publish", ARN + "topic/a${*}${?}${$}"))
    assert rights.may("iot:Publish", "topic/a*?$")
    assert not rights.may("iot:Publish", "topic/abcd")


def test_a_value_is_never_read_as_a_pattern() -> None:
    who = Principal("v*", "v*", frozenset())
    rights = held(allow("iot:Publish", ARN + "topic/${iot:ClientId}"), who=who)
    assert rights.may("iot:Publish", "topic/v*") and not rights.may("iot:Publish", "topic/vx")


def test_only_a_thing_that_is_attached_passes_the_condition() -> None:
    attached = {"Bool": {"iot:Connection.Thing.IsAttached": ["true"]}}
    statement = allow("iot:Connect", "*", Condition=attached)
    assert held(statement).may("iot:Connect", "client/ven1")
    other = Principal("ven2", "ven1", frozenset())
    assert not held(statement, who=other).may("iot:Connect", "client/ven2")


@pytest.mark.parametrize(
    ("used", "conditions"),
    [
        ((), {"lasting": True, "any but lasting": True, "lasting only": False, "plain": True}),
        (("PersistentConnect",),
         {"lasting": True, "any but lasting": False, "lasting only": True, "plain": False}),
        (("LastWill",),
         {"lasting": False, "any but lasting": True, "lasting only": False, "plain": False}),
        (("PersistentConnect", "LastWill"),
         {"lasting": False, "any but lasting": False, "lasting only": True, "plain": False}),
    ],
)  # fmt: skip
def test_connect_attributes_are_compared_as_the_guide_shows(
    used: tuple[str, ...], conditions: dict[str, bool]
) -> None:
    lasting = {"iot:ConnectAttributes": ["PersistentConnect"]}
    said = {
        "lasting": {"ForAllValues:StringEquals": lasting},
        "any but lasting": {"ForAllValues:StringNotEquals": lasting},
        "lasting only": {"ForAnyValue:StringEquals": lasting},
        "plain": {"ForAllValues:StringEquals": {"iot:ConnectAttributes": []}},
    }
    who = Principal("ven1", "ven1", frozenset(used))
    for name, expected in conditions.items():
        rights = held(allow("iot:Connect", "*", Condition=said[name]), who=who)
        assert rights.may("iot:Connect", "client/ven1") == expected, name


def test_documents_add_up() -> None:
    one = {"Version": "2012-10-17", "Statement": allow("iot:Publish", ARN + "topic/a")}
    two = {"Version": "2012-10-17", "Statement": [deny("iot:Publish", "*")]}
    rights = PolicyRights(read_policy(json.dumps([one]), "x"), DEVICE)
    both = PolicyRights(read_policy(json.dumps([one, two]), "x"), DEVICE)
    assert rights.may("iot:Publish", "topic/a") and not both.may("iot:Publish", "topic/a")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("{", "my.json is not JSON"),
        ("[]", "no policy document"),
        ('{"Version":"2012-10-17"}', "has no Statement"),
        ({"Effect": "Maybe", "Action": "iot:Publish", "Resource": "*"}, "an Effect of Allow"),
        ({"Effect": "Allow", "Resource": "*"}, "statement 1 needs Action"),
        (allow("iot:Publish", []), "needs Resource"),
        (allow("iot:Publish", "topic/a"), "'topic/a' is neither an ARN nor *"),
        ({**allow("iot:Publish", "*"), "NotAction": "iot:*"},
         "NotAction, which the stand-in does not support"),
        (allow("iot:Publish", "*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
         "the stand-in does not support the condition IpAddress"),
        (allow("iot:Publish", "*", Condition=["Bool"]), "Condition must be an object of objects"),
        (allow("iot:Publish", "*", Condition={"StringEquals": {"iot:Domain": "x"}}),
         "the stand-in does not support the condition key iot:Domain"),
        (allow("iot:Publish", [ARN + f"topic/{n:04}" for n in range(50)]),
         "AWS accepts at most 2048"),
    ],
)  # fmt: skip
def test_a_document_that_cannot_be_held_to_is_refused_in_a_sentence(said: Any, words: str) -> None:
    text = said if isinstance(said, str) else json.dumps({"Statement": [said]})
    with pytest.raises(PolicyError) as fault:
        read_policy(text, "my.json")
    assert words in str(fault.value)
