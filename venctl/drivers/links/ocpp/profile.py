"""Charging profiles: what a charger is told, and what it says that holds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from statemachine.kit.localtime import utc_text

Unit: TypeAlias = Literal["A", "W"]
LEAST_AMPS = 6  # IEC 61851: below this a car does not charge
LEASE_S = 120
EARLY_MS = 20_000  # a charger's clock may be slow; a profile that begins later would leave a gap
FIRST_ID = 7_000


@dataclass(frozen=True, slots=True)
class ProfileTerms:
    """How a charger takes a limit: in amperes or watts, and at which level of its stack."""

    unit: Unit = "A"
    level: int = 0


@dataclass(frozen=True, slots=True)
class Limit:
    """What was told: amperes on each phase, watts in all, and its end in UTC ms.

    `ends_ms` None: there is no limit of ours; the numbers are all that the circuit may draw.
    """

    amps: int
    watts: int
    ends_ms: int | None

    def rounded(self) -> Limit:
        """0 A, or 6 A and more: below that a car does not charge, and would be told to."""
        return self if self.amps >= LEAST_AMPS else Limit(0, 0, self.ends_ms)


def profile_id(connector: int) -> int:
    """Of each outlet its own, so that the next profile replaces the last."""
    return FIRST_ID + connector


def profile_of(connector: int, limit: Limit, terms: ProfileTerms, now_ms: int) -> dict[str, Any]:
    """A profile that ends by itself, as csChargingProfiles of SetChargingProfile."""
    ends_ms = limit.ends_ms or now_ms + LEASE_S * 1000
    lease_s = max(1, math.ceil((ends_ms - now_ms) / 1000))
    begins = utc_text(now_ms - EARLY_MS)
    return {
        "charging_profile_id": profile_id(connector),
        "stack_level": terms.level,
        "charging_profile_purpose": "TxDefaultProfile",
        "charging_profile_kind": "Absolute",
        "valid_from": begins,
        "valid_to": utc_text(now_ms + min(lease_s, LEASE_S) * 1000),
        "charging_schedule": {
            "start_schedule": begins,
            "duration": min(lease_s + EARLY_MS // 1000, LEASE_S),
            "charging_rate_unit": terms.unit,
            "charging_schedule_period": [
                {
                    "start_period": 0,
                    "limit": float(limit.watts if terms.unit == "W" else limit.amps),
                }
            ],
        },
    }


def terms_of(settings: Mapping[str, str]) -> ProfileTerms:
    """What a charger's settings say about profiles; amperes if they do not say watts alone."""
    units = {unit.strip() for unit in settings.get(RATE_UNIT, "").lower().split(",")}
    power_only = bool(units & {"power", "w"}) and not units & {"current", "a"}
    level = settings.get(STACK_LEVEL, "").strip()
    known = level.isascii() and level.isdigit() and len(level) <= 4
    return ProfileTerms("W" if power_only else "A", int(level) if known else 0)


RATE_UNIT = "ChargingScheduleAllowedChargingRateUnit"
STACK_LEVEL = "ChargeProfileMaxStackLevel"
TERMS = [RATE_UNIT, STACK_LEVEL]


def settings_of(answer: Mapping[str, Any]) -> dict[str, str]:
    """The settings in an answer of GetConfiguration."""
    keys = answer.get("configuration_key")
    return {
        str(entry["key"])[:50]: str(entry["value"])[:500]
        for entry in (keys if isinstance(keys, list) else ())[:500]
        if isinstance(entry, dict) and entry.get("key") and entry.get("value") is not None
    }


def scheduled(schedule: Any) -> tuple[float, Unit] | None:
    """The limit at present of a GetCompositeSchedule answer; None: it says nothing sensible."""
    if not isinstance(schedule, Mapping):
        return None
    unit = schedule.get("charging_rate_unit")
    periods = schedule.get("charging_schedule_period")
    if unit not in ("A", "W") or not isinstance(periods, list):
        return None
    for period in periods:
        if isinstance(period, Mapping) and period.get("start_period") == 0:
            limit: Any = period.get("limit")
            if type(limit) in (int, float, Decimal) and 0 <= limit < 1e6:
                return float(limit), unit
    return None


def utc_ms_of(text: object) -> int | None:
    """A charger's time in UTC ms; None if it is none. Without a zone it is UTC."""
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        said = datetime.fromisoformat(text)
        aware = said if said.tzinfo is not None else said.replace(tzinfo=UTC)
        return round(aware.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
