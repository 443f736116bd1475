"""The controller without its hands: what ven.yaml says, and what to do about a trigger.

Nothing here reads a clock, opens a socket or touches a file. `read` turns text into a `Spec`;
`Ven(spec).decide(memory, trigger)` answers with new memory and a list of effects.
"""

from . import vocabulary
from .audit.reader import read
from .decide.ven import Ven
from .kit.errors import SpecError, VenError
from .site.spec import Spec

__all__ = ["Spec", "SpecError", "Ven", "VenError", "read", "vocabulary"]
