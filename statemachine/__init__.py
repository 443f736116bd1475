"""The deciding part of the controller: reads ven.yaml, and decides what to do on a trigger.

Nothing here reads a clock, opens a socket or touches a file. `read` turns text into a `Spec`.
`Ven(spec).decide(memory, trigger)` returns new memory and a list of effects.
"""

from . import vocabulary
from .audit.reader import read
from .decide.ven import Ven
from .kit.errors import SpecError, VenError
from .site.spec import Spec

__all__ = ["Spec", "SpecError", "Ven", "VenError", "read", "vocabulary"]
