"""A real `venctl run` under a service manager, and the unit file that Debian's systemd is given."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from statemachine.decide.progress import CALL_MS, LOOK_MS, TIMER_MS
from tests.kit.paths import ROOT
from tests.kit.process.service_manager import Manager
from tests.kit.process.site import STEADY, Site, until
from tests.kit.simulated.faulty_panel import faulty, set_faults
from tests.kit.tools import tool
from venctl.cli import parser
from venctl.cli.kit.until_stopped import GRACE_S
from venctl.controller import CLOSE_S
from venctl.drivers import LAST_S, TIMEOUT_S

UNIT = ROOT / "deploy" / "venctl.service"
WATCHDOG_S = 3.0


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    one = Manager(str(tmp_path / "notify"), WATCHDOG_S)
    yield one
    one.close()


@pytest.fixture
def watched(tmp_path: Path, manager: Manager) -> Iterator[Site]:
    one = Site(tmp_path, STEADY, {**faulty(tmp_path), **manager.environ}).start()
    yield one
    one.close()


def test_the_service_manager_hears_of_the_start_of_events_of_reloads_and_of_the_end(
    watched: Site, manager: Manager
) -> None:
    until(lambda: manager.all("READY") == ["1"], "READY=1")
    until(
        lambda: "link connected; no events; no circuits held" in manager.all("STATUS"), "its status"
    )
    watched.venctl("trigger", "event", "--shed", "2 kW", "--for", "5 min")
    held = "link connected; 1 event; 3 circuits held"
    until(lambda: manager.all("STATUS")[-1] == held, "what is held")
    watched.process.send_signal(signal.SIGHUP)
    until(lambda: len(manager.all("READY")) == 2, "READY=1 after the reload")
    reload = [name for said in manager.heard() for name in said if name in ("RELOADING", "READY")]
    assert reload == ["READY", "RELOADING", "READY"]
    assert watched.stop() == 0
    assert manager.heard()[-1] == {"STOPPING": "1", "STATUS": "stopping"}
    assert manager.all("STOPPING") == ["1"]


def test_devices_that_hang_do_not_end_the_feeding_and_a_look_that_does_not_end_does(
    watched: Site, manager: Manager
) -> None:
    """Real seconds: what must not stall us is longer than what would."""
    stuck = {"hold": "deaf", "switch": "thread", "readings": "hang"}
    set_faults(watched.folder, {"heater1": stuck, "lights1": stuck})
    watched.venctl("trigger", "event", "--shed", "2 kW", "--for", "5 min")
    before = len(manager.all("WATCHDOG"))
    until(lambda: len(manager.all("WATCHDOG")) > before + 13, "13 s of feeding", 60)
    assert not [
        said for said in manager.all("STATUS") if "have not been read" in said or "call" in said
    ]

    set_faults(watched.folder, {"all": {"look": 13}})
    until(lambda: "have not been read" in manager.all("STATUS")[-1], "a look that does not end", 60)
    assert watched.state()["alarms"][-1]["id"] == "stalled"
    set_faults(watched.folder, {})
    stalls = len(manager.heard())
    until(lambda: "have not been read" not in manager.all("STATUS")[-1], "the end of that look", 60)
    names = [set(said) for said in manager.heard()[stalls:]]
    assert "WATCHDOG" not in set().union(*names[:-1])
    fed = len(manager.all("WATCHDOG"))
    until(lambda: len(manager.all("WATCHDOG")) > fed, "feeding again")
    assert "stalled" not in [alarm["id"] for alarm in watched.state()["alarms"]]


def test_a_driver_that_lets_nothing_else_run_ends_the_feeding(
    watched: Site, manager: Manager
) -> None:
    set_faults(watched.folder, {"heater1": {"readings": "block"}})
    until(lambda: not _goes_on(manager), "the end of the feeding", 60)
    assert watched.process.poll() is None


def test_a_process_that_is_stopped_is_not_fed_and_one_that_goes_on_is(
    watched: Site, manager: Manager
) -> None:
    assert _goes_on(manager)
    watched.process.send_signal(signal.SIGSTOP)
    until(lambda: not _goes_on(manager), "the end of the feeding", 60)
    watched.process.send_signal(signal.SIGCONT)
    until(lambda: _goes_on(manager), "feeding again", 60)


def _goes_on(manager: Manager) -> bool:
    """Whether it is fed within the time after which systemd would kill."""
    before = len(manager.all("WATCHDOG"))
    try:
        until(lambda: len(manager.all("WATCHDOG")) > before, "feeding", WATCHDOG_S)
    except AssertionError:
        return False
    return True


def test_a_service_manager_that_goes_away_is_not_missed(watched: Site, manager: Manager) -> None:
    manager.close()
    Path(manager.environ["NOTIFY_SOCKET"]).unlink()
    assert watched.venctl("reload").returncode == 0
    assert watched.venctl("trigger", "event", "--shed", "2 kW", "--for", "5 min").returncode == 0
    assert watched.stop() == 0
    assert "Traceback" not in watched.said() and "ERROR" not in watched.said()


def test_a_socket_in_no_folder_is_heard_too(tmp_path: Path) -> None:
    manager = Manager(f"@venctl-test-{os.getpid()}")
    site = Site(tmp_path, STEADY, manager.environ).start()
    try:
        until(lambda: manager.all("READY") == ["1"], "READY=1")
        assert site.stop() == 0
        assert manager.all("STOPPING") == ["1"] and not manager.all("WATCHDOG")
    finally:
        site.close()
        manager.close()


# -- the unit file --------------------------------------------------------------------------------


def said(name: str) -> list[str]:
    """Every value of a setting, in order."""
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit as on a machine where it is installed."""
    file = tmp_path / UNIT.name
    file.write_text(UNIT.read_text().replace("/opt/venctl/bin/venctl", shutil.which("true") or ""))
    return file


