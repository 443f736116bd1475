"""A real `venctl run` under a service manager, and the unit file that Debian's systemd is given."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from .faulty_panel import faulty, set_faults
from .manager import Manager
from .site import ROOT, STEADY, Site, until

UNIT = ROOT / "deploy" / "venctl.service"
WATCHDOG_S = 3.0
ANALYZE = shutil.which("systemd-analyze")
with_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not here")


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
    assert not [said for said in manager.all("STATUS") if "no look" in said or "call" in said]

    set_faults(watched.folder, {"all": {"look": 13}})
    until(lambda: "no look" in manager.all("STATUS")[-1], "a look that does not end", 60)
    assert watched.state()["alarms"][-1]["id"] == "stalled"
    set_faults(watched.folder, {})
    stalls = len(manager.heard())
    until(lambda: "no look" not in manager.all("STATUS")[-1], "the end of that look", 60)
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
