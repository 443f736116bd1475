"""Every file of secrets in every state: refused and said, made anew and said, or waited for."""

from __future__ import annotations

import io
import json
import logging
import os
import ssl
import stat
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from statemachine import read
from statemachine.site.cloud import Cloud
from tests.kit.mqtt.certificates import Authority
from tests.kit.mqtt.mosquitto import free_port
from tests.kit.process.secret_files import NOBODY, STATES, bring, shared_folder, soon, told
from tests.kit.process.site import STEADY, Site, until
from tests.venctl.folder.test_site_token import GOOD, LAN
from venctl.base.policy import documents
from venctl.base.private_files import write_private
from venctl.cli import (
    doctor,
    main,
    shadow,
    trigger,
)
from venctl.cli import (
    plan as planning,
)
from venctl.cli import (
    reload as editing,
)
from venctl.cli import (
    status as running,
)
from venctl.folder.site_token import read_token, site_token
from venctl.folder.state_folder import in_force_text, interrupted_text
from venctl.link.endpoint import password_of, plain_endpoint, secret_of
from venctl.link.tls import ConfigProblem, check_usable
from venctl.standin.certificates import contexts, identities
from venctl.standin.start import CannotStart, Ports, stand_in_of

LOADED = (doctor, editing, planning, running, shadow, trigger)  # nobody could load them later
Table = dict[str, str]
UNREAD = {
    "missing": "No such file or directory",
    "a directory": "Is a directory",
    "no permission": "Permission denied",
    "a dangling link": "No such file or directory",
    "a pipe": "A pipe or a device, not a file",
}


def every(table: Table) -> list[tuple[str, str]]:
    """The rows of a table, which leaves out no state."""
    assert table.keys() == set(STATES)
    return [(state, table[state]) for state in STATES]


@pytest.fixture
def folder() -> Iterator[Path]:
    with shared_folder() as made:
        yield made


# ---------------------------------------------------------------- the password of a broker


def password(folder: Path) -> str:
    try:
        return f"taken: {secret_of(folder / 'secret')}"
    except ConfigProblem as wrong:
        return str(wrong).replace(str(folder), ".")


ABSENT = {
    state: f"./secret cannot be read: {why}; create it, or name another file"
    for state, why in UNREAD.items()
}
EMPTY = "./secret is empty; replace it, or name another file"


@pytest.mark.parametrize(
    ("state", "said"),
    every(
        ABSENT
        | {
            "empty": EMPTY,
            "blank": EMPTY,
            # Nobody can tell; the broker does.
            "truncated": "taken: s3cre",
            "binary": "the password file ./secret is not text in UTF-8; "
            "write only the password into it",
            "open to others": "the password file ./secret is open to other users (mode 0644); "
            "run `chmod 600 ./secret`",
        }
    ),
)
def test_a_password_file_that_is_no_good_refuses_the_start(
    folder: Path, state: str, said: str
) -> None:
    write_private(folder / "secret", "s3cret-of-broker")
    bring(folder / "secret", state)
    assert told(password, folder, state) == said


@pytest.mark.parametrize(
    ("word", "variable", "said"),
    [
        ("env:BROKER", None, "the environment variable BROKER, which `password` names, is not set"),
        (
            "env:BROKER",
            "",
            "the environment variable BROKER is empty; set it to the broker's password",
        ),
        ("env:BROKER", " \t", "the environment variable BROKER is empty; "),
        ("env:BROKER", "\u200b", "the environment variable BROKER is empty; "),
        ("env:BROKER", "\udcff", "the environment variable BROKER is empty; "),
        ("env:BROKER", "\udcffs", "the environment variable BROKER is not text"),
        (
            "env:BROKER",
            "x" * 65_536,
            "the environment variable BROKER is longer",
        ),
        (
            "env:",
            None,
            "`password` names no environment variable; write it like env:BROKER_PASSWORD",
        ),
        ("", None, "`password` is empty; set it, or remove `password` from ven.yaml"),
        ("  ", None, "`password` is empty; set it, or remove `password` from ven.yaml"),
        ("\ufeff\u00a0", None, "`password` is empty; set it, or remove `password` from ven.yaml"),
        ("x" * 65_536, None, "`password` is longer than MQTT allows (65535 bytes); set it, "),
    ],
)
def test_a_password_that_no_broker_can_be_told_refuses_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, word: str, variable: str | None, said: str
) -> None:
    monkeypatch.delenv("BROKER", raising=False)
    if variable is not None:
        monkeypatch.setenv("BROKER", variable)
    with pytest.raises(ConfigProblem) as wrong:
        password_of(Cloud(kind="mqtt", host="a.b", password=word), tmp_path)
    assert str(wrong.value).startswith(said)


