"""What devices report beside their readings, as alarms of the site."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from venctl.device_reports import DeviceReports


class Alarms:
    """Those that stand, by what they are about."""

    def __init__(self) -> None:
        self.standing: dict[str, str] = {}

    def raise_alarm(self, kind: str, text: str, about: str) -> None:
        self.standing[about] = text

    def end(self, kind: str, about: str) -> None:
        self.standing.pop(about, None)


def test_what_is_noticed_is_an_alarm_until_it_is_over_or_the_program_starts_anew() -> None:
    alarms: Any = Alarms()
    runtime: Any = SimpleNamespace(
        memory=SimpleNamespace(circuits={"a": None, "b": None}),
        ven=SimpleNamespace(spec=SimpleNamespace(name_of=lambda id: f"Circuit {id}")),
    )
    reports = DeviceReports(runtime, lambda: None, lambda: alarms)  # type: ignore[arg-type,return-value]
    reports.noticed("a", "it started anew 4 times in a day")
    assert [*alarms.standing.values()] == ["Circuit a: it started anew 4 times in a day"]
    reports.noticed("a", None)
    assert alarms.standing == {}
    reports.noticed("b", "it was switched off 50 times in a day")
    reports.begin()
    assert alarms.standing == {}
