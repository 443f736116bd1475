"""All back now, at the page."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.kit.process.site import Backend, Site, until

from .test_page import accessible


def test_everything_is_back_after_one_question_and_the_operator_is_not_heard_for_a_while(
    page: Page, site: Site, backend: Backend
) -> None:
    call = {"op": "event", "event_id": "e1", "shed_kw": 2.0, "duration_sec": 600}
    assert backend.ask(call)["status"] == "accepted"
    page.get_by_role("button", name="All back now").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("All back now?")
    expect(question).to_contain_text("Called by the grid operator: 2\u00a0kW")
    accessible(page)
    question.get_by_label("Reason, for the record").fill("guests")
    question.get_by_role("button", name="All back now").click()
    expect(page.locator(".toasts")).to_contain_text("All load is coming back.")
    circuits = page.get_by_role("region", name="Circuits")
    expect(circuits).to_contain_text("only people here can call an event")
    accessible(page)
    page.set_viewport_size({"width": 320, "height": 640})
    accessible(page)
    until(lambda: not site.state()["events"], "the end of the event", 60)
    assert backend.ask({**call, "event_id": "e2"})["reason"] == "opted_out"


def test_without_an_event_it_asks_no_reason_and_may_be_left(page: Page, site: Site) -> None:
    page.get_by_role("button", name="All back now").click()
    question = page.get_by_role("dialog")
    expect(question.get_by_label("Reason")).to_have_count(0)
    question.get_by_role("button", name="Leave as it is").click()
    expect(page.get_by_role("button", name="All back now")).to_be_focused()
    assert site.state()["shut_until"] is None