INTO = "write only the password into it"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xef\xbb\xbf\r\n", f"the password file ./secret is empty; {INTO}"),
        (b"\0\0\0", f"the password file ./secret is empty; {INTO}"),
        ("\u00a0".encode(), f"the password file ./secret is empty; {INTO}"),
        ("\u200b\n".encode(), f"the password file ./secret is empty; {INTO}"),
        (b"\xef\xbb\xbfs3cret\r\n", "taken: s3cret"),
        (" pass\u00a0word ".encode(), "taken:  pass\u00a0word "),
        (b"x" * 65_536, "the password file ./secret is longer than MQTT allows (65535 bytes); "
                        + INTO),
    ],
)  # fmt: skip
def test_of_a_password_file_counts_what_somebody_wrote_into_it(
    folder: Path, content: bytes, said: str
) -> None:
    write_private(folder / "secret", content)
    assert password(folder) == said


def test_the_longest_password_is_one_that_mqtt_can_carry(folder: Path) -> None:
    write_private(folder / "secret", "ä" * 32_767 + "x\n")
    assert password(folder) == f"taken: {'ä' * 32_767}x"


# ---------------------------------------------------------------- files of another user


def strange(file: Path) -> None:
    """Healthy, of mode 0600, and of a user that is neither we nor root nor whose the folder is."""
    if os.geteuid():
        pytest.skip("only root gives files away")
    os.chown(file, NOBODY, NOBODY)


OTHERS = f"owned by another user ({NOBODY})"


def test_a_secret_that_another_user_owns_is_open_to_that_user(folder: Path) -> None:
    owned = "make the user that runs venctl its owner"
    write_private(folder / "secret", "s3cret-of-broker")
    strange(folder / "secret")
    assert password(folder) == f"the password file ./secret is {OTHERS}; {owned}"
    Authority(folder, "ca").client("v1")
    strange(folder / "v1.key")
    assert cloud_files(folder) == f"the key ./v1.key is {OTHERS}; {owned}"
    stand_in(folder)
    strange(folder / "server.key")
    assert f"./server.key was {OTHERS}" in stand_in(folder)
    write_private(folder / "token", GOOD)
    strange(folder / "token")
    assert read_token(folder) == ("", OTHERS)
    assert site_token(folder)[1] == f"the token was replaced: it was {OTHERS}"


def test_a_secret_may_be_owned_by_whom_its_folder_belongs_to(folder: Path) -> None:
    """A container runs as root in the folder of somebody; `sudo venctl state` asks a service."""
    write_private(folder / "secret", "s3cret-of-broker")
    strange(folder / "secret")
    strange(folder)
    assert password(folder) == "taken: s3cret-of-broker"


