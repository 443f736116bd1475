"""The note of a circuit that a test has switched off, kept on the disk until it is on again.

It is written before the circuit is switched, so that after a crash the next `venctl run` or
`venctl circuits test` knows that nobody but the test had it off.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ..base.private_files import read_text, write_private

NAME = "circuits-test-off.json"


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """A circuit, and its driver as declared; `held_w` is what it was held at, None: it was free."""

    circuit: str
    driver: str
    held_w: int | None


class Unfinished:
    """The note in a state folder."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / NAME
        self.found = self._read()
        """What a test that was cut off has left."""

    def begin(self, off: SwitchedOff) -> None:
        """Note it. Raises OSError: then nothing may be switched."""
        write_private(self._file, json.dumps(asdict(off)) + "\n")
        self.found = off

    def done(self, circuit: str) -> None:
        """It stands as before."""
        if self.found is not None and self.found.circuit == circuit:
            self.found = None
            with suppress(OSError):
                self._file.unlink(missing_ok=True)

    def is_off(self, circuit: str, driver: str) -> bool:
        """Whether a test may have left this circuit off."""
        found = self.found
        return found is not None and (found.circuit, found.driver) == (circuit, driver)

    def _read(self) -> SwitchedOff | None:
        try:
            kept = json.loads(read_text(self._file))
            held_w = kept["held_w"]
            if held_w is not None and type(held_w) is not int:
                return None
            return SwitchedOff(str(kept["circuit"]), str(kept["driver"]), held_w)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
