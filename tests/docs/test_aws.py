"""docs/aws.md: its commands are run as typed, up to the point at which AWS would have to answer."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from statemachine import read
from tests.kit.paths import ROOT

TEXT = (ROOT / "docs" / "aws.md").read_text("utf-8")
AWS = Path(sys.executable).with_name("aws")
NOBODY = "Could not connect to the endpoint URL"
# What AWS would say is made up; that each command is complete and its values fit is not: the aws
# command checks them against the service's model before it looks for somebody to send them to.
SHELL = f"""
set -u
export AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x AWS_DEFAULT_REGION=us-west-2 AWS_MAX_ATTEMPTS=1
aws() {{
  "{AWS}" "$@" --endpoint-url http://127.0.0.1:9 2>>said.txt
  echo "$*" >>ran.txt
  case "$2" in
    get-caller-identity) echo 123456789012 ;;
    create-keys-and-certificate)
      touch ven.key; echo arn:aws:iot:us-west-2:123456789012:cert/{"a" * 64} ;;
  esac
}}
venctl() {{ PYTHONPATH="{ROOT}" "{sys.executable}" -m venctl "$@" || exit 1; }}
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ven.yaml").write_text((ROOT / "ven.yaml").read_text())
    return tmp_path


def test_every_aws_command_is_one_that_aws_would_take(folder: Path) -> None:
    if not AWS.exists():
        pytest.fail("no aws command: pip install -e '.[test]'")
    script = SHELL + blocks("sh")[0] + blocks("sh")[2]
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ran, said = (folder / "ran.txt").read_text(), (folder / "said.txt").read_text()
    asked = len(ran.splitlines())
    assert asked == script.count("aws iot") + script.count("aws sts")
    assert said.count(NOBODY) == asked, said
    assert (folder / "ven.key").stat().st_mode & 0o077 == 0


def test_its_ven_yaml_is_one(folder: Path) -> None:
    spec = read(blocks("yaml")[0], "ven.yaml")
    assert (spec.cloud.kind, spec.cloud.cert, spec.cloud.key) == ("aws", "ven.pem", "ven.key")


def test_every_step_of_the_doctor_is_in_its_table() -> None:
    from venctl.doctor.steps import STEPS

    table = re.findall(r"^\| ([a-z, ]+) \|", TEXT, re.MULTILINE)
    named = [word for cell in table for word in cell.split(", ")]
    assert named == ["step", *(step.__name__ for step in STEPS)]


@pytest.mark.parametrize("figure", ["2 s to 120 s", "connection of 30 s", "1 h after a loss"])
def test_its_figures_are_those_in_force(figure: str) -> None:
    from venctl.base.backoff import FAR
    from venctl.link.endpoint import SESSION_EXPIRY_S

    assert figure in TEXT
    assert (FAR.least_ms, FAR.most_ms, FAR.steady_ms) == (1_000, 120_000, 30_000)
    assert SESSION_EXPIRY_S == 3600