def test_a_secret_that_systemd_shows_to_us_alone_may_be_open_to_its_group(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An access list lets us in; the permissions then show its mask."""
    file = folder / "password"
    write_private(file, "hidden\n")
    file.chmod(0o440)
    with pytest.raises(ConfigProblem, match="open to other users"):
        secret_of(file)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    assert secret_of(file) == "hidden"


def test_a_start_that_is_refused_for_a_password_says_so_in_one_line(tmp_path: Path) -> None:
    cloud = f"cloud: {{kind: mqtt, host: 127.0.0.1, port: {free_port()}, password_file: secret}}"
    os.mkfifo(tmp_path / "secret", 0o600)
    site = Site(tmp_path, STEADY.replace("cloud: {kind: local}", cloud, 1))
    done = site.venctl("run", "--port", "0")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"venctl: {tmp_path}/secret cannot be read: A pipe or a device, not a file; "
        "create it, or name another file"
    ]


# ---------------------------------------------------------------- certificate, key and CA


def cloud_files(folder: Path) -> str:
    cert, key, ca = (folder / name for name in ("v1.crt", "v1.key", "ca.pem"))
    place = replace(plain_endpoint("127.0.0.1", 8883, "v1"), cert=cert, key=key, ca=ca)
    try:
        check_usable(place)
    except ConfigProblem as wrong:
        return str(wrong).replace(str(folder), ".")
    return "taken"


def unusable(name: str, others: str, damaged: str) -> list[tuple[str, str, str]]:
    gone = {
        state: f"./{name} cannot be read: {why}; create it, or name another file"
        for state, why in UNREAD.items()
    }
    empty = f"./{name} is empty; replace it, or name another file"
    more = {"empty": empty, "blank": empty, "open to others": others}
    rows = every(gone | more | {"truncated": damaged, "binary": damaged})
    return [(name, state, said) for state, said in rows]


PAIR = "./v1.crt and ./v1.key are not a certificate and an unencrypted key in PEM format"
OPEN = "the key ./v1.key is open to other users (mode 0644); run `chmod 600 ./v1.key`"
CA = "./ca.pem contains no CA certificate in PEM format"


@pytest.mark.parametrize(
    ("name", "state", "said"),
    [
        *unusable("v1.crt", "taken", PAIR),
        *unusable("v1.key", OPEN, PAIR),
        *unusable("ca.pem", "taken", CA),
    ],
)
def test_what_we_show_to_a_broker_is_of_no_use_for_a_reason_that_is_said(
    folder: Path, name: str, state: str, said: str
) -> None:
    Authority(folder, "ca").client("v1")
    assert cloud_files(folder) == "taken"
    bring(folder / name, state)
    answer = told(cloud_files, folder, state)
    assert answer.startswith(said) and (answer == "taken" or "; " in answer)


def test_a_key_that_is_a_pipe_is_waited_for_and_the_site_runs_meanwhile(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    authority.client("v1")
    bring(tmp_path / "v1.key", "a pipe")
    files = "cert: v1.crt, key: v1.key, ca: ca.pem"
    cloud = f"cloud: {{kind: aws, endpoint: 127.0.0.1, port: {free_port()}, {files}}}"
    site = Site(tmp_path, STEADY.replace("cloud: {kind: local}", cloud, 1)).start()
    try:
        assert "v1.key cannot be read: A pipe or a device" in site.state()["link"]["detail"]
        (tmp_path / "v1.key").unlink()
        authority.client("v1")
        until(lambda: "Connection refused" in (site.state()["link"]["detail"] or ""), "an attempt")
    finally:
        site.close()


# ---------------------------------------------------------------- the stand-in's identities


def stand_in(folder: Path) -> str:
    """What is logged of the identities, which are all of use afterwards."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    logger = logging.getLogger("venctl.standin.certificates")
    logger.addHandler(handler)
    try:
        who = identities(folder, datetime.now(UTC))
    finally:
        logger.removeHandler(handler)
    contexts(who)
    ca = x509.load_pem_x509_certificate(who.ca.read_bytes())
    for pair in (who.server, who.device, who.operator):
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(pair.cert, pair.key)
        x509.load_pem_x509_certificate(pair.cert.read_bytes()).verify_directly_issued_by(ca)
        assert stat.S_IMODE(pair.key.stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "ca.key").stat().st_mode) == 0o600
    return said.getvalue().strip().replace(str(folder), ".") or "nothing"


MADE_ANEW = {state: f" could not be read: {why}" for state, why in UNREAD.items()} | {
    "empty": " was empty",
    "blank": " was empty",
    "truncated": " was damaged",
    "binary": " was damaged",
    "open to others": " was open to other users (mode 0644)",
}


@pytest.mark.parametrize("name", [f"{who}.{end}" for who in ("ca", "server", "device", "operator")
                                  for end in ("pem", "key")])  # fmt: skip
@pytest.mark.parametrize(("state", "why"), every(MADE_ANEW))
def test_an_identity_of_the_stand_in_that_is_no_good_is_made_anew_and_that_is_said(
    folder: Path, name: str, state: str, why: str
) -> None:
    stand_in(folder)
    bring(folder / name, state)
    who, _, end = name.partition(".")
    new = {"ca": "created a new CA and new certificates"}
    made = new.get(who, f"created a new {who} certificate")
    said = f"the stand-in {made}, because ./{name}{why}"
    public = state == "open to others" and end == "pem"
    assert told(stand_in, folder, state) == ("nothing" if public else said)
    assert soon(lambda: stand_in(folder)) == "nothing", "once is enough"


