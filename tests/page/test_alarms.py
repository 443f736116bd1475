"""What the page says when the controller itself is in trouble, and when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.kit.process.faulty_disk import Disk
from tests.kit.process.site import Site, until

from .test_page import accessible


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / ".venctl")


@pytest.fixture
def site(tmp_path: Path, disk: Disk) -> Iterator[Site]:
    one = Site(tmp_path, env=disk.env).start().connected()
    yield one
    one.close()


def test_a_full_disk_is_said_above_all_else_and_gone_when_it_is_over(
    page: Page, site: Site, disk: Disk
) -> None:
    disk.full()
    page.locator("[data-circuit=lights1]").get_by_role("switch").click()
    alarm = page.get_by_role("region", name="Notice")
    expect(alarm).to_contain_text("Decisions cannot be stored")
    expect(alarm).to_contain_text("Since ")
    expect(page.get_by_role("banner")).to_contain_text("needs attention")
    switch = page.locator("[data-circuit=lights1]").get_by_role("switch")
    expect(switch).not_to_be_checked()  # what a person does at the site is done all the same
    accessible(page)
    page.set_viewport_size({"width": 320, "height": 640})
    accessible(page)
    disk.well()
    expect(alarm).to_have_count(0)
    until(lambda: not site.state()["alarms"], "the end of the alarm")


def test_memory_that_was_lost_is_said_until_somebody_has_seen_it(page: Page, site: Site) -> None:
    site.stop()
    (journal,) = site.folder.glob(".venctl/*/journal.db")
    journal.write_bytes(b"no journal at all " * 1_000)
    site.start()
    alarm = page.get_by_role("region", name="Notice")
    expect(alarm).to_contain_text("The journal could not be used")
    expect(alarm).to_contain_text("Check that circuits, locks and events are as they should be")
    accessible(page)
    site.kill()
    site.start()
    expect(alarm).to_contain_text("The journal could not be used")
    assert site.venctl("alarms").returncode == 1
    page.get_by_role("button", name="Acknowledge").click()
    expect(alarm).to_have_count(0)
    expect(page.get_by_role("banner")).to_contain_text("Live")
    assert site.venctl("alarms").stdout == "no alarms\n"
