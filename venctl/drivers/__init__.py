"""Drivers that hold, switch and read circuits, and the panel that commands them."""

from .driver import Driver
from .driver_call import LAST_S, TIMEOUT_S
from .panel import Panel

__all__ = ["LAST_S", "TIMEOUT_S", "Driver", "Panel"]