def test_a_ca_whose_key_is_of_another_is_made_anew(folder: Path) -> None:
    stand_in(folder)
    (folder / "ca.key").write_bytes((folder / "server.key").read_bytes())
    assert stand_in(folder).endswith("./ca.pem was for another key than ca.key")


def test_at_the_first_start_nothing_is_said_of_identities(folder: Path) -> None:
    assert stand_in(folder) == "nothing"


def test_where_identities_cannot_be_kept_the_start_is_refused(folder: Path) -> None:
    spec = read("site: {id: v1}\ncloud: {kind: local, tls: true}\ncircuits: {a: {rated: 1 kW}}", "")
    (folder / "tls").touch()
    with pytest.raises(CannotStart) as refused:
        stand_in_of(spec, folder, folder, Ports(0, 0))
    assert f"it has no certificates and cannot create them in {folder}/tls: File exists; " in str(
        refused.value
    )


# ---------------------------------------------------------------- the policy of the stand-in

SITE = read(
    "site: {id: v1}\ncloud: {kind: local, policy: policy.json}\ncircuits: {a: {rated: 1 kW}}",
    "here",
)


def policy(folder: Path) -> str:
    try:
        stand_in_of(SITE, folder, folder / "cloud", Ports(0, 0)).cloud.stop()
    except CannotStart as refused:
        return str(refused).replace(str(folder), ".").partition("; correct `policy`")[0]
    return "taken"


@pytest.mark.parametrize(
    ("state", "said"),
    every(
        {state: f"the policy ./policy.json cannot be read: {why}" for state, why in UNREAD.items()}
        | {
            "empty": "the policy cannot be used: policy.json is empty",
            "blank": "the policy cannot be used: policy.json is empty",
            "truncated": "the policy cannot be used: policy.json is not JSON: ",
            "binary": "the policy ./policy.json cannot be read: Not UTF-8",
            "open to others": "taken",
        }
    ),
)
def test_a_policy_that_is_no_good_refuses_the_start(folder: Path, state: str, said: str) -> None:
    """There is no secret in it: everybody may read it."""
    policies = documents(SITE, "local", "000000000000")
    write_private(folder / "policy.json", json.dumps(policies))
    bring(folder / "policy.json", state)
    answer = told(policy, folder, state)
    assert answer.startswith(said) and (answer == said or said.endswith(": "))


def test_a_policy_of_endless_depth_is_refused(folder: Path) -> None:
    (folder / "policy.json").write_text("[" * 100_000)
    assert policy(folder).startswith("the policy cannot be used: policy.json is not JSON: ")


# ---------------------------------------------------------------- the copy of what is in force


def copy_in_force(folder: Path) -> str:
    found = interrupted_text(folder / "ven.yaml", folder)
    text = "nothing" if found is None else found[1]
    write_private(folder / "in-force.yaml", in_force_text(folder / "ven.yaml", "site: {}"))
    assert stat.S_IMODE((folder / "in-force.yaml").stat().st_mode) == 0o600
    assert interrupted_text(folder / "ven.yaml", folder) == (folder, "site: {}")
    return text


@pytest.mark.parametrize(
    ("state", "said"),
    # A faulty ven.yaml then refuses the start; what is open to others is closed at that start.
    every(dict.fromkeys(STATES, "nothing") | {"open to others": "site: {id: v1}"}),
)
def test_a_copy_that_is_no_good_is_left_alone_and_written_anew(
    folder: Path, caplog: pytest.LogCaptureFixture, state: str, said: str
) -> None:
    write_private(folder / "in-force.yaml", in_force_text(folder / "ven.yaml", "site: {id: v1}"))
    bring(folder / "in-force.yaml", state)
    assert told(copy_in_force, folder, state) == said
    if state in ("binary", "a directory", "a pipe"):
        assert f"{folder}/in-force.yaml cannot be read: " in caplog.text


# ---------------------------------------------------------------- commands to the one that runs

