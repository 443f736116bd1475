"""A reading of a meter, and how old it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """A reading in watts, and how old it is."""

    watts: int
    age_ms: int