def analyze(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tool("systemd-analyze"), *map(str, args)], capture_output=True, text=True, timeout=60
    )


def test_systemd_finds_nothing_wrong_with_the_unit(unit: Path) -> None:
    done = analyze("verify", "--man=no", unit)
    assert done.returncode == 0 and UNIT.name not in done.stderr, done.stderr


def test_systemd_finds_the_service_well_shut_in(unit: Path) -> None:
    done = analyze("security", "--offline=true", "--threshold=15", "--no-pager", unit)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr


@pytest.mark.parametrize(
    "line",
    [
        "Type=notify",
        "DynamicUser=yes",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "MemoryMax=256M",
        "Restart=always",
        "RestartSec=2",
        "WatchdogSec=30",
        "CapabilityBoundingSet=",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "SystemCallFilter=@system-service",
        "MemoryDenyWriteExecute=yes",
        "LimitCORE=0",
    ],
)
def test_the_unit_shuts_the_service_in(line: str) -> None:
    assert line in UNIT.read_text().splitlines()


def test_what_the_unit_starts_are_commands_of_the_program() -> None:
    for command in said("ExecStart") + said("ExecReload"):
        program, *words = command.split()
        assert Path(program).name == "venctl" and parser().parse_args(words).file.is_absolute()


def test_the_unit_waits_for_as_long_as_a_stop_may_take() -> None:
    (stop_s,) = map(float, said("TimeoutStopSec"))
    assert stop_s > 3 > GRACE_S + LAST_S + CLOSE_S


def test_what_is_late_within_its_limit_is_never_the_end_of_it() -> None:
    """It is asked again each second, so a part may be late twice over before systemd acts."""
    (watchdog_s,) = map(float, said("WatchdogSec"))
    assert max(LOOK_MS, TIMER_MS, CALL_MS) / 1000 <= watchdog_s / 3


def test_the_state_of_a_service_is_where_systemd_keeps_it(tmp_path: Path, manager: Manager) -> None:
    there = tmp_path / "state"
    environ = {"STATE_DIRECTORY": str(there), **manager.environ}
    site = Site(tmp_path, STEADY, environ).start()
    try:
        assert (there / "journal.db").exists() and not (tmp_path / ".venctl").exists()
    finally:
        site.close()


def test_the_page_about_the_service_gives_the_limits_of_the_program() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    for said in (
        f"ended within the last {LOOK_MS // 1000} s",
        f"due for more than {TIMER_MS // 1000} s",
        f"on a circuit for more than {CALL_MS // 1000} s",
        f"given up after {TIMEOUT_S:g} s",
    ):
        assert said in page, said