COMMANDS = (
    ("state",), ("events",), ("shadow",), ("reload",),
    ("trigger", "ping"), ("trigger", "event", "--shed", "1 kW", "--at", "18:00"),
)  # fmt: skip


def commands(folder: Path) -> str:
    """What every command says, which is one and the same sentence, and its exit code."""
    answers = {_answer(folder, *command) for command in COMMANDS}
    assert len(answers) == 1, answers
    code, said = answers.pop()
    return f"{code}: {said}".replace(str(folder), ".")


def _answer(folder: Path, *command: str) -> tuple[int, str]:
    out, said = io.StringIO(), io.StringIO()
    file = [str(folder / "ven.yaml")]
    where = file if command == ("reload",) else ["--file", *file]
    with redirect_stdout(out), redirect_stderr(said):
        code = main([*command, *where, "--state", str(folder)])
    assert not out.getvalue()
    return code, said.getvalue().strip().removeprefix("venctl: ")


@pytest.fixture(scope="module")
def lan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("lan"), LAN).start()
    yield site
    site.close()


@pytest.fixture
def beside(folder: Path, lan: Site) -> Path:
    """A state folder that names the controller on the network, with a token of its own."""
    (folder / "ven.yaml").write_text(LAN)
    write_private(folder / "controller.json", json.dumps(lan.ready))
    write_private(folder / "token", GOOD)
    return folder


@pytest.mark.parametrize(
    ("state", "why"),
    every(
        {state: f"unreadable ({why})" for state, why in UNREAD.items()}
        | {
            "missing": "missing",
            "empty": "empty",
            "blank": "blank",
            "truncated": "too short (96 bits; at least 128 are needed)",
            "binary": "not UTF-8",
            "open to others": "open to other users (mode 0644)",
            "a dangling link": "a link to a file that does not exist",
        }
    ),
)
def test_commands_say_why_they_have_no_token(beside: Path, lan: Site, state: str, why: str) -> None:
    bring(beside / "token", state)
    assert told(commands, beside, state) == (
        f"3: the controller at {lan.ready['web']} requires its token, but "
        f"./token is {why}; restart the controller"
    )


def test_commands_with_another_token_say_so_and_those_with_the_right_one_get_in_meanwhile(
    beside: Path, lan: Site
) -> None:
    for _ in range(2):
        assert commands(beside) == (
            f"3: the controller at {lan.ready['web']} requires its token, but the token in its "
            "state folder has changed since it started; restart the controller"
        )
    assert lan.venctl("state").returncode == 0


def test_a_plan_is_made_for_the_site_that_runs_or_for_the_file_and_never_mixed_up(
    beside: Path,
) -> None:
    code, said = _answer(beside, "plan", "--shed", "1 kW")
    assert code == 3 and "requires its token" in said
    (beside / "controller.json").unlink()
    out = io.StringIO()
    with redirect_stdout(out):
        main(["plan", "--shed", "1 kW", "--file", f"{beside}/ven.yaml", "--state", str(beside)])
    assert "no controller is running; each circuit is assumed at its typical load" in out.getvalue()


@pytest.mark.parametrize("state", STATES)
def test_commands_say_that_nobody_answers_whatever_the_token_is(
    beside: Path, lan: Site, state: str
) -> None:
    gone = f"127.0.0.1:{free_port()}"
    write_private(beside / "controller.json", json.dumps({**lan.ready, "web": gone}))
    bring(beside / "token", state)
    said = told(commands, beside, state)
    assert said.startswith(f"3: no controller answers at {gone}: ")


@pytest.mark.parametrize("state", [state for state in STATES if state != "open to others"])
def test_commands_find_nobody_where_it_is_not_written_who_runs(beside: Path, state: str) -> None:
    bring(beside / "controller.json", state)
    said = told(commands, beside, state)
    assert said == "3: no controller is running for this ven.yaml; start it with `venctl run`"


@pytest.mark.parametrize("text", ["[]", "3", "{}", '{"web": 1}', "[" * 100_000, "null"])
def test_commands_find_nobody_in_json_of_another_kind(beside: Path, text: str) -> None:
    (beside / "controller.json").write_text(text)
    assert commands(beside).startswith("3: no controller is running for this ven.yaml")
    assert _answer(beside, "env") == (
        3,
        "no controller with a stand-in is running for this ven.yaml",
    )
