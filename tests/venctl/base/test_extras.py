"""What is installed only where it is wanted, and the sentence that says what to install."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from venctl.base import extras
from venctl.cli.check import check

SITE = """site: {id: v, service: 24 kW}
links: {garage: {ocpp: "127.0.0.1:8887"}}
circuits:
  ev1: {type: ev, rated: 7 kW, shed: 100 %, driver: {ocpp: CP001, on: garage}}
"""


def test_what_is_installed_is_not_missing() -> None:
    assert [extras.missing(speaks) for speaks in ("http", "mqtt", "ocpp", "bacnet")] == [None] * 4


@pytest.mark.parametrize("speaks", ["ocpp", "bacnet"])
def test_what_is_not_installed_is_named(speaks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    assert f"pip install 'venctl[{speaks}]'" in (extras.missing(speaks) or "")


def test_check_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    file = tmp_path / "ven.yaml"
    file.write_text(SITE)
    asked = {"names": False, "keys": False, "defaults": False, "json": False, "state": None}
    assert check(argparse.Namespace(file=file, **asked)) == 0
    assert "ocpp needs a library that is not installed: pip install 'venctl[ocpp]'" in (
        capsys.readouterr().out
    )
